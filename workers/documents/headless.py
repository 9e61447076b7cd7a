"""Finds items where no heading says which column is which: by quantity x price = total, or by amounts that add up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from workers.documents.headers import Role
from workers.documents.model import Word
from workers.documents.numberline import Figure, figures, is_currency
from workers.documents.page import Line, box_of, text_of
from workers.documents.rows import Row, agrees
from workers.documents.words import carries, closes, totals

_TIMES = re.compile(r"^(?:x|\*|@|à|a|st|stk|stück|pcs?|ea|kg|un|ud|x:)$", re.IGNORECASE)


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
                    if t != 0 and a != 0 and b != 0 and agrees(a, b, t, discount=discount) and not (a == 1 and b == 1):
                        if _is_count(a, one) or not _is_count(b, other):
                            return Triple(one, other, total, (a, b, t))
                        return Triple(other, one, total, (b, a, t))
    return None


def _is_count(value: Decimal, figure: Figure) -> bool:
    return value == value.to_integral_value() and not re.search(r"[.,]\d{2}\b", text_of(figure.words))


def rows_by_product(lines: Sequence[Line], *, page: int, mark: str | None, space: float) -> list[Row]:
    """Return a row for every line whose figures multiply, described by its words or by the line above."""
    rows: list[Row] = []
    above: Line | None = None
    for line in lines:
        found = figures(line.words, mark, space)
        triple = triple_of(found)
        if triple is None:
            above = line if not any(figure for figure in found if not figure.is_percent) else None
            continue
        described = [word for word in line.words if word.x1 <= triple.x0 + 0.5 or not _is_figure(word, found)]
        row = _row(line, described, triple, above, page)
        if row is not None:
            rows.append(row)
        above = None
    return rows


def _is_figure(word: Word, found: Sequence[Figure]) -> bool:
    return any(word in figure.words for figure in found)


def _row(line: Line, described: Sequence[Word], triple: Triple, above: Line | None, page: int) -> Row | None:
    words = [
        word
        for word in described
        if not is_currency(word.text)
        and not _TIMES.match(word.text)
        and word not in triple.quantity.words
        and word not in triple.price.words
    ]
    position = words[0] if words and re.fullmatch(r"\d{1,4}[.)]?", words[0].text) and len(words) > 1 else None
    text = text_of(words[1:] if position else words)
    if (totals(text) or carries(text)) and position is None:
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
    box = box_of([word for each in lines for word in each.words])
    return Row(cells, page, box, min(word.score for word in line.words))


def rows_by_sum(lines: Sequence[Line], *, page: int, mark: str | None, space: float) -> list[Row]:
    """Return a row for each priced line above a total that equals their sum, as on a till receipt; else nothing."""
    rows: list[Row] = []
    running = Decimal(0)
    for line in lines:
        plain = [figure for figure in figures(line.words, mark, space) if not figure.is_percent]
        if not plain or not re.search(r"[.,]\d{2}", text_of(plain[-1].words)):
            continue
        value = plain[-1].values[0]
        label = text_of([word for word in line.words if word.x1 <= plain[-1].x0 and not is_currency(word.text)])
        if totals(label) or carries(label):
            if rows and abs(running - value) < Decimal("0.011"):
                return rows
            continue
        if len(re.findall(r"[^\W\d]", label)) < 3 or closes(label):
            continue
        running += value
        rows.append(
            Row({Role.DESCRIPTION: label, Role.TOTAL: value}, page, line.box, min(word.score for word in line.words))
        )
    return []
