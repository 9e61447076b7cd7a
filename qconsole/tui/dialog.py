"""The frame of every dialog: a box in the middle that fits 80×24, text that is only ever text, Escape that changes
nothing.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input

from qconsole.tui.cells import wrap
from qconsole.tui.drawn import Drawn, clip_spans, host, paint
from qconsole.tui.guard import Guarded
from qconsole.tui.skin import Span

A = TypeVar("A")
SpanLines = Sequence[Sequence[Span]]


class Lines(Drawn):
    """A few lines, as high as they are many; made from the width."""

    DEFAULT_CSS = "Lines { height: auto; }"

    def __init__(self, produce: Callable[[int], SpanLines], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._produce = produce

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._produce(width))

    def show(self, produce: Callable[[int], SpanLines]) -> None:
        """Show other lines."""
        before = len(self._produce(self.size.width or 40))
        self._produce = produce
        if len(produce(self.size.width or 40)) != before:
            self.refresh(layout=True)
        self.redraw()

    def line(self, y: int) -> Strip:
        cells, skin = self.size.width, host(self).skin
        lines = self._produce(cells)
        spans = lines[y] if y < len(lines) else []
        return paint(clip_spans(spans, cells), cells, skin, ground="raised")


def words(text: str, style: str = "text") -> Callable[[int], SpanLines]:
    """Return a producer of wrapped text."""
    return lambda cells: [[(line, style)] for line in wrap(text, cells)]


class LineInput(Input):
    """A one-line input without a frame."""

    DEFAULT_CSS = "LineInput, LineInput:focus { height: 1; border: none; padding: 0; background: $background; }"


class Dialog(Guarded, ModalScreen[A]):
    """A modal box. Escape answers None."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog:ansi { background: transparent; }
    Dialog > .box {
        width: 76; max-width: 100%; height: auto; max-height: 100%; layout: vertical;
        background: $surface; border: round $edge; padding: 0 1;
        border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $muted;
    }
    Dialog > .box.-danger { border: round $error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave without doing anything", show=False),
    ]
