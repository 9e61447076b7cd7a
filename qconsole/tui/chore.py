"""A verb that belongs to no row: its name in the palette, its form, and what it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qconsole.errors import QConsoleError, RedisUnavailable
from qconsole.tui.form import Answers, Ask, FormDialog, read_answers

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp


@dataclass(frozen=True, slots=True)
class Chore:
    """One of them: its name in the palette, what it does, the command line's words for it, how it is done, what it
    asks.
    """

    name: str
    detail: str
    command: str
    run: Callable[["ConsoleApp", Answers], Awaitable[None]]
    asks: tuple[Ask, ...] = ()

    def begin(self, console: "ConsoleApp") -> None:
        """Start it beside the screen."""
        console.begin(self._do(console), during=self.name)

    async def _do(self, console: "ConsoleApp") -> None:
        """Ask and do it; what is refused comes back into the form, with what was typed."""
        if not self.asks:
            await self.run(console, {})
            return
        typed: Answers | None = None
        error: QConsoleError | None = None
        while True:
            typed = await console.ask(FormDialog(self.name.capitalize(), self.asks, typed=typed, error=error))
            if typed is None:
                return
            try:
                await self.run(console, read_answers(self.asks, typed))
                return
            except RedisUnavailable:
                raise
            except QConsoleError as refused:
                error = refused
