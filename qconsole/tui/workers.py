"""The workers: who serves which queues, how busy, how healthy."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from qconsole.admin.views import WorkerView
from qconsole.tui.cells import plain
from qconsole.tui.charts import gauge
from qconsole.tui.document import DocLine, Produce, section, text_line
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import facts, running_line, state_cell, when
from qconsole.tui.format import coarse_age, count, duration, short_count, size
from qconsole.tui.keys import verb_bindings
from qconsole.tui.list_view import WholeListView
from qconsole.tui.location import Location
from qconsole.tui.skin import Span
from qconsole.tui.table import Column

LAGGING_MS = 100


def _busy(row: WorkerView, _moment: Moment) -> list[Span]:
    ratio = len(row.running) / row.slots if row.slots else 0
    return [
        *gauge(ratio, 10, style="warn" if ratio >= 0.95 else "accent"),
        (f" {len(row.running)}/{row.slots}", "text"),
    ]


def _lag(row: WorkerView, _moment: Moment) -> Span:
    slow = (row.loop_lag_ms or 0) >= LAGGING_MS
    return duration(row.loop_lag_ms), "bad" if slow else "text"


def _beat(row: WorkerView, moment: Moment) -> Span:
    late = moment.now_ms - row.heartbeat_ms > 30_000
    return coarse_age(row.heartbeat_ms, moment.now_ms), "bad" if late else "muted"


WORKER_COLUMNS = (
    Column("id", "Worker", lambda w, _m: (plain(w.id, limit=80), "strong"), 22, grow=1, rank=0, sort=lambda w: w.id),
    Column("state", "State", state_cell, 11, rank=0, sort=lambda w: w.state),
    Column("busy", "Slots", _busy, 17, rank=0, sort=lambda w: len(w.running)),
    Column("queues", "Queues", lambda w, _m: (plain(", ".join(w.queues)), "muted"), 18, grow=1, rank=2),
    Column("done", "Done", lambda w, _m: (short_count(w.done), "text"), 7, "right", rank=1, sort=lambda w: w.done),
    Column(
        "failed",
        "Failed",
        lambda w, _m: (short_count(w.failed), "bad" if w.failed else "muted"),
        6,
        "right",
        rank=1,
        sort=lambda w: w.failed,
    ),
    Column(
        "rate",
        "Per min",
        lambda w, _m: (short_count(w.rate_per_min), "text"),
        7,
        "right",
        rank=3,
        sort=lambda w: w.rate_per_min,
    ),
    Column("lag", "Lag", _lag, 7, "right", rank=4, sort=lambda w: w.loop_lag_ms),
    Column(
        "memory", "Memory", lambda w, _m: (size(w.rss_bytes), "text"), 9, "right", rank=5, sort=lambda w: w.rss_bytes
    ),
    Column("deploy", "Deploy", lambda w, _m: (plain(w.deploy or "–"), "muted"), 10, rank=6, sort=lambda w: w.deploy),
    Column("beat", "Seen", _beat, 5, "right", rank=2, sort=lambda w: w.heartbeat_ms),
)


class WorkersView(WholeListView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("workers")
    noun = "workers"
    columns = WORKER_COLUMNS
    hints = (("Enter", "open"),)
    nothing = "No worker has a heartbeat. Start one: qconsole worker app.WorkerSettings"

    async def fetch(self) -> Sequence[Any]:
        rows: Sequence[WorkerView] = await self.admin.workers.list()
        words = self.location.filter.casefold().replace("worker:", "").replace("queue:", "").split()
        return [w for w in rows if all(word in f"{w.id} {w.host} {' '.join(w.queues)}".casefold() for word in words)]

    def queue_of(self, row: Any) -> str | None:
        return next(iter(row.queues)) if len(row.queues) == 1 else None

    def open_row(self, row: Any) -> Location | None:
        return Location("worker", row.id)

    async def preview_of(self, row: Any) -> Produce:
        moment = self.console.moment()
        return lambda cells, _folds: worker_lines(row, cells, moment)


def worker_lines(worker: WorkerView, cells: int, moment: Moment) -> list[DocLine]:
    """Return all of a worker."""
    lines = [DocLine(((plain(worker.id), "title"), ("  ", "text"), state_cell(worker, moment)), head=True), DocLine()]
    queues = ", ".join(f"{plain(name)} ({slots})" for name, slots in worker.queues.items())
    lines += facts(
        [
            ("host", f"{plain(worker.host)}, pid {worker.pid}"),
            ("version", plain(worker.version)),
            ("deploy", plain(worker.deploy) if worker.deploy else None),
            ("started", when(worker.started_ms, moment)),
            ("last seen", when(worker.heartbeat_ms, moment)),
            ("done", f"{count(worker.done)}, {count(worker.failed)} failed"),
            ("rate", f"{worker.rate_per_min:,.1f} a minute"),
            ("loop lag", duration(worker.loop_lag_ms)),
            ("memory", size(worker.rss_bytes)),
            ("queues", queues),
        ],
        cells,
        columns=True,
    )
    lines += [DocLine(), section("Running", f"{len(worker.running)} of {worker.slots} slots")]
    if not worker.running:
        lines.append(text_line("nothing", "muted"))
    return [*lines, *(running_line(job, cells, moment) for job in worker.running)]
