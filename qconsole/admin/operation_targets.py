"""What an operation is aimed at: the frozen selection, cut into chunks that can be resumed from any place.

A job that arrived or ended after the bound is never touched, whatever the filter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

from qconsole.admin.backend import Backend
from qconsole.admin.filter_terms import DEAD_LETTERS, JOBS, Instant, Operator, Term
from qconsole.admin.filters import Filter, parse
from qconsole.admin.job_listing import Found, JobListing, Order, Place
from qconsole.admin.job_reader import JobReader
from qconsole.admin.job_sources import Group, Source
from qconsole.admin.jobs_page import JobSearch, residual
from qconsole.admin.letter_search import LetterSearch, letter_residual
from qconsole.admin.operation_record import Operation
from qconsole.admin.plain_results import CAP_BYTES as RESULT_CAP_BYTES
from qconsole.runtime.keys import GLOBAL

SCAN_CHUNK: Final = 2_000
RESULTS: Final = "results"
INDEXED: Final = frozenset({Group.WAITING, Group.ENDED})  # scores alone tell what came after the bound
INDEXED_START: Final = "indexed"  # the place before the first of those


class Target(NamedTuple):
    """One thing to act on: queue, bare id, and whether only a result of plain arq knows it."""

    queue: str
    id: str
    is_result: bool = False


@dataclass(slots=True)
class Chunk:
    """Some targets in order, the place behind them, and whether they were the last."""

    targets: list[Target] = field(default_factory=list)
    place: Any = None
    at_end: bool = False
    scanned: int = 0


class Targets:
    """Reads an operation's selection."""

    def __init__(
        self, backend: Backend, listing: JobListing, reader: JobReader, search: JobSearch, letters: LetterSearch
    ) -> None:
        self._backend = backend
        self._listing = listing
        self._reader = reader
        self._search = search
        self._letters = letters

    async def next(self, operation: Operation, queues: Sequence[str], place: Any, size: int) -> Chunk:
        """Return the next chunk behind a place (`None`: from the start)."""
        if operation.has_ids:
            return await self._given(operation, place, size)
        if operation.noun == "dlq":
            return await self._of_letters(operation, queues, place, size)
        return await self._of_jobs(operation, queues, place, size)

    async def ended_since(self, queue: str, ids: Sequence[str], bound_ms: int) -> list[str]:
        """Return those of some bare ids whose result of plain arq is of a run that ended after the bound."""
        wire = [self._backend.keys(queue).wire_id(bare_id) for bare_id in ids]
        jobs = await self._reader.read(queue, wire, parts="r", cap_bytes=RESULT_CAP_BYTES, fields=())
        return [bare_id for bare_id, job in zip(ids, jobs, strict=True) if (job.finished_ms or 0) > bound_ms]

    async def _given(self, operation: Operation, place: Any, size: int) -> Chunk:
        start = place if isinstance(place, int) else 0
        key = GLOBAL.operation_ids(operation.id)
        stored = await self._backend.redis.lrange(key, start, start + size - 1)  # type: ignore[misc]
        targets = []
        for text in stored:
            queue, _, rest = text.decode("utf-8", "replace").partition("\n")
            bare_id, _, kind = rest.partition("\n")
            targets.append(Target(queue, bare_id, kind == RESULTS))
        return Chunk(targets, start + len(stored), at_end=len(stored) < size)

    def _job_sources(self, operation: Operation, wanted: Filter, queues: Sequence[str]) -> list[Source]:
        return self._listing.sources(wanted, queues, bound_ms=operation.bound_ms)

    async def _of_jobs(self, operation: Operation, queues: Sequence[str], place: Any, size: int) -> Chunk:
        wanted = parse(operation.filter, noun=JOBS)
        sources = self._job_sources(operation, wanted, queues)
        indexed = [source for source in sources if source.group in INDEXED]
        others = [source for source in sources if source.group not in INDEXED]
        after = Place.from_json(place) if place and place != INDEXED_START else None
        if residual(wanted):
            return await self._scanned(operation, wanted, sources, after, size)
        if place == INDEXED_START or (after is not None and after.group in INDEXED) or not others:
            return await self._indexed(indexed, after, size)
        chunk = await self._scanned(operation, wanted, others, after, size)
        if chunk.at_end and indexed:
            return Chunk(chunk.targets, INDEXED_START, scanned=chunk.scanned)
        return chunk

    async def _indexed(self, sources: Sequence[Source], after: Place | None, size: int) -> Chunk:
        """Take ids straight from indexes that hold exactly what is meant, the oldest first."""
        chunk = Chunk(place=after.as_json() if after else None)
        async for batch in self._listing.walk(sources, after, order=Order.OLDEST, first_fetch=size):
            taken = batch[: size - len(chunk.targets)]
            chunk.targets += self._targets(taken)
            chunk.place = taken[-1].place.as_json()
            if len(chunk.targets) >= size:
                return chunk
        chunk.at_end = True
        return chunk

    def _targets(self, taken: Sequence[Found]) -> list[Target]:
        targets: list[Target] = []
        for source, run in groupby(taken, key=attrgetter("source")):
            bare_id, is_result = self._backend.keys(source.queue).bare_id, source.rank[1] == RESULTS
            targets += [Target(source.queue, bare_id(found.entry.id), is_result) for found in run]
        return targets

    async def _scanned(
        self, operation: Operation, wanted: Filter, sources: Sequence[Source], after: Place | None, size: int
    ) -> Chunk:
        """Look at each candidate; what was created after the bound is left alone."""
        bounded = Filter((*wanted.terms, *_created_by(operation.bound_ms).terms))
        found = await self._search.slice(
            bounded, sources, after, limit=size, order=Order.OLDEST, budget=SCAN_CHUNK, time_s=1.0, full=False
        )
        targets = [
            Target(job.queue, self._backend.keys(job.queue).bare_id(job.id), place.name == RESULTS)
            for job, place in found.found
        ]
        last = found.last or after
        return Chunk(targets, last.as_json() if last else None, found.at_end, found.scanned)

    async def _of_letters(self, operation: Operation, queues: Sequence[str], place: Any, size: int) -> Chunk:
        wanted = parse(operation.filter, noun=DEAD_LETTERS)
        sources = self._letters.sources(wanted, queues, bound_ms=operation.bound_ms)
        after = Place.from_json(place) if place else None
        if not letter_residual(wanted, sources):
            return await self._indexed(sources, after, size)
        found = await self._letters.slice(
            wanted, sources, after, limit=size, order=Order.OLDEST, budget=SCAN_CHUNK, time_s=1.0
        )
        targets = [
            Target(letter.queue, self._backend.keys(letter.queue).bare_id(letter.id)) for letter, _ in found.found
        ]
        last = found.last or after
        return Chunk(targets, last.as_json() if last else None, found.at_end, found.scanned)


def _created_by(bound_ms: int) -> Filter:
    """Return the condition "not created after the bound"; what has no creation time passes."""
    return Filter((Term("created", Operator.GREATER, (Instant(bound_ms),), negated=True),))
