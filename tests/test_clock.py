"""A clock that jobs are timed by must not jump when the machine's does."""

import time

import pytest

from qconsole.clock import SteadyClock, SystemClock


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
