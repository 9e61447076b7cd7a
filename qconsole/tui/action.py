"""What a verb is to the terminal console: its noun, key, words, friction, form, and the call of Admin that does it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qconsole.admin import Admin
from qconsole.admin.views import Verb
from qconsole.tui.confirm import Friction
from qconsole.tui.form import Answers, Ask
from qconsole.tui.subject import Subject

Run = Callable[[Admin, Subject, Answers], Awaitable[Any]]
Prefill = Callable[[Admin, Subject], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Fits:
    """Whether an action makes sense for a row, and in words when it does."""

    test: Callable[[Any], bool]
    only: str = ""

    def __call__(self, row: Any) -> bool:
        return self.test(row)


_ALWAYS = Fits(lambda _row: True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A verb of a noun.

    Args:
        verb: the command line's word.
        label: what it does, as a title: `Retry`.
        detail: one sentence for help and palette.
        run: does it to one thing; `bulk` is the operation that does it to many.
        asks: the form that comes first; `prefill` gives its fields texts to begin with.
        fits: whether it makes sense for what the cursor stands on.
        hint: whether the footer offers it; flags: options the command line needs besides the answers.
    """

    noun: str
    verb: str
    label: str
    detail: str
    run: Run | None = None
    key: str | None = None
    bulk: Verb | None = None
    bulk_noun: str = "jobs"
    asks: tuple[Ask, ...] = ()
    prefill: Prefill | None = None
    friction: Friction = Friction.NONE
    dangerous: bool = False
    reason_required: bool = False
    fits: Fits = _ALWAYS
    hint: bool = False
    needs_subject: bool = True
    always_bulk: bool = False

    @property
    def name(self) -> str:
        """Return the name that keys and tests use: noun and verb."""
        return f"{self.noun}.{self.verb}" + (".options" if self.asks and self.bulk else "")


def state_in(*states: str) -> Fits:
    """Return a test of a row's state."""
    *others, last = (state.replace("_", " ") for state in states)
    words = f"{', '.join(others)} or {last}" if others else last
    return Fits(lambda row: row is None or getattr(row, "state", None) in states, f"only while {words}")
