"""What Redis holds about one job, as read, and what can be told from it: its state, its times, its last error.

Pure: reading is in job_reader.py, decoding of payloads in payloads.py.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from qconsole.admin.lazy import lazy
from qconsole.admin.payloads import Call, Ended, read_call, read_result
from qconsole.admin.views import ErrorView
from qconsole.runtime.job import JobState
from qconsole.runtime.score import DEFAULT_PRIORITY, Place, decode_score

ROW_FIELDS: Final = (
    "pri",
    "attempts",
    "created_ms",
    "due_ms",
    "error",
    "progress",
    "job_type",
    "schedule",
    "parent",
    "stalls",
    "replay_of",
)


@dataclass
class StoredJob:
    """One job as Redis holds it; everything else is derived when asked for."""

    id: str
    queue: str
    now_ms: int
    score: float | None = None
    children_ms: int | None = None
    ended: str | None = None
    ended_ms: int | None = None
    lease_token: bytes | None = None
    active: bytes | None = None
    lease_end_ms: float | None = None
    attempts_spent: int = 0
    payload: bytes | None = None
    payload_bytes: int = 0
    result: bytes | None = None
    result_bytes: int = 0
    record: dict[str, bytes] = field(default_factory=dict)
    logs_total: int = 0
    children: int = 0

    @lazy
    def state(self) -> JobState | None:
        """Its state, or `None` when nothing is known of it in this queue."""
        if self.score is not None:
            if self.lease_token is not None or self.active is not None:
                return JobState.ACTIVE
            return JobState.DELAYED if self.score >= self.now_ms + 1 else JobState.WAITING  # due in this millisecond
        if self.ended is not None:
            return JobState(self.ended)
        if self.children_ms is not None:
            return JobState.WAITING_CHILDREN
        if self.end is not None and self.end.queue == self.queue:
            return self.end.state
        return None

    @lazy
    def claim(self) -> list[str]:
        """`token|worker|started_ms|score|attempt|due_ms|job_type` of the claim, empty when there is none of ours."""
        return self.active.decode("utf-8", "replace").split("|", 6) if self.active else []

    @lazy
    def call(self) -> Call | None:
        """The decoded call, when it was read."""
        return None if self.payload is None else read_call(self.payload, self.payload_bytes)

    @lazy
    def end(self) -> Ended | None:
        """The decoded result, when it was read."""
        return None if self.result is None else read_result(self.result, self.result_bytes)

    def text(self, name: str) -> str | None:
        """Return a field of the record as text."""
        raw = self.record.get(name)
        return None if raw is None else raw.decode("utf-8", "replace")

    def number(self, name: str) -> int | None:
        """Return a field of the record as a whole number; what is none counts as missing."""
        raw = self.record.get(name)
        try:
            return None if raw is None else int(float(raw))
        except (ValueError, OverflowError):
            return None

    def document(self, name: str) -> Any:
        """Return a field of the record that holds JSON; what is none counts as missing."""
        raw = self.record.get(name)
        try:
            return None if raw is None else orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None

    @lazy
    def job_type(self) -> str:
        """Its job type; a question mark when it cannot be read."""
        if self.call is not None and self.call.job_type:
            return self.call.job_type
        if self.end is not None and self.end.call.job_type:
            return self.end.call.job_type
        return self.text("job_type") or (self.claim[6] if len(self.claim) > 6 else "") or "?"

    @lazy
    def priority(self) -> int:
        """Its priority, by its place if it stands in a band."""
        if self.score is not None and self.score < 0:
            return decode_score(self.score, self.now_ms).priority
        known = self.number("pri")
        if known is None and self.end is not None:
            known = self.end.priority
        return DEFAULT_PRIORITY if known is None else known

    @lazy
    def created_ms(self) -> int | None:
        """When it was enqueued."""
        known = self.number("created_ms")
        if known is not None:
            return known
        if self.call is not None and self.call.enqueued_ms:
            return self.call.enqueued_ms
        if self.end is not None:
            return self.end.call.enqueued_ms
        return self.children_ms

    @lazy
    def due_ms(self) -> int | None:
        """When it may or might start."""
        if self.state in (JobState.WAITING, JobState.DELAYED) and self.score is not None:
            decoded = decode_score(self.score, self.now_ms)
            return self.created_ms if decoded.place is Place.ABORTED else decoded.due_ms
        claimed = _whole(self.claim, 5)
        if claimed is not None:
            return claimed
        if self.end is not None and self.end.due_ms is not None:
            return self.end.due_ms
        return self.number("due_ms") or self.created_ms

    @lazy
    def started_ms(self) -> int | None:
        """When the current or last attempt began."""
        claimed = _whole(self.claim, 2)
        if claimed is not None:
            return claimed
        if self.end is not None:
            return self.end.started_ms
        history = self.document("history")
        return history[-1].get("start_ms") if isinstance(history, list) and history else None

    @lazy
    def finished_ms(self) -> int | None:
        """When it ended."""
        if self.ended_ms is not None:
            return self.ended_ms
        if self.end is not None and self.state in _ENDED:
            return self.end.finished_ms
        return None

    @lazy
    def worker(self) -> str | None:
        """Who runs or ran it."""
        if len(self.claim) > 1:
            return self.claim[1]
        if self.state is JobState.ACTIVE:
            return "plain arq" if self.lease_token == b"1" else None
        return self.end.worker if self.end is not None else None

    @lazy
    def attempts_made(self) -> int:
        """How many runs it has had, the current one included."""
        claimed = _whole(self.claim, 4)
        if claimed is not None:
            return claimed
        if self.state in _ENDED and self.end is not None and self.end.attempt is not None:
            return self.end.attempt
        return self.attempts_spent

    @lazy
    def error(self) -> ErrorView | None:
        """Its last error; of an ended job that did not fail there is none."""
        if self.state is JobState.COMPLETED:
            return None
        stored = error_view(self.document("error"))
        if stored is None and self.end is not None and self.end.error is not None:
            kind, message = self.end.error
            stored = ErrorView(kind, message, at_ms=self.finished_ms)
        return stored

    @lazy
    def parent(self) -> tuple[str, str] | None:
        """Queue and id of the job that waits for this one."""
        text = self.text("parent")
        if not text or "\n" not in text:
            return None
        queue, _, job_id = text.partition("\n")
        return queue, job_id


_ENDED: Final = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def error_view(stored: Any) -> ErrorView | None:
    """Return an error as it is kept in JSON, `{type, message, traceback, fp, at_ms}`; nonsense counts as missing."""
    if not isinstance(stored, dict):
        return None
    at_ms = stored.get("at_ms")
    return ErrorView(
        type=str(stored.get("type") or "Exception"),
        message=str(stored.get("message") or ""),
        traceback=None if stored.get("traceback") is None else str(stored["traceback"]),
        fingerprint=None if stored.get("fp") is None else str(stored["fp"]),
        at_ms=at_ms if isinstance(at_ms, int) else None,
    )


def _whole(claim: list[str], index: int) -> int | None:
    try:
        return int(float(claim[index]))
    except (IndexError, ValueError, OverflowError):
        return None
