"""What the general corpus does not print: group titles, tax tables, records of two lines, glued and labelled counts."""

import io
from collections.abc import Sequence
from decimal import Decimal

import pytest
from reportlab.pdfgen.canvas import Canvas

from workers.documents import LineItem, read_line_items

Cell = tuple[float, str] | tuple[float, str, str]
HEADING: list[Cell] = [(40, "Code"), (120, "Description"), (-380, "Qty"), (-460, "Price"), (-540, "Amount")]


def page(rows: Sequence[Sequence[Cell]]) -> bytes:
    """Print rows of texts, each at its left edge, or ending there when it is negative; a third item is the font."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(600, 80 + 15 * len(rows)))
    for index, row in enumerate(rows):
        for cell in row:
            canvas.setFont(cell[2] if len(cell) == 3 else "Helvetica", 9)
            draw = canvas.drawString if cell[0] >= 0 else canvas.drawRightString
            draw(abs(cell[0]), 40 + 15 * (len(rows) - index), cell[1])
    canvas.save()
    return out.getvalue()


def read(rows: Sequence[Sequence[Cell]]) -> list[LineItem]:
    return read_line_items(page(rows))


def item(code: str, name: str, quantity: str, price: str, total: str) -> list[Cell]:
    return [(40, code), (120, name), (-380, quantity), (-460, price), (-540, total)]


HOSE = item("A-100", "Hydraulic hose", "2", "10.00", "20.00")
VALVE = item("B-200", "Gate valve", "3", "5.50", "16.50")


@pytest.mark.parametrize("font", ["Helvetica", "Helvetica-Bold"])
def test_a_title_of_a_group_belongs_to_no_item(font: str) -> None:
    found = read([HEADING, [(40, "DECK STORES", font)], HOSE, [(40, "ENGINE STORES", font)], VALVE])
    assert [(line.part_number, line.description) for line in found] == [
        ("A-100", "Hydraulic hose"),
        ("B-200", "Gate valve"),
    ]


def test_a_table_of_taxes_below_the_items_is_no_item() -> None:
    taxes: list[Cell] = [(40, "Base imponible"), (180, "% IVA"), (280, "Cuota IVA"), (420, "TOTAL")]
    sums: list[Cell] = [(40, "36.50"), (180, "21.00"), (280, "7.67"), (420, "44.17")]
    assert len(read([HEADING, HOSE, VALVE, [], taxes, sums])) == 2


def test_a_record_of_two_lines_is_read_below_a_heading_of_two_lines() -> None:
    titles: list[list[Cell]] = [
        [(40, "Item"), (90, "Material"), (200, "Description")],
        [(90, "Quantity"), (200, "Unit"), (300, "Price"), (450, "Net value")],
    ]
    records: list[list[Cell]] = []
    for position, code, name, count, price, total in (
        ("00010", "A-100", "Hydraulic hose", "2", "10.00", "20.00"),
        ("00020", "B-200", "Gate valve", "3", "5.50", "16.50"),
    ):
        records += [
            [(40, position), (90, code), (200, name)],
            [(90, count), (200, "PC"), (300, price), (450, total)],
        ]
    found = read([*titles, *records])
    assert [(line.part_number, line.description, line.quantity, line.unit, line.line_total) for line in found] == [
        ("A-100", "Hydraulic hose", Decimal(2), "PC", Decimal("20.00")),
        ("B-200", "Gate valve", Decimal(3), "PC", Decimal("16.50")),
    ]


def test_a_unit_glued_to_its_quantity_is_told_apart() -> None:
    found = read([HEADING, item("A-100", "Hydraulic hose", "2MTR", "10.00", "20.00"), VALVE])
    assert (found[0].quantity, found[0].unit) == (Decimal(2), "MTR")


def test_quantities_with_a_label_of_their_own_are_read_without_a_heading() -> None:
    found = read(
        [
            [(40, "Hydraulic hose"), (-460, "10.00"), (-540, "20.00")],
            [(40, "Qty: 2")],
            [],
            [(40, "Gate valve"), (-460, "5.50"), (-540, "16.50")],
            [(40, "Qty: 3")],
        ]
    )
    assert [(line.quantity, line.unit_price, line.line_total) for line in found] == [
        (Decimal(2), Decimal("10.00"), Decimal("20.00")),
        (Decimal(3), Decimal("5.50"), Decimal("16.50")),
    ]


def test_figures_of_a_sentence_that_happen_to_multiply_are_no_item() -> None:
    text = "We will deliver 2 units of the item on 15 April and invoice the rest at 30 days after receipt."
    assert read([[(40, "Dear Ann,")], [(40, text)], [(40, "Kind regards")]]) == []


def test_points_of_a_letter_that_count_alike_are_items_and_single_counts_are_none() -> None:
    listed = read([[(40, "Please send")], [(40, "4 pcs gate valve")], [(40, "10 m hydraulic hose")], [(40, "Regards")]])
    assert [(line.description, line.quantity, line.unit) for line in listed] == [
        ("gate valve", Decimal(4), "pcs"),
        ("hydraulic hose", Decimal(10), "m"),
    ]
    assert read([[(40, "Operating costs")], [(40, "2 x rent in advance")], [(40, "to be paid")]]) == []
