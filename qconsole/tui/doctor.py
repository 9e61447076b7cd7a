"""What the doctor finds wrong, and the key that mends it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import Finding
from qconsole.tui.cells import plain, wrap
from qconsole.tui.confirm import ConfirmDialog, Question
from qconsole.tui.document import DocLine, Produce, section, text_line
from qconsole.tui.format import plural
from qconsole.tui.list_view import WholeListView
from qconsole.tui.skin import badge
from qconsole.tui.table import Column

_LEVELS = {"bad": 0, "warn": 1, "ok": 2}

DOCTOR_COLUMNS = (
    Column("level", "Level", lambda f, _m: badge(f.level), 8, rank=0, sort=lambda f: _LEVELS.get(f.level, 3)),
    Column("text", "Finding", lambda f, _m: (plain(f.text), "text"), 30, grow=2, rank=0, wish=60),
    Column("queue", "Queue", lambda f, _m: (plain(f.queue or "–"), "muted"), 16, rank=1),
    Column(
        "count",
        "Count",
        lambda f, _m: (f"{f.count:,}" if f.count else "–", "text"),
        7,
        "right",
        rank=1,
        sort=lambda f: f.count,
    ),
    Column(
        "fix",
        "Mends itself",
        lambda f, _m: ("F mends it" if f.fixable else "–", "accent" if f.fixable else "muted"),
        12,
        rank=2,
    ),
    Column("code", "Code", lambda f, _m: (plain(f.code), "muted"), 22, rank=3),
)


class DoctorView(WholeListView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("F", "fix", "mend what can be mended", show=False)]
    noun = "doctor"
    columns = DOCTOR_COLUMNS
    hints = (("F", "mend"),)
    nothing = "The doctor finds nothing wrong."
    first_sort = ("level", False)

    @staticmethod
    def key(row: Any) -> tuple[str, str]:
        return row.code, row.queue or ""

    async def load(self) -> None:
        # An examination looks at everything: once when asked for, not every second.
        if not self.as_of_ms:
            await super().load()

    def apply_filter(self, text: str) -> None:
        self.as_of_ms = 0
        super().apply_filter(text)

    async def fetch(self) -> Sequence[Any]:
        findings: Sequence[Finding] = await self.admin.doctor.examine()
        words = self.location.filter.casefold().split()
        return [f for f in findings if all(word in f"{f.code} {f.text} {f.queue}".casefold() for word in words)]

    def command(self) -> str | None:
        return self.console.cli("", "doctor")

    def action_fix(self) -> None:
        self.console.begin(self._fix(), during="mending")

    async def _fix(self) -> None:
        fixable = [f for f in self.table.rows if f.fixable]
        if not fixable:
            self.console.flash("There is nothing here that mends itself.", "warn")
            return
        text = f"Mend {plural(len(fixable), 'finding')}: {'; '.join(f.mend for f in fixable[:4])}"
        question = Question("Doctor", text, self.console.cli("", "doctor", fix=True), dangerous=False)
        if await self.console.ask(ConfirmDialog(question)) is None:
            return
        await self.admin.doctor.fix()
        self.as_of_ms = 0
        await self.load_once()
        self.console.flash("Mended; this is what is left.", "good")

    async def preview_of(self, row: Any) -> Produce:
        def produce(cells: int, _folds: Any) -> list[DocLine]:
            lines = [DocLine((badge(row.level), (f"  {plain(row.code)}", "muted")), head=True), DocLine()]
            lines += [text_line(line) for line in wrap(row.text, max(20, cells - 2))]
            return [
                *lines,
                DocLine(),
                section("What to do"),
                *(text_line(line) for line in wrap(row.mend, max(20, cells - 2))),
            ]

        return produce
