"""Tells what a column under an unknown title holds by what stands in it: names of things, or a factor of the sums."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from workers.documents.headers import Role
from workers.documents.numberline import figures
from workers.documents.page import Line, Measure
from workers.documents.rows import choose_sums

_NAMING = frozenset({Role.DESCRIPTION, Role.NAME})
_FACTORS = (Role.QUANTITY, Role.PRICE, Role.TOTAL)
_CODE = re.compile(r"(?=(?:\S*\d){3})\S{4,40}")
_DATE_OR_AMOUNT = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|[\d.,']*[.,]\d{2,3}|\d{1,4}\D{1,3}")
_GROSS = frozenset({Role.TOTAL_GROSS, Role.PRICE_GROSS, Role.PRICE_LIST})


def guess_roles(
    roles: list[Role], unknown: Sequence[int], body: Sequence[Line], bounds: Sequence[float], size: Measure
) -> None:
    """Give `roles` that the titles leave open, in place.

    Args:
        roles: What each column holds, as its title says.
        unknown: The columns whose title says nothing.
        body: Lines with figures in the table.
        bounds: Where the columns begin and end, one more than there are columns.
        size: How large the page is printed.
    """
    _guess_factor(roles, unknown, body, bounds, size)
    if Role.PART not in roles:
        _guess_codes(roles, unknown, body, bounds)
    if not _NAMING & set(roles):
        _guess_names(roles, [index for index in unknown if roles[index] is Role.OTHER], body, bounds)


def _cells(body: Sequence[Line], bounds: Sequence[float], index: int) -> list[str]:
    x0, x1 = bounds[index], bounds[index + 1]
    return [" ".join(word.text for word in line.words if x0 <= word.center < x1) for line in body]


def _guess_codes(roles: list[Role], unknown: Sequence[int], body: Sequence[Line], bounds: Sequence[float]) -> None:
    """Take the first unknown column of single words with digits, no two alike, for the part number."""
    for index in unknown:
        cells = [cell for cell in _cells(body, bounds, index) if cell]
        codes = {cell for cell in cells if _CODE.fullmatch(cell) and not _DATE_OR_AMOUNT.fullmatch(cell)}
        if len(cells) > 1 and len(cells) >= 0.6 * len(body) and len(codes) == len(cells):
            roles[index] = Role.PART
            return


def _guess_names(roles: list[Role], unknown: Sequence[int], body: Sequence[Line], bounds: Sequence[float]) -> None:
    """Take the unknown column with the most letters for the description when most of its cells hold words."""
    letters: dict[int, int] = {}
    for index in unknown:
        cells = _cells(body, bounds, index)
        worded = [cell for cell in cells if len(re.findall(r"[^\W\d]", cell)) >= 3]
        if cells and len(worded) >= 0.6 * len(cells):
            letters[index] = sum(len(cell) for cell in worded)
    if letters:
        roles[max(letters, key=letters.__getitem__)] = Role.DESCRIPTION


def _guess_factor(
    roles: list[Role], unknown: Sequence[int], body: Sequence[Line], bounds: Sequence[float], size: Measure
) -> None:
    """Take an unknown column of figures for the factor or the total that has no title, if all multiply."""
    lacking = [role for role in _FACTORS if role not in roles]
    if len(lacking) != 1 or _GROSS & set(roles):
        return
    for index in unknown:
        tried = [lacking[0] if place == index else role for place, role in enumerate(roles)]
        columns = [tried.index(role) for role in _FACTORS]
        rows = [[_values(line, bounds[place], bounds[place + 1], size) for place in columns] for line in body]
        whole = [row for row in rows if all(row)]
        agreeing = sum(1 for quantity, price, total in whole if choose_sums(quantity, price, total).agree)
        if agreeing >= max(1, 0.7 * len(whole)):
            roles[index] = lacking[0]
            return


def _values(line: Line, x0: float, x1: float, size: Measure) -> list[Decimal]:
    found = [figure for figure in figures(line.words, None, size) if x0 <= (figure.x0 + figure.x1) / 2 < x1]
    return list(found[-1].values) if found and not found[-1].is_percent else []
