"""Finds items that people list in running text: "2 x Gate valve DN50", "- 10 pcs hose", blocks of "Quantity: 5"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workers.documents.headers import Role, meaning
from workers.documents.model import LineItem, Page
from workers.documents.numbers import UNITS, amount, decimal_mark
from workers.documents.page import lines_of
from workers.documents.rows import Row, item_of
from workers.documents.words import carries, closes, totals

_FIRST = re.compile(
    rf"^(?:[-*\u2022\u00b7]\s*|\d{{1,2}}[.)]\s+)?(?P<count>\d[\d.,]*)\s*(?:(?P<unit>{UNITS})\b\.?\s*(?:x\s+|of\s+)?|[x\u00d7]\s+)"
    r"(?P<rest>\D.{2,})$",
    re.IGNORECASE,
)
_LAST = re.compile(
    rf"^(?:[-*\u2022\u00b7]\s*|\d{{1,2}}[.)]\s+)(?P<rest>.{{3,}}?)\s*(?:[-:,x\u00d7\u2013]\s*)(?P<count>\d[\d.,]*)\s*(?P<unit>{UNITS})?\.?$",
    re.IGNORECASE,
)
_PRICED = re.compile(
    r"^(?P<rest>.{3,}?)\s*(?:@|[-\u2013:=]|\s{2,}|\bat\b|\bà\b)\s*"
    r"(?P<price>[€$£]?\s?\d[\d.,]*\s?(?:[€$£]|EUR|USD|GBP)?)$"
)
_FIELD = re.compile(r"^(?P<label>[^:]{2,30}):\s+(?P<value>\S.*)$")
_BLOCK_ROLES = frozenset(
    {Role.PART, Role.MAKER_PART, Role.DESCRIPTION, Role.NAME, Role.QUANTITY, Role.UNIT, Role.PRICE, Role.TOTAL}
)


def items_listed(pages: Sequence[Page]) -> list[LineItem]:
    """Return the items listed line by line on `pages`, or stated in blocks of labelled fields."""
    texts = [line.text for page in pages for line in lines_of(page)]
    mark = decimal_mark(word.text for page in pages for word in page.words)
    rows = [row for text in texts if (row := _listed(text, mark)) is not None] or list(_blocks(texts))
    return [item for row in rows if (item := item_of(row, mark)) is not None]


def _listed(text: str, mark: str | None) -> Row | None:
    match = _FIRST.match(text) or _LAST.match(text)
    if match is None or totals(match["rest"]) or carries(match["rest"]) or closes(match["rest"]):
        return None
    if amount(match["count"].rstrip(".,"), mark) is None or len(re.findall(r"[^\W\d]", match["rest"])) < 3:
        return None
    cells: dict[Role, str] = {Role.QUANTITY: match["count"].rstrip(".,"), Role.DESCRIPTION: match["rest"].strip(" -")}
    if match["unit"]:
        cells[Role.UNIT] = match["unit"]
    priced = _PRICED.match(match["rest"])
    if priced is not None:
        cells[Role.DESCRIPTION] = priced["rest"].strip(" -")
        cells[Role.PRICE if "@" in match["rest"] else Role.TOTAL] = priced["price"]
    return Row(cells)


def _blocks(texts: Sequence[str]) -> Iterator[Row]:
    """Yield a row for every run of labelled fields that names a thing and how many of it."""
    cells: dict[Role, str] = {}
    for text in [*texts, ""]:
        match = _FIELD.match(text)
        known = meaning(match["label"]) if match else None
        role = known.role if known is not None and known.weight > 0.5 else None
        if match is None or role not in _BLOCK_ROLES or role in cells:
            if Role.QUANTITY in cells and cells.keys() & {Role.DESCRIPTION, Role.NAME, Role.PART}:
                yield Row(cells)
            cells = {}
        if match is not None and role in _BLOCK_ROLES:
            cells[role] = match["value"]
