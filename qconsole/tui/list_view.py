"""Lists: a table with a preview beside or below it; held whole, or seen through a window onto any length."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from qconsole.admin.views import Count
from qconsole.errors import QConsoleError
from qconsole.tui.cells import plain
from qconsole.tui.document import Document, Produce, text_line
from qconsole.tui.format import duration
from qconsole.tui.location import Location
from qconsole.tui.preview import Preview, nothing
from qconsole.tui.skin import Span
from qconsole.tui.subject import Subject
from qconsole.tui.table import Column, Edge, Table
from qconsole.tui.view import View
from qconsole.tui.window import Window

WIDE_CELLS = 150  # from here on the preview stands at the right
TALL_CELLS, TALL_LINES = 100, 30  # from here on it stands below
LEAST_LISTED = 8  # lines of a list above its preview
LEAST_PREVIEWED = 9  # lines that a short list must leave for a preview on a smaller screen
PREVIEW_DELAY_S = 0.12


class ListView(View):
    """A table with a preview beside or below it."""

    DEFAULT_CSS = """
    ListView > .split { layout: vertical; width: 1fr; height: 1fr; }
    ListView > .split > .preview { display: none; }
    ListView.-below > .split > .preview { display: block; border-top: solid $line; }
    ListView.-beside > .split { layout: horizontal; }
    ListView.-beside > .split > .preview {
        display: block; width: 38%; height: 1fr; border-left: solid $line;
    }
    ListView.-no-preview > .split > .preview { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("asterisk", "mark_all", "mark all matching", show=False),
        Binding("tab", "other_pane", "list ↔ preview", show=False),
        Binding("v", "toggle_preview", "show or hide the preview", show=False),
        Binding("s", "sort", "sort by the next column", show=False),
        Binding("S", "reverse", "reverse the order", show=False),
        Binding("C", "columns", "choose columns", show=False),
    ]
    columns: ClassVar[tuple[Column, ...]] = ()
    nothing: ClassVar[str] = "Nothing here."

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.table = Table(self.columns, key=self.key, id="table")
        self.preview = Preview()
        self.split = Container(classes="split")
        self.total: Count | None = None
        self.missing: Mapping[str, str] = {}  # queues that cannot be read, and why
        self._previewed: Hashable | None = None

    def compose(self) -> ComposeResult:
        yield self.title_line
        with self.split:
            yield self.table
            yield self.preview

    def on_mount(self) -> None:
        self.focus_content()

    def focus_content(self) -> None:
        self.table.focus(scroll_visible=False)

    @staticmethod
    def key(row: Any) -> Hashable:
        """Return a row's identity."""
        return cast(Hashable, row.id)

    @property
    def steady(self) -> bool:
        row = self.table.row
        return super().steady and (not self.preview_shown or row is None or self.key(row) == self._previewed)

    async def preview_of(self, row: Any) -> Produce:
        """Return the preview's content for a row."""
        raise NotImplementedError

    def open_row(self, row: Any) -> Location | None:
        """Return where Enter goes."""
        return None

    def ids_of(self, row: Any) -> str:
        """Return the id that the command line would take for a row."""
        return str(self.key(row))

    def queue_of(self, row: Any) -> str | None:
        """Return the queue of a row."""
        return cast("str | None", getattr(row, "queue", None))

    def marked_ids(self) -> tuple[str, ...]:
        """Return the ids of the marked rows."""
        return tuple(str(key) for key in self.table.marks)

    def subject(self) -> Subject | None:
        if self.table.all_marked:
            number = self.total.value if self.total is not None else None
            return Subject(self.noun, filter=self.location.filter, row=self.table.row, count=number)
        if self.table.marks:
            marked = self.marked_ids()
            return Subject(self.noun, marked, row=self.table.row, count=len(marked))
        row = self.table.row
        if row is None:
            return None
        return Subject(self.noun, (self.ids_of(row),), queue=self.queue_of(row), row=row, count=1)

    def command(self) -> str | None:
        if self.command_verb is None:
            return None
        return self.console.cli(self.noun, self.command_verb, filter=self.location.filter or None)

    def escape(self) -> bool:
        if self.preview.is_entered:
            self.focus_content()
            return True
        if self.table.marks or self.table.all_marked:
            self.table.clear_marks()
            return True
        if self.location.filter and self.console.is_root(self):
            self.apply_filter("")
            return True
        return False

    def apply_filter(self, text: str) -> None:
        self.table.clear_marks()
        super().apply_filter(text)

    # layout

    def on_resize(self) -> None:
        self.call_after_refresh(self.divide)
        self._preview_soon()

    def divide(self) -> None:
        """Say where the preview stands: below a list that is short, beside one that is long on a wide screen.

        Below, it takes what the list leaves free; on a screen lower or narrower than `TALL_LINES` and `TALL_CELLS` only
        if that is enough.
        """
        size, room, shown = self.app.size, self.split.size.height, self.preview_shown
        wanted, wide = self.table.wanted_height, size.width >= WIDE_CELLS
        beside = wide and (not self.as_of_ms or wanted > room // (2 if self.has_class("-below") else 3))
        tall = size.width >= TALL_CELLS and size.height >= TALL_LINES
        free = room - max(LEAST_LISTED if tall else 0, wanted)
        below = not beside and (tall or (bool(self.table.rows) and free >= LEAST_PREVIEWED))
        self.set_class(beside, "-beside")
        self.set_class(below, "-below")
        if below:
            self.preview.styles.height = max(room * 2 // 5, free) if tall else free
        else:
            self.preview.styles.clear_rule("height")
        self.preview.pair(below and wide)
        if self.preview_shown and not shown:
            self._preview_soon()

    def action_toggle_preview(self) -> None:
        self.toggle_class("-no-preview")
        self._preview_soon()

    def action_other_pane(self) -> None:
        if not self.preview_shown or not self.preview.enter():
            self.focus_content()

    @property
    def preview_shown(self) -> bool:
        """Return whether the preview is on the screen."""
        return (self.has_class("-beside") or self.has_class("-below")) and not self.has_class("-no-preview")

    # what the table says

    @on(Table.Moved)
    def _moved(self) -> None:
        self._preview_soon()
        self.retitle()

    @on(Table.MarksChanged)
    def _marks_changed(self) -> None:
        self.retitle()

    @on(Table.Opened)
    def _opened(self) -> None:
        row = self.table.row
        location = self.open_row(row) if row is not None else None
        if location is not None:
            self.console.go_to(location)

    @on(Document.Followed)
    def _followed(self, message: Document.Followed) -> None:
        self.console.go_text(message.link)

    def action_mark_all(self) -> None:
        self.table.mark_all()

    def action_sort(self) -> None:
        raise NotImplementedError

    def action_reverse(self) -> None:
        raise NotImplementedError

    def action_columns(self) -> None:
        self.console.choose_columns(self.table)

    # preview

    def _preview_soon(self) -> None:
        """Fetch the preview once the cursor rests."""
        if self.preview_shown:
            self.set_timer(PREVIEW_DELAY_S, self._preview_now, name="preview")

    def _preview_now(self) -> None:
        row = self.table.row
        if row is None:
            self.preview.show(nothing, anew=True)
            self._previewed = None
        elif self.key(row) != self._previewed:
            self.console.reach(self.load_preview(), during="loading the preview")

    async def load_preview(self) -> None:
        """Fetch and show the preview of the row at the cursor."""
        row = self.table.row
        if row is None or not self.preview_shown:
            return
        key = self.key(row)
        try:
            produce = await self.preview_of(row)
        except QConsoleError as error:
            lines = [text_line(plain(error.message), "muted", indent=1)]
            produce = lambda _w, _f: lines  # noqa: E731
        if self.table.row is not None and self.key(self.table.row) == key:
            self.preview.show(produce, anew=key != self._previewed)
            self._previewed = key

    # title

    def retitle(self) -> None:
        self.title_line.say([*self.console.crumbs(self), *self.title()], self.title_right())
        self.console.show_hints()

    def title(self) -> list[Span]:
        """Return what is shown, and what is marked."""
        spans: list[Span] = [(self.heading(), "title")]
        if self.location.filter:
            spans.append((f"  {plain(self.location.filter)}", "accent"))
        marked = "all" if self.table.all_marked else f"{len(self.table.marks):,}" if self.table.marks else ""
        if marked:
            spans.append((f"  ▌{marked} marked", "accent"))
        return spans

    def heading(self) -> str:
        """Return the screen's name."""
        return self.location.kind.capitalize()

    def title_right(self) -> list[Span]:
        """Return which queues are not in it, counts and the data's age."""
        spans = self.missing_spans()
        if self.total is not None:
            spans.append((f"{self.total.value:,}{'' if self.total.exact else '+'}", "text"))
        return [*spans, *self.age_spans()]

    def missing_spans(self) -> list[Span]:
        """Return which queues are left out, as they cannot be read."""
        if not self.missing:
            return []
        return [(f"▲ without {plain(', '.join(self.missing), limit=40)}, unreadable  ", "bad")]

    def age_spans(self) -> list[Span]:
        """Return how old the data is, once that matters."""
        old_ms = self.console.moment().now_ms - self.as_of_ms
        if not self.as_of_ms or old_ms < 3_000:
            return []
        return [(f"  {duration(old_ms)} old", "warn" if old_ms > 15_000 else "muted")]


class WholeListView(ListView):
    """A list that is short enough to be held whole; sorted here, by any column that can be."""

    first_sort: ClassVar[tuple[str, bool] | None] = None

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._rows: Sequence[Any] = ()
        self.table.sorted_by = self.first_sort

    async def fetch(self) -> Sequence[Any]:
        """Return the rows, in the order that serves best when nothing else is asked for."""
        raise NotImplementedError

    async def load(self) -> None:
        self._rows = await self.fetch()
        self.missing = getattr(self._rows, "missing", {})
        self.as_of_ms = self.console.moment().now_ms
        self.total = Count(len(self._rows))
        self.present()
        await self.load_preview()

    def present(self) -> None:
        """Show the rows in the chosen order."""
        self.table.empty = (self.nothing, "Esc shows all" if self.location.filter else "")
        self.table.show(self._ordered(), total=len(self._rows))
        self.divide()
        self.retitle()

    def _ordered(self) -> Sequence[Any]:
        if self.table.sorted_by is None:
            return self._rows
        name, descending = self.table.sorted_by
        by = next((column.sort for column in self.columns if column.key == name), None)
        if by is None:
            return self._rows
        known = [row for row in self._rows if by(row) is not None]
        unknown = [row for row in self._rows if by(row) is None]
        return [*sorted(known, key=by, reverse=descending), *unknown]

    def action_sort(self) -> None:
        keys = [c.key for c in self.columns if c.sort is not None and c.key in self.table.shown_columns()]
        choices: list[str | None] = [*keys, None]
        now = self.table.sorted_by[0] if self.table.sorted_by else None
        following = choices[(choices.index(now) + 1) % len(choices)] if now in choices else choices[0]
        self._sort_by(following)

    def _sort_by(self, name: str | None) -> None:
        numeric = {c.key for c in self.columns if c.align == "right"}
        self.table.sorted_by = None if name is None else (name, name in numeric)
        self.present()

    def action_reverse(self) -> None:
        if self.table.sorted_by is not None:
            name, descending = self.table.sorted_by
            self.table.sorted_by = (name, not descending)
            self.present()

    @on(Table.HeadClicked)
    def _head_clicked(self, message: Table.HeadClicked) -> None:
        if self.table.sorted_by is not None and self.table.sorted_by[0] == message.key:
            self.action_reverse()
        elif any(c.key == message.key and c.sort is not None for c in self.columns):
            self._sort_by(message.key)


class PagedListView(ListView):
    """A list of any length, seen through a window; ordered by the index it is read from."""

    orders: ClassVar[tuple[str, str]] = ("newest first", "oldest first")

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.reverse = False
        self.window: Window[Any] = Window(fetch=self.fetch_page, key=self.key)
        self._read_on = False

    async def fetch_page(self, *, cursor: str | None, limit: int, reverse: bool) -> Any:
        """Return one page in the listing's order, which `reverse` turns round."""
        raise NotImplementedError

    async def load(self) -> None:
        top, bottom = self.table.seen
        await self.window.refresh(top, bottom)
        self.present()
        await self.load_preview()

    def present(self) -> None:
        """Show the window."""
        window = self.window
        self.as_of_ms = window.as_of_ms or self.console.moment().now_ms
        self.total = window.total
        self.missing = window.missing
        self.table.empty = (self.nothing, "Esc clears the filter" if self.location.filter else "")
        self.table.end_note = None
        if not window.complete:
            of = f" of {window.total.value:,}" if window.total is not None else ""
            self.table.end_note = f"searched {window.scanned:,}{of} · G searches on"
            self.table.empty = (f"No match in the {window.scanned:,}{of} searched so far.", "G searches on")
        total = window.total.value if window.total is not None and window.complete else None
        self.table.show(window.rows, start=window.start, total=total, above=window.more_above, below=window.more_below)
        self.divide()
        self.retitle()

    def apply_filter(self, text: str) -> None:
        self.window = Window(fetch=self.fetch_page, key=self.key)
        self.table.empty = ("Searching…",)
        self.table.show(())
        self.divide()
        super().apply_filter(text)

    @on(Table.Wanted)
    def _wanted(self, message: Table.Wanted) -> None:
        if not self._read_on:
            self._read_on = True
            self.console.reach(self._extend(message.edge), during="reading on")

    async def _extend(self, edge: Edge) -> None:
        try:
            async with self._loading:
                if edge is Edge.LAST and not self.window.complete:
                    edge = Edge.BELOW
                step = {
                    Edge.FIRST: self.window.first,
                    Edge.LAST: self.window.last,
                    Edge.ABOVE: self.window.above,
                    Edge.BELOW: self.window.below,
                }[edge]
                await step()
            self.present()
            if edge is Edge.FIRST:
                self.table.go_first()
            elif edge is Edge.LAST:
                self.table.go_last()
            self.table.redraw()
        finally:
            self._read_on = False

    def action_reverse(self) -> None:
        self.reverse = not self.reverse
        self.apply_filter(self.location.filter)
        self.console.flash(f"ordered {self.orders[self.reverse]}")

    def action_sort(self) -> None:
        self.action_reverse()

    def title_right(self) -> list[Span]:
        order: list[Span] = [(f"  {self.orders[self.reverse]}", "muted")] if self.app.size.width >= TALL_CELLS else []
        return [*super().title_right(), *order]
