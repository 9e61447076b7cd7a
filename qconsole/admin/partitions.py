"""Partitioned queues as one: which queues are parts of which, and what the parts come to together. Pure.

A whole is named as its first part. Rows of jobs and dead letters name the part they lie in; whatever takes a queue's
name takes the whole's for all of its parts, and a part's for that part alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qconsole.admin.counts import QueueCounts
from qconsole.admin.filters import Filter
from qconsole.admin.queue_limits import QueueConfig
from qconsole.runtime.metrics import Tally
from qconsole.runtime.partitions import partition_names


class Partitions:
    """The registry of partitioned queues.

    Args:
        counts: queue → number of its partitions, from 2.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._parts = {queue: tuple(partition_names(queue, count)) for queue, count in counts.items() if count > 1}
        self._whole = {part: queue for queue, parts in self._parts.items() for part in parts}

    def parts(self, queue: str) -> tuple[str, ...]:
        """Return a queue's parts, itself first; a queue that is not partitioned is its own."""
        return self._parts.get(queue, (queue,))

    def whole(self, queue: str) -> str:
        """Return the queue that this one is a part of, itself when it is none."""
        return self._whole.get(queue, queue)

    def wholes(self, queues: Iterable[str]) -> tuple[str, ...]:
        """Return queues with their parts left out, sorted."""
        return tuple(sorted({self.whole(queue) for queue in queues}))

    def with_parts(self, queues: Iterable[str]) -> tuple[str, ...]:
        """Return queues with the parts of those that are partitioned, sorted."""
        return tuple(sorted({part for queue in queues for part in (queue, *self.parts(queue))}))

    def merged(self, counts: Mapping[str, QueueCounts]) -> dict[str, QueueCounts]:
        """Return the counts of wholes from those of all their parts."""
        return {name: sum_of_counts(name, [counts[part] for part in self.parts(name)]) for name in self.wholes(counts)}

    def chosen(self, filter: Filter, queues: Iterable[str]) -> list[str]:
        """Return, sorted, the queues that a filter's terms on `queue` leave."""
        terms = Filter(tuple(term for term in filter.terms if term.field == "queue"))
        return sorted(queue for queue in queues if terms.fits(_Named(queue, self.whole(queue)), 0))


class _Named:
    """A queue's names as `filter_match.Facts`."""

    __slots__ = ("_names",)

    def __init__(self, *names: str) -> None:
        self._names = names

    def texts(self, field: str) -> tuple[str, ...]:
        return self._names

    def number(self, field: str) -> None:
        return None

    def payload(self) -> None:
        return None


def sum_of_counts(name: str, parts: Sequence[QueueCounts]) -> QueueCounts:
    """Return the counts of a whole. It is paused when all of its parts are, and held as long as one of them."""
    first, *others = parts
    if not others:
        return first
    pauses = [part.pause for part in parts]
    held = [part.held_until_ms for part in parts if part.held_until_ms is not None]
    due = [part.oldest_due_ms for part in parts if part.oldest_due_ms is not None]
    return QueueCounts(
        name,
        waiting=sum(part.waiting for part in parts),
        delayed=sum(part.delayed for part in parts),
        active=sum(part.active for part in parts),
        waiting_children=sum(part.waiting_children for part in parts),
        completed=sum(part.completed for part in parts),
        failed=sum(part.failed for part in parts),
        cancelled=sum(part.cancelled for part in parts),
        dead_letters=sum(part.dead_letters for part in parts),
        pause=pauses[0] if all(pauses) else None,
        held_until_ms=max(held, default=None),
        oldest_due_ms=min(due, default=None),
        completed_minute=sum(part.completed_minute for part in parts),
        failed_minute=sum(part.failed_minute for part in parts),
        completed_minute_before=sum(part.completed_minute_before for part in parts),
        failed_minute_before=sum(part.failed_minute_before for part in parts),
    )


def sum_of_configs(parts: Sequence[QueueConfig]) -> QueueConfig:
    """Return the config of a whole: its limits are those of its parts together, its targets theirs."""
    first, *others = parts
    if not others:
        return first
    return replace(
        first,
        concurrency=_sum([part.concurrency for part in parts]),
        rate_max=_sum([part.rate_max for part in parts]),
        dead_letters_dropped=sum(part.dead_letters_dropped for part in parts),
        differs_from_code=any(part.differs_from_code for part in parts),
    )


def sum_of_tallies(parts: Sequence[Sequence[Tally]]) -> Sequence[Tally]:
    """Return what happened in a whole, step by step."""
    if len(parts) == 1:
        return parts[0]
    points = [Tally() for _ in parts[0]]
    for tallies in parts:
        for point, tally in zip(points, tallies, strict=True):
            point.add(tally)
    return points


def _sum(limits: Sequence[int | None]) -> int | None:
    """Return the sum of some limits, `None` when one of them is without."""
    known = [limit for limit in limits if limit is not None]
    return sum(known) if len(known) == len(limits) else None
