"""The base of every widget here that draws its own lines: exact width, one skin, only changed lines sent to the
terminal.

A line that cannot be drawn is reported and shown as such; it never ends the program.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Protocol, cast

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from qconsole.tui.cells import cut, width
from qconsole.tui.skin import Skin, Span


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant a screen is drawn for, and the zone it shows wall clock times in."""

    now_ms: int
    zone: tzinfo = UTC


class Host(Protocol):
    """What a drawn widget needs of the app."""

    skin: Skin

    def moment(self) -> Moment: ...

    def report_error(self, error: Exception, *, during: str) -> None: ...

    def copy(self, text: str, *, what: str = "text") -> None: ...


def host(widget: Widget) -> Host:
    """Return the widget's app as what draws need of it."""
    return cast(Host, widget.app)


def paint(spans: Iterable[Span], cells: int, skin: Skin, *, ground: str = "ground", skip: int = 0) -> Strip:
    """Return safe spans as a strip of exactly `cells` cells, without the first `skip` cells."""
    spans = list(spans)
    blank = skip + cells - sum(width(text) for text, _ in spans)
    if blank > 0:
        spans.append((" " * blank, "text"))
    strip = Strip([Segment(text, skin.style(name, ground)) for text, name in _joined(spans)])
    return strip.crop(skip, skip + cells) if skip or strip.cell_length != cells else strip


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Join neighbours that look the same, blanks with what stands before them: fewer bytes to the terminal."""
    joined: list[Span] = []
    for text, name in spans:
        if joined and text and (name == joined[-1][1] or (text.isspace() and joined[-1][1] not in _BLANKS_SHOW)):
            joined[-1] = (joined[-1][0] + text, joined[-1][1])
        elif text:
            joined.append((text, name))
    return joined


_BLANKS_SHOW = {"link", "match", "alarm"}


def _changed(old: Strip | None, new: Strip) -> tuple[int, int] | None:
    """Return the first cell that differs and the number of cells up to the last, or None when nothing does."""
    if old is None:
        return 0, new.cell_length
    if old == new:
        return None
    before, after = list(old), list(new)
    start = end = 0
    while before and after and before[0] == after[0]:
        start += after[0].cell_length
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        end += after[-1].cell_length
        before.pop()
        after.pop()
    return start, max(1, new.cell_length - start - end)


def clip_spans(spans: Iterable[Span], cells: int) -> list[Span]:
    """Return the spans cut to `cells` cells, with an ellipsis when something was cut."""
    kept: list[Span] = []
    spans = list(spans)
    total = sum(width(text) for text, _ in spans)
    if total <= cells:
        return spans
    room = cells
    for text, name in spans:
        size = width(text)
        if size >= room:
            kept.append((cut(text if size > room else text + "…", room), name))
            break
        kept.append((text, name))
        room -= size
    return kept


class Drawn(Widget):
    """A widget made of lines that it draws itself.

    Subclasses implement `line`; `redraw` sends what changed since the last time.
    """

    DEFAULT_CSS = "Drawn { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: dict[int, Strip] = {}

    def line(self, y: int) -> Strip:
        """Return the strip of line `y`; its length must be the widget's width."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Draw one line for Textual."""
        strip = self._line_or_apology(y)
        self._shown[y] = strip
        return strip

    def redraw(self) -> None:
        """Ask Textual to send the lines that differ from what is on the screen."""
        changed: list[Region] = []
        for y in range(self.size.height):
            found = _changed(self._shown.get(y), self._line_or_apology(y))
            if found is not None:
                changed.append(Region(found[0], y, found[1], 1))
        if changed:
            self.refresh(*changed)

    def _line_or_apology(self, y: int) -> Strip:
        try:
            return self.line(y)
        except Exception as error:
            host(self).report_error(error, during=f"drawing line {y} of {type(self).__name__}")
            spans = [("▲ this line cannot be drawn; the error report has the details", "bad")]
            return paint(clip_spans(spans, self.size.width), self.size.width, host(self).skin)
