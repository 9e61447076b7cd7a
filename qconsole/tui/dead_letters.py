"""Dead letters: the groups by error fingerprint, and one by one."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import DeadLetterGroup, DeadLetterRow, Page
from qconsole.tui.attempts import attempt_sections
from qconsole.tui.cells import cut, plain, wrap
from qconsole.tui.charts import sparkline
from qconsole.tui.dead_letter import dead_letter_facts
from qconsole.tui.document import DocLine, Folds, Produce, section, text_line
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import error_cell, facts, id_cell, state_cell, when
from qconsole.tui.format import coarse_age, plural, short_count
from qconsole.tui.job import payload_lines
from qconsole.tui.keys import verb_bindings
from qconsole.tui.list_view import PagedListView, WholeListView
from qconsole.tui.location import Location
from qconsole.tui.skin import Span
from qconsole.tui.table import Column

SHORT_PRINT = 8


def _error(row: DeadLetterGroup, _moment: Moment) -> list[Span]:
    return [(plain(row.error_type, limit=80), "bad_strong"), ("  " + plain(row.message, limit=300), "text")]


def _where(row: DeadLetterGroup, _moment: Moment) -> Span:
    return cut(plain(", ".join(row.queues)) + " · " + plain(", ".join(row.job_types)), 60), "muted"


def _since(row: DeadLetterGroup, moment: Moment) -> Span:
    return f"{coarse_age(row.first_ms, moment.now_ms)} → {coarse_age(row.last_ms, moment.now_ms)}", "text"


GROUP_COLUMNS = (
    Column("count", "Open", lambda g, _m: (short_count(g.count), "strong"), 6, "right", rank=0, sort=lambda g: g.count),
    Column("error", "Error", _error, 24, grow=3, rank=0, wish=56, sort=lambda g: g.error_type),
    Column("trend", "24 h", lambda g, _m: (sparkline(g.trend, 12), "bad"), 12, rank=1),
    Column("since", "First → last", _since, 12, "right", rank=0, sort=lambda g: g.last_ms),
    Column("where", "Queue · type", _where, 22, grow=1, rank=3, sort=lambda g: g.queues),
    Column("fp", "Group", lambda g, _m: (plain(g.fingerprint[:SHORT_PRINT]), "muted"), 8, rank=3),
    Column(
        "deploy",
        "Since deploy",
        lambda g, _m: (plain(g.since_deploy or "–"), "warn" if g.since_deploy else "muted"),
        12,
        rank=4,
    ),
    Column("total", "Ever", lambda g, _m: (short_count(g.total), "muted"), 6, "right", rank=5, sort=lambda g: g.total),
)


class GroupsView(WholeListView):
    """One line an error, whatever the number of jobs that had it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *verb_bindings("groups"),
        Binding("U", "ungroup", "one by one", show=False),
    ]
    noun = "groups"
    columns = GROUP_COLUMNS
    hints = (("Enter", "entries"),)
    nothing = "No open dead letter. Nothing needs you here."

    @staticmethod
    def key(row: Any) -> str:
        return str(row.fingerprint)

    async def fetch(self) -> Sequence[Any]:
        groups: Sequence[DeadLetterGroup] = await self.admin.dead_letters.groups(self.location.filter)
        return groups

    def open_row(self, row: Any) -> Location | None:
        rest = self.location.filter
        return Location("dlq", None, f"fp:{row.fingerprint} {rest}".strip())

    def queue_of(self, row: Any) -> str | None:
        return row.queues[0] if len(row.queues) == 1 else None

    def action_ungroup(self) -> None:
        self.console.go_to(Location("dlq", None, self.location.filter or "state:open"))

    def command(self) -> str | None:
        words = self.location.filter.split()
        return self.console.cli("dlq", "groups", *words)

    def heading(self) -> str:
        return "Dead letters by error"

    def title_right(self) -> list[Span]:
        letters = sum(group.count for group in self._rows)
        counted: Span = (f"{letters:,} open in {plural(len(self._rows), 'group')}", "text")
        return [*self.missing_spans(), counted, *self.age_spans()]

    async def preview_of(self, row: Any) -> Produce:
        sample = await self.admin.dead_letters.get(row.sample_ids[0]) if row.sample_ids else None
        moment = self.console.moment()
        return lambda cells, folds: group_lines(row, sample, cells, folds, moment)


def group_lines(group: DeadLetterGroup, sample: Any, cells: int, folds: Folds, moment: Moment) -> list[DocLine]:
    """Return a group with its newest sample."""
    lines = [DocLine(((plain(group.error_type), "bad_strong"), (f"  {plain(group.fingerprint)}", "muted")), head=True)]
    lines += [text_line(line) for line in wrap(group.message, max(20, cells - 2))[:4]]
    if group.note:
        lines += [text_line(line, "warn") for line in wrap(f"Note: {group.note}", max(20, cells - 2))[:3]]
    lines.append(DocLine())
    lines += facts(
        [
            ("open", f"{group.count:,} of {group.total:,} ever"),
            ("first", when(group.first_ms, moment)),
            ("last", when(group.last_ms, moment)),
            ("deploy", f"began with {plain(group.since_deploy)}" if group.since_deploy else None),
            ("queues", plain(", ".join(group.queues))),
            ("job types", plain(", ".join(group.job_types))),
            ("frame", plain(group.frame) if group.frame else None),
        ],
        cells,
    )
    room = min(48, max(24, cells - 20))
    lines.append(
        DocLine(
            (
                ("  ", "text"),
                (f"{'24 hours':<13}", "muted"),
                (sparkline(group.trend, min(room, len(group.trend))), "bad"),
            )
        )
    )
    samples = [("  ", "text"), (f"{'samples':<13}", "muted")]
    lines += [
        DocLine(
            (*(samples if number == 0 else [(" " * 15, "text")]), (plain(sample_id, limit=120), "link")),
            link=f"dead-letter {sample_id}",
        )
        for number, sample_id in enumerate(group.sample_ids[:3])
    ]
    if sample is not None:
        lines += [DocLine(), section("Newest sample", plain(sample.row.job_id))]
        lines += attempt_sections(sample.attempts[-1:], sample.error, cells, folds, moment.zone)
        lines += [DocLine(), *payload_lines(sample, cells, folds)]
    return lines


ENTRY_COLUMNS = (
    Column("id", "Job", lambda e, _m: id_cell(e.job_id), 22, rank=0, is_id=True),
    Column("state", "State", state_cell, 11, rank=0),
    Column("queue", "Queue", lambda e, _m: (plain(e.queue, limit=80), "muted"), 16, rank=3),
    Column("type", "Type", lambda e, _m: (plain(e.job_type, limit=80), "text"), 18, rank=2),
    Column("cause", "Cause", lambda e, _m: (plain(e.cause), "text"), 13, rank=4),
    Column("attempts", "Att", lambda e, _m: (str(e.attempts), "text"), 3, "right", rank=2),
    Column("age", "Age", lambda e, m: (coarse_age(e.buried_ms, m.now_ms), "text"), 5, "right", rank=0),
    Column(
        "severity",
        "Severity",
        lambda e, _m: (plain(e.severity), "bad" if e.severity == "critical" else "muted"),
        8,
        rank=5,
    ),
    Column("error", "Error", error_cell, 16, grow=1, rank=0, wish=48),
    Column("fp", "Group", lambda e, _m: (plain(e.fingerprint[:SHORT_PRINT]), "muted"), 8, rank=6),
)


class DeadLettersView(PagedListView):
    """The entries, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("dlq")
    noun = "dlq"
    columns = ENTRY_COLUMNS
    hints = (("Enter", "open"), ("Space", "mark"))
    nothing = "No dead letter matches."

    async def fetch_page(self, *, cursor: str | None, limit: int, reverse: bool) -> Page[DeadLetterRow]:
        page: Page[DeadLetterRow] = await self.admin.dead_letters.page(
            self.location.filter, cursor=cursor, limit=limit, reverse=reverse != self.reverse
        )
        return page

    def open_row(self, row: Any) -> Location | None:
        return Location("dead-letter", row.id)

    def heading(self) -> str:
        return "Dead letters"

    def copied(self) -> str | None:
        row = self.table.row
        return super().copied() if self.table.marks or row is None else str(row.job_id)

    async def preview_of(self, row: Any) -> Produce:
        view = await self.admin.dead_letters.get(row.id)
        moment = self.console.moment()

        def produce(cells: int, folds: Folds) -> list[DocLine]:
            lines = [DocLine(((plain(row.error_type), "bad_strong"), (f"  {plain(row.job_type)}", "muted")), head=True)]
            lines += [text_line(line) for line in wrap(row.error_message, max(20, cells - 2))[:4]]
            lines += [DocLine(), *dead_letter_facts(view, cells, moment), DocLine(), *payload_lines(view, cells, folds)]
            return [*lines, DocLine(), *attempt_sections(view.attempts[-1:], view.error, cells, folds, moment.zone)]

        return produce
