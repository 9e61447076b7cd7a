"""What column headings mean, in English, German, French, Spanish and Dutch.

A heading is compared word by word after folding case, accents and punctuation, so "Art.-Nr." is `art nr`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from workers.documents.numbers import CURRENCIES, UNITS


class Role(StrEnum):
    """What a column holds. The ones after TOTAL are known so that they are not taken for something else."""

    POSITION = "position"
    PART = "part_number"
    MAKER_PART = "maker_part"
    DESCRIPTION = "description"
    NAME = "name"
    QUANTITY = "quantity"
    UNIT = "unit"
    PRICE = "unit_price"
    PRICE_PER = "price_per"
    DISCOUNT = "discount"
    TOTAL = "line_total"
    TOTAL_GROSS = "total_gross"
    PRICE_GROSS = "price_gross"
    PRICE_LIST = "price_list"
    QUANTITY_OTHER = "quantity_other"
    TAX = "tax"
    OTHER = "other"


NUMERIC = frozenset(
    {Role.QUANTITY, Role.PRICE, Role.TOTAL, Role.TOTAL_GROSS, Role.PRICE_GROSS, Role.PRICE_LIST, Role.QUANTITY_OTHER}
)

_WEIGHTS = frozenset(["kg", "kgs", "kilos", "lb", "lbs", "wt", "weight", "gewicht", "poids", "peso", "cbm", "m3"])
_LISTED = frozenset(["list", "rrp", "msrp", "retail", "catalog", "catalogue", "uvp", "listen", "tarif", "adviesprijs"])
_FOLDS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "º": " ", "°": " ", "№": " no "})
_LONGEST_PHRASE = 7
_GROSS_OF = {Role.PRICE: Role.PRICE_GROSS, Role.TOTAL: Role.TOTAL_GROSS}
_TAXED = re.compile(
    r"(?P<what>.+?) (?:(?P<within>inkl?|incl|inc|inclusief|including|con|mit|toutes)"
    r"|ohne|exkl|excl?|exclusief|excluding|zonder|hors|sin|before)"
    r" (?:gesetzlicher )?(?:u ?st|mw ?st|mehrwertsteuer|umsatzsteuer|vat|tax(?:es?)?|tva|iva|btw|gst)"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")  # OrderQty, ItemDescription: how exports name their fields
_PER_ONE = re.compile(
    r"^(?P<what>.+?)\s*(?:/|\b(?:per|pro|je|par|por|p)\b\.?)\s*(?P<unit>[^\W\d][\w²³]*)\.?\s*\)?$", re.IGNORECASE
)  # "Netto/Stk.", "EUR per kg"
_UNIT = re.compile(UNITS, re.IGNORECASE)
_ONLY_MONEY = re.compile(rf"(?:{CURRENCIES})", re.IGNORECASE)
_OF = frozenset(["of", "de", "der", "des", "du", "del", "von", "van"])
_MONEY_WORDS = frozenset(
    ["eur", "euro", "euros", "usd", "gbp", "chf", "in", "en", "us", "dollar", "dollars", "pounds", "€", "$", "£"]
)


@lru_cache(maxsize=16384)
def fold(text: str) -> str:
    """Return `text` in lower case without accents and punctuation, single spaces between words; % and # stay words."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_FOLDS))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+|[%#]", plain))


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, Any]:
    """Return the shipped words: `headings` by role, `short` forms, and `lines` by what they mark."""
    return tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def headings() -> dict[str, Role]:
    """Return what each known heading, folded, means; of one listed twice the first role counts."""
    known: dict[str, Role] = {}
    for role, phrases in vocabulary()["headings"].items():
        for phrase in phrases:
            known.setdefault(phrase, Role(role))
    return known


@lru_cache(maxsize=1)
def _spellable() -> list[str]:
    """Return the headings long enough to be recognised when misspelt; "price per" is too like a price to be."""
    return sorted(phrase for phrase, role in headings().items() if len(phrase) >= 5 and role is not Role.PRICE_PER)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A role and how sure the words make it: 1.0 when they are exactly a known heading."""

    role: Role
    weight: float


@lru_cache(maxsize=8192)
def meaning(text: str, *, fuzzy: bool = False) -> Meaning | None:
    """Return what the heading `text` means, or None when no word of it is known.

    Args:
        text: The whole heading, any number of words.
        fuzzy: Also accept near spellings, for recognised text.
    """
    words = [word for word in fold(_CAMEL.sub(" ", text)).split() if word not in _MONEY_WORDS]
    if not words or len(words) > 8:
        return None
    joined = " ".join(words)
    if _for_one(text):
        return Meaning(Role.PRICE, 1.0)
    if joined in headings():
        return Meaning(headings()[joined], 1.0)
    whole = " ".join(vocabulary()["short"].get(word, word) for word in words)
    if whole != joined and whole in headings():
        return Meaning(headings()[whole], 0.9)
    if (taxed := _with_tax(joined)) is not None:
        return taxed
    if fuzzy and len(joined) >= 5:
        near = process.extractOne(joined, _spellable(), scorer=fuzz.ratio, score_cutoff=84)
        if near is not None:
            return Meaning(headings()[near[0]], 0.9)
    return _head_of(words) or _partial(words)


def _with_tax(joined: str) -> Meaning | None:
    """Understand a known heading that says whether tax is in it: "Stückpreis (ohne USt.)"."""
    match = _TAXED.fullmatch(joined)
    role = headings().get(match["what"]) if match else None
    if match is None or role not in _GROSS_OF:
        return None
    return Meaning(_GROSS_OF[role] if match["within"] else role, 0.9)


def _for_one(text: str) -> bool:
    """Tell whether a heading is money for one of a unit: "Netto/Stk.", "EUR per kg"."""
    match = _PER_ONE.match(text.strip())
    if match is None or not (_UNIT.fullmatch(match["unit"]) or headings().get(fold(match["unit"])) is Role.UNIT):
        return False
    role = headings().get(" ".join(word for word in fold(match["what"]).split() if word not in _MONEY_WORDS))
    return role in (Role.PRICE, Role.TOTAL) or _ONLY_MONEY.fullmatch(match["what"].strip(" (")) is not None


def _partial(words: list[str]) -> Meaning | None:
    """Find the longest known phrase inside a longer heading; later words win ties, as heads follow in "Unit price"."""
    for length in range(min(len(words) - 1, _LONGEST_PHRASE), 0, -1):
        found: list[Meaning] = []
        for start in range(len(words) - length, -1, -1):
            phrase = " ".join(words[start : start + length])
            if (len(phrase) > 2 or phrase == "pn") and phrase in headings():
                found.append(Meaning(headings()[phrase], 0.8 * length / len(words)))
        if found:
            known = next((known for known in found if known.role is not Role.OTHER), found[0])
            if known.role is Role.PRICE and _LISTED & set(words):
                return Meaning(Role.PRICE_LIST, known.weight)
            weighed = known.role in (Role.TOTAL, Role.TOTAL_GROSS) and _WEIGHTS & set(words)
            return Meaning(Role.OTHER, known.weight) if weighed else known
    return _suffix(words)


def _head_of(words: list[str]) -> Meaning | None:
    """Understand a known heading before what it is of: "Descripción de los trabajos"."""
    end = next((index for index, word in enumerate(words) if index and word in _OF), None)
    role = headings().get(" ".join(words[:end])) if end else None
    return Meaning(role, 0.7) if role in (Role.DESCRIPTION, Role.QUANTITY, Role.PRICE, Role.TOTAL) else None


def _suffix(words: list[str]) -> Meaning | None:
    """Understand compounds: "Nettogesamtpreis" ends in "gesamtpreis", "Liefermenge" in "menge"."""
    for word in reversed(words):
        for ending, role in _ENDINGS:
            if word.endswith(ending) and len(word) > len(ending):
                return Meaning(role, 0.6 / len(words))
    return None


_ENDINGS = (
    ("gesamtpreis", Role.TOTAL),
    ("einzelpreis", Role.PRICE),
    ("bezeichnung", Role.DESCRIPTION),
    ("beschreibung", Role.DESCRIPTION),
    ("omschrijving", Role.DESCRIPTION),
    ("menge", Role.QUANTITY),
    ("anzahl", Role.QUANTITY),
    ("preis", Role.PRICE),
    ("prijs", Role.PRICE),
    ("betrag", Role.TOTAL),
    ("bedrag", Role.TOTAL),
    ("summe", Role.TOTAL),
    ("nummer", Role.PART),
    ("einheit", Role.UNIT),
)
