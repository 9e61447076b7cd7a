"""Lays a flow's tree out as linked boxes, left to right; a few hundred nodes stay readable. Pure.

Leaves take one row each and a parent stands in the middle of its children (a tidy tree), or beside the first when
they reach over more than `TALL` rows, so that it is in sight where they begin. Siblings beyond `FAN_OUT` that ended
well fold into one node, so that what failed or runs is never the thing that is cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from qconsole.admin.views import FlowNode

FAN_OUT = 24
TALL = 10
ROW, COLUMN, BOX_WIDTH, BOX_HEIGHT = 46, 252, 208, 38
_QUIET = frozenset({"completed"})


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """A box: `node` is `None` for a fold that stands for `folded` jobs."""

    node: FlowNode | None
    x: float
    y: float
    folded: int = 0


@dataclass(frozen=True, slots=True)
class FlowDrawing:
    width: float
    height: float
    nodes: tuple[PlacedNode, ...]
    links: tuple[str, ...]  # SVG path data


def shown_children(node: FlowNode) -> tuple[tuple[FlowNode, ...], int]:
    """Return the children to draw, troubled ones kept, and how many are folded away."""
    children = node.children
    folded = node.hidden_children
    if len(children) > FAN_OUT:
        loud = [child for child in children if child.state not in _QUIET or child.children]
        quiet = [child for child in children if child.state in _QUIET and not child.children]
        keep = set(map(id, (*loud, *quiet[: max(FAN_OUT - len(loud), 0)])))
        folded += len(children) - len(keep)
        children = tuple(child for child in children if id(child) in keep)
    return children, folded


def layout(root: FlowNode) -> FlowDrawing:
    """Place every node of the tree."""
    nodes: list[PlacedNode] = []
    links: list[str] = []
    row = 0

    def place(node: FlowNode, depth: int) -> float:
        nonlocal row
        children, folded = shown_children(node)
        ys = [place(child, depth + 1) for child in children]
        if folded:
            ys.append(row * ROW)
            nodes.append(PlacedNode(None, (depth + 1) * COLUMN, row * ROW, folded))
            row += 1
        if ys:
            y = (ys[0] + ys[-1]) / 2 if ys[-1] - ys[0] <= TALL * ROW else ys[0]
        else:
            y = float(row * ROW)
            row += 1
        x = depth * COLUMN
        nodes.append(PlacedNode(node, x, y))
        for child_y in ys:
            start_x, start_y = x + BOX_WIDTH, y + BOX_HEIGHT / 2
            end_x, end_y = x + COLUMN, child_y + BOX_HEIGHT / 2
            middle = (start_x + end_x) / 2
            curve = f"C{middle:.0f} {start_y:.0f} {middle:.0f} {end_y:.0f} {end_x:.0f} {end_y:.0f}"
            links.append(f"M{start_x:.0f} {start_y:.0f}{curve}")
        return y

    place(root, 0)
    width = max(node.x for node in nodes) + BOX_WIDTH
    return FlowDrawing(width, row * ROW, tuple(reversed(nodes)), tuple(links))


def outline(root: FlowNode, depth: int = 0) -> Iterator[tuple[int, FlowNode]]:
    """Walk the tree in reading order with each node's depth."""
    yield depth, root
    for child in root.children:
        yield from outline(child, depth + 1)


def tally(root: FlowNode) -> dict[str, int]:
    """Count the tree's nodes by state."""
    counts: dict[str, int] = {}
    for _, node in outline(root):
        counts[node.state] = counts.get(node.state, 0) + 1
    return counts
