"""Amounts and quantities as people print them: 1.234,50 · 1,234.50 · 1 234,50 · 1'234.50 · (12.00) · 12,00- · €5.

Which sign is the decimal one is a property of the document, so it is passed in; without it the text is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

CURRENCIES = (
    r"€|\$|£|¥|₹|eur|euros?|usd|us\$|gbp|chf|sek|nok|dkk|pln|czk|huf|cad|aud|inr"
    r"|rs\.?|fr\.|kr\.?|zł|a\$|c\$"
)
UNITS = (
    r"pcs?|pieces?|ea|each|units?|no|nos|sets?|box(?:es)?|pairs?|rolls?|kg|m|mtrs?|ltrs?|l|cans?|drums?|bottles?|packs?|pkts?"
    r"|bags?|cartons?|ctns?|cases?|reams?|tins?|tubes?|sheets?|gallons?|dozen|doz"
    r"|stk|stück|st|paar|rollen?|satz|dosen?|kartons?|meter|liter|ve|beutel|säcke?|eimer|blatt|packung(?:en)?|flaschen?"
    r"|pièces?|pce|bid[oó]n(?:es)?|sacos?|latas?|garrafas?|kisten?|emmers?|blikken|seaux?|bo[iî]tes?|lots?|rouleaux?|sacs?|bidons?|paquets?"
    r"|uds?|unidad(?:es)?|cajas?|rollos?|paquetes?|botellas?|par(?:es)?|paires?|piezas?|pzas?|bolsas?|metros?|litros?|litres?"
    r"|sack|pots?|unit[ée]s?|cartouches?|f[ûu]ts?|flacons?|palettes?|paletten?|kanister|f[aä]sse?r?|gebinde|stangen?|schachteln?|tafeln?"
    r"|botes?|tarros?|garrafas?|frascos?|bidones|emmer|bussen|potten|potjes|vellen|platen|jerrycans?|jerricans?|jars?|spools?|reels?|bundles?"
    r"|pallets?|vials?|buckets?|pails?|barrels?|crates?|sachets?"
    r"|stuks?|dozen|doos|pak(?:ken)?|zak(?:ken)?|fles(?:sen)?|pkg|ktn|ringe"
)
UNIT_CODES = r"bx|cs|pr|ct|rl|pk|bg|dz|bt|jr|tb|kt"  # codes of states, too: never without a title
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u2002\u2003\u200a"), " ")
_SIGNS = {
    ord("\u2212"): "-",
    ord("\u2013"): "-",
    ord("\u2019"): "'",
    ord("\u2018"): "'",
    ord("\u2032"): "'",
    0xB4: "'",
    ord("\u02bc"): "'",
    ord("`"): "'",
    0xD7: "x",
    0x2014: "-",
}
_BODY = r"(?:\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?|\d{1,3}(?:[ .,']\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?|[.,]\d+)"
_AMOUNT = re.compile(
    rf"^(?P<open>\()?(?P<sign1>[+-])?\s*(?:(?:{CURRENCIES})\s*)?(?P<sign2>[+-])?\s*(?P<body>{_BODY})(?:[.,]-{{1,2}}|,=)?"
    rf"\s*(?P<sign3>-)?\s*(?:{CURRENCIES})?\s*(?P<sign4>-|cr)?(?P<close>\))?\*?(?:\s+[a-d]|(?<=[.,]\d\d)t|(?<=\d-)[a-d])?$",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    rf"^(?:x\s*)?(?P<amount>-?\s?{_BODY}|\({_BODY}\))\s*(?P<times>x)?\s*(?P<unit>[^\W\d][\w./²³°()% -]{{0,15}})?$",
    re.IGNORECASE,
)

_MONTH = re.compile(r"(?:0[1-9]|1[0-2])[.,](?:19|20)\d\d")  # a month and its year, no amount: "04.2025"


def clean(text: str) -> str:
    """Return `text` with odd spaces and signs replaced by plain ones, trimmed."""
    return text.translate(_SPACES).translate(_SIGNS).strip()


def decimal_mark(texts: Iterable[str]) -> str | None:
    """Return the decimal sign that most amounts in `texts` show, or None when none shows one without doubt."""
    votes = {".": 0, ",": 0}
    for text in texts:
        stripped = clean(text)
        for mark, other in ((".", ","), (",", ".")):
            if re.search(rf"\d{re.escape(other)}\d{{3}}{re.escape(mark)}\d{{1,4}}(?!\d)", stripped):
                votes[mark] += 3
            elif re.fullmatch(rf"\D{{0,4}}\d+{re.escape(mark)}\d{{2}}\D{{0,5}}", stripped):
                votes[mark] += 2
            elif re.fullmatch(rf"\D{{0,4}}\d+{re.escape(mark)}(?:\d|\d{{4}})\D{{0,5}}", stripped):
                votes[mark] += 0 if _MONTH.fullmatch(stripped) else 1
    if votes["."] == votes[","]:
        return None
    return "." if votes["."] > votes[","] else ","


def _readings(body: str, mark: str | None) -> list[Decimal]:
    """Return the ways to read digits with separators, the likeliest first."""
    compact = body.replace(" ", "").replace("'", "")
    marks = [sign for sign in compact if sign in ".,"]
    if not marks:
        return [Decimal(compact)]
    last = marks[-1]
    if len(set(marks)) == 2:
        other = "," if last == "." else "."
        return [Decimal(compact.replace(other, "").replace(last, "."))]
    whole = Decimal(compact.replace(last, "") or "0")
    if len(marks) > 1:
        return [whole] if len(compact.rsplit(last, 1)[1]) == 3 else []
    point = Decimal(compact.replace(last, "."))
    head, tail = compact.split(last)
    if len(tail) != 3 or not head or len(head) > 3 or head.startswith("0"):
        return [point]
    if mark is None:
        return [whole, point] if last == "," else [point, whole]
    return [point, whole] if last == mark else [whole, point]


def amounts(text: str, mark: str | None = None) -> list[Decimal]:
    """Return every value that `text`, taken whole, can mean as an amount: none, one, or two with the likelier first."""
    match = _AMOUNT.match(clean(text))
    if match is None or (match["open"] is None) != (match["close"] is None):
        return []
    signs = sum(1 for name in ("sign1", "sign2", "sign3", "sign4") if match[name] and match[name] != "+")
    negative = signs % 2 == 1 or (match["open"] is not None and match["close"] is not None)
    try:
        values = _readings(match["body"], mark)
    except InvalidOperation:
        return []
    return [-value if negative else value for value in values]


def amount(text: str, mark: str | None = None) -> Decimal | None:
    """Return the likeliest value of `text` as an amount, or None when it is none."""
    values = amounts(text, mark)
    return values[0] if values else None


def quantities(text: str, mark: str | None = None) -> tuple[list[Decimal], str | None]:
    """Return the values `text` can mean as a quantity, and the unit printed with it: "3 Stk", "x2", "12.0 Unit(s)"."""
    match = _QUANTITY.match(clean(text))
    if match is None:
        return [], None
    values = amounts(match["amount"].replace(" ", "") if "-" in match["amount"] else match["amount"], mark)
    unit = (match["unit"] or "").strip(" .-") or None
    if unit and re.fullmatch(r"x", unit, re.IGNORECASE):
        unit = None
    return values, unit


def percent(text: str) -> Decimal | None:
    """Return 19 for "19 %", "19,0%", "-19%"; None for anything else."""
    match = re.fullmatch(r"[-+]?\s*(\d{1,3}(?:[.,]\d{1,4})?)\s*%", clean(text))
    return Decimal(match[1].replace(",", ".")) if match else None
