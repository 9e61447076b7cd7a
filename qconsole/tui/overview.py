"""The first screen: five key figures, traffic of the last hour, the queues worst first, what is wrong with Redis."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.strip import Strip

from qconsole.admin.views import Overview
from qconsole.tui.cells import fit, plain
from qconsole.tui.charts import area
from qconsole.tui.document import Produce
from qconsole.tui.drawn import Drawn, clip_spans, host, paint
from qconsole.tui.format import count, duration, percent, short_count
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location
from qconsole.tui.queues import QUEUE_COLUMNS, QueueListView, queue_preview
from qconsole.tui.skin import Span

SLOW_WAIT_MS = 60_000


class Figures(Drawn):
    """Five key figures, each under its name."""

    DEFAULT_CSS = "Figures { height: 3; }"

    def __init__(self) -> None:
        super().__init__()
        self.overview: Overview | None = None

    def show(self, overview: Overview) -> None:
        """Show these figures."""
        self.overview = overview
        self.redraw()

    def line(self, y: int) -> Strip:
        cells, skin = self.size.width, host(self).skin
        figures = _figures(self.overview)
        each = (cells - 2) // len(figures)
        spans: list[Span] = [(" ", "text")]
        for name, value, style, note in figures:
            if y == 0:
                spans.append((fit(name, each), "muted"))
            elif y == 1:
                spans.append((fit(value, each), style))
            else:
                spans.append((fit(note, each - 2) + "  ", "muted"))
        return paint(clip_spans(spans, cells), cells, skin)


def _figures(overview: Overview | None) -> list[tuple[str, str, str, str]]:
    """Return name, value, style and note of the five."""
    if overview is None:
        return [(name, "–", "muted", "") for name in ("Queued", "Running", "Failed 1 h", "Oldest wait", "SLA")]
    oldest, compliance = overview.oldest_wait_ms, overview.sla_compliance
    busy = overview.running / overview.slots if overview.slots else 0
    return [
        ("Queued", count(overview.queued), "strong", f"in {len(overview.queues)} queues"),
        (
            "Running",
            f"{count(overview.running)} / {count(overview.slots)}",
            "warn" if busy >= 0.95 else "strong",
            f"{busy:.0%} busy",
        ),
        (
            "Failed 1 h",
            count(overview.failed_1h),
            "bad_strong" if overview.failed_1h else "strong",
            f"{short_count(overview.dead_letters)} dead",
        ),
        (
            "Oldest wait",
            duration(oldest),
            "bad_strong" if (oldest or 0) > SLOW_WAIT_MS else "strong",
            plain(overview.oldest_wait_queue or ""),
        ),
        (
            "SLA 24 h",
            percent(compliance),
            "strong" if compliance is None or compliance >= 0.99 else "bad_strong",
            "in time" if compliance is not None else "no targets",
        ),
    ]


class Traffic(Drawn):
    """The chart of completed and failed jobs, with deploys and operators' marks."""

    DEFAULT_CSS = "Traffic { height: 9; }"

    def __init__(self) -> None:
        super().__init__()
        self.overview: Overview | None = None

    def show(self, overview: Overview) -> None:
        """Show this window."""
        self.overview = overview
        self.redraw()

    def line(self, y: int) -> Strip:
        cells, skin = self.size.width, host(self).skin
        lines = self._lines(cells)
        return paint(clip_spans(lines[y], cells) if y < len(lines) else [], cells, skin)

    def _lines(self, cells: int) -> list[list[Span]]:
        if self.overview is None:
            return []
        series = self.overview.chart
        legend: list[Span] = [(" jobs a minute   ", "muted"), ("█ ", "chart"), ("completed   ", "muted")]
        legend += [("█ ", "bad"), ("failed, on a scale of their own", "muted")]
        columns = series.columns
        chart = area(
            series.at_ms,
            columns.get("completed", ()),
            columns.get("failed", ()),
            cells=cells - 1,
            rows=max(2, self.size.height - 5),
            marks=series.marks,
            zone=host(self).moment().zone,
        )
        return [legend, *chart]


class OverviewView(QueueListView):
    """Figures and chart over the list of queues."""

    DEFAULT_CSS = """
    OverviewView > Traffic { display: none; }
    OverviewView.-chart > Traffic { display: block; }
    OverviewView.-chart.-high > Traffic { height: 12; }
    OverviewView > #warnings { height: auto; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("queues")
    columns = QUEUE_COLUMNS
    hints = (("Enter", "open"), ("4", "dead letters"))
    nothing = "No queue yet: nothing was ever enqueued in this Redis."

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.figures = Figures()
        self.traffic = Traffic()
        self.warnings: Sequence[Any] = ()
        self.overview: Overview | None = None

    def compose(self) -> ComposeResult:
        yield self.figures
        yield self.traffic
        yield from super().compose()

    async def fetch(self) -> Sequence[Any]:
        overview: Overview = await self.admin.queues.overview()
        self.overview = overview
        self.figures.show(overview)
        self.traffic.show(overview)
        self.warnings = overview.warnings
        return self.narrowed(overview.queues)

    def on_resize(self) -> None:
        super().on_resize()
        self.set_class(self.app.size.height >= 30, "-chart")
        self.set_class(self.app.size.height >= 44, "-high")

    def title(self) -> list[Span]:
        spans = super().title()
        spans[0] = ("Queues, worst first", "title")
        return spans

    def title_right(self) -> list[Span]:
        worst = next((w for w in self.warnings if w.level != "ok"), None)
        if worst is None:
            return super().title_right()
        more = f" and {len(self.warnings) - 1} more" if len(self.warnings) > 1 else ""
        return [(f"▲ {plain(worst.text)}{more}", "bad" if worst.level == "bad" else "warn")]

    def command(self) -> str | None:
        return self.console.cli("queues", "list")

    async def preview_of(self, row: Any) -> Produce:
        return queue_preview(row, self.console.moment())
