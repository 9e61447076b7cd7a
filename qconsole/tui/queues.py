"""The queues: health, counts, rates and traffic at a glance."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import Health, QueueView
from qconsole.tui.cells import fit, plain
from qconsole.tui.charts import gauge, sparkline
from qconsole.tui.document import DocLine, Produce, section, text_line
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import facts, limits_text, pause_spans
from qconsole.tui.format import count, duration, percent, short_count, size
from qconsole.tui.keys import verb_bindings
from qconsole.tui.list_view import WholeListView
from qconsole.tui.location import Location
from qconsole.tui.skin import Span, badge
from qconsole.tui.table import Column

SLOW_WAIT_MS = 60_000
_WORST_FIRST = {health: place for place, health in enumerate(Health)}


def _queued(row: QueueView) -> int:
    return row.counts.get("waiting", 0) + row.counts.get("delayed", 0)


def _wait_cell(row: QueueView, _moment: Moment) -> Span:
    slow = (row.oldest_wait_ms or 0) > SLOW_WAIT_MS
    return duration(row.oldest_wait_ms), "bad" if slow else "text" if row.oldest_wait_ms else "muted"


def _rate_cell(row: QueueView, _moment: Moment) -> Span:
    rate = row.fail_rate_1h if row.error is None else None
    return percent(rate), "bad" if rate and rate >= 0.01 else "text" if rate else "muted"


def _busy_cell(row: QueueView, _moment: Moment) -> list[Span]:
    ratio = row.busy / row.slots if row.slots else 0.0
    return [
        *gauge(ratio, 8, style="warn" if ratio >= 0.95 else "accent"),
        (f" {row.busy}/{row.slots}", "text" if row.slots else "muted"),
    ]


def _count(row: QueueView, value: float, style: str = "text") -> Span:
    if row.error is not None:
        return "–", "muted"
    return short_count(value), style if value else "muted"


def _count_cell(state: str, *, bad: bool = False) -> Any:
    def cell(row: QueueView, _moment: Moment) -> Span:
        return _count(row, row.counts.get(state, 0), "bad" if bad else "text")

    return cell


QUEUE_COLUMNS = (
    Column("queue", "Queue", lambda q, _m: (plain(q.name), "strong"), 20, grow=1, rank=0, sort=lambda q: q.name),
    Column("health", "Health", lambda q, _m: badge(q.health), 12, rank=0, sort=lambda q: _WORST_FIRST[q.health]),
    Column(
        "queued",
        "Queued",
        lambda q, _m: _count(q, _queued(q)),
        7,
        "right",
        rank=0,
        sort=_queued,
    ),
    Column("active", "Running", _count_cell("active"), 7, "right", rank=2, sort=lambda q: q.counts.get("active", 0)),
    Column(
        "failed",
        "Failed",
        _count_cell("failed", bad=True),
        7,
        "right",
        rank=1,
        sort=lambda q: q.counts.get("failed", 0),
    ),
    Column(
        "dead",
        "Dead",
        _count_cell("dead_letters", bad=True),
        6,
        "right",
        rank=1,
        sort=lambda q: q.counts.get("dead_letters", 0),
    ),
    Column("oldest", "Oldest", _wait_cell, 8, "right", rank=1, sort=lambda q: q.oldest_wait_ms),
    Column("rate", "Fail rate", _rate_cell, 9, "right", rank=4, sort=lambda q: q.fail_rate_1h),
    Column(
        "throughput",
        "Per min",
        lambda q, _m: _count(q, q.throughput_per_min),
        7,
        "right",
        rank=3,
        sort=lambda q: q.throughput_per_min,
    ),
    Column(
        "p95",
        "p95 wait",
        lambda q, _m: (duration(q.p95_wait_ms), "text"),
        8,
        "right",
        rank=6,
        sort=lambda q: q.p95_wait_ms,
    ),
    Column("busy", "Slots", _busy_cell, 15, rank=5, sort=lambda q: q.busy),
    Column("done", "Completed 1 h", lambda q, _m: (sparkline(q.series_completed, 20), "chart"), 20, rank=7),
    Column(
        "bad",
        "Failed 1 h",
        lambda q, _m: (sparkline(q.series_failed, 20) if any(q.series_failed) else "", "bad"),
        20,
        rank=8,
    ),
)


class QueueListView(WholeListView):
    """What the overview and the list of queues share."""

    noun = "queues"

    @staticmethod
    def key(row: Any) -> str:
        return str(row.name)

    def queue_of(self, row: Any) -> str | None:
        return str(row.name)

    def open_row(self, row: Any) -> Location | None:
        return Location("queue", row.name)

    def narrowed(self, rows: Sequence[QueueView]) -> Sequence[QueueView]:
        """Return the queues whose name has the filter's words."""
        words = self.location.filter.casefold().replace("queue:", "").replace("*", "").split()
        return [row for row in rows if all(word in row.name.casefold() for word in words)]


class QueuesView(QueueListView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [*verb_bindings("queues"), Binding("J", "jobs", "its jobs", show=False)]
    columns = QUEUE_COLUMNS
    hints = (("Enter", "open"),)
    nothing = "No queue yet: nothing was ever enqueued in this Redis."

    async def fetch(self) -> Sequence[Any]:
        return self.narrowed(await self.admin.queues.list())

    def action_jobs(self) -> None:
        row = self.table.row
        if row is not None:
            self.console.go_to(Location("jobs", None, f"queue:{row.name}"))

    async def preview_of(self, row: Any) -> Produce:
        return queue_preview(row, self.console.moment())


def queue_preview(queue: QueueView, moment: Moment) -> Produce:
    """Return what stands beside the list."""
    return lambda cells, _folds: queue_lines(queue, cells, moment)


def queue_lines(queue: QueueView, cells: int, moment: Moment) -> list[DocLine]:
    """Return a queue's state in lines."""
    shape, style = badge(queue.health)
    head: list[Span] = [(plain(queue.name), "title"), ("  " + shape, style)]
    lines = [DocLine(tuple(head), head=True)]
    if queue.health_reason:
        lines.append(text_line(plain(queue.health_reason), "muted"))
    if queue.pause is not None:
        lines.append(DocLine((("  ", "text"), *pause_spans(queue.pause, moment))))
    lines.append(DocLine())
    lines += facts(
        [
            ("workers", f"{count(queue.workers)} with {count(queue.slots)} slots, {count(queue.busy)} busy"),
            ("throughput", f"{queue.throughput_per_min:,.1f} a minute"),
            ("oldest wait", duration(queue.oldest_wait_ms)),
            ("fail rate", f"{percent(queue.fail_rate_1h)} in the last hour"),
            ("wait", f"p50 {duration(queue.p50_wait_ms)}, p95 {duration(queue.p95_wait_ms)}"),
            ("run", f"p95 {duration(queue.p95_run_ms)}"),
            ("limits", limits_text(queue)),
            ("memory", f"about {size(queue.bytes_estimate)}" if queue.bytes_estimate is not None else None),
            ("worked by", None if queue.native else "plain arq only: no counters or history before our workers run it"),
        ],
        cells,
        columns=True,
    )
    lines += [DocLine(), section("States"), *_state_lines(queue, cells)]
    lines += [DocLine(), section("Last hour", "one column a minute or two")]
    totals = [f"{sum(series):,}" for series in (queue.series_completed, queue.series_failed)]
    room = min(60, max(20, cells - 15 - max(map(len, totals))))
    for name, series, ink, total in (
        ("completed", queue.series_completed, "chart", totals[0]),
        ("failed", queue.series_failed, "bad", totals[1]),
    ):
        spark = (sparkline(series, room), ink)
        lines.append(DocLine((("  ", "text"), (f"{name:<11}", "muted"), spark, (f" {total}", "text"))))
    return [*lines, *_partition_lines(queue), *_sla_lines(queue)]


def _state_lines(queue: QueueView, cells: int) -> list[DocLine]:
    most = max([1, *queue.counts.values()])
    lines: list[DocLine] = []
    for state, number in queue.counts.items():
        shape, style = badge(state) if state != "dead_letters" else ("▲ dead letters", "bad")
        link = f"dlq queue:{queue.name}" if state == "dead_letters" else f"jobs queue:{queue.name} state:{state}"
        ink = style if number else "muted"
        spans: tuple[Span, ...] = (
            ("  ", "text"),
            (f"{shape:<19}", ink),
            (f"{number:>11,}  ", "text" if number else "muted"),
            *gauge(number / most, max(8, min(48, cells - 36)), style=ink),
        )
        lines.append(DocLine(spans, link=link))
    return lines


def _partition_lines(queue: QueueView) -> list[DocLine]:
    """Return the parts of a partitioned queue, each with what waits, runs and failed in it."""
    if not queue.partitions:
        return []
    cells = [max(9, *(len(plain(part.name)) for part in queue.partitions)), 9, 9, 9, 9]
    lines = [DocLine(), section("Partitions", f"{len(queue.partitions):,}; the numbers above are theirs together")]
    heads = ("", "waiting", "running", "failed", "oldest")
    row = [fit(head, room, "left" if not head else "right") for head, room in zip(heads, cells, strict=True)]
    lines.append(DocLine((("  " + " ".join(row), "muted"),)))
    for part in queue.partitions:
        numbers = [short_count(part.counts.get(state, 0)) for state in ("waiting", "active", "failed")]
        spans: list[Span] = [("  " + fit(plain(part.name), cells[0]), "text")]
        spans += [(" " + fit(number, 9, "right"), "muted" if number == "0" else "text") for number in numbers]
        spans.append((" " + fit(duration(part.oldest_wait_ms), 9, "right"), "text"))
        if part.paused:
            spans += [("  ", "text"), badge("paused")]
        lines.append(DocLine(tuple(spans)))
    return lines


def _sla_lines(queue: QueueView) -> list[DocLine]:
    sla = queue.sla
    if sla is None:
        return []
    lines = [DocLine(), section("Targets")]
    wanted = [("wait", sla.queue_s), ("run", sla.run_s), ("total", sla.total_s)]
    text = ", ".join(f"{name} ≤ {duration(limit * 1000)}" for name, limit in wanted if limit is not None)
    if sla.compliance is None:
        return [*lines, text_line(text), text_line("no job ended in the last 24 hours", "muted")]
    kept = sla.compliance >= 0.99
    spans: tuple[Span, ...] = (
        ("  ", "text"),
        (f"{percent(sla.compliance)} in time", "text" if kept else "bad"),
        (f"   {percent(sla.budget_left, digits=0)} of the error budget left, {sla.breaches:,} breaches", "muted"),
    )
    return [*lines, text_line(text), DocLine(spans)]
