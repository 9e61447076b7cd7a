"""Makes families of near-identical models: next number, other letter, colour or size."""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass, replace

from workers.documents.matching.synthetic.trades import TRADES, Trade

_SERIES = (
    "Pro", "Elite", "Active", "Nova", "Titan", "Vista", "Delta", "Aura", "Quiet", "Signature", "Prestige", "Essential",
    "Ultra", "Studio", "Metro", "Wave", "Fusion", "Summit", "Orbit", "Classic", "Tango", "Cruze", "Ranger", "Pulse",
    "Vector", "Zenith", "Lumina", "Profile", "Heritage", "Access", "Reference", "Freedom", "Evolve", "Passport",
)  # fmt: skip
_SERIES_ENDS = ("", "", "", "II", "III", "2", "3", "5", "10", "20", "100", "500", "X", "XL", "HD")
_SYLLABLES = (
    "ac", "ou", "sti", "mass", "com", "pan", "ion", "ether", "fast", "pix", "ma", "power", "shot", "cy", "ber", "vid",
    "link", "wa", "ve", "book", "stream", "sky", "line", "core", "vo", "lta", "tri", "max", "nex", "us", "al", "pha",
    "dri", "ve", "star", "go", "soni", "que", "opti", "plex", "ru", "na", "lo", "gi", "tra", "ven", "ture",
)  # fmt: skip
_COLOUR_LETTERS = {
    "Black": "B", "White": "W", "Silver": "S", "Blue": "L", "Red": "R", "Pink": "P", "Stainless Steel": "SS",
    "Bisque": "Q", "Titanium": "T", "Cherry": "C", "Maple": "M", "Green": "G", "Brown": "N", "Gray": "G", "Cyan": "C",
    "Magenta": "M", "Yellow": "Y", "Tri-Color": "T",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """One thing as it is, before a shop names it."""

    brand: str
    trade: Trade
    prefix: str
    number: str
    suffix: str
    colour: str
    size: str
    series: str
    kinds: tuple[str, str]
    features: tuple[str, ...]
    price: float
    mpn: str
    coded: bool
    coloured_code: bool

    def code(self, *, hyphen: str) -> str:
        """Returns the model code with the given sign between letters and digits."""
        ending = self.suffix + (_COLOUR_LETTERS.get(self.colour, "") if self.coloured_code else "")
        return f"{self.prefix}{hyphen}{self.number}{ending}" if self.prefix else f"{self.number}{ending}"


def makers(chance: random.Random, *, count: int) -> list[tuple[str, list[Trade]]]:
    starts = [
        "Pan",
        "Son",
        "Can",
        "Mit",
        "Ken",
        "Bel",
        "Gar",
        "Lin",
        "Tos",
        "Sam",
        "Yam",
        "Den",
        "Phi",
        "Fri",
        "Whi",
        "Hai",
        "Lex",
        "Net",
        "Log",
        "Sen",
        "Bos",
        "Del",
        "Ace",
        "Vik",
        "Ola",
        "Bra",
        "Moto",
        "Tri",
        "Nik",
        "Sha",
    ]
    ends = [
        "sonic",
        "ra",
        "on",
        "tec",
        "wood",
        "kin",
        "min",
        "syd",
        "hiba",
        "tron",
        "aha",
        "nor",
        "lips",
        "gid",
        "pool",
        "er",
        "mark",
        "gear",
        "tech",
        "heis",
        "co",
        "max",
        "well",
        "ton",
        "ley",
        "rola",
        "plite",
        "or",
        "p",
    ]
    names: set[str] = set()
    while len(names) < count:
        names.add(
            chance.choice(starts) + chance.choice(ends) + chance.choice(("", "", "", " USA", "ix", "a", "o", "e"))
        )
    makers = []
    for name in sorted(names):
        makers.append((name, chance.sample(TRADES, chance.choice((1, 2, 3, 5, 8)))))
    return makers


def family(chance: random.Random, makers: list[tuple[str, list[Trade]]]) -> list[Product]:
    """Returns one to eight models that differ by a digit, a letter, a colour or a size."""
    brand, trades = chance.choice(makers)
    trade = chance.choice(trades)
    letters = "".join(chance.choice(string.ascii_uppercase) for _ in range(chance.choice((1, 2, 2, 3, 3, 4))))
    digits = chance.choice((2, 3, 3, 3, 4, 4))
    first = chance.randrange(10 ** (digits - 1), 10**digits)
    kind = chance.choice(trade.names)
    first_product = Product(
        brand=brand, trade=trade, prefix=letters, number=str(first),
        suffix=chance.choice(("", "", "", "H", "S", "X", "U", "EK", "DA", "GT", "P1")),
        colour=chance.choice(trade.colours), size=chance.choice(trade.sizes),
        series=_series(chance) if trade.series or chance.random() < 0.15 else "",
        kinds=(kind, chance.choice((kind, kind, *trade.names))),
        features=tuple(chance.sample(trade.features, k=min(len(trade.features), chance.choice((2, 3, 4, 5))))),
        price=round(chance.uniform(*trade.prices)) - 0.01,
        mpn=_mpn(chance), coded=not trade.series or chance.random() < 0.55,
        coloured_code=chance.random() < 0.8,
    )  # fmt: skip
    family = [first_product]
    for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2, 3, 4))):
        family.append(_sibling(chance, chance.choice(family)))
    unique = {(one.code(hyphen=""), one.colour, one.size, one.series): one for one in family}
    return list(unique.values())


def _sibling(chance: random.Random, of: Product) -> Product:
    mpn = _mpn(chance) if chance.random() < 0.5 else _next_code(chance, of.mpn)
    price = round(of.price * chance.choice((1, 1, 0.8, 1.15, 1.3, 1.6)), 2)
    kind = chance.random()
    if kind < 0.35 and len(of.trade.colours) > 1:
        colour = chance.choice([colour for colour in of.trade.colours if colour != of.colour])
        return replace(of, colour=colour, mpn=mpn, price=of.price if chance.random() < 0.7 else price)
    if kind < 0.6 and len(of.trade.sizes) > 1:
        size = chance.choice([size for size in of.trade.sizes if size != of.size])
        return replace(of, size=size, number=_next_code(chance, of.number), mpn=mpn, price=price)
    if kind < 0.7:
        return replace(of, suffix=chance.choice("ABCDEHKLSX"), mpn=mpn, price=price)
    series = of.series
    if series and not of.coded:
        series = _series(chance)
    return replace(of, number=_next_code(chance, of.number), mpn=mpn, price=price, series=series,
                   features=tuple(chance.sample(of.trade.features, k=len(of.features))))  # fmt: skip


def _series(chance: random.Random) -> str:
    """Returns a name of a series: a common word, or one coined for this series alone."""
    coined = "".join(chance.choice(_SYLLABLES) for _ in range(chance.choice((2, 2, 3)))).capitalize()
    return f"{chance.choice((chance.choice(_SERIES), coined))} {chance.choice(_SERIES_ENDS)}".strip()


def _next_code(chance: random.Random, code: str) -> str:
    places = [place for place, letter in enumerate(code) if letter.isdigit() and (place or letter != "0")]
    place = chance.choice(places[-2:])
    digit = chance.choice([digit for digit in "123456789" if digit != code[place]])
    return code[:place] + digit + code[place + 1 :]


def _mpn(chance: random.Random) -> str:
    pattern = chance.choice(("99999", "9999A999", "999-99999-99", "A9A-99999", "AAA9999", "999999-999", "A9999A"))
    signs: dict[str, Callable[[], str]] = {
        "9": lambda: chance.choice(string.digits),
        "A": lambda: chance.choice(string.ascii_uppercase),
    }
    return "".join(signs[sign]() if sign in signs else sign for sign in pattern).replace("00", "10")
