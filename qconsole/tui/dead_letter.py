"""One dead letter: what was buried, why, its attempts and payload, and what became of it."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import DeadLetterView
from qconsole.tui.attempts import attempt_sections
from qconsole.tui.cells import fit, plain
from qconsole.tui.document import DocLine, Folds, section
from qconsole.tui.document_view import DocumentView
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import facts, job_link, when
from qconsole.tui.format import plural
from qconsole.tui.job import payload_lines
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location
from qconsole.tui.skin import Span, badge
from qconsole.tui.subject import Subject


class DeadLetterDocument(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *verb_bindings("dlq"),
        Binding("V", "reveal", "show masked values", show=False),
    ]
    noun = "dlq"
    hints = (("Space", "fold"),)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.letter: DeadLetterView | None = None
        self.revealed = False

    async def load(self) -> None:
        self.letter = await self.admin.dead_letters.get(self.location.target or "", reveal=self.revealed)
        self.present()

    def subject(self) -> Subject | None:
        if self.letter is None:
            return None
        row = self.letter.row
        return Subject("dlq", (row.id,), queue=row.queue, row=row, count=1)

    def command(self) -> str | None:
        return self.console.cli("dlq", "show", self.location.target or "")

    def action_reveal(self) -> None:
        self.revealed = not self.revealed
        self.load_soon()

    def title(self) -> list[Span]:
        spans: list[Span] = [("Dead letter", "title"), (f"  {plain(self.location.target or '', limit=120)}", "accent")]
        return spans if self.letter is None else [*spans, ("  ", "text"), badge(self.letter.row.state)]

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        letter = self.letter
        if letter is None:
            return []
        moment = self.console.moment()
        lines = dead_letter_facts(letter, cells, moment)
        stalls = [plural(letter.stalls, "stall")] if letter.stalls else []
        lines += [DocLine(), section("Attempts", ", ".join([str(letter.row.attempts), *stalls]))]
        return [*lines, *attempt_sections(letter.attempts, letter.error, cells, folds, moment.zone)]

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        if self.letter is None:
            return []
        return [*([DocLine()] if not self.two_panes else []), *payload_lines(self.letter, cells, folds)]


def dead_letter_facts(letter: DeadLetterView, cells: int, moment: Moment) -> list[DocLine]:
    """Return what was buried and what became of it."""
    row = letter.row
    severity: list[Span] = [(plain(row.severity), "bad" if row.severity == "critical" else "text")]
    lines = facts(
        [
            ("type", plain(row.job_type)),
            ("queue", plain(row.queue)),
            ("cause", plain(row.cause)),
            ("severity", severity),
            ("buried", when(row.buried_ms, moment)),
            ("created", when(letter.created_ms, moment)),
            ("resolved", when(letter.resolved_ms, moment)),
            ("by", plain(letter.actor) if letter.actor else None),
            ("reason", plain(letter.reason) if letter.reason else None),
            ("note", plain(row.note) if row.note else None),
        ],
        cells,
        columns=True,
    )
    links = [
        ("job", row.job_id, job_link(row.job_id, row.queue)),
        ("error group", row.fingerprint, f"dlq fp:{row.fingerprint}"),
    ]
    if row.replayed_as:
        links.append(("replayed as", row.replayed_as, job_link(row.replayed_as, row.queue)))
    for name, text, link in links:
        lines.append(
            DocLine(
                (("  ", "text"), (fit(name, 13), "muted"), (plain(text, limit=200), "link")),
                link=link,
                copy=partial(str, text),
            )
        )
    return lines
