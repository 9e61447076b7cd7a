"""Finds the line items in sheets and tables, whose cells are already apart: the heading row, then the rows below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, permutations

from workers.documents.gridless import counted_rows, headless_rows, row_fits, units_in
from workers.documents.headers import NUMERIC, Meaning, Role, fold, meaning
from workers.documents.model import Cell, Grid, LineItem
from workers.documents.numbers import amounts, decimal_mark, quantities
from workers.documents.promote import coded, figured, settle_factors
from workers.documents.rows import Row, item_of
from workers.documents.sums import amounts_not_prices, prices_not_amounts
from workers.documents.words import carries, closes, names_more, sums, totals

_SUBJECTS = (Role.DESCRIPTION, Role.NAME, Role.PART, Role.MAKER_PART)
_COUNTS = (Role.QUANTITY, Role.QUANTITY_OTHER)
_VALUES = (Role.QUANTITY, Role.PRICE, Role.TOTAL, Role.TOTAL_GROSS, Role.PRICE_GROSS)
_MOST_TURNED = 60
_ROWS_SHOWN = 200  # as many rows tell which columns multiply
_DESIGNATORS = re.compile(r"^(?:[A-Z]{1,3}\d{1,3}\s*[,; -]?\s*)+$")
_PLACE = re.compile(r"(?:[CDFHJKLMPQRTUXYZ]|BT|CN|CON|FB|IC|JP|LED|LS|RN|RV|SW|TP|VR)\d")
_PLACES = frozenset(["designator", "designators", "refdes", "ref des", "reference designator", "reference designators"])
_CODE = re.compile(r"(?=\S*\d)\S{4,40}")


@dataclass(frozen=True, slots=True)
class GridHeading:
    """The heading rows `first` to `last` of a grid, with the meaning of each column that has one."""

    first: int
    last: int
    meanings: dict[int, Meaning]
    titles: dict[int, str]
    score: float


def items_in_grids(grids: Sequence[Grid]) -> list[LineItem]:
    """Return the line items of all `grids`; one that only repeats another's is read once."""
    found: list[list[LineItem]] = []
    for grid in grids:
        items = items_in_grid(grid)
        if items and not any(_repeats(items, earlier) for earlier in found):
            found.append(items)
    return [item for items in found for item in items]


def items_counted(grids: Sequence[Grid]) -> list[LineItem]:
    """Return the items of rows without heading that say how many in a cell: "2 x Hose", "Hose" beside "2×"."""
    untitled = [grid for grid in grids if not _headings(grid.rows)]
    found = [_items(counted_rows(grid.rows), decimal_mark(_texts(grid.rows))) for grid in untitled]
    rows = [row for grid in untitled for row in grid.rows]
    mark = decimal_mark(_texts(rows))
    printed = {value for row in rows for cell in row for value in _values(cell, mark)}
    return prices_not_amounts([item for items in found for item in items], printed)


def _items(rows: Iterable[Row], mark: str | None) -> list[LineItem]:
    return [item for row in rows if (item := item_of(row, mark)) is not None]


def _texts(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    return (cell for row in rows for cell in row if isinstance(cell, str))


def _repeats(items: Sequence[LineItem], earlier: Sequence[LineItem]) -> bool:
    known = {(fold(item.description), item.quantity) for item in earlier}
    return sum(1 for item in items if (fold(item.description), item.quantity) in known) >= 0.8 * len(items)


def items_in_grid(grid: Grid) -> list[LineItem]:
    """Return the line items of one grid."""
    mark = decimal_mark(_texts(grid.rows))
    headings = _headings(grid.rows)
    edge = next((edge for heading in headings if (edge := _beside(heading)) is not None), None)
    if edge is not None:
        halves = (tuple(row[:edge] for row in grid.rows), tuple(row[edge:] for row in grid.rows))
        return [item for rows in halves for item in items_in_grid(Grid(grid.name, rows))]
    if not headings and (turned := _turned(grid)) is not None:
        return [item for item in items_in_grid(turned) if re.search(r"[^\W\d]{2}", item.description)]
    if not headings:
        return _items(headless_rows(grid.rows, mark), mark)
    items: list[LineItem] = []
    for index, heading in enumerate(headings):
        stop = headings[index + 1].first if index + 1 < len(headings) else len(grid.rows)
        items.extend(_read(grid.rows[heading.last + 1 : stop], heading, mark))
    return items


def _beside(heading: GridHeading) -> int | None:
    """Return the column where a second table begins beside the first, under the same two titles or more."""
    columns = sorted(heading.titles)
    titles = [fold(heading.titles[column]) for column in columns]
    half = len(titles) // 2
    return columns[half] if half > 1 and titles[:half] == titles[half:] else None


def _turned(grid: Grid) -> Grid | None:
    """Return a grid with rows for columns when its first filled column, and no row, heads the others."""
    if not 3 <= len(grid.rows) <= _MOST_TURNED:
        return None
    rows = tuple(zip(*grid.rows, strict=True))
    headings = _headings(rows)
    filled = next((index for index, row in enumerate(rows) if any(cell is not None for cell in row)), None)
    if len(headings) != 1 or not headings[0].first == headings[0].last == filled:
        return None
    roles = {known.role for known in headings[0].meanings.values()}
    return Grid(grid.name, rows) if roles & {Role.QUANTITY, Role.PRICE} else None


def _headings(rows: Sequence[Sequence[Cell]]) -> list[GridHeading]:
    """Return the headings of one row or two, top to bottom, none sharing a row; two must say clearly more than one."""
    candidates = [
        heading
        for index in range(len(rows))
        for last in (index, index + 1)
        if last < len(rows) and (heading := _heading(rows, index, last)) is not None
    ]
    taken: set[int] = set()
    chosen: list[GridHeading] = []
    for heading in sorted(
        candidates, key=lambda heading: (0.5 * (heading.last - heading.first) - heading.score, heading.first)
    ):
        if not taken & {heading.first, heading.last}:
            taken |= {heading.first, heading.last}
            chosen.append(heading)
    return sorted(chosen, key=lambda heading: heading.first)


def _heading(rows: Sequence[Sequence[Cell]], first: int, last: int) -> GridHeading | None:
    meanings: dict[int, Meaning] = {}
    titles: dict[int, str] = {}
    filled = 0
    for column in range(len(rows[first])):
        cells = [rows[index][column] for index in range(first, last + 1)]
        if any(isinstance(cell, Decimal) or (isinstance(cell, str) and _is_amount(cell)) for cell in cells):
            if titles and titles.get(column - 1, "").rstrip().endswith(":"):
                continue
            return None
        text = " ".join(cell for cell in cells if isinstance(cell, str))
        if not text:
            continue
        filled += 1
        titles[column] = text
        known = meaning(text[:120]) or meaning(text[:120], fuzzy=True)
        if known is not None:
            meanings[column] = known
    best: dict[Role, float] = {}
    for known in meanings.values():
        weight = known.weight * (0.3 if known.role is Role.OTHER else 1.0)
        best[known.role] = max(best.get(known.role, 0.0), weight)
    counted = any(fold(title) in _PLACES for title in titles.values())
    if not (counted or any(best.get(role, 0) >= 0.25 for role in _VALUES)) or not any(
        best.get(role, 0) >= 0.25 for role in _SUBJECTS
    ):
        return None
    score = sum(best.values()) + (0.5 if counted else 0.0) - 0.1 * (filled - len(meanings))
    return GridHeading(first, last, meanings, titles, score) if score >= 1.2 else None


def _is_amount(text: str) -> bool:
    return bool(re.search(r"\d", text)) and bool(amounts(text))


def _read(rows: Sequence[Sequence[Cell]], heading: GridHeading, mark: str | None) -> list[LineItem]:
    columns = _assign(rows, heading, mark)
    places = next((column for column, title in heading.titles.items() if fold(title) in _PLACES), None)
    items: list[LineItem] = []
    printed: set[Decimal] = set()
    for row in rows:
        cells = _cells(row, columns)
        placed = str(row[places] or "") if places is not None else ""
        if Role.QUANTITY not in columns.values() and _DESIGNATORS.match(placed):
            cells[Role.QUANTITY] = Decimal(len(re.findall(r"[A-Z]{1,3}\d{1,3}", placed)))
        if not cells or _is_summary(row, cells):
            printed.update(value for cell in row for value in _values(cell, mark))
            continue
        item = item_of(Row(cells), mark)
        wanted = Role.QUANTITY in columns.values()
        if item is not None and (_states_something(item, wanted) or (wanted and _worded_count(row, cells))):
            items.append(item)
    return amounts_not_prices(items, printed)


def _values(cell: Cell, mark: str | None) -> list[Decimal]:
    return [cell] if isinstance(cell, Decimal) else amounts(cell, mark) if cell else []


def _states_something(item: LineItem, counts: bool) -> bool:
    if item.quantity is None:
        return bool(item.line_total) and (not counts or item.unit_price is not None)
    return item.quantity != 0 or bool(item.line_total)


def _worded_count(row: Sequence[Cell], cells: dict[Role, str | Decimal]) -> bool:
    """Tell whether a row that is half filled says in words how many: "a lot", "as required"."""
    count = cells.get(Role.QUANTITY)
    filled = sum(1 for cell in row if cell is not None)
    return isinstance(count, str) and ":" not in count and not closes(count) and filled >= max(3, len(row) / 2)


def _assign(rows: Sequence[Sequence[Cell]], heading: GridHeading, mark: str | None) -> dict[int, Role]:
    """Settle one column per role by how sure the title is and whether the cells below are of that sort."""
    chosen: dict[Role, list[tuple[float, int]]] = {}
    rows = _full(rows, heading)
    for column, known in heading.meanings.items():
        place = _shifted(rows, heading, column)
        values = [row[place] for row in rows if place < len(row) and row[place] is not None]
        role = _role_by_content(known.role, values, mark, fold(heading.titles[column]))
        chosen.setdefault(role, []).append((known.weight - 0.001 * column, place))
    _promote_codes(rows, chosen)
    _promote_count(rows, chosen, mark)
    columns: dict[int, Role] = {}
    _describe(rows, chosen)
    for role, places in chosen.items():
        if role not in (Role.OTHER, Role.POSITION, Role.TAX):
            columns[_best(rows, role, places, chosen)] = role
    shown = rows[:_ROWS_SHOWN]
    _name_things(shown, columns, heading)
    numeric = [column for column in heading.titles if figured(shown, column, mark)]
    settle_factors(shown, columns, numeric, mark)
    if Role.PART not in columns.values():
        subjects = {column + 1 for column, role in columns.items() if role in (Role.NAME, Role.DESCRIPTION)}
        untitled = [column for column in subjects if column not in heading.titles and coded(shown, column)]
        columns.update(dict.fromkeys(untitled[:1], Role.PART))
    if Role.UNIT not in columns.values():
        free = [column for column in range(len(shown[0]) if shown else 0) if column not in columns]
        counting = {column for column, known in heading.meanings.items() if known.role in _COUNTS}
        units = [column for column in free if units_in(shown, column, counted=column in counting)]
        columns.update(dict.fromkeys(units[:1], Role.UNIT))
    return columns


def _name_things(rows: Sequence[Sequence[Cell]], columns: dict[int, Role], heading: GridHeading) -> None:
    """Give, in place, the names to a column where no title says "description": the wordier part numbers, or a text."""
    roles = columns.values()
    if Role.DESCRIPTION in roles or Role.NAME in roles:
        return
    parts = [column for column, known in heading.meanings.items() if known.role is Role.PART]
    spaced = {column: _spaced(rows, column) for column in parts}
    wordiest = max(spaced, key=spaced.__getitem__, default=None)
    if wordiest is not None and spaced[wordiest] >= 0.5:
        for column in [column for column, role in columns.items() if role is Role.PART]:
            del columns[column]
        columns.update(dict.fromkeys([column for column in parts if column != wordiest][:1], Role.PART))
        columns[wordiest] = Role.NAME
        return
    unknown = [column for column in heading.titles if column not in heading.meanings and column not in columns]
    worded = {column: letters for column in unknown if (letters := _letters(rows, column)) >= 4}
    if worded:
        columns[max(worded, key=worded.__getitem__)] = Role.NAME


def _spaced(rows: Sequence[Sequence[Cell]], column: int) -> float:
    """Return the share of a column's cells that hold words apart."""
    texts = [str(row[column]) for row in rows if column < len(row) and row[column] is not None]
    return sum(1 for text in texts if re.search(r"[^\W\d]{3}.* |\s.*[^\W\d]{3}", text)) / max(1, len(texts))


def _letters(rows: Sequence[Sequence[Cell]], column: int) -> float:
    return sum(len(re.findall(r"[^\W\d]", str(row[column] or ""))) for row in rows if column < len(row)) / max(
        1, len(rows)
    )


def _full(rows: Sequence[Sequence[Cell]], heading: GridHeading) -> Sequence[Sequence[Cell]]:
    """Return the rows filled half as much as the heading or more, so that sums and notes below do not count."""
    least = max(2, len(heading.titles) / 2)
    full = [row for row in rows if sum(1 for cell in row if cell is not None) >= least]
    return [row for row in full if not sums(next((cell for cell in row if isinstance(cell, str)), ""))] or full or rows


def _promote_codes(rows: Sequence[Sequence[Cell]], chosen: dict[Role, list[tuple[float, int]]]) -> None:
    """Take an "Item" or "Artikel" column beside a description for the part number when codes stand in it."""
    if Role.PART in chosen or Role.DESCRIPTION not in chosen or Role.NAME not in chosen:
        return
    for entry in chosen[Role.NAME]:
        texts = [str(row[entry[1]]) for row in rows if entry[1] < len(row) and row[entry[1]] is not None]
        if texts and sum(1 for text in texts if _CODE.fullmatch(text)) > 0.6 * len(texts):
            chosen[Role.PART] = [entry]
            chosen[Role.NAME].remove(entry)
            if not chosen[Role.NAME]:
                del chosen[Role.NAME]
            return


def _promote_count(
    rows: Sequence[Sequence[Cell]], chosen: dict[Role, list[tuple[float, int]]], mark: str | None
) -> None:
    """Take an "Amount" beside a "Total" for the quantity when it, times the price, is the total."""
    totals_, prices = chosen.get(Role.TOTAL, []), chosen.get(Role.PRICE, [])
    if Role.QUANTITY in chosen or len(totals_) < 2 or not prices:
        return
    for count, total in permutations(totals_, 2):
        fits = sum(1 for row in rows if row_fits(row, count[1], prices[0][1], total[1], mark))
        if fits >= max(1, 0.6 * sum(1 for row in rows if row[prices[0][1]] is not None)):
            chosen[Role.QUANTITY], chosen[Role.TOTAL] = [count], [total]
            return


def _describe(rows: Sequence[Sequence[Cell]], chosen: dict[Role, list[tuple[float, int]]]) -> None:
    """Take a second column of names for the description where the first repeats itself or says much less."""
    names = chosen.get(Role.NAME, [])
    if Role.DESCRIPTION in chosen or len(names) < 2:
        return
    first = _best(rows, Role.NAME, names, chosen)
    texts = [str(row[first]) for row in rows if first < len(row) and row[first] is not None]
    for entry in sorted(names, key=lambda entry: -_letters(rows, entry[1])):
        wordier = _letters(rows, entry[1]) >= 2 * _letters(rows, first)
        if entry[1] != first and (wordier or len(set(texts)) < len(texts)):
            chosen[Role.NAME] = [name for name in names if name[1] == first]
            chosen[Role.DESCRIPTION] = [entry]
            return


def _best(
    rows: Sequence[Sequence[Cell]],
    role: Role,
    places: list[tuple[float, int]],
    chosen: dict[Role, list[tuple[float, int]]],
) -> int:
    """Prefer, among columns of one role, the surest title that is mostly filled."""

    def worth(entry: tuple[float, int]) -> float:
        weight, place = entry
        values = [row[place] for row in rows if place < len(row) and row[place] is not None]
        one_for_all = role is Role.PART and len(values) > 1 and len(set(values)) == 1
        return weight + (0.5 if len(values) >= 0.3 * max(1, len(rows)) and not one_for_all else 0.0)

    return max(places, key=worth)[1]


def _shifted(rows: Sequence[Sequence[Cell]], heading: GridHeading, column: int) -> int:
    """Follow a title merged over several columns to the one that is filled below it."""
    if any(row[column] is not None for row in rows if column < len(row)):
        return column
    width = max((len(row) for row in rows), default=0)
    place = column + 1
    while place < width and place not in heading.titles:
        if any(row[place] is not None for row in rows):
            return place
        place += 1
    return column


def _role_by_content(role: Role, values: Sequence[Cell], mark: str | None, title: str) -> Role:
    """Correct a title's meaning by what stands below: "Item" may head numbers, "Reference" the places on a board."""
    texts = [str(value) for value in values]
    if not texts:
        return role
    numeric = sum(1 for value in values if isinstance(value, Decimal) or amounts(str(value), mark))
    if role is Role.NAME and numeric == len(texts) and _counts_up(texts):
        return Role.POSITION
    if role in NUMERIC and numeric < 0.5 * len(texts):
        counted = sum(1 for text in texts if quantities(text, mark)[0])
        return role if role is Role.QUANTITY and counted >= 0.5 * len(texts) else Role.OTHER
    if role is Role.PART and _places_on_board(texts, title):
        return Role.OTHER
    if role is Role.DISCOUNT and numeric == 0 and title == "desc":
        return Role.DESCRIPTION
    if role is Role.PRICE_PER and numeric == 0:
        return Role.UNIT
    if role is Role.NAME and numeric == len(texts) and any(isinstance(value, Decimal) for value in values):
        return Role.OTHER
    if role is Role.UNIT and sum(1 for text in texts if amounts(text, mark)) > 0.6 * len(texts):
        return Role.PRICE
    wordy = [text for text in texts if len(text.split()) > 2 and re.search(r"[^\W\d]", text)]
    if role is Role.PART and len(wordy) > 0.5 * len(texts):
        return Role.NAME
    if role is Role.POSITION and _codes(texts):
        return Role.PART
    if role is Role.POSITION and numeric < 0.3 * len(texts):
        return Role.NAME if sum(1 for text in texts if " " in text) > 0.5 * len(texts) else Role.PART
    return role


def _places_on_board(texts: Sequence[str], title: str) -> bool:
    """Tell whether cells name places on a board: "R1, R2" somewhere, or "C4" below a title that says reference."""
    places = [text for text in texts if _DESIGNATORS.match(text)]
    several = any(re.search(r"\d[,; ]+[A-Z]", text) for text in places)
    placed = title.startswith(("references", "refs", "reference")) and all(_PLACE.match(text) for text in places)
    return len(places) > 0.6 * len(texts) and (several or placed)


def _codes(texts: Sequence[str]) -> bool:
    """Tell whether below "Item no" stand codes of five signs or more, and not a count of lines."""
    counting = all(amounts(text) for text in texts) and _counts_up(texts)
    return not counting and all(re.fullmatch(r"(?=\S*\d)\S{5,40}", text) for text in texts)


def _counts_up(texts: Sequence[str]) -> bool:
    values = [amounts(text)[0] for text in texts]
    return all(0 < after - before <= 10 for before, after in pairwise(values)) and values[0] <= 10


def _cells(row: Sequence[Cell], columns: dict[int, Role]) -> dict[Role, str | Decimal]:
    cells: dict[Role, str | Decimal] = {}
    for column, role in columns.items():
        value = row[column] if column < len(row) else None
        if value is not None:
            cells[role] = value
    name, description = cells.get(Role.NAME), cells.get(Role.DESCRIPTION)
    if isinstance(name, str) and isinstance(description, str) and fold(name) not in fold(description):
        cells[Role.DESCRIPTION] = f"{name} {description}"
    return cells


def _is_summary(row: Sequence[Cell], cells: dict[Role, str | Decimal]) -> bool:
    """Tell whether a row is a total: it begins like one and lacks a quantity or a price."""
    first = next((cell for cell in row if isinstance(cell, str) and not _is_amount(cell)), None)
    if first is None:
        return (
            Role.DESCRIPTION not in cells
            and Role.NAME not in cells
            and Role.PART not in cells
            and Role.MAKER_PART not in cells
        )
    if Role.QUANTITY in cells and (Role.PRICE in cells or Role.PART in cells):
        return False
    return ((totals(first) and not names_more(first)) or carries(first)) and len(fold(first).split()) <= 5
