"""Makes pairs of product catalogues with a known truth: two shops that name the same goods in their own way.

Accessories that name another product's code, dropped and foreign codes, abbreviations, typing errors, missing
prices. Seeded, so repeatable.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from workers.documents.matching.catalogue import CatalogueRow, Line
from workers.documents.matching.synthetic.benchmark import Benchmark
from workers.documents.matching.synthetic.products import Product, family, makers

_MARKETING = (
    "New", "Factory Sealed", "with Remote", "Retail", "OEM", "Home", "Series", "Premium", "Deluxe", "Professional",
    "Compatible", "with Free Shipping", "Kit", "Black Friday", "System", "by", "Bundle", "High Performance", "Digital",
)  # fmt: skip
_SHORT = {
    "Black": ("Blk", "BK"), "White": ("Wht", "WH"), "Silver": ("Slv", "Silv"), "Stainless Steel": ("SS", "Stainless"),
    "Professional": ("Pro",), "Refrigerator": ("Refrig", "Fridge"), "Television": ("TV",), "Cartridge": ("Cart", "Ctg"),
    "Wireless": ("Wrls",), "Microwave": ("Micro",), "System": ("Sys",), "Receiver": ("Rcvr",), "Camera": ("Cam",),
    "Headphones": ("Headphone",), "Speakers": ("Spkrs", "Speaker"), "Portable": ("Port",), "External": ("Ext",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Habits:
    """How untidy a pair of shops is; each a chance between 0 and 1."""

    matched: float
    no_code: float = 0.06
    other_code: float = 0.08
    code_column: float = 0.0
    typo: float = 0.02
    drop_word: float = 0.06
    no_price: float = 0.5
    price_spread: float = 0.12
    no_description: float = 0.35
    accessory: float = 0.03
    listed_twice: float = 0.01
    style: str = "shop"


def generate(*, seed: int, lines: int, rows: int, habits: Habits) -> Benchmark:
    """Returns two catalogues of the given sizes whose common share is `habits.matched` of the lines."""
    chance = random.Random(seed)  # noqa: S311
    brands = makers(chance, count=max(12, rows // 25))
    matched = min(round(lines * habits.matched), rows)
    products: list[Product] = []
    while len(products) < rows + lines:
        products.extend(family(chance, brands))
    # Whole families stay together, so that siblings of a line are in the catalogue.
    head = products[: rows + lines - matched]
    numbers = list(range(len(head)))
    wanted = set(chance.sample(numbers, lines))
    common = set(chance.sample(sorted(wanted), matched))
    line_writer = _WRITERS["abt" if habits.style == "shop" else "market"]
    row_writer = _WRITERS["buy" if habits.style == "shop" else "market"]
    benchmark = Benchmark(lines=[], rows=[], truth=set())
    listed: list[tuple[int, Product]] = [
        (number, head[number]) for number in numbers if number in common or number not in wanted
    ]
    chance.shuffle(listed)
    row_ids: dict[int, str] = {}
    for number, product in listed[:]:
        row_id = str(10_000 + len(benchmark.rows))
        row_ids.setdefault(number, row_id)
        written = row_writer(chance, product, habits)
        benchmark.rows.append(replace(written, row_id=row_id))
        if chance.random() < habits.listed_twice:
            again = row_writer(chance, product, habits)
            benchmark.rows.append(replace(again, row_id=str(10_000 + len(benchmark.rows))))
        if chance.random() < habits.accessory:
            extra = _accessory(chance, product, habits)
            benchmark.rows.append(replace(extra, row_id=str(10_000 + len(benchmark.rows))))
    asked = sorted(wanted)
    chance.shuffle(asked)
    for number in asked:
        line_id = str(len(benchmark.lines))
        written = line_writer(chance, head[number], habits)
        benchmark.lines.append(
            Line(line_id=line_id, name=written.name, description=written.description, brand=written.brand,
                 codes=written.codes, price=written.price)
        )  # fmt: skip
        if number in common:
            benchmark.truth.add((line_id, row_ids[number]))
    return benchmark


def _abt(chance: random.Random, product: Product, habits: Habits) -> CatalogueRow:
    colour = product.colour if chance.random() < 0.55 else ""
    size = product.size if chance.random() < 0.7 else ""
    series = product.series if product.coded is False or chance.random() < 0.8 else ""
    words = [product.brand, *chance.sample([colour, size, series], k=3), product.kinds[0]]
    code = product.code(hyphen="") if product.coded or chance.random() < 0.6 else product.mpn.replace("-", "")
    name = " ".join(_untidy(chance, words, habits))
    if chance.random() > habits.no_code * 0.3:
        name += f" - {code}"
    told = [name, *product.features]
    if product.colour and chance.random() < 0.8:
        told.append(f"{product.colour} Finish")
    if chance.random() < 0.2:
        told.append(f"Model {chance.choice((product.mpn, product.code(hyphen='-')))}")
    description = "/ ".join(told)
    return CatalogueRow("", name, description=description, price=_price(chance, product, habits))


def _buy(chance: random.Random, product: Product, habits: Habits) -> CatalogueRow:
    code = product.code(hyphen=chance.choice(("-", "-", "", " ")))
    kind = product.kinds[1]
    draw = chance.random()
    kind = product.kinds[0] if draw < habits.no_code + habits.other_code and chance.random() < 0.6 else kind
    size = product.size if chance.random() < 0.5 else ""
    colour = product.colour if chance.random() < 0.45 else ""
    if draw < habits.no_code:
        words = [product.brand, product.series, size, kind, colour]
    elif draw < habits.no_code + habits.other_code or not product.coded:
        words = [product.brand, product.series, size, kind, "-", product.mpn if chance.random() < 0.7 else code]
    elif chance.random() < 0.5:
        words = [
            product.brand,
            product.series if chance.random() < 0.6 else "",
            code,
            size,
            kind,
            colour and f"- {colour}",
        ]
    else:
        words = [product.brand, product.series, size, kind, colour, "-", product.code(hyphen=chance.choice(("", "-")))]
    description = ""
    if chance.random() > habits.no_description:
        told = list(product.features[: chance.choice((1, 2, 3))])
        if product.colour and chance.random() < 0.6:
            told.append(f"- {product.colour}")
        if chance.random() < 0.12:
            told.append(product.code(hyphen=chance.choice(("", "-"))))
        description = f"{product.size} {', '.join(told)}".strip()
    brand = product.brand if chance.random() < 0.95 else ""
    name = " ".join(_untidy(chance, words, habits))
    return CatalogueRow("", name, description=description, brand=brand, price=_price(chance, product, habits))


def _market(chance: random.Random, product: Product, habits: Habits) -> CatalogueRow:
    code = product.code(hyphen=chance.choice(("-", "", "", " ")))
    own = code if product.coded else product.mpn
    words = [product.brand]
    if chance.random() > habits.no_code + 0.25:
        words.append(own)
    words += [product.series, product.size if chance.random() < 0.7 else "", product.kinds[chance.randrange(2)]]
    words += chance.sample(product.features, k=min(len(product.features), chance.choice((0, 1, 2, 3))))
    if product.colour and chance.random() < 0.7:
        words.append(chance.choice((f"({product.colour})", product.colour)))
    if chance.random() < 0.3:
        words.insert(chance.randrange(1, len(words)), chance.choice(_MARKETING))
    codes: tuple[str, ...] = ()
    if chance.random() < habits.code_column:
        stated = product.mpn if chance.random() < habits.other_code else own
        codes = (
            stated.replace("-", "") if chance.random() < 0.3 else stated + chance.choice(("", "", "", "#140", "-R")),
        )
    name = " ".join(_untidy(chance, words, habits)).lower()
    brand = product.brand.lower() if chance.random() < 0.9 else ""
    return CatalogueRow("", name, description=product.trade.names[0].lower(), brand=brand, codes=codes,
                        price=_price(chance, product, habits))  # fmt: skip


def _accessory(chance: random.Random, product: Product, habits: Habits) -> CatalogueRow:
    kind = chance.choice(("Case for", "Battery for", "Remote Control for", "Charger for", "Replacement Filter for",
                          "Screen Protector for", "Stand for", "AC Adapter for"))  # fmt: skip
    maker = chance.choice((product.brand, "Generic", "Accessory Source", "Duracell"))
    name = f"{maker} {kind} {product.brand} {product.code(hyphen=chance.choice(('-', '')))} {product.kinds[0]}"
    price = round(chance.uniform(6, 60), 2) if chance.random() > habits.no_price else None
    return CatalogueRow("", name.lower() if habits.style == "market" else name, brand=maker, price=price)


_WRITERS: dict[str, Callable[[random.Random, Product, Habits], CatalogueRow]] = {
    "abt": _abt,
    "buy": _buy,
    "market": _market,
}


def _untidy(chance: random.Random, words: list[str], habits: Habits) -> list[str]:
    kept = []
    for place, word in enumerate(" ".join(word for word in words if word).split()):
        coded = any(letter.isdigit() for letter in word)
        if place and not coded and word != "-" and chance.random() < habits.drop_word:
            continue
        short = _SHORT.get(word)
        if short and chance.random() < 0.08:
            word = chance.choice(short)
        if not coded and len(word) > 5 and chance.random() < habits.typo:
            place_of_error = chance.randrange(1, len(word))
            word = word[:place_of_error] + word[place_of_error + 1 :]
        kept.append(word)
    return kept


def _price(chance: random.Random, product: Product, habits: Habits) -> float | None:
    if chance.random() < habits.no_price:
        return None
    if chance.random() < 0.3:
        return product.price
    return max(1.0, round(product.price * chance.lognormvariate(0, habits.price_spread), 2))
