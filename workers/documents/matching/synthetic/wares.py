"""Makes goods of other trades with their traps: cartridges and the models they fit, kits, sizes, ship's stores."""

import random
import string
from dataclasses import dataclass

from workers.documents.matching.synthetic.ware_kinds import (
    COLOURED,
    COLOURS,
    HEADS,
    LETTER,
    LINES,
    STORES,
    TAILS,
    TRADES,
)


@dataclass(frozen=True, slots=True)
class Ware:
    """One thing that is sold; `variant` tells it from its siblings, `fits` names other wares' codes."""

    trade: str
    brand: str
    line: str
    kinds: tuple[str, ...]
    code: str
    number: str
    variant: tuple[str, ...]
    colour: str
    features: tuple[str, ...]
    fits: tuple[str, ...]
    price: float
    key: str = ""


def coined(chance: random.Random) -> str:
    return chance.choice(HEADS) + chance.choice(TAILS)


def makers_wares(chance: random.Random, count: int) -> list[Ware]:
    makers = [
        (
            coined(chance) + chance.choice(("", "", "", " " + chance.choice(("Industries", "Home", "Tools", "Co")))),
            chance.sample(list(TRADES), chance.choice((1, 2, 4, 6))),
        )
        for _ in range(max(10, count // 40))
    ]
    wares: list[Ware] = []
    while len(wares) < count:
        brand, trades = chance.choice(makers)
        if chance.random() < 0.12 and wares:
            wares.extend(_cartridges(chance, brand, wares))
        elif chance.random() < 0.08:
            wares.extend(_cables(chance, brand))
        else:
            wares.extend(_models(chance, brand, chance.choice(trades)))
    return wares


def _pattern(chance: random.Random, pattern: str) -> str:
    return "".join(
        chance.choice(string.digits[1:])
        if sign == "9"
        else chance.choice("ABCDEFGHKLMNPRSTVWX")
        if sign == "A"
        else sign
        for sign in pattern
    )


def _models(chance: random.Random, brand: str, trade: str) -> list[Ware]:
    names, groups, features, prices = TRADES[trade]
    line = chance.choice(LINES) if chance.random() < 0.5 else ""
    if line and chance.random() < 0.3:
        line += chance.choice((" II", " 3", " Plus", " XL", " Pro", " 500"))
    style = chance.choice(
        (
            "AA-A999",
            "AAA-999",
            "AA999",
            "A999",
            "9999-99",
            "AAA99AA",
            "A-999",
            "AA9999A",
            "999",
            "AA-9999",
            "AAAA999",
            "99A999",
        )
    )
    stem = _pattern(chance, style)
    named_by_line = bool(line) and chance.random() < 0.25
    base = round(chance.uniform(*prices)) - 0.01
    found: dict[tuple[str, ...], Ware] = {}
    used: set[str] = set()
    for place in range(chance.choice((1, 1, 1, 2, 2, 3, 4, 6))):
        code = stem
        if place and chance.random() < 0.5:
            code = stem = _bump(chance, stem)
        variant = tuple(chance.choice(group) for group in groups)
        colour = chance.choice(COLOURS) if trade in COLOURED else ""
        ending = ""
        if colour and chance.random() < 0.75:
            ending += LETTER[colour][: chance.choice((1, 2))]
        if "Kit" in variant or "with 18-55mm Lens" in variant:
            ending += "K"
        full = code + (chance.choice(("", "", "-", "/")) if ending else "") + ending
        if full in used and chance.random() < 0.85:
            code = stem = _bump(chance, stem)
            full = code + ending
        used.add(full)
        ware = Ware(
            trade,
            brand,
            line,
            names,
            "" if named_by_line else full,
            _pattern(chance, chance.choice(("99999", "AA999AA", "999999999", "9999A999AA", "A9A99AA"))),
            variant,
            colour,
            tuple(chance.sample(features, k=min(len(features), chance.choice((1, 2, 3, 4))))),
            (),
            round(base * chance.choice((1, 1, 1.1, 0.85, 1.35)), 2),
        )
        found[(code, *variant, colour)] = ware
    return list(found.values())


def _bump(chance: random.Random, code: str) -> str:
    places = [place for place, sign in enumerate(code) if sign.isdigit()]
    place = chance.choice(places[-2:])
    return code[:place] + chance.choice([d for d in "123456789" if d != code[place]]) + code[place + 1 :]


def _cartridges(chance: random.Random, brand: str, wares: list[Ware]) -> list[Ware]:
    number = chance.choice(
        (_pattern(chance, "99"), _pattern(chance, "999"), _pattern(chance, "A999"), _pattern(chance, "AA-99"))
    )
    fits = tuple(ware.code for ware in chance.sample(wares, min(len(wares), 3)) if ware.code)
    kinds = ("Ink Cartridge", "Inkjet Cartridge", "Ink Tank", "Print Cartridge")
    made = []
    for colour in chance.sample(
        ("Black", "Cyan", "Magenta", "Yellow", "Tri-Color", "Light Cyan"), chance.choice((1, 2, 4))
    ):
        for yields in chance.sample(("", "XL"), chance.choice((1, 1, 2))):
            made.append(
                Ware(
                    "ink",
                    brand,
                    "",
                    kinds,
                    f"{number}{yields}",
                    _pattern(chance, "A9999AA"),
                    ("High Yield" if yields else "",),
                    colour,
                    ("350 Pages", "OEM"),
                    fits,
                    round(chance.uniform(9, 60), 2),
                )
            )
    return made


def _cables(chance: random.Random, brand: str) -> list[Ware]:
    kinds = chance.choice(
        (
            ("HDMI Cable", "HDMI A/V Cable", "Digital A/V Cable"),
            ("USB A/B Cable", "USB Device Cable", "USB Printer Cable"),
            ("CAT6 Patch Cable", "Snagless Network Cable", "Ethernet Cable"),
            ("Extension Cord", "Power Extension", "Heavy Duty Cord"),
        )
    )
    features = chance.sample(("Gold Plated", "Shielded", "Male to Male", "24K", "Molded", "Blue"), 2)
    stem = _pattern(chance, chance.choice(("A9A999", "AAA-9999", "99999", "AA999")))
    return [
        Ware(
            "cable",
            brand,
            "",
            kinds,
            f"{stem}-{length}" if chance.random() < 0.6 else _bump(chance, stem),
            _pattern(chance, "99999"),
            (f"{length} ft",),
            "",
            tuple(features),
            (),
            round(5 + length * chance.uniform(0.4, 1.5), 2),
        )
        for length in chance.sample((3, 6, 7, 10, 14, 25, 50), chance.choice((1, 2, 3)))
    ]


def ships_stores(chance: random.Random, count: int) -> list[Ware]:
    found: dict[tuple[str, ...], Ware] = {}
    while len(found) < count:
        noun, sorts, sizes, ends, prices = chance.choice(STORES)
        maker = chance.choice(("", "", coined(chance).upper()))
        own = (
            chance.choice(sorts),
            chance.choice(sizes),
            chance.choice(ends),
            maker,
            chance.choice(("", "", "TYPE A", "TYPE B", "HEAVY DUTY", "MARINE GRADE")),
        )
        found.setdefault(
            (noun, *own),
            Ware(
                "stores",
                maker,
                own[0],
                (noun,),
                "",
                "",
                (own[1], own[2]),
                "",
                (own[4],),
                (),
                round(chance.uniform(*prices), 2),
                _pattern(chance, "999999"),
            ),
        )
        if len(found) >= len(STORES) * 40 * (count // 400 + 1):
            break
    listed = list(found.values())
    chance.shuffle(listed)
    return listed
