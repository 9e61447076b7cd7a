"""Masks secrets in payloads, results, errors and logs, by key name and by what a value looks like; makes them plain.

Every face, search and export sees only what comes out of here. The walk is bounded in depth, in entries and in text,
so that a hostile payload costs little; what was cut says so in its place. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fnmatch import translate
from typing import Any, Final
from uuid import UUID

MASK: Final = "***"
TAG: Final = "$qc"
MAX_DEPTH: Final = 64
MAX_PATHS: Final = 200

_SECRET_KEY = re.compile(
    "password|passwd|passphrase|pwd|secret|token|apikey|authorization|credential|cookie|sessionid|privatekey|accesskey"
    "|signingkey|encryptionkey|clientkey|cardnumber|creditcard|pincode"
)
_EXACT_KEYS = frozenset({"auth", "pin", "pan", "pass", "otp", "ssn", "iban", "cvv", "cvc", "jwt", "bearer", "sid"})
_JOINERS = re.compile(r"[\s._-]+")
_NAMES = "|".join(
    ("password", "passwd", "pwd", "secret", "token", "api[_-]?key", "access[_-]?key", "authorization", "cookie")
)
_VALUE_PATTERNS = (
    r"(?P<keep1>\b[a-zA-Z][a-zA-Z0-9+.-]{1,30}://)[^\s/@]{1,500}(?P<keep2>@)",  # credentials in a URL
    r"\beyJ[\w-]{8,4000}\.[\w-]{4,4000}\.[\w-]{0,4000}",  # JSON web token
    r"(?P<keep3>\b(?:[Bb]earer|[Bb]asic) )[\w+/=.~-]{8,4000}",
    r"\b(?:sk|pk|rk)_(?:live|test)_\w{8,200}",
    r"\bgh[pousr]_\w{20,255}",
    r"\bxox[abprs]-[\w-]{10,200}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,10000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?",
    rf"(?P<keep4>\b\w{{0,40}}(?:{_NAMES})\w{{0,20}}[\"']?\s{{0,3}}[=:]\s{{0,3}}[\"']?(?:bearer |basic )?)"
    r"[^\s\"',;&]{1,500}",
)
_KEEP = re.compile(r"keep\d+")
# A text in ASCII that has none of these, in lower case, fits none of the patterns above.
_MARKS = (":", "=", "eyj", "bearer ", "basic ", "_live_", "_test_", "gh", "xox", "akia", "asia", "-----begin")


@dataclass(slots=True)
class Redacted:
    """A plain value, the paths that were masked, and whether something was cut."""

    value: Any
    paths: tuple[str, ...] = ()
    cut: bool = False


@dataclass(slots=True)
class _Walk:
    """What one walk has used up so far."""

    characters_left: int
    entries_left: int
    reveal: bool
    paths: list[str] = field(default_factory=list)
    cut: bool = False


class Redaction:
    """The rules of one console.

    Args:
        keys: further key names that are secret, `*` allowed.
        patterns: further regular expressions of secret values.
        reveal_keys: key names that are never secret.
    """

    def __init__(
        self, *, keys: Iterable[str] = (), patterns: Iterable[str] = (), reveal_keys: Iterable[str] = ()
    ) -> None:
        further = [translate(key.lower()) for key in keys]
        self._further = re.compile("|".join(further)) if further else None
        self._open = frozenset(_normal(key) for key in reveal_keys)
        self._has_patterns = bool(patterns := list(patterns))
        self._values = re.compile(
            "|".join([*_VALUE_PATTERNS, *(f"(?:{pattern})" for pattern in patterns)]), re.IGNORECASE
        )
        self._secret: dict[str, bool] = {}

    def is_secret(self, key: str) -> bool:
        """Tell whether the value under this key is masked."""
        known = self._secret.get(key)
        if known is None:
            normal = _normal(key)
            known = normal not in self._open and bool(
                normal in _EXACT_KEYS
                or _SECRET_KEY.search(normal)
                or (self._further and self._further.match(key.lower()))
            )
            if len(self._secret) < 10_000:
                self._secret[key] = known
        return known

    def text(self, text: str) -> str:
        """Return a text (an error, a log line) with what looks like a secret masked."""
        if text.isascii() and not self._has_patterns:
            lowered = text.lower()
            for mark in _MARKS:
                if mark in lowered:
                    break
            else:
                return text
        return self._values.sub(_masked, text)

    def value(self, value: Any, *, reveal: bool = False, characters: int = 262_144, entries: int = 50_000) -> Redacted:
        """Return a value as plain JSON-able data, secrets masked.

        Args:
            value: anything a codec or the safe unpickler returned.
            reveal: mask nothing.
            characters: how much text to keep at most.
            entries: how many keys and list entries to keep at most.
        """
        walk = _Walk(characters, entries, reveal)
        plain = self._plain(value, "", 0, walk)
        return Redacted(plain, tuple(walk.paths), walk.cut)

    def _plain(self, value: Any, path: str, depth: int, walk: _Walk) -> Any:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return self._string(value, path, walk)
        if isinstance(value, dict | list | tuple | set | frozenset):
            return self._container(value, path, depth, walk)
        if isinstance(value, int) and not isinstance(value, Enum):
            return int(value)
        if isinstance(value, float):
            return value if value == value and abs(value) != float("inf") else _tagged("float", repr(value))
        return self._other(value, path, walk)

    def _string(self, value: str, path: str, walk: _Walk) -> str:
        kept = value
        if len(kept) > walk.characters_left:
            kept = kept[: max(walk.characters_left, 0)] + "…"
            walk.cut = True
        walk.characters_left -= len(kept)
        if walk.reveal:
            return kept
        masked = self.text(kept)
        if masked != kept:
            self._note(path, walk)
        return masked

    def _note(self, path: str, walk: _Walk) -> None:
        if len(walk.paths) < MAX_PATHS:
            walk.paths.append(path or "(all)")

    def _container(self, value: Any, path: str, depth: int, walk: _Walk) -> Any:
        if depth >= MAX_DEPTH:
            walk.cut = True
            return _tagged("cut", f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            return self._mapping(value, path, depth, walk)
        members: list[Any] = []
        for index, member in enumerate(value):
            if self._is_full(walk):
                members.append(_tagged("cut", f"{len(value) - index} more"))
                break
            members.append(self._plain(member, f"{path}.{index}" if path else str(index), depth + 1, walk))
        if isinstance(value, set | frozenset):
            return _tagged("set", members)
        return members

    def _mapping(self, value: dict[Any, Any], path: str, depth: int, walk: _Walk) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for index, (key, member) in enumerate(value.items()):
            if self._is_full(walk):
                plain["…"] = _tagged("cut", f"{len(value) - index} more")
                break
            name = key if isinstance(key, str) else str(self._plain(key, path, depth + 1, walk))
            name = name[:1_000]
            walk.characters_left -= len(name)
            below = f"{path}.{name}" if path else name
            if not walk.reveal and self.is_secret(name) and member not in (None, "", True, False):
                self._note(below, walk)
                plain[name] = MASK
            else:
                plain[name] = self._plain(member, below, depth + 1, walk)
        return plain

    def _is_full(self, walk: _Walk) -> bool:
        walk.entries_left -= 1
        if walk.entries_left < 0 or walk.characters_left <= 0:
            walk.cut = True
            return True
        return False

    def _other(self, value: Any, path: str, walk: _Walk) -> Any:
        """Write what JSON lacks the way the payload codec does."""
        if isinstance(value, bytes | bytearray | memoryview):
            return _tagged("bytes", self._string(bytes(value[:100_000]).hex(), path, walk))
        if isinstance(value, Enum):
            return self._plain(value.value, path, 0, walk)
        if isinstance(value, datetime | date | time):
            return _tagged(type(value).__name__, value.isoformat())
        if isinstance(value, timedelta):
            return _tagged("timedelta", [value.days, value.seconds, value.microseconds])
        if isinstance(value, Decimal | UUID):
            return _tagged(type(value).__name__.lower(), str(value))
        if isinstance(value, BaseException):
            return _tagged("exception", self._string(f"{type(value).__name__}: {value}", path, walk))
        return _tagged("opaque", self._string(str(value), path, walk))


def _normal(key: str) -> str:
    return _JOINERS.sub("", key.lower())


def _tagged(kind: str, value: Any) -> dict[str, Any]:
    return {TAG: kind, "v": value}


def _masked(found: re.Match[str]) -> str:
    """Mask a match but for the parts that say what it is."""
    kept = {name: text for name, text in found.groupdict().items() if text is not None and _KEEP.fullmatch(name)}
    if "keep1" in kept:
        return f"{kept['keep1']}{MASK}{kept['keep2']}"
    return "".join(kept.values()) + MASK
