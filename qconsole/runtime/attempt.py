"""One attempt: runs a handler, names its outcome, and writes that down as what the settle script takes.

Outcomes are values; which of them an error means is decided by `judge`, once, without Redis or clock.
"""

import asyncio
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from qconsole.errors import (
    Expired,
    JobError,
    JobTimeout,
    PayloadInvalid,
    RateLimited,
    RetryLater,
    Stalled,
    Undecodable,
    Unrecoverable,
)
from qconsole.runtime.backoff import backoff_from_plain, pause_ms
from qconsole.runtime.codec import Result, encode_result
from qconsole.runtime.fingerprint import Fingerprint, fingerprint_of, message_of
from qconsole.runtime.histogram import bucket_of
from qconsole.runtime.job import Cause, Outcome
from qconsole.runtime.lane import Claimed, Entry, Lane
from qconsole.runtime.policy import Backoff
from qconsole.runtime.score import DEFAULT_PRIORITY, decode_score

if TYPE_CHECKING:
    from qconsole.runtime.job_type import JobType

HISTORY_KEPT: Final = 20
MAX_TRACEBACK: Final = 16_000
MAX_MESSAGE: Final = 4_000


class CancelReason(StrEnum):
    """Why a running handler is cancelled."""

    TIMEOUT = "timeout"
    ABORT = "abort"
    SHUTDOWN = "shutdown"
    LOST = "lost"


@dataclass(slots=True)
class Attempt:
    """A claimed job that runs."""

    claimed: Claimed
    lane: Lane
    name: str
    number: int
    attempts: int
    enqueued_ms: int
    started_ms: int
    due_ms: int
    priority: int
    payload: bytes = b"{}"
    task: "asyncio.Task[None] | None" = None
    timer: asyncio.TimerHandle | None = None
    cancelled_by: CancelReason | None = None
    timeout_s: float | None = None
    in_handler: bool = False
    on_cancel: list[Callable[[], None]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.claimed.id

    @property
    def shown(self) -> int:
        """The attempt as its history and log lines count it: on from those before a manual retry."""
        record = self.claimed.record
        return self.number + (int(record.get("attempts_before", 0)) if record else 0)

    def arm(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the timeout's clock."""
        if self.timeout_s is not None:
            self.timer = loop.call_later(self.timeout_s, self.cancel, CancelReason.TIMEOUT)

    def cancel(self, reason: CancelReason) -> bool:
        """Cancel the handler for the first reason given; false when it no longer runs."""
        if self.task is None or self.task.done() or not self.in_handler:
            return False
        self.cancelled_by = self.cancelled_by or reason
        for notice in self.on_cancel:
            notice()
        self.task.cancel()
        return True

    def entry(self, kind: str, ended_ms: int, *, ttl_ms: int = 0, extra: dict[str, Any] | None = None) -> Entry:
        """Return what the settle script takes."""
        wait, run = bucket_of(self.started_ms - self.due_ms), bucket_of(ended_ms - self.started_ms)
        head = _head(kind, self.name, ttl_ms, wait, run, self.claimed.retries > 0)
        return Entry(self.claimed.id, self.claimed.token, head, ended_ms - self.due_ms, extra)


@lru_cache(maxsize=1024)
def _head(kind: str, name: str, ttl_ms: int, wait: int, run: int, is_counted: bool) -> bytes:
    ttl = str(ttl_ms) if ttl_ms else ""
    return orjson.dumps((kind, name, ttl, f"w:{name}:{wait}", f"d:{name}:{run}", is_counted))


def place_of(claimed: Claimed, enqueued_ms: int) -> tuple[int, int]:
    """Return a claimed job's due time and priority from its score and record."""
    record = claimed.record
    if claimed.score > 1:
        due_ms, priority = int(claimed.score), DEFAULT_PRIORITY
    elif claimed.score < 0:
        place = decode_score(claimed.score, claimed.claimed_ms)
        due_ms, priority = place.due_ms, place.priority
    else:
        due_ms, priority = enqueued_ms, DEFAULT_PRIORITY
    if record:
        priority = int(record.get("pri", priority))
    return due_ms, priority


# what an error means


@dataclass(frozen=True, slots=True)
class Bury:
    """The job has failed for good."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Again:
    """The job runs again after a pause."""

    after_ms: int
    counted: bool = True
    hold_ms: int = 0


Verdict = Bury | Again

_FINAL: Final[dict[type[BaseException], Cause]] = {
    Unrecoverable: Cause.UNRECOVERABLE,
    PayloadInvalid: Cause.UNDECODABLE,
    Undecodable: Cause.UNDECODABLE,
    Expired: Cause.EXPIRED,
    Stalled: Cause.STALLED,
}


class ChildFailed(JobError):
    """A child of the job failed, and the job with it."""

    code = "child_failed"


def judge(error: BaseException, attempt: int, attempts: int, backoff: Backoff, chance: float) -> Verdict:
    """Return what becomes of a job whose attempt ended with `error`."""
    if isinstance(error, RetryLater):
        after_ms = round(error.after_s * 1000)
        return Again(after_ms, counted=False, hold_ms=after_ms if isinstance(error, RateLimited) else 0)
    if isinstance(error, ChildFailed):
        return Bury(Cause.CHILD)
    for kind, cause in _FINAL.items():
        if isinstance(error, kind):
            return Bury(cause)
    if attempt >= attempts:
        return Bury(Cause.ATTEMPTS)
    return Again(pause_ms(backoff, attempt, error, chance))


def backoff_of(record: dict[str, str] | None, default: Backoff) -> Backoff:
    """Return the backoff a job's record asks for, or the default."""
    if record and (stored := record.get("backoff")):
        return backoff_from_plain(orjson.loads(stored))
    return default


# what is written down


def fault_of(error: BaseException, mark: Fingerprint, at_ms: int) -> dict[str, Any]:
    """Return an error as it is stored."""
    trace = "".join(traceback.format_exception(error))
    return {
        "type": mark.error_type,
        "message": message_of(error)[:MAX_MESSAGE],
        "traceback": trace if len(trace) <= MAX_TRACEBACK else "…" + trace[-MAX_TRACEBACK:],
        "fp": mark.digest,
        "at_ms": at_ms,
    }


def history_with(
    record: dict[str, str] | None, attempt: Attempt, ended_ms: int, outcome: Outcome, fault: dict[str, Any] | None
) -> str:
    """Return the job's attempt history, this attempt included, as JSON."""
    history: list[Any] = orjson.loads(record["history"]) if record and "history" in record else []
    entry: dict[str, Any] = {
        "attempt": attempt.shown,
        "start_ms": attempt.started_ms,
        "end_ms": ended_ms,
        "worker": attempt.lane.worker_id,
        "outcome": outcome,
    }
    if fault is not None:
        entry["error"] = {name: fault[name] for name in ("type", "message", "fp", "at_ms")}
    history.append(entry)
    return dumps(history[-HISTORY_KEPT:])


def dumps(value: Any) -> str:
    """Return JSON text; what is no valid Unicode loses its invalid parts."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return orjson.dumps(_scrub(value)).decode()


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_scrub(key): _scrub(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_scrub(member) for member in value]
    return value


def links_of(record: dict[str, str] | None) -> dict[str, Any]:
    """Return what ends together with the job: its dedup id and its place in a flow."""
    links: dict[str, Any] = {}
    if record:
        if dedup := record.get("dedup"):
            links["dedup"] = dedup
        if parent := record.get("parent"):
            queue, _, parent_id = parent.partition("\n")
            links["parent"] = {"queue": queue, "id": parent_id, "on_fail": record.get("on_fail", "fail_parent")}
    return links


def burial(
    attempt: Attempt, error: BaseException, cause: Cause, severity: str, history: str, fault: dict[str, Any], cap: int
) -> dict[str, Any]:
    """Return what `bury` in lua/lib_bury.lua takes."""
    mark = fingerprint_of(error)
    record = attempt.claimed.record or {}
    return {
        "job_type": attempt.name,
        "cause": cause,
        "severity": severity,
        "error": dumps(fault),
        "history": history,
        "attempts": attempt.number,
        "stalls": int(record.get("stalls", 0)),
        "fp": mark.digest,
        "error_type": mark.error_type,
        "message": mark.message,
        "frame": mark.frame,
        "created_ms": int(record.get("created_ms", attempt.enqueued_ms)),
        "due_ms": attempt.due_ms,
        "cap": cap,
    }


def result_of(
    attempt: Attempt,
    ended_ms: int,
    *,
    value: bytes | None = None,
    error: tuple[str, str] | None = None,
    cancelled: bool = False,
) -> bytes:
    """Return a declared job's result as `arq:result:<id>` holds it."""
    return encode_result(
        Result(
            job_type=attempt.name,
            payload=attempt.payload,
            enqueued_ms=attempt.enqueued_ms,
            due_ms=attempt.due_ms,
            started_ms=attempt.started_ms,
            finished_ms=ended_ms,
            attempt=attempt.number,
            priority=attempt.priority,
            queue=attempt.lane.keys.queue,
            job_id=attempt.id,
            worker=attempt.lane.worker_id,
            success=value is not None,
            value=value,
            error=error,
            cancelled=cancelled,
        )
    )


class Endings:
    """Writes the ends of declared jobs down.

    Args:
        attempt: the attempt that ended.
        job_type: its job type, None when this worker has no such one.
    """

    __slots__ = ("_attempt", "_job_type", "_now_ms")

    def __init__(self, attempt: Attempt, job_type: "JobType[Any] | None", now_ms: int) -> None:
        self._attempt = attempt
        self._job_type = job_type
        self._now_ms = now_ms

    def completed(self, value: bytes) -> None:
        """The handler returned `value` (JSON)."""
        a = self._attempt
        record = a.claimed.record
        extra = links_of(record)
        if record and "history" in record:
            extra["fields"] = ["history", history_with(record, a, self._now_ms, Outcome.OK, None)]
        result = result_of(a, self._now_ms, value=value)
        a.lane.finish(a.entry("ok", self._now_ms, ttl_ms=self._ttl_ms("completed_age_s"), extra=extra), result)

    def cancelled(self) -> None:
        """Somebody ended the job."""
        a = self._attempt
        record = a.claimed.record
        extra = links_of(record)
        extra["fields"] = ["history", history_with(record, a, self._now_ms, Outcome.CANCELLED, None)]
        result = result_of(a, self._now_ms, cancelled=True)
        a.lane.finish(a.entry("cancelled", self._now_ms, ttl_ms=self._ttl_ms("failed_age_s"), extra=extra), result)

    def given_back(self) -> None:
        """The worker stops: the job goes to its old place, and nothing is counted."""
        a = self._attempt
        history = history_with(a.claimed.record, a, self._now_ms, Outcome.GIVEN_BACK, None)
        extra = {"place": repr(a.claimed.score), "fields": ["history", history]}
        a.lane.finish(a.entry("back", self._now_ms, extra=extra), None)

    def failed(self, error: BaseException) -> Verdict:
        """The attempt ended with `error`; returns what becomes of the job."""
        a, record = self._attempt, self._attempt.claimed.record
        policy = a.lane.policy
        default = (self._job_type.backoff if self._job_type else None) or policy.backoff
        try:
            verdict = judge(error, a.number, a.attempts, backoff_of(record, default), random.random())  # noqa: S311
        except Exception as broken:  # a backoff is the app's own code
            broken.__context__ = error
            error, verdict = broken, Bury(Cause.UNRECOVERABLE)
        mark = fingerprint_of(error)
        fault = fault_of(error, mark, self._now_ms)
        outcome = Outcome.FAILED if isinstance(verdict, Bury) else Outcome.RETRY
        history = history_with(record, a, self._now_ms, outcome, fault)
        fields = ["error", dumps(fault), "history", history]
        if isinstance(verdict, Bury):
            self._bury(error, verdict.cause, fault, history, fields)
        else:
            self._again(verdict, fields, mark)
        return verdict

    def _bury(self, error: BaseException, cause: Cause, fault: dict[str, Any], history: str, fields: list[str]) -> None:
        a = self._attempt
        extra = {**links_of(a.claimed.record), "fields": fields}
        severity = self._job_type.severity if self._job_type else "normal"
        extra["bury"] = burial(a, error, cause, severity, history, fault, 0)
        result = result_of(a, self._now_ms, error=(fault["type"], fault["message"]))
        a.lane.finish(a.entry("failed", self._now_ms, ttl_ms=self._ttl_ms("failed_age_s"), extra=extra), result)

    def _again(self, verdict: Again, fields: list[str], mark: Fingerprint) -> None:
        a, due_ms = self._attempt, self._now_ms + verdict.after_ms
        extra: dict[str, Any] = {"due_ms": due_ms, "priority": a.priority, "fields": fields}
        if verdict.counted:
            extra["retry"] = a.number
            told = {"job_type": a.name, "attempt": a.number, "attempts": a.attempts, "due_ms": due_ms}
            extra["event"] = dumps(told | {"error_type": mark.error_type, "message": mark.message, "fp": mark.digest})
        if verdict.hold_ms:
            extra["hold_ms"] = verdict.hold_ms
        a.lane.finish(a.entry("retry" if verdict.counted else "later", self._now_ms, extra=extra), None)

    def _ttl_ms(self, which: str) -> int:
        own = self._job_type.retention if self._job_type else None
        age_s = getattr(own or self._attempt.lane.policy.retention, which)
        return 0 if age_s is None else max(1, round(age_s * 1000))


def timeout_error(timeout_s: float | None) -> JobTimeout:
    """Return the error of an attempt that ran too long."""
    return JobTimeout(f"the handler ran longer than its timeout of {timeout_s:g} s", timeout_s=timeout_s)
