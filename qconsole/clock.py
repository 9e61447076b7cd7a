"""Where "now" comes from: UTC epoch milliseconds, injected, so that tests can set it and nothing reads two clocks."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC epoch milliseconds."""

    def now_ms(self) -> int:
        """Return the current instant."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Return the current instant."""
        return time.time_ns() // 1_000_000


class SteadyClock:
    """The machine's clock as it was when this one was made, counted on evenly: it never jumps."""

    __slots__ = ("_offset_ns",)

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ms(self) -> int:
        """Return the current instant."""
        return (time.monotonic_ns() + self._offset_ns) // 1_000_000
