"""What was removed and can still be put back."""

from typing import Any, ClassVar

from textual.binding import BindingType

from qconsole.admin.views import Page, TrashRow
from qconsole.tui.cells import plain
from qconsole.tui.document import DocLine, Produce
from qconsole.tui.facts import facts, id_cell, when
from qconsole.tui.format import coarse_age, duration
from qconsole.tui.keys import verb_bindings
from qconsole.tui.list_view import PagedListView
from qconsole.tui.skin import badge
from qconsole.tui.table import Column

TRASH_COLUMNS = (
    Column("id", "Job", lambda t, _m: id_cell(t.id), 22, rank=0, is_id=True),
    Column("state", "Was", lambda t, _m: badge(t.state_before), 13, rank=0),
    Column("queue", "Queue", lambda t, _m: (plain(t.queue), "muted"), 18, rank=1),
    Column("type", "Type", lambda t, _m: (plain(t.job_type), "text"), 20, grow=1, rank=1),
    Column("age", "Removed", lambda t, m: (coarse_age(t.removed_ms, m.now_ms), "text"), 7, "right", rank=0),
    Column("left", "Kept for", lambda t, m: (duration(t.until_ms - m.now_ms), "text"), 8, "right", rank=0),
    Column("actor", "By", lambda t, _m: (plain(t.actor), "text"), 14, rank=2),
    Column("operation", "Operation", lambda t, _m: (plain(t.operation or "–"), "muted"), 16, rank=3),
)


class TrashView(PagedListView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("trash")
    noun = "trash"
    columns = TRASH_COLUMNS
    nothing = "The trash is empty."

    @staticmethod
    def key(row: Any) -> tuple[str, str]:
        return row.queue, row.id

    def ids_of(self, row: Any) -> str:
        return str(row.id)

    def marked_ids(self) -> tuple[str, ...]:
        return tuple(f"{key[0]}/{key[1]}" for key in self.table.marks if isinstance(key, tuple))

    async def fetch_page(self, *, cursor: str | None, limit: int, reverse: bool) -> Page[TrashRow]:
        page: Page[TrashRow] = await self.admin.trash.page(cursor=cursor, limit=limit)
        return page

    def action_reverse(self) -> None:
        self.console.flash("The trash is listed newest first only.", "warn")

    def command(self) -> str | None:
        return self.console.cli("trash", "list")

    async def preview_of(self, row: Any) -> Produce:
        moment = self.console.moment()
        head = DocLine(((plain(row.job_type), "title"), (f"  {plain(row.id)}", "muted")), head=True)

        def produce(cells: int, _folds: Any) -> list[DocLine]:
            pairs = [
                ("queue", plain(row.queue)),
                ("was", plain(row.state_before)),
                ("removed", when(row.removed_ms, moment)),
                ("kept until", when(row.until_ms, moment)),
                ("by", plain(row.actor)),
                ("operation", plain(row.operation) if row.operation else None),
            ]
            return [head, DocLine(), *facts(pairs, cells)]

        return produce
