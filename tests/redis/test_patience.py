"""Backoff stays within its bounds, and only passing errors are tried again."""

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
    WatchError,
)

from qconsole.redis.patience import Patience, is_full, is_moved_away, is_passing

WRAPPED = "Error running script (call to f_1): @user_script:3: @user_script: 3: "


def test_pauses_double_up_to_their_bound() -> None:
    patience = Patience(deadline_s=None, first_pause_s=0.1, max_pause_s=1.0)
    bounds = [patience.pause_s(failures, chance=1.0) for failures in range(1, 7)]
    assert bounds == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    assert patience.pause_s(10**6, chance=1.0) == 1.0
    assert patience.pause_s(3, chance=0.0) == 0.0
    assert len({patience.pause_s(4) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("error", "passing", "moved"),
    [
        (ConnectionError("refused"), True, True),
        (TimeoutError("slow"), True, True),
        (BusyLoadingError("Redis is loading the dataset in memory"), True, True),
        (ReadOnlyError("You can't write against a read only replica."), True, True),
        (ResponseError("BUSY Redis is busy running a script."), True, False),
        (ResponseError("MASTERDOWN Link with MASTER is down"), True, True),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), True, True),
        (ResponseError("CLUSTERDOWN The cluster is down"), True, True),
        (ResponseError("UNBLOCKED force unblock from blocking operation"), True, True),
        (ResponseError(WRAPPED + "-READONLY You can't write against a read only replica."), True, True),
        (ResponseError(WRAPPED + "-WRONGTYPE Operation against a key"), False, False),
        (ResponseError("BUSYGROUP Consumer Group name already exists"), False, False),
        (ResponseError("my own text -READONLY"), False, False),
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), False, False),
        (AuthenticationError("invalid username-password pair"), False, True),
        (WatchError("Watched variable changed."), False, False),
    ],
)
def test_errors_are_told_apart(error: RedisError, passing: bool, moved: bool) -> None:
    assert is_passing(error) is passing
    assert is_moved_away(error) is moved


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), True),
        (ResponseError(WRAPPED + "-OOM command not allowed when used memory > 'maxmemory'."), True),
        (ResponseError("my own text -OOM "), False),
        (ConnectionError("refused"), False),
    ],
)
def test_a_full_redis_is_recognised(error: RedisError, full: bool) -> None:
    assert is_full(error) is full
