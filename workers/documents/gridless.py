"""Reads grids without a heading by what their columns hold: the one that names things, the ones that multiply."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise, permutations

from workers.documents.counted import Counted, counted_lines
from workers.documents.headers import Role, meaning
from workers.documents.model import Cell
from workers.documents.numbers import CURRENCIES, UNIT_CODES, UNITS, amounts, clean
from workers.documents.rows import Row, agrees, part_in
from workers.documents.words import carries, sums

_ALONE = re.compile(
    r"^(?:(?:qty|quantity|menge|anzahl|quantit[ée]|qt[ée]|cantidad|cant|aantal)\b\.?\s*:?\s*[x×]?\s*(?P<labelled>\d{1,5})"
    rf"|[x×]\s*(?P<behind>\d{{1,5}})|(?P<before>\d{{1,5}})\s*(?:[x×]|(?P<unit>{UNITS})\.?))$",
    re.IGNORECASE,
)  # how many, in a cell of its own
_UNIT = re.compile(
    rf"(?:{UNITS}|pck|kpl|sac|platten?|hrs?|std|h|lfm|ml|m[23²³]|qm|cbm|gr?|lbs?|ft|pauschal|ls)", re.IGNORECASE
)
_MEASURED = re.compile(r"m|mtrs?|metros?|meter|kg|l|ltrs?|liter|lit[rer]{2}s?|litros?|gallons?", re.IGNORECASE)
_UNIT_CODE = re.compile(rf"{_UNIT.pattern}|{UNIT_CODES}", re.IGNORECASE)
_MONEY = re.compile(rf"[.,]\d\d\b|(?:{CURRENCIES})\s?\d|\d\s?(?:{CURRENCIES})", re.IGNORECASE)


def headless_rows(rows: Sequence[Sequence[Cell]], mark: str | None) -> list[Row]:
    """Return the rows that a grid without known titles holds, or none when its columns cannot be told apart.

    Under a row of unknown titles only figures that multiply are proof enough.
    """
    if listed := _listed(rows):
        return listed
    titled, body = _body(rows, mark)
    width = max((len(row) for row in body), default=0)
    numeric = [column for column in range(width) if _share(body, column, mark) >= 0.7]
    subject = _subject(body, width, numeric)
    if subject is None:
        return []
    several = [row for row in rows if sum(1 for cell in row if cell is not None) > 1]
    counting = not titled and len(body) >= 0.7 * len(several)
    roles = _multiplying(body, numeric, mark) or (_counting(body, numeric, mark) if counting else None)
    if roles is None:
        return []
    unit = next((column for column in range(width) if column != subject and units_in(body, column)), None)
    roles = {**roles, subject: Role.DESCRIPTION, **({unit: Role.UNIT} if unit is not None else {})}
    part = _part(body, width, set(roles))
    roles = {**roles, **({part: Role.PART} if part is not None else {})}
    return [
        Row({role: value for column, role in roles.items() if (value := row[column]) is not None})
        for row in body
        if row[subject] is not None
        and any(row[column] is not None for column in roles if roles[column] is Role.QUANTITY)
    ]


def _listed(rows: Sequence[Sequence[Cell]]) -> list[Row]:
    """Return the rows of a list of two columns when every row of it counts, by a unit that measures nothing, a name."""
    found: list[Row] = []
    for row in rows:
        cells = [cell for cell in row if cell is not None]
        if len(cells) < 2 or sums(str(cells[0])):
            continue
        name, count = str(cells[0]), _ALONE.match(clean(str(cells[1])))
        if len(cells) > 2 or count is None or count["unit"] is None or _MEASURED.fullmatch(count["unit"]):
            return []
        if len(re.findall(r"[^\W\d]", name)) < 3 or _UNIT.fullmatch(name.strip()) or meaning(name) is not None:
            return []
        found.append(Row({Role.DESCRIPTION: name, Role.QUANTITY: count["before"], Role.UNIT: count["unit"]}))
    return found if len(found) > 1 else []


def _body(rows: Sequence[Sequence[Cell]], mark: str | None) -> tuple[bool, list[Sequence[Cell]]]:
    """Return the rows filled about as most that bring figures and text are, and whether a row of titles heads them."""
    filled = [sum(1 for cell in row if cell is not None) for row in rows]
    figured = [any(_values(row, column, mark) for column in range(len(row))) for row in rows]
    usual = Counter(count for count, has in zip(filled, figured, strict=True) if has and count > 1).most_common(1)
    least = max(2, usual[0][0] - 1) if usual else 2
    body: list[Sequence[Cell]] = []
    titled = False
    for row, count, has in zip(rows, filled, figured, strict=True):
        first = next((cell for cell in row if isinstance(cell, str) and re.search(r"[^\W\d]", cell)), "")
        if has and count >= least and first and not (sums(first) or carries(first)):
            body.append(row)
        elif not body:
            titled = count >= max(3, least)
    return titled, body


def units_in(rows: Sequence[Sequence[Cell]], column: int, *, counted: bool = False) -> bool:
    """Tell whether the cells of a column are names of units, in most rows; codes too under a title that counts."""
    known = _UNIT_CODE if counted else _UNIT
    texts = [cell.strip(" .") for row in rows if column < len(row) and isinstance(cell := row[column], str)]
    return len(texts) >= max(1, 0.6 * len(rows)) and sum(1 for text in texts if known.fullmatch(text)) >= 0.8 * len(
        texts
    )


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


def counted_rows(rows: Sequence[Sequence[Cell]]) -> list[Row]:
    """Return the rows that count what they name, in one cell or in two, as the mails of shops do; sums are left out."""
    found: list[Row] = []
    texts = [[line for cell in row if isinstance(cell, str) for line in cell.split("\n")] for row in rows]
    named = counted_lines([line for lines in texts for line in lines])
    start = 0
    for lines in texts:
        readings = named[start : start + len(lines)]
        start += len(lines)
        if not lines or sums(lines[0]) or carries(lines[0]):
            continue
        cells = _counted_cells(lines, readings)
        if cells:
            found.append(Row(cells))
    return found


def _counted_cells(lines: Sequence[str], readings: Sequence[Counted | None]) -> dict[Role, str]:
    money = [line for line in lines if _MONEY.search(line) and amounts(line)]
    one = next((reading for reading in readings if reading is not None), None)
    alone = next((match for line in lines if (match := _ALONE.match(clean(line)))), None)
    name = next(
        (line for line in lines if len(re.findall(r"[^\W\d]", line)) > 3 and not _ALONE.match(clean(line))), None
    )
    cells: dict[Role, str]
    if alone is not None and name is not None and money:
        cells = {Role.DESCRIPTION: name, Role.QUANTITY: alone["labelled"] or alone["behind"] or alone["before"]}
        if alone["unit"]:
            cells[Role.UNIT] = alone["unit"]
    elif one is not None and (money or Role.TOTAL in one.cells or Role.PRICE in one.cells):
        cells = dict(one.cells)
    else:
        return {}
    if len(money) > 1 and _multiplies(cells[Role.QUANTITY], money[0], money[-1]):
        cells.setdefault(Role.PRICE, money[0])
    if money:
        cells.setdefault(Role.TOTAL, money[-1])
    if cells[Role.QUANTITY] == "1" and Role.TOTAL in cells:
        cells.setdefault(Role.PRICE, cells[Role.TOTAL])
    part = next((found for line in lines if line != name and (found := part_in(line)[0])), None)
    return {**cells, **({Role.PART: part} if part else {})}


def _multiplies(count: str, price: str, total: str) -> bool:
    return any(agrees(c, p, t) for c in amounts(count) for p in amounts(price) for t in amounts(total))
