"""Makes harsher pairs of catalogues: other trades, and the traps that real shops set.

Spare parts and cartridges that list the models they fit, bundles, refurbished copies, bare tools beside kits, one
model in many capacities or colours, model numbers that only the description tells, stores named noun first.
"""

import random
from dataclasses import dataclass, replace

from workers.documents.matching.catalogue import CatalogueRow, Line
from workers.documents.matching.synthetic.benchmark import Benchmark
from workers.documents.matching.synthetic.wares import Ware, coined, makers_wares, ships_stores

_SPARES = (
    "Battery for",
    "Carrying Case for",
    "AC Adapter for",
    "Replacement Blade Set for",
    "Remote Control for",
    "Lens Cap for",
    "Charger for",
    "Filter for",
    "Screen Protector for",
    "Lamp for",
    "Skin for",
    "Mount for",
)


@dataclass(frozen=True, slots=True)
class Traps:
    """How often each trap is set; each a chance between 0 and 1."""

    matched: float
    code_left: float = 0.85
    code_right: float = 0.75
    number_right: float = 0.12
    code_told: float = 0.25
    code_column: float = 0.0
    no_price: float = 0.4
    price_spread: float = 0.15
    refurbished: float = 0.02
    bundle: float = 0.03
    spare: float = 0.05
    spare_asked: float = 0.5
    listed_twice: float = 0.02
    no_description: float = 0.3
    lower: bool = False
    column_left: float = 0.0


def generate_harsh(*, seed: int, lines: int, rows: int, traps: Traps, stores: bool = False) -> Benchmark:
    """Returns two catalogues of about the given sizes; `stores` makes them ship's stores without makers."""
    chance = random.Random(seed)  # noqa: S311
    wares = ships_stores(chance, rows + lines) if stores else makers_wares(chance, rows + lines)
    matched = min(round(lines * traps.matched), rows)
    pool = wares[: rows + lines - matched]
    wanted = chance.sample(range(len(pool)), lines)
    common = set(wanted[:matched])
    listed = [number for number in range(len(pool)) if number in common or number not in set(wanted)]
    chance.shuffle(listed)
    benchmark = Benchmark(lines=[], rows=[], truth=set())
    ids: dict[int, list[str]] = {}
    asked: list[tuple[CatalogueRow, list[str]]] = []

    def add(row: CatalogueRow) -> str:
        row_id = f"B{len(benchmark.rows):05d}"
        benchmark.rows.append(replace(row, row_id=row_id))
        return row_id

    for number in listed:
        ware = pool[number]
        ids[number] = [add(_right(chance, ware, traps))]
        if chance.random() < traps.listed_twice:
            ids[number].append(add(_right(chance, ware, traps)))
        if not stores and chance.random() < traps.refurbished:
            other = _right(chance, replace(ware, price=round(ware.price * 0.7, 2)), traps)
            add(
                replace(
                    other,
                    name=chance.choice(
                        (
                            f"{other.name} (Refurbished)",
                            f"Refurbished {other.name}",
                            f"{other.name} - Factory Reconditioned",
                        )
                    ),
                )
            )
        if not stores and chance.random() < traps.bundle:
            other = _right(chance, replace(ware, price=round(ware.price * 1.25, 2)), traps)
            add(
                replace(
                    other,
                    name=other.name
                    + chance.choice(
                        (
                            " + 8GB Card + Case Bundle",
                            " Bundle with Extra Battery",
                            " Value Kit",
                            " & 2 Year Warranty",
                            " Accessory Kit Bundle",
                        )
                    ),
                )
            )
        if not stores and chance.random() < traps.spare:
            made_by, kind = chance.choice((ware.brand, coined(chance), "Generic")), chance.choice(_SPARES)
            spare = _spare(chance, ware, traps, made_by=made_by, kind=kind)
            spare_id = add(spare)
            if chance.random() < traps.spare_asked:
                asked.append((_spare(chance, ware, traps, made_by=made_by, kind=kind), [spare_id]))
    asked += [(_left(chance, pool[number], traps), ids[number] if number in common else []) for number in wanted]
    chance.shuffle(asked)
    for row, row_ids in asked:
        line_id = f"A{len(benchmark.lines):05d}"
        benchmark.lines.append(
            Line(line_id, row.name, description=row.description, brand=row.brand, codes=row.codes, price=row.price)
        )
        benchmark.truth.update((line_id, row_id) for row_id in row_ids)
    return benchmark


def _spelt(chance: random.Random, code: str) -> str:
    draw = chance.random()
    if draw < 0.45:
        return code
    if draw < 0.7:
        return code.replace("-", "").replace("/", "")
    if draw < 0.8:
        return code.replace("-", " ").replace("/", " ")
    if draw < 0.9 and "-" not in code:
        for place in range(1, len(code)):
            if code[place].isdigit() and code[place - 1].isalpha():
                return f"{code[:place]}-{code[place:]}"
    return code


def _left(chance: random.Random, ware: Ware, traps: Traps) -> CatalogueRow:
    if ware.trade == "stores":
        return _store_row(chance, ware, traps, share=traps.column_left)
    words = [ware.brand, ware.line if chance.random() < 0.85 else ""]
    extra = [
        ware.colour if chance.random() < (0.9 if ware.trade == "ink" else 0.5) else "",
        *[part for part in ware.variant if chance.random() < 0.7],
    ]
    chance.shuffle(extra)
    words += [*extra, chance.choice(ware.kinds[:2])]
    if ware.fits and chance.random() < 0.3:
        words.append("for " + " ".join(ware.fits[:2]))
    name = _joined(chance, words)
    told = [name, *chance.sample(ware.features, k=min(len(ware.features), 3))]
    code = ware.code or ware.number
    if chance.random() < traps.code_left:
        name += f" - {_spelt(chance, code).replace(' ', '')}"
    elif chance.random() < traps.code_told:
        told.append(f"Model {code}")
    if ware.colour and chance.random() < 0.7:
        told.append(f"{ware.colour} Color")
    told += [part for part in ware.variant if part and chance.random() < 0.6]
    codes = (_spelt(chance, code),) if chance.random() < traps.column_left else ()
    return CatalogueRow(
        "",
        name.lower() if traps.lower else name,
        description="/ ".join(told) if chance.random() > traps.no_description / 3 else "",
        codes=codes,
        brand=ware.brand if traps.column_left else "",
        price=_price(chance, ware, traps),
    )


def _right(chance: random.Random, ware: Ware, traps: Traps) -> CatalogueRow:
    if ware.trade == "stores":
        return _store_row(chance, ware, traps, share=traps.code_column)
    code = ""
    told_code = False
    draw = chance.random()
    if draw < traps.code_right:
        code = _spelt(chance, ware.code or ware.number)
        if chance.random() < 0.12:
            code += chance.choice(("-R", "/A", "US", "#ABA", "-1", "NA"))
    elif draw < traps.code_right + traps.number_right:
        code = ware.number
    else:
        told_code = chance.random() < traps.code_told
    kind = chance.choice(ware.kinds)
    extra = [part for part in ware.variant if chance.random() < 0.65] + [
        part for part in ware.features if chance.random() < 0.2
    ]
    colour = ware.colour if chance.random() < (0.9 if ware.trade == "ink" else 0.6) else ""
    line = ware.line if chance.random() < 0.75 else ""
    form = chance.random()
    if form < 0.35:
        words = [ware.brand, code, line, *extra, kind, f"({colour})" if colour else ""]
    elif form < 0.65:
        words = [ware.brand, line, code, kind, *extra, colour and f"- {colour}"]
    elif form < 0.85:
        words = [ware.brand, line, *extra, colour, kind, f"- {code}" if code else ""]
    else:
        words = [line, code, kind, "by", ware.brand, colour, *extra]
    if ware.fits and chance.random() < 0.5:
        words.append("for " + ", ".join(ware.fits))
    told: list[str] = []
    if chance.random() > traps.no_description:
        told = [*chance.sample(ware.features, k=min(len(ware.features), 3)), kind]
        told += [part for part in ware.variant if part and chance.random() < 0.5]
        if ware.colour and chance.random() < 0.5:
            told.append(ware.colour)
    if told_code:
        told.append(f"Model Number: {ware.code or ware.number}")
    codes: tuple[str, ...] = ()
    if chance.random() < traps.code_column:
        codes = (_spelt(chance, chance.choice((ware.code or ware.number, ware.code or ware.number, ware.number))),)
    name = _joined(chance, words)
    return CatalogueRow(
        "",
        name.lower() if traps.lower else name,
        description=", ".join(told),
        codes=codes,
        brand=ware.brand if chance.random() < 0.9 else "",
        price=_price(chance, ware, traps),
    )


def _spare(chance: random.Random, ware: Ware, traps: Traps, *, made_by: str, kind: str) -> CatalogueRow:
    code = _spelt(chance, ware.code or ware.number)
    bare = kind.removesuffix(" for")
    name = chance.choice(
        (
            f"{made_by} {kind} {ware.brand} {code} {ware.kinds[0]}",
            f"{bare} for {ware.brand} {code} by {made_by}",
            f"{ware.brand} {code} {bare}",
            f"{made_by} {bare} compatible with {ware.brand} {ware.line} {code}",
        )
    )
    return CatalogueRow(
        "",
        name.lower() if traps.lower else name,
        brand=made_by if chance.random() < 0.7 else "",
        price=round(chance.uniform(6, 60), 2) if chance.random() > traps.no_price else None,
    )


def _store_row(chance: random.Random, ware: Ware, traps: Traps, *, share: float) -> CatalogueRow:
    noun = ware.kinds[0]
    parts = [ware.line, *ware.variant, *ware.features]
    if chance.random() < 0.4:
        words = [f"{noun},", *parts, ware.brand]
    else:
        words = [ware.brand, ware.line, noun, *ware.variant, *ware.features]
    text = " ".join(word for word in words if word)
    if chance.random() < 0.5:
        text = text.title()
    if chance.random() < 0.4:
        text = text.replace("MM", " mm").replace("Mm", " mm")
    if chance.random() < 0.3:
        text = (
            text.replace("GALVANIZED", "GALV.")
            .replace("Galvanized", "Galv")
            .replace("STAINLESS", "S/S")
            .replace("Stainless", "SS")
        )
    kept = [
        word
        for place, word in enumerate(text.split())
        if place < 2 or any(s.isdigit() for s in word) or chance.random() > 0.1
    ]
    codes = (
        (ware.key if chance.random() < 0.7 else f"{ware.key[:2]} {ware.key[2:4]} {ware.key[4:]}",)
        if chance.random() < share
        else ()
    )
    return CatalogueRow("", " ".join(kept), codes=codes, price=_price(chance, ware, traps))


def _joined(chance: random.Random, words: list[str]) -> str:
    kept: list[str] = []
    for word in " ".join(word for word in words if word).split():
        coded = any(sign.isdigit() for sign in word)
        if kept and not coded and len(word) > 3 and chance.random() < 0.05:
            continue
        if not coded and len(word) > 5 and chance.random() < 0.015:
            place = chance.randrange(1, len(word))
            word = word[:place] + word[place + 1 :]
        kept.append(word)
    return " ".join(kept)


def _price(chance: random.Random, ware: Ware, traps: Traps) -> float | None:
    if chance.random() < traps.no_price:
        return None
    return (
        ware.price
        if chance.random() < 0.3
        else max(0.2, round(ware.price * chance.lognormvariate(0, traps.price_spread), 2))
    )
