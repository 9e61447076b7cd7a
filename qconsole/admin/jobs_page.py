"""Fills pages of jobs: candidates from the indexes, facts from Redis, the filter's verdict, within a budget."""

import time
from collections.abc import Sequence
from typing import Any, Final

from qconsole.admin.backend import Backend
from qconsole.admin.cursors import decode_cursor, encode_cursor, is_number
from qconsole.admin.filter_terms import Operator, Pattern
from qconsole.admin.filters import Filter
from qconsole.admin.job_facts import JobFacts, parts_for
from qconsole.admin.job_listing import PLACE, Found, JobListing, Order, Place, Slice, indexed_fingerprints
from qconsole.admin.job_reader import ROW_CAP_BYTES, JobReader
from qconsole.admin.job_sources import STATES_OF, Group, Source
from qconsole.admin.stored_job import StoredJob

SCAN_CAP_BYTES: Final = 4_096
PAYLOAD_CAP_BYTES: Final = 262_144
TIME_BUDGET_S: Final = 2.0


class JobSearch:
    """Finds jobs by filter, from a place on."""

    def __init__(self, backend: Backend, listing: JobListing, reader: JobReader) -> None:
        self._backend = backend
        self._listing = listing
        self._reader = reader

    async def slice(
        self,
        filter: Filter,
        sources: Sequence[Source],
        after: Place | None,
        *,
        limit: int,
        order: Order = Order.LISTED,
        budget: int = 100_000,
        time_s: float = TIME_BUDGET_S,
        full: bool = True,
    ) -> Slice[StoredJob]:
        """Return up to `limit` jobs that fit, behind a place.

        Args:
            budget: how many candidates to look at.
            time_s: how long to look; a page that is not filled by then says so and can be continued. As long again is
                waited for the results of plain arq, without which nothing that ended is given.
            full: read all that a row shows, not only what the filter needs.
        """
        found = Slice[StoredJob]()
        rest = residual(filter)
        all_known, results_read = await self._listing.read_results(sources, time_s)
        if not all_known:
            sources = [source for source in sources if source.group is not Group.ENDED] if order is Order.LISTED else []
        deadline = time.monotonic() + time_s
        first = min(limit + 1, 200)
        async for batch in self._listing.walk(sources, after, order=order, first_fetch=first):
            batch = batch[: budget - found.scanned]
            for candidate, job in await self._judged(batch, rest, full=full):
                if len(found.found) == limit:
                    return found
                found.scanned += 1
                found.last = candidate.place
                if job is not None:
                    found.found.append((job, candidate.place))
            if found.scanned >= budget or time.monotonic() > deadline:
                return found
        found.at_end = all_known
        if not all_known:
            found.scanned += results_read
            found.last = found.last or after or Place.before_ended(reverse=order is Order.REVERSED)
        return found

    async def _judged(self, batch: list[Found], rest: Filter, *, full: bool) -> list[tuple[Found, StoredJob | None]]:
        """Read a batch and return each candidate with its job, or `None` when it does not fit."""
        parts, fields = parts_for(rest)
        cap = PAYLOAD_CAP_BYTES if any(term.field == "payload" for term in rest.terms) else SCAN_CAP_BYTES
        if not rest and full:
            jobs = await self._read(batch, parts="prf", cap_bytes=ROW_CAP_BYTES)
            return [(found, job if _stands(found, job) else None) for found, job in zip(batch, jobs, strict=True)]
        jobs = await self._read(batch, parts=parts, cap_bytes=cap, fields=fields)
        now_ms = self._backend.now_ms()
        fitting = [
            (found, job if _stands(found, job) and rest.fits(self.facts(job), now_ms) else None)
            for found, job in zip(batch, jobs, strict=True)
        ]
        if not full:
            return fitting
        chosen = [found for found, job in fitting if job is not None]
        rows = iter(await self._read(chosen, parts="prf", cap_bytes=ROW_CAP_BYTES))
        return [(found, None if job is None else next(rows)) for found, job in fitting]

    def facts(self, job: StoredJob) -> JobFacts:
        """Return what a filter may ask of a job."""
        return JobFacts(job, self._backend.keys(job.queue).bare_id(job.id), self._backend.redaction)

    async def _read(self, batch: Sequence[Found], **options: Any) -> list[StoredJob]:
        """Read jobs of several queues, keeping the order."""
        by_queue: dict[str, list[int]] = {}
        for index, found in enumerate(batch):
            by_queue.setdefault(found.queue, []).append(index)
        jobs: list[StoredJob | None] = [None] * len(batch)
        for queue, indexes in by_queue.items():
            read = await self._reader.read(queue, [batch[index].id for index in indexes], **options)
            for index, job in zip(indexes, read, strict=True):
                jobs[index] = job
        return [job for job in jobs if job is not None]


def residual(filter: Filter) -> Filter:
    """Return what the indexes leave to be decided by looking at each job."""
    indexed = {"state"} | ({"fp"} if indexed_fingerprints(filter) is not None else set())
    kept = []
    for term in filter.terms:
        if term.field == "queue":
            continue  # the sources were chosen by it
        chosen_by_index = (
            term.operator is Operator.IS and term.field in indexed and not (term.negated and term.field == "fp")
        )
        if not chosen_by_index or any(not isinstance(value, Pattern) or value.literal is None for value in term.values):
            kept.append(term)
    return Filter(tuple(kept))


def _stands(found: Found, job: StoredJob) -> bool:
    """Tell whether the job still is where its index had it; one that moved on is listed where it is now."""
    return job.state is not None and job.state in STATES_OF[found.place.group]


def cursor_of(listing: str, place: Place, *, back: bool) -> str:
    """Return the cursor of the page behind a place, or before it."""
    return encode_cursor(listing, [int(back), *place.as_json()])


def place_of(listing: str, cursor: str | None) -> tuple[Place | None, bool]:
    """Return the place of a cursor and whether it leads back.

    Raises:
        CursorError: it is none of this listing.
    """
    if not cursor:
        return None, False
    back, *parts = decode_cursor(listing, cursor, is_number, *PLACE)
    return Place.from_json(parts), bool(back)
