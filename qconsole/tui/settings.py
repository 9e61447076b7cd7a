"""The settings that count, where each comes from, what the terminal can do; the doctor is a key away."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from qconsole.tui.cells import fit, plain
from qconsole.tui.document import DocLine, Folds, section
from qconsole.tui.document_view import DocumentView
from qconsole.tui.facts import facts
from qconsole.tui.location import Location


class SettingsView(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "doctor", "doctor", show=False)]
    noun = "settings"
    hints = (("d", "doctor"), ("t", "theme"))

    async def load(self) -> None:
        self.present()

    def action_doctor(self) -> None:
        self.console.go_to(Location("doctor"))

    def command(self) -> str | None:
        return self.console.cli("config", "show")

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        settings = self.console.settings
        note = plain(str(settings.path)) if settings.path else "no file was read"
        lines = [section("Configuration", note)]
        for name, value, source in settings.shown():
            shown = _shown(value)
            set_here = source != "default"
            spans = (
                ("  ", "text"),
                (fit(name, 22), "muted"),
                (fit(plain(shown), max(16, cells - 50)), "strong" if set_here else "text"),
                ("  " + plain(source), "accent" if set_here else "faint"),
            )
            lines.append(DocLine(spans, copy=partial(str, shown)))
        return lines

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        terminal = self.console.terminal
        lines = [*([DocLine()] if not self.two_panes else []), section("This terminal")]
        lines += facts(
            [
                ("size", f"{self.app.size.width} × {self.app.size.height}"),
                ("theme", "dark or light: t changes it"),
                ("colours", "none" if terminal.no_color else "16" if terminal.few_colors else "full"),
                ("characters", "ASCII" if terminal.ascii_only else "Unicode"),
                ("line", "over ssh: refreshed less often" if terminal.remote else "local"),
                ("tmux", "yes" if terminal.tmux else None),
                ("clipboard", "by OSC 52: the terminal must allow it"),
            ],
            cells,
        )
        return lines


def _shown(value: object) -> str:
    """Return a setting's value as text."""
    if value is None or value == () or value == []:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
