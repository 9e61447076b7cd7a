"""Plain values to JSON bytes and back. What JSON lacks travels as `{"$qc": kind, "v": …}`; nothing is ever imported.

A value this module cannot write is refused with its path, never written as something else.
"""

import base64
import math
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

import orjson

from qconsole.errors import JobFailed, PayloadInvalid, Undecodable

TAG: Final = "$qc"
_TAG_BYTES: Final = b'"$qc"'
_MAX_DEPTH: Final = 200
_AS_IT_IS: Final = frozenset((str, bool, type(None)))
_NAME: Final = frozenset((str,))
_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**63 - 1


def encode_value(value: Any) -> bytes:
    """Return the value as JSON.

    Raises:
        PayloadInvalid: it holds something that has no JSON form here; `field` is its path.
    """
    try:
        return orjson.dumps(_plain(value, "", 0))
    except orjson.JSONEncodeError as error:
        raise PayloadInvalid(f"the value must be valid Unicode text throughout, got {error}") from error


def decode_value(text: bytes | memoryview | str) -> Any:
    """Return the value of a JSON text of `encode_value`.

    Raises:
        Undecodable: not JSON, or a tag that is not ours.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"the stored value is not JSON: {error}") from error
    return _untag(value) if has_tags(text) else value


def has_tags(text: bytes | memoryview | str) -> bool:
    """Say whether the JSON text holds values that JSON lacks."""
    if isinstance(text, str):
        return f'"{TAG}"' in text
    return _TAG_BYTES in bytes(text)


def _plain(value: Any, path: str, depth: int) -> Any:
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is int:
        return value if _MIN_INT <= value <= _MAX_INT else _tagged("bigint", str(value))
    if kind is float:
        return value if math.isfinite(value) else _tagged("float", repr(value))
    if depth >= _MAX_DEPTH:
        raise PayloadInvalid(f"the value must be nested at most {_MAX_DEPTH} deep", field=path)
    if kind is dict:
        return _plain_dict(value, path, depth)
    if kind is list:
        return [v if type(v) in _AS_IT_IS else _plain(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)]
    return _plain_other(value, path, depth)


def _plain_dict(value: dict[Any, Any], path: str, depth: int) -> Any:
    if TAG not in value and _NAME.issuperset(map(type, value)):
        return {key: v if type(v) in _AS_IT_IS else _plain(v, f"{path}.{key}", depth + 1) for key, v in value.items()}
    pairs = [[_plain(k, f"{path}.<key>", depth + 1), _plain(v, f"{path}.{k}", depth + 1)] for k, v in value.items()]
    return _tagged("dict", pairs)


def _plain_other(value: Any, path: str, depth: int) -> Any:
    for types, kind, write in _WRITERS:
        if isinstance(value, types):
            return _tagged(kind, write(value))
    if isinstance(value, Enum):
        return _plain(value.value, path, depth + 1)
    for types, to_builtin in _BUILTIN:
        if isinstance(value, types):
            return _plain(to_builtin(value), path, depth + 1)
    if isinstance(value, tuple | set | frozenset):
        members = [_plain(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)]
        return _tagged("tuple" if isinstance(value, tuple) else "set", members)
    if hasattr(value, "model_dump"):  # a pydantic model, without importing pydantic to ask
        return _plain(value.model_dump(), path, depth + 1)
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value), path, depth + 1)
    if isinstance(value, BaseException):
        return _tagged("exception", {"type": type(value).__qualname__, "message": str(value)})
    where = path.lstrip(".") or "the value"
    raise PayloadInvalid(
        f"{where} must be plain data (text, numbers, lists, dates, …), got {type(value).__qualname__}", field=where
    )


def _tagged(kind: str, value: Any) -> dict[str, Any]:
    return {TAG: kind, "v": value}


_WRITERS: Final[tuple[tuple[Any, str, Callable[[Any], Any]], ...]] = (
    (datetime, "datetime", datetime.isoformat),
    (date, "date", date.isoformat),
    (time, "time", time.isoformat),
    (timedelta, "timedelta", lambda v: [v.days, v.seconds, v.microseconds]),
    (Decimal, "decimal", str),
    (UUID, "uuid", str),
    ((bytes, bytearray, memoryview), "bytes", lambda v: base64.b64encode(bytes(v)).decode()),
)

_BUILTIN: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (str, lambda v: str.__str__(v)),
    (int, int),
    (float, float),
    (dict, dict),
    (list, list),
)

_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda v: timedelta(*v),
    "decimal": Decimal,
    "uuid": UUID,
    "bytes": base64.b64decode,
    "bigint": int,
    "float": float,
    "tuple": lambda v: tuple(map(_untag, v)),
    "set": lambda v: set(map(_untag, v)),
    "dict": lambda v: {_untag(key): _untag(member) for key, member in v},
    "exception": lambda v: JobFailed(v["message"], v["type"]),
}


def _untag(value: Any) -> Any:
    if isinstance(value, list):
        return [_untag(member) for member in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {key: _untag(member) for key, member in value.items()}
    try:
        return _READERS[value[TAG]](value["v"])
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Undecodable(f"the stored value has a tag that cannot be read: {value.get(TAG)!r}") from error
