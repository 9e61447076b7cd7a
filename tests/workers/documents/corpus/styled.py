"""Prints documents in the manner of well-known kinds of software, each a function of a seed."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from decimal import Decimal

from reportlab.lib.pagesizes import A4, LETTER
from reportlab.pdfgen.canvas import Canvas

from tests.workers.documents.corpus.goods import DUTCH, ENGLISH, FRENCH, GERMAN, SPANISH, GoodsLine, Wording, goods
from tests.workers.documents.corpus.printed import Printed, shown
from tests.workers.documents.corpus.scorer import TruthLine

Style = Callable[[random.Random], Printed]


class Paper:
    """A page written top to bottom; `put` places texts at given x, right-aligned where x is negative."""

    def __init__(self, size: tuple[float, float] = A4, font: str = "Helvetica", points: float = 9) -> None:
        self.buffer = io.BytesIO()
        self.width, self.height = size
        self.canvas = Canvas(self.buffer, pagesize=size, invariant=True)
        self.font, self.points = font, points
        self.y = self.height - 50

    def put(self, *cells: tuple[float, str], bold: bool = False, down: float = 13, points: float | None = None) -> None:
        face = {"Helvetica": "Helvetica-Bold", "Courier": "Courier-Bold", "Times-Roman": "Times-Bold"}[self.font]
        self.canvas.setFont(face if bold else self.font, points or self.points)
        for x, text in cells:
            if x < 0:
                self.canvas.drawRightString(-x, self.y, text)
            else:
                self.canvas.drawString(x, self.y, text)
        self.y -= down

    def rule(self, x0: float = 40, x1: float | None = None) -> None:
        self.canvas.line(x0, self.y + 9, x1 or self.width - 40, self.y + 9)

    def skip(self, points: float) -> None:
        self.y -= points

    def turn(self, margin: float = 120) -> bool:
        if self.y > margin:
            return False
        self.canvas.showPage()
        self.y = self.height - 60
        return True

    def done(self) -> bytes:
        self.canvas.showPage()
        self.canvas.save()
        return self.buffer.getvalue()


def _head(paper: Paper, title: str, rng: random.Random) -> None:
    paper.put((40, "Nordlicht Maritime Supply"), (-paper.width + 40, title), bold=True, points=14, down=20)
    paper.put((40, "Kai 7, 20457 Hamburg"), (-paper.width + 40, f"{rng.randint(10**6, 10**7)} / 12.03.2024"))
    paper.put((40, "Customer 10045"), (-paper.width + 40, "Your ref.: 4500012345 of 01.03.2024"))
    paper.skip(30)


def _end(paper: Paper, lines: list[GoodsLine], wording: Wording, right: float) -> None:
    net = sum((line.line_total for line in lines), Decimal(0))
    paper.skip(8)
    for label, value in ((wording.subtotal, net), (wording.tax, net / 5), (wording.total, net * 6 / 5)):
        paper.put((right - 190, label), (-right, shown(value, wording)))
    paper.skip(20)
    for line in wording.footer:
        paper.put((40, line), points=8, down=11)


def _truth(
    lines: list[GoodsLine],
    *,
    unit: bool = True,
    part: bool = True,
    price: bool = True,
    total: bool = True,
    quantity: bool = True,
    details: bool = True,
) -> tuple[TruthLine, ...]:
    return tuple(
        TruthLine(
            " ".join((line.description, *(line.wrapped if details else ()))),
            line.quantity if quantity else None,
            line.unit if unit else None,
            line.part_number if part else None,
            line.unit_price if price else None,
            line.line_total if total else None,
        )
        for line in lines
    )


def erp_two_line(rng: random.Random) -> Printed:
    """Position, material and figures on one line, the text on the next ones, conditions below."""
    paper = Paper(font=rng.choice(("Courier", "Helvetica")))
    wording = rng.choice((ENGLISH, GERMAN))
    german = wording is GERMAN
    _head(paper, wording.document["order"], rng)
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
    _end(paper, lines, wording, 550)
    return Printed("erp_two_line", paper.done(), _truth(lines))


def shipped_backordered(rng: random.Random) -> Printed:
    """Three quantities first: ordered, shipped, back ordered; no rules at all."""
    paper = Paper(LETTER, font=rng.choice(("Times-Roman", "Helvetica", "Courier")))
    _head(paper, "INVOICE", rng)
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
    _end(paper, lines, ENGLISH, 572)
    return Printed("shipped_backordered", paper.done(), _truth(lines, unit=False))


def shop(rng: random.Random) -> Printed:
    """A web shop's invoice: product, quantity and one price; the code in small print below the name."""
    paper = Paper()
    _head(paper, "Invoice", rng)
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
    _end(paper, lines, ENGLISH, 510)
    return Printed("shop", paper.done(), _truth(lines, unit=False, details=False, price=False, total=False))


def subscription(rng: random.Random) -> Printed:
    """A software subscription: a period under each description, the currency before each amount."""
    paper = Paper(LETTER)
    _head(paper, "Invoice", rng)
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
    _end(paper, lines, ENGLISH, 570)
    return Printed("subscription", paper.done(), _truth(lines, unit=False, details=False, part=False))


def marketplace(rng: random.Random) -> Printed:
    """Prices without and with tax side by side, titles of three lines, an ASIN below."""
    paper = Paper(points=8)
    _head(paper, "Rechnung", rng)
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
    _end(paper, lines, GERMAN, 552)
    return Printed(
        "marketplace", paper.done(), _truth(lines, unit=False, details=False, part=False, price=False, total=False)
    )


def craftsman(rng: random.Random) -> Printed:
    """Numbered titles and positions 1.1, 1.2; quantity and unit before the text; sums per title."""
    paper = Paper(font="Times-Roman", points=10)
    _head(paper, rng.choice(("Angebot", "Rechnung")), rng)
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
    _end(paper, lines, GERMAN, 552)
    return Printed("craftsman", paper.done(), _truth(lines, part=False))


def bilingual(rng: random.Random) -> Printed:
    """Titles in two languages, one above the other or parted by a slash."""
    paper = Paper()
    _head(paper, "Rechnung / Invoice", rng)
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
    _end(paper, lines, GERMAN, 552)
    return Printed("bilingual", paper.done(), _truth(lines))


def per_hundred(rng: random.Random) -> Printed:
    """Prices per hundred in a column of their own."""
    paper = Paper()
    _head(paper, "Auftragsbestätigung", rng)
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
    _end(paper, lines, GERMAN, 552)
    return Printed("per_hundred", paper.done(), tuple(truth))


def numbers_on_next_line(rng: random.Random) -> Printed:
    """The description on a line of its own, quantity, price and total below it."""
    paper = Paper()
    wording = rng.choice((FRENCH, SPANISH, ENGLISH))
    _head(paper, wording.document["invoice"], rng)
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
    _end(paper, lines, wording, 552)
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
    _head(paper, wording.document["invoice"], rng)
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
    _end(paper, lines, wording, 572)
    return Printed(
        "timesheet",
        paper.done(),
        tuple(
            TruthLine(line.description, line.quantity, None, None, line.unit_price, line.line_total) for line in lines
        ),
    )


def untitled(rng: random.Random) -> Printed:
    """No titles over the columns."""
    paper = Paper()
    wording = rng.choice((GERMAN, ENGLISH, DUTCH))
    _head(paper, wording.document["invoice"], rng)
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
    _end(paper, lines, wording, 552)
    return Printed("untitled", paper.done(), _truth(lines, unit=False, part=False))


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
    _head(paper, wording.document["invoice"], rng)
    lines = goods(rng, wording, rng.choice((1, 3)))
    paper.put((40, wording.titles["description"][0]), (-552, wording.titles["total"][0]), bold=True, down=18)
    paper.rule()
    for line in lines:
        paper.put((40, line.description), (-552, shown(line.line_total, wording)))
        for detail in line.wrapped:
            paper.put((40, detail))
        paper.skip(5)
    _end(paper, lines, wording, 552)
    return Printed("lump_sums", paper.done(), _truth(lines, unit=False, part=False, price=False, quantity=False))


def delivered_remaining(rng: random.Random) -> Printed:
    """A delivery note with ordered, delivered and remaining."""
    paper = Paper()
    _head(paper, "Lieferschein", rng)
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
    _head(paper, "Statement of account", rng)
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
    _head(paper, "Kündigung" if rng.random() < 0.5 else "Reminder", rng)
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
    _head(paper, wording.document["order"], rng)
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
    return Printed("boxed_form", paper.done(), _truth(lines))


def vessel_requisition(rng: random.Random) -> Printed:
    """A ship's requisition: IMPA codes, remaining on board, remarks; nothing priced."""
    paper = Paper(LETTER)
    _head(paper, "REQUISITION MV NORDLICHT", rng)
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
    erp_two_line,
    shipped_backordered,
    shop,
    subscription,
    marketplace,
    craftsman,
    bilingual,
    per_hundred,
    numbers_on_next_line,
    timesheet,
    untitled,
    receipt,
    lump_sums,
    delivered_remaining,
    statement,
    letter,
    boxed_form,
    vessel_requisition,
)
