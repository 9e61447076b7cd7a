"""Letters that recognition takes for digits are mended in amounts, and nowhere else."""

from decimal import Decimal

import pytest

from workers.documents.headers import Role
from workers.documents.misread import mended, misread
from workers.documents.model import Review, Word
from workers.documents.rows import Row, item_of


def read(*texts: str) -> list[str]:
    return [word.text for word in mended([Word(text, 0, 0, 1, 1) for text in texts])]


def test_an_amount_torn_at_its_decimal_sign_is_one_word() -> None:
    torn = [Word("6,", 60, 10, 66, 20), Word("30", 66, 10, 76, 20), Word("12", 90, 10, 99, 20)]
    assert [(word.text, word.x1) for word in mended(torn)] == [("6,30", 76), ("12", 99)]


@pytest.mark.parametrize(
    ("seen", "meant"),
    [
        ("1O,5O", "10,50"),
        ("l2.75", "12.75"),
        ("1.2B4,00", "1.284,00"),
        ("99,00E", "99,00€"),
        ("€1O.00", "€10.00"),
        ("S201.24", "5201.24"),
        ("boite", "boîte"),
    ],
)
def test_letters_in_amounts_are_the_digits_they_are_like(seen: str, meant: str) -> None:
    assert read(seen) == [meant]


@pytest.mark.parametrize("text", ["SOLO", "ISO", "M8x40", "6204-2RS", "DN50", "I.O.", "OIL", "3.1", "B12", "10,50"])
def test_words_and_codes_stay_as_they_are(text: str) -> None:
    assert read(text) == [text]


def test_an_s_before_an_amount_is_a_dollar_where_others_are() -> None:
    assert read("$71.61", "S201.24") == ["$71.61", "$201.24"]


@pytest.mark.parametrize(
    ("meant", "seen", "alike"),
    [
        ("532.80", "32.80", True),
        ("3072", "72.00", True),
        ("12.50", "12.60", True),
        ("12.50", "12.50", False),
        ("12.50", "93.10", False),
    ],
)
def test_a_figure_is_like_another_with_one_digit_changed_or_its_first_lost(meant: str, seen: str, alike: bool) -> None:
    assert misread(Decimal(meant), Decimal(seen)) is alike


@pytest.mark.parametrize(
    ("printed", "proved"),
    [
        (("36", "14.80", "32.80"), ("36", "14.80", "532.80")),
        ((None, "0.35", "2.10"), ("6", "0.35", "2.10")),
        (("2023", "13.92", "13.92"), ("1", "13.92", "13.92")),
        (("12", "5.00", "50.00"), ("12", "5.00", "50.00")),
    ],
)
def test_a_recognised_figure_is_what_the_other_two_make_it(
    printed: tuple[str | None, str, str], proved: tuple[str, str, str]
) -> None:
    cells = dict(zip((Role.QUANTITY, Role.PRICE, Role.TOTAL), printed, strict=True))
    row = Row({Role.DESCRIPTION: "Hose", **{role: text for role, text in cells.items() if text}}, score=0.99)
    item = item_of(row, ".")
    assert item is not None and Review.ARITHMETIC in item.review
    assert (item.quantity, item.unit_price, item.line_total) == tuple(map(Decimal, proved))
