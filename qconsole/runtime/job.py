"""A job as the runtime knows it: its states and its record. Times are UTC epoch milliseconds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from qconsole.runtime.score import DEFAULT_PRIORITY


class JobState(StrEnum):
    """Where a job is in its life. Paused is a property of a queue, never of a job."""

    WAITING = "waiting"
    DELAYED = "delayed"
    ACTIVE = "active"
    WAITING_CHILDREN = "waiting_children"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


class Outcome(StrEnum):
    """How one attempt ended, as the attempt history says it."""

    OK = "ok"
    FAILED = "failed"
    RETRY = "retry"
    STALLED = "stalled"
    CANCELLED = "cancelled"
    GIVEN_BACK = "given back"


class Cause(StrEnum):
    """Why a job was buried."""

    ATTEMPTS = "attempts"
    UNRECOVERABLE = "unrecoverable"
    STALLED = "stalled"
    EXPIRED = "expired"
    UNDECODABLE = "undecodable"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class JobFault:
    """An error as it is stored: text only, the exception itself is never kept."""

    type: str
    message: str
    traceback: str | None
    fingerprint: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a job."""

    attempt: int
    start_ms: int
    end_ms: int | None
    worker: str | None
    outcome: Outcome
    error: JobFault | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Everything stored about one job.

    `payload` and `result` are the stored bytes; `codec` reads ours, `safe_pickle` those of plain arq.
    """

    id: str
    queue: str
    state: JobState
    job_type: str | None
    payload: bytes | None
    result: bytes | None = None
    priority: int = DEFAULT_PRIORITY
    attempts_made: int = 0
    attempts_allowed: int | None = None
    stalls: int = 0
    created_ms: int | None = None
    due_ms: int | None = None
    started_ms: int | None = None
    finished_ms: int | None = None
    expires_ms: int | None = None
    timeout_ms: int | None = None
    worker: str | None = None
    progress: Any = None
    error: JobFault | None = None
    history: tuple[Attempt, ...] = ()
    parent: tuple[str, str] | None = None  # queue, id
    schedule: str | None = None
    dedup_id: str | None = None
    trace: str | None = None
    replay_of: str | None = None
    retry_of: str | None = None
