"""The base of all screens: a place with a title, live content and verbs.

A view never waits for Redis in a handler: `load` runs beside the screen, and what it brings is shown when it comes.
"""

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from textual.strip import Strip
from textual.widget import Widget

from qconsole.admin import Admin
from qconsole.tui.cells import width
from qconsole.tui.drawn import Drawn, clip_spans, host, paint
from qconsole.tui.guard import Guarded
from qconsole.tui.location import Location
from qconsole.tui.skin import Span
from qconsole.tui.subject import Subject

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp


class TitleLine(Drawn):
    """The one line that says what is shown, filtered how, how many, how old."""

    DEFAULT_CSS = "TitleLine { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.left: list[Span] = []
        self.right: list[Span] = []

    def say(self, left: list[Span], right: list[Span]) -> None:
        """Show these spans, from the left and up to the right edge."""
        self.left, self.right = left, right
        self.redraw()

    def line(self, y: int) -> Strip:
        cells = self.size.width
        right = clip_spans(self.right, max(0, cells - 24))
        room = cells - sum(len(text) for text, _ in right) - 2
        left = clip_spans([(" ", "text"), *self.left], max(8, room))
        gap = max(1, cells - sum(_wide(s) for s in left) - sum(_wide(s) for s in right) - 1)
        return paint([*left, (" " * gap, "text"), *right], cells, host(self).skin)


def _wide(span: Span) -> int:
    return width(span[0])


class View(Guarded, Widget):
    """A screen of the console.

    Subclasses set `noun` and implement `load`, and say what is selected with `subject`.
    """

    DEFAULT_CSS = "View { layout: vertical; width: 1fr; height: 1fr; }"
    noun: ClassVar[str] = ""
    hints: ClassVar[tuple[tuple[str, str], ...]] = ()  # key, word: what the footer offers here
    command_verb: ClassVar[str | None] = "list"  # the command line's verb for this screen

    def __init__(self, location: Location) -> None:
        super().__init__()
        self.location = location
        self.title_line = TitleLine()
        self.as_of_ms = 0
        self._loading = asyncio.Lock()

    @property
    def console(self) -> "ConsoleApp":
        """Return the app."""
        return cast("ConsoleApp", self.app)

    @property
    def admin(self) -> Admin:
        """Return the admin service."""
        return self.console.admin

    @property
    def steady(self) -> bool:
        """Return whether all that is to be seen has been fetched."""
        return self.as_of_ms > 0

    async def load(self) -> None:
        """Fetch what is shown and show it."""
        raise NotImplementedError

    async def load_once(self) -> None:
        """Load, never twice at a time."""
        async with self._loading:
            if self.is_mounted:
                await self.load()

    def load_soon(self) -> None:
        """Load beside the screen; errors are shown, not raised."""
        self.console.reach(self.load_once(), during=f"loading {self.location.kind}")

    def subject(self) -> Subject | None:
        """Return what a verb would act on now."""
        return None

    def copied(self) -> str | None:
        """Return what `y` copies."""
        subject = self.subject()
        return "\n".join(subject.ids) if subject is not None and subject.ids else None

    def command(self) -> str | None:
        """Return the command line that shows what this screen shows."""
        return None

    def retitle(self) -> None:
        """Write the title line, and offer the keys of what is selected."""
        raise NotImplementedError

    def apply_filter(self, text: str) -> None:
        """Show another selection."""
        self.location = self.location.with_filter(text)
        self.load_soon()

    def escape(self) -> bool:
        """Undo the innermost state of the view; False when there is none and Escape should go back."""
        return False

    def focus_content(self) -> None:
        """Give the keyboard to the view's main part."""

    def action_verb(self, key: str) -> None:
        """Do what a verb's key does."""
        self.console.act(key)

    def redraw_all(self) -> None:
        """Draw again everything, for another theme or another second."""
        for widget in self.query(Drawn):
            widget.redraw()
