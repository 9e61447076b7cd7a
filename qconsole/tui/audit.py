"""Who changed what, through which face, and how much it touched; and what happened by itself."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import AuditRow, EventRow, Page
from qconsole.tui.cells import plain, wrap
from qconsole.tui.confirm import command_lines
from qconsole.tui.document import DocLine, Folds, Produce, section, text_line
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import facts, job_link, when
from qconsole.tui.format import instant
from qconsole.tui.list_view import PagedListView
from qconsole.tui.location import Location
from qconsole.tui.payload import tree
from qconsole.tui.skin import Span
from qconsole.tui.table import Column


def _time(row: Any, moment: Moment) -> Span:
    return instant(row.ms, moment.now_ms, moment.zone), "muted"


def _effect(row: AuditRow, _moment: Moment) -> list[Span]:
    spans: list[Span] = [(f"{row.done:,}", "text")]
    if row.failed:
        spans.append((f" ▲ {row.failed:,}", "bad"))
    return spans


def _about(row: AuditRow, _moment: Moment) -> list[Span]:
    spans: list[Span] = [(plain(row.target or row.filter or ""), "text")]
    if row.reason:
        spans.append((f"  {plain(row.reason)}", "muted"))
    return spans


AUDIT_COLUMNS = (
    Column("time", "When", _time, 16, rank=0),
    Column("actor", "Who", lambda a, _m: (plain(a.actor), "strong"), 14, rank=0),
    Column("action", "Did", lambda a, _m: (plain(a.action), "text"), 18, rank=0),
    Column("effect", "Touched", _effect, 13, "right", rank=1),
    Column("face", "Through", lambda a, _m: (plain(a.face), "muted"), 7, rank=2),
    Column("role", "Role", lambda a, _m: (plain(a.role), "muted"), 8, rank=4),
    Column("about", "What, why", _about, 20, grow=1, rank=0),
)


class AuditView(PagedListView):
    """Every change, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "events", "events", show=False)]
    noun = "audit"
    columns = AUDIT_COLUMNS
    hints = (("Enter", "its operation"), ("e", "events"))
    nothing = "No change has been made yet."

    async def fetch_page(self, *, cursor: str | None, limit: int, reverse: bool) -> Page[AuditRow]:
        page: Page[AuditRow] = await self.admin.audit.page(
            self.location.filter, cursor=cursor, limit=limit, reverse=reverse != self.reverse
        )
        return page

    def open_row(self, row: Any) -> Location | None:
        return Location("operation", row.operation) if row.operation else None

    def queue_of(self, row: Any) -> str | None:
        return None

    def action_events(self) -> None:
        self.console.go_to(Location("events"))

    def command(self) -> str | None:
        return self.console.cli("audit", "list", filter=self.location.filter or None)

    async def preview_of(self, row: Any) -> Produce:
        moment = self.console.moment()
        return lambda cells, _folds: audit_lines(row, cells, moment)


def audit_lines(row: AuditRow, cells: int, moment: Moment) -> list[DocLine]:
    """Return all of an audit entry."""
    lines = [DocLine(((plain(row.action), "title"), (f"  {plain(row.actor)}", "accent")), head=True), DocLine()]
    lines += facts(
        [
            ("when", when(row.ms, moment)),
            ("role", plain(row.role)),
            ("through", plain(row.face)),
            ("target", plain(row.target) if row.target else None),
            ("filter", plain(row.filter) if row.filter else None),
            ("matched", f"{row.matched:,}"),
            ("done", f"{row.done:,}"),
            ("failed", [(f"{row.failed:,}", "bad")] if row.failed else None),
        ],
        cells,
    )
    if row.reason:
        lines += [DocLine(), section("Reason"), *(text_line(line) for line in wrap(row.reason, max(20, cells - 2))[:8])]
    if row.command:
        command = row.command
        lines += [DocLine(), section("As a command")]
        lines += [
            DocLine((("  ", "text"), *spans), copy=lambda: command) for spans in command_lines(command, cells - 2)
        ]
    if row.operation:
        lines += [
            DocLine(),
            DocLine((("  operation  ", "muted"), (plain(row.operation), "link")), link=f"operation {row.operation}"),
        ]
    return lines


def _weight(row: EventRow, style: str) -> str:
    """Return how an event is drawn: those of progress are many, and stand behind the others."""
    return "faint" if row.kind == "progress" else style


NO_PROGRESS = "-kind:progress"

EVENT_COLUMNS = (
    Column("time", "When", _time, 16, rank=0),
    Column("kind", "Event", lambda e, _m: (plain(e.kind), _weight(e, "strong")), 14, rank=0),
    Column("queue", "Queue", lambda e, _m: (plain(e.queue), "muted"), 18, rank=1),
    Column("job", "Job", lambda e, _m: (plain(e.job_id or "–"), "text"), 22, rank=2),
    Column("text", "What", lambda e, _m: (plain(e.text), _weight(e, "text")), 20, grow=1, rank=0),
)


class EventsView(PagedListView):
    """Failures, stalls, burials, pauses, firings: newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "progress", "leave out progress, or show it", show=False)]
    noun = "events"
    columns = EVENT_COLUMNS
    hints = (("Enter", "its job"), ("x", "progress"))
    nothing = "No event."

    async def fetch_page(self, *, cursor: str | None, limit: int, reverse: bool) -> Page[EventRow]:
        page: Page[EventRow] = await self.admin.events.page(cursor=cursor, limit=limit, filter=self.location.filter)
        return page

    def action_progress(self) -> None:
        words = self.location.filter.split()
        kept = [word for word in words if word != NO_PROGRESS]
        self.apply_filter(" ".join(kept if len(kept) < len(words) else [*words, NO_PROGRESS]))

    @staticmethod
    def key(row: Any) -> tuple[str, str]:
        return row.queue, row.id

    def ids_of(self, row: Any) -> str:
        return str(row.job_id or row.id)

    def open_row(self, row: Any) -> Location | None:
        from qconsole.tui.location import quoted

        return Location("job", row.job_id, f"queue:{quoted(row.queue)}") if row.job_id else None

    def action_reverse(self) -> None:
        self.console.flash("Events are listed newest first only.", "warn")

    def command(self) -> str | None:
        return self.console.cli("events", "tail", filter=self.location.filter or None)

    async def preview_of(self, row: Any) -> Produce:
        moment = self.console.moment()

        def produce(cells: int, folds: Folds) -> list[DocLine]:
            lines = [DocLine(((plain(row.kind), "title"), (f"  {plain(row.queue)}", "accent")), head=True), DocLine()]
            lines += [text_line(line) for line in wrap(row.text, max(20, cells - 2))[:6]]
            lines += [DocLine(), *facts([("when", when(row.ms, moment))], cells)]
            if row.job_id:
                lines.append(
                    DocLine(
                        (("  job          ", "muted"), (plain(row.job_id), "link")),
                        link=job_link(row.job_id, row.queue),
                    )
                )
            return [*lines, DocLine(), section("Data"), *tree(row.data, cells, folds)]

        return produce
