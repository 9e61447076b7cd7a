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


def test_columns_under_unknown_titles_are_told_by_what_they_hold() -> None:
    titles: list[Cell] = [(40, "Kenmerk"), (120, "Zaken"), (-380, "Qty"), (-460, "Wert/x"), (-540, "Amount")]
    found = read(
        [
            titles,
            item("110-200", "Hydraulic hose", "2", "10.00", "20.00"),
            item(*["110-300", "Valve", "3", "5.50", "16.50"]),
        ]
    )
    assert [(line.part_number, line.description, line.quantity, line.unit_price) for line in found] == [
        ("110-200", "Hydraulic hose", Decimal(2), Decimal("10.00")),
        ("110-300", "Valve", Decimal(3), Decimal("5.50")),
    ]


def test_the_first_line_of_an_item_may_be_its_count() -> None:
    found = read(
        [
            [(40, "Items ordered"), (-540, "Price")],
            [(40, "2 of: Blue cable")],
            [(40, "Sold by: Anker"), (-540, "12.99")],
            [(40, "1 of: Hub with power")],
            [(40, "Sold by: Anker"), (-540, "34.99")],
            [(40, "Item(s) Subtotal:"), (-540, "60.97")],
        ]
    )
    assert [(line.quantity, line.description[:8]) for line in found] == [
        (Decimal(2), "Blue cab"),
        (Decimal(1), "Hub with"),
    ]


def test_factors_of_a_sheet_are_the_columns_that_multiply() -> None:
    sheet = (
        "Bestellnr.;Artikel;VPE;Stück;EK netto;Summe\n88-100;Kaffee;8;16;11,49;183,84\n88-240;Milch;1;2;17,90;35,80\n"
    )
    found = read_line_items(sheet.encode("cp1252"))
    assert [(line.quantity, line.unit_price, line.line_total) for line in found] == [
        (Decimal(16), Decimal("11.49"), Decimal("183.84")),
        (Decimal(2), Decimal("17.90"), Decimal("35.80")),
    ]


def test_a_sentence_that_counts_several_things_orders_them() -> None:
    ordered = b"Necesitamos 20 cajas de guantes talla M, 15 rollos de papel y 3 bidones de cloro de 25 l. Gracias."
    mail = b"From: a@example.com\nTo: b@example.com\nSubject: Pedido\n\n" + ordered + b"\n"
    assert [(line.quantity, line.unit, line.description) for line in read_line_items(mail)] == [
        (Decimal(20), "cajas", "guantes talla M"),
        (Decimal(15), "rollos", "papel"),
        (Decimal(3), "bidones", "cloro de 25 l"),
    ]
    announced = mail.replace(
        ordered, b"Your order of 3 boxes will come on 12 May, between 10 and 12 o'clock, in 2 packs."
    )
    assert read_line_items(announced) == []


@pytest.mark.parametrize(
    "xml",
    [
        "<p:FatturaElettronica xmlns:p='urn:p'><DettaglioLinee><CodiceArticolo><CodiceTipo>SKU</CodiceTipo>"
        "<CodiceValore>V-100</CodiceValore></CodiceArticolo><Descrizione>Viti M6</Descrizione>"
        "<Quantita>100.00</Quantita><UnitaMisura>PZ</UnitaMisura><PrezzoUnitario>0.12</PrezzoUnitario><PrezzoTotale>12.00</PrezzoTotale>"
        "</DettaglioLinee></p:FatturaElettronica>",
        "<f:Facturae xmlns:f='urn:f'><InvoiceLine><ItemDescription>Viti M6</ItemDescription><Quantity>100.0</Quantity>"
        "<UnitOfMeasure>PZ</UnitOfMeasure><UnitPriceWithoutTax>0.12</UnitPriceWithoutTax><TotalCost>12.00</TotalCost>"
        "<ArticleCode>V-100</ArticleCode></InvoiceLine></f:Facturae>",
    ],
    ids=["fatturapa", "facturae"],
)
def test_national_invoices_are_read(xml: str) -> None:
    (line,) = read_line_items(xml.encode())
    assert (line.part_number, line.description, line.unit) == ("V-100", "Viti M6", "PZ")
    assert (line.quantity, line.unit_price, line.line_total) == (Decimal(100), Decimal("0.12"), Decimal(12))


def test_an_open_invoice_whose_thousands_stand_apart_is_no_item() -> None:
    owed: list[Cell] = [(40, "F-2201"), (120, "02/03/2023"), (400, "1"), (407, "204,80"), (500, "1"), (507, "204,80")]
    assert read([[(40, "Restent dus")], owed, [(40, "F-2215"), (120, "14/03/2023"), (400, "318,00")]]) == []


def test_a_numbered_title_whose_number_the_items_go_on_belongs_to_none() -> None:
    hose = item("01.0010", "Hydraulic hose", "2", "10.00", "20.00")
    found = read([HEADING, [(40, "01"), (120, "Hoses")], hose])
    assert [(line.part_number, line.description) for line in found] == [("01.0010", "Hydraulic hose")]


def test_a_title_with_a_slash_heads_one_column() -> None:
    titles: list[Cell] = [(40, "Pos / Item"), (120, "Art. / Name"), (-380, "Qty"), (-460, "Price"), (-540, "Amount")]
    hose: list[Cell] = [(40, "1"), (120, "dom-de"), (-380, "2"), (-460, "10.00"), (-540, "20.00")]
    found = read([titles, hose, [(120, "Domain halvorsen.de")]])
    assert [line.description for line in found] == ["dom-de Domain halvorsen.de"]


def test_a_till_prints_a_price_behind_the_name() -> None:
    found = read(
        [
            [(40, "1 DRILL"), (-540, "49.95")],
            [(40, "2 BIT 6MM x 2.15"), (-540, "4.30")],
            [(40, "3 BOARD 20 x 30"), (-540, "9.00")],
            [(40, "TOTAL"), (-540, "63.25")],
        ]
    )
    assert [(line.description, line.quantity, line.unit_price) for line in found] == [
        ("DRILL", Decimal(1), None),
        ("BIT 6MM", Decimal(2), Decimal("2.15")),
        ("BOARD 20 x 30", Decimal(3), None),
    ]


def test_a_sum_with_a_name_before_it_is_no_item() -> None:
    assert len(read([HEADING, HOSE, VALVE, [(120, "Merchandise total"), (-540, "36.50")]])) == 2


def test_a_unit_before_its_quantity_a_code_behind_its_position_and_a_label_before_a_code_are_told_apart() -> None:
    titles: list[Cell] = [(40, "No."), (150, "Description"), (-380, "Qty"), (-460, "Price"), (-540, "Amount")]
    hose: list[Cell] = [(40, "1"), (60, "91290A115"), (150, "Hydraulic hose"), (-380, "Nos 2"), (-540, "20.00")]
    found = read([titles, [*hose, (-460, "10.00")]])
    assert [(line.part_number, line.quantity, line.unit) for line in found] == [("91290A115", Decimal(2), "Nos")]
    labelled = read([HEADING, [(40, "Our No: 710-61"), *HOSE[1:]], [(40, "Our No: 710-62"), *VALVE[1:]]])
    assert [line.part_number for line in labelled] == ["710-61", "710-62"]


def test_a_code_below_a_name_and_a_price_with_tax_in_it_are_told_apart() -> None:
    titles: list[Cell] = [(40, "Beschreibung"), (-300, "Menge"), (-390, "Stückpreis (ohne USt.)"), (-460, "Stückpreis")]
    hose: list[Cell] = [(40, "Hydraulic hose"), (-300, "2"), (-390, "8,39 €"), (-460, "9,98 €"), (-580, "19,96 €")]
    found = read([[*titles, (-580, "Zwischensumme (inkl. USt.)")], hose, [(40, "B0194WDVHI")]])
    assert [(line.description, line.part_number, line.unit_price, line.line_total) for line in found] == [
        ("Hydraulic hose", "B0194WDVHI", Decimal("9.98"), Decimal("19.96"))
    ]


def test_a_till_prints_weights_and_counts_below_the_names() -> None:
    weighed = read(
        [
            [(40, "2 BREAD"), (-540, "4.30")],
            [(40, "1 BANANAS")],
            [(60, "0.842 kg"), (-300, "2.19 EUR/kg"), (-540, "1.84")],
            [(40, "MILK 00420000112233 F"), (-540, "1.10")],
            [(40, "TOTAL"), (-540, "7.24")],
        ]
    )
    assert [(line.quantity, line.unit, line.unit_price, line.part_number) for line in weighed] == [
        (Decimal(2), None, None, None),
        (Decimal("0.842"), "kg", Decimal("2.19"), None),
        (None, None, None, "00420000112233"),
    ]
    counted = read(
        [
            [(40, "Wood screws")],
            [(60, "3 x"), (-540, "17.85")],
            [(40, "Glue"), (-540, "8.75")],
            [(40, "TOTAL"), (-540, "26.60")],
        ]
    )
    assert [(line.description, line.quantity, line.line_total) for line in counted] == [
        ("Wood screws", Decimal(3), Decimal("17.85")),
        ("Glue", None, Decimal("8.75")),
    ]


def test_a_till_prints_tax_codes_and_what_it_takes_off() -> None:
    found = read(
        [
            [(40, "EGGS 24"), (-540, "8.99")],
            [(40, "PAPER TOWELS"), (-540, "21.99 AW")],
            [(40, "0000332 /512599"), (-540, "4.00-A")],
            [(40, "SUBTOTAL"), (-540, "26.98")],
        ]
    )
    assert [line.line_total for line in found] == [Decimal("8.99"), Decimal("21.99")]


def test_a_second_quantity_whose_cells_are_units_is_the_unit() -> None:
    titles: list[Cell] = [(40, "Qty"), (80, "Units"), (140, "Description"), (-460, "Price"), (-540, "Amount")]
    found = read([titles, [(40, "2"), (80, "Ea"), (140, "Hydraulic hose"), (-460, "10.00"), (-540, "20.00")]])
    assert [(line.quantity, line.unit) for line in found] == [(Decimal(2), "Ea")]
