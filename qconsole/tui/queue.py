"""One queue: its state, its limits, how long jobs wait and run, what failed last."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import QueueView
from qconsole.tui.cells import plain
from qconsole.tui.charts import histogram
from qconsole.tui.document import DocLine, Folds, section, text_line
from qconsole.tui.document_view import DocumentView
from qconsole.tui.facts import job_link
from qconsole.tui.format import coarse_age
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location, quoted
from qconsole.tui.queues import queue_lines
from qconsole.tui.skin import Span, badge
from qconsole.tui.subject import Subject


class QueueDocument(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [*verb_bindings("queues"), Binding("J", "jobs", "its jobs", show=False)]
    noun = "queues"
    hints = (("J", "its jobs"), ("Esc", "back"))

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.queue: QueueView | None = None
        self.waits: Sequence[tuple[float, int]] = ()
        self.runs: Sequence[tuple[float, int]] = ()
        self.failures: Sequence[Any] = ()

    async def load(self) -> None:
        name = self.location.target or ""
        self.queue = await self.admin.queues.get(name)
        self.waits = await self.admin.metrics.histogram(name, kind="wait", window="1h")
        self.runs = await self.admin.metrics.histogram(name, kind="run", window="1h")
        page = await self.admin.jobs.page(f"queue:{quoted(name)} state:failed", limit=8)
        self.failures = page.rows
        self.present()

    def subject(self) -> Subject | None:
        name = self.location.target or ""
        return Subject("queues", (name,), queue=name, row=self.queue)

    def command(self) -> str | None:
        return self.console.cli("queues", "show", self.location.target or "")

    def action_jobs(self) -> None:
        self.console.go_to(Location("jobs", None, f"queue:{quoted(self.location.target or '')}"))

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        return [] if self.queue is None else queue_lines(self.queue, cells, self.console.moment())[1:]

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        if self.queue is None:
            return []
        sla = self.queue.sla
        wait_limit = sla.queue_s * 1000 if sla is not None and sla.queue_s is not None else None
        run_limit = sla.run_s * 1000 if sla is not None and sla.run_s is not None else None
        lines = [DocLine(), section("Wait, last hour", "due → start")]
        lines += [DocLine(tuple(spans)) for spans in histogram(self.waits, cells, limit=wait_limit)]
        lines += [DocLine(), section("Run, last hour", "start → end")]
        lines += [DocLine(tuple(spans)) for spans in histogram(self.runs, cells, limit=run_limit)]
        lines += [DocLine(), section("Newest failures")]
        return (
            [*lines, *(self._failure(row) for row in self.failures)]
            if self.failures
            else [*lines, text_line("none", "muted")]
        )

    def _failure(self, row: Any) -> DocLine:
        age = coarse_age(row.finished_ms, self.console.moment().now_ms)
        spans: tuple[Span, ...] = (
            (f"  {age:>4}  ", "muted"),
            (plain(row.job_type, limit=40), "text"),
            (f"  {plain(row.error_type or '', limit=60)}", "bad"),
            (f"  {plain(row.error_message or '', limit=200)}", "muted"),
        )
        return DocLine(spans, link=job_link(row.id, row.queue))

    def title(self) -> list[Span]:
        spans: list[Span] = [("Queue", "title"), (f"  {plain(self.location.target or '')}", "accent")]
        return spans if self.queue is None else [*spans, ("  ", "text"), badge(self.queue.health)]
