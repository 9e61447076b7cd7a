"""Keeps a queue's schedules and fires them. Whichever worker comes first fires an instant, in one atomic step; what the
code declares never undoes what an operator changed, paused or removed.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from itertools import takewhile
from typing import Any, Final

import orjson
from redis.asyncio import Redis

from qconsole.clock import Clock
from qconsole.errors import Conflict, ScheduleNotFound, UsageError
from qconsole.runtime.codec import encode_call
from qconsole.runtime.json_codec import encode_value
from qconsole.runtime.keys import Keys
from qconsole.runtime.schedule import Missed, Schedule, from_json
from qconsole.runtime.score import DEFAULT_PRIORITY
from qconsole.runtime.scripts import script
from qconsole.text import visible

logger = logging.getLogger("qconsole.scheduler")

ON_TIME_MS: Final = 60_000  # an instant fired later than this was missed
MAX_CATCH_UP: Final = 1_000
MAX_FIRED: Final = 100  # in one tick
_TRIES: Final = 20

EncodeCall = Callable[[Schedule, int], bytes]
"""From a schedule of an arq app and "now" to the bytes of `arq:job:<id>`."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused a schedule, and why."""

    actor: str
    reason: str | None
    since_ms: int


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule as it stands: `schedule` is what counts, `differs` names what an operator changed from the code."""

    schedule: Schedule
    source: str  # code | operator | arq
    differs: tuple[str, ...]
    pause: Pause | None
    next_ms: int | None
    fired: int
    missed: int
    skipped: int
    last_ms: int | None
    last_job_id: str | None


@dataclass(frozen=True, slots=True)
class Fired:
    """One step of a tick: fired, skipped (the run before has not ended), passed (missed) or over (its limit)."""

    schedule_id: str
    instant: int
    word: str
    job_id: str


class Scheduler:
    """The schedules of one queue.

    Args:
        queue: the queue's name.
        redis: the connection; of the slot's owner on a cluster.
        clock: where "now" comes from.
        cluster: job ids carry the queue's hash tag.
        encode_arq: writes the calls of an unchanged arq app; without it such schedules are left to others.
    """

    def __init__(
        self,
        queue: str,
        *,
        redis: Redis,
        clock: Clock,
        cluster: bool = False,
        encode_arq: EncodeCall | None = None,
    ) -> None:
        self.keys = Keys(queue, cluster=cluster)
        self._redis = redis
        self._clock = clock
        self._encode_arq = encode_arq

    # firing

    async def tick(self) -> tuple[Fired, ...]:
        """Fire what is due; to be called about once a second, or at `next_ms`."""
        now_ms = self._clock.now_ms()
        due = await self._redis.zrangebyscore(
            self.keys.schedules_due(), "-inf", now_ms, start=0, num=MAX_FIRED, withscores=True
        )
        if not due:
            return ()
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(self.keys.schedules(), [name.decode() for name, _ in due])
        (stored,) = await pipe.execute()
        fired: list[Fired] = []
        for (name, instant), text in zip(due, stored, strict=True):
            if text is not None and (schedule := _Stored.read(text).counts) is not None:
                fired += await self._catch_up(schedule, int(instant), now_ms)
            elif text is None:
                await self._redis.zrem(self.keys.schedules_due(), name)
        return tuple(fired)

    async def next_ms(self) -> int | None:
        """Return when the next schedule is due, None without any."""
        first = await self._redis.zrange(self.keys.schedules_due(), 0, 0, withscores=True)
        return int(first[0][1]) if first else None

    async def _catch_up(self, schedule: Schedule, due_ms: int, now_ms: int) -> list[Fired]:
        """Fire one schedule for all instants from the one that is due until now, as its `missed` policy says."""
        if schedule.arq and self._encode_arq is None:
            return []
        passed = [due_ms]
        for instant in takewhile(lambda i: i <= now_ms, schedule.instants(due_ms)):
            passed.append(instant)
            if schedule.missed is Missed.ALL and len(passed) >= MAX_CATCH_UP:
                break
        steps: list[tuple[int, int | None, int | None]]
        if schedule.missed is Missed.ALL:
            steps = [(instant, schedule.next_ms(instant), instant) for instant in passed]
        else:
            is_late = now_ms - passed[-1] > ON_TIME_MS
            run = None if schedule.missed is Missed.SKIP and is_late else passed[-1]
            steps = [(due_ms, schedule.next_ms(passed[-1]), run)]
        fired: list[Fired] = []
        for expected, following, run in steps:
            missed = len(passed) - 1 + (run is None) if len(steps) == 1 else 0
            word, job_id = await self._fire(schedule, expected, following, run, missed)
            if word == "late":
                break
            fired.append(Fired(schedule.id, expected if run is None else run, word, job_id))
        return fired

    async def _fire(
        self, schedule: Schedule, expected: int | None, following: int | None, run: int | None, missed: int
    ) -> tuple[str, str]:
        now_ms = self._clock.now_ms()
        instant = now_ms if run is None else run
        job_id = schedule.job_id(instant) if expected is not None else f"{schedule.id}:run:{now_ms}"
        due_ms = instant + schedule.jitter_ms(instant) if expected is not None else 0
        answer = await script("fire").run(
            self._redis,
            (self.keys.queue, self.keys.abort),
            (
                now_ms,
                schedule.id,
                "" if expected is None else expected,
                "" if following is None else following,
                missed,
                schedule.limit or 0,
                schedule.overlap,
                self.keys.wire_id(job_id),
                b"" if run is None and expected is not None else self._call(schedule, now_ms),
                DEFAULT_PRIORITY if schedule.priority is None else schedule.priority,
                due_ms,
            ),
        )
        return answer[0].decode(), self.keys.bare_id(answer[1].decode())

    def _call(self, schedule: Schedule, now_ms: int) -> bytes:
        if schedule.arq:
            if self._encode_arq is None:
                raise Conflict("only a worker of the arq app can run this schedule", schedule=schedule.id)
            return self._encode_arq(schedule, now_ms)
        return encode_call(schedule.job_type, encode_value(schedule.payload or {}), now_ms)

    # keeping

    async def list(self) -> tuple[ScheduleState, ...]:
        """Return all schedules that were not removed, by id; one that cannot be read is logged and hides no other."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hgetall(self.keys.schedules())
        (stored,) = await pipe.execute()
        kept = {}
        for name, text in sorted(stored.items()):
            try:
                entry = _Stored.read(text)
                if entry.counts is not None:
                    kept[name.decode()] = entry
            except (UsageError, ValueError, TypeError, KeyError, AttributeError) as error:
                logger.warning("queue %r has a schedule that cannot be read: %s", self.keys.queue, visible(str(error)))
        return await self._states(kept)

    async def get(self, schedule_id: str) -> ScheduleState:
        """Return a schedule.

        Raises:
            ScheduleNotFound: there is none, or it was removed.
        """
        entry, _ = await self._read(schedule_id)
        (state,) = await self._states({schedule_id: entry})
        return state

    async def _states(self, entries: Mapping[str, "_Stored"]) -> tuple[ScheduleState, ...]:
        if not entries:
            return ()
        pipe = self._redis.pipeline(transaction=False)
        for schedule_id in entries:
            pipe.hgetall(self.keys.schedule_runs(schedule_id))
            pipe.zscore(self.keys.schedules_due(), schedule_id)
        answers = await pipe.execute()
        return tuple(
            entry.state(runs, None if next_ms is None else int(next_ms))
            for entry, runs, next_ms in zip(entries.values(), answers[0::2], answers[1::2], strict=True)
        )

    async def declare(self, schedules: Iterable[Schedule]) -> None:
        """Write what the code declares; an operator's edits, pause and removal stay."""
        for schedule in schedules:
            await self._change(schedule.id, partial(_declared, schedule), missing_ok=True)

    async def add(self, schedule: Schedule, *, actor: str) -> None:
        """Add an operator's schedule.

        Raises:
            Conflict: there is one of this id.
        """

        def added(entry: "_Stored") -> "_Stored":
            if entry.counts is not None:
                raise Conflict(f"a schedule {schedule.id!r} is there already", schedule=schedule.id)
            return _Stored(code=None, operator=orjson.loads(schedule.to_json()), pause=None, removed=None)

        await self._change(schedule.id, added, missing_ok=True, event="schedule_added", actor=actor)

    async def edit(self, schedule_id: str, changes: Mapping[str, Any], *, actor: str) -> None:
        """Change fields of a schedule (`schedule.EDITABLE`); its next instant follows.

        Raises:
            ScheduleNotFound, UsageError: nothing was changed.
        """

        def edited(entry: "_Stored") -> "_Stored":
            new = entry.standing().edited(dict(changes))
            plain = orjson.loads(new.to_json())
            operator = dict(entry.operator or {}) | {name: plain.get(name, getattr(new, name)) for name in changes}
            return _Stored(entry.code, operator, entry.pause, entry.removed)

        await self._change(schedule_id, edited, event="schedule_edited", actor=actor)

    async def revert(self, schedule_id: str, *, actor: str) -> None:
        """Take back an operator's edits of a schedule that the code declares.

        Raises:
            Conflict: the code declares no such schedule.
        """

        def reverted(entry: "_Stored") -> "_Stored":
            if entry.code is None:
                raise Conflict(f"the code declares no schedule {schedule_id!r}", schedule=schedule_id)
            return _Stored(entry.code, None, entry.pause, entry.removed)

        await self._change(schedule_id, reverted, event="schedule_reverted", actor=actor)

    async def pause(self, schedule_id: str, *, actor: str, reason: str | None = None) -> None:
        """Stop a schedule until it is resumed."""
        pause = {"actor": actor, "reason": reason, "since_ms": self._clock.now_ms()}
        await self._change(
            schedule_id,
            lambda entry: _Stored(entry.code, entry.operator, entry.pause or pause, entry.removed),
            event="schedule_paused",
            actor=actor,
        )

    async def resume(self, schedule_id: str, *, actor: str) -> None:
        """Let a paused schedule go on with its next instant; those of the pause are no missed ones."""
        await self._change(
            schedule_id,
            lambda entry: _Stored(entry.code, entry.operator, None, entry.removed),
            event="schedule_resumed",
            actor=actor,
        )

    async def remove(self, schedule_id: str, *, actor: str) -> None:
        """Remove a schedule; one that the code declares stays removed when workers declare it again."""

        def removed(entry: "_Stored") -> "_Stored | None":
            if entry.code is None:
                return None
            return _Stored(entry.code, None, None, {"actor": actor, "at_ms": self._clock.now_ms()})

        await self._change(schedule_id, removed, event="schedule_removed", actor=actor)

    async def bring_back(self, schedule_id: str, *, actor: str) -> None:
        """Undo the removal of a schedule that the code declares."""
        await self._change(
            schedule_id,
            lambda entry: _Stored(entry.code, None, None, None),
            removed_ok=True,
            event="schedule_added",
            actor=actor,
        )

    async def run(self, schedule_id: str) -> Fired:
        """Queue a run now, out of turn; a pause or the limit does not hinder it, the overlap policy does."""
        entry, _ = await self._read(schedule_id)
        now_ms = self._clock.now_ms()
        word, job_id = await self._fire(entry.standing(), None, None, None, 0)
        return Fired(schedule_id, now_ms, word, job_id)

    async def _read(
        self, schedule_id: str, *, missing_ok: bool = False, removed_ok: bool = False
    ) -> tuple["_Stored", bytes]:
        pipe = self._redis.pipeline(transaction=False)
        pipe.hget(self.keys.schedules(), schedule_id)
        (text,) = await pipe.execute()
        entry = _Stored.read(text or b"{}")
        is_gone = entry.code is None if removed_ok else entry.counts is None
        if is_gone and not missing_ok:
            raise ScheduleNotFound(
                f"queue {self.keys.queue} has no schedule {schedule_id!r}", schedule=schedule_id, queue=self.keys.queue
            )
        return entry, text or b""

    async def _change(
        self,
        schedule_id: str,
        change: "Callable[[_Stored], _Stored | None]",
        *,
        missing_ok: bool = False,
        removed_ok: bool = False,
        event: str = "",
        actor: str = "",
    ) -> None:
        for _ in range(_TRIES):
            entry, text = await self._read(schedule_id, missing_ok=missing_ok, removed_ok=removed_ok)
            new, now_ms = change(entry), self._clock.now_ms()
            args = (
                now_ms,
                schedule_id,
                text,
                b"" if new is None else new.to_json(),
                _next_of(entry, new, now_ms, is_new=not text),
                event,
                orjson.dumps({"schedule": schedule_id, "actor": actor}),
            )
            if await script("put_schedule").run(self._redis, (self.keys.queue,), args):
                return
        raise Conflict(f"schedule {schedule_id!r} is being changed by others; try again", schedule=schedule_id)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A schedule's entry: what the code declared, what an operator changed or made, paused, or removed."""

    code: dict[str, Any] | None
    operator: dict[str, Any] | None
    pause: dict[str, Any] | None
    removed: dict[str, Any] | None

    @classmethod
    def read(cls, text: bytes) -> "_Stored":
        said = orjson.loads(text)
        return cls(*(said.get(field.name) for field in fields(cls)))

    def to_json(self) -> bytes:
        return orjson.dumps({f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None})

    @property
    def counts(self) -> Schedule | None:
        """The schedule that counts: the operator's words over the code's."""
        if self.removed is not None or (self.code is None and self.operator is None):
            return None
        return from_json(orjson.dumps({**(self.code or {}), **(self.operator or {})}))

    def standing(self) -> Schedule:
        """Return the schedule that counts, of an entry known to have one."""
        if (schedule := self.counts) is None:
            raise ScheduleNotFound("the schedule was removed")
        return schedule

    def state(self, runs: Mapping[bytes, bytes], next_ms: int | None) -> ScheduleState:
        schedule = self.standing()
        declared = from_json(orjson.dumps(self.code)) if self.code else None
        changed = (self.operator or {}) if declared else {}
        last_ms, last_job_id = runs.get(b"last_ms"), runs.get(b"last_job_id")
        return ScheduleState(
            schedule=schedule,
            source="operator" if declared is None else "arq" if schedule.arq else "code",
            differs=tuple(n for n in changed if getattr(schedule, n) != getattr(declared, n)),
            pause=Pause(**self.pause) if self.pause else None,
            next_ms=next_ms,
            fired=int(runs.get(b"fired", 0)),
            missed=int(runs.get(b"missed", 0)),
            skipped=int(runs.get(b"skipped", 0)),
            last_ms=int(last_ms) if last_ms else None,
            last_job_id=last_job_id.decode() if last_job_id else None,
        )


def _declared(schedule: Schedule, entry: _Stored) -> _Stored:
    return _Stored(orjson.loads(schedule.to_json()), entry.operator, entry.pause, entry.removed)


def _next_of(old: _Stored, new: _Stored | None, now_ms: int, *, is_new: bool) -> int | str:
    """Return the next instant to note: `keep` when the change does not move it, '' for none."""
    if new is None or new.counts is None or new.pause is not None:
        return ""
    was, schedule = old.counts, new.counts
    if not is_new and was is not None and old.pause is None and _timing(was) == _timing(schedule):
        return "keep"
    following = schedule.next_ms(now_ms)
    return "" if following is None else following


def _timing(schedule: Schedule) -> tuple[Any, ...]:
    return (
        schedule.kind,
        schedule.pattern,
        schedule.tz,
        schedule.start_ms,
        schedule.end_ms,
        schedule.limit,
        schedule.offset_ms,
        schedule.both_days,
    )
