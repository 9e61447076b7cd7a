"""One worker: what it runs, and the jobs that failed on it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from qconsole.admin.views import WorkerView
from qconsole.tui.document import DocLine, Folds, section, text_line
from qconsole.tui.document_view import DocumentView
from qconsole.tui.job import similar_line
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location, quoted
from qconsole.tui.skin import Span, badge
from qconsole.tui.subject import Subject
from qconsole.tui.workers import worker_lines


class WorkerDocument(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("workers")
    noun = "workers"
    hints = (("Enter", "its job"),)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.worker: WorkerView | None = None
        self.failures: Sequence[Any] = ()

    async def load(self) -> None:
        worker: WorkerView = await self.admin.workers.get(self.location.target or "")
        self.worker = worker
        page = await self.admin.jobs.page(f"worker:{quoted(worker.id)} state:failed", limit=12, budget=5_000)
        self.failures = page.rows
        self.present()

    def subject(self) -> Subject | None:
        if self.worker is None:
            return None
        queue = next(iter(self.worker.queues)) if len(self.worker.queues) == 1 else None
        return Subject("workers", (self.worker.id,), queue=queue, row=self.worker)

    def command(self) -> str | None:
        return self.console.cli("workers", "show", self.location.target or "")

    def title(self) -> list[Span]:
        spans = super().title()
        return spans if self.worker is None else [*spans, ("  ", "text"), badge(self.worker.state)]

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        return [] if self.worker is None else worker_lines(self.worker, cells, self.console.moment())[2:]

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        lines = [*([DocLine()] if not self.two_panes else []), section("Failed on this worker")]
        if not self.failures:
            return [*lines, text_line("none of the newest", "muted")]
        return [*lines, *(similar_line(row, self.console.moment()) for row in self.failures)]
