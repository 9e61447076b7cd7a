"""A worker's lines on stderr, written by a thread of its own: the event loop hands over records and formats nothing.

The thread writes what has come together in a moment at once, as a write for each line would take the interpreter from
the event loop each time; a warning or worse is written without waiting for more. A record whose arguments could change
before they are written is formatted at once, as the standard library does.
"""

import logging
import logging.handlers
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GATHER_S: Final = 0.05
_UNCHANGING: Final = frozenset((str, int, float, bool, bytes, type(None)))

Line = tuple[float, str, tuple[str | int | float, ...]]
"""When, a format, and what it takes: an INFO line without a record around it."""
Lines = queue.SimpleQueue[logging.LogRecord | Line | None]


class _RawHandler(logging.handlers.QueueHandler):
    """Puts records into the queue as they are when that is safe."""

    def __init__(self, lines: Lines, urgent: threading.Event) -> None:
        super().__init__(lines)
        self._urgent = urgent

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        arguments = record.args
        is_safe = not record.exc_info and (
            not arguments or (isinstance(arguments, tuple) and all(type(value) in _UNCHANGING for value in arguments))
        )
        if is_safe and type(record.msg) is str:
            return record
        prepared: logging.LogRecord = super().prepare(record)
        return prepared

    def enqueue(self, record: logging.LogRecord) -> None:
        self.queue.put_nowait(record)
        if record.levelno >= logging.WARNING:
            self._urgent.set()


class JobLog:
    """Writes the lines that every job has, at level INFO.

    Making a log record costs more than the rest of a line; where stderr is all that listens, none is made.

    Args:
        logger: whose lines they are.
    """

    _direct: "_RawHandler | None" = None

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def info(self, text: str, *arguments: str | int | float) -> None:
        """Log a line, if the level is enabled; see `logging.Logger.info`."""
        if not self._logger.isEnabledFor(logging.INFO):
            return
        direct = JobLog._direct
        if direct is not None and self._is_heard_by(direct):
            direct.queue.put_nowait((time.time(), text, arguments))
        else:
            self._logger.info(text, *arguments, stacklevel=2)

    def _is_heard_by(self, handler: logging.Handler) -> bool:
        """Say whether nothing else hears or filters the logger's records."""
        logger: logging.Logger | None = self._logger
        if handler.filters or logger is None or logger.filters:
            return False
        while logger.parent is not None:
            if logger.handlers or not logger.propagate:
                return False
            logger = logger.parent
        return len(logger.handlers) == 1 and logger.handlers[0] is handler


class _Formatter(logging.Formatter):
    """Formats the time of day once a second, and a plain line without the detour over a mapping."""

    _second = -1
    _text = ""

    def time_of_day(self, at_s: float) -> str:
        """Return the local time of an instant (seconds since the epoch)."""
        second = int(at_s)
        if second != self._second:
            self._second, self._text = second, time.strftime("%H:%M:%S", time.localtime(second))
        return self._text

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return self.time_of_day(record.created)

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info or record.exc_text or record.stack_info:
            return super().format(record)
        return f"{self.time_of_day(record.created)} {record.levelname} {record.getMessage()}"


class _Writer(threading.Thread):
    """Writes lines until it finds None among them."""

    def __init__(self, lines: Lines, urgent: threading.Event) -> None:
        super().__init__(name="log lines", daemon=True)
        self._lines, self._urgent = lines, urgent
        self._stream = logging.StreamHandler(sys.stderr)
        self._formatter = _Formatter("%(asctime)s %(levelname)s %(message)s")
        self._stream.setFormatter(self._formatter)

    def run(self) -> None:
        while (record := self._lines.get()) is not None:
            self._urgent.wait(GATHER_S)
            self._urgent.clear()
            gathered: list[logging.LogRecord | Line] = [record]
            for _ in range(self._lines.qsize()):
                if (record := self._lines.get()) is None:
                    self._write(gathered)
                    return
                gathered.append(record)
            self._write(gathered)

    def _write(self, gathered: list[logging.LogRecord | Line]) -> None:
        texts = []
        for line in gathered:
            if isinstance(line, tuple):
                at_s, text, arguments = line
                texts.append(f"{self._formatter.time_of_day(at_s)} INFO {text % arguments}\n")
                continue
            try:
                texts.append(f"{self._stream.format(line)}\n")
            except Exception:  # a message that does not fit its arguments costs its own line only
                self._stream.handleError(line)
        try:
            self._stream.stream.write("".join(texts))
            self._stream.flush()
        except Exception:  # as the standard library's handlers do
            self._stream.handleError(logging.makeLogRecord({"msg": "%d lines", "args": (len(gathered),)}))


@contextmanager
def lines_to_stderr() -> Iterator[None]:
    """Log to stderr through a queue, so that a slow terminal does not slow the jobs; unless the app has set it up."""
    root = logging.getLogger()
    if root.handlers or logging.getLogger("arq").handlers:
        yield
        return
    lines: Lines = queue.SimpleQueue()
    urgent = threading.Event()
    root.addHandler(handler := _RawHandler(lines, urgent))
    root.setLevel(logging.INFO)
    writer = _Writer(lines, urgent)
    writer.start()
    JobLog._direct = handler
    try:
        yield
    finally:
        JobLog._direct = None
        root.removeHandler(handler)
        lines.put(None)
        urgent.set()
        writer.join()
