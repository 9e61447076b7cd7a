"""A scrolling text of styled lines with folds, links and search: previews, the job view, settings, help.

Its content is a function of the width and the folds, made anew on each change; a line that is not on the screen is
never painted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from qconsole.tui.drawn import Drawn, clip_spans, host, paint
from qconsole.tui.skin import Span


@dataclass(frozen=True, slots=True)
class DocLine:
    """One line.

    Args:
        spans: safe text.
        fold: the fold that this line opens and closes.
        link: the location that Enter goes to.
        copy: makes what `y` copies.
        head: whether a section begins here.
    """

    spans: tuple[Span, ...] = ()
    fold: str | None = None
    link: str | None = None
    copy: Callable[[], str] | None = None
    head: bool = False

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.spans)


@dataclass(slots=True)
class Folds:
    """Which folds differ from their own default, and whether a search has opened them all."""

    turned: set[str] = field(default_factory=set)
    all_open: bool = False

    def is_open(self, key: str, default: bool) -> bool:
        """Return whether a fold is open."""
        return self.all_open or (default ^ (key in self.turned))


Produce = Callable[[int, Folds], Sequence[DocLine]]


def section(title: str, note: str = "", *, fold: str | None = None, is_open: bool = True) -> DocLine:
    """Return a section's heading line."""
    arrow = "" if fold is None else "▾ " if is_open else "▸ "
    spans: list[Span] = [(arrow + title, "title")]
    if note:
        spans.append((f"  {note}", "muted"))
    return DocLine(tuple(spans), fold=fold, head=True)


def text_line(text: str, style: str = "text", *, indent: int = 2) -> DocLine:
    """Return a line of one safe text."""
    return DocLine(((" " * indent + text, style),))


class Document(Drawn, can_focus=True):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "next line", show=False),
        Binding("k,up", "move(-1)", "previous line", show=False),
        Binding("ctrl+d", "half(1)", "half a screen down", show=False),
        Binding("ctrl+u", "half(-1)", "half a screen up", show=False),
        Binding("pagedown,ctrl+f", "half(2)", "a screen down", show=False),
        Binding("pageup,ctrl+b", "half(-2)", "a screen up", show=False),
        Binding("g,home", "move(-1000000)", "first line", show=False),
        Binding("G,end", "move(1000000)", "last line", show=False),
        Binding("h,left", "sideways(-8)", "scroll left", show=False),
        Binding("l,right", "sideways(8)", "scroll right", show=False),
        Binding("enter", "enter", "fold, unfold or follow", show=False),
        Binding("space", "fold", "fold or unfold", show=False),
        Binding("right_square_bracket", "section(1)", "next section", show=False),
        Binding("left_square_bracket", "section(-1)", "previous section", show=False),
        Binding("plus", "fold_all(True)", "unfold everything", show=False),
        Binding("minus", "fold_all(False)", "fold as at first", show=False),
        Binding("n", "next(1)", "next match", show=False),
        Binding("N", "next(-1)", "previous match", show=False),
    ]

    class Followed(Message):
        """A link was chosen."""

        def __init__(self, link: str) -> None:
            super().__init__()
            self.link = link

    def __init__(self, *, id: str | None = None, ground: str = "ground", margin: int = 1) -> None:
        super().__init__(id=id)
        self.folds = Folds()
        self.follow = False  # whether the last line stays on the screen while lines come
        self._ground = ground
        self._margin = margin
        self._produce: Produce = lambda _width, _folds: ()
        self._lines: Sequence[DocLine] = ()
        self._built_cells = 0  # the width that the lines were made for
        self._top = 0
        self._cursor = 0
        self._x = 0
        self._sought = ""

    @property
    def lines(self) -> Sequence[DocLine]:
        """Return the lines as they are now."""
        return self._lines

    @property
    def place(self) -> int:
        """Return the number of the line at the cursor."""
        return self._cursor

    @property
    def current(self) -> DocLine | None:
        """Return the line at the cursor."""
        return self._lines[self._cursor] if 0 <= self._cursor < len(self._lines) else None

    def show(self, produce: Produce, *, anew: bool = False) -> None:
        """Show another content; `anew` goes to its top and forgets the folds."""
        self._produce = produce
        if anew:
            self.folds = Folds()
            self._top = self._cursor = self._x = 0
        self.rebuild()

    def rebuild(self) -> None:
        """Make the lines again and send what changed."""
        self._build()
        self.redraw()

    def _build(self) -> None:
        self._built_cells = self.size.width
        self._lines = self._produce(max(10, self.size.width - 2 * self._margin), self.folds)
        if self.follow:
            self._cursor = max(0, len(self._lines) - 1)
        self._settle()

    def search(self, text: str) -> int:
        """Unfold everything, mark the matches, go to the first from here; returns how many lines match."""
        self._sought = text.casefold()
        self.folds.all_open = bool(text)
        self.rebuild()
        found = self._matches()
        if found:
            self._go(next((place for place in found if place >= self._cursor), found[0]))
        return len(found)

    def _matches(self) -> list[int]:
        if not self._sought:
            return []
        return [place for place, line in enumerate(self._lines) if self._sought in line.text.casefold()]

    # moving

    def action_move(self, by: int) -> None:
        self.follow = False
        if not self.has_focus:
            self._top += by
        self._go(self._cursor + by)

    def action_half(self, halves: int) -> None:
        by = halves * max(1, self.size.height // 2)
        self._top += by
        self._go(self._cursor + by)

    def action_sideways(self, by: int) -> None:
        longest = max((sum(len(text) for text, _ in line.spans) for line in self._lines), default=0)
        self._x = max(0, min(self._x + by, longest - self.size.width + 8))
        self.redraw()

    def action_section(self, direction: int) -> None:
        heads = [place for place, line in enumerate(self._lines) if line.head]
        ahead = (
            [p for p in heads if p > self._cursor] if direction > 0 else [p for p in heads if p < self._cursor][::-1]
        )
        if ahead:
            self._top = ahead[0]
            self._go(ahead[0])

    def action_next(self, direction: int) -> None:
        found = self._matches()
        if found:
            ahead = [p for p in found if (p > self._cursor if direction > 0 else p < self._cursor)]
            self._go((ahead or found)[0 if direction > 0 else -1])

    def action_fold(self) -> None:
        line = self.current
        if line is not None and line.fold is not None:
            self.folds.turned ^= {line.fold}
            self.rebuild()

    def action_fold_all(self, is_open: bool) -> None:
        self.folds.all_open = is_open
        if not is_open:
            self.folds.turned.clear()
        self.rebuild()

    def action_enter(self) -> None:
        line = self.current
        if line is None:
            return
        if line.link is not None:
            self.post_message(self.Followed(line.link))
        else:
            self.action_fold()

    def _go(self, place: int) -> None:
        self._cursor = place
        self._settle()
        self.redraw()

    def _settle(self) -> None:
        height = max(1, self.size.height)
        self._cursor = max(0, min(self._cursor, len(self._lines) - 1))
        top = max(0, min(self._top, len(self._lines) - height))
        self._top = max(0, min(self._cursor, max(top, self._cursor - height + 1)))

    # drawing

    def on_resize(self) -> None:
        self.rebuild()

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def line(self, y: int) -> Strip:
        skin, cells = host(self).skin, self.size.width
        if self._built_cells != cells:  # the first frame of another width is drawn before its resize event comes
            self._build()
        place = self._top + y
        bar = self._bar(y)
        if place >= len(self._lines):
            return Strip([*paint([], cells - 1, skin, ground=self._ground), *bar])
        line = self._lines[place]
        ground = self._ground
        if self.has_focus and place == self._cursor:
            # A line on which Enter does something stands out; on others the cursor is only a hint.
            ground = "cursor" if line.fold is not None or line.link is not None else "raised"
        spans: list[Span] = [(" " * self._margin, "text"), *self._marked(line)]
        if not self._x:
            spans = clip_spans(spans, cells - 1)
        return Strip([*paint(spans, cells - 1, skin, ground=ground, skip=self._x), *bar])

    def _marked(self, line: DocLine) -> list[Span]:
        """Return the line's spans with what was searched for standing out."""
        if not self._sought:
            return list(line.spans)
        spans: list[Span] = []
        for text, style in line.spans:
            folded, start = text.casefold(), 0
            if len(folded) != len(text):
                spans.append((text, style))
                continue
            while (at := folded.find(self._sought, start)) >= 0:
                spans += [(text[start:at], style), (text[at : at + len(self._sought)], "match")]
                start = at + len(self._sought)
            spans.append((text[start:], style))
        return spans

    def _bar(self, y: int) -> Strip:
        skin, height, total = host(self).skin, max(1, self.size.height), len(self._lines)
        if total <= height:
            return paint([], 1, skin, ground=self._ground)
        size = max(1, height * height // total)
        first = min(height - size, round((height - size) * self._top / max(1, total - height)))
        on = first <= y < first + size
        return paint([("┃" if on else "│", "muted" if on else "line")], 1, skin, ground=self._ground)

    # mouse

    def on_click(self, event: events.Click) -> None:
        self.focus()
        self._go(self._top + event.y)
        self.action_enter()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._top += 3
        self._go(self._cursor + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._top -= 3
        self._go(self._cursor - 3)
