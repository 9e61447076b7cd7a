"""What Redis holds about one dead letter, and reading many of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson

from qconsole.admin.backend import Backend
from qconsole.admin.payloads import Call, read_call
from qconsole.admin.redaction import Redaction
from qconsole.admin.stored_job import error_view
from qconsole.admin.views import ErrorView
from qconsole.errors import Undecodable

ROW_FIELDS: Final = [
    "job_id",
    "job_type",
    "error",
    "fp",
    "attempts",
    "severity",
    "cause",
    "state",
    "note",
    "replayed_as",
    "buried_ms",
    "created_ms",
    "resolved_ms",
]
VIEW_FIELDS: Final = [*ROW_FIELDS, "history", "stalls", "actor", "reason", "due_ms", "options"]
BATCH: Final = 200


@dataclass
class StoredLetter:
    """One dead letter; `id` is the entry as it stands in Redis."""

    id: str
    queue: str
    payload: bytes | None = None
    payload_bytes: int = 0
    fields: dict[str, bytes] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Return a field as text; an empty one counts as missing."""
        raw = self.fields.get(name)
        return raw.decode("utf-8", "replace") if raw else None

    def number(self, name: str) -> int | None:
        """Return a field as a whole number."""
        try:
            return int(float(self.fields[name]))
        except (KeyError, ValueError, OverflowError):
            return None

    def document(self, name: str) -> Any:
        """Return a field that holds JSON."""
        try:
            return orjson.loads(self.fields[name])
        except (KeyError, orjson.JSONDecodeError):
            return None

    @cached_property
    def error(self) -> ErrorView:
        """The failure that buried the job."""
        stored = error_view(self.document("error")) or ErrorView("Exception", "")
        return (
            stored if stored.fingerprint else ErrorView(stored.type, stored.message, stored.traceback, self.text("fp"))
        )

    @cached_property
    def call(self) -> Call | None:
        """The stored call, when it was read."""
        return read_call(self.payload, self.payload_bytes) if self.payload is not None else None

    @property
    def job_type(self) -> str:
        """The job's type."""
        return self.text("job_type") or (self.call.job_type if self.call else None) or "?"


async def read_letters(
    backend: Backend, queue: str, entries: Sequence[str], *, fields: Sequence[str] = ROW_FIELDS, cap_bytes: int = 0
) -> list[StoredLetter | None]:
    """Return the dead letters of some wire entries, `None` for those that are gone."""
    found: list[StoredLetter | None] = []
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        answers = await backend.read("letters", [queue], [cap_bytes, len(fields), *fields, *batch])
        for entry, (values, payload, size) in zip(batch, answers, strict=True):
            kept = {name: value for name, value in zip(fields, values, strict=True) if value is not None}
            found.append(StoredLetter(entry, queue, payload, size, kept) if kept else None)
    return found


class LetterFacts:
    """One dead letter as `filter_match.Facts`."""

    __slots__ = ("_bare_id", "_letter", "_now_ms", "_redaction")

    def __init__(self, letter: StoredLetter, bare_id: str, redaction: Redaction, now_ms: int) -> None:
        self._letter = letter
        self._bare_id = bare_id
        self._redaction = redaction
        self._now_ms = now_ms

    def texts(self, field: str) -> tuple[str, ...]:
        """Return the texts that stand for a field."""
        letter = self._letter
        job_id = self._bare_id.rpartition("~")[0]
        match field:
            case "queue":
                return (letter.queue,)
            case "state" | "cause" | "severity" | "fp":
                value = letter.text(field)
                return (value,) if value else ()
            case "type":
                return (letter.job_type,)
            case "id":
                return (self._bare_id, job_id)
            case "error":
                return self._error()
            case "text":
                return (self._bare_id, letter.job_type, *self._error())
        return ()

    def _error(self) -> tuple[str, ...]:
        error = self._letter.error
        message = self._redaction.text(error.message)
        return (error.type, message, f"{error.type}: {message}")

    def number(self, field: str) -> int | None:
        """Return a number, an age in ms, or an instant."""
        letter = self._letter
        buried_ms = letter.number("buried_ms")
        match field:
            case "attempts":
                return letter.number("attempts")
            case "age":
                return None if buried_ms is None else self._now_ms - buried_ms
            case "created":
                return letter.number("created_ms")
            case "finished":
                return buried_ms
        return None

    def payload(self) -> Any:
        """Return the redacted payload; one that cannot be read has no values."""
        if self._letter.call is None or self._letter.call.hint:
            return None
        try:
            return self._redaction.value(self._letter.call.payload()).value
        except Undecodable:
            return None
