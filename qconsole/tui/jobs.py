"""The jobs in any state, through a window: a million of them cost what a page costs."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import JobRow, Page
from qconsole.tui.cells import plain
from qconsole.tui.document import Produce
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import attempts_cell, error_cell, id_cell, progress_spans, state_cell
from qconsole.tui.format import coarse_age, duration
from qconsole.tui.job import job_preview
from qconsole.tui.keys import verb_bindings
from qconsole.tui.list_view import PagedListView
from qconsole.tui.location import Location, quoted
from qconsole.tui.skin import Span
from qconsole.tui.table import Column


def _what_cell(row: JobRow, moment: Moment) -> Span | list[Span]:
    if row.state == "active" and row.progress is not None:
        return progress_spans(row.progress, 10)
    return error_cell(row, moment)


def _age_cell(row: JobRow, moment: Moment) -> Span:
    if row.state in {"completed", "failed", "cancelled"}:
        ms = row.finished_ms
    elif row.state == "active":
        ms = row.started_ms
    else:
        ms = row.due_ms if row.due_ms is not None else row.created_ms
    return coarse_age(ms, moment.now_ms), "text"


def _took_cell(row: JobRow, moment: Moment) -> Span:
    if row.started_ms is None:
        return "–", "muted"
    end = row.finished_ms if row.finished_ms is not None else moment.now_ms if row.state == "active" else None
    return (duration(end - row.started_ms), "text") if end is not None else ("–", "muted")


def _priority_cell(row: JobRow, _moment: Moment) -> Span:
    return str(row.priority), "muted" if row.priority == 5 else "strong"


JOB_COLUMNS = (
    Column("id", "Job", lambda j, _m: id_cell(j.id), 20, rank=0, is_id=True),
    Column("state", "State", state_cell, 11, rank=0),
    Column("queue", "Queue", lambda j, _m: (plain(j.queue, limit=80), "muted"), 16, rank=4),
    Column("type", "Type", lambda j, _m: (plain(j.job_type, limit=80), "text"), 16, rank=2),
    Column("attempts", "Att", attempts_cell, 4, "right", rank=3),
    Column("age", "Age", _age_cell, 5, "right", rank=1),
    Column("took", "Took", _took_cell, 7, "right", rank=5),
    Column("priority", "Pri", _priority_cell, 3, "right", rank=6),
    Column("worker", "Worker", lambda j, _m: (plain(j.worker or "–", limit=60), "muted"), 14, rank=7),
    Column("what", "Error or payload", _what_cell, 14, grow=1, rank=0, wish=56),
)


class JobsView(PagedListView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *verb_bindings("jobs"),
        Binding("L", "logs", "its log lines", show=False),
        Binding("n", "next_state", "the next state", show=False),
    ]
    noun = "jobs"
    columns = JOB_COLUMNS
    hints = (("Enter", "open"), ("Space", "mark"))
    nothing = "No job matches."
    orders = ("newest first", "oldest first")

    async def fetch_page(self, *, cursor: str | None, limit: int, reverse: bool) -> Page[JobRow]:
        page: Page[JobRow] = await self.admin.jobs.page(
            self.location.filter, cursor=cursor, limit=limit, reverse=reverse != self.reverse
        )
        return page

    @staticmethod
    def key(row: Any) -> tuple[str, str]:
        return row.queue, row.id

    def ids_of(self, row: Any) -> str:
        return str(row.id)

    def marked_ids(self) -> tuple[str, ...]:
        return tuple(f"{key[0]}/{key[1]}" for key in self.table.marks if isinstance(key, tuple))

    def open_row(self, row: Any) -> Location | None:
        return Location("job", row.id, f"queue:{quoted(row.queue)}")

    def heading(self) -> str:
        return "Jobs"

    async def preview_of(self, row: Any) -> Produce:
        view = await self.admin.jobs.get(row.id, queue=row.queue)
        return job_preview(view, self.console.moment())

    def action_logs(self) -> None:
        row = self.table.row
        if row is not None:
            self.console.go_to(Location("job", row.id, f"queue:{quoted(row.queue)} logs"))

    def action_next_state(self) -> None:
        """Step through the states: the shortest way to look around a queue."""
        states = ("", "waiting", "delayed", "active", "completed", "failed", "cancelled")
        words = self.location.filter.split()
        now = next((word.removeprefix("state:") for word in words if word.startswith("state:")), "")
        following = states[(states.index(now) + 1) % len(states)] if now in states else ""
        rest = [word for word in words if not word.startswith("state:")]
        self.apply_filter(" ".join([*rest, f"state:{following}"] if following else rest))
