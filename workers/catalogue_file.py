"""Reads a catalogue file (CSV or XLSX) row by row: checks each row and says why one cannot be used."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from qconsole.errors import Unrecoverable
from workers.documents.errors import UnreadableDocument
from workers.documents.matching.tables import TableError, decode, delimiter_of
from workers.documents.spreadsheet import check_extent, check_zip

_NAMES = {
    "code": ("code", "impa", "impacode", "partnumber", "sku", "itemnumber", "articlenumber", "id"),
    "name": ("name", "title", "product", "productname", "shortdescription", "item"),
    "description": ("description", "longdescription", "details", "specification"),
    "brand": ("brand", "manufacturer", "maker"),
    "unit": ("unit", "uom", "unitofmeasure"),
    "price": ("price", "unitprice", "listprice"),
    "currency": ("currency", "curr"),
}
MAX_BYTES = 256 * 1024 * 1024
_GROUPED = re.compile(r"[1-9]\d{0,2},\d{3}")
"""Thousands to some, three digits behind the point to others."""

_LIMITS = {"code": 64, "name": 2_000, "description": 20_000, "brand": 255, "unit": 255, "currency": 3}


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of the file: its position, and either what it says or why it cannot be used."""

    position: int
    code: str | None
    values: dict[str, Any]
    reason: str
    content: str


def read_rows(content: bytes, *, after: int = 0) -> Iterator[FileRow]:
    """Yields the rows after a position (counted from 1, without the header).

    Raises:
        Unrecoverable: it is no table, or has no column for code or name.
    """
    rows = _table(content)
    header = next(rows, None)
    if header is None:
        raise Unrecoverable("the catalogue file is empty; it must have a header and one row for each product")
    columns = _columns(header)
    for position, cells in enumerate(rows, start=1):
        if position > after and any(cell.strip() for cell in cells):
            yield _row(position, cells, columns)


def _table(content: bytes) -> Iterator[Sequence[str]]:
    if content[:4] == b"PK\x03\x04":
        return _sheet(content)
    try:
        text = decode(content)
    except TableError as error:
        raise Unrecoverable(str(error)) from error
    return _checked(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text)))


def _checked(rows: Iterator[list[str]]) -> Iterator[Sequence[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise Unrecoverable(f"the catalogue file is not a CSV table: {error}") from error


def _sheet(content: bytes) -> Iterator[Sequence[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        check_zip(content)
        check_extent(content)
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    except (CalamineError, UnreadableDocument) as error:
        raise Unrecoverable(f"the catalogue file is not a workbook: {error}") from error
    return (["" if cell is None else _shown(cell) for cell in row] for row in sheet.iter_rows())


def _shown(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _columns(header: Sequence[str]) -> dict[str, int]:
    keys = ["".join(letter for letter in cell.lower() if letter.isalnum()) for cell in header]
    columns = {}
    for field, names in _NAMES.items():
        place = next((keys.index(name) for name in names if name in keys), None)
        if place is not None:
            columns[field] = place
    for needed in ("code", "name"):
        if needed not in columns:
            raise Unrecoverable(
                f"the catalogue file must have a column for {needed}, got {', '.join(header)[:200]}; rename one of them"
            )
    return columns


def _row(position: int, cells: Sequence[str], columns: dict[str, int]) -> FileRow:
    said = {
        field: cells[columns[field]].replace("\0", "").strip()
        if field in columns and columns[field] < len(cells)
        else ""
        for field in _NAMES
    }
    content = " | ".join(cells).replace("\0", "")[:500]
    price: Decimal | None = None
    reason = next((f"{field} is missing" for field in ("code", "name") if not said[field]), "")
    too_long = (field for field, limit in _LIMITS.items() if len(said[field]) > limit)
    reason = reason or next((f"{field} must be at most {_LIMITS[field]} characters" for field in too_long), "")
    if said["price"] and not reason:
        price = _amount(said["price"])
        if _GROUPED.fullmatch(said["price"]):
            reason = f"price must be clear, got {said['price']!r}; write it with a point and two digits behind it"
        elif price is None:
            reason = f"price must be a number not below 0, got {said['price'][:40]!r}"
    code = said["code"] if 0 < len(said["code"]) <= _LIMITS["code"] else None
    return FileRow(position, code, {"position": position, **said, "price": price}, reason, content)


def _amount(text: str) -> Decimal | None:
    cleaned = "".join(text.split()).replace("'", "")
    if "," in cleaned and cleaned.rfind(",") > cleaned.rfind("."):
        cleaned = cleaned.replace(".", "").replace(",", ".")
    try:
        amount = Decimal(cleaned.replace(",", ""))
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or amount >= 10**15:
        return None
    return amount.quantize(Decimal("0.000001")).normalize() + 0
