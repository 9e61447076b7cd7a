"""Amounts and quantities as people print them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.documents.headers import Role, meaning
from workers.documents.numbers import amount, amounts, decimal_mark, percent, quantities
from workers.documents.rows import agrees, part_in
from workers.documents.words import carries, closes, names_more, totals


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("1.234,50", None, "1234.50"),
        ("1,234.50", None, "1234.50"),
        ("1 234,50 €", None, "1234.50"),
        ("1\u202f234,50", None, "1234.50"),
        ("1'234.50", None, "1234.50"),
        ("1.234", ",", "1234"),
        ("1.234", ".", "1.234"),
        ("3.000", ",", "3000"),
        ("-12,00", ",", "-12"),
        ("12,00-", ",", "-12"),
        ("(12.00)", None, "-12"),
        ("−5,00", ",", "-5"),
        ("$1,799.00", None, "1799"),
        ("EUR 12.50", None, "12.50"),
        ("12,50 EUR", None, "12.50"),
        ("-$3.00", None, "-3"),
        ("80955.00 €", ".", "80955"),
        ("0.16400", None, "0.164"),
        ("12,-", None, "12"),
    ],
)
def test_amounts_are_read_as_printed(text: str, mark: str | None, value: str) -> None:
    assert amount(text, mark) == Decimal(value)


@pytest.mark.parametrize("text", ["", "abc", "12.03.2024", "M8x40", "1/2", "DN50", "19 %", "--", "."])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert amount(text) is None


def test_an_unclear_amount_has_both_readings() -> None:
    assert amounts("1,234") == [Decimal(1234), Decimal("1.234")]


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    amounts(text)
    quantities(text)
    meaning(text)
    part_in(text)


@given(st.integers(-(10**9), 10**9))
def test_both_conventions_give_the_same_value(cents: int) -> None:
    english = f"{Decimal(cents) / 100:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert amount(english, ".") == amount(german, ",") == Decimal(cents) / 100


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("3 Stk", "3", "Stk"),
        ("x2", "2", None),
        ("5x", "5", None),
        ("12.0 Unit(s)", "12", "Unit(s"),
        ("2,5 kg", "2.5", "kg"),
    ],
)
def test_quantities_bring_their_unit(text: str, value: str, unit: str | None) -> None:
    values, found = quantities(text, "," if "," in text else ".")
    assert values[0] == Decimal(value)
    assert (found or "").rstrip(")") == (unit or "")


def test_the_decimal_mark_is_a_property_of_the_document() -> None:
    assert decimal_mark(["1.234,50", "3,20", "DN50"]) == ","
    assert decimal_mark(["1,234.50", "3.20"]) == "."
    assert decimal_mark(["12", "abc"]) is None
    assert percent("19,0 %") == Decimal("19.0")


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Art.-Nr.", Role.PART),
        ("Désignation", Role.DESCRIPTION),
        ("Menge", Role.QUANTITY),
        ("QTY per assembly", Role.QUANTITY),
        ("P.U. HT", Role.PRICE),
        ("Betrag (EUR)", Role.TOTAL),
        ("Cant.", Role.QUANTITY),
        ("Omschrijving", Role.DESCRIPTION),
        ("Unit Price (USD)", Role.PRICE),
        ("IMPA Code", Role.PART),
        ("Nettogesamtpreis", Role.TOTAL),
        ("Rechnungsnummer", Role.OTHER),
    ],
)
def test_headings_of_five_languages_are_understood(text: str, role: Role) -> None:
    found = meaning(text)
    assert found is not None and found.role is role


def test_printed_arithmetic_allows_for_rounding_and_discounts() -> None:
    assert agrees(Decimal(3), Decimal("0.333"), Decimal("1.00"))
    assert agrees(Decimal(2), Decimal(50), Decimal(90), discount=Decimal(10))
    assert agrees(Decimal(200), Decimal(5), Decimal(10), per=Decimal(100))
    assert not agrees(Decimal(3), Decimal(10), Decimal(31))


def test_part_numbers_inside_descriptions_are_found() -> None:
    assert part_in("[A1090] iMac") == ("A1090", "iMac")
    assert part_in("232207 Gate valve DN50") == ("232207", "Gate valve DN50")
    assert part_in("Dichtung Art.-Nr.: 4711-A") == ("4711-A", "Dichtung")
    assert part_in("Gate valve DN50") == (None, "Gate valve DN50")


def test_lines_that_are_no_items_are_known_by_their_first_words() -> None:
    assert totals("Gesamtbetrag 12,00") and totals("Total TTC") and totals("VAT 20%")
    assert carries("Übertrag 120,00") and carries("Zwischensumme")
    assert closes("IBAN DE89 3704") and closes("Mit freundlichen Grüßen")
    assert names_more("Total station tripod") and not names_more("Total net amount")
