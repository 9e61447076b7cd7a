"""Everything by name: verbs with their objects, places, and whatever a location's text says, found by any of its
words or by the command line's. A verb that does not apply here is listed behind those that do, with the reason.
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
    """One thing that can be done.

    Args:
        detail: what it does, or why it cannot be done here.
        run: does it; None where it does not apply.
        command: the command line's words for it: `jobs retry`.
    """

    name: str
    detail: str
    key: str = ""
    run: Callable[[], None] | None = None
    command: str = ""


_NOT_HERE = 1_000  # behind everything that can be done


def rank(entry: Entry, words: Sequence[str]) -> int | None:
    """Return how well an entry fits the words, lower is better; None when a word is missing."""
    name, typed = entry.name.casefold(), " ".join(words)
    everything = f"{name} {entry.command} {entry.detail.casefold()}"
    if not all(word in everything for word in words) or (entry.run is None and not words):
        return None
    behind = _NOT_HERE if entry.run is None else 0
    if name.startswith(typed) or (words and entry.command.startswith(typed)):
        return behind
    parts = name.split()
    starts = sum(any(part.startswith(word) for part in parts) for word in words)
    in_name = sum(word in name for word in words)
    return behind + 1 + (len(words) - starts) * 2 + (len(words) - in_name) * 4


def matching(entries: Sequence[Entry], text: str) -> list[Entry]:
    """Return the entries that fit what was typed, the best first."""
    words = text.casefold().split()
    ranked = [(rank(entry, words), number) for number, entry in enumerate(entries)]
    found = sorted((place, number) for place, number in ranked if place is not None)
    return [entries[number] for _, number in found[:200]]


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

    def _name_cells(self, cells: int) -> int:
        """Return how wide names stand: as the longest, within two fifths of the line."""
        longest = max((width(plain(entry.name)) for entry in self.entries), default=0)
        return min(cells * 2 // 5, max(30, longest))

    def line(self, y: int) -> Strip:
        cells, skin = self.size.width, host(self).skin
        first = max(0, min(self.at - self.size.height + 1, len(self.entries) - self.size.height))
        number = first + y
        if not self.entries and y == 0:
            return paint([("  nothing has these words", "muted")], cells, skin, ground="raised")
        if number >= len(self.entries):
            return paint([], cells, skin, ground="raised")
        entry = self.entries[number]
        name, ink = plain(entry.name), "text" if entry.run is not None else "ghost"
        left: list[Span] = [
            ("  " if entry.run is not None else "– ", ink),
            (fit(name, max(self._name_cells(cells), width(name))), ink),
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
        self.list.show([*self._literal(text.strip()), *matching(self._all, text)])

    def action_step(self, by: int) -> None:
        self.list.step(by)

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        chosen = self.list.entries[self.list.at] if self.list.entries else None
        if chosen is not None and chosen.run is not None:
            self.dismiss(chosen)
        else:
            self.app.bell()
