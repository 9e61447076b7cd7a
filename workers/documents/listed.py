"""Finds items that people list in running text: "2 x Gate valve DN50", "- 10 pcs hose", blocks of "Quantity: 5"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from workers.documents.counted import Counted, counted_lines
from workers.documents.headers import Role, meaning
from workers.documents.model import LineItem, Page
from workers.documents.numbers import CURRENCIES, UNITS, clean, decimal_mark, quantities
from workers.documents.page import Line, lines_of, space_width
from workers.documents.prose import ordered_in_prose
from workers.documents.rows import Row, item_of
from workers.documents.words import carries, closes, sums

_FIELD = re.compile(r"^(?:[-*\u2022]\s+)?(?P<label>[^:]{2,30}?)(?:\s*:\s+|\s{3,})(?P<value>\S.*)$")
_MEASURE = re.compile(
    rf"\d+(?:[.,x/-]\d+)*(?:{UNITS}|[mc]m|ml|cl|mm2|v|w|a|bar)|\d{{1,3}}[x/-]\d{{1,3}}"
    r"|(?:m|dn|pn|din|iso|en|ip|ral|cat)[.-]?\d+(?:[.,x/-]\d+)*",
    re.IGNORECASE,
)  # "(500sheets)", "(40-60)", ", M12x50"
_CODE_BEHIND = re.compile(
    r"^(?P<name>.*[^\W\d]{3}.*?)(?:,\s*|\s*[(\[]\s*#?)(?P<code>(?=[^\s()]*\d)[^\s(),]{4,40})[)\]]?$"
)
_MONEY = re.compile(rf"(?:(?:{CURRENCIES})\s?)?\d[\d.,' ]*[.,]\d\d(?:\s?(?:{CURRENCIES}))?", re.IGNORECASE)
_PRODUCT = re.compile(r"^(?P<count>\d[\d.,]*)\s*[x*@]\s*(?P<price>[^=]*?\d[^=]*?)\s*(?:=\s*(?P<total>.*\d.*))?$")
_BULLET = re.compile(r"^(?:[-*\u2022\u00b7]|\d{1,3}[.)])\s+")
_BLOCK_ROLES = frozenset(
    {Role.PART, Role.MAKER_PART, Role.DESCRIPTION, Role.NAME, Role.QUANTITY, Role.UNIT, Role.PRICE, Role.TOTAL}
)


def items_listed(pages: Sequence[Page], *, plainly: bool = False) -> list[LineItem]:
    """Return the items listed line by line on `pages`, or stated in blocks of labelled fields.

    Args:
        pages: What is printed.
        plainly: Take only lists of two points or more that count in the same way, by a unit or a sign.
    """
    lines = [line for page in pages for line in lines_of(page)]
    mark = decimal_mark(word.text for page in pages for word in page.words)
    texts = _spaced(lines)
    found = counted_lines(texts)
    if plainly:
        rows = _parted([Row(one.cells) for one in _alike(found)])
    else:
        rows = list(_blocks(texts)) or _parted([Row(one.cells) for one in found if one is not None])
        rows = rows or ordered_in_prose(texts)
    return [item for row in rows if (item := item_of(row, mark)) is not None]


def items_in_blocks(pages: Sequence[Page]) -> list[LineItem]:
    """Return the items stated in blocks of labelled fields that say how many and at what price or amount."""
    mark = decimal_mark(word.text for page in pages for word in page.words)
    rows = _blocks(_spaced([line for page in pages for line in lines_of(page)]))
    priced = (row for row in rows if row.cells.keys() & {Role.PRICE, Role.TOTAL})
    return [item for row in priced if (item := item_of(row, mark)) is not None]


def _parted(rows: Sequence[Row]) -> list[Row]:
    """Cut the codes off that end every name: "Gate valve DN50 (4711-B)", "Hose, 22.1180"."""
    matches = [_CODE_BEHIND.match(str(row.cells[Role.DESCRIPTION])) for row in rows]
    codes = [match for match in matches if match is not None and not _MEASURE.fullmatch(match["code"])]
    if len(codes) < len(rows) or not codes:
        return list(rows)
    return [
        replace(row, cells={**row.cells, Role.DESCRIPTION: match["name"].rstrip(" ,(["), Role.PART: match["code"]})
        for row, match in zip(rows, codes, strict=True)
    ]


def _alike(found: Sequence[Counted | None]) -> list[Counted]:
    """Return the counted lines that stand beside one that counts in the same way, with at most one line between."""
    chosen: list[Counted] = []
    for index, one in enumerate(found):
        near = [other for other in found[max(0, index - 2) : index + 3] if other is not None and other is not one]
        if one is not None and any(other.style == one.style for other in near):
            chosen.append(one)
    return chosen


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
            above = (
                _BULLET.sub("", text)
                if len(re.findall(r"[^\W\d]", text)) > 2 and not (sums(text) or closes(text))
                else ""
            )
        elif role not in cells:
            if not cells and above and role not in (Role.DESCRIPTION, Role.NAME):
                cells[Role.DESCRIPTION] = above
            above = ""
            cells.update(_multiplied(value) if role is Role.QUANTITY else {role: value})


def _multiplied(value: str) -> dict[Role, str]:
    """Return the figures behind a label of a count: "2", or "2 x 3.50 = 7.00"."""
    match = _PRODUCT.match(clean(value))
    if match is None:
        return {Role.QUANTITY: value}
    figures = {Role.QUANTITY: match["count"], Role.PRICE: match["price"], Role.TOTAL: match["total"]}
    return {role: text for role, text in figures.items() if text}


def _field(text: str) -> tuple[Role | None, str]:
    match = _FIELD.match(text)
    known = meaning(match["label"]) if match else None
    if match is None or known is None or known.weight <= 0.5 or known.role not in _BLOCK_ROLES:
        return None, ""
    value = match["value"]
    if known.role is Role.QUANTITY and not (quantities(value)[0] or _PRODUCT.match(clean(value))):
        return None, ""
    if known.role in (Role.PRICE, Role.TOTAL) and not re.search(r"\d", value):
        return None, ""
    return known.role, value
