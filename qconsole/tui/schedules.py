"""The schedules: in words, next and last run, what was missed, where an operator's edit differs from the code."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from qconsole.admin.views import Rows, ScheduleView
from qconsole.tui.cells import plain
from qconsole.tui.document import DocLine, Folds, Produce, section, text_line
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import facts, job_link, pause_spans, when
from qconsole.tui.format import age, coarse_age, duration, stamp
from qconsole.tui.keys import verb_bindings
from qconsole.tui.list_view import WholeListView
from qconsole.tui.location import Location, quoted
from qconsole.tui.payload import tree
from qconsole.tui.skin import Span, badge
from qconsole.tui.table import Column


def _state(row: ScheduleView, _moment: Moment) -> Span:
    return badge("paused") if row.paused else badge("on schedule")


def _next(row: ScheduleView, moment: Moment) -> Span:
    if row.paused or not row.next_ms:
        return "–", "muted"
    return age(row.next_ms[0], moment.now_ms), "text"


def _last(row: ScheduleView, moment: Moment) -> list[Span]:
    if row.last_ms is None:
        return [("never", "muted")]
    bad = row.last_state in {"failed", "cancelled"}
    return [(coarse_age(row.last_ms, moment.now_ms), "text"), (f" {row.last_state or ''}", "bad" if bad else "muted")]


SCHEDULE_COLUMNS = (
    Column("id", "Schedule", lambda s, _m: (plain(s.id, limit=80), "strong"), 22, grow=1, rank=0, sort=lambda s: s.id),
    Column("state", "State", _state, 13, rank=0, sort=lambda s: s.paused),
    Column("plain", "Runs", lambda s, _m: (plain(s.plain), "text"), 22, grow=1, rank=1, wish=34),
    Column("next", "Next", _next, 10, "right", rank=0, sort=lambda s: s.next_ms[0] if s.next_ms else None),
    Column("last", "Last", _last, 13, rank=1, sort=lambda s: s.last_ms),
    Column(
        "missed",
        "Missed",
        lambda s, _m: (str(s.missed) if s.missed else "–", "bad" if s.missed else "muted"),
        6,
        "right",
        rank=3,
        sort=lambda s: s.missed,
    ),
    Column("pattern", "Pattern", lambda s, _m: (plain(s.pattern), "muted"), 14, rank=4),
    Column("tz", "Zone", lambda s, _m: (plain(s.tz), "muted"), 14, rank=6),
    Column("queue", "Queue", lambda s, _m: (plain(s.queue), "muted"), 16, rank=5, sort=lambda s: s.queue),
    Column(
        "source",
        "From",
        lambda s, _m: (plain(s.source) + (" *" if s.differs else ""), "warn" if s.differs else "muted"),
        10,
        rank=7,
    ),
)


class SchedulesView(WholeListView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("schedules")
    noun = "schedules"
    columns = SCHEDULE_COLUMNS
    hints = (("Enter", "open"),)
    nothing = "No schedule yet. Workers declare them in their settings."
    first_sort = ("next", False)

    @staticmethod
    def key(row: Any) -> tuple[str, str]:
        return row.queue, row.id

    def ids_of(self, row: Any) -> str:
        return str(row.id)

    def marked_ids(self) -> tuple[str, ...]:
        return tuple(key[1] for key in self.table.marks if isinstance(key, tuple))

    async def fetch(self) -> Sequence[Any]:
        rows: Sequence[ScheduleView] = await self.admin.schedules.list(queue=self.location.queue)
        words = [word for word in self.location.filter.casefold().split() if not word.startswith("queue:")]
        found = [row for row in rows if all(word in f"{row.id} {row.job_type}".casefold() for word in words)]
        return Rows(found, getattr(rows, "missing", None))

    def open_row(self, row: Any) -> Location | None:
        return Location("schedule", row.id, f"queue:{quoted(row.queue)}")

    async def preview_of(self, row: Any) -> Produce:
        moment = self.console.moment()
        return lambda cells, folds: schedule_lines(row, cells, folds, moment)


def schedule_lines(schedule: ScheduleView, cells: int, folds: Folds, moment: Moment) -> list[DocLine]:
    """Return all of a schedule."""
    lines = [DocLine(((plain(schedule.id), "title"), ("  ", "text"), _state(schedule, moment)), head=True)]
    lines.append(text_line(plain(schedule.plain)))
    if schedule.pause is not None:
        lines.append(DocLine((("  ", "text"), *pause_spans(schedule.pause, moment))))
    if schedule.differs:
        lines.append(text_line(f"▲ differs from the code in {', '.join(map(plain, schedule.differs))}", "warn"))
    lines.append(DocLine())
    lines += [*_schedule_facts(schedule, cells, moment), *_schedule_runs(schedule, moment)]
    return [*lines, DocLine(), section("Payload"), *tree(schedule.payload, cells, folds)]


def _schedule_facts(schedule: ScheduleView, cells: int, moment: Moment) -> list[DocLine]:
    return facts(
        [
            ("pattern", f"{plain(schedule.pattern)}  ({plain(schedule.kind)}, {plain(schedule.tz)})"),
            ("job type", plain(schedule.job_type)),
            ("queue", plain(schedule.queue)),
            ("overlap", plain(schedule.overlap)),
            ("missed", f"{plain(schedule.missed_policy)}, {schedule.missed:,} missed so far"),
            ("fired", f"{schedule.fired:,}" + (f" of {schedule.limit:,}" if schedule.limit is not None else "")),
            ("jitter", duration(schedule.jitter_s * 1000) if schedule.jitter_s else None),
            ("from", when(schedule.start_ms, moment)),
            ("until", when(schedule.end_ms, moment)),
            ("declared by", plain(schedule.source)),
        ],
        cells,
        columns=True,
    )


def _schedule_runs(schedule: ScheduleView, moment: Moment) -> list[DocLine]:
    """Return the next runs and the last."""
    lines = [DocLine(), section("Next runs")]
    if schedule.paused:
        lines.append(text_line("none while it is paused", "muted"))
    else:
        lines += [
            DocLine(
                (
                    ("  ", "text"),
                    (stamp(ms, moment.zone).replace(".000", ""), "text"),
                    (f"  {age(ms, moment.now_ms)}", "muted"),
                )
            )
            for ms in schedule.next_ms
        ]
    if schedule.last_ms is not None:
        state = badge(schedule.last_state) if schedule.last_state else ("", "text")
        spans: tuple[Span, ...] = (
            ("  ", "text"),
            (when(schedule.last_ms, moment) or "", "text"),
            ("  ", "text"),
            state,
            ("  ", "text"),
            (plain(schedule.last_job_id or ""), "link"),
        )
        link = job_link(schedule.last_job_id, schedule.queue) if schedule.last_job_id else None
        lines += [DocLine(), section("Last run"), DocLine(spans, link=link)]
    return lines
