"""Looks a PDF over with pdfium before it is read: how much is on each page, which way its text runs.

Filled-in forms become part of the page here, and pages whose text runs up or down are turned.
"""

from __future__ import annotations

import ctypes
import io
import math
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as raw  # type: ignore[import-untyped]

from workers.documents.errors import UnreadableBroken, UnreadableEncrypted, UnreadableTooLarge
from workers.documents.limits import MAX_PAGE_CHARS, MAX_PAGE_OBJECTS, MAX_PDF_PAGES, MAX_XML_BYTES
from workers.documents.model import Word

_SAMPLE = 300
_INVISIBLE = 3


@dataclass(frozen=True, slots=True)
class Glance:
    """What a page holds at first sight. `invisible`: its text is not drawn, as a scanner's behind the picture."""

    chars: int
    invisible: bool
    crowded: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A PDF ready to be read, a glance at each page, and the XML files attached to it."""

    data: bytes
    pages: tuple[Glance, ...]
    attached: tuple[bytes, ...]


def prepare(data: bytes) -> Prepared:
    """Open a PDF and return it ready to be read.

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
        if count == 0:
            raise UnreadableBroken("the PDF has no page; ask the sender to export it again")
        if count > MAX_PDF_PAGES:
            raise UnreadableTooLarge(f"the PDF must have at most {MAX_PDF_PAGES} pages, got {count}; split it")
        form = document.get_formtype() != raw.FORMTYPE_NONE
        if form:
            document.init_forms()
        changed = False
        glances = []
        for number in range(count):
            glance, turned = _look(document, number, form=form)
            glances.append(glance)
            changed |= turned
        return Prepared(_saved(document) if changed else data, tuple(glances), tuple(_attached(document)))
    except pdfium.PdfiumError as error:
        raise UnreadableBroken(f"the PDF is damaged ({error}); ask the sender to export it again") from error
    finally:
        document.close()


def _saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _look(document: Any, number: int, *, form: bool) -> tuple[Glance, bool]:
    page = document[number]
    try:
        changed = form and page.flatten() == raw.FLATTEN_SUCCESS
        text = page.get_textpage()
        chars = text.count_chars()
        if chars > MAX_PAGE_CHARS:
            raise UnreadableTooLarge(f"page {number + 1} must have at most {MAX_PAGE_CHARS} characters, got {chars}")
        needed = _rotation(text, chars)
        text.close()
        if needed is not None and needed != page.get_rotation():
            page.set_rotation(needed)
            changed = True
        crowded = raw.FPDFPage_CountObjects(page) > MAX_PAGE_OBJECTS
        return Glance(chars, not crowded and _invisible(page), crowded), changed
    finally:
        page.close()


def _rotation(text: Any, chars: int) -> int | None:
    """Return the page rotation that brings most characters upright, or None when they disagree."""
    quarters: dict[int, int] = {}
    for index in range(0, chars, max(1, chars // _SAMPLE)):
        angle = raw.FPDFText_GetCharAngle(text, index)
        if angle >= 0 and chr(raw.FPDFText_GetUnicode(text, index)).isalnum():
            quarter = round(math.degrees(angle) / 90) % 4
            quarters[quarter] = quarters.get(quarter, 0) + 1
    if not quarters:
        return None
    best = max(quarters, key=lambda quarter: quarters[quarter])
    return best * 90 if quarters[best] > 0.7 * sum(quarters.values()) else None


def _invisible(page: Any) -> bool:
    modes = [
        raw.FPDFTextObj_GetTextRenderMode(found)
        for found, _ in zip(page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT]), range(_SAMPLE), strict=False)
    ]
    return bool(modes) and modes.count(_INVISIBLE) > 0.7 * len(modes)


def _attached(document: Any) -> list[bytes]:
    """Return the XML files attached to a PDF, each within the size limit."""
    found: list[bytes] = []
    for index in range(document.count_attachments()):
        try:
            attachment = document.get_attachment(index)
            if attachment.get_name().lower().endswith(".xml"):
                content = bytes(attachment.get_data())
                if len(content) <= MAX_XML_BYTES:
                    found.append(content)
        except pdfium.PdfiumError:
            continue
    return found


def words_on(data: bytes, number: int) -> tuple[float, float, tuple[Word, ...]]:
    """Return width, height and words of page `number` (from 1) as pdfium sees them, for pages nothing else can read."""
    document = pdfium.PdfDocument(data)
    try:
        page = document[number - 1]
        width, height = page.get_size()
        text = page.get_textpage()
        words: list[Word] = []
        current: list[tuple[str, float, float, float, float]] = []
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        for index in range(min(text.count_chars(), MAX_PAGE_CHARS)):
            sign = chr(raw.FPDFText_GetUnicode(text, index))
            raw.FPDFText_GetCharBox(text, index, left, right, bottom, top)
            if sign.isspace() or not sign.isprintable():
                words.extend(_word(current, height))
                current = []
                continue
            if current and (left.value - current[-1][2] > 8 or abs(bottom.value - current[-1][3]) > 8):
                words.extend(_word(current, height))
                current = []
            current.append((sign, left.value, right.value, bottom.value, top.value))
        words.extend(_word(current, height))
        return width, height, tuple(words)
    finally:
        document.close()


def _word(signs: list[tuple[str, float, float, float, float]], height: float) -> list[Word]:
    if not signs:
        return []
    text = "".join(sign for sign, *_ in signs)
    x0, x1 = min(sign[1] for sign in signs), max(sign[2] for sign in signs)
    bottom, top = min(sign[3] for sign in signs), max(sign[4] for sign in signs)
    return [Word(text, x0, height - top, x1, height - bottom)]
