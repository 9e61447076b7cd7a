from contextlib import ExitStack

import pytest

from qconsole.errors import RedisUnavailable
from qconsole.web.throttle import FREE_FAILURES, LONGEST_WAIT_MS, MAX_KEYS, Throttle, network_of

KEYS = ("name:ada", "client:10.0.0.1")


def test_the_first_failures_are_free_and_then_each_wait_doubles() -> None:
    throttle = Throttle()
    for _ in range(FREE_FAILURES):
        assert throttle.wait_ms(KEYS, 0) == 0
        throttle.failed(KEYS, 0)
    assert throttle.wait_ms(KEYS, 0) == 2_000
    throttle.failed(KEYS, 0)
    assert throttle.wait_ms(KEYS, 0) == 4_000
    assert throttle.wait_ms(KEYS, 4_000) == 0


def test_one_name_from_many_addresses_is_slowed_too() -> None:
    throttle = Throttle()
    for i in range(FREE_FAILURES):
        throttle.failed(("name:ada", f"client:{i}"), 0)
    assert throttle.wait_ms(("name:ada", "client:new"), 0) > 0
    assert throttle.wait_ms(("name:bob", "client:new"), 0) == 0


def test_who_was_right_is_forgotten_by_name_and_has_no_more_guesses_at_others() -> None:
    throttle = Throttle()
    for _ in range(40):
        throttle.failed(KEYS, 0)
    with throttle.attempt(*KEYS, 0) as attempt:
        attempt.right = True
    assert throttle.wait_ms(("name:ada",), 0) == 0
    assert throttle.wait_ms(KEYS, 0) == LONGEST_WAIT_MS
    with throttle.attempt("name:bob", KEYS[1], LONGEST_WAIT_MS + 1) as attempt:
        assert not attempt.right
    assert throttle.wait_ms(("name:bob", KEYS[1]), LONGEST_WAIT_MS + 1) == 0, "a quiet time forgets"


def test_tries_count_while_they_run_and_not_when_they_could_not_be_checked() -> None:
    throttle = Throttle()
    with ExitStack() as running:
        for _ in range(FREE_FAILURES):
            running.enter_context(throttle.attempt(*KEYS, 0))
        assert throttle.wait_ms(KEYS, 0) > 0
    for _ in range(FREE_FAILURES):
        with pytest.raises(RedisUnavailable), throttle.attempt("name:bob", "client:new", 0):
            raise RedisUnavailable("away")
    assert throttle.wait_ms(("name:bob", "client:new"), 0) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "unknown"),
    ],
)
def test_one_guesser_has_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_memory_is_bounded() -> None:
    throttle = Throttle()
    for i in range(MAX_KEYS + 50):
        throttle.failed((f"client:{i}",), 0)
    assert len(throttle._records) == MAX_KEYS
