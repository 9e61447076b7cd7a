"""What a verb acts on: one thing, the marked things, or everything that a filter matches."""

from dataclasses import dataclass
from typing import Any

from qconsole.tui.cells import cut_middle, plain

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
            number = "every" if self.count is None else f"{self.count:,}"
            return (
                f"{number} {one}{'' if self.count in {None, 1} else 's'} matching {plain(self.filter) or 'everything'}"
            )
        if len(self.ids) == 1:
            return f"{one} {cut_middle(plain(self.ids[0]), 40)}"
        return f"{len(self.ids):,} marked {one}s"
