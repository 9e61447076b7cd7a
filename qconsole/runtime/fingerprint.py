"""What makes two failures the same: exception type, message without its particulars, innermost frame of the app.

Pure. The same failure in another job, on another host or in another release gives the same fingerprint.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePath
from traceback import extract_tb
from types import TracebackType
from typing import Final

from qconsole.errors import JobFailed

_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`")
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s,;)>\]]+", re.IGNORECASE)
_EMAIL: Final = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b")
_UUID: Final = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE)
_HEX: Final = re.compile(r"\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE)
_PATH: Final = re.compile(r"(?<![\w.])(?:/[\w.@%+~-]+){2,}/?")
_NUMBER: Final = re.compile(r"[+-]?\b\d+(?:[.,:]\d+)*")
_SPACE: Final = re.compile(r"\s+")
_MESSAGE_MAX: Final = 300
_INPUT_MAX: Final = 4_000

_NOT_THE_APP: Final = ("site-packages", "dist-packages", "qconsole/runtime/", "arq/worker.py", "<frozen")
_STDLIB: Final = str(PurePath(re.__file__).parents[1])


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A failure's identity and what it was made of."""

    digest: str
    error_type: str
    message: str
    frame: str | None


def normalise(message: str) -> str:
    """Return the message with numbers, ids, addresses and quoted values replaced by marks."""
    text = message[:_INPUT_MAX]
    for pattern, mark in (
        (_URL, "<url>"),
        (_EMAIL, "<email>"),
        (_UUID, "<id>"),
        (_QUOTED, "<text>"),
        (_ADDRESS, "<address>"),
        (_HEX, "<id>"),
        (_PATH, "<path>"),
        (_NUMBER, "<n>"),
    ):
        text = pattern.sub(mark, text)
    return _SPACE.sub(" ", text).strip()[:_MESSAGE_MAX]


def fingerprint(error_type: str, message: str, frame: str | None = None) -> Fingerprint:
    """Return the fingerprint of a failure known by its parts."""
    plain = normalise(message)
    digest = hashlib.blake2b(f"{error_type}\0{plain}\0{frame or ''}".encode("utf-8", "replace"), digest_size=8)
    return Fingerprint(digest.hexdigest(), error_type, plain, frame)


def fingerprint_of(error: BaseException) -> Fingerprint:
    """Return the fingerprint of an exception; a `JobFailed` is the error it stands for."""
    if isinstance(error, JobFailed):
        return fingerprint(error.error_type, error.message, app_frame(error.__traceback__))
    return fingerprint(type(error).__qualname__, message_of(error), app_frame(error.__traceback__))


def message_of(error: BaseException) -> str:
    """Return the exception's text; a broken `__str__` is said, not raised."""
    if isinstance(error, JobFailed):
        return error.message
    try:
        return str(error)
    except Exception as broken:  # the text of somebody else's exception may do anything
        return f"<no message: {type(broken).__name__} in {type(error).__name__}.__str__>"


def app_frame(traceback: TracebackType | None) -> str | None:
    """Return `file:function` of the innermost frame that is the app's own code, or the innermost of all."""
    frames = extract_tb(traceback)
    for frame in reversed(frames):
        name = frame.filename
        if not name.startswith(_STDLIB) and not any(part in name for part in _NOT_THE_APP):
            return f"{PurePath(name).name}:{frame.name}"
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].name}" if frames else None
