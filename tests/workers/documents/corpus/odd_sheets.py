"""Writes sheets as people keep them: several tables, groups, sums, bands, odd numbers; CSV that is askew."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from decimal import Decimal

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from tests.workers.documents.corpus.printed import Printed
from tests.workers.documents.corpus.purchases import Basket, basket
from tests.workers.documents.corpus.scorer import TruthLine

Family = Callable[[int], Printed]
Value = str | int | float | None


def _book(name: str, fill: Callable[[xlsxwriter.Workbook], None], truth: tuple[TruthLine, ...]) -> Printed:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    fill(book)
    book.close()
    return Printed(f"{name}.xlsx", buffer.getvalue(), truth)


def _write(sheet: Worksheet, rows: Sequence[Sequence[Value]], *, at: tuple[int, int] = (0, 0)) -> None:
    for down, row in enumerate(rows):
        for across, value in enumerate(row):
            if value is not None:
                sheet.write(at[0] + down, at[1] + across, value)


def _rows(bought: Basket) -> list[list[Value]]:
    return [
        [ware.code, ware.name, ware.count, bought.speech.piece, float(ware.price), float(ware.amount)]
        for ware in bought.wares
    ]


def _titles(bought: Basket) -> list[Value]:
    speech = bought.speech
    return [speech.number, speech.product, speech.quantity, None, speech.price, speech.amount]


def form(seed: int) -> Printed:
    """A purchase form: merged banner, addresses beside each other, the table in row 14, sums and signatures below."""
    bought = basket(seed)
    speech = bought.speech

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("PO")
        money = book.add_format({"num_format": '#,##0.00 "€"'})
        sheet.merge_range("A1:F2", "PURCHASE ORDER")
        _write(
            sheet,
            [
                ["Vendor:", "Halvorsen & Zoon", None, "Ship to:", "Kai 7"],
                ["Phone", "040 123 45", None, "Date", "12.03.2024"],
                ["Terms", "30 days", None, "PO No.", 4711],
            ],
            at=(3, 0),
        )
        _write(sheet, [_titles(bought), *_rows(bought)], at=(13, 0))
        last = 14 + len(bought.wares)
        for down in range(14, last):
            sheet.write_formula(down, 5, f"=C{down + 1}*E{down + 1}", money, float(bought.wares[down - 14].amount))
        for down, (label, value) in enumerate(
            ((speech.subtotal, bought.sum), (speech.tax, bought.sum / 5), (speech.total, bought.sum * 6 / 5))
        ):
            sheet.write(last + 1 + down, 4, label)
            sheet.write_formula(last + 1 + down, 5, f"=SUM(F15:F{last})", money, float(value))
        _write(
            sheet,
            [
                ["Approved by", "__________", None, "Date", "__________"],
                ["1. Send two copies of your invoice.", None],
                ["2. Notify us if you cannot ship.", None],
            ],
            at=(last + 6, 0),
        )

    return _book("form", fill, bought.truth(part=True, price=True, total=True))


def grouped(seed: int) -> Printed:
    """Groups with a title row and a sum row each, an empty row between them."""
    bought = basket(seed, least=3)
    speech = bought.speech
    half = (len(bought.wares) + 1) // 2
    rows: list[list[Value]] = [
        ["Pos", speech.product, speech.quantity, f"{speech.price} [EUR]", f"{speech.amount} [EUR]"]
    ]
    for number, wares in enumerate((bought.wares[:half], bought.wares[half:]), start=1):
        rows.append([None, f"{number}. {('Deck', 'Engine')[number - 1]}"])
        rows += [
            [f"{number}.{index}", ware.name, ware.count, float(ware.price), float(ware.amount)]
            for index, ware in enumerate(wares, start=1)
        ]
        rows += [
            [None, f"{speech.subtotal} {number}", None, None, float(sum((ware.amount for ware in wares), Decimal(0)))],
            [],
        ]
    rows.append([None, speech.total, None, None, float(bought.sum)])
    return _book("grouped", lambda book: _write(book.add_worksheet(), rows), bought.truth(price=True, total=True))


def beside(seed: int) -> Printed:
    """The order at the left and a list of prices or people at the right, an empty column between."""
    bought = basket(seed)
    speech = bought.speech
    rows: list[list[Value]] = [[speech.product, speech.quantity, speech.price, None, "Contact", "Phone"]]
    people = (("Ann Miller", "040 123 45"), ("Tom Weber", "040 123 46"))
    for index, ware in enumerate(bought.wares):
        rows.append([ware.name, ware.count, float(ware.price), None, *(people[index] if index < 2 else (None, None))])
    return _book("beside", lambda book: _write(book.add_worksheet(), rows, at=(2, 1)), bought.truth(price=True))


def below(seed: int) -> Printed:
    """Two tables on one sheet, each with its heading, columns in another order."""
    first, second = basket(seed), basket(seed + 5000)
    a, b = first.speech, second.speech
    rows: list[list[Value]] = [
        ["Deck"],
        [a.product, a.quantity, a.price],
        *([w.name, w.count, float(w.price)] for w in first.wares),
        [],
        [],
    ]
    rows += [["Engine"], [b.quantity, b.number, b.product], *([w.count, w.code, f"{w.name} B"] for w in second.wares)]
    more = tuple(TruthLine(f"{ware.name} B", Decimal(ware.count), part_number=ware.code) for ware in second.wares)
    return _book("below", lambda book: _write(book.add_worksheet(), rows), (*first.truth(price=True), *more))


def months(seed: int) -> Printed:
    """Several sheets of orders, one hidden, one of look-ups."""
    first, second = basket(seed), basket(seed + 5)

    def fill(book: xlsxwriter.Workbook) -> None:
        _write(book.add_worksheet("March"), [_titles(first), *_rows(first)])
        _write(
            book.add_worksheet("April"),
            [_titles(second), *([*row[:1], f"{row[1]} new", *row[2:]] for row in _rows(second))],
        )
        hidden = book.add_worksheet("Old")
        _write(hidden, [_titles(first), *([*row[:1], f"{row[1]} old", *row[2:]] for row in _rows(first))])
        hidden.hide()
        _write(book.add_worksheet("Lists"), [["Unit", "Country"], ["pcs", "DE"], ["m", "NL"]])

    more = tuple(
        TruthLine(f"{line.description} new", line.quantity, None, line.part_number, line.unit_price, line.line_total)
        for line in second.truth(part=True, price=True, total=True)
    )
    return _book("months", fill, (*first.truth(part=True, price=True, total=True), *more))


def ordered_from_list(seed: int) -> Printed:
    """A supplier's list with a column to fill in: what has no count is not ordered."""
    rng = random.Random(seed)
    bought = basket(seed, least=3)
    speech = bought.speech
    rows: list[list[Value]] = [[speech.number, speech.product, speech.price, "Order qty", "Line value"]]
    for ware in bought.wares:
        rows.append([ware.code, ware.name, float(ware.price), ware.count, float(ware.amount)])
        rows += [
            [f"Z{rng.randint(1000, 9999)}", f"{ware.name} spare {letter}", float(ware.price), None, 0]
            for letter in "XY"
        ]
    return _book(
        "ordered-from-list",
        lambda book: _write(book.add_worksheet(), rows),
        bought.truth(part=True, price=True, total=True),
    )


def as_text(seed: int) -> Printed:
    """Numbers kept as text with currencies and units, names over two columns, codes as numbers."""
    bought = basket(seed)
    speech = bought.speech
    rows: list[list[Value]] = [
        ["No", speech.product, None, f"{speech.quantity} ({speech.piece})", f"{speech.price} €", speech.amount]
    ]
    for index, ware in enumerate(bought.wares, start=1):
        rows.append(
            [
                f"{index}.",
                ware.name,
                None,
                f"{ware.count} {speech.piece}",
                bought.money(ware.price),
                bought.money(ware.amount),
            ]
        )

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        _write(sheet, rows, at=(4, 0))
        for down in range(len(rows)):
            sheet.merge_range(4 + down, 1, 4 + down, 2, rows[down][1])

    return _book("as-text", fill, bought.truth(price=True, total=True))


def two_lines(seed: int) -> Printed:
    """A heading of two rows ("Unit" over "price"), details in a row of their own below each ware."""
    bought = basket(seed)
    rows: list[list[Value]] = [[None, None, "Order", "Unit", "Line"], ["Item", "Description", "qty", "price", "total"]]
    for index, ware in enumerate(bought.wares, start=1):
        rows += [
            [index * 10, ware.name, ware.count, float(ware.price), float(ware.amount)],
            [None, "as last delivery, certificate 3.1"],
        ]
    rows.append([None, None, None, "Total", float(bought.sum)])
    return _book("two-lines", lambda book: _write(book.add_worksheet(), rows), bought.truth(price=True, total=True))


def turned(seed: int) -> Printed:
    """Wares in columns, their fields in rows."""
    bought = basket(seed, least=2)
    speech = bought.speech
    rows: list[list[Value]] = [
        [speech.product, *(ware.name for ware in bought.wares)],
        [speech.number, *(ware.code for ware in bought.wares)],
        [speech.quantity, *(ware.count for ware in bought.wares)],
        [speech.price, *(float(ware.price) for ware in bought.wares)],
    ]
    return _book("turned", lambda book: _write(book.add_worksheet(), rows), bought.truth(part=True, price=True))


def unheaded(seed: int) -> Printed:
    """No heading at all: codes, names, counts, prices, amounts."""
    bought = basket(seed, least=2)
    return _book(
        "unheaded",
        lambda book: _write(book.add_worksheet(), _rows(bought)),
        bought.truth(part=True, price=True, total=True),
    )


def planned(seed: int) -> Printed:
    """Sheets that order nothing: a roster, a budget, a stock of dates."""
    rows: Sequence[Sequence[Value]] = (
        (("Name", "Mon", "Tue", "Wed"), ("Ann", 8, 8, 6), ("Tom", 4, 8, 8), ("Sum", 12, 16, 14)),
        (("Budget", 2023, 2024), ("Rent", 12000, 12500), ("Wages", 58000, 61000), ("Total", 70000, 73500)),
        (("Date", "Event", "Place"), ("12.03.2024", "Kick-off", "Room 2"), ("14.03.2024", "Review", "Room 3")),
    )[seed % 3]
    return _book("planned", lambda book: _write(book.add_worksheet(), rows), ())


def _csv(name: str, rows: Sequence[str], truth: tuple[TruthLine, ...], encoding: str = "utf-8") -> Printed:
    return Printed(f"{name}.csv", "\r\n".join(rows).encode(encoding, errors="replace"), truth)


def swiss(seed: int) -> Printed:
    """Apostrophes part thousands, tabs part cells, UTF-16 as a spreadsheet saves "Unicode text"."""
    bought = basket(seed)
    speech = bought.speech

    def shown(value: Decimal) -> str:
        return f"{value:,.2f}".replace(",", "'")

    rows = ["\t".join((speech.number, speech.product, speech.quantity, speech.price, speech.amount))]
    rows += [
        "\t".join((ware.code, ware.name, str(ware.count), shown(ware.price), shown(ware.amount)))
        for ware in bought.wares
    ]
    return _csv("swiss", rows, bought.truth(part=True, price=True, total=True), "utf-16")


def returned(seed: int) -> Printed:
    """Accountants' negatives in parentheses, inches in quoted names, a line of remarks at the end."""
    bought = basket(seed)
    rows = ["Item code,Description,Qty,Unit price,Amount"]
    rows += [
        f'{ware.code},"{ware.name} 2"" pipe",({ware.count}),{ware.price},"({ware.amount:,.2f})"'
        for ware in bought.wares
    ]
    rows += [",,,Total,", '"Credit, not to be paid",,,,']
    truth = tuple(
        TruthLine(
            f'{ware.name} 2" pipe',
            Decimal(-ware.count),
            part_number=ware.code,
            unit_price=ware.price,
            line_total=-ware.amount,
        )
        for ware in bought.wares
    )
    return _csv("returned", rows, truth)


def prefaced(seed: int) -> Printed:
    """A report with lines of its own above the table, its separators missing there; a count of rows below."""
    bought = basket(seed)
    speech = bought.speech
    rows = ["Report: open orders", "Created 12.03.2024 09:30 by ann", "", "Filter;Supplier = 4711;;;", ""]
    rows += [f"{speech.number};{speech.product};{speech.quantity};ME;{speech.price};{speech.amount}"]
    rows += [
        f"{ware.code};{ware.name};{ware.count},000;{speech.piece};{bought.plain(ware.price)};{bought.plain(ware.amount)}".replace(
            ".", ""
        )
        if speech.decimal == ","
        else f"{ware.code};{ware.name};{ware.count}.000;{speech.piece};{ware.price};{ware.amount}"
        for ware in bought.wares
    ]
    rows += ["", f"{len(bought.wares)} rows"]
    truth = bought.truth(price=True, total=True)
    return _csv("prefaced", rows, truth, "cp1252")


def catalogue(seed: int) -> Printed:
    """An export of a shop with many columns, long texts with line breaks, stock and EAN."""
    rng = random.Random(seed)
    bought = basket(seed)
    rows = [
        "order_id,order_date,customer_email,lineitem_name,lineitem_sku,lineitem_quantity,lineitem_price,"
        "lineitem_requires_shipping,shipping_city,notes"
    ]
    for index, ware in enumerate(bought.wares):
        customer = "" if index else "tom@example.org"
        bell = f'"ring twice\nthen wait {rng.randint(1, 9)} min"'
        line = f'"{ware.name}",{ware.code},{ware.count},{ware.price}'
        rows.append(f"#1045,2024-03-12 09:30:00 +0100,{customer},{line},true,Hamburg,{bell}")
    return _csv("catalogue", rows, bought.truth(part=True, price=True))


def exported(seed: int) -> Printed:
    """Fields named as programs name them, the order's number in front of every line."""
    bought = basket(seed)
    rows = ["OrderNo,LineNo,ItemNo,ItemDescription,OrderQty,UoM,UnitPrice,LineAmount,Currency"]
    rows += [
        f'"PO-20417","{10 * place}","{ware.code}","{ware.name}","{ware.count}.000","EA",'
        f"{ware.price:.4f},{ware.amount},EUR"
        for place, ware in enumerate(bought.wares, 1)
    ]
    return _csv("exported", rows, bought.truth(part=True, unit="EA", price=True, total=True))


FAMILIES: tuple[Family, ...] = (
    form, grouped, beside, below, months, ordered_from_list, as_text, two_lines, turned, unheaded, planned,
    swiss, returned, prefaced, catalogue, exported,
)  # fmt: skip
