"""Turns dead letters into views: redacted, bounded, plain."""

from typing import Any

from qconsole.admin.backend import Backend
from qconsole.admin.job_views import MESSAGE_CHARACTERS, ROW_MESSAGE_CHARACTERS, JobViews, is_editable
from qconsole.admin.payloads import OPAQUE
from qconsole.admin.stored_letter import StoredLetter
from qconsole.admin.views import DeadLetterRow, DeadLetterView, ErrorView, JobRow


class LetterViews:
    """Builds rows and views."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._jobs = JobViews(backend)

    def row(self, letter: StoredLetter) -> DeadLetterRow:
        """Return a dead letter's line in a list."""
        keys = self._backend.keys(letter.queue)
        replayed_as, note = letter.text("replayed_as"), letter.text("note")
        return DeadLetterRow(
            id=keys.bare_id(letter.id),
            job_id=keys.bare_id(letter.text("job_id") or ""),
            queue=letter.queue,
            job_type=letter.job_type,
            cause=letter.text("cause") or "attempts",
            severity=letter.text("severity") or "normal",
            state=letter.text("state") or "open",
            error_type=letter.error.type,
            error_message=self._redact(letter.error.message[:ROW_MESSAGE_CHARACTERS]),
            fingerprint=letter.text("fp") or "",
            attempts=letter.number("attempts") or 0,
            buried_ms=letter.number("buried_ms") or 0,
            note=self._redact(note) if note else None,
            replayed_as=keys.bare_id(replayed_as) if replayed_as else None,
        )

    def sample(self, letter: StoredLetter) -> JobRow:
        """Return a dead letter as a sample of an operation on it."""
        row = self.row(letter)
        return JobRow(
            id=row.id,
            queue=row.queue,
            state=row.state,
            job_type=row.job_type,
            priority=5,
            attempts_made=row.attempts,
            attempts_allowed=None,
            created_ms=letter.number("created_ms"),
            due_ms=letter.number("due_ms"),
            started_ms=None,
            finished_ms=row.buried_ms,
            worker=None,
            error_type=row.error_type,
            error_message=row.error_message,
            fingerprint=row.fingerprint,
        )

    def view(self, letter: StoredLetter, *, reveal: bool = False) -> DeadLetterView:
        """Return everything about a dead letter."""
        payload, _ = self._jobs.payload(letter.call, reveal=reveal)
        error = self._jobs.error(letter.error, reveal=reveal)
        reason = letter.text("reason")
        return DeadLetterView(
            row=self.row(letter),
            payload=payload.value,
            payload_format=letter.call.format if letter.call else OPAQUE,
            editable=is_editable(letter.call, payload.value) and letter.text("state") == "open",
            error=error or ErrorView("Exception", ""),
            attempts=self._jobs.attempts(letter.document("history"), reveal=reveal),
            stalls=letter.number("stalls") or 0,
            created_ms=letter.number("created_ms"),
            resolved_ms=letter.number("resolved_ms"),
            actor=letter.text("actor"),
            reason=self._redact(reason) if reason else None,
            redacted=tuple(f"payload.{path}" for path in payload.paths),
        )

    def _redact(self, text: Any) -> str:
        return self._backend.redaction.text(str(text)[:MESSAGE_CHARACTERS])
