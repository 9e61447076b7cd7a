"""Mends what recognition takes for something like it: letters in amounts, units without their accent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from rapidfuzz.distance import Levenshtein

from workers.documents.model import Word

_LIKE = str.maketrans(
    {"O": "0", "o": "0", "Q": "0", "D": "0", "I": "1", "l": "1", "|": "1", "S": "5", "B": "8", "Z": "2"}
)
_NEARLY = re.compile(r"[\dOoQDIl|SBZ]{1,3}(?:[.,'’]?[\dOoQDIl|SBZ]{3})*[.,][\dOoQDIlSBZ]{2}")
_SIGNED = re.compile(r"(?P<before>[$€£]?)(?P<body>.+?)(?P<after>[$€£]?)")
_ACCENTED = {"boite": "boîte", "boites": "boîtes", "Stuck": "Stück", "stuck": "stück"}  # units that lose their accent
_MONEY = r"\d[\d.,'’]*[.,]\d\d"


def mended(words: Sequence[Word]) -> list[Word]:
    """Return recognised words with the letters in amounts replaced by the digits or signs they are like.

    A word is an amount when it ends in a decimal sign and two signs like digits, and holds a digit. An "S" before
    an amount is a dollar where the page prints dollars, else a five. An amount torn at its decimal sign is one word.
    """
    words = _joined(words)
    dollars = any(re.fullmatch(rf"\${_MONEY}", word.text) for word in words)
    return [replace(word, text=text) if (text := _amount(word.text, dollars)) != word.text else word for word in words]


def _joined(words: Sequence[Word]) -> list[Word]:
    joined: list[Word] = []
    for word in words:
        before = joined[-1] if joined else None
        if (
            before is not None
            and re.fullmatch(r"\d[\d.,]*[.,]", before.text)
            and re.fullmatch(r"\d\d", word.text)
            and abs(word.x0 - before.x1) < 0.3 * word.height
            and abs(word.middle - before.middle) < 0.3 * word.height
        ):
            joined[-1] = replace(before, text=before.text + word.text, x1=word.x1, score=min(before.score, word.score))
        else:
            joined.append(word)
    return joined


def _amount(text: str, dollars: bool) -> str:
    if text in _ACCENTED:
        return _ACCENTED[text]
    if dollars and re.fullmatch(rf"S{_MONEY}", text):
        return f"${text[1:]}"
    euro = re.fullmatch(rf"({_MONEY})[EC]", text)
    if euro:
        return f"{euro[1]}€"
    match = _SIGNED.fullmatch(text)
    if match is None or not _NEARLY.fullmatch(match["body"]) or len(re.findall(r"\d", match["body"])) < 2:
        return text
    return f"{match['before']}{match['body'].translate(_LIKE)}{match['after']}"


def misread(value: Decimal, seen: Decimal) -> bool:
    """Tell whether `seen` may be `value` with one digit taken for another, lost or added, or its first digits lost."""
    whole, part = (f"{abs(number):.2f}".replace(".", "") for number in (value, seen))
    return whole != part and (Levenshtein.distance(whole, part) == 1 or (len(part) > 2 and whole.endswith(part)))
