"""`admin.trash`: removed jobs, and their way back until the undo window ends."""

from itertools import groupby
from typing import Any, Final

from qconsole.admin.cursors import decode_cursor, encode_cursor
from qconsole.admin.filters import Filter, as_filter
from qconsole.admin.job_listing import PLACE, Found, Place
from qconsole.admin.job_sources import Group, Source, ZsetSource
from qconsole.admin.limits import checked_limit
from qconsole.admin.noun import Noun, checked_id, refuse_unread, why_not
from qconsole.admin.payloads import read_call, read_result
from qconsole.admin.views import Applied, Count, Page, TrashRow
from qconsole.errors import Conflict, JobNotFound, UsageError

READ_CAP_BYTES: Final = 65_536
MATCHED_PAGE: Final = 500
KNOWN: Final = frozenset({"id", "queue", "type", "state", "age", "text"})


class Trash(Noun):
    """The trash of all queues."""

    async def page(self, cursor: str | None = None, limit: int = 50) -> Page[TrashRow]:
        """Return one page of removed jobs, those removed last first."""
        limit = checked_limit(limit)
        after = Place.from_json(decode_cursor("trash", cursor, *PLACE)) if cursor else None
        now_ms = self._backend.now_ms()
        queues, missing = await self._session.shards.readable(await self._session.plain_arq.queues())
        sources: list[Source] = [
            ZsetSource(self._backend, self._backend.keys(queue).trash(), queue, Group.ENDED, "trash", low=f"({now_ms}")
            for queue in queues
        ]
        chosen: list[Found] = []
        async for batch in self._session.listing.walk(sources, after, first_fetch=limit + 1):
            chosen += batch
            if len(chosen) > limit:
                break
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.zcount(self._backend.keys(queue).trash(), f"({now_ms}", "+inf")
            total = sum(await pipe.execute())
        return Page(
            rows=await self._rows(chosen[:limit]),
            next=encode_cursor("trash", chosen[limit - 1].place.as_json()) if len(chosen) > limit else None,
            total=Count(total, exact=not missing),
            scanned=len(chosen[:limit]),
            as_of_ms=now_ms,
            missing=missing,
        )

    async def matching(self, filter: str | Filter) -> tuple[str, ...]:
        """Return `queue/id` of the removed jobs that a filter fits, those removed last first.

        A removed job has an id, queue, type, state (that before it was removed) and an age (since it was removed).

        Raises:
            FilterError, UsageError: it is wrong, or asks for what is not known of removed jobs.
        """
        wanted = as_filter(filter)
        unknown = sorted({term.field for term in wanted.terms} - KNOWN)
        if unknown:
            raise UsageError(
                f"removed jobs cannot be selected by {', '.join(unknown)}",
                f"Fields of the trash are {', '.join(sorted(KNOWN))}.",
                field="filter",
            )
        found: list[str] = []
        page = await self.page(limit=MATCHED_PAGE)
        while True:
            found += [
                f"{row.queue}/{row.id}" for row in page.rows if wanted.fits(_Facts(row, page.as_of_ms), page.as_of_ms)
            ]
            if page.next is None:
                return tuple(found)
            page = await self.page(page.next, limit=MATCHED_PAGE)

    async def _rows(self, chosen: list[Found]) -> tuple[TrashRow, ...]:
        """Read the copies; one that was restored meanwhile is left out."""
        rows = []
        for queue, run in groupby(chosen, key=lambda found: found.queue):
            part = [(found.id, int(float(found.place.entry.score))) for found in run]
            asked = [value for pair in part for value in pair]
            copies = await self._backend.read("trash", [queue], [READ_CAP_BYTES, *asked])
            rows += [
                self._row(queue, wire_id, until_ms, copy)
                for (wire_id, until_ms), copy in zip(part, copies, strict=True)
                if copy is not None
            ]
        return tuple(rows)

    def _row(self, queue: str, wire_id: str, until_ms: int, copy: list[Any]) -> TrashRow:
        state, removed_ms, actor, operation, payload, payload_bytes, result, result_bytes = copy
        return TrashRow(
            id=self._backend.keys(queue).bare_id(wire_id),
            queue=queue,
            job_type=_job_type(payload, payload_bytes, result, result_bytes),
            state_before=state.decode("utf-8", "replace"),
            removed_ms=int(removed_ms),
            until_ms=until_ms,
            actor=actor.decode("utf-8", "replace"),
            operation=operation.decode("utf-8", "replace") or None,
        )

    async def restore(self, job_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Put a removed job back as it was.

        Args:
            job_id: its bare id, or `queue/id`.

        Raises:
            JobNotFound: it is not in the trash.
            Conflict: a job of this id exists again.
        """
        self._session.require("operator", "restoring jobs")
        reason = self._session.checked_reason(reason)
        name, bare_id = await self._find(checked_id(job_id), queue)
        async with self._change("trash.restore", f"{name}/{bare_id}", bare_id, reason=reason) as entry:
            changes = await self._queue(name).restore([bare_id])
            if not changes.done:
                word = changes.skipped[0][1] if changes.skipped else "missing"
                raise Conflict(f"job {bare_id!r} was not restored: {why_not(word)}", job_id=bare_id, queue=name)
        return entry.applied(f"Job {bare_id} is back in {name}.", job_id=bare_id)

    async def _find(self, job_id: str, queue: str | None) -> tuple[str, str]:
        queues, missing = await self._session.shards.readable(await self._session.plain_arq.queues())
        named, _, rest = job_id.partition("/")
        parts = self._session.plain_arq.partitions.parts
        choices = [(name, job_id) for name in (parts(queue) if queue else queues)]
        if rest and named in queues and queue is None:
            choices = [(name, rest) for name in parts(named)] + choices
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for name, bare_id in choices:
                keys = self._backend.keys(name)
                pipe.zscore(keys.trash(), keys.wire_id(bare_id))
            ends = await pipe.execute()
        now_ms = self._backend.now_ms()
        found = [choice for choice, end in zip(choices, ends, strict=True) if end is not None and end > now_ms]
        if not found:
            refuse_unread(missing, f"removed job {job_id!r}")
            raise JobNotFound(f"job {job_id!r} is not in the trash", "See what is: qconsole trash list", job_id=job_id)
        return found[0]


class _Facts:
    """A removed job as `filter_match.Facts`."""

    __slots__ = ("_now_ms", "_row")

    def __init__(self, row: TrashRow, now_ms: int) -> None:
        self._row = row
        self._now_ms = now_ms

    def texts(self, field: str) -> tuple[str, ...]:
        row = self._row
        of = {"id": row.id, "queue": row.queue, "type": row.job_type, "state": row.state_before}
        return (row.id, row.job_type) if field == "text" else (of[field],)

    def number(self, field: str) -> int:
        return self._now_ms - self._row.removed_ms

    def payload(self) -> None:
        return None


def _job_type(payload: bytes, payload_bytes: int, result: bytes, result_bytes: int) -> str:
    if payload:
        return read_call(payload, payload_bytes).job_type or "?"
    end = read_result(result, result_bytes) if result else None
    return (end.call.job_type if end else None) or "?"
