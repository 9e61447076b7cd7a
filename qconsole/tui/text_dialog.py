"""A text to read and copy: a command line, an error report, the keys."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from qconsole.tui.dialog import Dialog
from qconsole.tui.document import Document, Produce
from qconsole.tui.drawn import host


class TextDialog(Dialog[None]):
    """Shows lines that scroll; `y` copies the text."""

    DEFAULT_CSS = """
    TextDialog > .box { width: 100; max-width: 96%; }
    TextDialog Document { background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy the text", show=False),
        Binding("q", "dismiss(None)", "close", show=False),
    ]

    def __init__(self, title: str, produce: Produce, *, text: str, height: int, danger: bool = False) -> None:
        super().__init__()
        self._title, self._text, self._height, self._danger = title, text, height, danger
        self.document = Document(ground="raised", margin=0)
        self._content = produce

    def compose(self) -> ComposeResult:
        with Container(classes="box -danger" if self._danger else "box") as box:
            box.border_title = self._title
            box.border_subtitle = "y copies · Esc closes"
            yield self.document

    def on_mount(self) -> None:
        self.document.styles.height = max(1, min(self._height, self.app.size.height - 4))
        self.document.show(self._content)
        self.document.focus()

    def action_copy(self) -> None:
        host(self.document).copy(self._text)
