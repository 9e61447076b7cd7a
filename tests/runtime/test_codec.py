"""The envelope and the JSON in it: whole, readable by plain arq, refused when damaged."""

import asyncio
import pickle
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qconsole.errors import JobFailed, PayloadInvalid, Undecodable
from qconsole.runtime.codec import Result, decode_call, decode_result, encode_call, encode_result
from qconsole.runtime.json_codec import decode_value, encode_value

RESULT = Result("send", b'{"to":"x"}', 1, 2, 3, 4, 5, 6, True, "email", "id", "w-1", b'{"r":1}', None)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.just(UTC))
    | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))) | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@given(plain)
def test_any_plain_value_comes_back_as_it_was(value: Any) -> None:
    back = decode_value(encode_value(value))
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [{1, 2}, timedelta(1, 2, 3), date(2024, 1, 2), time(1, 2), float("inf"), {"$qc": "x"}, 2**80, Decimal("1.10")],
)
def test_what_json_lacks_comes_back(value: Any) -> None:
    assert decode_value(encode_value({"v": value})) == {"v": value}


def test_an_exception_comes_back_as_a_job_failure() -> None:
    back = decode_value(encode_value({"why": ValueError("no")}))["why"]
    assert isinstance(back, JobFailed) and str(back) == "ValueError: no"


@pytest.mark.parametrize(("value", "path"), [({"a": [object()]}, "a[0]"), ({"f": print}, "f")])
def test_what_has_no_form_is_refused_with_its_path(value: Any, path: str) -> None:
    with pytest.raises(PayloadInvalid) as refused:
        encode_value(value)
    assert refused.value.fields["field"] == path


def test_depth_and_broken_text_are_refused() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(PayloadInvalid, match="nested"):
        encode_value(deep)
    with pytest.raises(PayloadInvalid, match="Unicode"):
        encode_value("\ud800")
    for text in (b"{", b'{"$qc":"os.system","v":1}', b'{"$qc":"decimal","v":"x"}', b'{"$qc":[],"v":1}'):
        with pytest.raises(Undecodable):
            decode_value(text)


def test_plain_arq_reads_the_envelope_with_pickle() -> None:
    call = pickle.loads(encode_call("send", b'{"to":"x"}', 1_764_000_000_123))
    assert call == {"t": None, "f": "send", "a": (), "k": {"to": "x"}, "et": 1_764_000_000_123}
    assert pickle.loads(encode_result(RESULT))["r"] == {"r": 1}
    failed = pickle.loads(encode_result(replace(RESULT, success=False, value=None, error=("ValueError", "no"))))
    assert (failed["s"], str(failed["r"])) == (False, "ValueError: no")
    cancelled = pickle.loads(encode_result(replace(RESULT, success=False, value=None, cancelled=True)))
    assert isinstance(cancelled["r"], asyncio.CancelledError)


@pytest.mark.parametrize(
    "result",
    [
        RESULT,
        replace(RESULT, success=False, value=None, error=("E", "ü" * 500)),
        replace(RESULT, success=False, value=None, cancelled=True),
    ],
)
def test_a_result_comes_back_and_damage_is_noticed(result: Result) -> None:
    data = encode_result(result)
    assert decode_result(data) == result
    assert all(decode_result(data[:end]) is None for end in range(len(data)))
    assert decode_result(data + b"x") is None


def test_a_call_comes_back_and_anything_else_is_none() -> None:
    data = encode_call("sénd", b"{}", 5)
    call = decode_call(data)
    assert call is not None and (call.job_type, call.payload, call.enqueued_ms) == ("sénd", b"{}", 5)
    assert all(decode_call(data[:end]) is None for end in range(len(data)))
    for other in (b"", b"\x80", pickle.dumps({"f": "x"}), data[:-1] + b"\0", encode_result(RESULT)):
        assert decode_call(other) is None


def test_types_that_only_look_plain_come_back_as_their_base() -> None:
    class Name(str):
        pass

    assert decode_value(encode_value({"n": Name("x"), "u": uuid.UUID(int=1), "d": datetime(2024, 1, 1)})) == {
        "n": "x",
        "u": uuid.UUID(int=1),
        "d": datetime(2024, 1, 1),
    }
