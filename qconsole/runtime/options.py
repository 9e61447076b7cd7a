"""What a producer may ask of a job, checked when it is asked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict

import orjson

from qconsole.errors import UsageError
from qconsole.runtime.backoff import backoff_to_plain
from qconsole.runtime.job_type import JobType
from qconsole.runtime.policy import Dedup, Exponential, Fixed
from qconsole.runtime.score import DEFAULT_PRIORITY, check_priority

MAX_ID: Final = 200


class OptionNames(TypedDict, total=False):
    """The keywords of `Options`, for type checkers and editors."""

    priority: int | None
    delay_s: float
    at: datetime | int | None
    expires_s: float | None
    attempts: int | None
    backoff: Fixed | Exponential | None
    timeout_s: float | None
    trace: str | None
    schedule: str | None
    replay_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a producer may ask of one job; None takes the job type's.

    Args:
        priority: 0 (first) … 100 (last).
        delay_s: not before so many seconds from now.
        at: the same as an instant: a datetime with its zone, or UTC epoch milliseconds.
        expires_s: seconds after it is due by which it must have started, or it is buried as expired.
        attempts, backoff, timeout_s: in place of the job type's.
        trace: the caller's trace id, shown with the job and given to its handler.
        schedule, replay_of: what made the job; set by schedules and replays.
    """

    priority: int | None = None
    delay_s: float = 0
    at: datetime | int | None = None
    expires_s: float | None = None
    attempts: int | None = None
    backoff: Fixed | Exponential | None = None
    timeout_s: float | None = None
    trace: str | None = None
    schedule: str | None = None
    replay_of: str | None = None

    def __post_init__(self) -> None:
        if self.delay_s and self.at is not None:
            raise UsageError("give delay_s or at, not both", field="at")
        for name in ("delay_s", "expires_s", "timeout_s"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and 0 <= value < 10**10):
                raise UsageError(f"{name} must be a number of seconds ≥ 0, got {value!r}", field=name)
        if self.attempts is not None and not (isinstance(self.attempts, int) and self.attempts >= 1):
            raise UsageError(f"attempts must be a whole number ≥ 1, got {self.attempts!r}", field="attempts")
        if self.backoff is not None and not isinstance(self.backoff, Fixed | Exponential):
            raise UsageError(f"a job's backoff must be Fixed or Exponential, got {self.backoff!r}", field="backoff")
        if isinstance(self.at, datetime) and self.at.tzinfo is None:
            raise UsageError(f"at must say its time zone, got {self.at.isoformat()}", field="at")

    def due_ms(self, now_ms: int) -> int:
        """Return when the job is due; 0 means now."""
        if isinstance(self.at, datetime):
            return round(self.at.timestamp() * 1000)
        if self.at is not None:
            return self.at
        return now_ms + round(self.delay_s * 1000) if self.delay_s else 0

    def fields(self, now_ms: int) -> list[str | bytes | int]:
        """Return what the job's record has to say, as a flat list of field and value."""
        fields: list[str | bytes | int] = []
        if self.attempts is not None:
            fields += ["attempts", self.attempts]
        if self.backoff is not None:
            fields += ["backoff", orjson.dumps(backoff_to_plain(self.backoff))]
        if self.timeout_s is not None:
            fields += ["timeout_ms", round(self.timeout_s * 1000)]
        if self.expires_s is not None:
            fields += ["expires_ms", (self.due_ms(now_ms) or now_ms) + round(self.expires_s * 1000)]
        for name in ("trace", "schedule", "replay_of"):
            if (value := getattr(self, name)) is not None:
                fields += [name, value]
        return fields


def plain_fields(payload: Any) -> Mapping[str, Any]:
    """Return an undeclared job's payload as the named arguments it will be called with."""
    plain = {} if payload is None else payload.model_dump() if hasattr(payload, "model_dump") else payload
    if not isinstance(plain, Mapping) or not all(isinstance(key, str) for key in plain):
        raise UsageError(f"payload must be a mapping of named fields, got {type(payload).__name__}", field="payload")
    return dict(plain)


def dedup_of(declared: JobType[Any] | None, payload: Any) -> Dedup | None:
    if declared is None or declared.dedup is None:
        return None
    return declared.dedup(declared.check(payload))


def dedup_text(dedup: Dedup | None) -> str:
    """Return a dedup as the scripts take it: window ms, mode and id in lines; "" for none."""
    if dedup is None:
        return ""
    return f"{round(dedup.window_s * 1000) if dedup.window_s else 0}\n{dedup.mode}\n{dedup.id}"


def priority_of(options: Options, declared: JobType[Any] | None) -> int:
    priority = options.priority
    if priority is None:
        priority = declared.priority if declared and declared.priority is not None else DEFAULT_PRIORITY
    try:
        check_priority(priority)
    except ValueError as error:
        raise UsageError(str(error), field="priority") from error
    return priority


def check_job_id(job_id: str) -> str:
    """Refuse what cannot be a job's id."""
    if (
        not isinstance(job_id, str)
        or not 1 <= len(job_id) <= MAX_ID
        or any(c in job_id for c in "{}~")
        or not job_id.isprintable()
    ):
        raise UsageError(
            f"job_id must be 1 to {MAX_ID} printable characters without '{{', '}}' and '~', got {job_id!r}",
            field="job_id",
        )
    return job_id
