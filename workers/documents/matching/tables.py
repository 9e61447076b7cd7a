"""Reads catalogues and queries from CSV files with whatever columns, encoding and delimiter they come in.

Refuses, with one sentence, a file it cannot read, one without rows, and one without a column for the name.
"""

import csv
import html
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from workers.documents.matching.catalogue import CatalogueRow, Line

MAX_BYTES = 512 * 1024 * 1024
_DELIMITERS = ",;\t|"
_ROLES: Mapping[str, tuple[str, ...]] = {
    "row_id": ("id", "rowid", "productid", "itemid", "lineid", "uid", "key", "no", "nr", "idabt", "idbuy"),
    "name": ("name", "title", "productname", "producttitle", "product", "itemname", "item", "text", "bezeichnung",
             "artikel", "designation", "libelle", "titre", "nom", "nombre", "producto", "denominacion", "omschrijving",
             "naam", "titel"),
    "description": ("description", "desc", "longdescription", "details", "beschreibung", "category", "features"),
    "brand": ("brand", "manufacturer", "maker", "vendor", "make", "mfr", "hersteller", "marke", "brandname", "marque",
              "marca", "merk"),
    "codes": (
        "modelno", "model", "modelnumber", "partnumber", "partno", "mpn", "sku", "impa", "impacode", "ean", "upc",
        "gtin", "code", "articlenumber", "itemnumber", "artikelnummer",
    ),
    "unit": ("unit", "uom", "unitofmeasure", "einheit"),
    "price": ("price", "unitprice", "listprice", "saleprice", "cost", "preis", "prix", "precio", "prijs"),
}  # fmt: skip
_PARTLY: Mapping[str, tuple[str, ...]] = {
    "description": ("description", "category"), "brand": ("brand", "manufacturer", "vendor", "maker"),
    "codes": ("modelno", "partno", "mpn"), "price": ("price",), "name": ("title", "name"),
}  # fmt: skip
"""What a column's heading may hold, such as `left_title` or `Retail price`, when none is called by a role's name."""
_PRICE = re.compile(r"\d[\d.,' \u00a0\u202f]*")
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=(.)\"?[ \t]*\r?\n", re.IGNORECASE)


class TableError(ValueError):
    """A file that cannot be used as a table; its text is the whole sentence for the user."""


def read_catalogue(path: Path) -> list[CatalogueRow]:
    """Returns the rows of a catalogue file; raises TableError when it cannot be used."""
    rows = []
    for fields in _read(path):
        rows.append(
            CatalogueRow(
                row_id=fields["row_id"][0],
                name=next(iter(fields["name"]), ""),
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
    digits = re.sub(r"['\s]", "", found[0])
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma > point and (len(digits) - comma - 1 != 3 or point >= 0):
        digits = digits.replace(".", "").replace(",", ".")
    else:
        digits = digits.replace(",", "")
    try:
        amount = float(digits.rstrip("."))
    except ValueError:
        return None
    return amount if 0 < amount < math.inf else None


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
    told = _SEPARATOR_LINE.match(text)
    sign = told[1] if told else delimiter_of(text)
    if told:
        text = text[told.end() :]
    try:
        table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign) if "".join(row).strip()]
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
            cells = [_plain(row[place]) for place in places if place < min(len(row), width)]
            fields[role] = [cell for cell in cells if cell]
        fields["row_id"] = fields["row_id"] or [f"row-{position}" if columns["row_id"] else str(position)]
        yield fields


def _plain(cell: str) -> str:
    """Returns the text of a cell; shops export what stood on their pages, `46&quot;` for one."""
    return (html.unescape(cell) if "&" in cell and ";" in cell else cell).strip()


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
    """Returns the text of a table in UTF-8, UTF-16 or cp1252; raises TableError for what is no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    for encoding, upper in (("utf-16-le", raw[1:200:2]), ("utf-16-be", raw[0:200:2])):
        if len(upper) > 2 and upper.count(0) > 0.9 * len(upper):
            return raw.decode(encoding, errors="replace")
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
    keys = [_key(cell) for cell in header]
    columns = {
        role: [place for name in names for place, key in enumerate(keys) if key == name]
        for role, names in _ROLES.items()
    }
    columns["row_id"] = columns["row_id"][:1]
    taken = {place for places in columns.values() for place in places}
    if not columns["row_id"]:
        columns["row_id"] = [place for place, key in enumerate(keys) if place not in taken and key.endswith("id")][:1]
        taken.update(columns["row_id"])
    for role, words in _PARTLY.items():
        if not columns[role]:
            columns[role] = [
                place for word in words for place, key in enumerate(keys) if word in key and place not in taken
            ][:1]
            taken.update(columns[role])
    if not columns["name"]:
        if not columns["description"]:
            raise TableError(
                f"{path} must have a column called name or title, got {', '.join(header)[:200]}; rename one of them."
            )
        columns["name"], columns["description"] = columns["description"][:1], columns["description"][1:]
    return columns


def _key(heading: str) -> str:
    """Returns a heading without case, accents and separators."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", heading.lower()) if letter.isalnum())
