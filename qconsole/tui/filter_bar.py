"""The line where a filter is typed: suggestions from the grammar and from what exists, the filters used before,
errors with their place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from qconsole.admin.filters import Context, complete, parse
from qconsole.errors import FilterError
from qconsole.tui.cells import fit, plain
from qconsole.tui.drawn import Drawn, clip_spans, host, paint
from qconsole.tui.guard import Guarded
from qconsole.tui.skin import Span

SHOWN = 8
MOST_HISTORY = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """A suggestion: replace `start:end` by `text`."""

    text: str
    start: int
    end: int
    detail: str


class Choices(Drawn):
    """The suggestions below the line."""

    DEFAULT_CSS = "Choices { height: auto; max-height: 9; }"

    def __init__(self) -> None:
        super().__init__()
        self.choices: Sequence[Choice] = ()
        self.chosen = -1
        self.note: Span | None = None

    def get_content_height(self, *_: object) -> int:
        return min(SHOWN, len(self.choices)) + (self.note is not None)

    def say(self, choices: Sequence[Choice], note: Span | None) -> None:
        """Show other suggestions, and a line about what is typed."""
        resized = len(self.choices) != len(choices) or (self.note is None) != (note is None)
        self.choices, self.note, self.chosen = choices, note, -1
        if resized:
            self.refresh(layout=True)
        self.redraw()

    def step(self, by: int) -> None:
        """Highlight another suggestion."""
        if self.choices:
            self.chosen = max(-1, min(len(self.choices) - 1, self.chosen + by))
            self.redraw()

    def line(self, y: int) -> Strip:
        cells, skin = self.size.width, host(self).skin
        first = max(0, self.chosen - SHOWN + 1)
        shown = list(enumerate(self.choices))[first : first + SHOWN]
        if y >= len(shown):
            return paint(clip_spans([(" ", "text"), self.note or ("", "text")], cells), cells, skin, ground="raised")
        number, choice = shown[y]
        ground = "cursor" if number == self.chosen else "raised"
        spans: list[Span] = [("   ", "text"), (fit(plain(choice.text), 34), "accent"), (plain(choice.detail), "muted")]
        return paint(clip_spans(spans, cells), cells, skin, ground=ground)


class FilterInput(Input):
    """A one-line input without a border."""

    DEFAULT_CSS = """
    FilterInput, FilterInput:focus { height: 1; border: none; padding: 0; background: $surface; width: 1fr; }
    """

    def on_paste(self, event: events.Paste) -> None:
        """Take all lines of what is pasted: a filter that loses its second line would match more than was meant."""
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.split("\n")).replace("\r", ""), *self.selection)


class Prompt(Drawn):
    """What stands before the input."""

    DEFAULT_CSS = "Prompt { height: 1; width: 3; }"

    def line(self, y: int) -> Strip:
        return paint([(" / ", "key")], self.size.width, host(self).skin, ground="raised")


class FilterBar(Guarded, Widget):
    """Opens with `open`, answers with `Chosen` or `Closed`."""

    DEFAULT_CSS = """
    FilterBar { height: auto; display: none; layout: vertical; }
    FilterBar > #row { height: 1; layout: horizontal; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "leave the filter as it was", show=False),
        Binding("down", "step(1)", "next suggestion", show=False),
        Binding("up", "step(-1)", "previous suggestion", show=False),
        Binding("tab", "accept", "take the suggestion", show=False, priority=True),
    ]

    class Chosen(Message):
        """A filter was entered."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The line was left without a change."""

    def __init__(self) -> None:
        super().__init__()
        self.input = FilterInput(placeholder='state:failed queue:email error~"timed out" age>1h', select_on_focus=False)
        self.choices = Choices()
        self.history: list[str] = []
        self._noun: str | None = "jobs"
        self._known: Callable[[], dict[str, tuple[str, ...]]] = dict

    def compose(self) -> ComposeResult:
        with Widget(id="row"):
            yield Prompt()
            yield self.input
        yield self.choices

    def open(self, text: str, *, noun: str | None, known: Callable[[], dict[str, tuple[str, ...]]]) -> None:
        """Show the line; `noun` None means a plain search without grammar."""
        self._noun, self._known = noun, known
        self.display = True
        self.input.value = text + (" " if text and noun else "")
        self.input.cursor_position = len(self.input.value)
        self.input.focus()
        self._suggest()

    def action_close(self) -> None:
        self.display = False
        self.post_message(self.Closed())

    def action_step(self, by: int) -> None:
        self.choices.step(by)

    def action_accept(self) -> None:
        """Put the highlighted suggestion, or the first, into the line."""
        if not self.choices.choices:
            return
        choice = self.choices.choices[max(0, self.choices.chosen)]
        value = self.input.value
        self.input.value = value[: choice.start] + choice.text + value[choice.end :]
        self.input.cursor_position = choice.start + len(choice.text)
        self._suggest()

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        if self.display:
            self._suggest()

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        if self.choices.chosen >= 0:
            self.action_accept()
            return
        text = self.input.value.strip()
        if self._error(text) is not None:
            return
        if text:
            self.history = [text, *(old for old in self.history if old != text)][:MOST_HISTORY]
        self.display = False
        self.post_message(self.Chosen(text))

    def _error(self, text: str) -> FilterError | None:
        if self._noun is None:
            return None
        try:
            parse(text, noun=self._noun)
        except FilterError as error:
            return error
        return None

    def _suggest(self) -> None:
        text, caret = self.input.value, self.input.cursor_position
        used = [] if text.strip() else self.history[:5]
        recent = [Choice(old, 0, len(text), "used before") for old in used]
        fresh: list[Choice] = []
        if self._noun is not None:
            context = Context(values=self._known(), noun=self._noun)
            found = complete(text, caret, context)
            fresh = [Choice(s.text, s.start, s.end, s.detail) for s in found if text[s.start : s.end] != s.text]
        error = self._error(text.strip()) if text.strip() else None
        note: Span | None = None
        if error is not None and not fresh:
            note = (f"  ▲ {plain(str(error))}", "bad")
        elif self._noun is None:
            note = ("  Enter searches this text · Esc leaves", "muted")
        self.choices.say([*recent, *fresh], note)
