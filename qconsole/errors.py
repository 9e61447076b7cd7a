"""The one error hierarchy. Every error carries a stable `code`, a sentence, a hint and its fields.

QConsoleError                       exit 1  something unexpected
├── UsageError                      exit 2  what was asked for cannot be understood
│   ├── ConfigError                         a setting, URL, file or port is wrong
│   ├── FilterError                         a filter's text, with the position
│   └── CursorError                         a page cursor that is not ours or no longer valid
├── NotFound                        exit 3  JobNotFound QueueNotFound JobTypeNotFound WorkerNotFound
│                                           ScheduleNotFound DeadLetterNotFound FlowNotFound
│                                           OperationNotFound UserNotFound
├── Refused                         exit 4  understood, and not done
│   ├── Unconfirmed                         a dangerous verb without its confirmation
│   ├── Unauthenticated                     nobody signed in
│   ├── Forbidden                           the role does not allow it
│   ├── Conflict                            the state changed meanwhile, or does not allow it
│   ├── PayloadInvalid                      the payload breaks the job type's schema, with the field
│   ├── PayloadTooLarge
│   └── CapabilityMissing                   this Redis or this arq deployment has no such thing
├── RedisUnavailable                exit 5  Redis cannot be reached, or did not answer in time
├── PartialFailure                  exit 6  a bulk verb did some and failed at some
├── CheckBreached                   exit 7  a `check` rule is broken
└── JobError                        exit 1  raised by, or about, a job that runs
    ├── JobFailed                           what `Job.result()` raises; picklable, safe to return
    ├── Unrecoverable                       raise it to bury at once, without another attempt
    ├── RetryLater                          raise it to try again after a while, uncounted
    │   └── RateLimited                     the same, and the whole queue waits
    ├── LeaseLost                           another worker holds the job; the outcome is dropped
    ├── Expired                             not started within the time it was given
    ├── Undecodable                         the stored payload cannot be read
    ├── Stalled                             its workers died more often than allowed
    ├── JobTimeout                          ran longer than its timeout
    └── Cancelled                           an operator or an abort ended it

The exit codes of the command line are `ExitCode`; no other place defines them.
"""

from enum import IntEnum
from typing import Any, ClassVar


class ExitCode(IntEnum):
    """What the command line's exit status says; 130 and 141 are the shell's own for Ctrl-C and a closed pipe."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    REDIS_UNAVAILABLE = 5
    PARTIAL_FAILURE = 6
    CHECK_BREACHED = 7
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class QConsoleError(Exception):
    """Base of every error this product raises on purpose.

    Args:
        message: one sentence, "X must be Y, got Z"; safe to show anybody (no secrets).
        hint: what to do next, as a sentence; faces print it on its own line.
        fields: what the error is about (`job_id`, `queue`, `state`, `position`, …), JSON-able values.
    """

    code: ClassVar[str] = "unexpected"
    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED

    def __init__(self, message: str = "", hint: str | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields: dict[str, Any] = fields

    def __str__(self) -> str:
        return self.message

    def as_dict(self) -> dict[str, Any]:
        """Return the error as faces send it: code, message, hint and, when there are any, fields."""
        answer: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        if self.fields:
            answer["fields"] = self.fields
        return answer


class UsageError(QConsoleError):
    """What was asked for cannot be understood; `position` or `field` say where when known."""

    code = "usage"
    exit_code = ExitCode.USAGE

    @property
    def position(self) -> int | None:
        """Zero-based offset into the text that was parsed, when there is one."""
        return self.fields.get("position")

    @property
    def field(self) -> str | None:
        """Name of the option or form field that is wrong, when there is one."""
        return self.fields.get("field")


class ConfigError(UsageError):
    """A setting, URL, file or port is wrong."""

    code = "config"


class FilterError(UsageError):
    """A filter's text cannot be parsed; `position` and `expected` say what was wanted where."""

    code = "filter"


class CursorError(UsageError):
    """A page cursor is damaged, belongs to another listing, or is no longer valid."""

    code = "cursor"


class NotFound(QConsoleError):
    """The thing named does not exist."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class JobNotFound(NotFound):
    """No job with this id (it may have been removed by retention)."""

    code = "job_not_found"


class QueueNotFound(NotFound):
    """No queue with this name."""

    code = "queue_not_found"


class JobTypeNotFound(NotFound):
    """No worker or producer has declared this job type."""

    code = "job_type_not_found"


class WorkerNotFound(NotFound):
    """No worker with this id has a heartbeat."""

    code = "worker_not_found"


class ScheduleNotFound(NotFound):
    """No schedule with this name."""

    code = "schedule_not_found"


class DeadLetterNotFound(NotFound):
    """No dead letter with this id."""

    code = "dead_letter_not_found"


class FlowNotFound(NotFound):
    """No flow with this id."""

    code = "flow_not_found"


class OperationNotFound(NotFound):
    """No operation with this id."""

    code = "operation_not_found"


class UserNotFound(NotFound):
    """No user or token with this name."""

    code = "user_not_found"


class Refused(QConsoleError):
    """Understood, and not done; nothing was changed."""

    code = "refused"
    exit_code = ExitCode.REFUSED


class Unconfirmed(Refused):
    """A dangerous verb came without the confirmation it needs."""

    code = "unconfirmed"


class Unauthenticated(Refused):
    """Nobody is signed in, or the session or token is no longer valid."""

    code = "unauthenticated"


class Forbidden(Refused):
    """The actor's role does not allow this."""

    code = "forbidden"


class Conflict(Refused):
    """The state does not allow this, or somebody else changed it meanwhile."""

    code = "conflict"


class PayloadInvalid(Refused):
    """The payload breaks the job type's schema; `field` names the first offender."""

    code = "payload_invalid"


class PayloadTooLarge(Refused):
    """The payload is over the job type's limit and its policy is to refuse."""

    code = "payload_too_large"


class CapabilityMissing(Refused):
    """This Redis, or a deployment of plain arq, has no such thing."""

    code = "capability_missing"


class RedisUnavailable(QConsoleError):
    """Redis cannot be reached, refused the connection, or did not answer within the deadline."""

    code = "redis_unavailable"
    exit_code = ExitCode.REDIS_UNAVAILABLE


class PartialFailure(QConsoleError):
    """A bulk verb succeeded for some and failed for others; `fields` holds the counts and why."""

    code = "partial_failure"
    exit_code = ExitCode.PARTIAL_FAILURE


class CheckBreached(QConsoleError):
    """A rule of `qconsole check` is broken; `fields` holds which, and by how much."""

    code = "check_breached"
    exit_code = ExitCode.CHECK_BREACHED


class JobError(QConsoleError):
    """Raised by, or about, a job that runs."""

    code = "job"


class JobFailed(JobError):
    """A job's last error as its caller sees it: the message and the original exception's type by name.

    The original class is never rebuilt, so a caller needs none of the job's code to read the result.
    """

    code = "failed"

    def __init__(self, message: str = "", error_type: str = "Exception", **fields: Any) -> None:
        super().__init__(message, **fields)
        self.error_type = error_type
        self.args = (message, error_type)

    def __str__(self) -> str:
        return f"{self.error_type}: {self.message}" if self.message else self.error_type


class Unrecoverable(JobError):
    """Raise in a handler when another attempt cannot help: the job is buried at once."""

    code = "unrecoverable"


class RetryLater(JobError):
    """Raise in a handler to run again after `after_s` seconds without using up an attempt."""

    code = "retry_later"

    def __init__(self, after_s: float, message: str = "", **fields: Any) -> None:
        if not after_s >= 0:
            raise ValueError(f"after_s must be a number of seconds ≥ 0, got {after_s!r}")
        super().__init__(message or f"again in {after_s:g} s", **fields)
        self.after_s = after_s
        self.args = (after_s, self.message)


class RateLimited(RetryLater):
    """Like RetryLater, and no job of the queue is claimed for `after_s` seconds (an upstream said 429)."""

    code = "rate_limited"


class LeaseLost(JobError):
    """The job's lease went to another worker; whatever this one produced is dropped."""

    code = "lease_lost"


class Expired(JobError):
    """The job was not started within the time it was given."""

    code = "expired"


class Undecodable(JobError):
    """The stored payload or result cannot be read."""

    code = "undecodable"


class Stalled(JobError):
    """The job's workers died or froze more often than `max_stalled` allows."""

    code = "stalled"


class JobTimeout(JobError):
    """The handler ran longer than the job's timeout."""

    code = "timeout"


class Cancelled(JobError):
    """An operator, or arq's `Job.abort`, ended the job."""

    code = "cancelled"
