"""Corrects which columns of a grid hold quantity, price and total by what multiplies, and finds untitled codes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from itertools import permutations

from workers.documents.gridless import row_fits
from workers.documents.headers import Role
from workers.documents.model import Cell
from workers.documents.numbers import amounts

_FACTORS = (Role.QUANTITY, Role.PRICE, Role.TOTAL)
_OTHERWISE = frozenset({Role.TOTAL_GROSS, Role.PRICE_GROSS, Role.PRICE_LIST, Role.DISCOUNT, Role.PRICE_PER})
_LESS = frozenset({Role.DISCOUNT, Role.PRICE_PER})
_CODE = re.compile(r"[A-Z0-9][A-Z0-9./_-]{2,30}")


def settle_factors(
    rows: Sequence[Sequence[Cell]], columns: dict[int, Role], numeric: Collection[int], mark: str | None
) -> None:
    """Replace, in place, the one of quantity, price and total that keeps the others from multiplying.

    Args:
        rows: The rows below the heading.
        columns: The role of each column so far.
        numeric: The columns that hold figures and may be meant, whatever their titles say.
        mark: The decimal sign of the document.
    """
    places = {role: column for column, role in columns.items() if role in _FACTORS}
    whole = len(places) == len(_FACTORS)
    if whole and (_LESS & set(columns.values()) or _fits(rows, places, mark)):
        return
    others = {column for column, role in columns.items() if role in _OTHERWISE}
    if (not others or whole) and len(places) > 1:
        for role in (Role.PRICE, Role.TOTAL, Role.QUANTITY):
            for column in sorted(set(numeric) - set(places.values()) - others):
                tried = {**places, role: column}
                if len(tried) == len(_FACTORS) and _fits(rows, tried, mark):
                    columns.pop(places.get(role, column), None)
                    columns[column] = role
                    return
        _settle_all(rows, columns, numeric, mark)
    if not whole and not set(_FACTORS) <= set(columns.values()):
        _settle_two(rows, columns, places, numeric, mark)


def _settle_two(
    rows: Sequence[Sequence[Cell]],
    columns: dict[int, Role],
    places: Mapping[Role, int],
    numeric: Collection[int],
    mark: str | None,
) -> None:
    """Find, in place, the other two of quantity, price and total beside a sure quantity, else beside a sure price."""
    for known in (Role.QUANTITY, Role.PRICE):
        if known not in places:
            continue
        first, second = (role for role in _FACTORS if role is not known)
        for one, other in permutations(sorted(set(numeric) - {places[known]}), 2):
            tried = {known: places[known], first: one, second: other}
            if tried[Role.TOTAL] > tried[Role.PRICE] and _counts(rows, tried, mark) and _fits(rows, tried, mark):
                for column in [column for column, role in columns.items() if role in _FACTORS]:
                    del columns[column]
                columns.update({column: role for role, column in tried.items()})
                return


def _counts(rows: Sequence[Sequence[Cell]], places: Mapping[Role, int], mark: str | None) -> bool:
    """Tell whether two rows or more state the three, one of them with more than one piece."""
    stated = [row for row in rows if all(column < len(row) and row[column] is not None for column in places.values())]
    counts = [_value(row[places[Role.QUANTITY]], mark) for row in stated]
    return len(stated) > 1 and any(count is not None and count > 1 for count in counts)


def _settle_all(
    rows: Sequence[Sequence[Cell]], columns: dict[int, Role], numeric: Collection[int], mark: str | None
) -> None:
    """Take three columns that multiply, the second of which is titled a price and the first holds whole numbers."""
    usable = [column for column in numeric if columns.get(column) in (*_FACTORS, None)]
    for quantity, price, total in permutations(usable, 3):
        if columns.get(price) is not Role.PRICE or len(rows) < 2:
            continue
        counts = all(quantity < len(row) and _whole(row[quantity], mark) for row in rows)
        places = {Role.QUANTITY: quantity, Role.PRICE: price, Role.TOTAL: total}
        if counts and _fits(rows, places, mark):
            for column in [column for column, role in columns.items() if role in _FACTORS]:
                del columns[column]
            columns.update({column: role for role, column in places.items()})
            return


def _whole(cell: Cell, mark: str | None) -> bool:
    values = [cell] if isinstance(cell, Decimal) else amounts(cell, mark) if cell else []
    return any(value == value.to_integral_value() for value in values)


def _value(cell: Cell, mark: str | None) -> Decimal | None:
    values = [cell] if isinstance(cell, Decimal) else amounts(cell, mark) if cell else []
    return values[0] if values else None


def _fits(rows: Sequence[Sequence[Cell]], places: Mapping[Role, int], mark: str | None) -> bool:
    """Tell whether quantity x price is the total in nearly all rows that state the three."""
    quantity, price, total = (places[role] for role in _FACTORS)
    needed = max(quantity, price, total)
    filled = [row for row in rows if needed < len(row)]
    whole = [row for row in filled if all(row[column] is not None for column in (quantity, price, total))]
    fitting = sum(1 for row in whole if row_fits(row, quantity, price, total, mark))
    return fitting >= max(1, 0.8 * len(whole))


def figured(rows: Sequence[Sequence[Cell]], column: int, mark: str | None) -> bool:
    """Tell whether nearly every filled cell of a column is a figure."""
    filled = [row[column] for row in rows if column < len(row) and row[column] is not None]
    return bool(filled) and sum(1 for cell in filled if not isinstance(cell, str) or amounts(cell, mark)) >= 0.8 * len(
        filled
    )


def coded(rows: Sequence[Sequence[Cell]], column: int) -> bool:
    """Tell whether a column holds codes: single words in capitals and digits, in most rows, no two alike."""
    filled = [str(row[column]) for row in rows if column < len(row) and row[column] is not None]
    codes = [text for text in filled if _CODE.fullmatch(text) and not amounts(text)]
    return len(codes) > 1 and len(codes) >= 0.7 * max(len(filled), len(rows)) and len(set(codes)) == len(codes)
