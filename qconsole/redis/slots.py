"""Which hash slot a command belongs to. Pure."""

import binascii
from collections.abc import Sequence
from typing import Any, Final

SLOTS: Final = 16384
ANY_NODE: Final = -1
"""The command names no key, and any node can answer it."""
EVERY_NODE: Final = -2
"""The command is about a server as a whole: all primaries run it."""

_EVERY_NODE = {
    "CONFIG SET", "CONFIG RESETSTAT", "DBSIZE", "FLUSHALL", "FLUSHDB", "KEYS", "SCRIPT EXISTS", "SCRIPT FLUSH",
    "SCRIPT LOAD", "SLOWLOG RESET",
}  # fmt: skip
_ANY_NODE = {
    "ACL", "ASKING", "AUTH", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "ECHO", "HELLO", "INFO", "LASTSAVE", "LATENCY",
    "PING", "PSUBSCRIBE", "PUBLISH", "PUBSUB", "RANDOMKEY", "ROLE", "SCAN", "SCRIPT", "SELECT", "SLOWLOG",
    "SUBSCRIBE", "TIME", "UNWATCH", "WAIT", "WAITAOF",
}  # fmt: skip
_COUNT_BEFORE_KEYS = {
    "BLMPOP": 2, "BZMPOP": 2, "EVAL": 2, "EVALSHA": 2, "EVALSHA_RO": 2, "EVAL_RO": 2, "FCALL": 2, "FCALL_RO": 2,
    "LMPOP": 1, "SINTERCARD": 1, "ZDIFF": 1, "ZINTER": 1, "ZINTERCARD": 1, "ZMPOP": 1, "ZUNION": 1,
}  # fmt: skip
_SUBCOMMAND_FIRST = {"BITOP", "MEMORY", "OBJECT", "XGROUP", "XINFO"}
PER_KEY: Final = {"DEL": sum, "EXISTS": sum, "TOUCH": sum, "UNLINK": sum, "MGET": None}
"""Commands that may name keys of many slots, and how the answers add up (None: a list, in order)."""


def slot_of(key: Any) -> int:
    """Return a key's slot, by its hash tag when it has one."""
    name = to_bytes(key)
    start = name.find(b"{")
    if start >= 0:
        end = name.find(b"}", start + 1)
        if end > start + 1:
            name = name[start + 1 : end]
    return binascii.crc_hqx(name, 0) % SLOTS


def words(args: Sequence[Any]) -> list[Any]:
    """Return a command with a name of two words ("SCRIPT LOAD") split, and the name in capitals."""
    first = args[0].decode() if isinstance(args[0], bytes) else str(args[0])
    return [*first.upper().split(), *args[1:]]


def route(args: Sequence[Any]) -> int:
    """Return the slot of a command's first key, ANY_NODE or EVERY_NODE."""
    command = words(args)
    name = command[0]
    if (len(command) > 1 and f"{name} {_text(command[1]).upper()}" in _EVERY_NODE) or name in _EVERY_NODE:
        return EVERY_NODE
    if name in _ANY_NODE:
        return ANY_NODE
    key = _first_key(name, command)
    return ANY_NODE if key is None else slot_of(key)


def _first_key(name: str, command: Sequence[Any]) -> Any:
    if name in ("XREAD", "XREADGROUP"):
        at = next((i for i, word in enumerate(command) if _text(word).upper() == "STREAMS"), len(command))
        return command[at + 1] if at + 1 < len(command) else None
    if (at := _COUNT_BEFORE_KEYS.get(name, 0)) > 0:
        return command[at + 1] if len(command) > at + 1 and int(command[at]) > 0 else None
    at = 2 if name in _SUBCOMMAND_FIRST else 1
    return command[at] if len(command) > at else None


def to_bytes(value: Any) -> bytes:
    """Return a key as the server sees it."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return str(value).encode()


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
