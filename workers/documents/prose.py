"""Reads what a sentence orders: "we need 20 boxes of gloves, 15 rolls of tape and 3 drums of thinner"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from workers.documents.headers import Role
from workers.documents.numbers import UNITS, clean
from workers.documents.rows import Row
from workers.documents.words import closes, sums

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\da-z])|\s*[¿¡]\s*")
_JOINT = re.compile(r"\s*[;:]\s+|,\s+(?=\d)|,?\s+(?:and|und|sowie|et|ainsi que|y|e|en|plus|&)\s+(?=\d)", re.IGNORECASE)
_ORDERED = re.compile(
    rf"^(?:.*\s)?(?P<count>\d{{1,3}}(?:[.,]\d{{3}})+|\d{{1,6}})\s+(?P<unit>{UNITS})\b\.?\s+(?:(?:of|de|von|van|à)\s+|d['’])?"
    r"(?P<name>[^\W\d].*)$",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s+(?:leveren|bezorgen|liefern|senden|schicken|to be delivered|delivered|for delivery|please|bitte|graag|asap"
    r"|à livrer|livrer|entregar|para entregar|für die|for the|para el|para la|pour le|pour la)\b.*",
    re.IGNORECASE,
)  # what follows the thing: where and when it is wanted
_MOST_WORDS = 9


def ordered_in_prose(texts: Sequence[str]) -> list[Row]:
    """Return what sentences count: two things or more, one after the other, each with its number and unit."""
    return [row for sentence in _SENTENCE.split(clean(" ".join(texts))) for row in _ordered(sentence)]


def _ordered(sentence: str) -> Iterator[Row]:
    pieces = [_ORDERED.match(piece) for piece in _JOINT.split(sentence.strip(" .!?"))]
    for matched, run in groupby(pieces, key=bool):
        found = [match for match in run if match is not None]
        if not matched or len(found) < 2:
            continue
        for match in found:
            name = _TAIL.sub("", match["name"]).strip(" ,.")
            if len(name.split()) <= _MOST_WORDS and not (sums(name) or closes(name)):
                yield Row({Role.QUANTITY: match["count"], Role.UNIT: match["unit"], Role.DESCRIPTION: name})
