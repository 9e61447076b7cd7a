"""Finds items that people list in running text: "2 x Gate valve DN50", "- 10 pcs hose", blocks of "Quantity: 5"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from workers.documents.counted import counted_lines
from workers.documents.headers import Role, meaning
from workers.documents.model import LineItem, Page
from workers.documents.numbers import CURRENCIES, decimal_mark
from workers.documents.page import Line, lines_of, space_width
from workers.documents.rows import Row, item_of
from workers.documents.words import carries, closes, names_more, totals

_FIELD = re.compile(r"^(?:[-*\u2022]\s+)?(?P<label>[^:]{2,30}?)\s*:\s+(?P<value>\S.*)$")
_MONEY = re.compile(rf"(?:(?:{CURRENCIES})\s?)?\d[\d.,' ]*[.,]\d\d(?:\s?(?:{CURRENCIES}))?", re.IGNORECASE)
_BLOCK_ROLES = frozenset(
    {Role.PART, Role.MAKER_PART, Role.DESCRIPTION, Role.NAME, Role.QUANTITY, Role.UNIT, Role.PRICE, Role.TOTAL}
)


def items_listed(pages: Sequence[Page]) -> list[LineItem]:
    """Return the items listed line by line on `pages`, or stated in blocks of labelled fields."""
    lines = [line for page in pages for line in lines_of(page)]
    mark = decimal_mark(word.text for page in pages for word in page.words)
    texts = _spaced(lines)
    blocks = list(_blocks(texts))
    rows = blocks or [Row(found.cells) for found in counted_lines(texts) if found is not None]
    return [item for row in rows if (item := item_of(row, mark)) is not None]


def _spaced(lines: Sequence[Line]) -> list[str]:
    """Return lines as text in which white wider than a space stays visible as three spaces."""
    space = space_width(lines)
    return [
        line.words[0].text
        + "".join(
            f"{'   ' if right.x0 - left.x1 > 2.5 * space else ' '}{right.text}" for left, right in pairwise(line.words)
        )
        for line in lines
    ]


def _blocks(texts: Sequence[str]) -> Iterator[Row]:
    """Yield a row for every run of labelled fields that says how many, named by a field or by the line above the run.

    An amount alone on a line below is the total.
    """
    cells: dict[Role, str] = {}
    above = ""
    for text in [*texts, ""]:
        role, value = _field(text)
        if role is None and Role.QUANTITY in cells and Role.TOTAL not in cells and _MONEY.fullmatch(text.strip()):
            role, value = Role.TOTAL, text
        if role is None or role in cells or (carries(text) and role is Role.TOTAL):
            if Role.QUANTITY in cells and cells.keys() & {Role.DESCRIPTION, Role.NAME, Role.PART}:
                yield Row(cells)
            cells = {}
        if role is None:
            above = text if len(re.findall(r"[^\W\d]", text)) > 2 and not (_summed(text) or closes(text)) else ""
        elif role not in cells:
            if not cells and above and role not in (Role.DESCRIPTION, Role.NAME):
                cells[Role.DESCRIPTION] = above
            above = ""
            cells[role] = value


def _summed(text: str) -> bool:
    return totals(text) and not names_more(text)


def _field(text: str) -> tuple[Role | None, str]:
    match = _FIELD.match(text)
    known = meaning(match["label"]) if match else None
    if match is None or known is None or known.weight <= 0.5 or known.role not in _BLOCK_ROLES:
        return None, ""
    return known.role, match["value"]
