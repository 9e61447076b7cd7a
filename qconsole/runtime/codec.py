"""The envelope: how a declared job's call and result lie in arq's keys.

The JSON text stands inside a fixed sequence of pickle opcodes, so that a plain arq handle reads it with its default
deserializer, which calls `json.loads` on the text. We write and read it by its fixed layout and never unpickle.
Invariant: `decode_*` answers None for bytes that this module did not write.

One of each is made for every job, so they are not frozen: that would triple the cost of making them.
"""

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from struct import error as struct_error
from typing import Any, Final

from qconsole.runtime.json_codec import decode_value

_U32: Final = Struct("<I")

# PROTO 4, EMPTY_DICT, MARK; each key is SHORT_BINUNICODE, numbers are LONG1 or BININT, texts BINUNICODE.
_OPEN: Final = b"\x80\x04}("
_ET: Final = b"\x8c\x02et\x8a\x08"
_JSON: Final = b"cjson\nloads\nX"
_REDUCE_1: Final = b"\x85R"
_CLOSE: Final = b"u."

_K: Final = b"\x8c\x01k" + _JSON


@dataclass(slots=True)
class Call:
    """A declared job's call: `payload` is the JSON text of its fields."""

    job_type: str
    payload: bytes
    enqueued_ms: int


@dataclass(slots=True)
class Result:
    """A declared job's end. `value` is JSON; for a failure it is None and `error` holds type and message."""

    job_type: str
    payload: bytes
    enqueued_ms: int
    due_ms: int
    started_ms: int
    finished_ms: int
    attempt: int
    priority: int
    success: bool
    queue: str
    job_id: str
    worker: str
    value: bytes | None
    error: tuple[str, str] | None
    cancelled: bool = False

    def result(self) -> Any:
        """Return the decoded value of a success."""
        return None if self.value is None else decode_value(self.value)


def _text(value: bytes) -> bytes:
    return _U32.pack(len(value)) + value


_CALL_PREFIX: Final = _OPEN + _ET
_CALL_MID: Final = b"\x8c\x01tN\x8c\x01a)\x8c\x01fX"
_CALL_TAIL: Final = _REDUCE_1 + _CLOSE
_I64: Final = Struct("<q")
_ET_AT: Final = len(_CALL_PREFIX)
_CALL_F_AT: Final = _ET_AT + 8 + len(_CALL_MID)


def encode_call(job_type: str, payload: bytes, enqueued_ms: int) -> bytes:
    """Return the bytes of `arq:job:<id>`.

    Args:
        job_type: its name.
        payload: JSON object, as `encode_value` writes it.
        enqueued_ms: UTC epoch milliseconds.
    """
    name = job_type.encode()
    return b"".join(
        (
            _CALL_PREFIX,
            _I64.pack(enqueued_ms),
            _CALL_MID,
            _U32.pack(len(name)),
            name,
            _K,
            _U32.pack(len(payload)),
            payload,
            _CALL_TAIL,
        )
    )


def decode_call(data: bytes) -> Call | None:
    """Return the call when the bytes are an envelope of ours, else None."""
    if not data.startswith(_CALL_PREFIX) or not data.startswith(_CALL_MID, _ET_AT + 8):
        return None
    try:
        (enqueued_ms,) = _I64.unpack_from(data, _ET_AT)
        (size,) = _U32.unpack_from(data, _CALL_F_AT)
        name_end = _CALL_F_AT + 4 + size
        (size,) = _U32.unpack_from(data, name_end + len(_K))
        start = name_end + len(_K) + 4
        if not data.startswith(_K, name_end) or data[start + size :] != _CALL_TAIL:
            return None
        return Call(data[_CALL_F_AT + 4 : name_end].decode(), data[start : start + size], enqueued_ms)
    except (ValueError, struct_error):
        return None


def peek_call(data: bytes) -> Call | None:
    """Return the call with an empty payload when the bytes begin an envelope of ours that was cut off, else None."""
    if not data.startswith(_CALL_PREFIX) or not data.startswith(_CALL_MID, _ET_AT + 8):
        return None
    (enqueued_ms,) = _I64.unpack_from(data, _ET_AT)
    try:
        return Call(_Reader(data, _CALL_F_AT).text().decode(), b"", enqueued_ms)
    except (ValueError, struct_error):
        return None


# et st ft du, then t and pr, then s: numbers at fixed offsets
_RESULT_HEAD: Final = Struct("<10sq6sq6sq6sq4si5si3sc8s")
_RESULT_MARKS: Final = (
    _OPEN + _ET,
    b"\x8c\x02st\x8a\x08",
    b"\x8c\x02ft\x8a\x08",
    b"\x8c\x02du\x8a\x08",
    b"\x8c\x01tJ",
    b"\x8c\x02prJ",
    b"\x8c\x01s",
    b"\x8c\x01a)\x8c\x01fX",
)
_TRUE: Final = b"\x88"
_FALSE: Final = b"\x89"
_Q: Final = b"\x8c\x01qX"
_ID: Final = b"\x8c\x02idX"
_W: Final = b"\x8c\x01wX"
_R: Final = b"\x8c\x01r"
_VALUE: Final = _R + _JSON
_FAILED: Final = _R + b"cqconsole.errors\nJobFailed\nX"
_CANCELLED: Final = _R + b"casyncio.exceptions\nCancelledError\n)R" + _CLOSE
_SECOND: Final = b"X"
_FAILED_TAIL: Final = b"\x86R" + _CLOSE


@lru_cache(maxsize=1024)
def _texts(job_type: str, queue: str) -> bytes:
    return b"".join((_text(job_type.encode()), _Q, _text(queue.encode()), _ID))


@lru_cache(maxsize=64)
def _texts_after_id(worker: str) -> bytes:
    return b"".join((_W, _text(worker.encode()), _K))


def encode_result(result: Result) -> bytes:
    """Return the bytes of `arq:result:<id>`."""
    m = _RESULT_MARKS
    # fmt: off
    head = _RESULT_HEAD.pack(
        m[0], result.enqueued_ms, m[1], result.started_ms, m[2], result.finished_ms, m[3], result.due_ms,
        m[4], result.attempt, m[5], result.priority, m[6], _TRUE if result.success else _FALSE, m[7],
    )
    # fmt: on
    job_id, payload = result.job_id.encode(), result.payload
    parts = [
        head,
        _texts(result.job_type, result.queue),
        _U32.pack(len(job_id)),
        job_id,
        _texts_after_id(result.worker),
    ]
    parts += (_U32.pack(len(payload)), payload, _REDUCE_1)
    if result.cancelled:
        parts.append(_CANCELLED)
    elif result.error is not None:
        error_type, message = result.error
        parts += (_FAILED, _text(message.encode("utf-8", "replace")))
        parts += (_SECOND, _text(error_type.encode("utf-8", "replace")), _FAILED_TAIL)
    else:
        parts += (_VALUE, _text(result.value or b"null"), _CALL_TAIL)
    return b"".join(parts)


def decode_result(data: bytes) -> Result | None:
    """Return the result when the bytes are an envelope of ours, else None."""
    return _read_result(data, whole=True)


def peek_result(data: bytes) -> Result | None:
    """Return the result without payload, value and error when the bytes begin an envelope of ours, else None."""
    return _read_result(data, whole=False)


def _read_result(data: bytes, *, whole: bool) -> Result | None:
    try:
        numbers = _RESULT_HEAD.unpack_from(data)
        if numbers[0::2][:7] != _RESULT_MARKS[:7] or numbers[14] != _RESULT_MARKS[7]:
            return None
        return _read_facts(numbers, _Reader(data, _RESULT_HEAD.size), whole=whole)
    except (ValueError, struct_error):
        return None


def _read_facts(numbers: tuple[Any, ...], reader: "_Reader", *, whole: bool) -> Result | None:
    job_type = reader.text().decode()
    reader.expect(_Q)
    queue = reader.text().decode()
    reader.expect(_ID)
    job_id = reader.text().decode()
    reader.expect(_W)
    worker = reader.text().decode()
    payload, value, error, cancelled = _read_outcome(reader) if whole else (b"", None, None, False)
    if whole and not reader.at_end:
        return None
    return Result(
        job_type=job_type,
        payload=payload,
        enqueued_ms=numbers[1],
        started_ms=numbers[3],
        finished_ms=numbers[5],
        due_ms=numbers[7],
        attempt=numbers[9],
        priority=numbers[11],
        success=numbers[13] == _TRUE,
        queue=queue,
        job_id=job_id,
        worker=worker,
        value=value,
        error=error,
        cancelled=cancelled,
    )


def _read_outcome(reader: "_Reader") -> tuple[bytes, bytes | None, tuple[str, str] | None, bool]:
    """Return payload, value, error, and whether it was cancelled."""
    reader.expect(_K)
    payload = reader.text()
    reader.expect(_REDUCE_1)
    if reader.skip(_CANCELLED):
        return payload, None, None, True
    if reader.skip(_FAILED):
        message = reader.text().decode()
        reader.expect(_SECOND)
        error = reader.text().decode(), message
        reader.expect(_FAILED_TAIL)
        return payload, None, error, False
    reader.expect(_VALUE)
    value = reader.text()
    reader.expect(_CALL_TAIL)
    return payload, value, None, False


class _Reader:
    """Walks the layout; anything unexpected is a ValueError."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def text(self) -> bytes:
        (size,) = _U32.unpack_from(self._data, self._at)
        start = self._at + 4
        if start + size > len(self._data):
            raise ValueError("cut short")
        self._at = start + size
        return self._data[start : self._at]

    def skip(self, mark: bytes) -> bool:
        if not self._data.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def expect(self, mark: bytes) -> None:
        if not self.skip(mark):
            raise ValueError("not the layout")
