"""New job ids: 20 characters that sort by the time they were made, also inside one millisecond.

Nine characters of time (milliseconds), then eleven that start at random and count up, so that ids of one producer
keep their order and ids of two never meet.
"""

import secrets
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"

_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)
_LOW_BITS: Final = 20
_TAIL_BITS: Final = 55


def _text(number: int, pairs: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(10 * (pairs - 1), -1, -10)])


class JobIds:
    """A source of ids; each is greater than the one before."""

    __slots__ = ("_at_ms", "_head", "_low")

    def __init__(self) -> None:
        self._at_ms = -1
        self._head = ""
        self._low = 0

    def next(self, now_ms: int) -> str:
        """Return a new id.

        Args:
            now_ms: the current instant; a clock that went back does not bring ids back.
        """
        self._low += 1
        if now_ms > self._at_ms or self._low >> _LOW_BITS:
            self._start(max(now_ms, self._at_ms + (self._low >> _LOW_BITS)))
        return self._head + _PAIRS[self._low >> 10] + _PAIRS[self._low & 1023]

    def _start(self, at_ms: int) -> None:
        tail = secrets.randbits(_TAIL_BITS)
        self._at_ms = at_ms
        self._low = tail & ((1 << _LOW_BITS - 1) - 1)  # the upper half is left to count into
        self._head = _text(at_ms << _TAIL_BITS - _LOW_BITS | tail >> _LOW_BITS, 8)
