"""One schedule, and the jobs it has fired."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from qconsole.admin.views import ScheduleView
from qconsole.tui.cells import fit, plain
from qconsole.tui.document import DocLine, Folds, section, text_line
from qconsole.tui.document_view import DocumentView
from qconsole.tui.facts import job_link
from qconsole.tui.format import coarse_age
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location, quoted
from qconsole.tui.schedules import schedule_lines
from qconsole.tui.skin import Span, badge
from qconsole.tui.subject import Subject


class ScheduleDocument(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("schedules")
    noun = "schedules"
    hints = (("Esc", "back"),)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.schedule: ScheduleView | None = None
        self.runs: Sequence[Any] = ()

    async def load(self) -> None:
        schedule: ScheduleView = await self.admin.schedules.get(self.location.target or "", queue=self.location.queue)
        self.schedule = schedule
        text = f"queue:{quoted(schedule.queue)} schedule:{quoted(schedule.id)}"
        page = await self.admin.jobs.page(text, limit=20, budget=5_000)
        self.runs = page.rows
        self.present()

    def subject(self) -> Subject | None:
        if self.schedule is None:
            return None
        return Subject("schedules", (self.schedule.id,), queue=self.schedule.queue, row=self.schedule)

    def command(self) -> str | None:
        return self.console.cli("schedules", "show", self.location.target or "", queue=self.location.queue)

    def title(self) -> list[Span]:
        spans = super().title()
        if self.schedule is None:
            return spans
        return [*spans, ("  ", "text"), badge("paused" if self.schedule.paused else "on schedule")]

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        return [] if self.schedule is None else schedule_lines(self.schedule, cells, folds, self.console.moment())[1:]

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        lines = [*([DocLine()] if not self.two_panes else []), section("Jobs it fired", "the newest still in Redis")]
        if not self.runs:
            return [*lines, text_line("none", "muted")]
        now_ms = self.console.moment().now_ms
        for row in self.runs:
            shape, style = badge(row.state)
            spans = (
                (f"  {coarse_age(row.created_ms, now_ms):>4}  ", "muted"),
                (fit(shape, 13), style),
                (plain(row.id), "accent"),
            )
            lines.append(DocLine(spans, link=job_link(row.id, row.queue)))
        return lines
