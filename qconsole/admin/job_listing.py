"""Walks all jobs that may fit a filter, from the narrowest indexes, in one order that any place can be resumed from."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, Final, Generic, TypeVar

from qconsole.admin.backend import Backend
from qconsole.admin.cursors import is_place, is_score, is_text
from qconsole.admin.filters import Filter
from qconsole.admin.job_sources import (
    BULK_START,
    NEWEST_FIRST,
    URGENT_END,
    Entry,
    Group,
    ListedSource,
    Source,
    ZsetSource,
)
from qconsole.admin.plain_arq import PlainArq
from qconsole.errors import CursorError
from qconsole.runtime.job import JobState

FIRST_FETCH: Final = 64
FETCH: Final = 200
_ENDED: Final = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def _is_group(part: Any) -> bool:
    return isinstance(part, int) and part in _GROUPS


_GROUPS: Final = frozenset(Group)
PLACE: Final = (_is_group, is_text, is_text, is_score, is_text, is_text)


class Order(Enum):
    """Ways through a listing."""

    LISTED = 0  # as faces list it: what ended comes newest first
    REVERSED = 1  # the same backwards
    OLDEST = 2  # as operations go through it: what ended comes oldest first


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk stands: behind (forwards) or before (backwards) this entry."""

    group: Group
    queue: str
    name: str
    entry: Entry

    def as_json(self) -> list[Any]:
        """Return the place for a cursor."""
        return [int(self.group), self.queue, self.name, self.entry.score, self.entry.member, self.entry.id]

    @classmethod
    def from_json(cls, parts: Any) -> "Place":
        """Return the place of a cursor.

        Raises:
            CursorError: it is none.
        """
        if not is_place(parts, PLACE):
            raise CursorError("the page cursor holds no place in a listing", "Start again from the first page.")
        group, queue, name, score, member, job_id = parts
        return cls(Group(group), queue, name, Entry(score, member, job_id))

    @classmethod
    def before_ended(cls, *, reverse: bool) -> "Place":
        """Return the place before everything that ended: where a listing stands until that can be read."""
        return cls(Group.ENDED, "", "", Entry("-9e300" if reverse else "9e300", "", ""))


T = TypeVar("T")


@dataclass(slots=True)
class Slice(Generic[T]):
    """What one walk brought: things with their places, how far it looked, and whether that was the end."""

    found: list[tuple[T, Place]] = field(default_factory=list)
    scanned: int = 0
    last: Place | None = None
    at_end: bool = False


@dataclass(slots=True)
class Found:
    """One candidate: its queue, its id, and its place."""

    group: Group
    source: Source
    entry: Entry

    @property
    def queue(self) -> str:
        """Of the job."""
        return self.source.queue

    @property
    def id(self) -> str:
        """The job's wire id."""
        return self.entry.id

    @property
    def place(self) -> Place:
        """Where a walk goes on behind it."""
        return Place(self.group, *self.source.rank, self.entry)


class JobListing:
    """The order of all jobs, cut down to what a filter can match."""

    def __init__(self, backend: Backend, plain_arq: PlainArq) -> None:
        self._backend = backend
        self._plain_arq = plain_arq

    def chosen_queues(self, filter: Filter, queues: Iterable[str]) -> list[str]:
        """Return, sorted, the queues that a filter's terms on queue leave."""
        return self._plain_arq.partitions.chosen(filter, queues)

    def sources(self, filter: Filter, queues: Iterable[str], *, bound_ms: int | None = None) -> list[Source]:
        """Return the indexes that hold every job the filter can match, in listing order.

        Args:
            filter: its terms on queue choose, and its whole-value terms on state and fingerprint.
            queues: those there are.
            bound_ms: leave out what ended, or became due by being enqueued, after this instant; what was delayed
                then counts as delayed although it may be due by now.
        """
        states = filter.literals("state")
        wanted = frozenset(JobState(state) for state in states if state in _STATES) if states is not None else _ALL
        wanted -= {JobState(state) for state in filter.excluded("state") if state in _STATES}
        fingerprints = indexed_fingerprints(filter)
        if fingerprints is not None:
            wanted &= {JobState.FAILED}
        sources: list[Source] = []
        for queue in self.chosen_queues(filter, queues):
            sources += self._of_queue(queue, wanted, fingerprints, bound_ms)
        return sorted(sources, key=lambda source: (source.group, source.rank))

    def _of_queue(
        self, queue: str, states: frozenset[JobState], fingerprints: frozenset[str] | None, bound_ms: int | None
    ) -> list[Source]:
        keys = self._backend.keys(queue)
        after = f"{(self._backend.now_ms() if bound_ms is None else bound_ms) + 1}"
        sources: list[Source] = []

        def add(group: Group, key: str, name: str, low: str = "-inf", high: str = "+inf") -> None:
            sources.append(ZsetSource(self._backend, key, queue, group, name, low, high))

        if JobState.ACTIVE in states:
            sources.append(ListedSource(lambda: self._plain_arq.active(queue), queue, Group.ACTIVE, "active"))
        if JobState.WAITING in states:
            add(Group.WAITING_URGENT, queue, "queue", high=URGENT_END)
            add(Group.WAITING, queue, "queue", low="(0", high=f"({after}")
            add(Group.WAITING_BULK, queue, "queue", low=BULK_START, high="(0")
        if JobState.DELAYED in states:
            add(Group.DELAYED, queue, "queue", low=after)
        if JobState.WAITING_CHILDREN in states:
            add(Group.WAITING_CHILDREN, keys.waiting_children(), "children")
        return sources + self._ended(queue, states, fingerprints, bound_ms)

    def _ended(
        self, queue: str, states: frozenset[JobState], fingerprints: frozenset[str] | None, bound_ms: int | None
    ) -> list[Source]:
        keys, high = self._backend.keys(queue), "+inf" if bound_ms is None else f"{bound_ms}"
        if fingerprints is not None:
            if JobState.FAILED not in states:
                return []
            return [
                ZsetSource(
                    self._backend,
                    keys.dlq_fingerprint(fp),
                    queue,
                    Group.ENDED,
                    f"fp:{fp}",
                    high=high,
                    id_of=job_of_entry,
                )
                for fp in sorted(fingerprints)
            ]
        sources: list[Source] = [
            ZsetSource(self._backend, getattr(keys, state.value)(), queue, Group.ENDED, state.value, high=high)
            for state in _ENDED
            if state in states
        ]
        if sources and self._plain_arq.is_plain(queue):
            read = partial(self._plain_arq.results, queue, states, bound_ms)
            sources.append(ListedSource(read, queue, Group.ENDED, "results", are_results=bound_ms is None))
        return sources

    async def read_results(self, sources: Sequence[Source], time_s: float) -> tuple[bool, int]:
        """Read, for so long, what plain arq keeps of the past, when a source needs it.

        Returns:
            Whether all that the sources need is known, and how many results were read while it was not.
        """
        past = self._plain_arq.past
        if not any(isinstance(source, ListedSource) and source.are_results for source in sources):
            return True, 0
        before = past.looked_at
        await self._plain_arq.read_results(time_s)
        return past.are_known, past.looked_at - before if not past.are_known else 0

    async def walk(
        self,
        sources: Sequence[Source],
        after: Place | None,
        *,
        order: Order = Order.LISTED,
        first_fetch: int = FIRST_FETCH,
    ) -> AsyncIterator[list[Found]]:
        """Yield candidates in order, in batches, behind a place.

        Args:
            sources: from `sources`.
            after: where to go on; `None` starts at the beginning of the order.
            order: which way.
            first_fetch: how many the first batch has at most.
        """
        reverse = order is Order.REVERSED
        groups = sorted({source.group for source in sources}, reverse=reverse)
        for group in groups:
            if after is not None and (group > after.group if reverse else group < after.group):
                continue
            place = after if after is not None and group == after.group else None
            members = [source for source in sources if source.group == group]
            descending = reverse if order is Order.OLDEST else (group in NEWEST_FIRST) != reverse
            async for batch in _merge(members, group, place, descending, first_fetch):
                yield batch


class _Reel:
    """One source being read during a merge."""

    def __init__(self, source: Source, after: Place | None, descending: bool) -> None:
        self.source = source
        self._descending = descending
        self._after: Entry | None = None
        self._low, self._high = "-inf", "+inf"
        self.entries: list[Entry] = []
        self.at = 0
        self.at_end = False
        if after is not None:
            self._start(after)

    def _start(self, after: Place) -> None:
        """Begin behind a place that may be another source's: equal scores are ordered by the sources' ranks."""
        rank = (after.queue, after.name)
        if self.source.rank == rank:
            self._after = after.entry
            return
        is_behind = self.source.rank < rank if self._descending else self.source.rank > rank
        bound = after.entry.score if is_behind else f"({after.entry.score}"
        if self._descending:
            self._high = bound
        else:
            self._low = bound

    async def fill(self, limit: int) -> None:
        if self.at < len(self.entries) or self.at_end:
            return
        self.entries = await self.source.fetch(self._low, self._high, self._after, limit, self._descending)
        self.at = 0
        self.at_end = len(self.entries) < limit
        if self.entries:
            self._after = self.entries[-1]

    @property
    def is_spent(self) -> bool:
        return self.at >= len(self.entries)

    def rest(self, group: Group) -> list[Found]:
        """Give all that was read."""
        rest, self.at = self.entries[self.at :], len(self.entries)
        return [Found(group, self.source, entry) for entry in rest]

    def key(self) -> "_Order":
        entry = self.entries[self.at]
        return _Order((float(entry.score), self.source.rank, entry.member.encode()), self._descending)


@dataclass(frozen=True, slots=True)
class _Order:
    """A key that sorts backwards when asked to."""

    key: tuple[Any, ...]
    descending: bool

    def __lt__(self, other: "_Order") -> bool:
        return self.key > other.key if self.descending else self.key < other.key


async def _merge(
    sources: Sequence[Source], group: Group, after: Place | None, descending: bool, first_fetch: int
) -> AsyncIterator[list[Found]]:
    """Merge sources by score; one that ran dry is filled again before anything is given that might stand behind it."""
    reels = [_Reel(source, after, descending) for source in sources]
    limit = first_fetch
    while reels:
        await asyncio.gather(*(reel.fill(limit) for reel in reels))
        reels = [reel for reel in reels if not reel.is_spent]
        batch = _drain(reels, group)
        limit = FETCH
        if batch:
            yield batch


def _drain(reels: list[_Reel], group: Group) -> list[Found]:
    if len(reels) == 1:
        return reels[0].rest(group)
    heap = [(reel.key(), index) for index, reel in enumerate(reels)]
    heapq.heapify(heap)
    batch: list[Found] = []
    while heap:
        _, index = heapq.heappop(heap)
        reel = reels[index]
        entry = reel.entries[reel.at]
        reel.at += 1
        batch.append(Found(group, reel.source, entry))
        if not reel.is_spent:
            heapq.heappush(heap, (reel.key(), index))
        elif not reel.at_end:
            break
    return batch


def indexed_fingerprints(filter: Filter) -> frozenset[str] | None:
    """Return the fingerprints whose index (that of the dead letters, so of failures only) answers the filter."""
    states = filter.literals("state")
    return filter.literals("fp") if states is None or states <= {JobState.FAILED} else None


def job_of_entry(entry: str) -> str:
    """Return the wire id of the job that a dead letter (`<id>~<buried ms>`) is of."""
    return entry.rpartition("~")[0] or entry


_STATES: Final = frozenset(state.value for state in JobState)
_ALL: Final = frozenset(JobState)
