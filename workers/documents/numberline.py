"""Which words of a line are amounts: joins what printing split ("1 234,50", "EUR 12.00") and leaves dates and codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from workers.documents.model import Word
from workers.documents.numbers import CURRENCIES, amounts, clean, percent
from workers.documents.page import Measure

_CURRENCY = re.compile(rf"^(?:{CURRENCIES})$", re.IGNORECASE)
_DATE = re.compile(r"^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?$")


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount on a line: the words it is printed with and the values it can mean."""

    words: tuple[Word, ...]
    values: tuple[Decimal, ...]
    is_percent: bool = False

    @property
    def x0(self) -> float:
        return self.words[0].x0

    @property
    def x1(self) -> float:
        return self.words[-1].x1


def is_currency(text: str) -> bool:
    """Tell whether a word is only a currency sign or code."""
    return _CURRENCY.match(clean(text)) is not None


def figures(words: Sequence[Word], mark: str | None, size: Measure) -> list[Figure]:
    """Return the amounts among `words` of one line, left to right."""
    found: list[Figure] = []
    index = 0
    while index < len(words):
        end, figure = _figure_at(words, index, mark, size)
        if figure is not None:
            found.append(figure)
        index = end
    return found


def _figure_at(words: Sequence[Word], start: int, mark: str | None, size: Measure) -> tuple[int, Figure | None]:
    for end in range(min(len(words), start + 4), start, -1):
        part = words[start:end]
        if any(right.x0 - left.x1 > 1.4 * size.space for left, right in pairwise(part)):
            continue
        if not size.spaced and sum(1 for word in part if re.search(r"\d", word.text)) > 1:
            continue
        text = " ".join(word.text for word in part).rstrip(",;")
        if not re.search(r"\d", text) or _DATE.match(clean(text)):
            continue
        share = percent(text)
        if share is not None:
            return end, Figure(tuple(part), (share,), True)
        values = amounts(text, mark)
        if values and not (len(part) == 1 and re.fullmatch(r"0\d{3,}|\d{9,}", text)):
            return end, Figure(tuple(part), tuple(values))
    return start + 1, None
