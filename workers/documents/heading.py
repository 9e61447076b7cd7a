"""Finds the heading of a table on a page: which words are column titles, and what each column holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from workers.documents.headers import Meaning, Role, fold, headings, meaning
from workers.documents.model import Box, Word
from workers.documents.numberline import is_currency
from workers.documents.numbers import amount
from workers.documents.page import Line, box_of, segments, space_width, text_height, text_of

_AMOUNT_ROLES = frozenset({Role.QUANTITY, Role.PRICE, Role.TOTAL, Role.TOTAL_GROSS, Role.PRICE_GROSS, Role.PRICE_LIST})
_LONGEST_TITLE = 6
LEAST_WEIGHT = 0.2  # a known word among many others is a sentence, not a title
_SUMMING_ROLES = frozenset({Role.TAX, Role.TOTAL, Role.TOTAL_GROSS, Role.DISCOUNT})
_NAMING_ROLES = frozenset({Role.DESCRIPTION, Role.NAME})
_QUALIFIERS = frozenset(
    [
        "excl",
        "incl",
        "ex",
        "inc",
        "exkl",
        "inkl",
        "ohne",
        "mit",
        "sans",
        "sin",
        "con",
        "net",
        "netto",
        "ht",
        "ttc",
        "excluding",
        "including",
        "hors",
        "plus",
        "inclus",
    ]
)


@dataclass(frozen=True, slots=True)
class HeadingCell:
    """One column title: its words' box and what it means, None when unknown."""

    box: Box
    text: str
    meaning: Meaning | None

    @property
    def role(self) -> Role | None:
        return self.meaning.role if self.meaning else None


@dataclass(frozen=True, slots=True)
class Heading:
    """A table heading made of the lines `first` to `last` (both included) of a page.

    `layers`: the heading line by line where an item is printed on several lines, each below a line of titles.
    """

    first: int
    last: int
    cells: tuple[HeadingCell, ...]
    score: float
    layers: tuple[Heading, ...] = ()

    @property
    def counts(self) -> bool:
        """Tell whether a title heads amounts or quantities."""
        return bool(self.roles & _AMOUNT_ROLES)

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(cell.role for cell in self.cells if cell.role is not None)

    @property
    def bottom(self) -> float:
        return max(cell.box.bottom for cell in self.cells)


def find_headings(lines: Sequence[Line], *, fuzzy: bool) -> list[Heading]:
    """Return the headings among `lines`, top to bottom, none sharing a line.

    Args:
        lines: The lines of one page.
        fuzzy: Accept near spellings, for recognised text.
    """
    height, space = text_height(lines), space_width(lines)
    candidates: list[Heading] = []
    for first in range(len(lines)):
        for last in range(first, min(first + 3, len(lines))):
            if last > first and lines[last].top - lines[last - 1].bottom > 1.0 * height:
                break
            heading = _heading(lines[first : last + 1], first, space, fuzzy)
            if heading is not None:
                candidates.append(heading)
    taken: set[int] = set()
    chosen: list[Heading] = []
    for heading in sorted(
        candidates, key=lambda heading: (-round(heading.score, 2), heading.first - heading.last, heading.first)
    ):
        rows = set(range(heading.first, heading.last + 1))
        if not rows & taken:
            taken |= rows
            chosen.append(heading)
    return sorted(chosen, key=lambda heading: heading.first)


def _heading(block: Sequence[Line], first: int, space: float, fuzzy: bool) -> Heading | None:
    if any(_has_amount(line) for line in block) or any(len(line.words) > 40 for line in block):
        return None
    block = [Line(tuple(unglued(line.words))) for line in block]
    last = first + len(block) - 1
    layers = _layers(block, first, space, fuzzy) if len(block) > 1 else ()
    if layers:
        cells = [cell for layer in layers for cell in layer.cells]
    else:
        cells = _split_line(block[0], space, fuzzy) if len(block) == 1 else _stack(block, space, fuzzy)
    cells = [cell for cell in cells if not is_currency(cell.text)]
    score = _score(cells)
    return Heading(first, last, tuple(cells), score, layers) if score >= 1.5 else None


def _layers(block: Sequence[Line], first: int, space: float, fuzzy: bool) -> tuple[Heading, ...]:
    """Return one heading per line when what stands above each other means unlike things ("Material" over "Quantity").

    Only a title of text over one of figures, twice or more in a heading, tells this; "Unit" over "price" is one title.
    """
    rows = [[cell for cell in _split_line(line, space, fuzzy) if not is_currency(cell.text)] for line in block]
    unlike = 0
    for upper, lower in pairwise(rows):
        for cell in upper:
            below = [other for other in lower if _overlap(cell.box, other.box) > 0.3]
            unlike += sum(1 for other in below if _unlike(cell, other))
    sorts = [(bool(_roles(row) & _AMOUNT_ROLES), bool(_roles(row) & _NAMING_ROLES)) for row in rows]
    if unlike < 1 or sorts.count((True, False)) != 1 or sorts.count((False, True)) != 1 or len(rows) != 2:
        return ()
    return tuple(Heading(first, first + len(rows) - 1, tuple(row), _score(row)) for row in rows)


def _roles(cells: Sequence[HeadingCell]) -> set[Role | None]:
    return {cell.role for cell in cells}


def _unlike(one: HeadingCell, other: HeadingCell) -> bool:
    if one.meaning is None or other.meaning is None or fold(f"{one.text} {other.text}") in headings():
        return False
    least = min(one.meaning.weight, other.meaning.weight)
    if {one.meaning.role, other.meaning.role} == {Role.PART, Role.DESCRIPTION}:
        return least >= 0.9
    return least >= 0.35 and (one.meaning.role in _AMOUNT_ROLES) != (other.meaning.role in _AMOUNT_ROLES)


def heads_sums(line: Line, space: float) -> bool:
    """Tell whether a line is the heading of a table of sums and taxes ("Net | VAT % | VAT | Gross"), not of items."""
    if len(line.words) > 20:
        return False
    if _has_amount(line):
        # A second table beside it has its sums on the same line: look left of the first label with an amount.
        parts = segments(line.words, 1.8 * space)
        first = next(index for index, part in enumerate(parts) if _has_amount(Line(tuple(part))))
        words = [word for part in parts[: max(0, first - 1)] for word in part]
        if not words or not parts[first][0].text[:1].isdigit():
            return False
        line = Line(tuple(words))
    cells = _split_line(line, space, fuzzy=False)
    known = [cell.role for cell in cells if cell.meaning is not None and cell.meaning.weight >= 0.4]
    sums = [role for role in known if role in _SUMMING_ROLES]
    named = [role for role in known if role in _NAMING_ROLES or role in (Role.QUANTITY, Role.PRICE)]
    named += [cell.role for cell in cells if cell.role is Role.PART and fold(cell.text) != "code"]
    return len(sums) >= 2 and (Role.TAX in sums or len(sums) > 2) and not named and len(sums) >= 0.5 * len(cells)


def _has_amount(line: Line) -> bool:
    return any(
        re.search(r"\d", word.text) and amount(word.text) is not None and len(word.text) > 1 for word in line.words
    )


def _score(cells: Sequence[HeadingCell]) -> float:
    best: dict[Role, float] = {}
    unknown = 0
    for cell in cells:
        if cell.meaning is None or cell.meaning.weight < LEAST_WEIGHT:
            unknown += 1
            continue
        weight = cell.meaning.weight * (0.3 if cell.role is Role.OTHER else 1.0)
        best[cell.meaning.role] = max(best.get(cell.meaning.role, 0.0), weight)
    if not best.keys() & _AMOUNT_ROLES or not (best.keys() & _NAMING_ROLES or Role.QUANTITY in best):
        return 0.0
    return sum(best.values()) - 0.3 * unknown


def unglued(words: Sequence[Word]) -> list[Word]:
    """Cut titles printed without white between them ("HoursRate") where both are known."""
    apart: list[Word] = []
    for word in words:
        cut = next(
            (
                match.start()
                for match in re.finditer(r"(?<=[^\W\d_A-ZÀ-Þ]|[.%)])(?=[A-ZÀ-Þ(])", word.text)
                if fold(word.text[: match.start()]) in headings() and fold(word.text[match.start() :]) in headings()
            ),
            None,
        )
        if cut is None:
            apart.append(word)
            continue
        middle = word.x0 + (word.x1 - word.x0) * cut / len(word.text)
        apart += [replace(word, text=word.text[:cut], x1=middle), replace(word, text=word.text[cut:], x0=middle)]
    return apart


def _split_line(line: Line, space: float, fuzzy: bool) -> list[HeadingCell]:
    cells: list[HeadingCell] = []
    for segment in segments(line.words, 1.8 * space):
        cells.extend(_split_segment(segment, space, fuzzy))
    return cells


def _cell(words: Sequence[Word], fuzzy: bool) -> HeadingCell:
    """Read a title; one of two parts with a slash between ("Pos / Item") means what the first known part does."""
    text = text_of(words)
    parts = () if fold(text) in headings() else (part for part in text.split("/")[:-1] if fold(part) in headings())
    return HeadingCell(box_of(words), text, meaning(next(iter(parts), text), fuzzy=fuzzy))


def _split_segment(segment: list[Word], space: float, fuzzy: bool) -> list[HeadingCell]:
    """Split titles printed close together ("Menge USt. (%)") where known titles meet."""
    whole = _cell(segment, fuzzy)
    known = meaning(text_of(segment))
    if len(segment) == 1 or (known and known.weight >= 0.9):
        return [whole]
    halves = _halves(segment, space)
    if halves is not None:
        return [cell for half in halves for cell in _split_segment(half, space, fuzzy)]
    parts = _parts(segment, space)
    titles = [part for part in parts if fold(text_of(part)) in headings()]
    if len(titles) < 2 or len(parts) > len(titles) + 1:
        return [whole]
    return [_cell(part, fuzzy) for part in parts]


def _halves(segment: list[Word], space: float) -> tuple[list[Word], list[Word]] | None:
    """Split at the widest gap when it is clearly wider than the others and both sides mean something, not the same."""
    gaps = [right.x0 - left.x1 for left, right in pairwise(segment)]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    others = [gap for index, gap in enumerate(gaps) if index != widest]
    if gaps[widest] < 1.25 * space or (others and gaps[widest] < 1.3 * max(others)):
        return None
    left, right = segment[: widest + 1], segment[widest + 1 :]
    one, other = meaning(text_of(left)), meaning(text_of(right))
    return (left, right) if one and other and one.role is not other.role else None


def _parts(segment: list[Word], space: float) -> list[list[Word]]:
    """Cut titles printed with one space between them into known ones: as few as can be, at the widest white."""
    best: list[tuple[float, list[int]]] = [(0.0, [])]
    for end in range(1, len(segment) + 1):
        options = []
        for start in range(max(0, end - _LONGEST_TITLE), end):
            known = fold(text_of(segment[start:end])) in headings()
            if not known and end - start > 1:
                continue
            white = segment[start].x0 - segment[start - 1].x1 if start else 0.0
            cost = (1.0 if known else 3.0) - 0.1 * min(white / space, 5.0)
            options.append((best[start][0] + cost, [*best[start][1], start]))
        best.append(min(options, key=lambda option: option[0]))
    starts = [*best[-1][1], len(segment)]
    parts: list[list[Word]] = []
    for start, end in pairwise(starts):
        part = segment[start:end]
        known = fold(text_of(part)) in headings()
        joins = parts and not known and (fold(part[0].text) in _QUALIFIERS or _tight(segment, start, space))
        leads = parts and known and fold(parts[-1][-1].text) in _QUALIFIERS and _tight(segment, start, space)
        slashed = "/" in (part[0].text[:1], *(before[-1].text[-1:] for before in parts[-1:]))
        if parts and (joins or slashed or (leads and fold(text_of(parts[-1])) not in headings())):
            parts[-1].extend(part)
        else:
            parts.append(part)
    return parts


def _tight(segment: list[Word], index: int, space: float) -> bool:
    return index > 0 and segment[index].x0 - segment[index - 1].x1 < 1.45 * space


def _stack(block: Sequence[Line], space: float, fuzzy: bool) -> list[HeadingCell]:
    """Read a heading of several lines: what stands above and below each other is one title."""
    stacks: list[list[Word]] = []
    for line in block:
        for segment in segments(line.words, 1.8 * space):
            for piece in [segment] if fold(text_of(segment)) in headings() else _regroup(segment, space):
                _place(stacks, piece)
    stacks.sort(key=lambda words: min(word.x0 for word in words))
    return [_cell(words, fuzzy) for words in stacks]


def _regroup(segment: list[Word], space: float) -> list[list[Word]]:
    halves = _halves(segment, space) if len(segment) > 1 else None
    if halves is not None:
        return [part for half in halves for part in _regroup(half, space)]
    parts = _parts(segment, space)
    known = sum(1 for part in parts if fold(text_of(part)) in headings())
    return parts if known >= 2 else [segment]


def _place(stacks: list[list[Word]], piece: list[Word]) -> None:
    box = box_of(piece)
    hits = [stack for stack in stacks if _overlap(box_of(stack), box) > 0.3]
    if len(hits) == 1:
        hits[0].extend(piece)
    else:
        stacks.append(list(piece))


def _overlap(one: Box, other: Box) -> float:
    shared = min(one.x1, other.x1) - max(one.x0, other.x0)
    return shared / max(1e-6, min(one.x1 - one.x0, other.x1 - other.x0))
