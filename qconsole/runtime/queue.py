"""What an operator may do to a queue and its jobs. Every change is one script; many jobs go in chunks that never hold
the server for long. Each verb says which jobs it changed and what kept it from the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from redis.asyncio import Redis

from qconsole.clock import Clock
from qconsole.errors import UsageError
from qconsole.runtime.changes import CHUNK, DONE, REQUESTED, Changes, chunks, read_words
from qconsole.runtime.codec import Result, decode_call, encode_result
from qconsole.runtime.job import JobState
from qconsole.runtime.keys import Keys
from qconsole.runtime.score import DEFAULT_PRIORITY, check_priority
from qconsole.runtime.scripts import script

TRASH_MS: Final = 24 * 3600 * 1000
CANCELLED_KEPT_MS: Final = 24 * 3600 * 1000
UNLIMITED: Final = -1


class Queue:
    """One queue.

    Args:
        name: the queue's name.
        redis: the connection; of the slot's owner on a cluster.
        clock: where "now" comes from.
        cluster: job ids carry the queue's hash tag; bare ids are accepted and answered.
    """

    def __init__(self, name: str, *, redis: Redis, clock: Clock, cluster: bool = False) -> None:
        self.name = name
        self.keys = Keys(name, cluster=cluster)
        self._redis = redis
        self._clock = clock

    def __repr__(self) -> str:
        return f"Queue({self.name!r})"

    # the queue itself

    async def pause(self, *, actor: str, reason: str | None = None, until_ms: int | None = None) -> bool:
        """Stop claims until resumed or `until_ms`; jobs that run go on. Returns false when it was paused already."""
        now_ms = self._clock.now_ms()
        if until_ms is not None and until_ms <= now_ms:
            raise UsageError("a pause must end in the future", field="until_ms")
        return bool(await self._run("pause", now_ms, 1, actor, reason or "", until_ms or ""))

    async def resume(self, *, actor: str, reason: str | None = None) -> bool:
        """Let jobs be claimed again. Returns false when the queue was not paused."""
        return bool(await self._run("pause", self._clock.now_ms(), 0, actor, reason or "", ""))

    async def configure(self, limits: Mapping[str, int | None]) -> dict[str, int]:
        """Write the code's part of the limits in place of an earlier one; an operator's part stays over it.

        Args:
            limits: `concurrency rate_max rate_ms keep_completed keep_completed_ms keep_failed keep_failed_ms
                sla_queue_ms sla_run_ms sla_total_ms`; None is left out.

        Returns:
            What counts now.
        """
        said = {name: value for name, value in limits.items() if value is not None}
        return await self._configure("code", said, replace=True, actor="")

    async def limit(self, *, actor: str, **changes: int | None) -> dict[str, int]:
        """Set the operator's part of the limits; they count at once.

        Args:
            actor: who.
            changes: as for `configure`; a number, `UNLIMITED`, or None to go back to what the code says.
        """
        for name, value in changes.items():
            if value is not None and value != UNLIMITED and not (isinstance(value, int) and value >= 1):
                raise UsageError(f"{name} must be a whole number ≥ 1, got {value!r}", field=name)
        return await self._configure("operator", changes, replace=False, actor=actor)

    async def _configure(
        self, part: str, changes: Mapping[str, int | None], *, replace: bool, actor: str
    ) -> dict[str, int]:
        text = orjson.dumps(dict(changes))
        answer = await self._run("configure", self._clock.now_ms(), part, text, int(replace), actor)
        counts: dict[str, int] = orjson.loads(answer)
        return counts

    async def release_hold(self) -> bool:
        """End a hold that a RateLimited put on the queue. Returns false when there was none."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(self.keys.hold())
        pipe.rpush(self.keys.wake(), "1")
        return bool((await pipe.execute())[0])

    async def drain(self, *, actor: str, delayed: bool = True, trash_ms: int = TRASH_MS) -> Changes:
        """Remove what waits, and with `delayed` what is delayed; jobs that run go on."""
        states = "waiting,delayed" if delayed else "waiting"
        changed, position = Changes(), 0
        while ids := await self._redis.zrange(self.name, position, position + CHUNK - 1):
            part = await self._remove([i.decode() for i in ids], trash_ms, actor, "", states)
            changed += Changes(part.done)
            position += len(part.skipped)
        return changed

    # its jobs

    async def retry(
        self,
        job_ids: Iterable[str],
        *,
        actor: str,
        reason: str | None = None,
        delay_ms: int = 0,
        spread_ms: int = 0,
        payload: bytes | None = None,
        unless_replayed: bool = False,
    ) -> Changes:
        """Put failed or cancelled jobs back under their ids: history kept, one more full run of attempts.

        Args:
            job_ids: any number.
            actor, reason: noted in the dead letters this resolves.
            delay_ms: when the first one is due.
            spread_ms: over how long the others follow it.
            payload: another call in place of the stored one (the bytes of `arq:job:<id>`).
            unless_replayed: leave a job alone whose dead letter was replayed as another job that is still known.
        """
        changed, ids = Changes(), list(job_ids)
        for chunk, due in _spread(ids, self._clock.now_ms(), delay_ms, spread_ms):
            args = [x for i, d in zip(chunk, due, strict=True) for x in (self.keys.wire_id(i), d, payload or b"")]
            told = (self._clock.now_ms(), actor, reason or "", int(unless_replayed))
            changed += read_words(chunk, await self._run("retry", *told, *args))
        return changed

    async def retry_result(self, job_ids: Iterable[str], *, delay_ms: int = 0, payload: bytes | None = None) -> Changes:
        """Put jobs back that only a result of plain arq knows; the result carries the call, and goes.

        Args:
            job_ids: any number.
            delay_ms: when they are due.
            payload: another call in place of the stored one (the bytes of `arq:job:<id>`).
        """
        changed = Changes()
        for chunk in chunks(job_ids):
            now_ms = self._clock.now_ms()
            due_ms = now_ms + delay_ms if delay_ms else 0
            ids = [self.keys.wire_id(job_id) for job_id in chunk]
            changed += read_words(chunk, await self._run("retry_result", now_ms, due_ms, payload or b"", *ids))
        return changed

    async def remove(
        self,
        job_ids: Iterable[str],
        *,
        actor: str,
        operation: str | None = None,
        trash_ms: int = TRASH_MS,
        states: Iterable[JobState] = (),
    ) -> Changes:
        """Remove jobs that do not run, every key of each. A removed parent takes with it what has not started.

        Args:
            job_ids: any number.
            actor, operation: noted in the trash.
            trash_ms: how long the trash keeps a copy; 0 for none.
            states: only jobs in these; none for all.
        """
        changed, only = Changes(), ",".join(states)
        for chunk in chunks(job_ids):
            changed += await self._remove(chunk, trash_ms, actor, operation or "", only)
        return changed

    async def _remove(self, chunk: Sequence[str], trash_ms: int, actor: str, operation: str, states: str) -> Changes:
        ids = [self.keys.wire_id(job_id) for job_id in chunk]
        words = await self._run("remove", self._clock.now_ms(), trash_ms, actor, operation, states, *ids)
        return read_words([self.keys.bare_id(i) for i in ids], words)

    async def restore(self, job_ids: Iterable[str]) -> Changes:
        """Put removed jobs back from the trash as they were."""
        changed = Changes()
        for chunk in chunks(job_ids):
            ids = [self.keys.wire_id(job_id) for job_id in chunk]
            changed += read_words(chunk, await self._run("restore", self._clock.now_ms(), *ids))
        return changed

    async def cancel(self, job_ids: Iterable[str]) -> Changes:
        """Cancel jobs: those that wait end at once, those that run are asked to (and count as done)."""
        changed = Changes()
        for chunk in chunks(job_ids):
            ids = [self.keys.wire_id(job_id) for job_id in chunk]
            now_ms = self._clock.now_ms()
            calls = await self._redis.mget([self.keys.job(i) for i in ids])
            args: list[Any] = []
            for job_id, call in zip(ids, calls, strict=True):
                args += (job_id, _cancelled_result(self.name, job_id, call, now_ms), CANCELLED_KEPT_MS)
            changed += read_words(chunk, await self._run("cancel", now_ms, *args), {DONE, REQUESTED}.__contains__)
        return changed

    async def promote(self, job_ids: Iterable[str]) -> Changes:
        """Make delayed jobs due now, in the order given."""
        return await self._edit(job_ids, due_ms=self._clock.now_ms(), only="delayed")

    async def reschedule(self, job_ids: Iterable[str], due_ms: int) -> Changes:
        """Give waiting or delayed jobs another due time."""
        return await self._edit(job_ids, due_ms=due_ms)

    async def reprioritise(self, job_ids: Iterable[str], priority: int) -> Changes:
        """Give waiting or delayed jobs another priority; they keep their due time."""
        return await self.edit(job_ids, priority=priority)

    async def edit(
        self,
        job_ids: Iterable[str],
        *,
        payload: bytes | None = None,
        priority: int | None = None,
        due_ms: int | None = None,
        attempts: int | None = None,
    ) -> Changes:
        """Change jobs that wait or are delayed; None leaves as it is.

        Args:
            job_ids: any number.
            payload: the bytes of `arq:job:<id>`.
            priority: 0…100, lower first.
            due_ms: UTC epoch milliseconds.
            attempts: runs before the job is buried.
        """
        if priority is not None:
            try:
                check_priority(priority)
            except ValueError as error:
                raise UsageError(str(error), field="priority") from error
        if attempts is not None and attempts < 1:
            raise UsageError(f"attempts must be a whole number ≥ 1, got {attempts!r}", field="attempts")
        return await self._edit(job_ids, due_ms=due_ms, priority=priority, payload=payload, attempts=attempts)

    async def _edit(
        self,
        job_ids: Iterable[str],
        *,
        due_ms: int | None = None,
        priority: int | None = None,
        payload: bytes | None = None,
        attempts: int | None = None,
        only: str = "",
    ) -> Changes:
        changed = Changes()
        wanted = ["" if value is None else value for value in (due_ms, priority, payload, attempts)]
        for chunk in chunks(job_ids):
            ids = [self.keys.wire_id(job_id) for job_id in chunk]
            changed += read_words(chunk, await self._run("edit", self._clock.now_ms(), *wanted, only, *ids))
        return changed

    async def _run(self, name: str, *args: Any) -> Any:
        return await script(name).run(self._redis, (self.name, self.keys.abort), args)


def _spread(
    members: Sequence[str], now_ms: int, delay_ms: int, spread_ms: int
) -> Iterator[tuple[Sequence[str], list[int]]]:
    """Cut members into chunks with their due times: the first after the delay, the rest evenly over the spread."""
    for start in range(0, len(members), CHUNK):
        chunk = members[start : start + CHUNK]
        offsets = [delay_ms + (start + i) * spread_ms // len(members) for i in range(len(chunk))]
        yield chunk, [now_ms + offset if offset else 0 for offset in offsets]


def _cancelled_result(queue: str, job_id: str, call: bytes | None, now_ms: int) -> bytes:
    """Return what a caller who waits for a declared job reads after it was cancelled; b"" for others."""
    if call is None or (decoded := decode_call(call)) is None:
        return b""
    return encode_result(
        Result(
            job_type=decoded.job_type,
            payload=decoded.payload,
            enqueued_ms=decoded.enqueued_ms,
            due_ms=decoded.enqueued_ms,
            started_ms=now_ms,
            finished_ms=now_ms,
            attempt=0,
            priority=DEFAULT_PRIORITY,
            success=False,
            queue=queue,
            job_id=job_id,
            worker="",
            value=None,
            error=None,
            cancelled=True,
        )
    )
