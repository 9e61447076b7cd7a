"""Reads Word files (DOCX): tables as grids, tables and paragraphs together as lines of text. Nothing is loaded."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from workers.documents.errors import UnreadableBlank, UnreadableBroken
from workers.documents.limits import MAX_CELL_CHARS, MAX_SHEET_COLUMNS, MAX_SHEET_ROWS
from workers.documents.message import messages_in
from workers.documents.model import Cell, Grid, Kind, ParsedDocument
from workers.documents.plaintext import page_of_text
from workers.documents.spreadsheet import check_zip, trim

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BODY = "word/document.xml"


def is_word(data: bytes) -> bool:
    """Tell whether a ZIP file is a Word document."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _BODY in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError):
        return False


def read_word(data: bytes, *, name: str | None) -> ParsedDocument:
    """Return a Word document as its innermost tables and its text; deleted text is left out.

    Raises:
        UnreadableBlank: It has no text.
        UnreadableBroken: It is damaged.
        UnreadableTooLarge: It would unpack to more than the limit.
    """
    check_zip(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            content = archive.read(_BODY)
        parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
        body = etree.fromstring(content, parser).find(f"{_W}body")
    except (zipfile.BadZipFile, etree.XMLSyntaxError, RuntimeError, EOFError) as error:
        raise UnreadableBroken(f"the Word file is damaged ({error}); ask the sender to save it again") from error
    if body is None:
        raise UnreadableBroken("the Word file is damaged (it has no body); ask the sender to save it again")
    text = "\n".join(_lines(body))
    if not text.strip():
        raise UnreadableBlank("the Word file has no text")
    innermost = (table for table in body.iter(f"{_W}tbl") if table.find(f".//{_W}tbl") is None)
    grids = tuple(grid for table in innermost if (grid := _grid(table)).rows)
    return ParsedDocument(Kind.WORD, name, tuple(page_of_text(part) for part in messages_in(text)), grids)


def _lines(body: Any) -> Iterator[str]:
    """Yield the printed lines: a paragraph each, the cells of a row side by side."""
    for element in body:
        if element.tag == f"{_W}p":
            yield from _text(element).split("\n")
        elif element.tag == f"{_W}tbl":
            for row in element.iter(f"{_W}tr"):
                cells = ("".join(_text(part) for part in cell.iter(f"{_W}p")) for cell in row.iter(f"{_W}tc"))
                yield "    ".join(cell.replace("\n", " ") for cell in cells)
        elif element.tag == f"{_W}sdt":
            content = element.find(f"{_W}sdtContent")
            yield from _lines(content if content is not None else ())


def _text(paragraph: Any) -> str:
    signs = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
    return "".join(
        (element.text or "") if element.tag == f"{_W}t" else signs.get(element.tag, "") for element in paragraph.iter()
    )


def _grid(table: Any) -> Grid:
    rows: list[tuple[Cell, ...]] = []
    for row in table.iter(f"{_W}tr"):
        cells: list[Cell] = []
        for cell in row.iter(f"{_W}tc"):
            text = "\n".join(line for part in cell.iter(f"{_W}p") if (line := _text(part).strip()))
            span = cell.find(f"{_W}tcPr/{_W}gridSpan")
            width = span.get(f"{_W}val", "1") if span is not None else "1"
            cells += [text[:MAX_CELL_CHARS] or None, *[None] * (min(int(width), 50) - 1 if width.isdigit() else 0)]
        rows.append(tuple(cells[:MAX_SHEET_COLUMNS]))
        if len(rows) == MAX_SHEET_ROWS:
            break
    return Grid("", trim(rows))
