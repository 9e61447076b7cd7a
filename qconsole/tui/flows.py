"""The flows: trees of jobs, by their roots."""

from typing import Any, ClassVar

from textual.binding import BindingType

from qconsole.admin.views import FlowRow, Page
from qconsole.tui.cells import plain
from qconsole.tui.charts import gauge
from qconsole.tui.document import DocLine, Produce
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import flow_lines, flow_sums, id_cell, state_cell
from qconsole.tui.format import coarse_age
from qconsole.tui.keys import verb_bindings
from qconsole.tui.list_view import PagedListView
from qconsole.tui.location import Location, quoted
from qconsole.tui.skin import Span
from qconsole.tui.table import Column


def _done(row: FlowRow, _moment: Moment) -> list[Span]:
    ratio = row.children_done / row.children_total if row.children_total else 0
    return [*gauge(ratio, 12), (f" {row.children_done:,}/{row.children_total:,}", "text")]


FLOW_COLUMNS = (
    Column("id", "Flow", lambda f, _m: id_cell(f.root_id), 24, rank=0, is_id=True),
    Column("state", "State", state_cell, 18, rank=0),
    Column("type", "Type", lambda f, _m: (plain(f.job_type, limit=80), "text"), 20, grow=1, rank=1),
    Column("done", "Children done", _done, 24, rank=0),
    Column(
        "failed",
        "Failed",
        lambda f, _m: (f"{f.children_failed:,}" if f.children_failed else "–", "bad" if f.children_failed else "muted"),
        6,
        "right",
        rank=1,
    ),
    Column("age", "Age", lambda f, m: (coarse_age(f.created_ms, m.now_ms), "text"), 5, "right", rank=2),
    Column("queue", "Queue", lambda f, _m: (plain(f.queue, limit=80), "muted"), 18, rank=3),
)


class FlowsView(PagedListView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("flows")
    noun = "flows"
    columns = FLOW_COLUMNS
    hints = (("Enter", "open"),)
    nothing = "No flow yet: no job was added with children."

    async def fetch_page(self, *, cursor: str | None, limit: int, reverse: bool) -> Page[FlowRow]:
        page: Page[FlowRow] = await self.admin.flows.page(cursor=cursor, limit=limit)
        return page

    @staticmethod
    def key(row: Any) -> str:
        return str(row.root_id)

    def open_row(self, row: Any) -> Location | None:
        return Location("flow", row.root_id, f"queue:{quoted(row.queue)}")

    def action_reverse(self) -> None:
        self.console.flash("Flows are listed newest first only.", "warn")

    def command(self) -> str | None:
        return self.console.cli("flows", "list")

    async def preview_of(self, row: Any) -> Produce:
        node = await self.admin.flows.tree(row.root_id, queue=row.queue, max_nodes=60)
        head = DocLine(((plain(row.job_type), "title"), (f"  {plain(row.root_id)}", "muted")), head=True)
        outline = flow_lines(node)
        return lambda cells, _folds: [head, DocLine(), *outline, DocLine(), *flow_sums(node, cells)]
