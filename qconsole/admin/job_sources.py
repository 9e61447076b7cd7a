"""The ordered indexes that listings of jobs read: each a stretch of ids of one queue that can go on behind any place.

Natural order: active by start, waiting as it will be claimed, delayed by due time, parents by creation, ended newest
first. A place is exact (score and member), so a page never repeats or misses a job that stayed where it was.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from qconsole.admin.backend import Backend
from qconsole.runtime.job import JobState
from qconsole.runtime.score import DEFAULT_PRIORITY, band


class Group(IntEnum):
    """Stretches of a listing, in its order; inside a group the queues are merged."""

    ACTIVE = 0
    WAITING_URGENT = 1
    WAITING = 2
    WAITING_BULK = 3
    DELAYED = 4
    WAITING_CHILDREN = 5
    ENDED = 6


STATES_OF: Final[dict[Group, frozenset[JobState]]] = {
    Group.ACTIVE: frozenset({JobState.ACTIVE}),
    Group.WAITING_URGENT: frozenset({JobState.WAITING}),
    Group.WAITING: frozenset({JobState.WAITING}),
    Group.WAITING_BULK: frozenset({JobState.WAITING}),
    Group.DELAYED: frozenset({JobState.DELAYED, JobState.WAITING}),  # due since the index was chosen
    Group.WAITING_CHILDREN: frozenset({JobState.WAITING_CHILDREN}),
    Group.ENDED: frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}),
}
NEWEST_FIRST: Final = frozenset({Group.ENDED})
URGENT_END: Final = f"({float(band(DEFAULT_PRIORITY - 1)[1] + 1):.17g}"
BULK_START: Final = f"{float(band(DEFAULT_PRIORITY + 1)[0]):.17g}"


class Entry(NamedTuple):
    """One id in a source, with its exact place. `id` is the job's wire id; `member` what stands in the index."""

    score: str
    member: str
    id: str


class Source(Protocol):
    """A stretch of one queue's ids in one group; `rank` orders sources among equal scores."""

    queue: str
    group: Group

    @property
    def rank(self) -> tuple[str, str]:
        """Queue and name."""
        ...

    async def fetch(self, low: str, high: str, after: Entry | None, limit: int, descending: bool) -> list[Entry]:
        """Return up to `limit` entries between two scores, in order, behind a place of this source."""
        ...


@dataclass(slots=True)
class ZsetSource:
    """Ids of a ZSET between two scores.

    `id_of` turns a member into the job's wire id (dead letters are listed by their entry).
    """

    backend: Backend
    key: str
    queue: str
    group: Group
    name: str
    low: str = "-inf"
    high: str = "+inf"
    id_of: Callable[[str], str] = str

    @property
    def rank(self) -> tuple[str, str]:
        """Where this source stands among equal scores."""
        return self.queue, self.name

    async def fetch(self, low: str, high: str, after: Entry | None, limit: int, descending: bool) -> list[Entry]:
        """Return up to `limit` entries; see `Source`."""
        bounds = (tightest(self.low, low, lower=True), tightest(self.high, high, lower=False))
        place = (after.score, after.member) if after else ("", "")
        direction = "desc" if descending else "asc"
        found = await self.backend.read("range", [self.key], [direction, *bounds, limit, *place])
        members = [member.decode("utf-8", "replace") for member in found[::2]]
        ids = members if self.id_of is str else [self.id_of(member) for member in members]
        return [
            Entry(score.decode(), member, job_id)
            for score, member, job_id in zip(found[1::2], members, ids, strict=True)
        ]


@dataclass(slots=True)
class ListedSource:
    """Ids that have no index and are few: read whole once, ordered here.

    `are_results`: they are those that `PlainResults` knows, once it has read them all.
    """

    read: Callable[[], Awaitable[Iterable[tuple[float, str]]]]
    queue: str
    group: Group
    name: str
    are_results: bool = False
    _kept: list[tuple[float, str]] | None = None

    async def entries(self) -> list[tuple[float, str]]:
        """Return scores and ids, in order."""
        if self._kept is None:
            self._kept = sorted(await self.read())
        return self._kept

    @property
    def rank(self) -> tuple[str, str]:
        """Where this source stands among equal scores."""
        return self.queue, self.name

    async def fetch(self, low: str, high: str, after: Entry | None, limit: int, descending: bool) -> list[Entry]:
        """Return up to `limit` entries; see `Source`."""
        kept = await self.entries()
        start = (bisect_right if low.startswith("(") else bisect_left)(kept, bound_value(low), key=_score_of)
        end = (bisect_left if high.startswith("(") else bisect_right)(kept, bound_value(high), key=_score_of)
        if after is not None:
            place = (float(after.score), after.member)
            if descending:
                end = min(end, bisect_left(kept, place))
            else:
                start = max(start, bisect_right(kept, place))
        chosen = kept[max(start, end - limit) : end][::-1] if descending else kept[start : min(end, start + limit)]
        return [Entry(repr(score), member, member) for score, member in chosen]


def tightest(one: str, other: str, *, lower: bool) -> str:
    """Return the bound that allows less, as Redis writes bounds (`(` excludes)."""

    def key(bound: str) -> tuple[float, bool]:
        value, is_open = bound_value(bound), bound.startswith("(")
        return (value, is_open) if lower else (-value, is_open)

    return max(one, other, key=key)


def bound_value(bound: str) -> float:
    """Return a bound's score."""
    return float(bound.removeprefix("("))


def _score_of(pair: tuple[float, str]) -> float:
    return pair[0]
