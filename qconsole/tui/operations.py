"""The operations: every bulk action of any face, how far it is, who ran it, what can be undone."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from qconsole.admin.views import OperationView
from qconsole.tui.cells import cut, plain, wrap
from qconsole.tui.charts import gauge
from qconsole.tui.document import DocLine, Produce, section, text_line
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import facts, state_cell, when
from qconsole.tui.format import coarse_age, duration, short_count
from qconsole.tui.keys import verb_bindings
from qconsole.tui.list_view import WholeListView
from qconsole.tui.location import Location
from qconsole.tui.skin import Span
from qconsole.tui.table import Column


def _through(row: OperationView) -> int:
    return row.done + row.skipped + row.failed


def _progress(row: OperationView, _moment: Moment) -> list[Span]:
    ratio = _through(row) / row.matched if row.matched else 1.0
    return [*gauge(ratio, 10), (f" {short_count(_through(row))}/{short_count(row.matched)}", "text")]


def _undo(row: OperationView, moment: Moment) -> Span:
    if row.undone_by:
        return "undone", "muted"
    if row.undo_until_ms is None or row.undo_until_ms <= moment.now_ms:
        return "–", "muted"
    return duration(row.undo_until_ms - moment.now_ms), "text"


OPERATION_COLUMNS = (
    Column("verb", "Operation", lambda o, _m: (f"{o.verb} {o.noun}", "strong"), 14, rank=0, sort=lambda o: o.verb),
    Column("state", "State", state_cell, 13, rank=0, sort=lambda o: o.state),
    Column("progress", "Progress", _progress, 22, rank=0, sort=_through),
    Column(
        "failed",
        "Failed",
        lambda o, _m: (f"{o.failed:,}" if o.failed else "–", "bad" if o.failed else "muted"),
        6,
        "right",
        rank=1,
        sort=lambda o: o.failed,
    ),
    Column(
        "skipped",
        "Skipped",
        lambda o, _m: (f"{o.skipped:,}" if o.skipped else "–", "text" if o.skipped else "muted"),
        7,
        "right",
        rank=3,
        sort=lambda o: o.skipped,
    ),
    Column(
        "age",
        "Age",
        lambda o, m: (coarse_age(o.created_ms, m.now_ms), "text"),
        5,
        "right",
        rank=0,
        sort=lambda o: o.created_ms,
    ),
    Column("undo", "Undo for", _undo, 8, "right", rank=2),
    Column("actor", "By", lambda o, _m: (plain(f"{o.actor} ({o.face})"), "text"), 16, rank=2, sort=lambda o: o.actor),
    Column("filter", "Selection", lambda o, _m: (plain(o.filter or "ids"), "muted"), 16, grow=1, rank=1),
    Column("id", "Id", lambda o, _m: (plain(o.id), "muted"), 18, rank=5),
)


class OperationsView(WholeListView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = verb_bindings("operations")
    noun = "operations"
    columns = OPERATION_COLUMNS
    hints = (("Enter", "open"),)
    nothing = "No operation yet. Mark jobs with Space or *, then press a verb's key."

    async def fetch(self) -> Sequence[Any]:
        rows: Sequence[OperationView] = await self.admin.operations.list()
        words = self.location.filter.casefold().split()
        return [
            o
            for o in rows
            if all(word in f"{o.id} {o.verb} {o.state} {o.actor} {o.filter}".casefold() for word in words)
        ]

    def queue_of(self, row: Any) -> str | None:
        return None

    def open_row(self, row: Any) -> Location | None:
        return Location("operation", row.id)

    def command(self) -> str | None:
        return self.console.cli("operations", "list")

    async def preview_of(self, row: Any) -> Produce:
        moment = self.console.moment()
        return lambda cells, _folds: operation_lines(row, cells, moment)


def operation_lines(operation: OperationView, cells: int, moment: Moment) -> list[DocLine]:
    """Return all of an operation."""
    head: tuple[Span, ...] = (
        (f"{operation.verb} {operation.noun}", "title"),
        ("  ", "text"),
        state_cell(operation, moment),
    )
    ratio = _through(operation) / operation.matched if operation.matched else 1.0
    bar: tuple[Span, ...] = (("  ", "text"), *gauge(ratio, max(10, min(50, cells - 20))), (f" {ratio:.0%}", "text"))
    lines = [DocLine(head, head=True), DocLine(bar), DocLine()]
    lines += _operation_facts(operation, cells, moment)
    if operation.reason:
        lines += [
            DocLine(),
            section("Reason"),
            *(text_line(line) for line in wrap(operation.reason, max(20, cells - 2))[:6]),
        ]
    lines += [DocLine(), section("Selection", f"frozen: nothing after {when(operation.bound_ms, moment)}")]
    lines += [
        text_line(line, "accent") for line in wrap(operation.filter or "ids that were marked", max(20, cells - 2))[:6]
    ]
    if operation.skips:
        lines += [DocLine(), section("Skipped")]
        lines += [text_line(f"{number:>9,}  {plain(why)}") for why, number in operation.skips.items()]
    if operation.failures:
        lines += [DocLine(), section("Failed", "the first of them")]
        lines += [
            text_line(cut(f"{plain(job)}: {plain(why)}", cells - 2), "bad") for job, why in operation.failures[:50]
        ]
    return lines


def _operation_facts(operation: OperationView, cells: int, moment: Moment) -> list[DocLine]:
    took = None
    if operation.started_ms is not None:
        end = operation.finished_ms if operation.finished_ms is not None else moment.now_ms
        took = duration(end - operation.started_ms)
    return facts(
        [
            ("matched", f"{operation.matched:,}"),
            ("done", f"{operation.done:,}"),
            ("skipped", f"{operation.skipped:,}" if operation.skipped else None),
            ("failed", [(f"{operation.failed:,}", "bad")] if operation.failed else None),
            ("by", plain(f"{operation.actor}, {operation.face}")),
            ("planned", when(operation.created_ms, moment)),
            ("took", took),
            ("rate", f"at most {operation.rate_per_s:g} a second" if operation.rate_per_s else None),
            ("spread", f"over {operation.spread_s:g} s" if operation.spread_s else None),
            ("undo until", when(operation.undo_until_ms, moment)),
            ("undone by", plain(operation.undone_by) if operation.undone_by else None),
            ("id", plain(operation.id)),
        ],
        cells,
        columns=True,
    )
