"""Reads how many from a line of words: "2 x Hose", "4 pcs hose @ 3.50", "Hose × 2 = 7,00 €", "Hose (4711): 10 m"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workers.documents.headers import Role
from workers.documents.numbers import CURRENCIES, UNITS, amounts, clean
from workers.documents.words import carries, closes, sums

_COUNT = r"(?P<count>\d{1,3}(?:[.,]\d{3})+(?!\d)|\d{1,6}(?:[.,]\d{1,3})?)"
_BULLET = re.compile(r"^(?:[-*\u2022\u00b7\u25aa\u25cf\u2013+]\s*|\(?\d{1,3}[.)]\s+)(?=\S)")
_UNIT = rf"(?P<unit>{UNITS})\b\.?"
_STYLES: Mapping[str, re.Pattern[str]] = {
    "count times name": re.compile(rf"^{_COUNT}\s*(?:{_UNIT})?\s*[x*✕]\s+(?P<name>\S.+)$", re.I),
    "name, count unit": re.compile(
        rf"^(?P<name>.+?)(?:\s*[:|,;(\u2013=]\s*|\s+-{{1,2}}>?\s+|\s*[.\u2026_]{{3,}}\s*|\s{{2,}}){_COUNT}\s*{_UNIT}"
        r"(?:\s+(?P<size>(?:zu je|je|[aàá])\s+\d[\d.,]*\s?(?:[cm]?m|kg|g|m?l)))?\)?$",
        re.I,
    ),
    "count unit name": re.compile(rf"^{_COUNT}\s*{_UNIT}\s*(?:\b(?:x|of|of the|de|d'|à)\b\s*)?(?P<name>\S.+)$", re.I),
    "name times count": re.compile(
        rf"^(?P<name>.+?)\s*(?:[:,(|-]\s*)?(?:\s[x*]\s?|✕\s*|(?<=[(,:])x\s?){_COUNT}\s*(?:{_UNIT})?\)?$", re.I
    ),
    "name, count times": re.compile(rf"^(?P<name>.+?)\s*(?:[:,(|]|\s-)?\s+\(?{_COUNT}\s*[x✕]\)?$", re.I),
    "times count name": re.compile(rf"^[x✕]\s?{_COUNT}\s+(?P<name>\S.+)$", re.I),
    "count name": re.compile(rf"^{_COUNT}\s+(?P<name>[^\W\d].+)$"),
    "name, count": re.compile(
        rf"^(?P<name>.+?)(?:\s*[:|;=]\s*|\s+[-\u2013]\s+|\s*[.\u2026_]{{3,}}\s*|\s{{3,}}){_COUNT}$"
    ),
}
_BARE = frozenset({"count name", "name, count"})
_BEHIND = frozenset({"name, count unit", "name, count"})
_BEFORE = frozenset({"count times name", "count unit name", "times count name", "count name"})
_PRICE = re.compile(
    r"^(?P<rest>.{3,}?)\s*(?P<sign>@|\bà|\bat\b|\bje\b|\bzu\b|\bfür\b|\bfor\b|\ba\b|\bpor\b|=|[-\u2013\u2014:|,(]|\s)\s*"
    rf"(?P<money>(?:(?:{CURRENCIES})\s?)?\d[\d.,' ]*(?:,-)?\s?(?:{CURRENCIES})?)"
    r"\s*(?P<each>(?:/|\bper\b|\bpro\b|\bje\b|\bpar\b|\bpor\b)\s?\w+|\beach\b|\bea\b\.?|\bp/?st\b\.?|\bc/u\b|\bchacun\b)?"
    r"(?:\s*(?:ht|h\.t\.|ttc|netto|net|(?:excl|exkl|incl|inkl|zzgl|ex|sin|con|hors|plus|\+)\.?\s*(?:vat|mwst|ust|tva|taxes?|iva|btw)))?\.?\)?$",
    re.IGNORECASE,
)
_MONEY = re.compile(rf"[.,]\d\d\b|(?:^|\s|\d)(?:{CURRENCIES})|(?:{CURRENCIES})\s?\d|,-$", re.IGNORECASE)
_EACH = re.compile(r"@|à|at|je|zu|a|por", re.IGNORECASE)
_OFTEN = re.compile(r"(?:per|pro|par|por|a|je|daily|weekly|täglich)\b", re.IGNORECASE)
_MEASURED = re.compile(r"m|mtrs?|meter|kg|l|ltrs?|liter|g", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Counted:
    """A line that says how many of what: the cells it states, by which habit, and what stands before the count."""

    cells: Mapping[Role, str]
    style: str
    bulleted: bool
    joint: str = ""


def counted_lines(texts: Sequence[str]) -> list[Counted | None]:
    """Return what each of `texts` counts, or None; where a line can be read in two ways, as most of the others are."""
    readings = [list(_readings(text)) for text in texts]
    votes = Counter(reading.style for found in readings for reading in found)
    order = sorted(_STYLES, key=lambda style: (style in _BARE, -votes[style]))
    chosen = [min(found, key=lambda one: order.index(one.style)) if found else None for found in readings]
    points = sum(1 for text in texts if _BULLET.match(text))
    return [None if one is not None and not _borne_out(one, votes, points) else one for one in chosen]


def _borne_out(one: Counted, votes: Counter[str], points: int) -> bool:
    """Tell whether other lines are written as this one is, where its own signs of counting are weak."""
    if one.style in _BARE:
        return one.bulleted and votes[one.style] >= max(2, 0.7 * points)
    parted = bool(set(":;") & set(one.joint)) or len(one.joint) > 2
    return one.style not in _BEHIND or one.bulleted or parted or votes[one.style] > 1


def counted(text: str) -> Counted | None:
    """Return what a line by itself counts, never by a number without any sign of counting."""
    return next((one for one in _readings(text) if one.style not in _BARE), None)


def _readings(text: str) -> Iterator[Counted]:
    plain = clean(text.replace("×", "✕"))
    bullet = _BULLET.match(plain)
    rest, prices = _without_prices(plain[bullet.end() :] if bullet else plain)
    for style, pattern in _STYLES.items():
        match = pattern.match(rest)
        if match is None or not _sensible(match, style, bulleted=bullet is not None):
            continue
        name = match["name"].strip(" -\u2013:,;|.")
        found = match.groupdict()
        unit = found.get("unit")
        name = f"{name} {found['size']}" if found.get("size") else name
        cells = {Role.QUANTITY: match["count"], Role.DESCRIPTION: name, **prices, **({Role.UNIT: unit} if unit else {})}
        if match["count"] == "1" and Role.TOTAL in prices:
            cells.setdefault(Role.PRICE, prices[Role.TOTAL])
        joint = rest[match.end("name") : match.start("count")] if style in _BEHIND else ""
        yield Counted(cells, style, bullet is not None, joint)


def _without_prices(text: str) -> tuple[str, dict[Role, str]]:
    """Cut amounts of money off the end of a line: the last is the total unless it says that it is for one."""
    found: dict[Role, str] = {}
    for _ in range(2):
        match = _PRICE.match(text)
        if match is None or not (_MONEY.search(match["money"]) and amounts(match["money"])):
            break
        role = Role.PRICE if match["each"] or _EACH.fullmatch(match["sign"]) or Role.TOTAL in found else Role.TOTAL
        found.setdefault(role, match["money"].strip())
        text = match["rest"].rstrip(" -=:|,(@")
    return text, found


def _sensible(match: re.Match[str], style: str, *, bulleted: bool) -> bool:
    name, found = match["name"], match.groupdict()
    summed = sums(name) or carries(name) or closes(name)
    if summed or len(re.findall(r"[^\W\d]", name)) < 3 or (style in _BEFORE and _OFTEN.match(name)):
        return False
    unit = found.get("unit") or ""
    if style == "count unit name" and len(unit) == 1 and match.string[match.end("count")] == unit != unit.lower():
        return False
    if style == "name times count" and re.search(r"\d\S*$", name) and not re.search(r"✕|\sx\d", match.string):
        return False
    if style == "name times count" and _MEASURED.fullmatch(unit) and re.search(r"\d\s*[mc]?m$", name):
        return False
    words = name.split()
    sentence = re.search(r"[.!?]$", match.string) is not None and not (style in _BEHIND and unit)
    if not bulleted and (len(words) > 14 or (len(words) > 3 and sentence)):
        return False
    behind = match.string[match.end("name") : match.start("count")].strip()
    if (
        style in _BEHIND
        and not bulleted
        and (behind == "(" or (_MEASURED.fullmatch(unit) and (behind == "," or len(words) == 1)))
    ):
        return False
    return not (style in _BEHIND and re.search(r"\d$", name) and match.string[match.end("name")] in "-\u2013")
