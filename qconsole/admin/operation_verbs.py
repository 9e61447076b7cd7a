"""What each verb of an operation does to a chunk, which jobs it may touch, and what its outcomes mean."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from qconsole.admin.backend import Backend
from qconsole.admin.filter_terms import JOBS
from qconsole.admin.filters import parse
from qconsole.admin.job_reader import VIEW_CAP_BYTES, JobReader
from qconsole.admin.job_types import JobTypes
from qconsole.admin.job_views import JobViews, call_of
from qconsole.admin.operation_record import Operation
from qconsole.admin.payload_edit import edited_call
from qconsole.admin.payloads import Call
from qconsole.admin.stored_letter import VIEW_FIELDS, read_letters
from qconsole.admin.views import Verb
from qconsole.errors import QConsoleError
from qconsole.runtime.changes import Changes
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.job import JobState
from qconsole.runtime.queue import Queue

JOB_STATES: Final[dict[Verb, tuple[str, ...]]] = {
    Verb.RETRY: ("failed", "cancelled"),
    Verb.REMOVE: ("waiting", "delayed", "waiting_children", "completed", "failed", "cancelled"),
    Verb.PROMOTE: ("delayed",),
    Verb.CANCEL: ("active", "waiting", "delayed", "waiting_children"),
    Verb.DRAIN: ("waiting", "delayed"),
}
LETTER_STATES: Final[dict[Verb, tuple[str, ...]]] = {Verb.REPLAY: ("open",), Verb.DISCARD: ("open",)}
UNDOABLE: Final = frozenset({Verb.REMOVE, Verb.DRAIN, Verb.REPLAY, Verb.DISCARD})
# Words that mean "somebody did it before", which after a crash was this operation itself.
DONE_BEFORE: Final[dict[Verb, frozenset[str]]] = {
    Verb.RETRY: frozenset({"waiting", "delayed", "active", "completed"}),
    Verb.REMOVE: frozenset({"missing"}),
    Verb.DRAIN: frozenset({"missing"}),
    Verb.PROMOTE: frozenset({"waiting", "active", "completed"}),
    Verb.CANCEL: frozenset({"cancelled", "missing"}),
    Verb.REPLAY: frozenset({"resolved"}),
    Verb.DISCARD: frozenset({"resolved"}),
    Verb.RESTORE: frozenset({"exists"}),
}
FAILURES: Final = frozenset({"no_payload"})
EDITS_AT_ONCE: Final = 16


@dataclass(slots=True)
class Outcome:
    """What a chunk came to; ids are bare."""

    done: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def take(self, changes: Changes) -> None:
        """Add what a verb of the runtime said."""
        self.done += changes.done
        for job_id, word in changes.skipped:
            (self.failed if word in FAILURES else self.skipped).append((job_id, word))


class Verbs:
    """Acts on chunks of one queue's jobs or dead letters."""

    def __init__(self, backend: Backend, reader: JobReader, job_types: JobTypes) -> None:
        self._backend = backend
        self._reader = reader
        self._job_types = job_types

    async def act(
        self, operation: Operation, queue: str, ids: Sequence[str], *, is_result: bool, delay_ms: int, spread_ms: int
    ) -> Outcome:
        """Do the verb to one chunk.

        Args:
            operation: whose verb, actor and reason.
            queue: of all the ids.
            ids: bare.
            is_result: the jobs are known by results of plain arq only.
            delay_ms: when the first of the chunk is due.
            spread_ms: over how long the others follow.
        """
        outcome = Outcome()
        if operation.payload_edit is not None:
            await self._edited(operation, queue, ids, outcome, delay_ms)
        elif operation.noun == "dlq":
            await self._letters(operation, queue, ids, outcome, delay_ms, spread_ms)
        else:
            outcome.take(await self._jobs(operation, queue, ids, is_result, delay_ms, spread_ms))
        return outcome

    async def _jobs(
        self, operation: Operation, name: str, ids: Sequence[str], is_result: bool, delay_ms: int, spread_ms: int
    ) -> Changes:
        backend = self._backend
        queue = Queue(name, redis=backend.redis, clock=backend.clock, cluster=backend.cluster)
        actor = operation.actor
        match operation.verb:
            case Verb.RETRY if is_result:
                return await queue.retry_result(ids, delay_ms=delay_ms)
            case Verb.RETRY:
                return await queue.retry(
                    ids,
                    actor=actor,
                    reason=operation.reason,
                    delay_ms=delay_ms,
                    spread_ms=spread_ms,
                    unless_replayed=True,
                )
            case Verb.REMOVE | Verb.DRAIN:
                undo_ms = round(backend.settings.undo_h * 3_600_000)
                states = _states(operation.filter, operation.verb)
                return await queue.remove(ids, actor=actor, operation=operation.id, trash_ms=undo_ms, states=states)
            case Verb.PROMOTE:
                return await queue.promote(ids)
            case Verb.CANCEL:
                return await queue.cancel(ids)
            case Verb.RESTORE:
                return await queue.restore(ids)
            case _:
                raise AssertionError(f"{operation.verb} is no verb of jobs")

    async def _letters(
        self, operation: Operation, queue: str, ids: Sequence[str], outcome: Outcome, delay_ms: int, spread_ms: int
    ) -> None:
        letters = self._dead_letters(queue)
        match operation.verb:
            case Verb.REPLAY:
                replays = await letters.replay(
                    ids, actor=operation.actor, reason=operation.reason, delay_ms=delay_ms, spread_ms=spread_ms
                )
                outcome.take(Changes(tuple(replays.done), tuple(replays.skipped.items())))
            case Verb.DISCARD:
                outcome.take(await letters.discard(ids, actor=operation.actor, reason=operation.reason or ""))
            case Verb.RESTORE:
                outcome.take(await letters.reopen(ids))
            case _:
                raise AssertionError(f"{operation.verb} is no verb of dead letters")

    async def _edited(
        self, operation: Operation, queue: str, ids: Sequence[str], outcome: Outcome, delay_ms: int
    ) -> None:
        """Put each back with its own edited payload; one that does not fit its schema fails alone."""
        calls = await self._calls(operation, queue, ids)
        gate = asyncio.Semaphore(EDITS_AT_ONCE)

        async def one(bare_id: str, call: Call | None) -> None:
            async with gate:
                try:
                    outcome.take(await self._put_back(operation, queue, bare_id, call, delay_ms))
                except QConsoleError as error:
                    outcome.failed.append((bare_id, str(error)))

        await asyncio.gather(*(one(bare_id, call) for bare_id, call in zip(ids, calls, strict=True)))

    async def _calls(self, operation: Operation, queue: str, ids: Sequence[str]) -> list[Call | None]:
        wire = [self._backend.keys(queue).wire_id(bare_id) for bare_id in ids]
        if operation.noun == "dlq":
            letters = await read_letters(self._backend, queue, wire, fields=VIEW_FIELDS, cap_bytes=VIEW_CAP_BYTES)
            return [letter.call if letter else None for letter in letters]
        jobs = await self._reader.read(queue, wire, cap_bytes=VIEW_CAP_BYTES)
        return [call_of(job) for job in jobs]

    async def _put_back(
        self, operation: Operation, queue: str, bare_id: str, call: Call | None, delay_ms: int
    ) -> Changes:
        if call is None:
            return Changes(skipped=((bare_id, "no_payload"),))
        shown, _ = JobViews(self._backend).payload(call)
        payload: dict[str, Any] = shown.value if isinstance(shown.value, dict) else {}
        patched = {**payload, "kwargs": {**payload.get("kwargs", {}), **(operation.payload_edit or {})}}
        job_type = call.job_type or "?"
        edited, data = edited_call(call, job_type, patched, shown, call.enqueued_ms or self._backend.now_ms())
        await self._job_types.check(job_type, edited["kwargs"])
        if operation.noun == "dlq":
            replays = await self._dead_letters(queue).replay(
                [bare_id], actor=operation.actor, reason=operation.reason, delay_ms=delay_ms, payload=data
            )
            return Changes(tuple(replays.done), tuple(replays.skipped.items()))
        backend = self._backend
        verbs = Queue(queue, redis=backend.redis, clock=backend.clock, cluster=backend.cluster)
        return await verbs.retry(
            [bare_id],
            actor=operation.actor,
            reason=operation.reason,
            delay_ms=delay_ms,
            payload=data,
            unless_replayed=True,
        )

    def _dead_letters(self, queue: str) -> DeadLetters:
        backend = self._backend
        return DeadLetters(queue, redis=backend.redis, clock=backend.clock, cluster=backend.cluster)


@lru_cache(maxsize=16)
def _states(filter: str, verb: Verb) -> tuple[JobState, ...]:
    """Return the states a job may still be in: one that somebody else moved meanwhile is left alone."""
    named = parse(filter, noun=JOBS).literals("state") or JOB_STATES[verb]
    return tuple(JobState(state) for state in named)
