"""Sheets are read whatever their titles say: by what stands in the columns, and by what multiplies."""

from decimal import Decimal

import pytest

from workers.documents.grid import items_in_grid
from workers.documents.headers import Role, meaning
from workers.documents.model import Cell, Grid, LineItem

Row = tuple[object, ...]


def read(*rows: Row) -> list[LineItem]:
    """Read a sheet whose numbers are given as such."""

    def cell(value: object) -> Cell:
        return value if value is None or isinstance(value, str) else Decimal(str(value))

    width = max(map(len, rows))
    return items_in_grid(Grid("", tuple(tuple(map(cell, row)) + (None,) * (width - len(row)) for row in rows)))


def told(items: list[LineItem]) -> list[tuple[str, str, str, str]]:
    """Return part number, description, quantity and price of each item as text."""
    return [(item.part_number or "", item.description, f"{item.quantity}", f"{item.unit_price}") for item in items]


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("Extd Amt", Role.TOTAL),
        ("Unt Prc", Role.PRICE),
        ("Netto/Stk.", Role.PRICE),
        ("€/Stk", Role.PRICE),
        ("EUR per kg", Role.PRICE),
        ("Qty/board", Role.QUANTITY),
        ("Descripción de los trabajos", Role.DESCRIPTION),
        ("Montant de la ligne", Role.TOTAL),
    ],
)
def test_titles_are_understood_shortened_for_one_of_a_unit_and_with_what_they_are_of(title: str, role: Role) -> None:
    known = meaning(title)
    assert known is not None
    assert known.role is role


def test_unknown_titles_are_no_item_and_what_multiplies_is_read() -> None:
    items = read(("Ding", "Wieviel", "Kostet", "Macht"), ("Spaten", 3, 19.9, 59.7), ("Schubkarre", 2, 64, 128))
    assert told(items) == [("", "Spaten", "3", "19.9"), ("", "Schubkarre", "2", "64")]


def test_an_order_column_without_a_known_title_is_found_by_what_it_makes() -> None:
    rows: list[Row] = [
        ("Order form",),
        ("Code", "Variety", "Pot", "Price", "Order", "Value"),
        ("T1", "Lavandula", "P9", 1.15, 120, 138),
        ("T2", "Salvia nemorosa", "P9", 1.25, 0, 0),
        ("T4", "Sedum", "P9", 1.2, 60, 72),
        (None, None, None, "Total", 180, 210),
    ]
    assert told(read(*rows)) == [("T1", "Lavandula", "120", "1.15"), ("T4", "Sedum", "60", "1.2")]


def test_two_tables_side_by_side_are_both_read() -> None:
    titles = ("Part", "Qty", "Price")
    items = read(
        (*titles, None, *titles), ("Bolt", 40, 0.05, None, "Wire", 10, 0.4), ("Nut", 30, 0.08, None, "Fuse", 3, 1)
    )
    assert [item.description for item in items] == ["Bolt", "Nut", "Wire", "Fuse"]


def test_units_and_numbers_of_articles_are_found_under_any_title() -> None:
    items = read(
        ("Art", "Kurztext", "Menge", "BME", "Preis/Einh.", "Preis"),
        ("K1", "Dichtring", 120, "ST", 2.35, 282),
        ("K2", "Schmierfett", 6, "KG", 11.5, 69),
    )
    assert told(items) == [("K1", "Dichtring", "120", "2.35"), ("K2", "Schmierfett", "6", "11.5")]
    assert [item.unit for item in items] == ["ST", "KG"]


def test_a_list_price_beside_a_discount_is_not_what_is_paid() -> None:
    items = read(
        ("Item", "Qty", "List", "Disc", "Net", "Line"),
        ("Router", 5, 120, 0.15, 102, 510),
        ("Return: access point", -1, 80, 0, 80, -80),
    )
    assert told(items) == [("", "Router", "5", "102"), ("", "Return: access point", "-1", "80")]
    assert [item.line_total for item in items] == [Decimal(510), Decimal(-80)]


def test_a_sheet_of_labels_and_a_delivery_note_without_wares_hold_no_item() -> None:
    assert (
        read(("Order", 100045), ("Parcel", 3404), ("Weight", "2.4 kg"), ("Parcels", 1), ("Delivery", "14.03.2024"))
        == []
    )
    assert read(("Number", "R-7"), ("Items", "12"), ("Total value", "USD 3,400.00")) == []


def test_names_that_repeat_are_told_apart_by_the_column_beside_them() -> None:
    items = read(
        ("Qty", "Component", "Specification", "Cost", "Total:", 196.9),
        (12, "Screw", "M2x12, countersunk", 6.59),
        (6, "Screw", "M3x4", 5.69),
        ("a lot", "Wire", "22 AWG", None, "have some"),
    )
    assert told(items) == [
        ("", "Screw M2x12, countersunk", "12", "6.59"),
        ("", "Screw M3x4", "6", "5.69"),
        ("", "Wire 22 AWG", "None", "None"),
    ]


def test_what_multiplies_goes_before_a_list_price_and_a_sum_with_tax() -> None:
    items = read(
        ("Title", "List Price Per Unit", "Purchase Price Per Unit", "Quantity", "Item Subtotal", "Item Total"),
        ("Label tape", 19.99, 15.99, 2, 31.98, 34.54),
        ("HDMI cable", 12.99, 9.99, 1, 9.99, 10.79),
    )
    assert told(items) == [("", "Label tape", "2", "15.99"), ("", "HDMI cable", "1", "9.99")]
    assert [item.line_total for item in items] == [Decimal("31.98"), Decimal("9.99")]


def test_codes_of_units_are_found_in_a_second_column_that_counts_and_not_in_one_of_states() -> None:
    gloves, pads = ("2XKX9", "Gloves, nitrile", 12), ("1AGL4", "Absorbent pads", 3)
    items = read(("Item", "Description", "Quantity", "Units"), (*gloves, "BX"), (*pads, "CS"))
    assert [(item.description, item.unit) for item in items] == [("Gloves, nitrile", "BX"), ("Absorbent pads", "CS")]
    items = read(("Item", "Description", "Quantity", "State"), (*gloves, "CT"), (*pads, "PR"))
    assert [item.unit for item in items] == [None, None]


def test_a_list_without_titles_is_read_where_every_row_counts_and_a_list_of_measures_is_not() -> None:
    items = read(("Einkaufszettel Werkstatt",), ("Schleifpapier K120", "50 Blatt"), ("Holzleim D3 5 kg", "2 Eimer"))
    assert [(item.description, f"{item.quantity}", item.unit) for item in items] == [
        ("Schleifpapier K120", "50", "Blatt"),
        ("Holzleim D3 5 kg", "2", "Eimer"),
    ]
    assert read(("Einzelgewicht", "12 kg"), ("Kabel zum Netz", "3 m")) == []
    assert read(("Carton", "6 pcs"), ("Pallet", "40 boxes")) == []
