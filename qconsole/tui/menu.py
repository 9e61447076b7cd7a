"""Lists to choose from: one entry, or several with a box to tick."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from qconsole.tui.cells import fit, plain
from qconsole.tui.dialog import Dialog, Lines, SpanLines
from qconsole.tui.skin import Span


class TickDialog(Dialog[frozenset[str]]):
    """Ticks: answers the keys that are ticked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "step(1)", "next", show=False),
        Binding("k,up", "step(-1)", "previous", show=False),
        Binding("space", "tick", "tick or untick", show=False),
        Binding("enter", "answer", "use these", show=False),
        Binding("a", "reset", "as many as fit", show=False),
    ]

    def __init__(self, title: str, entries: Sequence[tuple[str, str]], ticked: frozenset[str]) -> None:
        super().__init__()
        self._title = title
        self.entries = list(entries)
        self.ticked = set(ticked)
        self.at = 0
        self.list = Lines(self._lines)

    def compose(self) -> ComposeResult:
        with Container(classes="box") as box:
            box.border_title = self._title
            yield self.list

    def _lines(self, cells: int) -> SpanLines:
        lines: list[list[Span]] = []
        for number, (key, label) in enumerate(self.entries):
            pointer = "▸ " if number == self.at else "  "
            box = "[x] " if key in self.ticked else "[ ] "
            lines.append(
                [
                    (pointer, "accent"),
                    (box, "key"),
                    (fit(plain(label), cells - 6), "strong" if number == self.at else "text"),
                ]
            )
        return [*lines, [], [("Space ticks · Enter uses these · a: as many as fit · Esc leaves", "muted")]]

    def action_step(self, by: int) -> None:
        self.at = max(0, min(len(self.entries) - 1, self.at + by))
        self.list.redraw()

    def action_tick(self) -> None:
        self.ticked ^= {self.entries[self.at][0]}
        self.list.redraw()

    def action_answer(self) -> None:
        self.dismiss(frozenset(self.ticked))

    def action_reset(self) -> None:
        self.dismiss(frozenset())
