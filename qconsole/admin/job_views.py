"""Turns what Redis holds about a job into views: redacted, bounded, plain."""

from typing import Any, Final

import orjson

from qconsole.admin.backend import Backend
from qconsole.admin.payloads import JSON, MSGPACK, OPAQUE, PICKLE, Call, Ended
from qconsole.admin.redaction import Redacted
from qconsole.admin.stored_job import StoredJob, error_view
from qconsole.admin.views import AttemptView, ErrorView, JobRow, JobView
from qconsole.errors import Undecodable
from qconsole.runtime.job import JobState

SUMMARY_CHARACTERS: Final = 200
ROW_MESSAGE_CHARACTERS: Final = 500
MESSAGE_CHARACTERS: Final = 20_000
EDITABLE_STATES: Final = frozenset({JobState.WAITING, JobState.DELAYED, JobState.FAILED, JobState.CANCELLED})


class JobViews:
    """Builds rows and views.

    Args:
        backend: for ids and redaction.
        attempts_by_type: how many attempts a declared job type has.
    """

    def __init__(self, backend: Backend, attempts_by_type: dict[str, int | None] | None = None) -> None:
        self._backend = backend
        self._attempts = attempts_by_type or {}

    def row(self, job: StoredJob) -> JobRow:
        """Return a job's line in a list."""
        error = job.error
        redact = self._backend.redaction.text
        return JobRow(
            id=self._backend.keys(job.queue).bare_id(job.id),
            queue=job.queue,
            state=job.state.value if job.state else "unknown",
            job_type=job.job_type,
            priority=job.priority,
            attempts_made=job.attempts_made,
            attempts_allowed=job.number("attempts") or self._attempts.get(job.job_type),
            created_ms=job.created_ms,
            due_ms=job.due_ms,
            started_ms=job.started_ms,
            finished_ms=job.finished_ms,
            worker=job.worker,
            error_type=error.type if error else None,
            error_message=redact(error.message[:ROW_MESSAGE_CHARACTERS]) if error else None,
            fingerprint=error.fingerprint if error else None,
            progress=self._progress(job),
            summary=self.summary(call_of(job)),
        )

    def _progress(self, job: StoredJob) -> Any:
        return self._plain(job.document("progress"), characters=1_000).value if "progress" in job.record else None

    def summary(self, call: Call | None) -> str:
        """Return a payload in one line."""
        if call is None:
            return ""
        if call.hint:
            return f"({call.hint})"[:SUMMARY_CHARACTERS]
        try:
            payload = call.payload()
        except Undecodable as error:
            return f"({error})"[:SUMMARY_CHARACTERS]
        plain = self._plain(payload, characters=2 * SUMMARY_CHARACTERS, entries=40).value
        parts = [_short(value) for value in plain["args"]]
        parts += [f"{name}={_short(value)}" for name, value in plain["kwargs"].items()]
        line = ", ".join(parts)
        return line if len(line) <= SUMMARY_CHARACTERS else line[: SUMMARY_CHARACTERS - 1] + "…"

    def view(self, job: StoredJob, *, reveal: bool = False, dead_letter: str | None = None) -> JobView:
        """Return everything about a job."""
        call = call_of(job)
        payload, hint = self.payload(call, reveal=reveal)
        result = self._result(job.end, reveal=reveal)
        size = job.payload_bytes or job.result_bytes
        return JobView(
            row=self.row(job),
            payload=payload.value,
            payload_format=call.format if call else OPAQUE,
            payload_bytes=size,
            payload_truncated=payload.cut or bool(call and call.hint),
            editable=is_editable(call, payload.value) and job.state in EDITABLE_STATES,
            result=result.value,
            error=self.error(job.error, reveal=reveal),
            attempts=self.attempts(job.document("history"), reveal=reveal),
            logs_total=job.logs_total,
            stalls=job.number("stalls") or 0,
            timeout_ms=job.number("timeout_ms"),
            expires_ms=job.number("expires_ms"),
            dedup_id=_dedup_id(job.text("dedup")),
            parent=self._parent(job),
            children=max(0, job.children),
            schedule=job.text("schedule"),
            replay_of=job.text("replay_of"),
            dead_letter=dead_letter,
            trace=job.text("trace"),
            redacted=(*(f"payload.{path}" for path in payload.paths), *(f"result.{path}" for path in result.paths)),
            raw_hint=hint,
        )

    def payload(self, call: Call | None, *, reveal: bool = False) -> tuple[Redacted, str | None]:
        """Return a call's arguments, and why they could not be decoded."""
        if call is None:
            return Redacted(None), "the job's payload is gone"
        if call.hint:
            return Redacted(None), call.hint
        try:
            payload = call.payload()
        except Undecodable as error:
            return Redacted(None), str(error)
        limit = self._backend.settings.shown_payload_bytes
        return self._plain(payload, reveal=reveal, characters=limit), None

    def _result(self, end: Ended | None, *, reveal: bool) -> Redacted:
        if end is None or end.error is not None:
            return Redacted(None)
        try:
            value = end.result()
        except Undecodable as error:
            return Redacted(f"({error})")
        return self._plain(value, reveal=reveal, characters=self._backend.settings.shown_payload_bytes)

    def error(self, error: ErrorView | None, *, reveal: bool = False) -> ErrorView | None:
        """Return an error with what looks secret masked."""
        if error is None or reveal:
            return error
        redact = self._backend.redaction.text
        return ErrorView(
            type=error.type,
            message=redact(error.message[:MESSAGE_CHARACTERS]),
            traceback=redact(error.traceback[:MESSAGE_CHARACTERS]) if error.traceback else None,
            fingerprint=error.fingerprint,
            at_ms=error.at_ms,
        )

    def attempts(self, history: Any, *, reveal: bool = False) -> tuple[AttemptView, ...]:
        """Return the attempts of a stored history, oldest first; malformed ones are left out."""
        if not isinstance(history, list | tuple):
            return ()
        return tuple(
            AttemptView(
                attempt=_whole(entry.get("attempt")) or 0,
                start_ms=_whole(entry.get("start_ms")) or 0,
                end_ms=_whole(entry.get("end_ms")),
                worker=str(entry["worker"]) if entry.get("worker") else None,
                outcome=str(entry.get("outcome") or "?"),
                error=self.error(error_view(entry.get("error")), reveal=reveal),
            )
            for entry in history
            if isinstance(entry, dict)
        )

    def _parent(self, job: StoredJob) -> tuple[str, str] | None:
        if job.parent is None:
            return None
        queue, job_id = job.parent
        return queue, job_id.removeprefix(f"{{{queue}}}") if self._backend.cluster else job_id

    def _plain(self, value: Any, **options: Any) -> Redacted:
        return self._backend.redaction.value(value, **options)


def call_of(job: StoredJob) -> Call | None:
    """Return a job's call, from wherever it still is."""
    return job.call or (job.end.call if job.end else None)


def is_editable(call: Call | None, plain: Any) -> bool:
    """Tell whether an edited payload can be written in the form the job's worker reads."""
    if call is None or call.hint or plain is None:
        return False
    return call.format in (JSON, MSGPACK) or (
        call.format == PICKLE and b'"opaque"' not in orjson.dumps(plain, default=str)
    )


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value if len(value) <= 60 else value[:59] + "…"
    try:
        text = orjson.dumps(value, default=str).decode()
    except TypeError:
        text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _dedup_id(stored: str | None) -> str | None:
    """Return the id of a stored `<mode>\\n<dedup id>`."""
    return stored.partition("\n")[2] or stored if stored else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
