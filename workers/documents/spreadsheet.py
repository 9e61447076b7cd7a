"""Reads sheets (XLSX, XLSM, XLS, XLSB, ODS) and character-separated text into grids.

No formula is run; the values stored with them are taken.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import datetime
import io
import re
import zipfile
import zlib
from decimal import Decimal
from typing import Any

import python_calamine

from workers.documents.errors import UnreadableBlank, UnreadableBroken, UnreadableEncrypted, UnreadableTooLarge
from workers.documents.limits import (
    MAX_CELL_CHARS,
    MAX_SHEET_CELLS,
    MAX_SHEET_COLUMNS,
    MAX_SHEET_ROWS,
    MAX_SHEETS,
    MAX_UNZIPPED_BYTES,
)
from workers.documents.model import Cell, Grid

_SEPARATORS = ";\t,|"
_SHEET_PATH = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\br\s*=\s*[\"'](\d{1,7})[\"'][^<>]*(?<!/)>")
_CELL = re.compile(rb"<(?:\w+:)?c\s[^<>]*?\br\s*=\s*[\"']([A-Za-z]{1,3})(\d{1,7})[\"'][^<>]*(?<!/)>")
_CHUNK_BYTES = 1024 * 1024
_LONGEST_TAG = 4096
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def check_zip(data: bytes) -> None:
    """Refuse an archive that unpacks to more than the limit.

    Raises:
        UnreadableBroken: It is no readable archive.
        UnreadableTooLarge: It would unpack to more than the limit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise UnreadableBroken("the archive is damaged; ask the sender to save the file again") from error
    if size > MAX_UNZIPPED_BYTES:
        raise UnreadableTooLarge(f"the workbook must unpack to at most {MAX_UNZIPPED_BYTES} bytes, got {size}")


def check_extent(data: bytes) -> None:
    """Refuse a workbook with a sheet whose used cells span too large an area: its reader holds every cell between them.

    Raises:
        UnreadableBroken: It is damaged.
        UnreadableTooLarge: A sheet spans too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if _SHEET_PATH.fullmatch(entry.filename):
                    _check_sheet(archive, entry)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise UnreadableBroken("the archive is damaged; ask the sender to save the file again") from error
    except RuntimeError as error:
        raise UnreadableEncrypted("the workbook is protected by a password; ask for one without") from error


def _check_sheet(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    rows, letters, tail = 0, b"", b""
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK_BYTES):
            text = tail + chunk
            cells = _CELL.findall(text)
            rows = max(rows, *(int(row) for row in _ROW.findall(text)), *(int(row) for _, row in cells), 0)
            letters = max(letters, *(name.upper() for name, _ in cells), b"", key=lambda name: (len(name), name))
            tail = text[-_LONGEST_TAG:]
    columns = 0
    for letter in letters:
        columns = columns * 26 + letter - ord("A") + 1
    if rows * columns > MAX_SHEET_CELLS:
        raise UnreadableTooLarge(
            f"a sheet's cells must span at most {MAX_SHEET_CELLS} places, got {rows} rows by {columns} columns"
        )


def read_workbook(data: bytes) -> list[Grid]:
    """Return the visible sheets of a workbook that hold anything.

    Raises:
        UnreadableEncrypted: It is protected by a password.
        UnreadableBroken: It is damaged.
        UnreadableBlank: No sheet holds anything.
        UnreadableTooLarge: It exceeds the limits.
    """
    if data[:4] == b"PK\x03\x04":
        check_zip(data)
        check_extent(data)
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        visible = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.visible is python_calamine.SheetVisibleEnum.Visible
            and sheet.typ is python_calamine.SheetTypeEnum.WorkSheet
        ]
        grids = [_grid(workbook, name) for name in visible[:MAX_SHEETS]]
    except python_calamine.PasswordError as error:
        raise UnreadableEncrypted("the workbook is protected by a password; ask for one without") from error
    except python_calamine.CalamineError as error:
        raise UnreadableBroken(f"the workbook is damaged ({error}); ask the sender to save it again") from error
    kept = [grid for grid in grids if grid.rows]
    if not kept:
        raise UnreadableBlank("the workbook has no filled cell")
    return kept


def _grid(workbook: Any, name: str) -> Grid:
    sheet = workbook.get_sheet_by_name(name)
    if sheet.height > MAX_SHEET_ROWS:
        raise UnreadableTooLarge(f"sheet {name!r} must have at most {MAX_SHEET_ROWS} rows, got {sheet.height}")
    rows = [tuple(_cell(value) for value in row[:MAX_SHEET_COLUMNS]) for row in sheet.to_python(skip_empty_area=False)]
    return Grid(name, trim(rows))


def _cell(value: object) -> Cell:
    if isinstance(value, bool) or value is None:
        return None if value is None else str(value)
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return str(value)
    text = str(value)[:MAX_CELL_CHARS].strip()
    return text or None


def _decimal(value: float) -> Decimal | None:
    """Return what the cell shows rather than its binary tail: 0.1 + 0.2 is 0.3."""
    if value != value or value in (float("inf"), float("-inf")):
        return None
    rounded = Decimal(repr(round(value, 10)))
    return Decimal(int(rounded)) if rounded == rounded.to_integral_value() else rounded


def trim(rows: list[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Drop empty rows at the end and make all rows equally long."""
    while rows and not any(cell is not None for cell in rows[-1]):
        rows.pop()
    width = max((len(row) for row in rows), default=0)
    return tuple(row + (None,) * (width - len(row)) for row in rows)


def decode(data: bytes) -> str:
    """Return text from bytes: by byte-order mark, by the zero bytes of UTF-16, as UTF-8, else as Windows-1252."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    head = data[:2000]
    if head.count(0) > 0.3 * len(head):
        return data.decode("utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def separator_of(text: str) -> str | None:
    """Return the character that separates cells: the one that cuts most lines in a row into equally many.

    A comma must do clearly better than the others, for it also stands in numbers.
    """
    sample = [line for line in text.splitlines()[:200] if line.strip()]
    if sample and sample[0].lower().startswith("sep=") and len(sample[0].strip()) == 5:
        return sample[0].strip()[4]
    runs = {separator: _longest_run(sample, separator) for separator in _SEPARATORS}
    best = max(runs, key=lambda separator: runs[separator])
    if runs[","] and best == ",":
        rivals = [separator for separator in _SEPARATORS if separator != "," and runs[separator] >= 0.7 * runs[","]]
        best = rivals[0] if rivals else best
    return best if runs[best] else None


def _longest_run(sample: list[str], separator: str) -> int:
    """Return how many lines in a row this separator cuts into the same number of cells, two at least; up to the first
    line that it cannot cut."""
    longest, run, before = 0, 0, 0
    with contextlib.suppress(csv.Error):
        for row in csv.reader(sample, delimiter=separator):
            run = run + 1 if len(row) == before else 1
            before = len(row)
            longest = max(longest, run) if before > 1 else longest
    return longest


def read_separated(text: str, separator: str | None = None) -> Grid:
    """Return character-separated text as one grid; the separator is found out unless given."""
    csv.field_size_limit(1_000_000)
    separator = separator or separator_of(text) or ","
    body = text.split("\n", 1)[1] if text[:4].lower() == "sep=" and "\n" in text else text
    rows: list[tuple[Cell, ...]] = []
    try:
        for row in csv.reader(io.StringIO(body, newline=""), delimiter=separator, skipinitialspace=True):
            if len(rows) == MAX_SHEET_ROWS:
                raise UnreadableTooLarge(f"the file must have at most {MAX_SHEET_ROWS} rows; split it")
            rows.append(tuple(cell.strip()[:MAX_CELL_CHARS] or None for cell in row[:MAX_SHEET_COLUMNS]))
    except csv.Error as error:
        raise UnreadableBroken(f"the file cannot be read as character-separated text ({error})") from error
    return Grid("", trim(rows))
