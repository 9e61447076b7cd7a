"""Reads grids without a heading by what their columns hold: the one that names things, the ones that multiply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise, permutations

from workers.documents.headers import Role
from workers.documents.model import Cell
from workers.documents.numbers import amounts
from workers.documents.rows import Row, agrees


def headless_rows(rows: Sequence[Sequence[Cell]], mark: str | None) -> list[Row]:
    """Return the rows that a grid without heading holds, or none when its columns cannot be told apart."""
    width = max((len(row) for row in rows), default=0)
    numeric = [column for column in range(width) if _share(rows, column, mark) >= 0.7]
    subject = _subject(rows, width, numeric)
    if subject is None:
        return []
    roles = _multiplying(rows, numeric, mark) or _counting(rows, numeric, mark)
    if roles is None:
        return []
    part = _part(rows, width, {subject, *roles})
    roles = {**roles, subject: Role.DESCRIPTION, **({part: Role.PART} if part is not None else {})}
    return [
        Row({role: value for column, role in roles.items() if (value := row[column]) is not None})
        for row in rows
        if row[subject] is not None
        and any(row[column] is not None for column in roles if roles[column] is Role.QUANTITY)
    ]


def _values(row: Sequence[Cell], column: int, mark: str | None) -> list[Decimal]:
    cell = row[column]
    if isinstance(cell, Decimal):
        return [cell]
    return amounts(cell, mark) if cell else []


def _share(rows: Sequence[Sequence[Cell]], column: int, mark: str | None) -> float:
    filled = [row for row in rows if row[column] is not None]
    if len(filled) < 0.5 * len(rows):
        return 0.0
    return sum(1 for row in filled if _values(row, column, mark)) / max(1, len(filled))


def _subject(rows: Sequence[Sequence[Cell]], width: int, numeric: Sequence[int]) -> int | None:
    lengths = {
        column: sum(len(re.findall(r"[^\W\d]", str(row[column] or ""))) for row in rows) / len(rows)
        for column in range(width)
        if column not in numeric
    }
    column = max(lengths, key=lambda column: lengths[column], default=None)
    return column if column is not None and lengths[column] >= 4 else None


def _multiplying(rows: Sequence[Sequence[Cell]], numeric: Sequence[int], mark: str | None) -> dict[int, Role] | None:
    for quantity, price, total in permutations(numeric, 3):
        if total < max(quantity, price):
            continue
        fits = sum(1 for row in rows if row_fits(row, quantity, price, total, mark))
        if fits >= max(2, 0.6 * len(rows)):
            if _whole(rows, price, mark) > _whole(rows, quantity, mark):
                quantity, price = price, quantity
            return {quantity: Role.QUANTITY, price: Role.PRICE, total: Role.TOTAL}
    return None


def row_fits(row: Sequence[Cell], quantity: int, price: int, total: int, mark: str | None) -> bool:
    return any(
        agrees(q, p, t)
        for q in _values(row, quantity, mark)
        for p in _values(row, price, mark)
        for t in _values(row, total, mark)
    )


def _whole(rows: Sequence[Sequence[Cell]], column: int, mark: str | None) -> int:
    return sum(1 for row in rows for value in _values(row, column, mark)[:1] if value == value.to_integral_value())


def _counting(rows: Sequence[Sequence[Cell]], numeric: Sequence[int], mark: str | None) -> dict[int, Role] | None:
    """Take the only whole-number column that is no running number as the quantity, in grids of two rows or more."""
    whole = [
        column for column in numeric if _whole(rows, column, mark) >= 0.9 * len(rows) and not _runs(rows, column, mark)
    ]
    if len(rows) < 2 or len(whole) != 1:
        return None
    return {whole[0]: Role.QUANTITY}


def _runs(rows: Sequence[Sequence[Cell]], column: int, mark: str | None) -> bool:
    values = [value for row in rows for value in _values(row, column, mark)[:1]]
    return len(values) > 2 and all(after - before == values[1] - values[0] != 0 for before, after in pairwise(values))


def _part(rows: Sequence[Sequence[Cell]], width: int, taken: set[int]) -> int | None:
    def candidates() -> Iterator[int]:
        for column in range(width):
            texts = [str(row[column]) for row in rows if isinstance(row[column], str)]
            if (
                column not in taken
                and texts
                and sum(1 for t in texts if re.fullmatch(r"(?=\S*\d)\S{3,40}", t)) >= 0.7 * len(rows)
            ):
                yield column

    return next(candidates(), None)
