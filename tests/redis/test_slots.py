"""Commands are sent to the slot of their first key, wherever in the command that stands."""

from typing import Any

import pytest

from qconsole.redis.slots import ANY_NODE, EVERY_NODE, route, slot_of


@pytest.mark.parametrize(
    ("key", "slot"),
    [("123456789", 12739), (b"123456789", 12739), ("foo", 12182), ("{foo}bar", 12182), ("a{foo}", 12182), ("", 0)],
)
def test_slots_are_those_of_the_cluster_specification(key: Any, slot: int) -> None:
    assert slot_of(key) == slot


def test_an_empty_tag_is_no_tag_and_only_the_first_counts() -> None:
    assert slot_of("{}foo") != slot_of("foo")
    assert slot_of("{a}{b}") == slot_of("a")
    assert slot_of("{{a}") == slot_of("{a")


@pytest.mark.parametrize(
    "command",
    [
        ("GET", "foo"),
        (b"get", b"foo"),
        ("ZADD", "foo", 1, "x"),
        ("EVALSHA", "sha", 2, "foo", "bar", "arg"),
        ("EVAL", "return 1", "1", b"foo"),
        ("XREAD", "COUNT", 1, "STREAMS", "foo", "$"),
        ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "foo", ">"),
        ("XINFO STREAM", "foo"),
        ("XINFO", "STREAM", "foo"),
        ("MEMORY USAGE", "foo"),
        ("OBJECT", "ENCODING", "foo"),
        ("BLPOP", "foo", 1),
        ("BZMPOP", 1, 1, "foo", "MIN"),
        ("ZUNION", 1, "foo"),
        ("WATCH", "foo"),
    ],
)
def test_a_keys_slot_is_found(command: tuple[Any, ...]) -> None:
    assert route(command) == slot_of("foo")


@pytest.mark.parametrize(
    "command", [("PING",), ("INFO", "server"), ("EVAL", "return 1", 0), ("PUBLISH", "c", "m"), ("CONFIG GET", "x")]
)
def test_a_command_without_keys_goes_anywhere(command: tuple[Any, ...]) -> None:
    assert route(command) == ANY_NODE


@pytest.mark.parametrize(
    "command", [("DBSIZE",), ("SCRIPT LOAD", "x"), ("SCRIPT", "LOAD", "x"), ("CONFIG SET", "a", "b")]
)
def test_a_command_about_servers_goes_to_all(command: tuple[Any, ...]) -> None:
    assert route(command) == EVERY_NODE
