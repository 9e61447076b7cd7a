"""The frame around every screen: the state of the whole in one line, the modes in a second, banner, progress and key
hints.
"""

from typing import Any

from textual import events
from textual.message import Message
from textual.strip import Strip

from qconsole.admin.views import OperationView
from qconsole.tui.cells import fit, plain, width
from qconsole.tui.charts import gauge
from qconsole.tui.drawn import Drawn, clip_spans, host, paint
from qconsole.tui.format import duration, short_count
from qconsole.tui.location import MODES
from qconsole.tui.skin import Span


class Header(Drawn):
    """Brand, environment, pace and the key figures; below them the modes."""

    DEFAULT_CSS = "Header { height: 2; }"

    class ModeClicked(Message):
        """A mode's name was clicked."""

        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind = kind

    def __init__(self, *, env: str, production: bool) -> None:
        super().__init__()
        self.env = env
        self.production = production
        self.pace_word = "connecting"
        self.lost = False
        self.redis_ms: float | None = None
        self.figures: dict[str, Any] = {}
        self.mode = "overview"
        self._edges: list[tuple[int, int, str]] = []

    def line(self, y: int) -> Strip:
        ground = "alarm" if self.production and y == 0 else "raised"
        cells = self.size.width
        return paint(self._status(cells) if y == 0 else self._modes(cells), cells, host(self).skin, ground=ground)

    def _status(self, cells: int) -> list[Span]:
        ink = "alarm" if self.production else "text"
        quiet = "alarm" if self.production else "muted"
        name = f"PRODUCTION {plain(self.env)}" if self.production else plain(self.env)
        dot = "alarm" if self.production else "bad" if self.lost else "good" if "live" in self.pace_word else "warn"
        left: list[Span] = [
            (" qconsole ", "alarm" if self.production else "title"),
            (f" {fit(name, min(28, width(name)))}  ", ink),
        ]
        left += [("● " if not self.lost else "✖ ", dot), (self.pace_word, quiet)]
        if self.redis_ms is not None and not self.lost:
            took = f"{self.redis_ms:.1f} ms" if self.redis_ms < 1_000 else duration(self.redis_ms)
            left.append((f"  redis {took}", quiet))
        right = self._figures(cells - sum(width(t) for t, _ in left) - 3, ink, quiet)
        gap = max(1, cells - sum(width(t) for t, _ in [*left, *right]) - 1)
        return [*left, (" " * gap, ink), *right]

    def _figures(self, room: int, ink: str, quiet: str) -> list[Span]:
        """Return as many key figures as there is room for, the most telling first."""
        totals = self.figures.get("totals", {})
        more = "+" if self.figures.get("missing") else ""  # queues of a lost shard are not in the totals
        bad = ink if self.production else "bad"
        kept: list[Span] = []
        for key, word in (
            ("queued", "queued"),
            ("dead_letters", "dead"),
            ("running", "running"),
            ("failed", "failed"),
            ("workers", "workers"),
        ):
            value = totals.get(key)
            if value is None:
                continue
            style = bad if value and key in {"dead_letters", "failed"} else ink
            part: list[Span] = [("   " if kept else "", ink), (f"{word} ", quiet), (short_count(value) + more, style)]
            if sum(width(t) for t, _ in [*kept, *part]) > room:
                break
            kept += part
        return kept

    def _modes(self, cells: int) -> list[Span]:
        """Return the modes, with the longest titles that fit, and remember where they stand for the mouse."""
        for titles in zip(*((mode.title, mode.short, mode.shortest) for mode in MODES), strict=True):
            names = [(mode.key, mode.kind, title) for mode, title in zip(MODES, titles, strict=True)]
            letters = sum(len(f"{key} {name}") for key, _, name in names)
            if letters + 2 * len(names) <= cells - 1:
                break
        gap = 2 if letters + 2 * len(names) <= cells - 1 else 1
        spans: list[Span] = [(" ", "text")] if letters + gap * len(names) < cells else []
        self._edges = []
        at = sum(width(t) for t, _ in spans)
        for key, kind, name in names:
            text = f"{key} {name}"
            active = kind == self.mode
            self._edges.append((at, at + len(text), kind))
            spans += [
                (key, "key" if not active else "tab"),
                (f" {name}", "tab" if active else "muted"),
                (" " * gap, "text"),
            ]
            at += len(text) + gap
        spans.pop()
        return clip_spans(spans, cells)

    def on_click(self, event: events.Click) -> None:
        for start, end, kind in self._edges:
            if event.y == 1 and start <= event.x < end:
                self.post_message(self.ModeClicked(kind))


class Banner(Drawn):
    """One red line while Redis does not answer; not there otherwise."""

    DEFAULT_CSS = "Banner { height: 1; display: none; }"

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def say(self, text: str | None) -> None:
        """Show the text, or nothing."""
        self.text = text or ""
        self.display = bool(text)
        self.redraw()

    def line(self, y: int) -> Strip:
        spans: list[Span] = [(" ✖ ", "alarm"), (plain(self.text), "alarm")]
        return paint(clip_spans(spans, self.size.width), self.size.width, host(self).skin, ground="alarm")


class Progress(Drawn):
    """The operation that this console drives; not there otherwise."""

    DEFAULT_CSS = "Progress { height: 1; display: none; }"

    def __init__(self) -> None:
        super().__init__()
        self.operation: OperationView | None = None

    def say(self, operation: OperationView | None) -> None:
        """Show an operation's progress, or nothing."""
        self.operation = operation
        self.display = operation is not None
        self.redraw()

    def line(self, y: int) -> Strip:
        cells, skin = self.size.width, host(self).skin
        if self.operation is None:
            return paint([], cells, skin)
        return paint(clip_spans(operation_spans(self.operation, cells), cells), cells, skin, ground="raised")


def operation_spans(operation: OperationView, cells: int) -> list[Span]:
    """Return an operation as one line: verb, bar, counts, rate."""
    through = operation.done + operation.skipped + operation.failed
    ratio = through / operation.matched if operation.matched else 1.0
    spans: list[Span] = [(f" ▶ {operation.verb} ", "accent"), (f"{through:,} of {operation.matched:,}  ", "text")]
    spans += gauge(ratio, max(8, min(32, cells - 60)))
    if operation.failed:
        spans.append((f"  {operation.failed:,} failed", "bad"))
    if operation.skipped:
        spans.append((f"  {operation.skipped:,} skipped", "muted"))
    if operation.current_rate_per_s:
        left_ms = (operation.matched - through) / operation.current_rate_per_s * 1000
        spans.append((f"  {operation.current_rate_per_s:,.0f}/s, {duration(left_ms)} left", "muted"))
    return spans


class Footer(Drawn):
    """At most six keys of the screen, or for a while what just happened."""

    DEFAULT_CSS = "Footer { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.hints: tuple[tuple[str, str], ...] = ()
        self.message: Span | None = None

    def offer(self, hints: tuple[tuple[str, str], ...]) -> None:
        """Show these keys, each with its word."""
        if hints != self.hints:
            self.hints = hints
            self.redraw()

    def say(self, message: Span | None) -> None:
        """Show a message in the place of the keys, or the keys again."""
        self.message = message
        self.redraw()

    def line(self, y: int) -> Strip:
        cells, skin = self.size.width, host(self).skin
        if self.message is not None:
            text, style = self.message
            shape = {"bad": "▲ ", "warn": "▲ ", "good": "● "}.get(style, "")
            spans: list[Span] = [(f" {shape}{plain(text)}", style)]
            return paint(clip_spans(spans, cells), cells, skin, ground="raised")
        spans = [(" ", "text")]
        for key, word in self.hints[:6]:
            spans += [(key, "key"), (f" {word}   ", "muted")]
        return paint(clip_spans(spans, cells), cells, skin, ground="raised")
