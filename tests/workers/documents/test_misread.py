"""Letters that recognition takes for digits are mended in amounts, and nowhere else."""

import pytest

from workers.documents.misread import mended
from workers.documents.model import Word


def read(*texts: str) -> list[str]:
    return [word.text for word in mended([Word(text, 0, 0, 1, 1) for text in texts])]


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
