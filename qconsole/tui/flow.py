"""One flow as an outline; each line leads to its job."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from qconsole.admin.views import FlowNode
from qconsole.tui.document import DocLine, Folds
from qconsole.tui.document_view import DocumentView
from qconsole.tui.facts import flow_lines, flow_sums
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location
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
        return [*([DocLine()] if not self.two_panes else []), *flow_sums(self.root, cells)]
