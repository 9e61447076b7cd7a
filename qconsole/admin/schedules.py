"""`admin.schedules`: what is queued again and again, in words, with its next runs; pause, run now, edit, remove."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from qconsole.admin.audit_log import Change
from qconsole.admin.noun import Noun, refuse_unread
from qconsole.admin.payload_edit import as_payload, unmasked
from qconsole.admin.views import Applied, PauseView, Rows, ScheduleView
from qconsole.errors import Conflict, ScheduleNotFound, UsageError
from qconsole.runtime.schedule import ScheduleKind, preview
from qconsole.runtime.scheduler import Scheduler, ScheduleState

NEXT_RUNS: Final = 5
MAX_PREVIEW: Final = 100
_FIRE_WORDS: Final = {
    "skipped": "the run before has not ended, and the schedule does not overlap",
    "over": "its limit is reached",
}


class Schedules(Noun):
    """Schedules of all queues."""

    async def list(self, queue: str | None = None) -> Rows[ScheduleView]:
        """Return all schedules, or one queue's, the next to fire first."""
        names, missing = await self._readable(queue)
        states = await asyncio.gather(*(self._scheduler(name).list() for name in names))
        views = [await self._view(name, state) for name, found in zip(names, states, strict=True) for state in found]
        return Rows(sorted(views, key=lambda view: (view.next_ms or (2**62,), view.queue, view.id)), missing)

    async def _readable(self, queue: str | None) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the queue that was named, or all, as far as they can be read, and of the others why not."""
        names = (await self._session.known_queue(queue),) if queue else await self._session.plain_arq.queues()
        return await self._session.shards.readable(names)

    async def get(self, schedule_id: str, queue: str | None = None) -> ScheduleView:
        """Return one schedule.

        Raises:
            ScheduleNotFound, Conflict: there is none, or several queues have one of this name.
        """
        name, state = await self._find(schedule_id, queue)
        return await self._view(name, state)

    async def _find(self, schedule_id: str, queue: str | None) -> tuple[str, ScheduleState]:
        names, missing = await self._readable(queue)
        found: list[tuple[str, ScheduleState]] = []
        for name in names:
            try:
                found.append((name, await self._scheduler(name).get(schedule_id)))
            except ScheduleNotFound:
                continue
        if not found:
            refuse_unread(missing, f"schedule {schedule_id!r}")
            raise ScheduleNotFound(
                f"there is no schedule {schedule_id!r}", "List them with: qconsole schedules list", schedule=schedule_id
            )
        if len(found) > 1:
            queues = ", ".join(name for name, _ in found)
            raise Conflict(f"several queues have a schedule {schedule_id!r}: {queues}", "Name the queue (--queue).")
        return found[0]

    def _scheduler(self, queue: str) -> Scheduler:
        backend = self._backend
        return Scheduler(queue, redis=backend.redis, clock=backend.clock, cluster=backend.cluster)

    async def _view(self, queue: str, state: ScheduleState) -> ScheduleView:
        schedule, now_ms = state.schedule, self._backend.now_ms()
        coming: list[int] = []
        if state.pause is None and state.next_ms is not None:
            coming = [state.next_ms]
            for instant in schedule.instants(state.next_ms):
                if len(coming) >= NEXT_RUNS:
                    break
                coming.append(instant)
        pause = state.pause
        return ScheduleView(
            id=schedule.id,
            queue=queue,
            job_type=schedule.job_type,
            kind=schedule.kind.value,
            pattern=schedule.pattern,
            plain=schedule.plain(),
            tz=schedule.tz,
            payload=self._backend.redaction.value(schedule.payload).value,
            paused=pause is not None,
            pause=PauseView(pause.reason, pause.actor, pause.since_ms, None) if pause else None,
            next_ms=tuple(max(instant, 0) for instant in coming if instant >= now_ms - 86_400_000),
            last_ms=state.last_ms,
            last_job_id=state.last_job_id,
            last_state=await self._last_state(queue, state.last_job_id),
            missed=state.missed,
            overlap=schedule.overlap.value,
            missed_policy=schedule.missed.value,
            start_ms=schedule.start_ms,
            end_ms=schedule.end_ms,
            limit=schedule.limit,
            fired=state.fired,
            jitter_s=schedule.jitter_s,
            source=state.source,
            differs=state.differs,
        )

    async def _last_state(self, queue: str, job_id: str | None) -> str | None:
        if job_id is None:
            return None
        wire_id = self._backend.keys(queue).wire_id(job_id)
        (job,) = await self._session.reader.read(queue, [wire_id], parts="r", cap_bytes=65_536, fields=())
        return job.state.value if job.state else None

    async def preview(
        self, pattern: str, tz: str = "UTC", count: int = 5, start_ms: int | None = None
    ) -> tuple[int, ...]:
        """Return the next instants of a cron pattern, or of an interval in seconds.

        Raises:
            UsageError: the pattern or the zone is wrong.
        """
        if not isinstance(count, int) or not 1 <= count <= MAX_PREVIEW:
            raise UsageError(f"count must be a whole number from 1 to {MAX_PREVIEW}, got {count!r}", field="count")
        after_ms = self._backend.now_ms() if start_ms is None else start_ms
        return preview(pattern, tz, after_ms=after_ms, count=count)

    async def pause(self, schedule_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Stop a schedule until it is resumed; workers that declare it again do not undo that."""
        name, reason = await self._for_change(schedule_id, queue, reason, "pausing schedules")
        async with self._changing("pause", name, schedule_id, reason) as entry:
            await self._scheduler(name).pause(schedule_id, actor=self._session.actor.name, reason=reason)
        return entry.applied(f"Schedule {schedule_id} is paused.")

    async def resume(self, schedule_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Let a paused schedule go on with its next instant, or bring back one that was removed."""
        self._session.require("operator", "resuming schedules")
        try:
            name, reason = await self._for_change(schedule_id, queue, reason, "resuming schedules")
        except ScheduleNotFound:
            if queue is None:
                raise
            async with self._changing("resume", queue, schedule_id, reason) as entry:
                await self._scheduler(queue).bring_back(schedule_id, actor=self._session.actor.name)
            return entry.applied(f"Schedule {schedule_id} is back.")
        async with self._changing("resume", name, schedule_id, reason) as entry:
            await self._scheduler(name).resume(schedule_id, actor=self._session.actor.name)
        return entry.applied(f"Schedule {schedule_id} is resumed.")

    async def run(self, schedule_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Queue a run now, out of turn.

        Raises:
            Conflict: the run before has not ended and the schedule does not overlap.
        """
        name, reason = await self._for_change(schedule_id, queue, reason, "running schedules")
        async with self._changing("run", name, schedule_id, reason) as entry:
            fired = await self._scheduler(name).run(schedule_id)
            if fired.word != "fired":
                why = _FIRE_WORDS.get(fired.word, fired.word)
                raise Conflict(f"schedule {schedule_id!r} was not run: {why}", schedule=schedule_id, queue=name)
        return entry.applied(f"Schedule {schedule_id} was run as job {fired.job_id}.", job_id=fired.job_id)

    async def remove(self, schedule_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Remove a schedule; one that the code declares stays away until it is resumed."""
        name, reason = await self._for_change(schedule_id, queue, reason, "removing schedules")
        async with self._changing("remove", name, schedule_id, reason) as entry:
            await self._scheduler(name).remove(schedule_id, actor=self._session.actor.name)
        return entry.applied(f"Schedule {schedule_id} is removed.")

    async def revert(self, schedule_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Take back what operators changed of a schedule that the code declares."""
        name, reason = await self._for_change(schedule_id, queue, reason, "editing schedules")
        async with self._changing("revert", name, schedule_id, reason) as entry:
            await self._scheduler(name).revert(schedule_id, actor=self._session.actor.name)
        return entry.applied(f"Schedule {schedule_id} is as the code declares it.")

    async def edit(
        self, schedule_id: str, *, queue: str | None = None, reason: str | None = None, **changes: Any
    ) -> Applied:
        """Change fields of a schedule.

        Args:
            changes: pattern, tz, payload, start_ms, end_ms, limit, jitter_s, overlap, missed, priority.

        Raises:
            UsageError: a field that does not exist, or a wrong value.
            PayloadInvalid: the payload breaks the job type's schema.
        """
        name, reason = await self._for_change(schedule_id, queue, reason, "editing schedules")
        if not changes:
            raise UsageError("nothing to change was given", "Give a pattern, a zone, a payload, …")
        state = await self._scheduler(name).get(schedule_id)
        if "payload" in changes and changes["payload"] is not None:
            shown = self._backend.redaction.value(state.schedule.payload).value
            fields = as_payload(changes["payload"])["kwargs"]
            changes["payload"] = unmasked(fields, shown, state.schedule.payload)
            await self._session.job_types.check(state.schedule.job_type, changes["payload"])
        if "pattern" in changes and "kind" not in changes:
            changes["kind"] = _kind_of(str(changes["pattern"]))
        shown_options = {
            field: value for field, value in changes.items() if field in ("pattern", "tz", "overlap", "missed")
        }
        async with self._changing("edit", name, schedule_id, reason, **shown_options) as entry:
            await self._scheduler(name).edit(schedule_id, changes, actor=self._session.actor.name)
        return entry.applied(f"Schedule {schedule_id} is changed.")

    async def _for_change(
        self, schedule_id: str, queue: str | None, reason: str | None, what: str
    ) -> tuple[str, str | None]:
        self._session.require("operator", what)
        reason = self._session.checked_reason(reason)
        name, _ = await self._find(schedule_id, queue)
        return name, reason

    def _changing(
        self, verb: str, queue: str, schedule_id: str, reason: str | None, **options: object
    ) -> AbstractAsyncContextManager[Change]:
        target = f"{queue}/{schedule_id}"
        return self._change(f"schedules.{verb}", target, schedule_id, reason=reason, queue=queue, **options)


def _kind_of(pattern: str) -> ScheduleKind:
    """Tell an interval in seconds from cron fields."""
    return ScheduleKind.CRON if len(pattern.split()) > 1 else ScheduleKind.INTERVAL
