"""Runs jobs of declared job types: checks the payload, calls the handler, hands the ending to the lane."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import orjson

from qconsole.errors import (
    Expired,
    PayloadInvalid,
    QConsoleError,
    Stalled,
    Unrecoverable,
)
from qconsole.runtime.attempt import Attempt, Bury, CancelReason, ChildFailed, Endings, place_of, timeout_error
from qconsole.runtime.codec import Call
from qconsole.runtime.flow import children_results
from qconsole.runtime.job_type import Context, Executor, JobType
from qconsole.runtime.json_codec import encode_value
from qconsole.runtime.lane import Claimed, Lane
from qconsole.runtime.log_lines import JobLog
from qconsole.runtime.payload_store import reference_of, resolve

if TYPE_CHECKING:
    from qconsole.runtime.arq_worker import Worker

logger = logging.getLogger("qconsole.worker")
job_log = JobLog(logger)

MAX_LINE: Final = 10_000
PROGRESS_EVENT_S: Final = 5.0  # events are for people: the record has each step


class DeclaredRun:
    """One run of a job that is an envelope of ours, or whose job type is declared here."""

    __slots__ = ("_next_event_s", "attempt", "call", "claimed", "job_type", "lane", "worker")

    def __init__(
        self, worker: "Worker", lane: Lane, claimed: Claimed, call: Call, job_type: JobType[Any] | None
    ) -> None:
        self.worker = worker
        self.lane = lane
        self.claimed = claimed
        self.call = call
        self.job_type = job_type
        self._next_event_s = 0.0
        record = claimed.record
        due_ms, priority = place_of(claimed, call.enqueued_ms)
        attempts = (job_type.attempts if job_type else None) or lane.policy.attempts
        timeout_s = job_type.timeout_s if job_type else None
        if record:
            attempts = int(record.get("attempts", attempts))
            if stored := record.get("timeout_ms"):
                timeout_s = int(stored) / 1000
        self.attempt = Attempt(
            claimed=claimed,
            lane=lane,
            name=call.job_type,
            number=claimed.retries + 1,
            attempts=attempts,
            enqueued_ms=call.enqueued_ms,
            started_ms=lane.clock.now_ms(),
            due_ms=due_ms,
            priority=priority,
            payload=call.payload,
            timeout_s=timeout_s,
        )

    def refusal(self) -> BaseException | None:
        """Return why the job does not run, if it does not."""
        claimed = self.claimed
        if claimed.abort_ms is not None and claimed.abort_ms >= self.call.enqueued_ms:
            return asyncio.CancelledError()
        if record := claimed.record:
            if (expires := record.get("expires_ms")) and int(expires) <= self.attempt.started_ms:
                late_s = (self.attempt.started_ms - int(expires)) / 1000
                return Expired(f"not started within its time: {late_s:.1f} s too late", expires_ms=int(expires))
            if (stalls := int(record.get("stalls", 0))) > self.worker.max_stalled:
                return Stalled(f"its workers died or froze {stalls} times", stalls=stalls)
            if child := record.get("child_failed"):
                return ChildFailed(f"its child {child.replace(chr(10), ' ')} failed", child=child)
        if self.job_type is None:
            return Unrecoverable(f"no job type {self.call.job_type!r} is declared here", job_type=self.call.job_type)
        return None

    def refuse(self, error: BaseException) -> None:
        """End a job that does not run."""
        if isinstance(error, asyncio.CancelledError):
            logger.info("⊘ %s:%s cancelled before start", self.claimed.id, self.call.job_type)
            self._endings().cancelled()
            self.worker.jobs_failed += 1
        else:
            self._failed(error)

    async def run(self) -> None:
        """Run the handler and hand its end to the lane."""
        attempt = self.attempt
        job_type = self.job_type
        assert job_type is not None  # noqa: S101
        if logger.isEnabledFor(logging.INFO):
            waited_s = (attempt.started_ms - attempt.due_ms) / 1000
            again = f" attempt {attempt.number}" if attempt.number > 1 else ""
            job_log.info("%6.2fs → %s:%s%s", waited_s, attempt.id, attempt.name, again)
        try:
            text = self.call.payload
            if reference_of(text) is not None:
                text = await resolve(text, self.worker.payload_store)
            context = self._context(job_type)
            attempt.in_handler = True
            self.worker.runner.arm_soon(attempt)
            try:
                if job_type.executor is Executor.ASYNC:
                    value = encode_value(await job_type.handler(context, job_type.decode(text)))
                else:
                    value = await self.worker.runner.run_aside(attempt, job_type, context, text)
            finally:
                attempt.in_handler = False
        except asyncio.CancelledError as error:
            self._cancelled(error)
        except (Exception, SystemExit) as error:
            self._failed(error)
        else:
            self._completed(value)

    def _context(self, job_type: JobType[Any]) -> Context:
        attempt, record = self.attempt, self.claimed.record
        context = Context(
            id=self.lane.keys.bare_id(attempt.id),
            queue=self.lane.keys.queue,
            job_type=attempt.name,
            attempt=attempt.number,
            attempts=attempt.attempts,
            resources=self.worker.ctx,
            reporter=self,
            client=self.worker.client,
            trace=record.get("trace") if record else None,
        )
        if job_type.executor is not Executor.ASYNC:
            attempt.on_cancel.append(lambda: setattr(context, "cancelled", True))
        return context

    def _endings(self) -> Endings:
        return Endings(self.attempt, self.job_type, self.lane.clock.now_ms())

    def _completed(self, value: bytes) -> None:
        attempt = self.attempt
        self.worker.jobs_complete += 1
        if logger.isEnabledFor(logging.INFO):
            ran_s = (self.lane.clock.now_ms() - attempt.started_ms) / 1000
            job_log.info("%6.2fs ← %s:%s", ran_s, attempt.id, attempt.name)
        self._endings().completed(value)

    def _cancelled(self, error: asyncio.CancelledError) -> None:
        attempt, worker = self.attempt, self.worker
        name = f"{attempt.id}:{attempt.name}"
        match attempt.cancelled_by:
            case CancelReason.TIMEOUT:
                self._failed(timeout_error(attempt.timeout_s).with_traceback(error.__traceback__))
            case CancelReason.ABORT:
                logger.info("⊘ %s cancelled", name)
                worker.jobs_failed += 1
                self._endings().cancelled()
            case CancelReason.LOST:
                logger.warning("⊘ %s lost its lease, its outcome is dropped", name)
                worker.runner.forget(attempt)
            case CancelReason.SHUTDOWN:
                logger.info("↻ %s given back: the worker stops", name)
                worker.jobs_retried += 1
                self._endings().given_back()
            case None:
                self._failed(Unrecoverable("the handler cancelled itself"))

    def _failed(self, error: BaseException) -> None:
        attempt, worker = self.attempt, self.worker
        verdict = self._endings().failed(error)
        name = f"{attempt.id}:{attempt.name}"
        if isinstance(verdict, Bury):
            worker.jobs_failed += 1
            logger.error(
                "! %s failed for good (%s) in attempt %d of %d, %s: %s",
                name,
                verdict.cause,
                attempt.number,
                attempt.attempts,
                type(error).__name__,
                error,
                exc_info=None if isinstance(error, QConsoleError) else error,
            )
        else:
            worker.jobs_retried += 1
            logger.info(
                "↻ %s attempt %d of %d, %s: %s; again in %.2fs",
                name,
                attempt.number,
                attempt.attempts,
                type(error).__name__,
                error,
                verdict.after_ms / 1000,
            )

    # the handler's Reporter

    def progress(self, value: Any) -> None:
        """Note the job's progress; now and then it is an event too."""
        now_s = time.monotonic()
        is_event = now_s >= self._next_event_s
        if is_event:
            self._next_event_s = now_s + PROGRESS_EVENT_S
        self._report("milestone" if is_event else "progress", encode_value(value))

    def log(self, line: str) -> None:
        """Note a line of the job's log."""
        text = str(line)[:MAX_LINE].encode("utf-8", "replace").decode()
        self._report("log", orjson.dumps({"ms": self.lane.clock.now_ms(), "attempt": self.attempt.shown, "line": text}))

    def _report(self, kind: str, value: bytes) -> None:
        said = (self.claimed.id, self.claimed.token, kind, value.decode())
        if self.job_type is not None and self.job_type.executor is Executor.THREAD:
            self.worker.loop.call_soon_threadsafe(self.lane.report, *said)
        else:
            self.lane.report(*said)

    async def children_results(self) -> dict[str, Any]:
        """Return the results of the job's children."""
        return await children_results(self.worker.pool, self.lane.keys, self.claimed.id)

    def read_children_results(self) -> dict[str, Any]:
        """Return the same to another thread, which waits for it."""
        loop = self.worker.loop
        if self.job_type is None or self.job_type.executor is Executor.ASYNC:
            raise RuntimeError("a coroutine handler must use: await ctx.children_results()")
        return asyncio.run_coroutine_threadsafe(self.children_results(), loop).result()


def call_of_plain(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], enqueued_ms: int) -> Call:
    """Return the call of a declared job type that a plain arq producer queued.

    Raises:
        PayloadInvalid: it has positional arguments other than one mapping.
    """
    fields = kwargs
    if len(args) == 1 and isinstance(args[0], dict) and not kwargs:
        fields = args[0]
    elif args:
        raise PayloadInvalid(f"{name} takes named fields, got {len(args)} positional arguments", field="payload")
    return Call(name, encode_value(fields), enqueued_ms)
