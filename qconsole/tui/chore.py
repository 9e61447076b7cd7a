"""A verb that belongs to no row: its name in the palette, its form, and what it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qconsole.tui.form import Answers, Ask, FormDialog, read_answers

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp


@dataclass(frozen=True, slots=True)
class Chore:
    """One of them: its name in the palette, what it does, what it asks, how it is done."""

    name: str
    detail: str
    run: Callable[["ConsoleApp", Answers], Awaitable[None]]
    asks: tuple[Ask, ...] = ()

    def begin(self, console: "ConsoleApp") -> None:
        """Start it beside the screen."""
        console.begin(self._do(console), during=self.name)

    async def _do(self, console: "ConsoleApp") -> None:
        answers: Answers = {}
        if self.asks:
            typed = await console.ask(FormDialog(self.name.capitalize(), self.asks))
            if typed is None:
                return
            answers = read_answers(self.asks, typed)
        await self.run(console, answers)
