"""One operation, live."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from qconsole.admin.views import OperationView
from qconsole.tui.document import DocLine, Folds
from qconsole.tui.document_view import DocumentView
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location
from qconsole.tui.operations import operation_lines
from qconsole.tui.skin import Span, badge
from qconsole.tui.subject import Subject


class OperationDocument(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("operations")
    noun = "operations"
    hints = (("Esc", "back"),)
    two_panes_from = 10_000  # one column is enough at any width

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.operation: OperationView | None = None

    async def load(self) -> None:
        self.operation = await self.admin.operations.get(self.location.target or "")
        self.present()

    def subject(self) -> Subject | None:
        return None if self.operation is None else Subject("operations", (self.operation.id,), row=self.operation)

    def command(self) -> str | None:
        return self.console.cli("operations", "show", self.location.target or "")

    def title(self) -> list[Span]:
        operation = self.operation
        if operation is None:
            return super().title()
        spans: list[Span] = [("Operation", "title"), (f"  {operation.verb} {operation.noun}", "accent"), ("  ", "text")]
        return [*spans, badge(operation.state)]

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        return [] if self.operation is None else operation_lines(self.operation, cells, self.console.moment())[1:]
