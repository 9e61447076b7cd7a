from qconsole.web.throttle import FREE_FAILURES, LONGEST_WAIT_MS, MAX_KEYS, Throttle

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


def test_success_and_quiet_forget() -> None:
    throttle = Throttle()
    for _ in range(40):
        throttle.failed(KEYS, 0)
    assert throttle.wait_ms(KEYS, 0) == LONGEST_WAIT_MS
    throttle.succeeded(KEYS)
    assert throttle.wait_ms(KEYS, 0) == 0


def test_memory_is_bounded() -> None:
    throttle = Throttle()
    for i in range(MAX_KEYS + 50):
        throttle.failed((f"client:{i}",), 0)
    assert len(throttle._records) == MAX_KEYS
