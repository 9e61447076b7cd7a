from itertools import pairwise

from qconsole.admin.views import FlowNode
from qconsole.web import flow_graph


def node(name: str, state: str = "completed", children: tuple[FlowNode, ...] = (), hidden: int = 0) -> FlowNode:
    return FlowNode(name, "q", "work", state, "fail", children, hidden)


def test_no_two_of_three_hundred_boxes_overlap() -> None:
    root = node(
        "root", "active", tuple(node(f"b{i}", "active", tuple(node(f"{i}-{k}") for k in range(19))) for i in range(15))
    )
    drawn = flow_graph.layout(root)
    assert len(drawn.nodes) == 301
    columns: dict[float, list[float]] = {}
    for placed in drawn.nodes:
        columns.setdefault(placed.x, []).append(placed.y)
    for ys in columns.values():
        ys.sort()
        assert all(after - before >= flow_graph.BOX_HEIGHT for before, after in pairwise(ys))
    assert len(drawn.links) == 300


def test_a_parent_of_many_rows_stands_where_they_begin() -> None:
    few, many = (
        flow_graph.layout(node("root", children=tuple(node(f"c{i}", "waiting") for i in range(n)))) for n in (3, 20)
    )
    assert [placed.y for placed in few.nodes if placed.node and placed.node.id == "root"] == [flow_graph.ROW]
    assert [placed.y for placed in many.nodes if placed.node and placed.node.id == "root"] == [0]


def test_a_wide_fan_folds_what_ended_well_and_keeps_what_failed() -> None:
    children = (*(node(f"ok{i}") for i in range(200)), node("bad", "failed"), node("runs", "active"))
    shown, folded = flow_graph.shown_children(node("root", "active", children))
    assert {"bad", "runs"} <= {child.id for child in shown}
    assert len(shown) == flow_graph.FAN_OUT
    assert folded == 202 - flow_graph.FAN_OUT


def test_children_that_were_not_read_are_counted_in_the_fold() -> None:
    drawn = flow_graph.layout(node("root", "active", (node("a"),), hidden=7))
    assert [placed.folded for placed in drawn.nodes if placed.node is None] == [7]


def test_the_outline_walks_in_reading_order_and_the_tally_counts_all() -> None:
    root = node("r", "active", (node("a", children=(node("b", "failed"),)), node("c")))
    assert [(depth, found.id) for depth, found in flow_graph.outline(root)] == [(0, "r"), (1, "a"), (2, "b"), (1, "c")]
    assert flow_graph.tally(root) == {"active": 1, "completed": 2, "failed": 1}
