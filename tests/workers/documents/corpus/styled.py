"""Prints documents in the manner of well-known kinds of software, each a function of a seed."""

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


def erp_two_line(rng: random.Random) -> Printed:
    """Position, material and figures on one line, the text on the next ones, conditions below."""
    paper = Paper(font=rng.choice(("Courier", "Helvetica")))
    wording = rng.choice((ENGLISH, GERMAN))
    german = wording is GERMAN
    head(paper, wording.document["order"], rng)
    lines = goods(rng, wording, rng.choice((2, 4, 9)))
    if german:
        paper.put(
            (40, "Pos."),
            (80, "Material"),
            (-300, "Bestellmenge"),
            (310, "Einheit"),
            (-460, "Preis pro Einheit"),
            (-550, "Nettowert"),
        )
        paper.put((80, "Bezeichnung"))
    else:
        paper.put(
            (40, "Item"),
            (80, "Material"),
            (-300, "Order qty."),
            (310, "Unit"),
            (-460, "Price per unit"),
            (-550, "Net value"),
        )
        paper.put((80, "Description"))
    paper.rule()
    paper.skip(8)
    for index, line in enumerate(lines):
        paper.turn(160)
        paper.put(
            (40, f"{(index + 1) * 10:05d}"),
            (80, line.part_number),
            (-300, shown(line.quantity, wording)),
            (310, line.unit),
            (-460, shown(line.unit_price, wording)),
            (-550, shown(line.line_total, wording)),
        )
        paper.put((80, line.description))
        for detail in line.wrapped:
            paper.put((80, detail))
        if rng.random() < 0.5:
            paper.put((80, "Delivery date: 12.05.2024" if not german else "Liefertermin: 12.05.2024"))
        paper.skip(6)
    end(paper, lines, wording, 550)
    return Printed("erp_two_line", paper.done(), truth_of(lines))


def shipped_backordered(rng: random.Random) -> Printed:
    """Three quantities first: ordered, shipped, back ordered; no rules at all."""
    paper = Paper(LETTER, font=rng.choice(("Times-Roman", "Helvetica", "Courier")))
    head(paper, "INVOICE", rng)
    lines = goods(rng, ENGLISH, rng.choice((2, 5, 12)))
    paper.put(
        (45, "Ordered"),
        (90, "Shipped"),
        (138, "B/O"),
        (170, "Item No."),
        (245, "Description"),
        (-500, "Unit Price"),
        (-572, "Extension"),
        bold=True,
        down=18,
    )
    for line in lines:
        paper.turn()
        quantity = shown(line.quantity, ENGLISH, places=0 if line.quantity == int(line.quantity) else 2)
        paper.put(
            (-75, quantity),
            (-118, quantity),
            (-155, "0"),
            (170, line.part_number),
            (245, line.description),
            (-500, shown(line.unit_price, ENGLISH)),
            (-572, shown(line.line_total, ENGLISH)),
        )
        for detail in line.wrapped:
            paper.put((245, detail))
    end(paper, lines, ENGLISH, 572)
    return Printed("shipped_backordered", paper.done(), truth_of(lines, unit=False))


def shop(rng: random.Random) -> Printed:
    """A web shop's invoice: product, quantity and one price; the code in small print below the name."""
    paper = Paper()
    head(paper, "Invoice", rng)
    lines = goods(rng, ENGLISH, rng.choice((1, 2, 5)))
    paper.put((45, "Product"), (360, "Quantity"), (470, "Price"), bold=True, down=18)
    for line in lines:
        paper.put(
            (45, line.description),
            (360, shown(line.quantity, ENGLISH, places=0 if line.quantity == int(line.quantity) else 2)),
            (470, f"${shown(line.line_total, ENGLISH)}"),
            down=10,
        )
        paper.put((45, f"SKU: {line.part_number}"), points=7, down=9)
        paper.put((45, "Weight: 1.2kg"), points=7, down=16)
    end(paper, lines, ENGLISH, 510)
    return Printed("shop", paper.done(), truth_of(lines, unit=False, details=False, price=False, total=False))


def subscription(rng: random.Random) -> Printed:
    """A software subscription: a period under each description, the currency before each amount."""
    paper = Paper(LETTER)
    head(paper, "Invoice", rng)
    lines = goods(rng, ENGLISH, rng.choice((1, 2, 4)))
    paper.put((45, "Description"), (-370, "Qty"), (-460, "Unit price"), (-570, "Amount"), points=8, down=18)
    paper.rule()
    for line in lines:
        paper.put(
            (45, line.description),
            (-370, shown(line.quantity, ENGLISH, places=0 if line.quantity == int(line.quantity) else 2)),
            (-460, f"${shown(line.unit_price, ENGLISH)}"),
            (-570, f"${shown(line.line_total, ENGLISH)}"),
            down=12,
        )
        paper.put((45, "Jan 1 - Feb 1, 2024"), points=8, down=22)
    end(paper, lines, ENGLISH, 570)
    return Printed("subscription", paper.done(), truth_of(lines, unit=False, details=False, part=False))


def marketplace(rng: random.Random) -> Printed:
    """Prices without and with tax side by side, titles of three lines, an ASIN below."""
    paper = Paper(points=8)
    head(paper, "Rechnung", rng)
    lines = goods(rng, GERMAN, rng.choice((1, 2, 3)))
    paper.put((-390, "Stückpreis"), (-470, "Stückpreis"), (-552, "Zwischensumme"), down=10)
    paper.put(
        (45, "Beschreibung"),
        (-330, "Menge"),
        (-390, "(ohne USt.)"),
        (-425, "USt. %"),
        (-470, "(inkl. USt.)"),
        (-552, "(inkl. USt.)"),
        down=16,
    )
    paper.rule()
    for line in lines:
        gross = (line.unit_price * Decimal("1.19")).quantize(Decimal("0.01"))
        paper.put(
            (45, line.description),
            (-330, shown(line.quantity, GERMAN, places=0 if line.quantity == int(line.quantity) else 2)),
            (-390, f"{shown(line.unit_price, GERMAN)} €"),
            (-425, "19%"),
            (-470, f"{shown(gross, GERMAN)} €"),
            (-552, f"{shown(gross * line.quantity, GERMAN)} €"),
            down=10,
        )
        paper.put((45, f"ASIN: B0{rng.randint(10**7, 10**8 - 1)}"), down=16)
    end(paper, lines, GERMAN, 552)
    return Printed(
        "marketplace", paper.done(), truth_of(lines, unit=False, details=False, part=False, price=False, total=False)
    )


def craftsman(rng: random.Random) -> Printed:
    """Numbered titles and positions 1.1, 1.2; quantity and unit before the text; sums per title."""
    paper = Paper(font="Times-Roman", points=10)
    head(paper, rng.choice(("Angebot", "Rechnung")), rng)
    lines = goods(rng, GERMAN, 6)
    paper.put(
        (40, "Pos."),
        (85, "Menge"),
        (130, "Einheit"),
        (185, "Bezeichnung"),
        (-480, "EP €"),
        (-552, "GP €"),
        bold=True,
        down=18,
    )
    paper.rule()
    for title in (1, 2):
        paper.put(
            (40, f"{title}"),
            (185, f"Titel {title}: Bauabschnitt Nord" if title == 1 else "Titel 2: Nebenarbeiten"),
            bold=True,
            down=16,
        )
        block = lines[(title - 1) * 3 : title * 3]
        for index, line in enumerate(block):
            paper.put(
                (40, f"{title}.{index + 1}"),
                (-115, shown(line.quantity, GERMAN)),
                (130, line.unit),
                (185, line.description),
                (-480, shown(line.unit_price, GERMAN)),
                (-552, shown(line.line_total, GERMAN)),
            )
            for detail in line.wrapped:
                paper.put((185, detail))
            paper.skip(4)
        paper.put(
            (185, f"Summe Titel {title}"),
            (-552, shown(sum((line.line_total for line in block), Decimal(0)), GERMAN)),
            bold=True,
            down=18,
        )
    end(paper, lines, GERMAN, 552)
    return Printed("craftsman", paper.done(), truth_of(lines, part=False))


def bilingual(rng: random.Random) -> Printed:
    """Titles in two languages, one above the other or parted by a slash."""
    paper = Paper()
    head(paper, "Rechnung / Invoice", rng)
    lines = goods(rng, GERMAN, rng.choice((2, 6)))
    if rng.random() < 0.5:
        paper.put(
            (40, "Pos."),
            (75, "Artikel-Nr."),
            (160, "Bezeichnung"),
            (-390, "Menge"),
            (-470, "Einzelpreis"),
            (-552, "Betrag"),
            down=11,
        )
        paper.put(
            (40, "Item"),
            (75, "Part no."),
            (160, "Description"),
            (-390, "Quantity"),
            (-470, "Unit price"),
            (-552, "Amount"),
            down=16,
        )
    else:
        paper.put(
            (40, "Pos."),
            (75, "Art.-Nr./Part no."),
            (160, "Bezeichnung/Description"),
            (-390, "Menge/Qty"),
            (-470, "Preis/Price"),
            (-552, "Betrag/Amount"),
            down=16,
        )
    paper.rule()
    for index, line in enumerate(lines):
        paper.put(
            (40, str(index + 1)),
            (75, line.part_number),
            (160, line.description),
            (-390, f"{shown(line.quantity, GERMAN)} {line.unit}"),
            (-470, shown(line.unit_price, GERMAN)),
            (-552, shown(line.line_total, GERMAN)),
        )
        for detail in line.wrapped:
            paper.put((160, detail))
    end(paper, lines, GERMAN, 552)
    return Printed("bilingual", paper.done(), truth_of(lines))


def per_hundred(rng: random.Random) -> Printed:
    """Prices per hundred in a column of their own."""
    paper = Paper()
    head(paper, "Auftragsbestätigung", rng)
    lines = goods(rng, GERMAN, rng.choice((2, 5)))
    paper.put(
        (40, "Pos"),
        (70, "Artikel"),
        (160, "Bezeichnung"),
        (-350, "Menge"),
        (360, "ME"),
        (-440, "Preis"),
        (-470, "PE"),
        (-552, "Gesamt"),
        bold=True,
        down=18,
    )
    truth = []
    for index, line in enumerate(lines):
        total = (line.quantity * line.unit_price / 100).quantize(Decimal("0.01"))
        paper.put(
            (40, str(index + 1)),
            (70, line.part_number),
            (160, line.description),
            (-350, shown(line.quantity, GERMAN)),
            (360, line.unit),
            (-440, shown(line.unit_price, GERMAN)),
            (-470, "100"),
            (-552, shown(total, GERMAN)),
        )
        truth.append(TruthLine(line.description, line.quantity, line.unit, line.part_number, None, total))
    end(paper, lines, GERMAN, 552)
    return Printed("per_hundred", paper.done(), tuple(truth))


def numbers_on_next_line(rng: random.Random) -> Printed:
    """The description on a line of its own, quantity, price and total below it."""
    paper = Paper()
    wording = rng.choice((FRENCH, SPANISH, ENGLISH))
    head(paper, wording.document["invoice"], rng)
    lines = goods(rng, wording, rng.choice((2, 5)))
    titles = {key: wording.titles[key][0] for key in ("description", "quantity", "price", "total")}
    paper.put(
        (40, titles["description"]),
        (-380, titles["quantity"]),
        (-460, titles["price"]),
        (-552, titles["total"]),
        bold=True,
        down=18,
    )
    for line in lines:
        paper.put((40, line.description))
        paper.put(
            (40, f"  {line.part_number}"),
            (-380, shown(line.quantity, wording)),
            (-460, shown(line.unit_price, wording)),
            (-552, shown(line.line_total, wording)),
            down=20,
        )
    end(paper, lines, wording, 552)
    return Printed(
        "numbers_on_next_line",
        paper.done(),
        tuple(
            TruthLine(
                f"{line.description} {line.part_number}", line.quantity, None, None, line.unit_price, line.line_total
            )
            for line in lines
        ),
    )


def timesheet(rng: random.Random) -> Printed:
    """Services by date, with hours and a rate."""
    paper = Paper(LETTER)
    wording = rng.choice((ENGLISH, DUTCH))
    head(paper, wording.document["invoice"], rng)
    lines = goods(rng, wording, rng.choice((3, 8)))
    names = (
        ("Date", "Description", "Hours", "Rate", "Amount")
        if wording is ENGLISH
        else ("Datum", "Omschrijving", "Uren", "Tarief", "Bedrag")
    )
    paper.put((40, names[0]), (110, names[1]), (-400, names[2]), (-480, names[3]), (-572, names[4]), bold=True, down=18)
    for index, line in enumerate(lines):
        paper.put(
            (40, f"{index + 3:02d}-03-2024"),
            (110, line.description),
            (-400, shown(line.quantity, wording)),
            (-480, shown(line.unit_price, wording)),
            (-572, shown(line.line_total, wording)),
        )
    end(paper, lines, wording, 572)
    return Printed(
        "timesheet",
        paper.done(),
        tuple(
            TruthLine(line.description, line.quantity, None, None, line.unit_price, line.line_total) for line in lines
        ),
    )


STYLES: tuple[Style, ...] = (
    erp_two_line, shipped_backordered, shop, subscription, marketplace, craftsman, bilingual, per_hundred,
    numbers_on_next_line, timesheet,
)  # fmt: skip
