"""The quick connection packs as redis-py does, and what it takes from redis-py's and hiredis' insides is there."""

import inspect
import random
from typing import Any

import hiredis
import pytest
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool
from redis.exceptions import DataError

from qconsole.redis.connect import connect
from qconsole.redis.line import QuickConnection


@pytest.mark.parametrize(
    "command",
    [
        ("GET", "a"),
        ("SET", b"\x00\xff", "ü☃", 0, -1, 2**62),
        ("SCRIPT LOAD", "return 1"),
        (b"SCRIPT LOAD", "return 1"),
        ("ZADD", "q", 1e22, 0.1, -4503599627370496.25, float("inf")),
        ("SET", "a", memoryview(b"x")),
        ("SET", "a", "x" * 100_000),
        *[("ZADD", "q", random.Random(n).uniform(-(2**53), 2**53)) for n in range(20)],
    ],
)
def test_commands_are_packed_byte_for_byte_as_redis_py_does(command: tuple[Any, ...]) -> None:
    theirs, ours = Connection(), QuickConnection()
    assert b"".join(ours.pack_command(*command)) == b"".join(bytes(part) for part in theirs.pack_command(*command))


@pytest.mark.parametrize("value", [None, True, ["a"]])
def test_a_value_that_redis_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="Invalid input of type"):
        QuickConnection().pack_command("SET", "a", value)


def test_the_insides_it_leans_on_are_there() -> None:
    reader = hiredis.Reader(notEnoughData=NOT_ENOUGH_DATA)
    assert reader.gets() is NOT_ENOUGH_DATA
    assert reader.has_data() is False
    assert {"_reader", "_writer", "_parser", "socket_timeout"} <= set(AbstractConnection.__slots__)
    assert list(inspect.signature(AbstractConnection.read_response).parameters) == [
        "self", "disable_decoding", "timeout", "disconnect_on_error", "push_request",
    ]  # fmt: skip
    assert list(inspect.signature(AbstractConnection.send_packed_command).parameters) == [
        "self", "command", "check_health",
    ]  # fmt: skip
    parser = _AsyncHiredisParser(socket_read_size=10)
    assert parser._reader is None
    assert {"_available_connections", "_in_use_connections"} <= set(vars(ConnectionPool()))


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced_unseen(redis_url: str, redis: Redis) -> None:
    client = connect(redis_url, name="victim")
    await client.ping()
    await redis.client_kill_filter(_type="normal", skipme=True)
    assert await client.ping()
    await client.aclose()


async def test_a_large_value_goes_there_and_back(redis: Redis) -> None:
    value = random.Random(1).randbytes(20_000_000)
    await redis.set("large", value)
    assert await redis.get("large") == value
