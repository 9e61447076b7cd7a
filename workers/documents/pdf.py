"""Reads the pages of PDFs: words and rules with pdfplumber, or with pdfium where that fails, pictures with pdfium."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pdfplumber
import pypdfium2 as pdfium  # type: ignore[import-untyped]
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfminer.pdfexceptions import PDFException
from pdfminer.psexceptions import PSException

from workers.documents.errors import UnreadableBroken, UnreadableEncrypted
from workers.documents.glance import Glance, Prepared, words_on
from workers.documents.limits import MAX_OCR_SIDE_PX, MAX_PAGE_RULES
from workers.documents.model import Page, Rule, Word

_MIN_WORDS = 40
_GARBLED = re.compile(r"\(cid:\d+\)|[\ue000-\uf8ff\ufffd\u0600-\u06ff\x00-\x08]")
_BOLD = re.compile(r"bold|black|heavy|semibold|demi|,b|-bd\b|bd$", re.IGNORECASE)
_PDF_FAULTS = (
    PDFException,
    PSException,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
    struct.error,
    zlib.error,
)  # what damaged pages make pdfminer raise


@dataclass(frozen=True, slots=True)
class PdfPage:
    """A page as its file states it.

    `pictured`: a picture covers most of it. `garbled`: its text is unusable. `layered`: its text is not drawn, so it
    is what a scanner's software recognised.
    """

    page: Page
    pictured: bool
    garbled: bool
    layered: bool

    @property
    def needs_ocr(self) -> bool:
        """Tell whether its words must be recognised from its picture."""
        return self.garbled or (self.pictured and (self.layered or len(self.page.words) < _MIN_WORDS))

    @property
    def usable(self) -> bool:
        """Tell whether the text in the file is worth comparing with what is recognised."""
        return not self.garbled and len(self.page.words) >= _MIN_WORDS


def read_pages(prepared: Prepared) -> Iterator[PdfPage]:
    """Yield the pages of a PDF one by one, forgetting each before the next is read."""
    try:
        with pdfplumber.open(io.BytesIO(prepared.data)) as document:
            for page, glance in zip(document.pages, prepared.pages, strict=False):
                yield _read_page(page, glance, prepared.data)
                page.close()
    except PDFPasswordIncorrect as error:
        raise UnreadableEncrypted("the PDF is protected by a password; ask the sender for one without") from error
    except (PDFException, PSException) as error:
        raise UnreadableBroken(f"the PDF is damaged ({error}); ask the sender to export it again") from error


def _read_page(page: Any, glance: Glance, data: bytes) -> PdfPage:
    try:
        if glance.crowded:
            raise ValueError("too many objects to read one by one")
        words, rules, pictured = _words(page), tuple(_rules(page)), _pictured(page)
        width, height = float(page.width), float(page.height)
    except _PDF_FAULTS:
        width, height, words = words_on(data, page.page_number)
        rules, pictured = (), not words
    return PdfPage(Page(page.page_number, width, height, words, rules), pictured, _garbled(words), glance.invisible)


def _words(page: Any) -> tuple[Word, ...]:
    found = page.dedupe_chars(tolerance=0.7).extract_words(x_tolerance_ratio=0.15, y_tolerance=2, return_chars=True)
    return tuple(
        Word(word["text"], word["x0"], word["top"], word["x1"], word["bottom"], bold=_bold(word["chars"]))
        for word in found
    )


def _bold(chars: Sequence[dict[str, Any]]) -> bool:
    """Tell whether most of a word is set in a font whose name says that it is bold."""
    heavy = sum(1 for char in chars if _BOLD.search(str(char.get("fontname", ""))))
    return heavy > 0.5 * len(chars)


def _garbled(words: Sequence[Word]) -> bool:
    """Tell whether text is not what is printed: codes without letters behind them, or letters without vowels."""
    text = " ".join(word.text for word in words)
    if len(_GARBLED.findall(text)) > max(3, 0.05 * len(words)):
        return True
    long = re.findall(r"[^\W\d_]{4,}", text)
    silent = [word for word in long if not re.search(r"[aeiouyäöüáàâéèêëíîïóôúûæøåœ]", word, re.IGNORECASE)]
    return len(long) > 10 and len(silent) > 0.5 * len(long)


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
