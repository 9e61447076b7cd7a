"""Prints tables that other makers do not cover: currencies, taxes, origins, cartons, parts, pages carried forward."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

from reportlab.lib.pagesizes import A4, landscape

from tests.workers.documents.corpus.goods import CENT
from tests.workers.documents.corpus.paper import Paper
from tests.workers.documents.corpus.printed import Printed
from tests.workers.documents.corpus.purchases import Basket, Bought, basket

Family = Callable[[int], Printed]
Cell = tuple[float, str]


def begin(paper: Paper, bought: Basket, title: str) -> None:
    right = -paper.width + 40
    paper.put((40, "Halvorsen & Zoon BV"), (right, title), bold=True, points=13, down=18)
    paper.put((40, "Havenstraat 12, 3011 Rotterdam"), (right, "No. 2024-00317"))
    paper.put((40, f"{bought.speech.hello.rstrip(',:')}"), (right, "12-03-2024"))
    paper.skip(24)


def close(paper: Paper, bought: Basket, right: float) -> None:
    paper.skip(10)
    tax = (bought.sum / 5).quantize(CENT)
    for label, value in (
        (bought.speech.subtotal, bought.sum),
        (bought.speech.tax, tax),
        (bought.speech.total, bought.sum + tax),
    ):
        paper.put((right - 170, label), (-right, bought.plain(value)))
    paper.skip(24)
    paper.put((40, "IBAN NL91 ABNA 0417 1643 00 - BIC ABNANL2A"), points=7)


def printed(name: str, paper: Paper, bought: Basket, **fields: bool) -> Printed:
    return Printed(f"{name}.pdf", paper.done(), bought.truth(**fields))


def letter_spaced(seed: int) -> Printed:
    """Wide tracking between letters, in titles more than in lines."""
    bought, paper = basket(seed), Paper(font="Times-Roman", points=10)
    speech = bought.speech
    begin(paper, bought, "I N V O I C E")
    paper.canvas._charSpace = 0  # type: ignore[attr-defined]

    def spaced(x: float, text: str, tracking: float) -> None:
        width = paper.canvas.stringWidth(text, paper.font, paper.points) + tracking * (len(text) - 1)
        paper.canvas.setFont(paper.font, paper.points)
        paper.canvas.drawString(x if x >= 0 else -x - width, paper.y, text, charSpace=tracking)

    for x, text in ((40, speech.product), (-350, speech.quantity), (-440, speech.price), (-550, speech.amount)):
        spaced(x, text.upper(), 2.4)
    paper.skip(20)
    for ware in bought.wares:
        cells = (
            (40, ware.name),
            (-350, str(ware.count)),
            (-440, bought.plain(ware.price)),
            (-550, bought.plain(ware.amount)),
        )
        for x, text in cells:
            spaced(x, text, 1.0)
        paper.skip(16)
    close(paper, bought, 550)
    return printed("letter-spaced", paper, bought, price=True, total=True)


def by_columns(seed: int) -> Printed:
    """The file writes whole columns, the last first, so that only places tell rows."""
    bought, paper = basket(seed), Paper()
    speech = bought.speech
    begin(paper, bought, "ORDER")
    top = paper.y
    columns: tuple[tuple[float, str, list[str]], ...] = (
        (-550, speech.amount, [bought.money(ware.amount) for ware in bought.wares]),
        (-450, speech.price, [bought.money(ware.price) for ware in bought.wares]),
        (-350, speech.quantity, [str(ware.count) for ware in bought.wares]),
        (120, speech.product, [ware.name for ware in bought.wares]),
        (40, speech.number, [ware.code for ware in bought.wares]),
    )
    for x, title, texts in columns:
        paper.y = top
        for text in (title, *texts):
            paper.put((x, text), down=15)
    close(paper, bought, 550)
    return printed("by-columns", paper, bought, part=True, price=True, total=True)


def carried(seed: int) -> Printed:
    """Many wares over pages, the sum carried forward at each foot and brought forward at each head."""
    rng = random.Random(seed)
    few = basket(seed, least=4)
    wares = tuple(
        Bought(f"{ware.name} {letter}", rng.randint(1, 9), f"{rng.randint(1000, 9999)}-{letter}", ware.price)
        for letter in "ABCDEFGHIJ"
        for ware in few.wares
    )
    bought, paper = Basket(few.speech, wares, few.sign), Paper()
    speech = bought.speech
    forward = {
        "en": "Carried forward",
        "de": "Übertrag",
        "fr": "À reporter",
        "es": "Suma y sigue",
        "nl": "Transporteren",
    }
    right = (-370.0, -460.0, -550.0)

    def titles() -> None:
        paper.put(
            (40, speech.number),
            (120, speech.product),
            *zip(right, (speech.quantity, speech.price, speech.amount), strict=True),
            bold=True,
            down=17,
        )
        paper.rule()

    begin(paper, bought, "INVOICE")
    titles()
    running = Decimal(0)
    for ware in wares:
        if paper.y < 110:
            paper.put((300, forward[speech.code]), (-550, bought.plain(running)))
            paper.turn(200)
            titles()
            paper.put((300, forward[speech.code]), (-550, bought.plain(running)))
        figures = (str(ware.count), bought.plain(ware.price), bought.plain(ware.amount))
        paper.put((40, ware.code), (120, ware.name), *zip(right, figures, strict=True))
        running += ware.amount
    close(paper, bought, 550)
    return printed("carried", paper, bought, part=True, price=True, total=True)


def currencies(seed: int) -> Printed:
    """A currency in a column of its own after each amount, and units in one too."""
    bought, paper = basket(seed), Paper(points=8.5)
    speech = bought.speech
    begin(paper, bought, "PROFORMA INVOICE")
    paper.put(
        (40, "#"),
        (60, speech.product),
        (-330, speech.quantity),
        (345, "UoM"),
        (-430, speech.price),
        (-520, speech.amount),
        bold=True,
        down=17,
    )
    for index, ware in enumerate(bought.wares, start=1):
        paper.put(
            (40, f"{index}"), (60, ware.name), (-330, f"{ware.count}"), (345, speech.piece),
            (-430, bought.plain(ware.price)), (434, "EUR"), (-520, bought.plain(ware.amount)), (524, "EUR"),
        )  # fmt: skip
    close(paper, bought, 520)
    return printed("currencies", paper, bought, price=True, total=True)


def taxed(seed: int) -> Printed:
    """Net, rate, tax and gross of each line in columns, titles of two printed lines."""
    bought, paper = basket(seed), Paper(points=8)
    speech = bought.speech
    begin(paper, bought, "TAX INVOICE")
    paper.put((-300, speech.price), (-375, "Net"), (-425, "VAT"), (-485, "VAT"), (-552, "Gross"), bold=True, down=9)
    paper.put(
        (40, speech.product),
        (-240, speech.quantity),
        (-300, "(net)"),
        (-375, "amount"),
        (-425, "%"),
        (-485, "amount"),
        (-552, "amount"),
        bold=True,
        down=16,
    )
    for ware in bought.wares:
        tax = (ware.amount / 5).quantize(CENT)
        paper.put(
            (40, ware.name), (-240, str(ware.count)), (-300, bought.plain(ware.price)),
            (-375, bought.plain(ware.amount)), (-425, "20"), (-485, bought.plain(tax)),
            (-552, bought.plain(ware.amount + tax)),
        )  # fmt: skip
    close(paper, bought, 552)
    return printed("taxed", paper, bought, price=True, total=True)


def customs(seed: int) -> Printed:
    """A wide export invoice: tariff numbers, origin and weights among the figures, across the page."""
    rng = random.Random(seed)
    bought, paper = basket(seed), Paper(landscape(A4), points=8)
    begin(paper, bought, "COMMERCIAL INVOICE")
    edges = (40.0, 70.0, 150.0, 330.0, 400.0, -480.0, 490.0, -570.0, -650.0, -760.0)
    titles = (
        "Pos",
        "Material",
        "Description",
        "HS code",
        "Origin",
        "Qty",
        "Unit",
        "Net kg",
        "Unit price",
        "Total value",
    )
    paper.put(*zip(edges, titles, strict=True), bold=True, down=16)
    paper.rule()
    for index, ware in enumerate(bought.wares, start=1):
        texts = (
            f"{index:03d}", ware.code, ware.name, f"{rng.randint(10000000, 99999999)}", rng.choice(("DE", "NL", "CN")),
            str(ware.count), bought.speech.piece, bought.plain(Decimal(rng.randint(10, 900)) / 10),
            bought.plain(ware.price), bought.plain(ware.amount),
        )  # fmt: skip
        paper.put(*zip(edges, texts, strict=True))
    close(paper, bought, 760)
    return printed("customs", paper, bought, part=True, price=True, total=True)


def sections(seed: int) -> Printed:
    """A builder's quote: numbered parts with titles and sums, positions such as 1.2."""
    bought, paper = basket(seed, least=3), Paper()
    speech = bought.speech
    begin(paper, bought, "QUOTE")
    paper.put(
        (40, "N°"),
        (80, speech.product),
        (-360, speech.quantity),
        (375, "U"),
        (-460, speech.price),
        (-550, speech.amount),
        bold=True,
        down=17,
    )
    half = (len(bought.wares) + 1) // 2
    for part, wares in enumerate((bought.wares[:half], bought.wares[half:]), start=1):
        paper.put((40, f"{part}"), (80, ("Ground floor works", "Roof and facade")[part - 1]), bold=True, down=15)
        for index, ware in enumerate(wares, start=1):
            paper.put(
                (40, f"{part}.{index}"),
                (80, ware.name),
                (-360, bought.plain(Decimal(ware.count))),
                (375, "u"),
                (-460, bought.plain(ware.price)),
                (-550, bought.plain(ware.amount)),
            )
        paper.put(
            (300, f"{speech.subtotal} {part}"),
            (-550, bought.plain(sum((ware.amount for ware in wares), Decimal(0)))),
            down=20,
        )
    close(paper, bought, 550)
    return printed("sections", paper, bought, price=True, total=True)


def packed(seed: int) -> Printed:
    """A packing list: cartons, pieces, weights; no money at all."""
    rng = random.Random(seed)
    bought, paper = basket(seed), Paper()
    speech = bought.speech
    begin(paper, bought, "PACKING LIST")
    paper.put(
        (40, "Carton"),
        (95, speech.number),
        (190, speech.product),
        (-440, speech.quantity),
        (-500, "Net kg"),
        (-550, "Gross kg"),
        bold=True,
        down=17,
    )
    paper.rule()
    for index, ware in enumerate(bought.wares, start=1):
        weight = Decimal(rng.randint(5, 400)) / 10
        paper.put(
            (40, f"{index}/{len(bought.wares)}"),
            (95, ware.code),
            (190, ware.name),
            (-440, str(ware.count)),
            (-500, bought.plain(weight)),
            (-550, bought.plain(weight + 1)),
        )
    paper.skip(12)
    paper.put((190, "Total"), (-440, str(sum(ware.count for ware in bought.wares))), bold=True)
    paper.put((40, "Dimensions 120 x 80 x 95 cm - 1 pallet - marks: HALV 317"))
    return printed("packed", paper, bought, part=True)


FAMILIES: tuple[Family, ...] = (letter_spaced, by_columns, carried, currencies, taxed, customs, sections, packed)
