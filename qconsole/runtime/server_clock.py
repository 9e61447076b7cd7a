"""The Redis server's time, so that producers and workers on hosts whose clocks are wrong or jump agree on "now"."""

from qconsole.clock import Clock, SteadyClock
from qconsole.runtime.scripts import Executor


class ServerClock:
    """A steady clock plus its distance from the server's, as last measured.

    Args:
        base: what counts on between two measurements.
    """

    __slots__ = ("_base", "skew_ms")

    def __init__(self, base: Clock | None = None) -> None:
        self._base = base or SteadyClock()
        self.skew_ms = 0

    def now_ms(self) -> int:
        """Return the current instant."""
        return self._base.now_ms() + self.skew_ms

    async def measure(self, redis: Executor) -> int:
        """Ask the server for its time once, and return how far the host is behind it in milliseconds."""
        before_ms = self._base.now_ms()
        seconds, micros = await redis.execute_command("TIME")
        middle_ms = (before_ms + self._base.now_ms()) // 2
        self.skew_ms = int(seconds) * 1000 + int(micros) // 1000 - middle_ms
        return self.skew_ms
