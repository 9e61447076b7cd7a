"""Masks secrets in what is kept for review or sent to a pager: by a key's name, and by what a text looks like."""

import re
from typing import Any, Final

MASK: Final = "***"
_MAX_DEPTH = 20
_MAX_ENTRIES = 500
_MAX_CHARS = 4_000
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api_?key|authori[sz]ation|credential|cookie|private_?key|signing_?key|^pin$|^iban$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"(?<=://)[^\s/@]{1,200}(?=@)"
    r"|\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"
    r"|(?i:(?<=bearer )|(?<=basic ))[\w+/=.~-]{8,}"
    r"|\bwhsec_[\w+/=]{8,}|\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bgh[pousr]_\w{20,}|\bAKIA[A-Z0-9]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)


def masked(value: Any, *, depth: int = 0) -> Any:
    """Returns a plain value with its secrets masked and what is too deep, too many or too long cut."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, dict):
        if depth >= _MAX_DEPTH:
            return "(cut)"
        entries = list(value.items())[:_MAX_ENTRIES]
        return {
            masked_text(str(key)): MASK if _SECRET_KEY.search(str(key)) else masked(entry, depth=depth + 1)
            for key, entry in entries
        }
    if isinstance(value, list | tuple):
        return "(cut)" if depth >= _MAX_DEPTH else [masked(entry, depth=depth + 1) for entry in value[:_MAX_ENTRIES]]
    return value


def masked_text(text: str) -> str:
    """Returns a text with what looks like a secret masked, without NUL, and not longer than is useful."""
    return _SECRET_TEXT.sub(MASK, text[:_MAX_CHARS].replace("\0", ""))
