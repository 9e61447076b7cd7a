"""One flow as an outline; each line leads to its job."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from qconsole.admin.views import FlowNode
from qconsole.tui.cells import plain
from qconsole.tui.document import DocLine, Folds, section, text_line
from qconsole.tui.document_view import DocumentView
from qconsole.tui.facts import flow_lines
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location
from qconsole.tui.skin import badge
from qconsole.tui.subject import Subject

MOST_NODES = 300


class FlowDocument(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("flows")
    noun = "flows"
    hints = (("Enter", "its job"),)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.root: FlowNode | None = None

    async def load(self) -> None:
        self.root = await self.admin.flows.tree(
            self.location.target or "", queue=self.location.queue, max_nodes=MOST_NODES
        )
        self.present()

    def subject(self) -> Subject | None:
        if self.root is None:
            return None
        return Subject("flows", (self.location.target or "",), queue=self.root.queue, row=self.root)

    def command(self) -> str | None:
        return self.console.cli("flows", "show", self.location.target or "")

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        return [] if self.root is None else flow_lines(self.root)

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        if self.root is None:
            return []
        states: Counter[str] = Counter()
        failures: list[DocLine] = []
        stack = [self.root]
        while stack:
            node = stack.pop()
            states[node.state] += 1
            if node.error_message:
                failures.append(text_line(plain(f"{node.id}: {node.error_message}", limit=cells), "bad"))
            stack.extend(node.children)
        lines = [*([DocLine()] if not self.two_panes else []), section("Jobs of the flow")]
        for state, number in states.most_common():
            shape, style = badge(state)
            lines.append(DocLine((("  ", "text"), (f"{shape:<20}", style), (f"{number:>6,}", "text"))))
        return [*lines, DocLine(), section("Failures"), *failures] if failures else lines
