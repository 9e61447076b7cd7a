"""Reads PDFs: words and rules of each page with pdfplumber, pictures of pages with pdfium, attached XML files."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pdfplumber
import pypdfium2 as pdfium  # type: ignore[import-untyped]
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfminer.pdfparser import PDFSyntaxError

from workers.documents.errors import UnreadableBroken, UnreadableEncrypted, UnreadableTooLarge
from workers.documents.limits import MAX_OCR_SIDE_PX, MAX_PAGE_CHARS, MAX_PAGE_RULES, MAX_PDF_PAGES, MAX_XML_BYTES
from workers.documents.model import Page, Rule, Word

_MIN_WORDS = 8
_GARBLED = re.compile(r"\(cid:\d+\)|[\ue000-\uf8ff\ufffd\u0600-\u06ff\x00-\x08]")


@dataclass(frozen=True, slots=True)
class PdfPage:
    """A page as its file states it; `pictured` when a picture covers most, `garbled` when its text is unusable."""

    page: Page
    pictured: bool
    garbled: bool

    @property
    def needs_ocr(self) -> bool:
        return self.garbled or (len(self.page.words) < _MIN_WORDS and self.pictured)


def check_pdf(data: bytes) -> int:
    """Return the number of pages, or say why the PDF cannot be opened.

    Raises:
        UnreadableEncrypted: A password is needed.
        UnreadableBroken: It is damaged or has no page.
        UnreadableTooLarge: It has more pages than the limit.
    """
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableEncrypted("the PDF is protected by a password; ask the sender for one without") from error
        raise UnreadableBroken("the PDF is damaged and cannot be opened; ask the sender to export it again") from error
    try:
        count = len(document)
    finally:
        document.close()
    if count == 0:
        raise UnreadableBroken("the PDF has no page; ask the sender to export it again")
    if count > MAX_PDF_PAGES:
        raise UnreadableTooLarge(f"the PDF must have at most {MAX_PDF_PAGES} pages, got {count}; split it")
    return count


def attached_xml(data: bytes) -> list[bytes]:
    """Return the XML files attached to a PDF, each within the size limit."""
    document = pdfium.PdfDocument(data)
    try:
        found: list[bytes] = []
        for index in range(document.count_attachments()):
            attachment = document.get_attachment(index)
            if attachment.get_name().lower().endswith(".xml"):
                content = bytes(attachment.get_data())
                if len(content) <= MAX_XML_BYTES:
                    found.append(content)
        return found
    except pdfium.PdfiumError:
        return []
    finally:
        document.close()


def read_pages(data: bytes) -> Iterator[PdfPage]:
    """Yield the pages of a PDF one by one, forgetting each before the next is read."""
    try:
        with pdfplumber.open(io.BytesIO(data)) as document:
            for page in document.pages:
                yield _read_page(page)
                page.close()
    except PDFPasswordIncorrect as error:
        raise UnreadableEncrypted("the PDF is protected by a password; ask the sender for one without") from error
    except PDFSyntaxError as error:
        raise UnreadableBroken(f"the PDF is damaged ({error}); ask the sender to export it again") from error


def _read_page(page: Any) -> PdfPage:
    chars = page.chars[:MAX_PAGE_CHARS]
    pictured = _pictured(page)
    upright = _turn(page, chars)
    words = [
        Word(word["text"], word["x0"], word["top"], word["x1"], word["bottom"])
        for word in upright.extract_words(
            x_tolerance_ratio=0.15, y_tolerance=2, use_text_flow=False, keep_blank_chars=False
        )
    ]
    text = " ".join(word.text for word in words)
    garbled = bool(text) and len(_GARBLED.findall(text)) > max(3, 0.05 * len(words))
    return PdfPage(
        Page(page.page_number, float(page.width), float(page.height), tuple(words), tuple(_rules(page))),
        pictured,
        garbled,
    )


def _turn(page: Any, chars: list[dict[str, Any]]) -> Any:
    return page.dedupe_chars(tolerance=0.7) if len(chars) < MAX_PAGE_CHARS else page


def _pictured(page: Any) -> bool:
    area = float(page.width) * float(page.height)
    return any((image["x1"] - image["x0"]) * (image["bottom"] - image["top"]) > 0.5 * area for image in page.images)


def _rules(page: Any) -> Iterator[Rule]:
    """Yield drawn lines: strokes, thin rectangles, and the sides of boxes."""
    for shape in [*page.lines, *page.rects][:MAX_PAGE_RULES]:
        x0, top, x1, bottom = shape["x0"], shape["top"], shape["x1"], shape["bottom"]
        if x1 - x0 < 2.5 or bottom - top < 2.5:
            yield Rule(x0, top, x1, bottom)
        elif shape["object_type"] == "rect" and bottom - top > 8 and (shape.get("stroke") or not shape.get("fill")):
            yield Rule(x0, top, x1, top)
            yield Rule(x0, bottom, x1, bottom)
            yield Rule(x0, top, x0, bottom)
            yield Rule(x1, top, x1, bottom)


def render(data: bytes, number: int) -> Any:
    """Return page `number` (from 1) as an RGB array of height x width x 3, fine enough to recognise text in."""
    document = pdfium.PdfDocument(data)
    try:
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(200 / 72, MAX_OCR_SIDE_PX / max(width, height, 1.0))
        bitmap = page.render(scale=scale, rev_byteorder=True)
        return bitmap.to_numpy().copy(), scale
    finally:
        document.close()
