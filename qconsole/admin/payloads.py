"""Reads stored calls and results: our envelope by its layout, plain arq's pickles by the reader that imports nothing,
and other serializers as far as they are JSON or msgpack. Never executes anything; what cannot be read says why.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from qconsole.errors import Undecodable
from qconsole.runtime.codec import Result, decode_call, decode_result, peek_call, peek_result
from qconsole.runtime.job import JobState
from qconsole.runtime.json_codec import decode_value
from qconsole.runtime.payload_store import reference_of
from qconsole.runtime.safe_pickle import Opaque, load_pickle

JSON: Final = "json"
PICKLE: Final = "pickle"
MSGPACK: Final = "msgpack"
OPAQUE: Final = "opaque"
SUMMARY_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A call: its job type, its arguments `{"args": […], "kwargs": {…}}`, and how they were stored.

    `text` is the JSON text of an envelope's arguments that were not decoded yet.
    """

    job_type: str | None
    format: str
    enqueued_ms: int | None = None
    text: bytes | None = None
    args: Any = ()
    kwargs: Any = None
    hint: str | None = None

    def payload(self) -> Any:
        """Return the arguments, decoded.

        Raises:
            Undecodable: the stored JSON cannot be read.
        """
        kwargs = decode_value(self.text) if self.text is not None else self.kwargs
        return {"args": list(self.args) if isinstance(self.args, list | tuple) else [self.args], "kwargs": kwargs or {}}


@dataclass(frozen=True, slots=True)
class Ended:
    """A stored result."""

    call: Call
    state: JobState
    queue: str | None = None
    due_ms: int | None = None
    started_ms: int | None = None
    finished_ms: int | None = None
    attempt: int | None = None
    priority: int | None = None
    worker: str | None = None
    error: tuple[str, str] | None = None
    value: Any = None
    value_text: bytes | None = None

    def result(self) -> Any:
        """Return what the job returned, decoded.

        Raises:
            Undecodable: the stored JSON cannot be read.
        """
        return decode_value(self.value_text) if self.value_text is not None else self.value


def read_call(data: bytes, full_bytes: int) -> Call:
    """Return a stored call.

    Args:
        data: the value of `arq:job:<id>`, or its beginning.
        full_bytes: the length of the whole value.
    """
    envelope = decode_call(data)
    if envelope is not None:
        return _call_of_text(envelope.job_type, envelope.enqueued_ms, envelope.payload)
    if len(data) < full_bytes:
        begun = peek_call(data)
        return Call(
            begun.job_type if begun else _peek_job_type(data),
            OPAQUE,
            begun.enqueued_ms if begun else None,
            hint=f"the payload has {full_bytes:,} bytes; only its start was read",
        )
    stored, format_, hint = _read_mapping(data)
    if stored is None:
        return Call(_peek_job_type(data), OPAQUE, hint=hint)
    return _call_of(stored, format_)


def read_result(data: bytes, full_bytes: int) -> Ended | None:
    """Return a stored result, `None` when it cannot be read at all."""
    ours = decode_result(data)
    if ours is not None:
        return _ended_as(ours, _call_of_text(ours.job_type, ours.enqueued_ms, ours.payload))
    if len(data) < full_bytes:
        hint = f"the result has {full_bytes:,} bytes; only its start was read"
        begun = peek_result(data)
        if begun is not None:
            return _ended_as(begun, Call(begun.job_type, OPAQUE, begun.enqueued_ms, hint=hint))
        return Ended(Call(_peek_job_type(data), OPAQUE, hint=hint), JobState.COMPLETED)
    stored, format_, _ = _read_mapping(data)
    if stored is None:
        return None
    return _ended_of(stored, format_)


def _ended_as(result: Result, call: Call) -> Ended:
    state = JobState.COMPLETED if result.success else JobState.CANCELLED if result.cancelled else JobState.FAILED
    return Ended(
        call=call,
        state=state,
        queue=result.queue,
        due_ms=result.due_ms,
        started_ms=result.started_ms,
        finished_ms=result.finished_ms,
        attempt=result.attempt,
        priority=result.priority,
        worker=result.worker or None,
        error=result.error,
        value_text=result.value,
    )


def _call_of_text(job_type: str, enqueued_ms: int, text: bytes) -> Call:
    hint = None
    if reference_of(text) is not None:
        size = orjson.loads(text)["v"].get("bytes", 0)
        hint = f"the payload of {size:,} bytes lies in a payload store that cannot be read here (setting payload_store)"
    return Call(job_type, JSON, enqueued_ms, text=text, hint=hint)


def _ended_of(stored: dict[str, Any], format_: str) -> Ended:
    value, success = stored.get("r"), bool(stored.get("s"))
    error = None if success else _error_of(value)
    cancelled = (
        error is not None and error[0] in ("CancelledError", "JobExecutionFailed") and "abort" in str(value).lower()
    )
    return Ended(
        call=_call_of(stored, format_),
        state=JobState.COMPLETED if success else JobState.CANCELLED if cancelled else JobState.FAILED,
        queue=_text(stored.get("q")),
        due_ms=_number(stored.get("du")),
        started_ms=_number(stored.get("st")),
        finished_ms=_number(stored.get("ft")),
        attempt=_number(stored.get("t")),
        priority=_number(stored.get("pr")),
        worker=_text(stored.get("w")),
        error=error,
        value=value if success else None,
    )


def _call_of(stored: dict[str, Any], format_: str) -> Call:
    return Call(
        job_type=_text(stored.get("f")),
        format=format_,
        enqueued_ms=_number(stored.get("et")),
        args=stored.get("a") or (),
        kwargs=stored.get("k"),
    )


def _error_of(value: Any) -> tuple[str, str]:
    """Return type and message of an exception that was stored as a pickle."""
    if isinstance(value, Opaque):
        arguments = value.args
        message = arguments[0] if len(arguments) == 1 else ", ".join(map(str, arguments))
        return value.name.rpartition(".")[2], str(message)
    if isinstance(value, BaseException):
        return type(value).__name__, str(value)
    return "Exception", str(value)


def _read_mapping(data: bytes) -> tuple[dict[str, Any] | None, str, str | None]:
    """Return arq's dictionary from whatever serializer wrote it, its format, and why it cannot be read."""
    if data[:1] == b"\x80":
        try:
            stored = load_pickle(data)
        except Undecodable as error:
            return None, OPAQUE, str(error)
        return _as_call(stored, PICKLE)
    if data[:1] == b"{":
        try:
            return _as_call(orjson.loads(data), JSON)
        except orjson.JSONDecodeError as error:
            return None, OPAQUE, f"it looks like JSON and is none: {error}"
    return None, OPAQUE, "it is neither JSON nor a pickle; a serializer of the application wrote it"


def _as_call(stored: Any, format_: str) -> tuple[dict[str, Any] | None, str, str | None]:
    if isinstance(stored, dict) and "f" in stored:
        return stored, format_, None
    return None, OPAQUE, "it is not a call as arq writes it"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _peek_job_type(data: bytes) -> str | None:
    """Read the job type from the beginning of a call that is not all there: the text after the key `f`."""
    for mark, size_bytes in (
        (b"\x8c\x01fX", 4),
        (b"\x8c\x01f\x94\x8c", 1),
        (b"\x8c\x01f\x94X", 4),
        (b"\x8c\x01f\x8c", 1),
    ):
        at = data.find(mark)
        if at >= 0:
            at += len(mark)
            size = int.from_bytes(data[at : at + size_bytes], "little")
            name = data[at + size_bytes : at + size_bytes + size]
            return name.decode("utf-8", "replace") if 0 < size <= 1_000 and len(name) == size else None
    return None
