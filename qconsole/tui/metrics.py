"""Traffic, wait and run times, and how the targets were kept."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import Series, SlaView
from qconsole.tui.cells import fit, plain
from qconsole.tui.charts import area, gauge, histogram, sparkline
from qconsole.tui.document import DocLine, Folds, section, text_line
from qconsole.tui.document_view import DocumentView
from qconsole.tui.format import count, duration, percent
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location
from qconsole.tui.skin import Span

WINDOWS = ("1h", "6h", "24h", "7d")


class MetricsView(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *verb_bindings("metrics"),
        Binding("w", "window", "another window", show=False),
        Binding("n", "next_queue", "the next queue", show=False),
    ]
    noun = "metrics"
    hints = (("w", "window"), ("n", "next queue"))

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.window = next((w for w in WINDOWS if f"window:{w}" in location.filter), "1h")
        self.queue = location.queue
        self.series: Series | None = None
        self.sla: Sequence[tuple[str, SlaView]] = ()
        self.waits: Sequence[tuple[float, int]] = ()
        self.runs: Sequence[tuple[float, int]] = ()

    def apply_filter(self, text: str) -> None:
        self.location = self.location.with_filter(text)
        self.queue = self.location.queue
        self.load_soon()

    async def load(self) -> None:
        metrics = self.admin.metrics
        self.series = await metrics.series(queue=self.queue, window=self.window)
        self.sla = await metrics.sla(window="24h")
        if self.queue is not None:
            self.waits = await metrics.histogram(self.queue, kind="wait", window=self.window)
            self.runs = await metrics.histogram(self.queue, kind="run", window=self.window)
        self.present()

    def command(self) -> str | None:
        queue = (self.queue,) if self.queue is not None else ()
        return self.console.cli("metrics", "show", *queue, window=self.window)

    def action_window(self) -> None:
        self.window = WINDOWS[(WINDOWS.index(self.window) + 1) % len(WINDOWS)]
        self.load_soon()

    def action_next_queue(self) -> None:
        queues: list[str | None] = [None, *self.console.known.get("queue", ())]
        at = queues.index(self.queue) if self.queue in queues else 0
        self.queue = queues[(at + 1) % len(queues)]
        self.load_soon()

    def title(self) -> list[Span]:
        return [
            ("Metrics", "title"),
            (f"  {plain(self.queue or 'all queues')}", "accent"),
            (f"  last {self.window}", "muted"),
        ]

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        series = self.series
        if series is None:
            return []
        columns = series.columns
        good, bad = columns.get("completed", ()), columns.get("failed", ())
        height = self.app.size.height
        rows = 4 if height < 30 else 8 if height < 44 else 14
        step = "minute" if series.step_s == 60 else duration(series.step_s * 1000)
        legend: tuple[Span, ...] = (
            ("  █ ", "chart"),
            ("completed  ", "muted"),
            ("█ ", "bad"),
            (f"failed, on a scale of their own, a {step}", "muted"),
        )
        chart = area(
            series.at_ms, good, bad, cells=cells - 1, rows=rows, marks=series.marks, zone=self.console.moment().zone
        )
        lines = [section("Throughput"), DocLine(legend), *(DocLine(tuple(spans)) for spans in chart), DocLine()]
        lines += [section("Figures", "of the window"), *_figures(columns, cells)]
        return [*lines, DocLine(), *self._targets(cells)]

    def _targets(self, cells: int) -> list[DocLine]:
        lines = [section("Targets", "last 24 h")]
        if not self.sla:
            return [*lines, text_line("no queue has targets; declare them with QueuePolicy(sla=Sla(…))", "muted")]
        for queue, sla in self.sla:
            kept = sla.compliance is None or sla.compliance >= 0.99
            left = 1.0 if sla.budget_left is None else max(0.0, sla.budget_left)
            spans: tuple[Span, ...] = (
                ("  ", "text"),
                (fit(plain(queue), 22) + "  ", "text"),
                (fit(percent(sla.compliance, digits=2), 8, "right") + "  ", "text" if kept else "bad"),
                *gauge(left, 12, style="good" if left > 0.25 else "bad"),
                (f" {left:>4.0%} budget left", "muted"),
                (f"{sla.breaches:>8,} breaches" if sla.breaches else "", "bad"),
            )
            lines.append(DocLine(spans, link=f"queue {queue}"))
        return lines

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        lead = [DocLine()] if not self.two_panes else []
        if self.queue is None:
            return [*lead, section("Wait and run times"), text_line("n shows one queue's, as histograms", "muted")]
        sla = dict(self.sla).get(self.queue)
        wait_limit = sla.queue_s * 1000 if sla is not None and sla.queue_s is not None else None
        run_limit = sla.run_s * 1000 if sla is not None and sla.run_s is not None else None
        lines = [*lead, section("Wait", "due → start")]
        lines += [DocLine(tuple(spans)) for spans in histogram(self.waits, cells, limit=wait_limit)]
        lines += [DocLine(), section("Run", "start → end")]
        return [*lines, *(DocLine(tuple(spans)) for spans in histogram(self.runs, cells, limit=run_limit))]


def _figures(columns: dict[str, tuple[float | None, ...]], cells: int) -> list[DocLine]:
    """Return one line a column: its line of the window, its newest value, its highest."""
    shown = (
        ("completed", "completed", "chart", count),
        ("failed", "failed", "bad", count),
        ("retried", "retried", "warn", count),
        ("wait p50", "wait_p50_ms", "chart", duration),
        ("wait p95", "wait_p95_ms", "chart", duration),
        ("run p50", "run_p50_ms", "chart", duration),
        ("run p95", "run_p95_ms", "chart", duration),
    )
    room = min(60, max(16, cells - 42))
    lines: list[DocLine] = []
    for name, key, style, form in shown:
        values = columns.get(key, ())
        known = [v for v in values if v is not None]
        last, most = (form(known[-1]), form(max(known))) if known else ("–", "–")
        spans: tuple[Span, ...] = (
            ("  ", "text"),
            (fit(name, 11), "muted"),
            (_line(values, room), style),
            (fit(last, 9, "right"), "strong"),
            (f"  highest {most}", "muted"),
        )
        lines.append(DocLine(spans))
    return lines


def _line(values: Sequence[float | None], room: int) -> str:
    """Return a sparkline of rates or times: what falls into one cell is its highest, not its sum."""
    if len(values) > room:
        cells = [values[x * len(values) // room : (x + 1) * len(values) // room] for x in range(room)]
        values = [max((v for v in cell if v is not None), default=None) for cell in cells]
    return sparkline(values, room)
