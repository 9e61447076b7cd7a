"""Pauses between attempts."""

import pytest

from qconsole.runtime.backoff import backoff_from_plain, backoff_to_plain, pause_ms
from qconsole.runtime.policy import Dedup, Exponential, Fixed, QueuePolicy, Rate

ERROR = ValueError("x")


@pytest.mark.parametrize(
    ("backoff", "attempt", "chance", "expected"),
    [
        (Fixed(3), 1, 0.9, 3_000),
        (Fixed(3), 7, 0.0, 3_000),
        (Exponential(1), 1, 0, 1_000),
        (Exponential(1), 4, 0, 8_000),
        (Exponential(30, max_s=600), 9, 0, 600_000),
        (Exponential(1, factor=3), 3, 0, 9_000),
        (Exponential(10, jitter=1), 1, 1, 0),
        (Exponential(10, jitter=0.5), 1, 0.5, 7_500),
        (Exponential(1, max_s=5), 10_000, 0, 5_000),
        (lambda attempt, error: attempt * 0.5, 3, 0, 1_500),
    ],
)
def test_a_pause_is_what_the_policy_says(backoff: object, attempt: int, chance: float, expected: int) -> None:
    assert pause_ms(backoff, attempt, ERROR, chance) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [-1, float("nan"), float("inf"), "soon", None])
def test_a_callable_that_returns_no_seconds_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match="must return seconds"):
        pause_ms(lambda *_: answer, 1, ERROR, 0)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("backoff", [Fixed(1, jitter=0.1), Exponential(2, max_s=9, jitter=0.3, factor=1.5)])
def test_a_stored_backoff_comes_back(backoff: Fixed | Exponential) -> None:
    assert backoff_from_plain(backoff_to_plain(backoff)) == backoff


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fixed(-1),
        lambda: Exponential(1, jitter=2),
        lambda: Rate(0),
        lambda: QueuePolicy(concurrency=0),
        lambda: Dedup("", window_s=1),
        lambda: Dedup("x", mode="throttle"),
        lambda: backoff_from_plain({"kind": "square"}),
    ],
)
def test_an_impossible_policy_is_refused_when_it_is_made(make: object) -> None:
    with pytest.raises(ValueError):
        make()  # type: ignore[operator]
