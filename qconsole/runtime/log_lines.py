"""A worker's lines on stderr, written by a thread of its own: the event loop hands over records and formats nothing.

A record whose arguments could change before they are written is formatted at once, as the standard library does.
"""

import logging
import logging.handlers
import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_UNCHANGING: Final = frozenset((str, int, float, bool, bytes, type(None)))

Lines = queue.SimpleQueue[logging.LogRecord | None]


class _RawHandler(logging.handlers.QueueHandler):
    """Puts records into the queue as they are when that is safe."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        arguments = record.args
        is_safe = not record.exc_info and (
            not arguments or (isinstance(arguments, tuple) and all(type(value) in _UNCHANGING for value in arguments))
        )
        if is_safe and type(record.msg) is str:
            return record
        prepared: logging.LogRecord = super().prepare(record)
        return prepared


class _Formatter(logging.Formatter):
    """Formats the time of day once a second."""

    _second = -1
    _text = ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = int(record.created)
        if second != self._second:
            self._second, self._text = second, super().formatTime(record, datefmt)
        return self._text


@contextmanager
def lines_to_stderr() -> Iterator[None]:
    """Log to stderr through a queue, so that a slow terminal does not slow the jobs; unless the app has set it up."""
    root = logging.getLogger()
    if root.handlers or logging.getLogger("arq").handlers:
        yield
        return
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    lines: Lines = queue.SimpleQueue()
    root.addHandler(handler := _RawHandler(lines))
    root.setLevel(logging.INFO)
    listener = logging.handlers.QueueListener(lines, stream)
    listener.start()
    try:
        yield
    finally:
        listener.stop()
        root.removeHandler(handler)
