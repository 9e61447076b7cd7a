"""Reads HTML as people see it: its innermost tables as grids, all of it as lines of text. Nothing is loaded.

The printed lines of a cell stay apart by line feeds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from workers.documents.limits import MAX_CELL_CHARS, MAX_HTML_BYTES, MAX_SHEET_COLUMNS, MAX_SHEET_ROWS
from workers.documents.model import Cell, Grid
from workers.documents.spreadsheet import trim

_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript"})
_BREAKS = frozenset(
    {
        "p",
        "div",
        "br",
        "li",
        "ul",
        "ol",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "blockquote",
        "section",
        "pre",
        "tr",
        "table",
    }
)
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "col", "area", "base", "wbr", "source"})


@dataclass(slots=True)
class _Cell:
    columns: int
    rows: int
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    rows: list[list[_Cell]] = field(default_factory=list)
    nested: bool = False
    cell: _Cell | None = None


def _span(value: str | None) -> int:
    return max(1, min(int(value), 50)) if value and value.isdigit() else 1


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self.open: list[_Table] = []
        self.lines: list[str] = [""]
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _SILENT:
            self.silent += 1
        elif tag == "table":
            for table in self.open:
                table.nested = True
            self.open.append(_Table())
        elif tag == "tr" and self.open:
            self.open[-1].rows.append([])
            self.open[-1].cell = None
        elif tag in ("td", "th") and self.open:
            table = self.open[-1]
            if not table.rows:
                table.rows.append([])
            table.cell = _Cell(_span(given.get("colspan")), _span(given.get("rowspan")))
            table.rows[-1].append(table.cell)
            self.lines[-1] += "    "
        if tag in _BREAKS:
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag == "table" and self.open:
            self.tables.append(self.open.pop())
        elif tag in ("td", "th") and self.open:
            self.open[-1].cell = None
        if tag in _BREAKS and tag not in _VOID:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        text = " ".join(data.split())
        if not text:
            self.lines[-1] += " " if self.lines[-1] and not self.lines[-1].endswith(" ") else ""
            return
        cell = self.open[-1].cell if self.open else None
        spaced = f"{' ' if data[:1].isspace() else ''}{text}{' ' if data[-1:].isspace() else ''}"
        if cell is not None:
            cell.parts.append(spaced)
        self.lines[-1] += spaced if self.lines[-1] else spaced.lstrip()

    def _break(self, tag: str) -> None:
        if self.open and self.open[-1].cell is not None and tag != "tr":
            self.open[-1].cell.parts.append("\n")
            if tag != "br" and self.lines[-1].endswith("    "):
                return
        if self.lines[-1].strip():
            self.lines.append("")


def _printed(text: str) -> str:
    """Return the lines of a cell, each without odd white."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _grid(table: _Table) -> Grid:
    rows: list[list[Cell]] = []
    pending: dict[tuple[int, int], bool] = {}
    for index, cells in enumerate(table.rows[:MAX_SHEET_ROWS]):
        row: list[Cell] = []
        for cell in cells:
            while pending.pop((index, len(row)), False):
                row.append(None)
            for below in range(1, cell.rows):
                for across in range(cell.columns):
                    pending[(index + below, len(row) + across)] = True
            text = _printed("".join(cell.parts))[:MAX_CELL_CHARS]
            row.append(text or None)
            row.extend([None] * (cell.columns - 1))
        rows.append(row[:MAX_SHEET_COLUMNS])
    return Grid("", trim([tuple(row) for row in rows]))


def read_html(html: str) -> tuple[list[Grid], str]:
    """Return the innermost tables of `html` and its text, one printed line a line."""
    reader = _Reader()
    reader.feed(html[:MAX_HTML_BYTES])
    reader.close()
    tables = [*reader.tables, *reversed(reader.open)]
    grids = [_grid(table) for table in tables if not table.nested and table.rows]
    return [grid for grid in grids if grid.rows], "\n".join(line.rstrip() for line in reader.lines)
