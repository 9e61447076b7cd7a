"""Reads how, when and in which queue a job of plain arq ended from the end of its pickled result, without building it.

arq writes `…, et, s, r, st, ft, q, id` last, so what is read from `et` on must reach the end of the bytes exactly:
nothing in a payload can stand there. Whatever is pickled in another way is left to `payloads.read_result`. Pure.
"""

from typing import Final

from qconsole.runtime.job import JobState

_ENQUEUED: Final = b"\x8c\x02et\x94\x8a\x06"
_MS_BYTES: Final = 6
_SUCCESS: Final = {b"\x8c\x01s\x94\x88\x8c\x01r\x94": True, b"\x8c\x01s\x94\x89\x8c\x01r\x94": False}
_STARTED: Final = b"\x8c\x02st\x94\x8a\x06"
_FINISHED: Final = b"\x8c\x02ft\x94\x8a\x06"
_QUEUE: Final = b"\x8c\x01q\x94"
_ID: Final = b"\x8c\x02id\x94"
_END: Final = b"u."
_RAISED: Final = b"\x85\x94R\x94"  # the class was called with one argument
_NUMBER_BYTES: Final = {0x4E: 0, 0x88: 0, 0x89: 0, 0x4B: 1, 0x4D: 2, 0x4A: 4, 0x47: 8}  # None, booleans, numbers
_TEXT_SIZES: Final = {0x8C: 1, 0x58: 4}  # opcode → bytes of its length
_MAY_BE_CANCELLED: Final = frozenset({b"CancelledError", b"JobExecutionFailed"})


def read_end(data: bytes) -> tuple[int, str, JobState] | None:
    """Return finish time in epoch ms, queue and state; `None` when only the whole pickle tells them."""
    at = data.rfind(_ENQUEUED)
    if at < 0:
        return None
    try:
        return _End(data, at + len(_ENQUEUED) + _MS_BYTES).read()
    except (IndexError, KeyError, UnicodeDecodeError, _NotSo):
        return None


class _NotSo(Exception):
    """Something else stands there."""


class _End:
    """A place in the bytes."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def read(self) -> tuple[int, str, JobState]:
        success = _SUCCESS[self._take(9)]
        if success:
            self._skip_plain()
        else:
            self._skip_error()
        self._expect(_STARTED)
        self._take(_MS_BYTES)
        self._expect(_FINISHED)
        finished_ms = int.from_bytes(self._take(_MS_BYTES), "little", signed=True)
        self._expect(_QUEUE)
        queue = self._text().decode()
        if self._data.startswith(_ID, self._at):
            self._expect(_ID)
            self._text()
        self._expect(_END)
        if self._at != len(self._data):
            raise _NotSo
        return finished_ms, queue, JobState.COMPLETED if success else JobState.FAILED

    def _skip_plain(self) -> None:
        opcode = self._data[self._at]
        if opcode in _TEXT_SIZES:
            self._text()
        else:
            self._at += 1 + _NUMBER_BYTES[opcode]

    def _skip_error(self) -> None:
        self._text()
        if self._text() in _MAY_BE_CANCELLED:
            raise _NotSo
        self._expect(b"\x93\x94")
        self._text()
        self._expect(_RAISED)

    def _text(self) -> bytes:
        size_bytes = _TEXT_SIZES[self._data[self._at]]
        self._at += 1
        text = self._take(int.from_bytes(self._take(size_bytes), "little"))
        self._expect(b"\x94")
        return text

    def _take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        self._at += size
        return part

    def _expect(self, mark: bytes) -> None:
        if not self._data.startswith(mark, self._at):
            raise _NotSo
        self._at += len(mark)
