"""Finds items where no heading says which column is which: by quantity x price = total."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from workers.documents.headers import Role, meaning
from workers.documents.model import Word
from workers.documents.numberline import Figure, figures, is_currency
from workers.documents.page import Line, Measure, box_of, text_of
from workers.documents.rows import Row, agrees
from workers.documents.words import carries, closes, names_more, totals

_TIMES = re.compile(r"^(?:x|\*|@|à|a|x:)$", re.IGNORECASE)
_UNIT = re.compile(r"^[^\W\d][\w.²³]{0,8}$")


@dataclass(frozen=True, slots=True)
class Triple:
    """Three figures of one line that multiply, and where they stand in it."""

    quantity: Figure
    price: Figure
    total: Figure
    values: tuple[Decimal, Decimal, Decimal]

    @property
    def x0(self) -> float:
        return min(self.quantity.x0, self.price.x0)


def triple_of(found: Sequence[Figure]) -> Triple | None:
    """Return the quantity, price and total among figures (left to right), the total being the rightmost that fits."""
    plain = [figure for figure in found if not figure.is_percent]
    discounts = [figure.values[0] for figure in found if figure.is_percent and figure.values[0] != 0]
    for last in range(len(plain) - 1, 1, -1):
        for second in range(last - 1, 0, -1):
            for first in range(second - 1, -1, -1):
                triple = _fits(plain[first], plain[second], plain[last], discounts)
                if triple is not None:
                    return triple
    return None


def _fits(one: Figure, other: Figure, total: Figure, discounts: Sequence[Decimal]) -> Triple | None:
    for discount in (None, *discounts):
        for a in one.values:
            for b in other.values:
                for t in total.values:
                    if 0 in (a, b, t) or (a == 1 and b == 1) or not agrees(a, b, t, discount=discount):
                        continue
                    if _is_count(a, one) or not _is_count(b, other):
                        return Triple(one, other, total, (a, b, t))
                    return Triple(other, one, total, (b, a, t))
    return None


def _is_count(value: Decimal, figure: Figure) -> bool:
    return value == value.to_integral_value() and not re.search(r"[.,]\d{2}\b", text_of(figure.words))


def rows_by_product(lines: Sequence[Line], *, page: int, mark: str | None, size: Measure) -> list[Row]:
    """Return a row for every line whose figures multiply, described by its words, the line above, those below."""
    rows: list[Row] = []
    above: Line | None = None
    open_x: float | None = None
    for index, line in enumerate(lines):
        found = figures(line.words, mark, size)
        triple = triple_of(found)
        stated = triple is not None and not _prose(line, triple) and not _thousands(found, triple)
        row = _row(line, found, triple, above, page) if triple is not None and stated else None
        if row is not None:
            rows.append(row)
            above, open_x = None, line.words[0].x0
        elif rows and open_x is not None and _continues(lines[index - 1], line, open_x, found):
            rows[-1] = _described(rows[-1], line)
        else:
            open_x = None
            above = line if all(figure.is_percent for figure in found) else None
    return rows


def _prose(line: Line, triple: Triple) -> bool:
    """Tell whether figures that happen to multiply stand in a sentence: words between the price and the total."""
    start = max(triple.quantity.x1, triple.price.x1)
    between = [word for word in line.words if start <= word.x0 and word.x1 <= triple.total.x0]
    after = [word for word in line.words if word.x0 >= triple.total.x1]
    return any(len(re.findall(r"[^\W\d]{3,}", text_of(words))) > 2 for words in (between, after))


def _thousands(found: Sequence[Figure], triple: Triple) -> bool:
    """Tell whether price and total are one amount printed twice whose thousands stand apart: "1 204,80  1 204,80"."""
    if triple.values[1] != triple.values[2]:
        return False
    before = [found[place - 1] for figure in (triple.price, triple.total) if (place := found.index(figure)) > 0]
    heads = {text_of(figure.words) for figure in before if figure.x0 < triple.total.x0}
    apart = all(re.match(r"\d{3}[.,]\d\d\b", text_of(figure.words)) for figure in (triple.price, triple.total))
    return apart and len(before) == 2 and before[1] is not triple.price and len(heads) == 1


def _continues(before: Line, line: Line, x0: float, found: Sequence[Figure]) -> bool:
    """Tell whether a line goes on describing: close below, aligned, without amounts of money."""
    priced = any(re.search(r"[.,]\d{2}$", text_of(figure.words)) for figure in found)
    near = line.middle - before.middle < 1.7 * max(line.bottom - line.top, before.bottom - before.top)
    return near and not priced and abs(line.words[0].x0 - x0) < 40 and not (totals(line.text) or closes(line.text))


def _described(row: Row, line: Line) -> Row:
    text = f"{row.cells[Role.DESCRIPTION]} {line.text}"
    box = row.box.union(line.box) if row.box is not None else line.box
    return replace(row, cells={**row.cells, Role.DESCRIPTION: text}, box=box)


def _row(line: Line, found: Sequence[Figure], triple: Triple, above: Line | None, page: int) -> Row | None:
    taken = {word for figure in found if figure.x0 >= triple.x0 for word in figure.words}
    words = [
        word for word in line.words if word not in taken and not is_currency(word.text) and not _TIMES.match(word.text)
    ]
    unit = _unit_after(line, triple.quantity)
    words = [word for word in words if word is not unit]
    position = words[0] if len(words) > 1 and re.fullmatch(r"\d{1,4}[.)]?", words[0].text) else None
    text = text_of(words[1:] if position else words)
    if (totals(text) or carries(text)) and position is None and not names_more(text):
        return None
    label = meaning(text.rstrip(" :=x"))
    if label is not None and label.role is Role.QUANTITY and label.weight > 0.9:
        return None
    lines = [line]
    if len(re.findall(r"[^\W\d]", text)) < 3:
        if above is None or totals(above.text) or closes(above.text):
            return None
        text, lines = f"{above.text} {text}".strip(), [above, line]
    cells: dict[Role, str | Decimal] = {
        Role.DESCRIPTION: text,
        Role.QUANTITY: triple.values[0],
        Role.PRICE: triple.values[1],
        Role.TOTAL: triple.values[2],
    }
    if unit is not None:
        cells[Role.UNIT] = unit.text
    box = box_of([word for each in lines for word in each.words])
    return Row(cells, page, box, min(word.score for word in line.words))


def _unit_after(line: Line, quantity: Figure) -> Word | None:
    """Return the short word that stands right behind the quantity, when more follows and words stand before it."""
    after = [word for word in line.words if word.x0 >= quantity.x1 - 0.5]
    before = [word for word in line.words if word.x1 <= quantity.x0 + 0.5]
    if not after or not before or not _UNIT.match(after[0].text) or _TIMES.match(after[0].text):
        return None
    return None if is_currency(after[0].text) else after[0]
