"""Finds the lines of a table that belong to no item: the titles of groups, and notes across the columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from workers.documents.cells import SUBJECT_TEXT, CellLine
from workers.documents.columns import Column
from workers.documents.headers import Role
from workers.documents.model import Rule
from workers.documents.page import Measure, ruled

_BEFORE_TEXT = (Role.POSITION, Role.PART, Role.QUANTITY, Role.UNIT, Role.OTHER)


def without_asides(
    table: Sequence[CellLine],
    kinds: Sequence[str],
    columns: Sequence[Column],
    rules: Sequence[Rule],
    measure: Measure,
) -> list[str]:
    """Return `kinds` with "skip" for each line of text that is no part of an item.

    A title is bold among light descriptions, or it runs across columns, or drawn lines make it a row, in a table whose
    items have their description beside the figures; elsewhere such a line may be the description itself.
    """
    anchors = [line for line, kind in zip(table, kinds, strict=True) if kind == "anchor"]
    if not anchors:
        return list(kinds)
    described = sum(1 for line in anchors if line.words_of(columns, *SUBJECT_TEXT)) >= 0.7 * len(anchors)
    naming = [line for line, kind in zip(table, kinds, strict=True) if kind in ("anchor", "text")]
    subjects = [words[0] for line in naming if (words := line.words_of(columns, *SUBJECT_TEXT))]
    light = sum(1 for word in subjects if not word.bold) > 0.6 * len(subjects)
    left = min(line.line.words[0].x0 for line in anchors)
    settled: list[str] = []
    for index, (line, kind) in enumerate(zip(table, kinds, strict=True)):
        title = light and _bold(line) and _followed(table, kinds, index, columns)
        apart = (described and _aside(line, columns, measure, left)) or _between_rules(
            table, kinds, index, columns, rules
        )
        aside = kind == "text" and (title or apart or _numbers_next(table, index))
        settled.append("skip" if aside else kind)
    return settled


def _numbers_next(table: Sequence[CellLine], index: int) -> bool:
    """Tell whether a line begins with a number that the one below goes on: "01 Walls" above "01.0010 Plasterboard"."""
    number = table[index].line.words[0].text.rstrip(".")
    below = table[index + 1].line.words[0].text if index + 1 < len(table) else ""
    return re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){0,3}", number) is not None and below.startswith(f"{number}.")


def _followed(table: Sequence[CellLine], kinds: Sequence[str], index: int, columns: Sequence[Column]) -> bool:
    """Tell whether the line below brings a description of its own, so that this one is none."""
    if index + 1 == len(table):
        return True
    below = table[index + 1]
    return not _bold(below) and (kinds[index + 1] != "anchor" or bool(below.words_of(columns, *SUBJECT_TEXT)))


def _between_rules(
    table: Sequence[CellLine], kinds: Sequence[str], index: int, columns: Sequence[Column], rules: Sequence[Rule]
) -> bool:
    """Tell whether drawn lines above and below make a line of text, or a few, a row without figures."""
    first = last = index
    while first > 0 and not ruled(table[first - 1].line, table[first].line, rules):
        first -= 1
    while last + 1 < len(table) and not ruled(table[last].line, table[last + 1].line, rules):
        last += 1
    within = first > 0 and last + 1 < len(table) and all(kind == "text" for kind in kinds[first : last + 1])
    return within and (kinds[last + 1] != "anchor" or bool(table[last + 1].words_of(columns, *SUBJECT_TEXT)))


def _bold(line: CellLine) -> bool:
    return all(word.bold for word in line.line.words)


def _aside(line: CellLine, columns: Sequence[Column], measure: Measure, left: float) -> bool:
    """Tell whether words run from a column before the description on, or stand in one where codes are expected."""
    first = line.line.words[0]
    home = next((column for column in columns if column.x0 <= first.center < column.x1), None)
    if home is None or home.role not in _BEFORE_TEXT or first.x0 > left + measure.height:
        return False
    text = line.line.text
    if not any(first.x0 < column.x0 for column in columns if column.role in SUBJECT_TEXT):
        return False
    whites = [right.x0 - before.x1 for before, right in pairwise(line.line.words)]
    if any(white > 1.8 * measure.space for white in whites):
        return False
    if re.search(r"\d", first.text) and not re.search(r"[^\W\d]{3}.*[^\W\d]{3}", text):
        return False
    return len(re.findall(r"[^\W\d]", text)) >= 4 and (len(whites) > 0 or not re.search(r"\d|[-/_]$", text))
