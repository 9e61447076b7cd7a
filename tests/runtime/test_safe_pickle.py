"""The pickle reader: plain values come back, nothing is imported, bombs are refused."""

import collections
import os
import pickle
import random
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from qconsole.errors import Undecodable
from qconsole.runtime.safe_pickle import Opaque, load_pickle

CALL: dict[str, Any] = {
    "t": None,
    "f": "send",
    "a": (1, 2.5, "é", b"\0", [1, {2}], frozenset([3]), True),
    "k": {
        "at": datetime(2024, 5, 6, 7, 8, 9, 10, UTC),
        "for": timedelta(1, 2, 3),
        "id": uuid.UUID(int=7),
        "price": Decimal("1.5"),
        "map": collections.OrderedDict(a=1),
        "big": 2**100,
        "small": -5,
    },
}


class Local:
    def __init__(self) -> None:
        self.x = 1


class Bomb:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/qconsole-pwned",)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_back(protocol: int) -> None:
    assert load_pickle(pickle.dumps(CALL, protocol)) == CALL


@pytest.mark.parametrize("protocol", range(6))
def test_instances_are_placeholders_with_what_they_were_made_of(protocol: int) -> None:
    local, error, function = load_pickle(pickle.dumps([Local(), ValueError("no"), os.getcwd], protocol))
    assert isinstance(local, Opaque) and local.name.endswith("Local") and local.state == {"x": 1}
    assert (error.name, error.args) == ("builtins.ValueError", ("no",))
    assert function.name.endswith("getcwd")


def test_a_bomb_does_nothing() -> None:
    value = load_pickle(pickle.dumps({"k": Bomb()}))
    assert value["k"].args == ("touch /tmp/qconsole-pwned",)
    assert not os.path.exists("/tmp/qconsole-pwned")  # noqa: PTH110


def test_nothing_is_imported() -> None:
    code = (
        "import sys; from qconsole.runtime.safe_pickle import load_pickle;"
        "before = set(sys.modules); load_pickle(b'cantigravity\\nx\\n.'); load_pickle(b'cthis\\ns\\n)R.');"
        "assert set(sys.modules) == before, set(sys.modules) - before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _nested(levels: int) -> bytes:
    return b"]" * levels + b"a" * (levels - 1) + b"."


def _laughs() -> bytes:
    value: Any = [0]
    for _ in range(60):
        value = [value, value]
    return pickle.dumps(value)


@pytest.mark.parametrize(
    "data",
    [
        _nested(1000),
        _laughs(),
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"X\xff\xff\xff\xffx.",
        b"L" + b"9" * 100_000 + b"L\n.",
        b"",
        b"(.",
        b"\x80\x04K",
        b"not a pickle",
        b"K\x01K\x02a.",
    ],
)
def test_bombs_and_nonsense_are_refused(data: bytes) -> None:
    with pytest.raises(Undecodable):
        load_pickle(data)


def test_a_huge_memo_index_takes_no_memory() -> None:
    assert load_pickle(b"K\x01r\xff\xff\xff\xff.") == 1


def test_a_value_inside_itself_is_said() -> None:
    loop: list[Any] = []
    loop.append(loop)
    (inner,) = load_pickle(pickle.dumps(loop))
    assert inner.name == "a value inside itself"


def test_damaged_pickles_only_ever_raise_undecodable() -> None:
    base, chance = pickle.dumps(CALL), random.Random(7)
    for _ in range(5_000):
        data = bytearray(base)
        for _ in range(chance.randint(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            load_pickle(bytes(data[: chance.randint(1, len(data))]))
        except Undecodable:
            continue
