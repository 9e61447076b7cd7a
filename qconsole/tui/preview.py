"""What a list shows of the row at its cursor: one text, or two side by side where it has the whole width."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container

from qconsole.tui.document import DocLine, Document, Folds, Produce

MEASURED_CELLS = 80  # the width at which it is decided which sections go where


class Preview(Container):
    """See the module's description."""

    DEFAULT_CSS = """
    Preview { layout: horizontal; }
    Preview > #preview-second { display: none; border-left: solid $line; }
    Preview.-paired > #preview-second { display: block; width: 46%; }
    """

    def __init__(self) -> None:
        super().__init__(classes="preview")
        self.first = Document(id="preview")
        self.second = Document(id="preview-second")
        self._produce: Produce = nothing
        self._may_pair = False

    def compose(self) -> ComposeResult:
        yield self.first
        yield self.second

    def show(self, produce: Produce, *, anew: bool) -> None:
        """Show another content; `anew` goes to its top and forgets the folds."""
        self._produce = produce
        left, right = halves(produce) if self._may_pair else (produce, nothing)
        paired = bool(right(MEASURED_CELLS, Folds()))
        self.set_class(paired, "-paired")
        self.first.show(left if paired else produce, anew=anew)
        if paired:
            self.second.show(right, anew=anew)

    def pair(self, paired: bool) -> None:
        """Show a content that can be divided in two columns, or all in one."""
        if paired != self._may_pair:
            self._may_pair = paired
            self.show(self._produce, anew=True)

    @property
    def is_entered(self) -> bool:
        """Return whether the keyboard is in it."""
        return self.first.has_focus or self.second.has_focus

    def enter(self) -> bool:
        """Give the keyboard to the first column, or to the next; False after the last."""
        if not self.is_entered:
            self.first.focus(scroll_visible=False)
        elif self.first.has_focus and self.has_class("-paired"):
            self.second.focus(scroll_visible=False)
        else:
            return False
        return True


def nothing(_cells: int, _folds: Folds) -> Sequence[DocLine]:
    """Return no lines."""
    return ()


def halves(produce: Produce) -> tuple[Produce, Produce]:
    """Divide a text between two of its sections, where the longer part is shortest; folds do not move the place."""
    lines = produce(MEASURED_CELLS, Folds())
    heads = [place for place, line in enumerate(lines) if line.head and place]
    best = min(range(len(heads)), key=lambda n: max(heads[n], len(lines) - heads[n]), default=None)

    def part(second: bool) -> Produce:
        def produce_part(cells: int, folds: Folds) -> Sequence[DocLine]:
            lines = produce(cells, folds)
            heads = [place for place, line in enumerate(lines) if line.head and place]
            at = len(lines) if best is None or best >= len(heads) else heads[best]
            return lines[at:] if second else lines[:at]

        return produce_part

    return part(False), part(True)
