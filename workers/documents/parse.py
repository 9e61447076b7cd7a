"""Turns bytes into a parsed document: looks at what they are, not at the name, and hands them to the right reader."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workers.documents import ocr
from workers.documents.archive import is_archive, read_archive, read_envelope
from workers.documents.einvoice import read_einvoice
from workers.documents.errors import (
    UnreadableBlank,
    UnreadableBroken,
    UnreadableDocument,
    UnreadableKind,
    UnreadableTooLarge,
)
from workers.documents.glance import prepare
from workers.documents.limits import MAX_FILE_BYTES, MAX_OCR_PAGES
from workers.documents.mail import read_mail
from workers.documents.markup import read_html
from workers.documents.message import messages_in
from workers.documents.model import Kind, LineItem, Page, ParsedDocument
from workers.documents.pdf import read_pages, render
from workers.documents.plaintext import page_of_text
from workers.documents.spreadsheet import decode, read_separated, read_workbook, separator_of
from workers.documents.tnef import is_tnef
from workers.documents.word import is_word, read_word

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM", b"GIF8")
_LEADING_COMMENTS = re.compile(r"\A(?:\s*<!--.*?-->)+", re.DOTALL)
_MAIL_START = re.compile(
    rb"^(?:from|to|received|return-path|mime-version|subject|date|delivered-to|message-id|x-[\w-]+|content-type|reply-to|cc|dkim-signature|arc-[\w-]+|authentication-results):",
    re.IGNORECASE | re.MULTILINE,
)


def parse(data: bytes, *, name: str | None = None) -> ParsedDocument:
    """Return the document that `data` is.

    Args:
        data: The whole file.
        name: Its file name, used in errors only.

    Raises:
        UnreadableDocument: It cannot be read; the subclass and `reason` say why.
    """
    try:
        return _parse(data, name, 0)
    except UnreadableDocument as error:
        if error.name is None and name is not None:
            raise type(error)(error.reason, name=name) from error
        raise


def _parse(data: bytes, name: str | None, depth: int) -> ParsedDocument:
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableTooLarge(f"the file must be at most {MAX_FILE_BYTES} bytes, got {len(data)}")
    if not data.strip(b"\x00 \t\r\n"):
        raise UnreadableBlank("the file is empty")
    head = data[:2048]
    if b"%PDF-" in data[:1024] and not head.startswith(b"PK\x03\x04"):
        return _pdf(data, name)
    if head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return _image(data, name)
    if head[:4] == b"PK\x03\x04" and is_word(data):
        return read_word(data, name=name)
    if head[:4] == b"PK\x03\x04" and is_archive(data):
        return read_archive(data, name=name, depth=depth, read=_parse)
    if head[:4] == b"PK\x03\x04" or head.startswith(b"\xd0\xcf\x11\xe0"):
        return ParsedDocument(Kind.SPREADSHEET, name, grids=tuple(read_workbook(data)))
    if is_tnef(data):
        return read_envelope(data, name=name, depth=depth, read=_parse)
    return _text(data, name, depth)


def _text(data: bytes, name: str | None, depth: int) -> ParsedDocument:
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if len(_MAIL_START.findall(start)) >= 2 and _MAIL_START.match(start):
        return read_mail(data, name=name, depth=depth, read=_parse)
    text = decode(data)
    lowered = _LEADING_COMMENTS.sub("", text[:4096]).lstrip().lower()
    if re.match(r"<!doctype html|<html|<(?:head|body|table|div)\b", lowered):
        grids, plain = read_html(text)
        pages = tuple(page_of_text(message) for message in messages_in(plain))
        return ParsedDocument(Kind.HTML, name, pages, tuple(grids))
    if re.match(r"<\?xml|<[\w:]+[\s>]", lowered):
        return ParsedDocument(Kind.EINVOICE, name, lines=tuple(read_einvoice(data)))
    odd = sum(1 for sign in text[:4096] if (ord(sign) < 32 and sign not in "\t\r\n\f\v") or sign == "\ufffd")
    if odd > 0.02 * len(text[:4096]):
        raise UnreadableKind(
            "the file must be a PDF, a picture, a workbook, CSV, an e-invoice or a mail; it is none of them"
        )
    grids_ = (read_separated(text),) if separator_of(text) else ()
    return ParsedDocument(Kind.CSV if grids_ else Kind.TEXT, name, (page_of_text(text),), grids_)


def _pdf(data: bytes, name: str | None) -> ParsedDocument:
    prepared = prepare(data)
    lines = _einvoice_in(prepared.attached)
    if lines:
        return ParsedDocument(Kind.EINVOICE, name, lines=tuple(lines))
    pages: list[Page] = []
    layer: list[Page] = []
    recognised = 0
    for read in read_pages(prepared):
        if read.needs_ocr and recognised < MAX_OCR_PAGES and (ocr.available() or not read.usable):
            image, scale = render(prepared.data, read.page.number)
            pages.append(ocr.recognise(image, number=read.page.number, scale=scale))
            recognised += 1
        else:
            pages.append(read.page)
        if read.usable:
            layer.append(read.page)
    if not any(page.words for page in pages):
        raise UnreadableBlank("the PDF has no text and nothing could be recognised on it")
    kind = Kind.SCAN if recognised == len(pages) else Kind.PDF
    return ParsedDocument(kind, name, tuple(pages), layer=tuple(layer) if recognised else ())


def _einvoice_in(attached: Sequence[bytes]) -> list[LineItem]:
    for content in attached:
        try:
            lines = read_einvoice(content)
        except (UnreadableKind, UnreadableBroken, UnreadableTooLarge):
            continue
        if lines:
            return lines
    return []


def _image(data: bytes, name: str | None) -> ParsedDocument:
    pages = tuple(
        ocr.recognise(image, number=number, scale=max(image.shape[:2]) / 842)
        for number, image in enumerate(ocr.pictures(data), start=1)
    )
    if not any(page.words for page in pages):
        raise UnreadableBlank("no text could be recognised in the picture")
    return ParsedDocument(Kind.SCAN, name, pages)
