"""Geometry of a page: words gathered into lines, lines split into cells by the gaps between words."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from workers.documents.model import Box, Page, Rule, Word

_LEADER = re.compile(r"[_=*~.·…─—–-]{3,}")
_SIGNED = r"\d{1,3}(?:,\d{3})+\.\d\d|\d{1,3}(?:\.\d{3})+,\d\d|\d{1,3}['’]\d{3}"
_PARTED = re.compile(rf"(?<![\d.,'’])(?:{_SIGNED})(?!\d)")
_THOUSANDS = re.compile(rf"(?<![\d.,'’])(?:{_SIGNED}|\d{{4,6}}[.,]\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class Line:
    """Words on one baseline, left to right."""

    words: tuple[Word, ...]

    @property
    def top(self) -> float:
        return min(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        return max(word.bottom for word in self.words)

    @property
    def middle(self) -> float:
        return statistics.median(word.middle for word in self.words)

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        return box_of(self.words)


def box_of(words: Sequence[Word]) -> Box:
    """Return the smallest box around `words`, of which there must be one."""
    return Box(
        min(word.x0 for word in words),
        min(word.top for word in words),
        max(word.x1 for word in words),
        max(word.bottom for word in words),
    )


def lines_of(page: Page) -> list[Line]:
    """Return the lines of `page`, top to bottom: words whose middles lie within each other's height.

    Lines drawn with signs ("_____", "=====", ".....") are no words.
    """
    rows: list[list[Word]] = []
    printed = (word for word in page.words if not _LEADER.fullmatch(word.text))
    for word in sorted(printed, key=lambda word: (word.middle, word.x0)):
        row = next((row for row in reversed(rows[-3:]) if _same_line(row, word)), None)
        if row is None:
            rows.append([word])
        else:
            row.append(word)
    lines = [Line(tuple(sorted(row, key=lambda word: word.x0))) for row in rows]
    return sorted(lines, key=lambda line: line.middle)


def _same_line(row: list[Word], word: Word) -> bool:
    middle = sum(other.middle for other in row) / len(row)
    height = sum(other.height for other in row) / len(row)
    if abs(middle - word.middle) > 0.45 * min(height, word.height):
        return False
    return not any(min(other.x1, word.x1) - max(other.x0, word.x0) > 0.5 * min(height, word.height) for other in row)


@dataclass(frozen=True, slots=True)
class Measure:
    """How a page is printed: the usual height of a word, and the usual white between two words of a sentence.

    `spaced`: white may part the thousands of an amount, for no amount on it is printed in another way.
    """

    height: float
    space: float
    spaced: bool = True


def measure(lines: Sequence[Line], *, scanned: bool = False) -> Measure:
    """Return how `lines` are printed; recognition loses white, so thousands without a sign in a scan tell nothing."""
    parted = _PARTED if scanned else _THOUSANDS
    otherwise = any(parted.search(word.text) for line in lines for word in line.words)
    return Measure(text_height(lines), space_width(lines), not otherwise)


def text_height(lines: Sequence[Line]) -> float:
    """Return the usual height of a word, 10 points when there is none."""
    heights = [word.height for line in lines for word in line.words]
    return statistics.median(heights) if heights else 10.0


def space_width(lines: Sequence[Line]) -> float:
    """Return the usual white between two words of a sentence, a quarter of the height of a word when there is none."""
    height = text_height(lines)
    gaps = [
        right.x0 - left.x1
        for line in lines
        for left, right in pairwise(line.words)
        if 0.1 * height < right.x0 - left.x1 < 0.75 * height
    ]
    return statistics.median(gaps) if len(gaps) >= 5 else 0.28 * height


def segments(words: Sequence[Word], gap: float) -> list[list[Word]]:
    """Split words of one line where the white space between two is wider than `gap`."""
    parts: list[list[Word]] = []
    for word in words:
        if parts and word.x0 - parts[-1][-1].x1 <= gap:
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def text_of(words: Sequence[Word]) -> str:
    """Return words as text, a space between each two."""
    return " ".join(word.text for word in words)


def ruled(above: Line, below: Line, rules: Sequence[Rule]) -> bool:
    """Tell whether a drawn line, at least half as wide as the text, lies between two lines."""
    width = max(above.box.x1, below.box.x1) - min(above.box.x0, below.box.x0)
    return any(
        rule.horizontal and above.middle < rule.top < below.middle and rule.x1 - rule.x0 > min(0.5 * width, 150)
        for rule in rules
    )
