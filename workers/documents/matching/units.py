"""How many of one unit another unit is: pieces, dozens, boxes of N, weights, lengths, volumes.

Works on what people write (`DOZ`, `box of 12`, `12 x 1 kg`, `pcs.`); refuses to guess between kinds.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

_PIECE, _MASS, _LENGTH, _VOLUME, _AREA, _TIME = "piece", "mass", "length", "volume", "area", "time"

_UNITS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("pc", "pcs", "piece", "pieces", "ea", "each", "unit", "units", "no", "nos", "stk", "stck", "stuck", "st",
         "pce", "pieza", "piezas", "pza", "pieces", "u", "stuks", "item", "c62", "h87"), (_PIECE, "1")),
    **dict.fromkeys(("pr", "prs", "pair", "pairs", "paar", "paire", "paires", "par", "pares"), (_PIECE, "2")),
    **dict.fromkeys(("doz", "dozen", "dozens", "dz", "dzn", "dutzend", "douzaine", "docena", "dozijn"), (_PIECE, "12")),
    **dict.fromkeys(("gross", "gro", "grs"), (_PIECE, "144")),
    **dict.fromkeys(("hundred", "cen"), (_PIECE, "100")),
    **dict.fromkeys(("thousand", "mil"), (_PIECE, "1000")),
    **dict.fromkeys(("ream", "rm", "reams"), (_PIECE, "500")),
    **dict.fromkeys(("kg", "kgs", "kgm", "kilo", "kilos", "kilogram", "kilograms", "kilogramm"), (_MASS, "1000")),
    **dict.fromkeys(("g", "gr", "grm", "gram", "grams", "gramm", "gramme", "grammes", "gramo", "gramos"), (_MASS, "1")),
    **dict.fromkeys(("mg",), (_MASS, "0.001")),
    **dict.fromkeys(("t", "tne", "to", "ton", "tons", "tonne", "tonnes", "mt"), (_MASS, "1000000")),
    **dict.fromkeys(("lb", "lbs", "lbr", "pound", "pounds"), (_MASS, "453.59237")),
    **dict.fromkeys(("oz", "ounce", "ounces"), (_MASS, "28.349523125")),
    **dict.fromkeys(("m", "mtr", "mtrs", "meter", "meters", "metre", "metres", "metro", "metros"), (_LENGTH, "1")),
    **dict.fromkeys(("cm", "cmt"), (_LENGTH, "0.01")),
    **dict.fromkeys(("mm", "mmt"), (_LENGTH, "0.001")),
    **dict.fromkeys(("km", "kmt"), (_LENGTH, "1000")),
    **dict.fromkeys(("ft", "foot", "feet", "fot"), (_LENGTH, "0.3048")),
    **dict.fromkeys(("in", "inch", "inches", "inh"), (_LENGTH, "0.0254")),
    **dict.fromkeys(("yd", "yard", "yards", "yrd"), (_LENGTH, "0.9144")),
    **dict.fromkeys(("l", "lt", "ltr", "ltrs", "liter", "liters", "litre", "litres", "litro", "litros"),
                    (_VOLUME, "1")),
    **dict.fromkeys(("ml", "mlt"), (_VOLUME, "0.001")),
    **dict.fromkeys(("cl", "clt"), (_VOLUME, "0.01")),
    **dict.fromkeys(("gal", "gallon", "gallons", "gll"), (_VOLUME, "3.785411784")),
    **dict.fromkeys(("m3", "cbm", "mtq"), (_VOLUME, "1000")),
    **dict.fromkeys(("m2", "sqm", "mtk", "qm"), (_AREA, "1")),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden", "heure", "heures", "hora", "horas",
                     "uur", "hur"), (_TIME, "1")),
    **dict.fromkeys(("day", "days", "tag", "tage", "jour", "jours", "dia", "dias", "dag", "dagen"), (_TIME, "24")),
}  # fmt: skip
_PACKS = frozenset(
    [
        "box",
        "boxes",
        "bx",
        "pack",
        "packs",
        "pk",
        "pkt",
        "packet",
        "packets",
        "carton",
        "cartons",
        "ctn",
        "case",
        "cases",
        "cs",
        "crate",
        "tray",
        "set",
        "sets",
        "bag",
        "bags",
        "tin",
        "tins",
        "can",
        "cans",
        "roll",
        "rolls",
        "bottle",
        "bottles",
        "btl",
        "karton",
        "kartons",
        "packung",
        "paket",
        "boite",
        "carton",
        "caja",
        "cajas",
        "doos",
        "dozen_pack",
        "kiste",
        "sack",
        "beutel",
        "bundle",
        "bdl",
        "drum",
        "drums",
        "jar",
        "tube",
        "tubes",
        "pail",
    ]
)
_OF = re.compile(
    r"(?P<pack>[a-z]+)?\.?\s*(?:of|a|/|x|\(|de|mit|van|von)?\s*(?P<count>\d+(?:[.,]\d+)?)\s*"
    r"(?:x\s*(?P<inner>\d+(?:[.,]\d+)?)\s*)?(?P<unit>[a-z]+[23]?)?\.?\)?$"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """An amount of a kind in its base unit; a pack of unknown content has its own name as kind."""

    kind: str
    amount: Decimal


def parse_unit(text: str) -> Measure | None:
    """Returns what a unit text says, or None when it says nothing known."""
    cleaned = text.strip().lower().replace("\u00fc", "u").replace("\u00e8", "e").replace("\u00e9", "e")
    cleaned = cleaned.replace("\u00b2", "2").replace("\u00b3", "3").replace("\u00ee", "i").rstrip(".").strip()
    if not cleaned:
        return None
    if cleaned in _UNITS:
        kind, amount = _UNITS[cleaned]
        return Measure(kind, Decimal(amount))
    if cleaned in _PACKS:
        return Measure(f"pack:{cleaned}", Decimal(1))
    found = _OF.match(cleaned)
    if not found or (found["pack"] and found["pack"] not in _PACKS):
        return None
    count = Decimal(found["count"].replace(",", ".")) * Decimal((found["inner"] or "1").replace(",", "."))
    unit = _UNITS.get(found["unit"] or "pc")
    if unit is None or count <= 0:
        return None
    return Measure(unit[0], count * Decimal(unit[1]))


def conversion_factor(asked: str, sold: str) -> Decimal | None:
    """Returns how many units of sale one asked unit is: `dozen` of a row sold by `pcs` is 12.

    None when either is unknown or they are of different kinds (a box of unknown content against pieces); 1 when
    both sides say nothing or the same.
    """
    if asked.strip().lower() == sold.strip().lower():
        return Decimal(1)
    left, right = parse_unit(asked), parse_unit(sold)
    if left is None or right is None or left.kind != right.kind:
        return None
    factor = left.amount / right.amount
    return factor.quantize(Decimal("1.000000")).normalize() + 0
