"""Words that mark what is not a line: totals, taxes, carried-forward amounts, bank details, page furniture."""

from __future__ import annotations

import re
from functools import lru_cache

from workers.documents.headers import fold, vocabulary

_SUM_WORDS = frozenset(
    [
        "eur",
        "usd",
        "gbp",
        "chf",
        "euro",
        "netto",
        "brutto",
        "net",
        "gross",
        "excl",
        "incl",
        "inkl",
        "exkl",
        "titel",
        "position",
        "positionen",
        "title",
        "section",
        "lot",
        "amount",
        "betrag",
        "value",
        "items",
        "pieces",
        "stuck",
        "pcs",
        "und",
        "and",
        "the",
        "with",
        "without",
        "vat",
        "tax",
        "mwst",
        "ust",
        "tva",
        "iva",
        "btw",
        "due",
        "payable",
    ]
)


@lru_cache(maxsize=3)
def _starts(mark: str) -> re.Pattern[str]:
    alternatives = "|".join(map(re.escape, sorted(vocabulary()["lines"][mark], key=len, reverse=True)))
    return re.compile(rf"(?:{alternatives})(?![^\W_])")


def _label(text: str) -> str:
    """Return a line folded, without the number or the currency it begins with."""
    return re.sub(r"^(?:[\d %]+|eur|usd|gbp|chf)\s*", "", fold(text))


def carries(text: str) -> bool:
    """Tell whether a line is a subtotal or an amount carried over, after which lines may go on."""
    return _starts("carried").match(_label(text)) is not None


def totals(text: str) -> bool:
    """Tell whether a line begins like a total, a tax or a payment."""
    folded = _label(text)
    if re.match(r"(?:delivery|shipping|versand|carriage) (?:date|time|week|note|address|method|mode)\b", folded):
        return False
    return _starts("total").match(folded) is not None


def sums(text: str) -> bool:
    """Tell whether a line begins like a total and names nothing else."""
    return totals(text) and not names_more(text)


def is_total(label: str) -> bool:
    """Tell whether words are the name of a total and nothing else."""
    return _starts("total").fullmatch(_label(label)) is not None


def names_more(text: str) -> bool:
    """Tell whether a line that begins like a total goes on to name a thing: "Total station tripod"."""
    folded = _label(text)
    match = _starts("total").match(folded)
    rest = re.findall(r"[^\W\d]{3,}", folded[match.end() :]) if match else []
    return len([word for word in rest if word not in _SUM_WORDS and not _starts("total").fullmatch(word)]) >= 2


def closes(text: str) -> bool:
    """Tell whether a line begins like what stands below a table: terms, bank details, page numbers, greetings."""
    return _starts("furniture").match(fold(text)) is not None
