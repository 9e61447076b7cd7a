"""Makes the demo's documents and catalogue: a ship chandler's orders, drawn anew each time."""

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Final

DELIVERED: Final = 12

_NOUNS = (
    ("Polypropylene mooring rope", "m", ("32 mm", "40 mm", "48 mm", "56 mm")),
    ("Anchor shackle galvanised", "pcs", ("13 t", "17 t", "25 t")),
    ("Cotton work gloves", "pair", ("size 9", "size 10", "size 11")),
    ("Safety helmet with chin strap", "pcs", ("white", "yellow", "orange")),
    ("Marine paint anti-fouling", "l", ("red 5 l", "blue 5 l", "black 20 l")),
    ("Hydraulic hose assembly", "pcs", ("1/2 in 2 m", "3/4 in 3 m", "1 in 5 m")),
    ("Stainless hex bolt A4", "pcs", ("M8x40", "M10x60", "M12x80", "M16x100")),
    ("Fire hose coupling Storz", "pcs", ("C52", "B75")),
    ("Deck scrubbing brush", "pcs", ("hard", "medium")),
    ("LED flood light IP67", "pcs", ("50 W", "100 W", "200 W")),
    ("Engine oil SAE 40", "l", ("20 l can", "208 l drum")),
    ("Rust remover gel", "kg", ("1 kg", "5 kg")),
    ("Pilot ladder step replacement", "pcs", ("standard", "long")),
    ("Galley towel terry", "pcs", ("50x100", "70x140")),
    ("Battery AGM deep cycle", "pcs", ("100 Ah", "200 Ah")),
)


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One product of the demo's catalogue."""

    part_number: str
    name: str
    unit: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order, as it is printed."""

    part_number: str
    description: str
    quantity: int
    unit: str
    price: Decimal

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity


def catalogue() -> list[CatalogueRow]:
    """Return the products, the same ones each time."""
    chance = random.Random(8)  # noqa: S311 - the same products each time
    rows: list[CatalogueRow] = []
    for noun, unit, variants in _NOUNS:
        for variant in variants:
            price = Decimal(chance.randrange(150, 48_000)) / 100
            rows.append(CatalogueRow(f"QM-{10_000 + 37 * len(rows)}", f"{noun} {variant}", unit, price))
    return rows


def order(seed: int, lines: int) -> list[OrderLine]:
    """Return an order of `lines` lines; one in five names the product in other words and without its number."""
    chance = random.Random(seed)  # noqa: S311 - the same order each time
    rows = catalogue()
    chosen = [chance.choice(rows) for _ in range(lines)]
    return [
        OrderLine(
            part_number="" if chance.random() < 0.2 else row.part_number,
            description=" ".join(reversed(row.name.split(" ", 1))) if chance.random() < 0.2 else row.name,
            quantity=chance.randrange(1, 60),
            unit=row.unit,
            price=row.price,
        )
        for row in chosen
    ]


def write_documents(folder: Path) -> dict[str, Path]:
    """Write the demo's documents into a folder and return them by name.

    Among them `broken.pdf`, which no program can read, and `large_order.pdf`, which takes a while.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writers: dict[str, Callable[[Path], object]] = {
        "order.pdf": lambda path: _write_pdf(path, order(1, 14), title="PURCHASE ORDER 4711"),
        "requisition.xlsx": lambda path: _write_xlsx(path, order(2, 22)),
        "quote.csv": lambda path: _write_csv(path, order(3, 18)),
        "request.eml": lambda path: _write_mail(path, order(4, 6)),
        "late.pdf": lambda path: _write_pdf(path, order(5, 8), title="PURCHASE ORDER 4712"),
        "large_order.pdf": lambda path: _write_pdf(path, order(6, 200), title="ANNUAL ORDER 4713"),
        "broken.pdf": lambda path: path.write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog"),
    }
    paths: dict[str, Path] = {}
    for name, write in writers.items():
        paths[name] = folder / name
        write(paths[name])
    return paths


def write_delivery(folder: Path) -> list[Path]:
    """Write a ship's enquiries, which arrive all at once, into a folder and return them in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"enquiry-{number:02}.csv" for number in range(1, DELIVERED + 1)]
    for number, path in enumerate(paths):
        _write_csv(path, order(20 + number, 3))
    return paths


def _write_pdf(path: Path, lines: list[OrderLine], *, title: str) -> None:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    styles = getSampleStyleSheet()
    head = ["Pos", "Part no.", "Description", "Qty", "Unit", "Unit price", "Amount"]
    rows = [
        [
            str(at),
            line.part_number,
            line.description,
            str(line.quantity),
            line.unit,
            f"{line.price:,.2f}",
            f"{line.total:,.2f}",
        ]
        for at, line in enumerate(lines, start=1)
    ]
    table = Table([head, *rows], repeatRows=1, colWidths=[28, 62, 210, 34, 34, 60, 70])
    table.setStyle(
        TableStyle(
            [
                ("FONTSIZE", (0, 0), (-1, -1), 8.5),
                ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.7, "black"),
                ("ALIGN", (3, 0), (3, -1), "RIGHT"),
                ("ALIGN", (5, 0), (-1, -1), "RIGHT"),
            ]
        )
    )
    total = sum((line.total for line in lines), Decimal(0))
    story = [
        Paragraph(title, styles["Title"]),
        Paragraph("MV Northern Lapwing, port of Rotterdam, delivery alongside", styles["Normal"]),
        Spacer(1, 14),
        table,
        Spacer(1, 10),
        Paragraph(f"Total EUR {total:,.2f}", styles["Heading3"]),
        Paragraph("Signature of the master: ______________________", styles["Normal"]),
    ]
    SimpleDocTemplate(str(path), pagesize=A4, title=title, author="qconsole demo", invariant=1).build(story)


def _write_xlsx(path: Path, lines: list[OrderLine]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Requisition")
        sheet.write_row(0, 0, ["Requisition 2026-118", "", "MV Northern Lapwing"])
        sheet.write_row(2, 0, ["Item", "Article", "Description", "Quantity", "UoM", "Remarks"])
        for at, line in enumerate(lines, start=1):
            sheet.write_row(at + 2, 0, [at, line.part_number, line.description, line.quantity, line.unit, ""])


def _write_csv(path: Path, lines: list[OrderLine]) -> None:
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Artikelnummer", "Bezeichnung", "Menge", "Einheit", "Einzelpreis", "Gesamt"])
        writer.writerows(_german_rows(lines))


def _german_rows(lines: list[OrderLine]) -> Iterator[list[str]]:
    for line in lines:
        price, total = (f"{value:.2f}".replace(".", ",") for value in (line.price, line.total))
        yield [line.part_number, line.description, str(line.quantity), line.unit, price, total]


def _write_mail(path: Path, lines: list[OrderLine]) -> None:
    cells = "".join(
        f"<tr><td>{line.part_number}</td><td>{line.description}</td><td>{line.quantity}</td><td>{line.unit}</td></tr>"
        for line in lines
    )
    mail = EmailMessage()
    mail["Subject"] = "Request for quotation, ETA Friday"
    mail["From"] = "chief.officer@lapwing.example"
    mail["To"] = "orders@chandler.example"
    mail["Date"] = "Tue, 24 Nov 2026 06:00:00 +0000"
    mail.set_content("Good morning, please quote the items in the table. Best regards")
    head = "<tr><th>Part no</th><th>Description</th><th>Qty</th><th>Unit</th></tr>"
    mail.add_alternative(f"<p>Please quote:</p><table>{head}{cells}</table>", subtype="html")
    path.write_bytes(mail.as_bytes())
