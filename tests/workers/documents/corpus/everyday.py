"""Writes what is bought every day: till receipts, shop invoices, quotes in parts, parts lists without a count."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from decimal import Decimal

from reportlab.pdfgen.canvas import Canvas

from tests.workers.documents.corpus.printed import Printed
from tests.workers.documents.corpus.scorer import TruthLine

_GOODS = (
    "Lager Pint",
    "Caesar Salad",
    "Garlic Bread",
    "Tomato Soup",
    "Apple Pie",
    "House Coffee",
    "Olive Oil",
    "Rye Loaf",
)
_CENT = Decimal("0.01")


def _page(rows: Sequence[Sequence[tuple[float, str]]], width: float) -> bytes:
    """Print rows of words, each at its left edge, or ending there when the edge is negative."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width, 60 + 14 * len(rows)))
    canvas.setFont("Helvetica", 9)
    for index, row in enumerate(rows):
        for edge, text in row:
            draw = canvas.drawString if edge >= 0 else canvas.drawRightString
            draw(abs(edge), 30 + 14 * (len(rows) - index), text)
    canvas.save()
    return out.getvalue()


def _bought(rng: random.Random) -> list[tuple[str, int, Decimal, Decimal]]:
    chosen = rng.sample(_GOODS, rng.randint(3, 6))
    priced = [(name, rng.randint(2, 4), Decimal(rng.randint(150, 1500)) * _CENT) for name in chosen]
    return [(name, count, price, count * price) for name, count, price in priced]


def receipt(seed: int) -> Printed:
    """A narrow till receipt: the count before the name, or with the price on a line of its own below."""
    rng = random.Random(seed)
    bought, below = _bought(rng), seed % 2 == 0
    rows: list[list[tuple[float, str]]] = [[(60, "Corner Store")], [(50, "88 King Street")], []]
    truth = []
    for name, count, price, total in bought:
        rows.append([(10, name if below else f"{count} {name}"), (-190, f"{total}")])
        if below:
            rows.append([(20, f"{count} pcs x {price}")])
        truth.append(TruthLine(name, Decimal(count), unit_price=price if below else None, line_total=total))
    rows += [[(10, "TOTAL"), (-190, f"{sum(total for *_, total in bought)}")], [], [(60, "Come again")]]
    return Printed(f"receipt-{seed}.pdf", _page(rows, 200), tuple(truth))


def amounts_called_prices(seed: int) -> Printed:
    """A shop's invoice whose only column of money, headed "Price", holds line totals."""
    bought = _bought(random.Random(seed))
    rows = [[(40, "Product"), (300, "Quantity"), (-480, "Price")]]
    rows += [[(40, name), (300, str(count)), (-480, f"{total}")] for name, count, _, total in bought]
    rows += [[], [(300, "Subtotal"), (-480, f"{sum(total for *_, total in bought)}")]]
    truth = tuple(TruthLine(name, Decimal(count), line_total=total) for name, count, _, total in bought)
    return Printed(f"shop-{seed}.pdf", _page(rows, 520), truth)


def in_parts(seed: int) -> Printed:
    """A quote in parts, each with a title and a subtotal."""
    rng = random.Random(seed)
    rows = [[(40, "Description"), (-280, "Qty"), (-380, "Unit price"), (-480, "Amount")]]
    truth: list[TruthLine] = []
    half = len(bought := _bought(rng)) // 2
    for number, part in enumerate((bought[:half], bought[half:]), start=1):
        rows += [[], [(40, f"Part {number}")]]
        for name, count, price, total in part:
            rows.append([(40, name), (-280, str(count)), (-380, f"{price}"), (-480, f"{total}")])
            truth.append(TruthLine(name, Decimal(count), unit_price=price, line_total=total))
        rows.append([(300, "Subtotal"), (-480, f"{sum(total for *_, total in part)}")])
    rows += [[], [(300, "Total"), (-480, f"{sum(total for *_, total in bought)}")]]
    return Printed(f"parts-{seed}.pdf", _page(rows, 520), tuple(truth))


def placed(seed: int) -> Printed:
    """A board's parts list that counts by naming the places."""
    rng = random.Random(seed)
    rows, truth = ["Comment,Designator,Footprint,LCSC Part #"], []
    for value, letter in (("100nF", "C"), ("10k", "R"), ("BAT54S", "D"), ("STM32F103", "U")):
        count, code = rng.randint(1, 6), f"C{rng.randint(1000, 99999)}"
        rows.append(f'{value},"{",".join(f"{letter}{place + 1}" for place in range(count))}",0603,{code}')
        truth.append(TruthLine(value, Decimal(count), part_number=code))
    return Printed(f"placed-{seed}.csv", "\n".join(rows).encode(), tuple(truth))


def counts_called_amounts(seed: int) -> Printed:
    """A shopping list whose "Amount" is how many, beside a "Total"."""
    bought = _bought(random.Random(seed))
    rows = [
        "Component,Price,Amount,Total",
        *(f"{name},${price},{count},${total}" for name, count, price, total in bought),
    ]
    rows.append(f",,Total,${sum(total for *_, total in bought)}")
    truth = tuple(
        TruthLine(name, Decimal(count), unit_price=price, line_total=total) for name, count, price, total in bought
    )
    return Printed(f"list-{seed}.csv", "\n".join(rows).encode(), truth)
