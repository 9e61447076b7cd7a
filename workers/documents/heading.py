"""Finds the heading of a table on a page: which words are column titles, and what each column holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from workers.documents.headers import Meaning, Role, fold, headings, meaning
from workers.documents.model import Box, Word
from workers.documents.numbers import amount
from workers.documents.page import Line, box_of, segments, space_width, text_height, text_of

_AMOUNT_ROLES = frozenset({Role.QUANTITY, Role.PRICE, Role.TOTAL, Role.TOTAL_GROSS, Role.PRICE_GROSS, Role.PRICE_LIST})
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
    """A table heading made of the lines `first` to `last` (both included) of a page."""

    first: int
    last: int
    cells: tuple[HeadingCell, ...]
    score: float

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
    cells = _split_line(block[0], space, fuzzy) if len(block) == 1 else _stack(block, space, fuzzy)
    score = _score(cells)
    if score < 1.5:
        return None
    return Heading(first, first + len(block) - 1, tuple(cells), score)


def _has_amount(line: Line) -> bool:
    return any(
        re.search(r"\d", word.text) and amount(word.text) is not None and len(word.text) > 1 for word in line.words
    )


def _score(cells: Sequence[HeadingCell]) -> float:
    best: dict[Role, float] = {}
    unknown = 0
    for cell in cells:
        if cell.meaning is None:
            unknown += 1
            continue
        weight = cell.meaning.weight * (0.3 if cell.role is Role.OTHER else 1.0)
        best[cell.meaning.role] = max(best.get(cell.meaning.role, 0.0), weight)
    if not best.keys() & _AMOUNT_ROLES or not (best.keys() & _NAMING_ROLES or Role.QUANTITY in best):
        return 0.0
    return sum(best.values()) - 0.3 * unknown


def _split_line(line: Line, space: float, fuzzy: bool) -> list[HeadingCell]:
    cells: list[HeadingCell] = []
    for segment in segments(line.words, 1.8 * space):
        cells.extend(_split_segment(segment, space, fuzzy))
    return cells


def _cell(words: Sequence[Word], fuzzy: bool) -> HeadingCell:
    text = text_of(words)
    return HeadingCell(box_of(words), text, meaning(text, fuzzy=fuzzy))


def _split_segment(segment: list[Word], space: float, fuzzy: bool) -> list[HeadingCell]:
    """Split titles printed close together ("Menge USt. (%)") where known titles meet."""
    whole = _cell(segment, fuzzy)
    if len(segment) == 1 or (whole.meaning and whole.meaning.weight >= 0.9):
        return [whole]
    halves = _halves(segment, space)
    if halves is not None:
        return [cell for half in halves for cell in _split_segment(half, space, fuzzy)]
    parts = _greedy(segment, space)
    known = [part for part in parts if fold(text_of(part)) in headings()]
    if len(known) < 2 or len(parts) > len(known) + 1:
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


def _greedy(segment: list[Word], space: float) -> list[list[Word]]:
    parts: list[list[Word]] = []
    start = 0
    while start < len(segment):
        end = next(
            (
                end
                for end in range(len(segment), start, -1)
                if fold(text_of(segment[start:end])) in headings()
                and not (end < len(segment) and fold(segment[end].text) in _QUALIFIERS)
            ),
            None,
        )
        if end is None:
            if parts and (fold(segment[start].text) in _QUALIFIERS or _tight(segment, start, space)):
                parts[-1].append(segment[start])
            else:
                parts.append([segment[start]])
            start += 1
            continue
        if parts and fold(parts[-1][-1].text) in _QUALIFIERS and _tight(segment, start, space):
            parts[-1].extend(segment[start:end])
        else:
            parts.append(segment[start:end])
        start = end
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
    parts = _greedy(segment, space)
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
