"""What is masked, what is not, and that hostile values cost little."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qconsole.admin.redaction import MASK, Redaction

RULES = Redaction()


@pytest.mark.parametrize(
    "key",
    ["password", "userPassword", "API-Key", "api_key", "access token", "Authorization", "set-cookie", "pin", "iban"],
)
def test_values_under_secret_keys_are_masked_and_their_paths_named(key: str) -> None:
    redacted = RULES.value({"args": [], "kwargs": {"a": [{key: "hunter2"}]}})
    assert redacted.value["kwargs"]["a"][0][key] == MASK
    assert redacted.paths == (f"kwargs.a.0.{key}",)


@pytest.mark.parametrize("key", ["footprint", "business_name", "to", "key", "pinned", "author", "passenger", "expand"])
def test_ordinary_keys_are_left_alone(key: str) -> None:
    assert RULES.value({key: "x"}).paths == ()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("redis://user:pw@host/0 failed", f"redis://{MASK}@host/0 failed"),
        ("Authorization: Bearer abc.def-ghi123", None),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", f"got {MASK}"),
        ("password=hunter2 for bob", f"password={MASK} for bob"),
        ('{"api_key": "12345", "n": 1}', f'{{"api_key": "{MASK}", "n": 1}}'),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", MASK),
        ("AKIAIOSFODNN7EXAMPLE!", f"{MASK}!"),
        ("nothing here: a@b.c, http://x/y", "nothing here: a@b.c, http://x/y"),
    ],
)
def test_values_that_look_secret_are_masked_in_text(text: str, masked: str | None) -> None:
    shown = RULES.text(text)
    if masked is not None:
        assert shown == masked
    assert "hunter2" not in shown and "abc.def" not in shown


FRAGMENTS = (
    *("user77@example.com", "night", "pass", "word", "token", "=", ":", " ", "//", "@", "EYJ", "ghp_", "AKIA", "asia"),
    *("eyJhbGciOiJI.eyJzdWIiOiIx.abc", "Bearer ", "basic ", "xoxb-", "sk_live_", "rk_test_", "ABCDEFGH12345678"),
    *("a" * 24, "-----BEGIN ", "PRIVATE KEY-----", "\u017f", "\u212a", "\u0130"),
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=6).map("".join))
def test_a_text_that_is_passed_over_holds_nothing_to_mask(text: str) -> None:
    every_text_is_searched = Redaction(patterns=["(?!)"])
    assert RULES.text(text) == every_text_is_searched.text(text)


def test_the_operator_adds_and_removes_rules() -> None:
    rules = Redaction(keys=["imo_*"], patterns=[r"SKU-\d+"], reveal_keys=["token"])
    redacted = rules.value({"imo_number": "9", "token": "t", "x": "SKU-12"})
    assert redacted.value == {"imo_number": MASK, "token": "t", "x": MASK}


def test_revealing_masks_nothing() -> None:
    assert RULES.value({"password": "p"}, reveal=True).value == {"password": "p"}


def test_what_json_lacks_is_tagged_and_numbers_stay_exact() -> None:
    value = {"at": datetime(2026, 1, 2, tzinfo=UTC), "d": Decimal("1.10"), "b": b"\xff", "n": 10**30, "f": float("nan")}
    plain = RULES.value(value).value
    assert plain["at"] == {"$qc": "datetime", "v": "2026-01-02T00:00:00+00:00"}
    assert plain["d"] == {"$qc": "decimal", "v": "1.10"}
    assert plain["b"] == {"$qc": "bytes", "v": "ff"}
    assert plain["n"] == 10**30
    assert plain["f"] == {"$qc": "float", "v": "nan"}


def test_deep_wide_and_long_values_are_cut_and_say_so() -> None:
    deep: Any = 1
    for _ in range(1_000):
        deep = {"a": deep}
    assert RULES.value(deep).cut
    wide = RULES.value({str(i): i for i in range(100_000)})
    assert wide.cut and len(wide.value) <= 50_001
    assert wide.value["…"]["v"].endswith("more")
    long = RULES.value({"a": "x" * 10_000_000, "b": 1}, characters=1_000)
    assert long.cut and len(long.value["a"]) == 1_000


@pytest.mark.parametrize(
    "text", ["a:" * 50_000, "eyJ" * 30_000, "password" * 20_000, "=" * 100_000, "-----BEGIN " * 9_000]
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    started = time.process_time()
    RULES.text(text)
    assert time.process_time() - started < 2
