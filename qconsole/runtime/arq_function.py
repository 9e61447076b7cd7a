"""Functions of an unchanged arq app, run as arq 0.28 runs them: tries, Retry, hooks, results, log lines.

With records on, their failures are also buried and counted; without, nothing but arq's own keys is left behind.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from arq import worker as arq_worker
from arq.jobs import DeserializationError, Deserializer, SerializationError, deserialize_job_raw, serialize_result
from arq.utils import args_to_string, ms_to_datetime, timestamp_ms, to_ms, truncate
from arq.worker import JobExecutionFailed, Retry, RetryJob

from qconsole.errors import QConsoleError, Stalled, Undecodable
from qconsole.runtime.attempt import (
    Attempt,
    CancelReason,
    burial,
    dumps,
    fault_of,
    history_with,
    links_of,
    place_of,
)
from qconsole.runtime.codec import Call
from qconsole.runtime.fingerprint import fingerprint_of
from qconsole.runtime.job import Cause, Outcome
from qconsole.runtime.json_codec import decode_value
from qconsole.runtime.lane import Claimed, Lane

if TYPE_CHECKING:
    from qconsole.runtime.arq_worker import Worker

logger = logging.getLogger("arq.worker")

RETRY_KEY_TTL_S: Final = 88_400
DEAD_LETTERS_KEPT: Final = 100_000
_NO_RESULT: Final = object()


class ArqRun:
    """One run of one function."""

    def __init__(self, worker: "Worker", lane: Lane, claimed: Claimed) -> None:
        self.worker = worker
        self.lane = lane
        self.claimed = claimed
        self.name = "<unknown>"
        self.args: tuple[Any, ...] = ()
        self.kwargs: dict[str, Any] = {}
        self.job_try = claimed.retries + 1
        self.enqueued_ms = 0
        self.started_ms = timestamp_ms()
        self.function: Any = None

    @property
    def ref(self) -> str:
        """How arq's log names the job."""
        return self.name if hasattr(self.function, "next_run") else f"{self.claimed.id}:{self.name}"

    def read(self, call: Call | None) -> BaseException | None:
        """Read the call; returns why the job cannot run, if it cannot.

        Args:
            call: the envelope's content when the payload is one.
        """
        payload, job_id = self.claimed.payload, self.claimed.id
        if payload is None:
            logger.warning("job %s expired", job_id)
            return JobExecutionFailed("job expired")
        enqueued_try: int | None = None
        try:
            if call is not None:
                self.name, self.enqueued_ms = call.job_type, call.enqueued_ms
                self.kwargs = decode_value(call.payload)
            else:
                self.name, self.args, self.kwargs, enqueued_try, self.enqueued_ms = deserialize_job_raw(
                    payload, deserializer=self.worker.job_deserializer
                )
        except (SerializationError, QConsoleError) as error:
            logger.exception("deserializing job %s failed", job_id)
            return error
        if enqueued_try and enqueued_try > self.job_try:
            self.job_try = enqueued_try
        return self._refusal()

    def _refusal(self) -> BaseException | None:
        claimed, worker = self.claimed, self.worker
        if (expires_ms := (claimed.record or {}).get("expires_ms")) and int(expires_ms) <= self.lane.clock.now_ms():
            logger.warning("job %s expired", claimed.id)
            return JobExecutionFailed("job expired")
        if self.is_aborted():
            waited_s = (timestamp_ms() - self.enqueued_ms) / 1000
            logger.info("%6.2fs ⊘ %s:%s aborted before start", waited_s, claimed.id, self.name)
            return asyncio.CancelledError()
        self.function = worker.functions.get(self.name)
        if self.function is None:
            logger.warning("job %s, function %r not found", claimed.id, self.name)
            return JobExecutionFailed(f"function {self.name!r} not found")
        stalls = int((claimed.record or {}).get("stalls", 0))
        if stalls > worker.max_stalled:
            logger.warning("%6.2fs ! %s stalled %d times", 0, self.ref, stalls)
            return Stalled(f"its workers died or froze {stalls} times", stalls=stalls)
        max_tries = worker.max_tries if self.function.max_tries is None else self.function.max_tries
        if self.job_try > max_tries:
            waited_s = (timestamp_ms() - self.enqueued_ms) / 1000
            logger.warning("%6.2fs ! %s max retries %d exceeded", waited_s, self.ref, max_tries)
            return JobExecutionFailed(f"max {max_tries} retries exceeded")
        return None

    def is_aborted(self) -> bool:
        """Say whether an abort waits for this job; one older than the job was meant for another (arq issue 485)."""
        abort_ms = self.claimed.abort_ms
        return abort_ms is not None and self.worker.honours_abort and abort_ms >= self.enqueued_ms

    def attempt(self) -> Attempt:
        """Return the run as the lane counts it."""
        due_ms, priority = place_of(self.claimed, self.enqueued_ms)
        worker, function = self.worker, self.function
        max_tries = worker.max_tries if function is None or function.max_tries is None else function.max_tries
        timeout_s = worker.job_timeout_s if function is None or function.timeout_s is None else function.timeout_s
        return Attempt(
            claimed=self.claimed,
            lane=self.lane,
            name=self.name,
            number=self.job_try,
            attempts=max_tries,
            timeout_s=timeout_s,
            enqueued_ms=self.enqueued_ms,
            started_ms=self.started_ms,
            due_ms=due_ms,
            priority=priority,
        )

    def refuse(self, attempt: Attempt, error: BaseException) -> None:
        """End a job that does not run."""
        worker = self.worker
        worker.jobs_failed += 1
        forever = worker.keep_result_forever
        data = self._result(attempt, False, error) if forever or worker.keep_result_s > 0 else None
        self._end(attempt, error, data, 0 if forever else worker.keep_result_s, None)

    async def run(self, attempt: Attempt) -> None:
        """Run the function and hand its end to the lane."""
        worker, function = self.worker, self.function
        ctx = {
            **worker.ctx,
            "job_id": self.claimed.id,
            "job_try": self.job_try,
            "enqueue_time": ms_to_datetime(self.enqueued_ms),
            "score": int(self.claimed.score),
        }
        error: BaseException | None = None
        result: Any = _NO_RESULT
        result_text = ""
        try:
            await _hook(worker.on_job_start, ctx)
            self.started_ms = attempt.started_ms = timestamp_ms()
            self._log_start()
            attempt.in_handler = True
            worker.runner.arm_soon(attempt)
            try:
                result = await function.coroutine(ctx, *self.args, **self.kwargs)
            finally:
                attempt.in_handler = False
            if result is not None and worker.log_results:
                result_text = truncate(repr(result))
        except (Exception, asyncio.CancelledError) as raised:
            result = _NO_RESULT
            error = raised
            if isinstance(raised, asyncio.CancelledError) and attempt.cancelled_by is CancelReason.TIMEOUT:
                error = TimeoutError()
                error.__cause__ = raised
        ended = self._judge(attempt, error, result, result_text)
        if worker.on_job_end:
            await _last_hook(worker.on_job_end, ctx)
        ended()
        if worker.after_job_end:
            await worker.until_settled(attempt)
            await _last_hook(worker.after_job_end, ctx)

    def _log_start(self) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        extra = f" try={self.job_try}" if self.job_try > 1 else ""
        if (late_ms := self.started_ms - self.claimed.score) > 1200 and self.claimed.score > 0:
            extra += f" delayed={late_ms / 1000:0.2f}s"
        waited_s = (self.started_ms - self.enqueued_ms) / 1000
        logger.info("%6.2fs → %s(%s)%s", waited_s, self.ref, args_to_string(self.args, self.kwargs), extra)

    def _judge(
        self, attempt: Attempt, error: BaseException | None, result: Any, result_text: str
    ) -> Callable[[], None]:
        """Log the outcome and count it; returns what hands it to the lane."""
        worker, ref = self.worker, self.ref
        ran_s = (timestamp_ms() - self.started_ms) / 1000
        keep_ms = _cron_keep_ms() if hasattr(self.function, "next_run") else None
        if error is None:
            logger.info("%6.2fs ← %s ● %s", ran_s, ref, result_text)
            worker.jobs_complete += 1
            return lambda: self._finish(attempt, True, result, keep_ms)
        if attempt.cancelled_by is CancelReason.LOST:
            logger.warning("%6.2fs ⊘ %s lost its lease, its outcome is dropped", ran_s, ref)
            return lambda: worker.runner.forget(attempt)
        if attempt.cancelled_by is CancelReason.ABORT and isinstance(error, asyncio.CancelledError):
            logger.info("%6.2fs ⊘ %s aborted", ran_s, ref)
            worker.aborting_tasks.discard(self.claimed.id)
            worker.jobs_failed += 1
            return lambda: self._finish(attempt, False, error, keep_ms)
        if worker.retry_jobs and isinstance(error, Retry | RetryJob | asyncio.CancelledError):
            return self._again(attempt, error, ran_s, keep_ms)
        extra = _extra_of(error)
        logger.error(
            "%6.2fs ! %s failed, %s: %s",
            ran_s,
            ref,
            type(error).__name__,
            error,
            extra={"extra": extra},
            exc_info=error,
        )
        worker.jobs_failed += 1
        return lambda: self._finish(attempt, False, error, keep_ms)

    def _again(self, attempt: Attempt, error: BaseException, ran_s: float, keep_ms: int | None) -> Callable[[], None]:
        defer_ms = (error.defer_score or 0) if isinstance(error, Retry) else 0
        if isinstance(error, Retry):
            logger.info("%6.2fs ↻ %s retrying job in %0.2fs", ran_s, self.ref, defer_ms / 1000)
        else:
            logger.info("%6.2fs ↻ %s cancelled, will be run again", ran_s, self.ref)
        self.worker.jobs_retried += 1
        now_ms = self.lane.clock.now_ms()
        extra: dict[str, Any] = {"place": repr(self.claimed.score)}
        if defer_ms:
            extra = {"due_ms": now_ms + defer_ms, "priority": attempt.priority}
        given_back = attempt.cancelled_by is CancelReason.SHUTDOWN
        if not given_back:
            extra |= {"retry": self.job_try, "retry_ttl_s": RETRY_KEY_TTL_S}
        if keep_ms is not None:
            extra["keep_ms"] = keep_ms
        if self.lane.records:
            outcome = Outcome.GIVEN_BACK if given_back else Outcome.RETRY
            extra["fields"] = ["history", history_with(self.claimed.record, attempt, now_ms, outcome, None)]
            extra["keeps_call"] = True
        kind = "back" if given_back else "retry"
        return lambda: self.lane.finish(attempt.entry(kind, now_ms, extra=extra), None)

    def _finish(self, attempt: Attempt, success: bool, result: Any, keep_ms: int | None) -> None:
        worker, function = self.worker, self.function
        forever = worker.keep_result_forever if function.keep_result_forever is None else function.keep_result_forever
        kept_s = worker.keep_result_s if function.keep_result_s is None else function.keep_result_s
        data = self._result(attempt, success, result) if forever or kept_s > 0 else None
        self._end(attempt, None if success else result, data, 0 if forever else kept_s, keep_ms)

    def _result(self, attempt: Attempt, success: bool, result: Any) -> bytes | None:
        return serialize_result(
            self.name,
            self.args,
            self.kwargs,
            self.job_try,
            self.enqueued_ms,
            success,
            result,
            self.started_ms,
            timestamp_ms(),
            self.ref,
            self.lane.keys.queue,
            job_id=self.claimed.id,
            serializer=self.worker.job_serializer,
        )

    def _end(
        self, attempt: Attempt, error: BaseException | None, data: bytes | None, kept_s: float, keep_ms: int | None
    ) -> None:
        record, now_ms = self.claimed.record, self.lane.clock.now_ms()
        kind = "ok" if error is None else "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"
        extra = links_of(record)
        if keep_ms is not None:
            extra["keep_ms"] = keep_ms
        if self.lane.records and error is not None:
            fault = fault_of(error, fingerprint_of(error), now_ms)
            outcome = Outcome.CANCELLED if kind == "cancelled" else Outcome.FAILED
            history = history_with(record, attempt, now_ms, outcome, fault)
            extra["fields"] = ["error", dumps(fault), "history", history]
            if kind == "failed":
                extra["bury"] = burial(attempt, error, _cause_of(error), "normal", history, fault, DEAD_LETTERS_KEPT)
        elif self.lane.records and record and "history" in record:
            extra["fields"] = ["history", history_with(record, attempt, now_ms, Outcome.OK, None)]
        # a TTL below a millisecond would be none at all
        ttl_ms = max(1, to_ms(kept_s)) if kept_s else 0
        self.lane.finish(attempt.entry(kind, now_ms, ttl_ms=ttl_ms, extra=extra), data)


def read_plain_call(
    payload: bytes, deserializer: Deserializer | None
) -> tuple[str, tuple[Any, ...], dict[str, Any], int]:
    """Return name, arguments, keywords and time of a call that a plain arq producer queued.

    Raises:
        Undecodable: the app's deserializer cannot read it.
    """
    try:
        name, args, kwargs, _, enqueued_ms = deserialize_job_raw(payload, deserializer=deserializer)
    except SerializationError as error:
        raise Undecodable(str(error)) from error
    return name, args, kwargs, enqueued_ms


def _cron_keep_ms() -> int:
    """Return how long a cron job's in-progress key outlives it, so that no second worker runs the same instant."""
    seconds: float = vars(arq_worker)["keep_cronjob_progress"]
    return round(seconds * 1000)


def _cause_of(error: BaseException) -> Cause:
    if isinstance(error, Stalled):
        return Cause.STALLED
    if isinstance(error, DeserializationError | QConsoleError):
        return Cause.UNDECODABLE
    if isinstance(error, JobExecutionFailed):
        message = str(error)
        if message == "job expired":
            return Cause.EXPIRED
        return Cause.ATTEMPTS if message.startswith("max ") else Cause.UNRECOVERABLE
    return Cause.ATTEMPTS


def _extra_of(error: BaseException) -> Any:
    extra = getattr(error, "extra", None)
    return extra() if callable(extra) else extra


async def _hook(hook: Any, ctx: dict[Any, Any]) -> None:
    if hook:
        await hook(ctx)


async def _last_hook(hook: Any, ctx: dict[Any, Any]) -> None:
    """Run a hook that comes after the job: what it raises must not lose the job's outcome."""
    try:
        await hook(ctx)
    except Exception:  # the app's own code
        logger.exception("%s failed", getattr(hook, "__qualname__", hook))
