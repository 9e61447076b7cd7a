"""What a document is once read, and what a line item is once found. Values only: no reading, no guessing."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """What the bytes turned out to be."""

    PDF = "pdf"
    SCAN = "scan"
    EINVOICE = "einvoice"
    SPREADSHEET = "spreadsheet"
    CSV = "csv"
    MAIL = "mail"
    ARCHIVE = "archive"
    HTML = "html"
    WORD = "word"
    TEXT = "text"


class Review(StrEnum):
    """Why a person should look at a line."""

    ARITHMETIC = "arithmetic"  # quantity x price (less discount) is not the printed total
    NO_QUANTITY = "no_quantity"
    NO_DESCRIPTION = "no_description"
    LOW_CONFIDENCE = "low_confidence"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page in PDF points, the origin at the top left."""

    x0: float
    top: float
    x1: float
    bottom: float

    def union(self, other: Box) -> Box:
        return Box(
            min(self.x0, other.x0), min(self.top, other.top), max(self.x1, other.x1), max(self.bottom, other.bottom)
        )


@dataclass(frozen=True, slots=True)
class Word:
    """One printed word; `score` is the recogniser's certainty, 1.0 when the text was in the file."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    score: float = 1.0
    bold: bool = False

    @property
    def center(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Rule:
    """A drawn straight line, horizontal when it is wider than high."""

    x0: float
    top: float
    x1: float
    bottom: float

    @property
    def horizontal(self) -> bool:
        return (self.x1 - self.x0) >= (self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class Page:
    """A page as words and rules. `scanned` says that the words were recognised from a picture."""

    number: int
    width: float
    height: float
    words: tuple[Word, ...]
    rules: tuple[Rule, ...] = ()
    scanned: bool = False


Cell: TypeAlias = str | Decimal | None


@dataclass(frozen=True, slots=True)
class Grid:
    """A sheet or an HTML table: rows of cells, all of one length."""

    name: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line of a document, with what is printed on it and nothing invented.

    `part_number` is opaque (an IMPA code is six digits and stays text). `box` is where the line stands on `page`
    (numbered from 1) when the document has pages. `confidence` is 0 to 1; `review` says why to look at it.
    """

    description: str
    quantity: Decimal | None = None
    unit: str | None = None
    part_number: str | None = None
    unit_price: Decimal | None = None
    line_total: Decimal | None = None
    page: int | None = None
    box: Box | None = None
    confidence: float = 1.0
    review: tuple[Review, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document after reading, before looking for lines.

    Exactly one reader filled it. `lines` are those an embedded e-invoice states outright, `attachments` the readable
    parts of a mail or an archive, `layer` the text a scanner put behind its pictures, `notes` what was left unread.
    """

    kind: Kind
    name: str | None = None
    pages: tuple[Page, ...] = ()
    grids: tuple[Grid, ...] = ()
    lines: tuple[LineItem, ...] = ()
    attachments: tuple[ParsedDocument, ...] = ()
    layer: tuple[Page, ...] = ()
    notes: tuple[str, ...] = field(default=())
