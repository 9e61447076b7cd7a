"""A table that draws only what is seen: the cost of a key or a refresh does not depend on how many rows there are.

The table shows a run of rows (all of them, or a window that its owner extends when asked); the cursor and the marks
belong to rows' keys, so they stay with their rows while rows come and go around them.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from qconsole.tui.cells import Align, cut_middle, fit, width
from qconsole.tui.drawn import Drawn, Moment, clip_spans, host, paint
from qconsole.tui.skin import Span

GAP = 2
GUTTER = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        cell: reads safe spans from a row.
        width: cells it needs; grow: its share of what is left over; rank: 0 always shows, lower ranks are shown
        first when space is short.
        wish: cells it should have before columns of rank 3 and more are shown.
        is_id: whether a long text loses its middle instead of its end.
        sort: what to order by, for tables that hold all their rows.
    """

    key: str
    title: str
    cell: Callable[[Any, Moment], Span | list[Span]]
    width: int
    align: Align = "left"
    grow: int = 0
    rank: int = 1
    wish: int = 0
    is_id: bool = False
    sort: Callable[[Any], Any] | None = None


class Edge(StrEnum):
    """Where rows are wanted that the table does not hold."""

    FIRST = "first"
    LAST = "last"
    ABOVE = "above"
    BELOW = "below"


class Table(Drawn, can_focus=True):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "next row", show=False),
        Binding("k,up", "move(-1)", "previous row", show=False),
        Binding("ctrl+d", "half(1)", "half a screen down", show=False),
        Binding("ctrl+u", "half(-1)", "half a screen up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "a screen down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "a screen up", show=False),
        Binding("g,home", "first", "first row", show=False),
        Binding("G,end", "last", "last row", show=False),
        Binding("h,left", "sideways(-8)", "scroll left", show=False),
        Binding("l,right", "sideways(8)", "scroll right", show=False),
        Binding("enter", "open", "open", show=False),
        Binding("space", "mark", "mark the row", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another row, or on none."""

    class Opened(Message):
        """The row at the cursor was chosen."""

    class MarksChanged(Message):
        """Rows were marked or unmarked."""

    class Wanted(Message):
        """Rows are needed that the table does not hold."""

        def __init__(self, edge: Edge) -> None:
            super().__init__()
            self.edge = edge

    class HeadClicked(Message):
        """A column's heading was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, columns: Sequence[Column], *, key: Callable[[Any], Hashable], id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.chosen: tuple[str, ...] | None = None  # the operator's choice of columns; None = by rank, as many as fit
        self.sorted_by: tuple[str, bool] | None = None  # column key, descending; for the heading's arrow
        self.empty: tuple[str, ...] = ("Loading…",)
        self.marks: set[Hashable] = set()
        self.all_marked = False
        self.end_note: str | None = None  # one line after the last row, e.g. how far a search has looked
        self._key = key
        self._rows: Sequence[Any] = ()
        self._places: dict[Hashable, int] = {}
        self._start = 0
        self._total = 0
        self._more_above = self._more_below = False
        self._cursor = 0
        self._cursor_key: Hashable | None = None
        self._top = 0
        self._x = 0
        self._layout: tuple[tuple[Column, int], ...] = ()

    # what is shown

    def show(
        self, rows: Sequence[Any], *, start: int = 0, total: int | None = None, above: bool = False, below: bool = False
    ) -> None:
        """Show a run of rows that begins at place `start` of `total`; the cursor stays on its row if that is still
        there.
        """
        offset = self._cursor - self._top
        lost = self._cursor_key
        self._rows = rows
        self._places = {self._key(row): place for place, row in enumerate(rows, start)}
        self._start, self._more_above, self._more_below = start, above, below
        self._total = max(total or 0, start + len(rows))
        if lost is not None and lost in self._places:
            self._cursor = self._places[lost]
        self._settle(self._cursor - offset)
        if self._cursor_key != lost:
            self.post_message(self.Moved())
        self._arrange()
        self.redraw()

    def go_first(self) -> None:
        """Put the cursor on the first row held."""
        self._cursor_key = None
        self._cursor = self._start
        self._settle(self._start)

    def go_last(self) -> None:
        """Put the cursor on the last row held."""
        self._cursor_key = None
        self._cursor = self._start + max(0, len(self._rows) - 1)
        self._settle(self._cursor)

    def go_to(self, key: Hashable) -> bool:
        """Put the cursor on a row by its key; False when the table does not hold it."""
        place = self._places.get(key)
        if place is None:
            return False
        self._place_cursor(place)
        return True

    @property
    def row(self) -> Any | None:
        """Return the row at the cursor."""
        at = self._cursor - self._start
        return self._rows[at] if 0 <= at < len(self._rows) else None

    @property
    def place(self) -> int:
        """Return the cursor's place in the whole listing."""
        return self._cursor

    @property
    def rows(self) -> Sequence[Any]:
        """Return the rows that are held."""
        return self._rows

    @property
    def seen(self) -> tuple[int, int]:
        """Return the places of the listing that are on the screen, or nearly: top and bottom."""
        return max(0, self._top - 5), self._top + self.body_height + 5

    @property
    def body_height(self) -> int:
        """Return how many rows fit below the headings."""
        return max(1, self.size.height - 1)

    @property
    def wanted_height(self) -> int:
        """Return the lines that headings and all rows take, also those that are not held."""
        return 1 + max(1, self._total, self._start + len(self._rows) + 100 * self._more_below) + bool(self.end_note)

    def shown_columns(self) -> list[str]:
        """Return the keys of the columns that are shown now."""
        return [column.key for column, _ in self._layout]

    def choose_columns(self, keys: Iterable[str] | None) -> None:
        """Show these columns, in the table's order; None shows as many as fit."""
        wanted = None if keys is None else set(keys)
        self.chosen = None if not wanted else tuple(c.key for c in self.columns if c.key in wanted)
        self._x = 0
        self._arrange()
        self.redraw()

    def clear_marks(self) -> None:
        """Unmark everything."""
        if self.marks or self.all_marked:
            self.marks.clear()
            self.all_marked = False
            self.post_message(self.MarksChanged())
            self.redraw()

    def mark_all(self) -> None:
        """Mark all rows of the listing, also those that are not loaded; again takes the marks away."""
        self.all_marked = not self.all_marked
        self.marks.clear()
        self.post_message(self.MarksChanged())
        self.redraw()

    # moving

    def action_move(self, by: int) -> None:
        self._place_cursor(self._cursor + by)

    def action_half(self, direction: int) -> None:
        self._scroll_by(direction * max(1, self.body_height // 2))

    def action_page(self, direction: int) -> None:
        self._scroll_by(direction * self.body_height)

    def action_first(self) -> None:
        if self._more_above:
            self.post_message(self.Wanted(Edge.FIRST))
        else:
            self._place_cursor(self._start)

    def action_last(self) -> None:
        if self._more_below:
            self.post_message(self.Wanted(Edge.LAST))
        else:
            self._place_cursor(self._start + len(self._rows) - 1)

    def action_sideways(self, by: int) -> None:
        natural = sum(cells + GAP for _, cells in self._natural()) + GUTTER
        most = max(0, natural - self.size.width + 1)
        x = min(most, max(0, self._x + by))
        if x != self._x:
            self._x = x
            self._arrange()
            self.redraw()

    def action_open(self) -> None:
        if self.row is not None:
            self.post_message(self.Opened())

    def action_mark(self) -> None:
        row = self.row
        if row is None:
            return
        if self.all_marked:
            self.all_marked = False
            self.marks = {self._key(each) for each in self._rows}
        self.marks ^= {self._key(row)}
        self.post_message(self.MarksChanged())
        self._place_cursor(self._cursor + 1)
        self.redraw()

    def _scroll_by(self, by: int) -> None:
        self._top += by
        self._place_cursor(self._cursor + by)

    def _place_cursor(self, place: int) -> None:
        old_cursor, old_top, old_key = self._cursor, self._top, self._cursor_key
        self._cursor = place
        self._settle(self._top)
        if self._top == old_top:
            for line in {old_cursor, self._cursor}:
                self.refresh(Region(0, 1 + line - self._top, self.size.width, 1))
        else:
            self.refresh()
        if self._cursor_key != old_key:
            self.post_message(self.Moved())
        near = max(10, self.body_height)
        if place >= self._start + len(self._rows) - near and self._more_below and place >= old_cursor:
            self.post_message(self.Wanted(Edge.BELOW))
        elif place <= self._start + near and self._more_above and place <= old_cursor:
            self.post_message(self.Wanted(Edge.ABOVE))

    def _settle(self, top: int) -> None:
        """Keep the cursor on a row that is held and the screen around the cursor."""
        last = self._start + len(self._rows) - 1
        self._cursor = max(self._start, min(self._cursor, last))
        self._cursor_key = self._key(self._rows[self._cursor - self._start]) if self._rows else None
        highest = max(self._start, last + 1 - self.body_height + (1 if self.end_note else 0))
        top = max(self._start, min(top, highest))
        self._top = min(self._cursor, max(top, self._cursor - self.body_height + 1))

    # drawing

    def on_resize(self) -> None:
        self._settle(self._top)
        self._arrange()
        self.refresh()

    def _natural(self) -> list[tuple[Column, int]]:
        """Return the columns to choose from, as wide as they like to be."""
        wanted = self.columns if self.chosen is None else [c for c in self.columns if c.key in self.chosen]
        return [(column, column.width + 24 * column.grow) for column in wanted]

    def _arrange(self) -> None:
        if self._x:
            self._layout = tuple(self._natural())
            return
        room = self.size.width - GUTTER - 1
        columns = [column for column, _ in self._natural()]
        if self.chosen is None:
            columns = _fitting(columns, room)
        spare = room - sum(c.width + GAP for c in columns) + GAP
        shares = sum(c.grow for c in columns)
        layout: list[tuple[Column, int]] = []
        for column in columns:
            extra = spare * column.grow // shares if shares and spare > 0 else 0
            layout.append((column, column.width + extra))
        self._layout = tuple(layout)

    def line(self, y: int) -> Strip:
        skin, cells = host(self).skin, self.size.width
        if y == 0:
            return self._head(cells)
        place = self._top + y - 1
        at = place - self._start
        if not self._rows:
            return self._void(y, cells)
        bar = self._bar(y)
        if not 0 <= at < len(self._rows):
            note = self.end_note if at == len(self._rows) and self.end_note else ""
            return Strip([*paint(clip_spans([("  " + note, "muted")], cells - 1), cells - 1, skin), *bar])
        row = self._rows[at]
        marked = self.all_marked or self._key(row) in self.marks
        ground = "cursor" if place == self._cursor and self.has_focus_within_view else "mark" if marked else "ground"
        spans: list[Span] = [("▌ " if marked else "  ", "accent")]
        moment = host(self).moment()
        for column, wide in self._layout:
            # A gap behind the last column would be cut off again, line by line.
            spans += [*_gap(spans), *_cell(column, wide, row, moment)]
        return Strip([*paint(spans, cells - 1, skin, ground=ground, skip=self._x), *bar])

    @property
    def has_focus_within_view(self) -> bool:
        """Return whether the cursor is to be drawn: always, but for a table whose dialog or pane has the focus."""
        return True

    def _head(self, cells: int) -> Strip:
        spans: list[Span] = [("  ", "head")]
        for column, wide in self._layout:
            title = column.title
            if self.sorted_by is not None and self.sorted_by[0] == column.key:
                title += "▾" if self.sorted_by[1] else "▴"
            spans += [*_gap(spans), (fit(title, wide, column.align), "head")]
        return paint(spans, cells, host(self).skin, ground="raised", skip=self._x)

    def _void(self, y: int, cells: int) -> Strip:
        first = max(2, (self.size.height - len(self.empty)) // 3)
        number = y - first
        text = self.empty[number] if 0 <= number < len(self.empty) else ""
        spans = [(fit(text, cells, "center"), "strong" if number == 0 else "muted")]
        return paint(spans, cells, host(self).skin)

    def _bar(self, y: int) -> Strip:
        """Return the scroll bar's cell on line `y`: where the screen is in the whole listing."""
        skin, height = host(self).skin, self.body_height
        if self._total <= height:
            return paint([], 1, skin)
        size = max(1, height * height // self._total)
        first = min(height - size, round((height - size) * self._top / max(1, self._total - height)))
        on = first <= y - 1 < first + size
        return paint([("┃" if on else "│", "muted" if on else "line")], 1, skin)

    # mouse

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            self._click_head(event.x + self._x)
            return
        place = self._top + event.y - 1
        if place - self._start < len(self._rows):
            again = place == self._cursor
            self._place_cursor(place)
            if again or event.chain == 2:
                self.action_open()

    def _click_head(self, x: int) -> None:
        edge = GUTTER
        for column, wide in self._layout:
            if edge <= x < edge + wide + GAP:
                self.post_message(self.HeadClicked(column.key))
            edge += wide + GAP

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll_by(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll_by(-3)


def _fitting(columns: Sequence[Column], room: int) -> list[Column]:
    """Return the columns that find room, the most telling first: a small one also where a more telling one does not."""
    shown = {column.key for column in columns if column.rank == 0}
    for rank in sorted({column.rank for column in columns} - {0}):
        for column in columns:
            if column.rank == rank:
                kept = [c for c in columns if c.key in shown or c is column]
                wanted = sum((max(c.width, c.wish) if rank > 2 else c.width) + GAP for c in kept) - GAP
                if wanted <= room:
                    shown.add(column.key)
    return [column for column in columns if column.key in shown]


def _gap(before: Sequence[Span]) -> list[Span]:
    """Return what stands between a column and those before it."""
    return [(" " * GAP, "text")] if len(before) > 1 else []


def _cell(column: Column, wide: int, row: Any, moment: Moment) -> list[Span]:
    """Return one cell in exactly `wide` cells."""
    content = column.cell(row, moment)
    if isinstance(content, tuple):
        text = cut_middle(content[0], wide) if column.is_id else content[0]
        return [(fit(text, wide, column.align), content[1])]
    spans = clip_spans(content, wide)
    pad = " " * (wide - sum(width(text) for text, _ in spans))
    return [(pad, "text"), *spans] if column.align == "right" else [*spans, (pad, "text")]
