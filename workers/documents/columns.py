"""Where one column of a table ends and the next begins, from ruled lines or from the white between the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from workers.documents.headers import Role
from workers.documents.heading import Heading, HeadingCell
from workers.documents.model import Rule, Word
from workers.documents.page import Line


@dataclass(frozen=True, slots=True)
class Column:
    """A vertical strip of the page from `x0` to `x1`, and what it holds."""

    x0: float
    x1: float
    role: Role
    title: str


def columns_of(heading: Heading, body: Sequence[Line], rules: Sequence[Rule], height: float) -> list[Column]:
    """Return the columns under `heading`, left to right, covering the whole width of the page.

    Args:
        heading: The column titles.
        body: Lines below it that belong to the table, best those with amounts.
        rules: Ruled lines of the page.
        height: The usual height of a word.
    """
    cells = sorted(heading.cells, key=lambda cell: (cell.box.x0 + cell.box.x1) / 2)
    edges = _ruled_edges(cells, rules, heading) or _gutters(cells, body, height)
    bounds = [float("-inf"), *edges, float("inf")]
    roles = _settle_roles(cells)
    return [Column(bounds[i], bounds[i + 1], roles[i], cell.text) for i, cell in enumerate(cells)]


def _settle_roles(cells: Sequence[HeadingCell]) -> list[Role]:
    """Give each title one role: with two of a kind, the surer or, among equals, the better placed one keeps it."""
    roles = [cell.role or Role.OTHER for cell in cells]
    has_description = roles.count(Role.DESCRIPTION) > 0
    for index, cell in enumerate(cells):
        lowered = cell.text.casefold().strip(" .:%")
        if lowered == "desc" and roles.count(Role.DESCRIPTION) == 0:
            roles[index] = Role.DESCRIPTION
            has_description = True
    if not has_description and Role.NAME not in roles and Role.PART in roles and roles.count(Role.PART) == 1:
        index = roles.index(Role.PART)
        if cells[index].text.casefold().strip(" .:") in {
            "article",
            "artikel",
            "item",
            "material",
            "model",
            "service code",
        }:
            roles[index] = Role.NAME
    return roles


def _ruled_edges(cells: Sequence[HeadingCell], rules: Sequence[Rule], heading: Heading) -> list[float] | None:
    """Return one vertical rule between each two titles, or None when any gap lacks one."""
    top = min(cell.box.top for cell in cells)
    bottom = heading.bottom
    upright = [
        (rule.x0 + rule.x1) / 2
        for rule in rules
        if not rule.horizontal and rule.top < bottom + 30 and rule.bottom > top and rule.bottom - rule.top > 4
    ]
    edges: list[float] = []
    for left, right in pairwise(cells):
        between = [x for x in upright if left.box.x1 - 2 <= x <= right.box.x0 + 2]
        if not between:
            return None
        edges.append(between[0] if len(set(between)) == 1 else sum(between) / len(between))
    return edges


def _gutters(cells: Sequence[HeadingCell], body: Sequence[Line], height: float) -> list[float]:
    words = [word for line in body for word in line.words]
    edges: list[float] = []
    for left, right in pairwise(cells):
        low = max((left.box.x0 + left.box.x1) / 2, edges[-1] if edges else float("-inf"))
        high = (right.box.x0 + right.box.x1) / 2
        edges.append(_gutter(words, low, high, left, right, height))
    return edges


def _gutter(
    words: Sequence[Word], low: float, high: float, left: HeadingCell, right: HeadingCell, height: float
) -> float:
    """Return the x between two titles that the fewest words cross, in the middle of the widest such strip."""
    default = (left.box.x1 + right.box.x0) / 2 if right.box.x0 > left.box.x1 else (low + high) / 2
    inside = [word for word in words if word.x1 > low and word.x0 < high]
    titles = [(left.box.x0, left.box.x1), (right.box.x0, right.box.x1)]
    if not inside or high <= low:
        return default
    spans = [(word.x0 + 0.05 * height, word.x1 - 0.05 * height) for word in inside]
    points = sorted({low, high, *(x for span in [*spans, *titles] for x in span if low < x < high)})
    strips: list[tuple[int, int, float, float]] = []
    for start, end in pairwise(points):
        middle = (start + end) / 2
        crossing = sum(1 for x0, x1 in spans if x0 < middle < x1)
        titled = sum(1 for x0, x1 in titles if x0 < middle < x1)
        if strips and strips[-1][:2] == (crossing, titled):
            strips[-1] = (crossing, titled, strips[-1][2], end)
        else:
            strips.append((crossing, titled, start, end))
    _, _, start, end = min(strips, key=lambda strip: (strip[0], strip[1], strip[2] - strip[3]))
    return (start + end) / 2
