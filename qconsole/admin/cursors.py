"""Page cursors: a place in one listing as opaque text. A cursor that was changed, or belongs to another listing, is
refused with a sentence. Pure.
"""

import base64
import binascii
import hashlib
from typing import Any, Final

import orjson

from qconsole.errors import CursorError

_DIGEST_BYTES: Final = 9
_MAX_LENGTH: Final = 4_000
_PERSON: Final = b"qconsole"


def encode_cursor(listing: str, place: Any) -> str:
    """Return a place (JSON-able) in a listing as a cursor.

    Args:
        listing: what is listed, with its filter: a cursor is good for the same listing only.
    """
    body = orjson.dumps(place)
    return base64.urlsafe_b64encode(_digest(listing, body) + body).decode().rstrip("=")


def decode_cursor(listing: str, cursor: str) -> Any:
    """Return the place.

    Raises:
        CursorError: the cursor is damaged, or is one of another listing or filter.
    """
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
