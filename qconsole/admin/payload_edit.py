"""Edited payloads: what an operator wrote, checked, with masked values put back, in the form the worker reads.

The original bytes are kept by whoever asked for the edit. Pure.
"""

import pickle  # only written here, never read
from typing import Any

import orjson

from qconsole.admin.payloads import JSON, PICKLE, Call
from qconsole.admin.redaction import MAX_DEPTH, TAG, Redacted
from qconsole.errors import PayloadInvalid, Refused, Undecodable
from qconsole.runtime.codec import encode_call
from qconsole.runtime.json_codec import decode_value, encode_value


def as_payload(edited: Any) -> dict[str, Any]:
    """Return what was given as `{"args": […], "kwargs": {…}}`; a plain object means keyword arguments.

    Raises:
        PayloadInvalid: it is no object.
    """
    if isinstance(edited, dict) and edited and set(edited) <= {"args", "kwargs"}:
        args, kwargs = edited.get("args", []), edited.get("kwargs", {})
    else:
        args, kwargs = [], edited
    if not isinstance(args, list | tuple):
        raise PayloadInvalid(f"args must be a list, got {type(args).__name__}", field="args")
    if not isinstance(kwargs, dict) or not all(isinstance(key, str) for key in kwargs):
        raise PayloadInvalid(
            f"the payload must be an object with named fields, got {type(kwargs).__name__}", field="payload"
        )
    return {"args": list(args), "kwargs": kwargs}


def unmasked(edited: Any, shown: Any, stored: Any) -> Any:
    """Return the edited payload with every value that still stands as it was masked replaced by the stored one.

    Args:
        edited: as the operator left it.
        shown: as the operator got it, with masks.
        stored: as it is.
    """
    if edited == shown and shown is not None and not isinstance(edited, dict | list):
        return stored
    if isinstance(edited, dict) and isinstance(shown, dict) and isinstance(stored, dict):
        return {key: unmasked(value, shown.get(key), stored.get(key)) for key, value in edited.items()}
    if isinstance(edited, list) and isinstance(shown, list) and isinstance(stored, list | tuple):
        pairs = zip(edited, [*shown, *[None] * len(edited)], [*stored, *[None] * len(edited)], strict=False)
        return [unmasked(value, seen, kept) for value, seen, kept in pairs]
    return edited


def edited_call(
    call: Call, job_type: str, edited: Any, shown: Redacted, enqueued_ms: int
) -> tuple[dict[str, Any], bytes]:
    """Return an edited payload, and the bytes of `arq:job:<id>` that carry it.

    Raises:
        Refused: the stored payload is in a form that cannot be written here.
        PayloadInvalid: the edited one cannot be written in it.
    """
    if call.hint or shown.value is None:
        raise Refused("this payload cannot be edited: it cannot be read", call.hint)
    if shown.cut:
        raise Refused("this payload cannot be edited: it is too large to be shown whole", "Retry it unchanged.")
    payload = unmasked(as_payload(edited), shown.value, call.payload())
    return payload, encoded_call(call.format, job_type, payload, enqueued_ms)


def encoded_call(format: str, job_type: str, payload: dict[str, Any], enqueued_ms: int) -> bytes:
    """Return the bytes of `arq:job:<id>` for a payload in one of the formats.

    Raises:
        Refused, PayloadInvalid: it cannot be written.
    """
    args, kwargs = _native(payload["args"]), _native(payload["kwargs"])
    if format == JSON:
        if args:
            raise PayloadInvalid(f"{job_type} takes named fields, got {len(args)} positional ones", field="args")
        return encode_call(job_type, encode_value(kwargs), enqueued_ms)
    if format == PICKLE:
        stored = {"t": None, "f": job_type, "a": tuple(args), "k": kwargs, "et": enqueued_ms}
        return pickle.dumps(stored, protocol=pickle.HIGHEST_PROTOCOL)
    raise Refused(f"a payload stored as {format} cannot be edited", "Retry it unchanged, or enqueue a new job.")


def _native(value: Any, depth: int = 0) -> Any:
    """Turn the tags of what JSON lacks into their values."""
    if depth > MAX_DEPTH:
        raise PayloadInvalid(f"the payload must be nested at most {MAX_DEPTH} deep", field="payload")
    if isinstance(value, list | tuple):
        return [_native(member, depth + 1) for member in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {key: _native(member, depth + 1) for key, member in value.items()}
    try:
        return decode_value(orjson.dumps(value))
    except (Undecodable, TypeError) as error:
        raise PayloadInvalid(f"the payload has a {TAG} value that cannot be read: {error}", field="payload") from error
