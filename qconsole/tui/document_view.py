"""Texts in one or two columns: panes stand side by side where there is room, below each other where not."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from qconsole.tui.cells import plain
from qconsole.tui.document import DocLine, Document, Folds
from qconsole.tui.location import Location
from qconsole.tui.skin import Span
from qconsole.tui.view import View


class DocumentView(View):
    """See the module's description."""

    DEFAULT_CSS = """
    DocumentView > .split { layout: horizontal; width: 1fr; height: 1fr; }
    DocumentView > .split > #second { display: none; border-left: solid $line; }
    DocumentView.-wide > .split > #second { display: block; width: 46%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "other_pane", "the other column", show=False)]
    two_panes_from: ClassVar[int] = 130

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.first = Document(id="first")
        self.second = Document(id="second")

    def compose(self) -> ComposeResult:
        yield self.title_line
        with Container(classes="split"):
            yield self.first
            yield self.second

    def on_mount(self) -> None:
        self.focus_content()

    def focus_content(self) -> None:
        self.first.focus(scroll_visible=False)

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        """Return the first column's lines."""
        raise NotImplementedError

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        """Return the second column's lines; they follow the first's where there is one column."""
        return ()

    @property
    def two_panes(self) -> bool:
        """Return whether there are two columns now."""
        return self.app.size.width >= self.two_panes_from

    def present(self) -> None:
        """Show what was loaded."""
        if self.two_panes:
            self.first.show(self.left)
            self.second.show(self.right)
        else:
            self.first.show(lambda cells, folds: [*self.left(cells, folds), *self.right(cells, folds)])
        self.as_of_ms = self.console.moment().now_ms
        self.retitle()

    def retitle(self) -> None:
        self.title_line.say([*self.console.crumbs(self), *self.title()], [])
        self.console.show_hints()

    def title(self) -> list[Span]:
        """Return what is shown."""
        return [(self.location.kind.capitalize(), "title"), (f"  {plain(self.location.target or '')}", "accent")]

    def on_resize(self) -> None:
        self.set_class(self.two_panes, "-wide")
        if self.as_of_ms:
            self.present()

    def action_other_pane(self) -> None:
        if self.first.has_focus and self.two_panes:
            self.second.focus(scroll_visible=False)
        else:
            self.first.focus(scroll_visible=False)

    def focused_document(self) -> Document:
        """Return the column that has the keyboard."""
        return self.second if self.second.has_focus else self.first

    def search(self, text: str) -> None:
        """Search the text, in both columns."""
        found = self.first.search(text) + (self.second.search(text) if self.two_panes else 0)
        if text:
            self.console.flash(f"{found:,} lines match; n and N go on" if found else f"no line has {plain(text)!r}")

    def copied(self) -> str | None:
        line = self.focused_document().current
        if line is not None and line.copy is not None:
            return line.copy()
        return super().copied()

    @on(Document.Followed)
    def _followed(self, message: Document.Followed) -> None:
        self.console.go_text(message.link)

    def escape(self) -> bool:
        if self.first._sought or self.second._sought:
            self.search("")
            return True
        return False
