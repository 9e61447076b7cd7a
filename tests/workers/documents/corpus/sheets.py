"""Writes orders as CSV and XLSX the way people export them: preambles, odd separators, code pages, merged cells."""

from __future__ import annotations

import csv
import io
import random
from decimal import Decimal

import xlsxwriter

from tests.workers.documents.corpus.goods import LANGUAGES, GoodsLine, Wording, goods
from tests.workers.documents.corpus.printed import Printed, shown
from tests.workers.documents.corpus.scorer import TruthLine

Value = str | Decimal | None

_BOARD = (
    ("R1, R2, R5", "10k", "R_0603", "RES SMD 10K OHM 1% 1/10W 0603", "Yageo", "RC0603FR-0710KL", "311-10.0KHRCT-ND"),
    ("C1-C4", "100nF", "C_0603", "CAP CER 0.1UF 50V X7R 0603", "Kemet", "C0603C104K5RACTU", "399-5089-1-ND"),
    (
        "U1",
        "STM32F405RGT6",
        "LQFP-64",
        "IC MCU 32BIT 1MB FLASH 64LQFP",
        "STMicroelectronics",
        "STM32F405RGT6",
        "497-11767-ND",
    ),
    ("D1", "1N4148", "SOD-123", "DIODE GEN PURP 75V 150MA", "Diodes Inc", "1N4148W-7-F", "1N4148W-FDICT-ND"),
    ("J1", "USB-C", "USB_C", "CONN RCPT USB2.0 TYPE-C 24POS", "GCT", "USB4105-GF-A", "2073-USB4105-GF-ACT-ND"),
    ("SW1, SW2", "Button", "SW_6mm", "SWITCH TACTILE SPST-NO 0.05A", "C&K", "PTS645SM43SMTR92 LFS", "CKN9112CT-ND"),
)


def _rows(
    rng: random.Random, wording: Wording, lines: list[GoodsLine], *, text_numbers: bool
) -> tuple[list[list[Value]], list[TruthLine]]:
    """Return titles and rows with some columns in some order, and what they truly say."""
    keys = ["description", "quantity"]
    extra = [key for key in ("position", "part", "unit", "price", "total", "date", "tax") if rng.random() < 0.6]
    if "total" in extra and "price" not in extra:
        extra.append("price")
    keys += extra
    if rng.random() < 0.5:
        rng.shuffle(keys)
    titles: list[Value] = [rng.choice(wording.titles[key]) for key in keys]
    rows: list[list[Value]] = [titles]
    truth = []
    for index, line in enumerate(lines):
        places = 0 if line.quantity == int(line.quantity) else 2
        numbers: dict[str, Value] = {
            "quantity": shown(line.quantity, wording, places=places) if text_numbers else line.quantity,
            "price": shown(line.unit_price, wording) if text_numbers else line.unit_price,
            "total": shown(line.line_total, wording) if text_numbers else line.line_total,
        }
        values: dict[str, Value] = {
            "position": str(index + 1) if text_numbers else Decimal(index + 1),
            "part": line.part_number,
            "description": line.description,
            "unit": line.unit,
            "date": "2024-05-12",
            "tax": "19%",
            **numbers,
        }
        rows.append([values[key] for key in keys])
        truth.append(
            TruthLine(
                line.description,
                line.quantity,
                line.unit if "unit" in keys else None,
                line.part_number if "part" in keys else None,
                line.unit_price if "price" in keys else None,
                line.line_total if "total" in keys else None,
            )
        )
    if "total" in keys and rng.random() < 0.7:
        total = sum((line.line_total for line in lines), Decimal(0))
        closing: list[Value] = [None] * len(keys)
        place = keys.index("total")
        closing[place] = shown(total, wording) if text_numbers else total
        closing[place - 1 if place else 1] = wording.total
        rows.append(closing)
    return rows, truth


def _preamble(rng: random.Random, wording: Wording) -> list[list[Value]]:
    if rng.random() < 0.4:
        return []
    top: list[list[Value]] = [
        [wording.document["order"], None, "4500012345"],
        ["Nordlicht Maritime Supply"],
        ["Date", "12.03.2024"],
        [],
        ["Ship to:", "Kai 7, 20457 Hamburg"],
        ["Contact", "A. Muster", "Tel.", "040 123 45"],
        [],
        [wording.letter[1]],
        [],
    ]
    return top[: rng.randint(1, len(top))]


def separated(seed: int) -> Printed:
    """Return a CSV in some dialect and code page."""
    rng = random.Random(seed)
    wording = rng.choice(LANGUAGES)
    lines = goods(rng, wording, rng.choice((1, 3, 10, 40)))
    rows, truth = _rows(rng, wording, lines, text_numbers=True)
    separator = rng.choice((";", "\t", "|") if wording.decimal == "," else (",", ";", "\t"))
    buffer = io.StringIO()
    if rng.random() < 0.1:
        buffer.write(f"sep={separator}\r\n")
    quoting = csv.QUOTE_ALL if rng.random() < 0.3 else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, delimiter=separator, quoting=quoting, lineterminator=rng.choice(("\r\n", "\n")))
    for row in [*_preamble(rng, wording), *rows]:
        writer.writerow(["" if value is None else str(value) for value in row])
    encoding = rng.choice(("utf-8", "utf-8-sig", "cp1252", "utf-16"))
    return Printed(f"{wording.code}-{seed}.csv", buffer.getvalue().encode(encoding, errors="replace"), tuple(truth))


def workbook(seed: int) -> Printed:
    """Return an XLSX, its table somewhere on the sheet, perhaps with other sheets beside it."""
    rng = random.Random(seed)
    wording = rng.choice(LANGUAGES)
    lines = goods(rng, wording, rng.choice((1, 3, 10, 40)))
    rows, truth = _rows(rng, wording, lines, text_numbers=rng.random() < 0.2)
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    if rng.random() < 0.3:
        cover = book.add_worksheet("Cover")
        cover.write(0, 0, "Purchase order overview")
        cover.write(2, 0, "Please see the next sheet")
    sheet = book.add_worksheet(wording.document["order"][:30])
    at_row, at_column = rng.choice((0, 0, 3, 11)), rng.choice((0, 0, 1, 3))
    for index, row in enumerate(_preamble(rng, wording)[: max(0, at_row - 1)]):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(index, column, value)
    if at_row > 3:
        sheet.merge_range(1, 4, 1, 6, "Nordlicht Maritime Supply")
    gap = rng.random() < 0.2
    for index, row in enumerate(rows):
        place = at_row + index + (1 if gap and index else 0)
        for column, value in enumerate(row):
            if isinstance(value, Decimal):
                sheet.write_number(place, at_column + column, float(value))
            elif value is not None:
                sheet.write_string(place, at_column + column, value)
    if rng.random() < 0.3:
        notes = book.add_worksheet("Notes")
        notes.write(0, 0, "Deliver to gate 3. Call before arrival.")
    book.close()
    return Printed(f"{wording.code}-{seed}.xlsx", buffer.getvalue(), tuple(truth))


def parts_list(seed: int) -> Printed:
    """Return a bill of materials of a circuit board as design programs export it."""
    rng = random.Random(seed)
    parts = rng.sample(_BOARD, rng.randint(2, len(_BOARD)))
    count_title = rng.choice(("Qty", "Quantity", "QTY per assembly", "Quantity per PCB", "Qty.", "Count"))
    part_title = rng.choice(("Digikey Part Number", "Supplier Part Number 1", "Order Number", "Vendor PN", "SKU"))
    maker_title = rng.choice(("MPN", "Manufacturer Part Number", "Mfr. Part #", "Mfr Part No"))
    rows: list[list[str]] = [
        ["#", "Reference", "Value", "Footprint", "Description", "Manufacturer", maker_title, part_title, count_title]
    ]
    truth = []
    for index, (where, value, footprint, description, maker, maker_part, part) in enumerate(parts):
        count = rng.randint(1, 9)
        rows.append([str(index + 1), where, value, footprint, description, maker, maker_part, part, str(count)])
        truth.append(TruthLine(description, Decimal(count), None, part))
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=rng.choice(",;\t"), quoting=rng.choice((csv.QUOTE_ALL, csv.QUOTE_MINIMAL)))
    for row in rows:
        writer.writerow(row)
    return Printed(
        f"bom-{seed}.csv", buffer.getvalue().encode(rng.choice(("utf-8", "utf-8-sig", "cp1252"))), tuple(truth)
    )
