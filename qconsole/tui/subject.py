"""What a verb acts on: one thing, the marked things, or everything that a filter matches."""

from dataclasses import dataclass
from typing import Any

from qconsole.admin.views import OperationView
from qconsole.tui.cells import cut_middle, plain
from qconsole.tui.format import plural

SINGULAR = {
    "jobs": "job",
    "dlq": "dead letter",
    "groups": "dead letter group",
    "queues": "queue",
    "schedules": "schedule",
    "flows": "flow",
    "workers": "worker",
    "operations": "operation",
    "trash": "trash entry",
    "metrics": "metrics",
    "audit": "audit entry",
    "events": "event",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The object of an action.

    Args:
        noun: the plural that the command line uses, or `groups`.
        ids: what is acted on; empty when `filter` selects.
        queue: the queue the thing is in, where one is known.
        filter: selects everything it matches; None for single things.
        row: the view that the cursor stands on.
        count: how many it is believed to be.
    """

    noun: str
    ids: tuple[str, ...] = ()
    queue: str | None = None
    filter: str | None = None
    row: Any = None
    count: int | None = None

    @property
    def many(self) -> bool:
        """Return whether this is more than one thing."""
        return self.filter is not None or len(self.ids) > 1

    @property
    def id(self) -> str:
        """Return the only id."""
        return self.ids[0]

    def __str__(self) -> str:
        one = SINGULAR.get(self.noun, self.noun)
        if self.filter is not None:
            number = f"every {one}" if self.count is None else things(self.count, self.noun)
            return f"{number} matching {plain(self.filter) or 'everything'}"
        if len(self.ids) == 1:
            about = f", {deed(self.row)}" if isinstance(self.row, OperationView) else ""
            return f"{one} {cut_middle(plain(self.ids[0]), 40)}{about}"
        return things(len(self.ids), self.noun).replace(" ", " marked ", 1)


def things(number: int, noun: str) -> str:
    """Return `1 job`, `1,204 trash entries`: a number of what the command line's noun names."""
    one = SINGULAR.get(noun, "job")
    return plural(number, one, one.replace("entry", "entries") + ("" if "entry" in one else "s"))


def deed(operation: OperationView) -> str:
    """Return what an operation does or did: `replay of 1,204 dead letters`."""
    return f"{operation.verb} of {things(operation.done or operation.matched, operation.noun)}"
