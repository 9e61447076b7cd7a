"""Everything by name: verbs with their objects, places, and whatever a location's text says, found by any of its
words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.strip import Strip
from textual.widgets import Input

from qconsole.tui.cells import fit, plain, width
from qconsole.tui.dialog import Dialog, LineInput
from qconsole.tui.drawn import Drawn, clip_spans, host, paint
from qconsole.tui.skin import Span


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be done: what it is called, what it does, its key, and how."""

    name: str
    detail: str
    key: str
    run: Callable[[], None]


def rank(entry: Entry, words: Sequence[str]) -> int | None:
    """Return how well an entry fits the words, lower is better; None when a word is missing."""
    name, everything = entry.name.casefold(), f"{entry.name} {entry.detail}".casefold()
    if not all(word in everything for word in words):
        return None
    if name.startswith(" ".join(words)):
        return 0
    parts = name.split()
    starts = sum(any(part.startswith(word) for part in parts) for word in words)
    in_name = sum(word in name for word in words)
    return 1 + (len(words) - starts) * 2 + (len(words) - in_name) * 4


class EntryList(Drawn):
    """The entries that fit, one of them highlighted."""

    DEFAULT_CSS = "EntryList { height: 14; }"

    def __init__(self) -> None:
        super().__init__()
        self.entries: Sequence[Entry] = ()
        self.at = 0

    def show(self, entries: Sequence[Entry]) -> None:
        """Show these entries, the first highlighted."""
        self.entries, self.at = entries, 0
        self.redraw()

    def step(self, by: int) -> None:
        """Highlight another entry."""
        self.at = max(0, min(len(self.entries) - 1, self.at + by))
        self.redraw()

    def line(self, y: int) -> Strip:
        cells, skin = self.size.width, host(self).skin
        first = max(0, min(self.at - self.size.height + 1, len(self.entries) - self.size.height))
        number = first + y
        if not self.entries and y == 0:
            return paint([("  nothing has these words", "muted")], cells, skin, ground="raised")
        if number >= len(self.entries):
            return paint([], cells, skin, ground="raised")
        entry = self.entries[number]
        name = plain(entry.name)
        left: list[Span] = [
            ("  ", "text"),
            (fit(name, max(34, width(name))), "text"),
            ("  " + plain(entry.detail), "muted"),
        ]
        left = clip_spans(left, cells - 6)
        gap = " " * (cells - sum(width(t) for t, _ in left) - width(entry.key) - 1)
        ground = "cursor" if number == self.at else "raised"
        return paint([*left, (gap, "text"), (entry.key, "key")], cells, skin, ground=ground)


class PaletteDialog(Dialog[Entry]):
    """Answers the entry that was chosen."""

    DEFAULT_CSS = "PaletteDialog > .box { width: 96; max-width: 98%; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "step(1)", "next", show=False),
        Binding("up,ctrl+p", "step(-1)", "previous", show=False, priority=True),
        Binding("pagedown", "step(12)", "a screen down", show=False),
        Binding("pageup", "step(-12)", "a screen up", show=False),
    ]

    def __init__(self, entries: Sequence[Entry], *, literal: Callable[[str], Sequence[Entry]], text: str = "") -> None:
        super().__init__()
        self._all = entries
        self._literal = literal
        self.input = LineInput(text, placeholder="a verb and its object, or a place: jobs state:failed")
        self.list = EntryList()

    def compose(self) -> ComposeResult:
        with Container(classes="box") as box:
            box.border_subtitle = "Enter does it · Esc leaves"
            yield self.input
            yield self.list

    def on_mount(self) -> None:
        self.list.styles.height = max(4, min(16, self.app.size.height - 6))
        self.input.focus()
        self._search(self.input.value)

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        self._search(message.value)

    def _search(self, text: str) -> None:
        words = text.casefold().split()
        ranked = [(rank(entry, words), number) for number, entry in enumerate(self._all)]
        found = sorted((place, number) for place, number in ranked if place is not None)
        self.list.show([*self._literal(text.strip()), *(self._all[number] for _, number in found[:200])])

    def action_step(self, by: int) -> None:
        self.list.step(by)

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        if self.list.entries:
            self.dismiss(self.list.entries[self.list.at])
