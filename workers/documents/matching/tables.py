"""Reads catalogues and queries from CSV files with whatever columns, encoding and delimiter they come in.

Refuses, with one sentence, a file it cannot read, one without rows, and one without a column for the name.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from workers.documents.matching.catalogue import CatalogueRow, Line

MAX_BYTES = 512 * 1024 * 1024
_DELIMITERS = ",;\t|"
_ROLES: Mapping[str, tuple[str, ...]] = {
    "row_id": ("id", "rowid", "productid", "itemid", "lineid", "uid", "key", "no", "nr", "idabt", "idbuy"),
    "name": ("name", "title", "productname", "producttitle", "product", "itemname", "item", "bezeichnung", "text"),
    "description": ("description", "desc", "longdescription", "details", "beschreibung", "category", "features"),
    "brand": ("brand", "manufacturer", "maker", "vendor", "make", "mfr", "hersteller", "brandname"),
    "codes": (
        "modelno", "model", "modelnumber", "partnumber", "partno", "mpn", "sku", "impa", "impacode", "ean", "upc",
        "gtin", "code", "articlenumber", "itemnumber", "artikelnummer",
    ),
    "unit": ("unit", "uom", "unitofmeasure", "einheit"),
    "price": ("price", "unitprice", "listprice", "saleprice", "preis", "cost"),
}  # fmt: skip
_PRICE = re.compile(r"\d[\d.,' ]*")


class TableError(ValueError):
    """A file that cannot be used as a table; its text is the whole sentence for the user."""


def read_catalogue(path: Path) -> list[CatalogueRow]:
    """Returns the rows of a catalogue file; raises TableError when it cannot be used."""
    rows = []
    for fields in _read(path):
        rows.append(
            CatalogueRow(
                row_id=fields["row_id"][0],
                name=" ".join(fields["name"]),
                description=" ".join(fields["description"]),
                brand=" ".join(fields["brand"]),
                codes=tuple(fields["codes"]),
                unit=next(iter(fields["unit"]), ""),
                price=parse_price(next(iter(fields["price"]), "")),
            )
        )
    return rows


def read_lines(path: Path) -> list[Line]:
    """Returns the lines of a query file; raises TableError when it cannot be used."""
    return [
        Line(
            line_id=row.row_id,
            name=row.name,
            description=row.description,
            brand=row.brand,
            codes=row.codes,
            unit=row.unit,
            price=row.price,
        )
        for row in read_catalogue(path)
    ]


def parse_price(text: str) -> float | None:
    """Returns the amount in a price text such as `$1,299.00`, `1.299,00 EUR`; None when there is none above zero."""
    found = _PRICE.search(text)
    if not found:
        return None
    digits = found[0].strip().replace("'", "").replace(" ", "")
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma > point and (len(digits) - comma - 1 != 3 or point >= 0):
        digits = digits.replace(".", "").replace(",", ".")
    else:
        digits = digits.replace(",", "")
    try:
        amount = float(digits.rstrip("."))
    except ValueError:
        return None
    return amount if amount > 0 else None


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a UTF-8 CSV file; raises TableError when the place cannot be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
    except OSError as error:
        raise TableError(f"{path} cannot be written: {error.strerror or error}.") from error


def _read(path: Path) -> Iterable[dict[str, list[str]]]:
    text = _decode(path)
    try:
        table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text)) if any(row)]
    except csv.Error as error:
        raise TableError(f"{path} is not a CSV table: {error}. Save it as CSV and try again.") from error
    if not table:
        raise TableError(f"{path} is empty; it must have a header line and one row for each product.")
    if len(table) < 2:
        raise TableError(f"{path} has a header and no rows; it must have one row for each product.")
    columns = _columns(path, table[0])
    width = len(table[0])
    for position, row in enumerate(table[1:], start=1):
        fields: dict[str, list[str]] = {role: [] for role in _ROLES}
        for role, places in columns.items():
            fields[role] = [
                row[place].strip() for place in places if place < min(len(row), width) and row[place].strip()
            ]
        fields["row_id"] = fields["row_id"] or [str(position)]
        yield fields


def _decode(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TableError(
                f"{path} must be at most {MAX_BYTES // 2**20} MiB, got {path.stat().st_size // 2**20} MiB."
            )
        raw = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        return decode(raw)
    except TableError as error:
        raise TableError(f"{path} {error}") from error


def decode(raw: bytes) -> str:
    """Returns the text of a table in UTF-8, UTF-16 with a mark, or cp1252; raises TableError for what is no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw[:4096]:
        raise TableError("is not a text file; it must be a CSV table.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def delimiter_of(text: str) -> str:
    """Returns the sign that parts most columns in the header."""
    header = text.lstrip().partition("\n")[0]
    return max(_DELIMITERS, key=lambda sign: (header.count(sign), -_DELIMITERS.index(sign)))


def _columns(path: Path, header: Sequence[str]) -> dict[str, list[int]]:
    keys = ["".join(letter for letter in cell.lower() if letter.isalnum()) for cell in header]
    columns = {
        role: [place for name in names for place, key in enumerate(keys) if key == name]
        for role, names in _ROLES.items()
    }
    columns["row_id"] = columns["row_id"][:1]
    columns["name"] = columns["name"][:1]
    taken = {place for places in columns.values() for place in places}
    free = [place for place in range(len(keys)) if place not in taken]
    if not columns["name"]:
        if not columns["description"]:
            raise TableError(
                f"{path} must have a column called name or title, got {', '.join(header)[:200]}; rename one of them."
            )
        columns["name"], columns["description"] = columns["description"][:1], columns["description"][1:]
    if not columns["row_id"]:
        columns["row_id"] = [place for place in free if keys[place].endswith("id")][:1]
    return columns
