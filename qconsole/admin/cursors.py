"""Page cursors: a place in one listing as opaque text. A cursor that was changed, or belongs to another listing, is
refused with a sentence. Pure.
"""

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from qconsole.errors import CursorError

_DIGEST_BYTES: Final = 9
_MAX_LENGTH: Final = 4_000
_PERSON: Final = b"qconsole"
_SCORE: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:e[+-]?[0-9]{1,3})?")
_STREAM_ID: Final = re.compile(r"[0-9]{1,18}-[0-9]{1,18}")


def encode_cursor(listing: str, place: Any) -> str:
    """Return a place (JSON-able) in a listing as a cursor.

    Args:
        listing: what is listed, with its filter: a cursor is good for the same listing only.
    """
    body = orjson.dumps(place)
    return base64.urlsafe_b64encode(_digest(listing, body) + body).decode().rstrip("=")


def decode_cursor(listing: str, cursor: str, *parts: Callable[[Any], bool]) -> list[Any]:
    """Return the place.

    Args:
        parts: what each part of the place must be.

    Raises:
        CursorError: the cursor is damaged, is one of another listing or filter, or holds no place.
    """
    place = _decoded(listing, cursor)
    if not is_place(place, parts):
        raise CursorError("the page cursor holds no place in a listing", "Start again from the first page.")
    return place  # type: ignore[no-any-return]


def is_place(place: Any, parts: Sequence[Callable[[Any], bool]]) -> bool:
    """Tell whether a place has these parts."""
    return (
        isinstance(place, list)
        and len(place) == len(parts)
        and all(fits(part) for fits, part in zip(parts, place, strict=True))
    )


def is_text(part: Any) -> bool:
    """Tell whether a part of a place is text."""
    return isinstance(part, str)


def is_number(part: Any) -> bool:
    """Tell whether a part of a place is a number that Redis reads as a score."""
    return isinstance(part, int | float) and not isinstance(part, bool) and math.isfinite(part)


def is_score(part: Any) -> bool:
    """Tell whether a part of a place is a score as Redis writes it."""
    return isinstance(part, str) and _SCORE.fullmatch(part) is not None and math.isfinite(float(part))


def is_stream_id(part: Any) -> bool:
    """Tell whether a part of a place is the id of a stream's entry."""
    return isinstance(part, str) and _STREAM_ID.fullmatch(part) is not None


def _decoded(listing: str, cursor: str) -> Any:
    if len(cursor) > _MAX_LENGTH:
        raise _refusal()
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refusal() from error
    body = raw[_DIGEST_BYTES:]
    if raw[:_DIGEST_BYTES] != _digest(listing, body):
        raise _refusal()
    return orjson.loads(body)


def _digest(listing: str, body: bytes) -> bytes:
    """Tell chance and tampering apart from our own cursors; a place is no secret and grants nothing."""
    listed = hashlib.blake2s(listing.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return hashlib.blake2s(listed + body, digest_size=_DIGEST_BYTES, person=_PERSON).digest()


def _refusal() -> CursorError:
    return CursorError(
        "the page cursor is damaged or belongs to another listing or filter", "Start again from the first page."
    )
