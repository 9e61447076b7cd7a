"""Prints lines without the usual grid: in boxes, behind leaders, under their names, in letters, on a hotel's bill."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal

from tests.workers.documents.corpus.goods import CENT
from tests.workers.documents.corpus.paper import Paper
from tests.workers.documents.corpus.printed import Printed
from tests.workers.documents.corpus.purchases import Basket, Bought, basket
from tests.workers.documents.corpus.strangers import begin, close, printed

Family = Callable[[int], Printed]


def boxes(seed: int) -> Printed:
    """Each ware in a box: its name on top, labelled figures side by side below."""
    bought, paper = basket(seed), Paper()
    speech = bought.speech
    begin(paper, bought, "ORDER")
    for ware in bought.wares:
        if paper.turn(140):
            paper.skip(10)
        paper.canvas.rect(36, paper.y - 20, paper.width - 72, 34)
        paper.put((42, ware.name), bold=True)
        figures = (
            (speech.number, ware.code),
            (speech.quantity, str(ware.count)),
            (speech.price, bought.money(ware.price)),
            (speech.amount, bought.money(ware.amount)),
        )
        paper.put(*((42.0 + 130 * place, f"{label}: {text}") for place, (label, text) in enumerate(figures)), down=32)
    close(paper, bought, 550)
    return printed("boxes", paper, bought, part=True, price=True, total=True)


def leaders(seed: int) -> Printed:
    """Dots lead from the name to the count and on to the money; a typewriter's list."""
    bought, paper = basket(seed), Paper(font="Courier", points=9)
    speech = bought.speech
    begin(paper, bought, "OFFER")
    paper.put((40, f"{speech.product:<52}{speech.quantity:>9}{speech.price:>12}{speech.amount:>14}"), down=16)
    for ware in bought.wares:
        name = ware.name + " " + "." * (50 - len(ware.name))
        paper.put(
            (
                40,
                f"{name:<52}{ware.count:>5} {speech.piece[:3]:<3}"
                f"{bought.plain(ware.price):>12}{bought.plain(ware.amount):>14}",
            )
        )
    close(paper, bought, 520)
    return printed("leaders", paper, bought, price=True, total=True)


def named_above(seed: int) -> Printed:
    """The name across the page, its figures on the next line below their titles."""
    bought, paper = basket(seed), Paper()
    speech = bought.speech
    begin(paper, bought, "DELIVERY ORDER")
    paper.put(
        (40, speech.number), (-300, speech.quantity), (-420, speech.price), (-550, speech.amount), bold=True, down=18
    )
    paper.rule()
    for ware in bought.wares:
        paper.put((40, ware.name), down=12)
        paper.put(
            (40, ware.code),
            (-300, str(ware.count)),
            (-420, bought.plain(ware.price)),
            (-550, bought.plain(ware.amount)),
            down=20,
        )
    close(paper, bought, 550)
    return printed("named-above", paper, bought, part=True, price=True, total=True)


def glued(seed: int) -> Printed:
    """Units glued to counts and signs to amounts, titles far left of their columns."""
    bought, paper = basket(seed), Paper(points=10)
    speech = bought.speech
    begin(paper, bought, "INVOICE")
    paper.put(
        (40, speech.quantity), (110, speech.product), (380, speech.price), (470, speech.total), bold=True, down=18
    )
    for ware in bought.wares:
        paper.put(
            (40, f"{ware.count}{speech.piece}"),
            (110, ware.name),
            (380, f"{bought.sign}{bought.plain(ware.price)}"),
            (470, f"{bought.sign}{bought.plain(ware.amount)}"),
            down=16,
        )
    close(paper, bought, 530)
    return printed("glued", paper, bought, price=True, total=True)


def shaded(seed: int) -> Printed:
    """White titles on a dark bar, every other row shaded, names wrapped within a narrow column, cells centred."""
    bought, paper = basket(seed), Paper(points=9)
    speech = bought.speech
    begin(paper, bought, "Invoice")
    paper.canvas.setFillGray(0.2)
    paper.canvas.rect(36, paper.y - 6, paper.width - 72, 20, stroke=0, fill=1)
    paper.canvas.setFillGray(1)
    paper.put(
        (42, speech.product), (-330, speech.quantity), (-430, speech.price), (-550, speech.amount), bold=True, down=22
    )
    for index, ware in enumerate(bought.wares):
        words = ware.name.split()
        lines = [" ".join(words[:3]), " ".join(words[3:])] if len(words) > 3 else [ware.name]
        if index % 2:
            paper.canvas.setFillGray(0.92)
            paper.canvas.rect(
                36, paper.y - 6 - 12 * (len(lines) - 1), paper.width - 72, 18 + 12 * (len(lines) - 1), stroke=0, fill=1
            )
        paper.canvas.setFillGray(0)
        middle = paper.y - 6 * (len(lines) - 1)
        for line in lines:
            paper.put((42, line), down=12)
        below, paper.y = paper.y, middle
        paper.put((-330, str(ware.count)), (-430, bought.money(ware.price)), (-550, bought.money(ware.amount)))
        paper.y = below - 8
    close(paper, bought, 550)
    return printed("shaded", paper, bought, price=True, total=True)


def discounted(seed: int) -> Printed:
    """List price, two discounts, net price and amount."""
    rng = random.Random(seed)
    bought, paper = basket(seed), Paper(points=8)
    speech = bought.speech
    begin(paper, bought, "ORDER CONFIRMATION")
    paper.put(
        (40, speech.number),
        (110, speech.product),
        (-330, speech.quantity),
        (-390, "List"),
        (-425, "D1 %"),
        (-460, "D2 %"),
        (-510, "Net"),
        (-556, speech.amount),
        bold=True,
        down=16,
    )
    for ware in bought.wares:
        first, second = rng.choice((10, 20)), rng.choice((0, 5))
        full = (ware.price / (Decimal(100 - first) / 100) / (Decimal(100 - second) / 100)).quantize(CENT)
        paper.put(
            (40, ware.code),
            (110, ware.name),
            (-330, str(ware.count)),
            (-390, bought.plain(full)),
            (-425, str(first)),
            (-460, str(second)),
            (-510, bought.plain(ware.price)),
            (-556, bought.plain(ware.amount)),
        )
    close(paper, bought, 556)
    return printed("discounted", paper, bought, part=True, total=True)


def credited(seed: int) -> Printed:
    """A credit note whose amounts carry their minus behind."""
    bought, paper = basket(seed), Paper()
    speech = bought.speech
    begin(paper, bought, "CREDIT NOTE")
    paper.put(
        (40, speech.number),
        (130, speech.product),
        (-380, speech.quantity),
        (-465, speech.price),
        (-550, speech.amount),
        bold=True,
        down=17,
    )
    for ware in bought.wares:
        paper.put(
            (40, ware.code),
            (130, ware.name),
            (-380, f"{ware.count}"),
            (-465, bought.plain(ware.price)),
            (-550, f"{bought.plain(ware.amount)}-"),
        )
    paper.skip(10)
    paper.put((360, speech.total), (-550, f"{bought.plain(bought.sum)}-"), bold=True)
    return printed("credited", paper, bought, part=True, price=True)


def typed(seed: int) -> Printed:
    """A letter that lists wares without titles: "je 3,50" and an amount at the right margin."""
    bought, paper = basket(seed), Paper(font="Times-Roman", points=11)
    speech = bought.speech
    begin(paper, bought, "")
    paper.put((60, speech.please), down=22)
    for ware in bought.wares:
        paper.put(
            (60, f"{ware.count}"),
            (90, speech.piece),
            (130, ware.name),
            (-430, f"@ {bought.plain(ware.price)}"),
            (-535, bought.money(ware.amount)),
            down=17,
        )
    paper.put((60, speech.total), (-535, bought.money(bought.sum)), bold=True, down=24)
    paper.put((60, speech.bye))
    return printed("typed", paper, bought, price=True, total=True)


def folio(seed: int) -> Printed:
    """A hotel's bill: dates, texts, amounts; a payment below that is no line."""
    bought, paper = basket(seed), Paper()
    wares = tuple(Bought(ware.name, 1, ware.code, ware.price) for ware in bought.wares)
    bought = Basket(bought.speech, wares, bought.sign)
    begin(paper, bought, "INVOICE")
    paper.put((40, "Date"), (110, "Description"), (-550, "Amount"), bold=True, down=17)
    for index, ware in enumerate(wares):
        paper.put((40, f"{index + 10}.03.2024"), (110, ware.name), (-550, bought.plain(ware.price)))
    close(paper, bought, 550)
    lines = tuple(type(line)(line.description, line_total=line.line_total) for line in bought.truth(total=True))
    return Printed("folio.pdf", paper.done(), lines)


def spoken(seed: int) -> Printed:
    """Papers of prose, accounts and forms that order nothing."""
    paper = Paper(font="Times-Roman", points=11)
    bought = basket(seed, least=3)
    begin(paper, bought, ("STATEMENT", "CERTIFICATE", "CONTRACT", "APPLICATION")[seed % 4])
    if seed % 4 == 0:
        paper.put((40, "Date"), (120, "Description"), (-380, "Debit"), (-460, "Credit"), (-550, "Balance"), bold=True)
        for index, ware in enumerate(bought.wares):
            paper.put(
                (40, f"{index + 1:02d}.03.2024"),
                (120, f"Invoice {ware.code}"),
                (-380, bought.plain(ware.amount)),
                (-550, bought.plain(ware.amount)),
            )
        return Printed("spoken.pdf", paper.done(), ())
    texts: Sequence[str] = (
        (
            "We certify that the goods delivered on 12.03.2024 conform to EN 10204-3.1.",
            "Heat 4711, yield 355 MPa, tensile 510 MPa, elongation 22 %",
            "Sample 1    354    512    22.1",
            "Sample 2    358    509    21.8",
        ),
        (
            "1. The tenant pays a monthly rent of 1.250,00 EUR.",
            "2. A deposit of 3 months' rent, 3.750,00 EUR, is due on 1 April 2024.",
            "3. Notice is 3 months to the end of a quarter.",
            "4. Operating costs: 2 x 120,00 EUR = 240,00 EUR a year are paid in advance.",
        ),
        (
            "Name: Ann Miller",
            "Born: 12.03.1990",
            "Experience: 8 years",
            "Languages: 3",
            "Salary: 58.000 EUR",
            "Start: 1 May 2024",
        ),
    )[seed % 4 - 1]
    for text in texts:
        paper.put((40, text), down=18)
    return Printed("spoken.pdf", paper.done(), ())


def defined(seed: int) -> Printed:
    """Each ware by its name and, below it, titles and what they say in two columns."""
    bought, paper = basket(seed), Paper()
    speech = bought.speech
    begin(paper, bought, "ORDER")
    for ware in bought.wares:
        paper.turn(160)
        paper.put((50, ware.name), bold=True, down=18)
        said = (
            (speech.number, ware.code),
            (speech.quantity, f"{ware.count} {speech.piece}"),
            (speech.price, bought.money(ware.price)),
            (speech.amount, bought.money(ware.amount)),
        )
        for label, text in said:
            paper.put((50, label), (140, text))
        paper.skip(12)
    close(paper, bought, 550)
    return printed("defined", paper, bought, part=True, unit=speech.piece, price=True, total=True)


FAMILIES: tuple[Family, ...] = (
    boxes, leaders, named_above, glued, shaded, discounted, credited, typed, folio, defined, spoken,
)  # fmt: skip
