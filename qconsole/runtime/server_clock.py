"""The Redis server's time, so that producers and workers on hosts whose clocks are wrong or jump agree on "now"."""

import time
from math import inf
from typing import Final

from qconsole.runtime.scripts import Executor

_FRESH_S: Final = 30.0
_SAMPLES: Final = 2  # the first call may open the connection, and what that takes says nothing of when the answer was


class ServerClock:
    """The host's steady clock plus its distance from the server's, as last measured."""

    __slots__ = ("_measured_s", "_offset_ns")

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._measured_s = -inf

    def now_ms(self) -> int:
        """Return the current instant."""
        return (time.monotonic_ns() + self._offset_ns) // 1_000_000

    @property
    def is_stale(self) -> bool:
        """Whether the distance should be measured again: a server's clock may jump too."""
        return time.monotonic() - self._measured_s >= _FRESH_S

    async def measure(self, redis: Executor) -> None:
        """Set the clock by the server's: by the quickest of its answers, to half of what that one took."""
        quickest_ns, offset_ns = inf, self._offset_ns
        for _ in range(_SAMPLES):
            before_ns = time.monotonic_ns()
            seconds, micros = await redis.execute_command("TIME")
            after_ns = time.monotonic_ns()
            if after_ns - before_ns < quickest_ns:
                quickest_ns = after_ns - before_ns
                offset_ns = int(seconds) * 10**9 + int(micros) * 1_000 - (before_ns + after_ns) // 2
        self._offset_ns, self._measured_s = offset_ns, time.monotonic()
