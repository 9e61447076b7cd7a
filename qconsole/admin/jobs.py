"""`admin.jobs`: pages, counts, single jobs, their logs, and what may be done to one of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final

import orjson

from qconsole.admin.commands import iso_time
from qconsole.admin.filters import Filter, as_filter
from qconsole.admin.fingerprints import with_whole_fingerprints
from qconsole.admin.job_listing import Order, Place
from qconsole.admin.job_sources import ListedSource, Source, ZsetSource
from qconsole.admin.job_views import JobViews, call_of
from qconsole.admin.jobs_page import cursor_of, place_of, residual
from qconsole.admin.limits import checked_limit
from qconsole.admin.noun import Noun, checked_id
from qconsole.admin.payload_edit import as_payload, edited_call
from qconsole.admin.stored_job import StoredJob
from qconsole.admin.views import Applied, Count, JobRow, JobView, LogLine, Page, Why
from qconsole.admin.why import explain
from qconsole.errors import Conflict, UsageError
from qconsole.runtime.changes import Changes
from qconsole.runtime.job import JobState

COUNT_BUDGET: Final = 20_000
COUNT_TIME_S: Final = 0.5
LOG_POLL_S: Final = 0.5
MAX_DELAY_S: Final = 10 * 366 * 86_400
ENDED: Final = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


class Jobs(Noun):
    """Every job of every queue."""

    async def page(
        self,
        filter: str | Filter = "",
        *,
        cursor: str | None = None,
        limit: int = 50,
        reverse: bool = False,
        budget: int = 100_000,
    ) -> Page[JobRow]:
        """Return one page of jobs that fit a filter.

        Args:
            filter: text or parsed.
            cursor: `next` or `previous` of an earlier page of the same filter.
            limit: rows a page.
            reverse: the other way round.
            budget: how many candidates to look at; a page that is not filled by then has `complete` false.

        Raises:
            FilterError, CursorError, UsageError: what was asked for cannot be understood.
        """
        limit = checked_limit(limit)
        asked = as_filter(filter)
        listing = f"jobs:{int(reverse)}:{asked}"
        after, back = place_of(listing, cursor)
        queues, missing = await self._readable(asked)
        wanted = await with_whole_fingerprints(self._backend, asked, queues)
        if wanted.literals("id") is not None:
            return await self._by_id(wanted, queues, missing)
        sources = self._session.listing.sources(wanted, queues)
        total, sources = await self._sized(wanted, sources)
        found = await self._session.search.slice(
            wanted, sources, after, limit=limit, order=order_of(reverse, back), budget=max(1, budget)
        )
        chosen = found.found[::-1] if back else found.found
        views = await self._views()
        return Page(
            rows=tuple(views.row(job) for job, _ in chosen),
            next=self._next(listing, chosen[-1][1] if chosen else None, found.last, back, found.at_end, after),
            previous=self._previous(listing, chosen[0][1] if chosen else None, back, found.at_end, after),
            total=None if total is None else Count(total.value, exact=total.exact and not missing),
            scanned=found.scanned,
            complete=found.at_end or len(chosen) >= limit,
            as_of_ms=self._backend.now_ms(),
            missing=missing,
        )

    @staticmethod
    def _next(
        listing: str, last_row: Place | None, scanned: Place | None, back: bool, at_end: bool, after: Place | None
    ) -> str | None:
        if back:
            place = last_row or after
            return cursor_of(listing, place, back=False) if place else None
        place = scanned or last_row
        return None if at_end or place is None else cursor_of(listing, place, back=False)

    @staticmethod
    def _previous(listing: str, first_row: Place | None, back: bool, at_end: bool, after: Place | None) -> str | None:
        place = first_row or (after if back else None)
        if (back and at_end) or (not back and after is None) or place is None:
            return None
        return cursor_of(listing, place, back=True)

    async def _by_id(self, wanted: Filter, queues: tuple[str, ...], missing: dict[str, str]) -> Page[JobRow]:
        """Answer a filter that names ids: they are looked up, not searched for."""
        ids = sorted(wanted.literals("id") or ())[:1_000]
        now_ms, views = self._backend.now_ms(), await self._views()
        rows = []
        for job_id in ids:
            if not 1 <= len(job_id) <= 1_000:
                continue
            for place in await self._everywhere(job_id, queues):
                if place.state is None:
                    continue
                job = (await self._session.reader.read(place.queue, [place.id]))[0]
                if job.state is not None and wanted.fits(self._session.search.facts(job), now_ms):
                    rows.append(views.row(job))
        total = Count(len(rows), exact=not missing)
        return Page(rows=tuple(rows), total=total, scanned=len(ids), as_of_ms=now_ms, missing=missing)

    async def count(self, filter: str | Filter = "") -> Count:
        """Return how many jobs fit; `exact` is false when counting stopped early, or a queue cannot be read."""
        asked = as_filter(filter)
        queues, missing = await self._readable(asked)
        wanted = await with_whole_fingerprints(self._backend, asked, queues)
        if wanted.literals("id") is not None:
            page = await self._by_id(wanted, queues, missing)
            return Count(len(page.rows), exact=not missing)
        sources = self._session.listing.sources(wanted, queues)
        total, sources = await self._sized(wanted, sources)
        if total is not None:
            return Count(total.value, exact=total.exact and not missing)
        found = await self._session.search.slice(
            wanted, sources, None, limit=COUNT_BUDGET, budget=COUNT_BUDGET, time_s=COUNT_TIME_S, full=False
        )
        return Count(len(found.found), exact=found.at_end and not missing)

    async def _readable(self, wanted: Filter) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the queues that a filter leaves and that can be read, and of the others why not."""
        queues = await self._session.plain_arq.queues()
        return await self._session.shards.readable(self._session.listing.chosen_queues(wanted, queues))

    async def _sized(self, wanted: Filter, sources: list[Source]) -> tuple[Count | None, list[Source]]:
        """Return how many jobs there are and the sources that hold any, when the indexes alone know."""
        if residual(wanted) or not (await self._session.listing.read_results(sources, COUNT_TIME_S))[0]:
            return None, sources
        indexed = [source for source in sources if isinstance(source, ZsetSource)]
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for source in indexed:
                pipe.zcount(source.key, source.low, source.high)
            for source in indexed:  # ids counted as waiting or delayed may have a lease instead
                if source.key == source.queue and source.low != "-inf":
                    pipe.zcount(self._backend.keys(source.queue).leases(), source.low, source.high)
            counted = await pipe.execute()
        sizes = {id(source): size for source, size in zip(indexed, counted, strict=False)}
        for listed in sources:
            if isinstance(listed, ListedSource):
                sizes[id(listed)] = len(await listed.entries())
        total = sum(sizes.values()) - sum(counted[len(indexed) :])
        return Count(max(0, total)), [source for source in sources if sizes[id(source)]]

    async def get(self, job_id: str, *, queue: str | None = None, reveal: bool = False) -> JobView:
        """Return everything about one job.

        Args:
            job_id: its bare id.
            queue: needed when several queues have a job of this id.
            reveal: show what is masked; needs the role admin, and is audited.

        Raises:
            JobNotFound, Refused, Forbidden
        """
        if reveal:
            self._session.require("admin", "revealing masked values")
        found = await self._locate(job_id, queue)
        job = await self._session.reader.view(found.queue, found.id)
        if reveal:
            command = self._session.command("jobs", "show", job_id, queue=found.queue, reveal=True)
            await self._session.record("jobs.reveal", f"{found.queue}/{job_id}", command=command)
        views = await self._views()
        return views.view(job, reveal=reveal, dead_letter=await self._dead_letter_of(job))

    async def _dead_letter_of(self, job: StoredJob) -> str | None:
        """Return the dead letter its failure left, which is named after the instant."""
        if job.state is not JobState.FAILED or job.ended_ms is None:
            return None
        keys = self._backend.keys(job.queue)
        entry = f"{job.id}~{job.ended_ms}"
        return keys.bare_id(entry) if await self._backend.redis.exists(keys.dead_letter(entry)) else None

    async def result(self, job_id: str, *, queue: str | None = None) -> Any:
        """Return a completed job's result, redacted.

        Raises:
            Conflict: the job has not completed, or its result is gone.
        """
        view = await self.get(job_id, queue=queue)
        if view.row.state != JobState.COMPLETED:
            raise Conflict(f"job {job_id!r} has no result: it is {view.row.state}", job_id=job_id, state=view.row.state)
        return view.result

    async def logs(
        self, job_id: str, *, queue: str | None = None, after: int = 0, limit: int = 200
    ) -> tuple[LogLine, ...]:
        """Return log lines, oldest first, from number `after` on."""
        limit = checked_limit(limit)
        if after < 0:
            raise UsageError(f"after must be at least 0, got {after}", field="after")
        job = await self._locate(job_id, queue)
        return await self._log_lines(job, after, limit)

    async def _log_lines(self, job: StoredJob, after: int, limit: int) -> tuple[LogLine, ...]:
        key = self._backend.keys(job.queue).log(job.id)
        stored = await self._backend.redis.lrange(key, after, after + limit - 1)  # type: ignore[misc]
        return tuple(self._log_line(text) for text in stored)

    def _log_line(self, text: bytes) -> LogLine:
        try:
            entry = orjson.loads(text)
            return LogLine(int(entry["ms"]), int(entry["attempt"]), self._backend.redaction.text(str(entry["line"])))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return LogLine(0, 0, self._backend.redaction.text(text.decode("utf-8", "replace")))

    async def tail_logs(self, job_id: str, *, queue: str | None = None) -> AsyncIterator[LogLine]:
        """Yield a job's log lines as they come, until it has ended."""
        job = await self._locate(job_id, queue)
        seen = 0
        while True:
            (now,) = await self._session.reader.read(job.queue, [job.id], parts="r", fields=())
            lines = await self._log_lines(job, seen, 1_000)
            for line in lines:
                yield line
            seen += len(lines)
            if now.state in ENDED or now.state is None:
                return
            if not lines:
                await asyncio.sleep(LOG_POLL_S)

    async def wait(self, job_id: str, timeout_s: float | None = None, *, queue: str | None = None) -> JobView:
        """Wait until a job has ended, and return it.

        Raises:
            Conflict: the time is over first.
        """
        job = await self._locate(job_id, queue)
        started, pause_s = time.monotonic(), 0.05
        while True:
            (now,) = await self._session.reader.read(job.queue, [job.id], parts="r", fields=())
            if now.state in ENDED or now.state is None:
                return await self.get(job_id, queue=job.queue)
            if timeout_s is not None and time.monotonic() - started >= timeout_s:
                raise Conflict(
                    f"job {job_id!r} has not ended within {timeout_s:g} s: it is {now.state}",
                    job_id=job_id,
                    state=str(now.state),
                )
            await asyncio.sleep(pause_s)
            pause_s = min(1.0, pause_s * 1.5)

    async def similar(self, job_id: str, limit: int = 5, *, queue: str | None = None) -> tuple[JobRow, ...]:
        """Return the newest other failures with the same fingerprint."""
        found = await self._locate(job_id, queue)
        (job,) = await self._session.reader.read(found.queue, [found.id])
        if job.error is None or not job.error.fingerprint:
            return ()
        wanted = Filter().and_is("state", "failed").and_is("fp", job.error.fingerprint)
        page = await self.page(wanted, limit=checked_limit(limit + 1))
        bare_id = self._backend.keys(job.queue).bare_id(job.id)
        return tuple(row for row in page.rows if (row.id, row.queue) != (bare_id, job.queue))[:limit]

    async def why(self, job_id: str, *, queue: str | None = None) -> Why:
        """Say in one sentence why a job is, or is not, running."""
        found = await self._locate(job_id, queue)
        job = await self._session.reader.view(found.queue, found.id)
        return await explain(self._session, job)

    async def schema(self, job_type: str) -> dict[str, Any] | None:
        """Return the JSON Schema of a job type's payload, when it has one."""
        described = (await self._session.job_types.all()).get(job_type)
        schema = described.get("schema") if described else None
        return schema if isinstance(schema, dict) else None

    async def job_types(self) -> tuple[dict[str, Any], ...]:
        """Return what workers have declared: name, queue, schema, attempts, …"""
        return tuple({**said, "name": name} for name, said in (await self._session.job_types.all()).items())

    async def add(
        self,
        job_type: str,
        payload: Any = None,
        *,
        queue: str | None = None,
        priority: int = 5,
        delay_s: float = 0,
        job_id: str | None = None,
        reason: str | None = None,
    ) -> Applied:
        """Enqueue one job by its type's name.

        Raises:
            JobTypeNotFound, PayloadInvalid, Conflict, UsageError, Forbidden
        """
        self._session.require("operator", "adding jobs")
        reason = self._session.checked_reason(reason)
        fields = as_payload({} if payload is None else payload)
        if fields["args"]:
            raise UsageError("a job that is added here takes named fields, not positional ones", field="payload")
        await self._session.job_types.check(job_type, fields["kwargs"])
        delay_s = checked_delay_s(delay_s)
        text = orjson.dumps(fields["kwargs"]).decode()
        target = f"{queue or job_type}/{job_id or 'new'}"
        async with self._change("jobs.add", target, job_type, reason=reason, payload=text, queue=queue) as entry:
            enqueued = await self._backend.client.enqueue(
                job_type, fields["kwargs"], queue=queue, job_id=job_id, priority=priority, delay_s=delay_s
            )
            if not enqueued.created:
                raise Conflict(f"a job {enqueued.id!r} stands already", job_id=enqueued.id, queue=enqueued.queue)
            entry.note(target=f"{enqueued.queue}/{enqueued.id}")
        return entry.applied(f"Job {enqueued.id} was added to {enqueued.queue}.", job_id=enqueued.id)

    async def edit(
        self,
        job_id: str,
        *,
        queue: str | None = None,
        payload: Any = None,
        priority: int | None = None,
        due_ms: int | None = None,
        attempts: int | None = None,
        reason: str | None = None,
    ) -> Applied:
        """Change a job that waits or is delayed; `None` leaves as it is.

        Raises:
            Conflict: it is in another state.
            PayloadInvalid, Refused, UsageError, Forbidden
        """
        self._session.require("operator", "editing jobs")
        reason = self._session.checked_reason(reason)
        if payload is None and priority is None and due_ms is None and attempts is None:
            raise UsageError("nothing to change was given", "Give a payload, a priority, a due time or attempts.")
        job = await self._locate(job_id, queue)
        call = None if payload is None else await self._edited(job, payload)

        def change() -> Awaitable[Changes]:
            return self._queue(job.queue).edit(
                [checked_id(job_id)], payload=call, priority=priority, due_ms=due_ms, attempts=attempts
            )

        options = {"priority": priority, "attempts": attempts}
        return await self._apply("jobs.edit", "changed", job, change, reason=reason, **options)

    async def _edited(self, found: StoredJob, payload: Any) -> bytes:
        """Return the bytes of an edited call, checked against its job type's schema."""
        job = await self._session.reader.view(found.queue, found.id)
        call = call_of(job)
        if call is None:
            raise Conflict(f"job {job.id!r} cannot be edited: its payload is gone", job_id=job.id)
        shown, _ = JobViews(self._backend).payload(call)
        enqueued_ms = job.created_ms or self._backend.now_ms()
        edited, data = edited_call(call, job.job_type, payload, shown, enqueued_ms)
        await self._session.job_types.check(job.job_type, edited["kwargs"])
        return data

    async def retry(
        self,
        job_id: str,
        *,
        queue: str | None = None,
        delay_s: float = 0,
        payload: Any = None,
        reason: str | None = None,
    ) -> Applied:
        """Put a failed or cancelled job back: its history is kept, and it gets one more full run of attempts.

        Raises:
            Conflict, PayloadInvalid, Refused, Forbidden
        """
        self._session.require("operator", "retrying jobs")
        reason = self._session.checked_reason(reason)
        job = await self._locate(job_id, queue)
        delay_ms = round(checked_delay_s(delay_s) * 1000)
        call = None if payload is None else await self._edited(job, payload)
        actor = self._session.actor.name

        def change() -> Awaitable[Changes]:
            return self._session.retrying.retry(job, actor=actor, reason=reason, delay_ms=delay_ms, payload=call)

        return await self._apply("jobs.retry", "put back", job, change, reason=reason, delay=_seconds(delay_s))

    async def cancel(self, job_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Cancel a job: one that waits ends at once, one that runs is asked to stop."""
        self._session.require("operator", "cancelling jobs")
        reason = self._session.checked_reason(reason)
        job = await self._locate(job_id, queue)
        verb = "asked to stop" if job.state is JobState.ACTIVE else "cancelled"
        return await self._apply(
            "jobs.cancel", verb, job, lambda: self._queue(job.queue).cancel([checked_id(job_id)]), reason=reason
        )

    async def remove(self, job_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Remove a job that does not run; the trash keeps it for a while."""
        self._session.require("operator", "removing jobs")
        reason = self._session.checked_reason(reason)
        job = await self._locate(job_id, queue)
        undo_ms = round(self._backend.settings.undo_h * 3_600_000)
        actor, until_ms = self._session.actor.name, self._backend.now_ms() + undo_ms

        def change() -> Awaitable[Changes]:
            return self._queue(job.queue).remove([checked_id(job_id)], actor=actor, trash_ms=undo_ms)

        return await self._apply("jobs.remove", "removed", job, change, reason=reason, undo_until_ms=until_ms)

    async def promote(self, job_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Make a delayed job due now."""
        self._session.require("operator", "promoting jobs")
        reason = self._session.checked_reason(reason)
        job = await self._locate(job_id, queue)
        return await self._apply(
            "jobs.promote",
            "made due now",
            job,
            lambda: self._queue(job.queue).promote([checked_id(job_id)]),
            reason=reason,
        )

    async def reschedule(
        self, job_id: str, due_ms: int, *, queue: str | None = None, reason: str | None = None
    ) -> Applied:
        """Give a waiting or delayed job another due time."""
        self._session.require("operator", "rescheduling jobs")
        reason = self._session.checked_reason(reason)
        if not 0 < due_ms < self._backend.now_ms() + MAX_DELAY_S * 1000:
            raise UsageError(f"due_ms must be an instant within ten years, got {due_ms}", field="due_ms")
        job = await self._locate(job_id, queue)

        def change() -> Awaitable[Changes]:
            return self._queue(job.queue).reschedule([checked_id(job_id)], due_ms)

        return await self._apply("jobs.reschedule", "rescheduled", job, change, reason=reason, at=iso_time(due_ms))

    async def _views(self) -> JobViews:
        return JobViews(self._backend, await self._session.job_types.attempts())


def order_of(reverse: bool, back: bool) -> Order:
    """Return the way through a listing for a page: a page before another one is read backwards."""
    return Order.REVERSED if reverse != back else Order.LISTED


def checked_delay_s(delay_s: float) -> float:
    """Return a delay.

    Raises:
        UsageError: it is negative, no number, or longer than ten years.
    """
    if isinstance(delay_s, bool) or not isinstance(delay_s, int | float) or not 0 <= delay_s <= MAX_DELAY_S:
        raise UsageError(f"delay_s must be a number of seconds from 0 to ten years, got {delay_s!r}", field="delay_s")
    return delay_s


def _seconds(seconds: float) -> str | None:
    return f"{seconds:g}s" if seconds else None
