"""Prints papers without the usual table: no titles, receipts, statements, letters, forms; each a function of a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

from reportlab.lib.pagesizes import LETTER

from tests.workers.documents.corpus.goods import DUTCH, ENGLISH, FRENCH, GERMAN, SPANISH, goods
from tests.workers.documents.corpus.paper import Paper, end, head, truth_of
from tests.workers.documents.corpus.printed import Printed, shown
from tests.workers.documents.corpus.scorer import TruthLine

Style = Callable[[random.Random], Printed]


def untitled(rng: random.Random) -> Printed:
    """No titles over the columns."""
    paper = Paper()
    wording = rng.choice((GERMAN, ENGLISH, DUTCH))
    head(paper, wording.document["invoice"], rng)
    lines = goods(rng, wording, rng.choice((2, 4, 7)))
    for line in lines:
        paper.put(
            (40, line.description),
            (-340, shown(line.quantity, wording, places=0 if line.quantity == int(line.quantity) else 2)),
            (350, line.unit),
            (-450, shown(line.unit_price, wording)),
            (-552, shown(line.line_total, wording)),
        )
        for detail in line.wrapped:
            paper.put((40, detail))
    end(paper, lines, wording, 552)
    return Printed("untitled", paper.done(), truth_of(lines, unit=False, part=False))


def receipt(rng: random.Random) -> Printed:
    """A till receipt: narrow, no titles, quantities of two or more on a line of their own."""
    paper = Paper((226, 600), font="Courier", points=8)
    wording = rng.choice((ENGLISH, GERMAN, SPANISH))
    paper.put((60, "NORDLICHT MARKT"), bold=True)
    paper.put((60, "Kai 7 Hamburg"))
    paper.put((40, "Tel. 040 1234567"), down=24)
    names = rng.sample(wording.products, rng.choice((2, 4, 6)))
    truth, total = [], Decimal(0)
    for name in names:
        quantity, price = Decimal(rng.choice((1, 1, 2, 3))), Decimal(rng.randint(99, 2999)) / 100
        name = name[:24]
        paper.put((12, name), (-214, f"{shown(quantity * price, wording)} A"), down=11)
        if quantity > 1:
            paper.put((24, f"{quantity} x {shown(price, wording)}"), down=11)
        total += quantity * price
        truth.append(TruthLine(name, quantity if quantity > 1 else None, None, None, None, quantity * price))
    paper.put((12, "-" * 40), down=11)
    paper.put((12, wording.total.upper()), (-214, shown(total, wording)), bold=True)
    paper.put((12, "Visa"), (-214, shown(total, wording)))
    paper.put((12, wording.tax), (-214, shown(total / 6, wording)))
    paper.put((12, "04.03.2024 14:22  #0042"))
    return Printed("receipt", paper.done(), tuple(truth))


def lump_sums(rng: random.Random) -> Printed:
    """Services with an amount each and nothing to count."""
    paper = Paper()
    wording = rng.choice((ENGLISH, GERMAN, FRENCH))
    head(paper, wording.document["invoice"], rng)
    lines = goods(rng, wording, rng.choice((1, 3)))
    paper.put((40, wording.titles["description"][0]), (-552, wording.titles["total"][0]), bold=True, down=18)
    paper.rule()
    for line in lines:
        paper.put((40, line.description), (-552, shown(line.line_total, wording)))
        for detail in line.wrapped:
            paper.put((40, detail))
        paper.skip(5)
    end(paper, lines, wording, 552)
    return Printed("lump_sums", paper.done(), truth_of(lines, unit=False, part=False, price=False, quantity=False))


def delivered_remaining(rng: random.Random) -> Printed:
    """A delivery note with ordered, delivered and remaining."""
    paper = Paper()
    head(paper, "Lieferschein", rng)
    lines = goods(rng, GERMAN, rng.choice((2, 6)))
    paper.put(
        (40, "Pos."),
        (75, "Artikelnummer"),
        (170, "Bezeichnung"),
        (-410, "Bestellt"),
        (-480, "Geliefert"),
        (-540, "Rest"),
        bold=True,
        down=18,
    )
    for index, line in enumerate(lines):
        quantity = f"{shown(line.quantity, GERMAN, places=0 if line.quantity == int(line.quantity) else 2)} {line.unit}"
        paper.put(
            (40, str(index + 1)),
            (75, line.part_number),
            (170, line.description),
            (-410, quantity),
            (-480, quantity),
            (-540, "0"),
        )
    paper.skip(40)
    paper.put((40, "Ware erhalten: ______________________  Datum / Unterschrift"))
    paper.put((40, "Gesamtgewicht 123,4 kg"))
    return Printed(
        "delivered_remaining",
        paper.done(),
        tuple(TruthLine(line.description, line.quantity, None, line.part_number) for line in lines),
    )


def statement(rng: random.Random) -> Printed:
    """A statement of account: invoices and balances, no line of goods."""
    paper = Paper()
    head(paper, "Statement of account", rng)
    paper.put(
        (40, "Date"),
        (110, "Document"),
        (220, "Due"),
        (-400, "Debit"),
        (-470, "Credit"),
        (-552, "Balance"),
        bold=True,
        down=18,
    )
    balance = Decimal(0)
    for index in range(6):
        amount = Decimal(rng.randint(1000, 90000)) / 100
        balance += amount
        paper.put(
            (40, f"{index + 3:02d}.03.2024"),
            (110, f"RE-{rng.randint(1000, 9999)}"),
            (220, f"{index + 3:02d}.04.2024"),
            (-400, shown(amount, ENGLISH)),
            (-552, shown(balance, ENGLISH)),
        )
    paper.skip(20)
    paper.put((300, "Balance due"), (-552, shown(balance, ENGLISH)), bold=True)
    return Printed("statement", paper.done(), ())


def letter(rng: random.Random) -> Printed:
    """A letter without any line of goods."""
    paper = Paper()
    head(paper, "Kündigung" if rng.random() < 0.5 else "Reminder", rng)
    for text in (
        *GERMAN.letter,
        "Unsere Rechnung 4711 vom 02.02.2024 über 1.234,50 EUR ist noch offen.",
        "Bitte überweisen Sie 1.234,50 EUR bis zum 15.04.2024.",
        "Mahngebühr 5,00 EUR",
        "Mit freundlichen Grüßen",
        "Nordlicht Maritime Supply",
    ):
        paper.put((40, text), down=16)
    for text in GERMAN.footer:
        paper.put((40, text), points=8)
    return Printed("letter", paper.done(), ())


def boxed_form(rng: random.Random) -> Printed:
    """A form whose grid has more rows than goods, sums inside the grid."""
    paper = Paper(points=9)
    wording = rng.choice((ENGLISH, FRENCH, DUTCH))
    head(paper, wording.document["order"], rng)
    lines = goods(rng, wording, rng.choice((2, 4)))
    xs = [40, 75, 150, 330, 385, 425, 490, 555]
    keys = ("position", "part", "description", "quantity", "unit", "price", "total")
    rows = [[wording.titles[key][0] for key in keys]]
    rows += [
        [
            str(index + 1),
            line.part_number,
            line.description,
            shown(line.quantity, wording),
            line.unit,
            shown(line.unit_price, wording),
            shown(line.line_total, wording),
        ]
        for index, line in enumerate(lines)
    ]
    rows += [[str(len(lines) + index + 1), "", "", "", "", "", ""] for index in range(3)]
    net = sum((line.line_total for line in lines), Decimal(0))
    rows += [
        ["", "", "", "", "", wording.subtotal, shown(net, wording)],
        ["", "", "", "", "", wording.tax, shown(net / 5, wording)],
        ["", "", "", "", "", wording.total, shown(net * 6 / 5, wording)],
    ]
    for row in rows:
        for x0, x1, text in zip(xs, xs[1:], row, strict=False):
            paper.canvas.rect(x0, paper.y - 5, x1 - x0, 18)
            if x0 >= 385 and text and text[0].isdigit():
                paper.put((-(x1 - 3), text), down=0)
            else:
                paper.put((x0 + 3, text), down=0, points=8)
        paper.y -= 18
    paper.skip(30)
    for text in wording.footer:
        paper.put((40, text))
    return Printed("boxed_form", paper.done(), truth_of(lines))


def vessel_requisition(rng: random.Random) -> Printed:
    """A ship's requisition: IMPA codes, remaining on board, remarks; nothing priced."""
    paper = Paper(LETTER)
    head(paper, "REQUISITION MV NORDLICHT", rng)
    lines = goods(rng, ENGLISH, rng.choice((4, 12, 25)))

    def titles() -> None:
        paper.put(
            (40, "No"),
            (65, "IMPA"),
            (115, "Description"),
            (-380, "Qty"),
            (390, "Unit"),
            (-460, "ROB"),
            (470, "Remarks"),
            bold=True,
            down=18,
        )

    titles()
    truth = []
    for index, line in enumerate(lines):
        if paper.turn():
            titles()
        code = str(rng.randint(110000, 871999))
        paper.put(
            (40, str(index + 1)),
            (65, code),
            (115, line.description),
            (-380, shown(line.quantity, ENGLISH, places=0 if line.quantity == int(line.quantity) else 2)),
            (390, line.unit),
            (-460, str(rng.randint(0, 9))),
            (470, rng.choice(("", "urgent", "for deck"))),
        )
        truth.append(TruthLine(line.description, line.quantity, line.unit, code))
    paper.skip(30)
    paper.put((40, "Master ____________"), (300, "Chief Engineer ____________"))
    return Printed("vessel_requisition", paper.done(), tuple(truth))


STYLES: tuple[Style, ...] = (
    untitled, receipt, lump_sums, delivered_remaining, statement, letter, boxed_form, vessel_requisition,
)  # fmt: skip
