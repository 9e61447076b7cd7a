"""A clock that jobs are timed by must not jump when the machine's does."""

import time
from typing import Any

import pytest

from qconsole.clock import SteadyClock, SystemClock
from qconsole.runtime.server_clock import ServerClock


def test_clocks_tell_epoch_milliseconds() -> None:
    for clock in (SystemClock(), SteadyClock()):
        assert abs(clock.now_ms() - time.time() * 1000) < 10_000


@pytest.mark.parametrize("jump_s", [3600, -3600])
def test_a_steady_clock_does_not_follow_a_jump(monkeypatch: pytest.MonkeyPatch, jump_s: int) -> None:
    clock = SteadyClock()
    before_ms = clock.now_ms()
    right_ns = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: right_ns + jump_s * 10**9)
    assert abs(SystemClock().now_ms() - before_ms) > 3_000_000
    assert 0 <= clock.now_ms() - before_ms < 10_000


class SlowAtFirst:
    """Answers TIME by the host's clock, an hour ahead; the first call takes long before it reaches the server."""

    def __init__(self) -> None:
        self.is_first = True

    async def execute_command(self, *args: Any, **options: Any) -> tuple[int, int]:
        """Answer as the server does."""
        if self.is_first:
            time.sleep(0.2)  # opening a connection
            self.is_first = False
        micros = (time.time_ns() + 3_600 * 10**9) // 1_000
        return micros // 10**6, micros % 10**6


async def test_the_servers_clock_is_taken_from_its_quickest_answer() -> None:
    clock = ServerClock()
    assert clock.is_stale
    await clock.measure(SlowAtFirst())
    assert not clock.is_stale
    assert abs(clock.now_ms() - time.time() * 1000 - 3_600_000) < 50
