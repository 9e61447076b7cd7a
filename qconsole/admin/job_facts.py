"""What a filter may ask of a job, answered from what was read; payloads are decoded only when a term asks."""

from typing import Any, Final

from qconsole.admin.filters import Filter
from qconsole.admin.redaction import Redaction
from qconsole.admin.stored_job import StoredJob
from qconsole.errors import Undecodable
from qconsole.runtime.job import JobState

_PAYLOAD_FIELDS: Final = frozenset({"type", "payload", "text", "created", "age"})
_RESULT_FIELDS: Final = frozenset(
    {
        "type",
        "payload",
        "text",
        "created",
        "age",
        "started",
        "run",
        "wait",
        "worker",
        "attempts",
        "due",
        "priority",
        "error",
    }
)
_RECORD_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "type": ("job_type",),
    "error": ("error",),
    "fp": ("error",),
    "text": ("error", "job_type"),
    "age": ("created_ms",),
    "created": ("created_ms",),
    "wait": ("due_ms", "created_ms"),
    "due": ("due_ms", "created_ms"),
    "priority": ("pri",),
    "flow": ("parent",),
    "schedule": ("schedule",),
}


def parts_for(filter: Filter) -> tuple[str, tuple[str, ...]]:
    """Return the parts of a job (see `lua/rows.lua`) and the record's fields that the filter needs to be decided."""
    asked = {term.field for term in filter.terms}
    parts = ""
    if asked & _PAYLOAD_FIELDS:
        parts += "p"
    if asked & _RESULT_FIELDS:
        parts += "r"
    fields = tuple(sorted({name for field in asked for name in _RECORD_FIELDS.get(field, ())}))
    return parts + ("f" if fields else ""), fields


class JobFacts:
    """One job as `filter_match.Facts`."""

    __slots__ = ("_bare_id", "_job", "_redaction")

    def __init__(self, job: StoredJob, bare_id: str, redaction: Redaction) -> None:
        self._job = job
        self._bare_id = bare_id
        self._redaction = redaction

    def texts(self, field: str) -> tuple[str, ...]:
        """Return the texts that stand for a field."""
        job = self._job
        match field:
            case "queue":
                return (job.queue,)
            case "state":
                return (job.state.value,) if job.state else ()
            case "type":
                return (job.job_type,)
            case "id":
                return (self._bare_id,)
            case "error":
                return self._error()
            case "fp":
                return (job.error.fingerprint,) if job.error and job.error.fingerprint else ()
            case "worker":
                return (job.worker,) if job.worker else ()
            case "flow":
                return (job.parent[1],) if job.parent else ()
            case "schedule":
                schedule = job.text("schedule")
                return (schedule,) if schedule else ()
            case "text":
                return (self._bare_id, job.job_type, *self._error())
        return ()

    def _error(self) -> tuple[str, ...]:
        error = self._job.error
        if error is None:
            return ()
        message = self._redaction.text(error.message)
        return (error.type, message, f"{error.type}: {message}")

    def number(self, field: str) -> int | float | None:
        """Return a number, a duration in ms, or an instant."""
        job = self._job
        match field:
            case "attempts":
                return job.attempts_made
            case "priority":
                return job.priority
            case "created":
                return job.created_ms
            case "due":
                return job.due_ms
            case "started":
                return job.started_ms
            case "finished":
                return job.finished_ms
            case "age":
                return None if job.created_ms is None else job.now_ms - job.created_ms
            case "wait":
                return self._wait_ms()
            case "run":
                return None if job.started_ms is None else (job.finished_ms or job.now_ms) - job.started_ms
        return None

    def _wait_ms(self) -> int | None:
        job = self._job
        if job.due_ms is None:
            return None
        if job.state in (JobState.WAITING, JobState.WAITING_CHILDREN):
            return max(0, job.now_ms - job.due_ms)
        return None if job.started_ms is None else max(0, job.started_ms - job.due_ms)

    def payload(self) -> Any:
        """Return the redacted payload; one that cannot be read has no values."""
        call = self._job.call or (self._job.end.call if self._job.end else None)
        if call is None:
            return None
        try:
            return self._redaction.value(call.payload()).value
        except Undecodable:
            return None
