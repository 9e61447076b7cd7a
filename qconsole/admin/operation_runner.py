"""Drives an operation to its end in chunks, one runner at a time; whoever else asks follows its progress.

What a chunk takes up is written down before it acts and counted after, so a runner that was killed is taken over
without acting twice or losing count.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from qconsole.admin.audit_log import KEPT as AUDIT_KEPT
from qconsole.admin.backend import Backend
from qconsole.admin.operation_record import LEASE_MS, Operation, OperationStore
from qconsole.admin.operation_targets import Chunk, Target, Targets
from qconsole.admin.operation_verbs import DONE_BEFORE, UNDOABLE, Outcome, Verbs
from qconsole.admin.views import OperationState, OperationView
from qconsole.errors import Conflict, QConsoleError
from qconsole.runtime.keys import GLOBAL

CHUNK: Final = 1_000  # jobs taken up at once and written down as one
EDIT_CHUNK: Final = 100  # of edited payloads, which go one by one
FIRST_CALL: Final = 20
LARGEST_CALL: Final = 100  # at 90 us a job, which slow machines take, nobody else waits for longer than 10 ms
SMALLEST_CALL: Final = 5
CALL_MS: Final = 5.0  # how long one call should hold the server, at most
CHEAPEST_MS: Final = 0.1  # what a call costs the server at least, whatever the clock says
COSTS_KEPT: Final = 4
FAILURES_KEPT: Final = 100
VIEW_EVERY_S: Final = 0.1
FOLLOW_S: Final = 0.25
RATE_WINDOW_S: Final = 0.5
LOST: Final = "lost"


@dataclass(slots=True)
class _Tally:
    """What the last chunk came to, until it is written down."""

    done: list[str] = field(default_factory=list)
    skips: dict[str, int] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def take(self, queue: str, outcome: Outcome, resumed: frozenset[str]) -> None:
        """Add an outcome; words in `resumed` mean that it was done before the runner was killed."""
        self.done += [f"{queue}\n{job_id}" for job_id in outcome.done]
        for job_id, word in outcome.skipped:
            if word in resumed:
                self.done.append(f"{queue}\n{job_id}")
            else:
                self.skips[word] = self.skips.get(word, 0) + 1
        self.failures += [(f"{queue}/{job_id}", why) for job_id, why in outcome.failed]

    @property
    def count(self) -> int:
        """How many it tells of."""
        return len(self.done) + sum(self.skips.values()) + len(self.failures)


class Runner:
    """Runs one operation.

    Args:
        backend: the connection.
        store: where operations are kept.
        targets: reads the selection.
        verbs: acts on it.
        queues: all there are.
        end_entry: the audit's entry about an operation's end, but done and failed.
    """

    def __init__(
        self,
        backend: Backend,
        store: OperationStore,
        targets: Targets,
        verbs: Verbs,
        queues: Sequence[str],
        end_entry: Callable[[Operation], Sequence[str]],
    ) -> None:
        self._backend = backend
        self._store = store
        self._targets = targets
        self._verbs = verbs
        self._queues = queues
        self._end_entry = end_entry
        self._token = secrets.token_hex(8)
        self._call = FIRST_CALL
        self._costs_ms: deque[float] = deque(maxlen=COSTS_KEPT)
        self._ways_ms: deque[float] = deque(maxlen=COSTS_KEPT)
        self._started = 0.0
        self._count = 0
        self._recent: list[tuple[float, int]] = []

    async def run(self, operation_id: str) -> AsyncIterator[OperationView]:
        """Yield views until the operation ended, was paused, or was aborted.

        Raises:
            OperationNotFound, Conflict: there is none, or it was never started.
        """
        while True:
            operation, _ = await self._store.read(operation_id)
            if operation.state is OperationState.PLANNED:
                raise Conflict(
                    f"operation {operation_id} is planned and not started", "Start it with its confirmation first."
                )
            if operation.state is not OperationState.RUNNING:
                yield await self._store.view(operation_id)
                return
            if await self._store.take_lease(operation_id, self._token):
                async for view in self._drive(operation):
                    yield view
                return
            yield await self._store.view(operation_id)
            await asyncio.sleep(FOLLOW_S)

    async def _drive(self, operation: Operation) -> AsyncIterator[OperationView]:
        """Act chunk after chunk; the next one is read while the current one is acted on."""
        operation, _ = await self._store.read(operation.id)
        self._started = time.monotonic()
        chunk = await self._resumed(operation)
        resumed = DONE_BEFORE.get(operation.verb, frozenset()) if operation.taken else frozenset()
        state, shown = await self._note(operation, _Tally(), chunk, ""), 0.0
        processed = operation.processed
        while state == OperationState.RUNNING:
            following = asyncio.ensure_future(self._following(operation, chunk, processed))
            try:
                tally = await self._act(operation, chunk.targets, processed, resumed)
            except BaseException:
                following.cancel()
                raise
            resumed = frozenset()
            processed += tally.count
            chunk, at_end = await following, chunk.at_end
            ends = OperationState.DONE.value if at_end and not chunk.targets else ""
            state = await self._note(operation, tally, chunk, ends)
            if time.monotonic() - shown >= VIEW_EVERY_S or state != OperationState.RUNNING:
                shown = time.monotonic()
                yield await self._store.view(operation.id)
            if state == OperationState.RUNNING:
                await self._pace(operation, processed)

    async def _resumed(self, operation: Operation) -> Chunk:
        """Return the chunk a killed runner had taken up, or the first one."""
        if operation.taken:
            targets = [Target(*taken) for taken in operation.taken]
            return Chunk(targets, operation.place)
        return await self._following(operation, Chunk(place=operation.place), operation.processed)

    async def _following(self, operation: Operation, chunk: Chunk, processed: int) -> Chunk:
        """Read the chunk behind another one."""
        if chunk.at_end:
            return Chunk(place=chunk.place, at_end=True)
        size = CHUNK if operation.payload_edit is None else EDIT_CHUNK
        if operation.rate_per_s:
            size = max(1, min(size, int(operation.rate_per_s / 4)))
        if operation.limit is not None:
            size = min(size, operation.limit - processed - len(chunk.targets))
            if size <= 0:
                return Chunk(place=chunk.place, at_end=True)
        return await self._targets.next(operation, self._queues, chunk.place, size)

    async def _act(
        self, operation: Operation, targets: Sequence[Target], processed: int, resumed: frozenset[str]
    ) -> _Tally:
        await self._measure_way()
        tally = _Tally()
        by_queue: dict[tuple[str, bool], list[str]] = {}
        for queue, job_id, is_result in targets:
            by_queue.setdefault((queue, is_result), []).append(job_id)
        at = processed
        for (queue, is_result), chosen in by_queue.items():
            # the killed runner put these back, and plain arq has worked them since
            again = await self._targets.ended_since(queue, chosen, operation.bound_ms) if is_result and resumed else []
            tally.take(queue, Outcome(done=again), resumed)
            done_before = set(again)
            ids = [job_id for job_id in chosen if job_id not in done_before]
            start = 0
            while start < len(ids):  # one call after another: with two under way, other clients wait for both
                part = ids[start : start + (self._call if operation.payload_edit is None else EDIT_CHUNK)]
                tally.take(queue, await self._called(operation, queue, part, is_result, at + start), resumed)
                start += len(part)
            at += len(chosen)
        return tally

    async def _called(self, operation: Operation, queue: str, ids: Sequence[str], is_result: bool, at: int) -> Outcome:
        """Act on jobs of one queue in one call; one that the server refuses fails them all."""
        delay_ms, spread_ms = self._due(operation, at, len(ids))
        began = time.monotonic()
        try:
            outcome = await self._verbs.act(
                operation, queue, ids, is_result=is_result, delay_ms=delay_ms, spread_ms=spread_ms
            )
        except QConsoleError as error:
            if error.code in ("redis_unavailable", "forbidden"):
                raise
            outcome = Outcome(failed=[(job_id, str(error)) for job_id in ids])
        self._adapt((time.monotonic() - began) * 1000, len(ids))
        return outcome

    async def _measure_way(self) -> None:
        """Note how long a call takes that does nothing: the way to the server and its other clients' turns."""
        began = time.monotonic()
        await self._backend.redis.ping()
        self._ways_ms.append((time.monotonic() - began) * 1000)

    def _due(self, operation: Operation, at: int, count: int) -> tuple[int, int]:
        """Return when the first of some jobs is due from now, and over how long the others follow."""
        delay_ms, spread_ms = round(operation.delay_s * 1000), round((operation.spread_s or 0) * 1000)
        if not spread_ms:
            return delay_ms, 0
        share = spread_ms / max(1, operation.matched)
        begun_ms = operation.started_ms or self._backend.now_ms()
        due_ms = begun_ms + delay_ms + round(share * at) - self._backend.now_ms()
        return max(0, due_ms), round(share * count)

    def _adapt(self, took_ms: float, jobs: int) -> None:
        """Keep each call short: the server does nothing else meanwhile. The cheapest of the last calls tells what a job
        costs, without the way to the server; the others waited for their turn on a busy machine too.
        """
        self._costs_ms.append(max(took_ms - min(self._ways_ms), CHEAPEST_MS) / jobs)
        self._call = max(SMALLEST_CALL, min(LARGEST_CALL, 2 * self._call, int(CALL_MS / min(self._costs_ms))))

    async def _pace(self, operation: Operation, processed: int) -> None:
        """Wait as long as the asked-for rate needs; in short naps, so that the lease is kept."""
        if not operation.rate_per_s:
            return
        ahead_s = (processed - operation.processed) / operation.rate_per_s - (time.monotonic() - self._started)
        while ahead_s > 0:
            nap_s = min(ahead_s, LEASE_MS / 3000)
            await asyncio.sleep(nap_s)
            ahead_s -= nap_s
            if ahead_s > 0:
                await self._backend.redis.pexpire(GLOBAL.operation_lease(operation.id), LEASE_MS)

    async def _note(self, operation: Operation, tally: _Tally, following: Chunk, ends: str) -> str:
        """Write down what was done and what is taken up next, and return the state to go on in.

        Raises:
            Conflict: another runner has taken over.
        """
        undo_ms = round(self._backend.settings.undo_h * 3_600_000)
        keys = [
            GLOBAL.operation(operation.id),
            GLOBAL.operation_lease(operation.id),
            GLOBAL.operation_done(operation.id),
            GLOBAL.operations_active(),
            GLOBAL.audit(),
        ]
        args: list[Any] = [
            self._token,
            LEASE_MS,
            self._backend.now_ms(),
            len(tally.done),
            sum(tally.skips.values()),
            len(tally.failures),
            orjson.dumps(tally.skips),
            orjson.dumps(tally.failures[:FAILURES_KEPT]),
            FAILURES_KEPT,
            orjson.dumps(following.place),
            orjson.dumps([tuple(target) for target in following.targets]),
            undo_ms,
            ends,
            f"{self._rate(tally.count):.1f}",
            AUDIT_KEPT,
            orjson.dumps(self._end_entry(operation) if ends else []),
            *(tally.done if operation.verb in UNDOABLE else ()),
        ]
        state: str = (await self._backend.read("operation_step", keys, args)).decode()
        if state == LOST:
            raise Conflict(f"operation {operation.id} was taken over by another runner", operation=operation.id)
        return state

    def _rate(self, count: int) -> float:
        """Return how many a second were dealt with lately."""
        now = time.monotonic()
        self._recent.append((now, count))
        while len(self._recent) > 2 and now - self._recent[0][0] > RATE_WINDOW_S:
            self._recent.pop(0)
        span_s = now - self._recent[0][0]
        return sum(n for _, n in self._recent[1:]) / span_s if span_s > 0 else 0.0
