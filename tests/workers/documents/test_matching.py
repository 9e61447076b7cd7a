"""The catalogue answers with the right row, says how sure it is, and names none when there is none."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import orjson
import pytest

from workers.documents.matching import (
    Catalogue,
    CatalogueRow,
    Line,
    Match,
    Source,
    conversion_factor,
    decision_key,
    fit,
    losses,
)
from workers.documents.matching.calibration import shipped
from workers.documents.matching.measure import measure
from workers.documents.matching.synthetic import Habits, Traps, generate, generate_harsh
from workers.documents.matching.tokens import code_key, tokenise

ROWS = [
    CatalogueRow("1", "Ortavo PR-LX350H Belt-Drive Turntable", brand="Ortavo", price=99.0),
    CatalogueRow("2", "Ortavo PR-LX300USB Turntable with USB", brand="Ortavo", price=149.0),
    CatalogueRow("3", "Ortavo DSX-W120/B Digital Camera - Black", brand="Ortavo", price=179.0),
    CatalogueRow("4", "Ortavo DSX-W120/S Digital Camera - Silver", brand="Ortavo", price=179.0),
    CatalogueRow("5", "Case for Ortavo DSX-W120 Camera", brand="Generic", price=12.0),
    CatalogueRow("6", "Polypropylene mooring rope 24 mm", codes=("210143",), unit="m", price=2.5),
    CatalogueRow("7", "Cotton rags, white", codes=("232907",), unit="kg", price=1.2),
    CatalogueRow("8", "Safety helmet, yellow", codes=("310104",), unit="pcs", price=8.0),
    CatalogueRow("9", "Kelmont 1.5 Cu. Ft. Countertop Microwave FMV156DB", brand="Kelmont", price=129.0),
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(ROWS)


def _one(catalogue: Catalogue, name: str, *, codes: tuple[str, ...] = (), unit: str = "") -> Match:
    return catalogue.match([Line("q", name, codes=codes, unit=unit)])[0]


@pytest.mark.parametrize(
    ("name", "row_id"),
    [
        ("Ortavo Turntable - PRLX350H", "1"),
        ("Ortavo Turntable PR LX350H", "1"),
        ("ORTAVO PRLX300USB turntable", "2"),
        ("Ortavo Silver Cyber Camera - DSXW120S", "4"),
        ("Ortavo Black Camera - DSXW120B", "3"),
        ("Kelmont microwave 1.5 cubic ft - FMV156DBWH", "9"),
    ],
)
def test_a_model_code_is_found_in_any_spelling(catalogue: Catalogue, name: str, row_id: str) -> None:
    assert _one(catalogue, name).row_id == row_id


def test_a_sibling_model_is_less_likely_than_the_same_model(catalogue: Catalogue) -> None:
    same = _one(catalogue, "Ortavo Turntable - PRLX350H")
    sibling = _one(catalogue, "Ortavo Turntable - PRLX360H")
    assert same.confidence > 0.8
    assert sibling.confidence < 0.5


def test_a_product_that_is_not_there_has_a_low_confidence(catalogue: Catalogue) -> None:
    match = _one(catalogue, "Zentara garden hose 25 m green")
    assert match.confidence < 0.3


def test_a_six_digit_key_is_exact_whatever_the_text_says(catalogue: Catalogue) -> None:
    match = _one(catalogue, "rope, various", codes=("21 01 43",))
    assert (match.row_id, match.source) == ("6", Source.CODE)
    assert match.confidence >= 0.95


def test_a_key_on_two_rows_is_not_exact() -> None:
    rows = [CatalogueRow("1", "Blue paint", codes=("250101",)), CatalogueRow("2", "Red paint", codes=("250101",))]
    match = Catalogue(rows).match([Line("q", "red paint", codes=("250101",))])[0]
    assert match.source is not Source.CODE


def test_a_reviewers_decision_wins_for_its_customer_only(catalogue: Catalogue) -> None:
    decisions = {("acme", decision_key("Ortavo  TURNTABLE - PRLX350H")): "2"}
    line = [Line("q", "ortavo turntable - PRLX350H")]
    ours = catalogue.match(line, customer="acme", decisions=decisions)[0]
    theirs = catalogue.match(line, customer="other", decisions=decisions)[0]
    assert (ours.row_id, ours.confidence, ours.source) == ("2", 1.0, Source.DECISION)
    assert theirs.row_id == "1"


def test_a_decision_for_a_row_that_is_gone_is_ignored(catalogue: Catalogue) -> None:
    decisions = {("acme", decision_key("Ortavo PRLX350H")): "gone"}
    assert catalogue.match([Line("q", "Ortavo PRLX350H")], customer="acme", decisions=decisions)[0].row_id == "1"


def test_alternatives_are_at_most_five_and_start_with_the_answer(catalogue: Catalogue) -> None:
    match = _one(catalogue, "Ortavo camera DSX-W120")
    assert len(match.alternatives) <= 5
    assert match.alternatives[0].row_id == match.row_id
    confidences = [other.confidence for other in match.alternatives]
    assert confidences == sorted(confidences, reverse=True)


@pytest.mark.parametrize("name", ["", "   ", "!!!", "\0\0", "-" * 5_000, "x" * 100_000, "é" * 10, "1'2\"3"])
def test_any_text_gets_an_answer(catalogue: Catalogue, name: str) -> None:
    assert 0.0 <= _one(catalogue, name).confidence <= 1.0


def test_no_lines_and_no_rows_are_fine(catalogue: Catalogue) -> None:
    assert catalogue.match([]) == []
    assert Catalogue([]).match([Line("q", "anything")])[0].row_id is None


def test_each_line_gets_one_match_in_order(catalogue: Catalogue) -> None:
    lines = [Line(str(number), row.name) for number, row in enumerate(ROWS)]
    assert [match.line_id for match in catalogue.match(lines)] == [line.line_id for line in lines]


def test_a_row_goes_to_the_surest_line_when_no_two_may_share_it(catalogue: Catalogue) -> None:
    lines = [
        Line("vague", "Ortavo Belt Drive Turntable"),
        Line("exact", "Ortavo Turntable - PRLX350H"),
        Line("same", "Ortavo Turntable - PRLX350H"),
    ]
    assert {match.row_id for match in catalogue.match(lines)} == {"1"}
    named = [match.row_id for match in catalogue.match(lines, competing=True) if match.row_id is not None]
    assert len(named) == len(set(named))
    answers = {match.line_id: match for match in catalogue.match(lines[:2], competing=True)}
    assert answers["exact"].row_id == "1"
    assert answers["vague"].row_id != "1"
    assert answers["vague"].alternatives[0].row_id != "1"


def test_the_line_is_converted_to_the_rows_unit(catalogue: Catalogue) -> None:
    assert _one(catalogue, "helmet", codes=("310104",), unit="dozen").factor == 12
    assert _one(catalogue, "rope", codes=("210143",), unit="ft").factor == Decimal("0.3048")
    assert _one(catalogue, "rags", codes=("232907",), unit="pcs").factor is None


@pytest.mark.parametrize(
    ("asked", "sold", "factor"),
    [
        ("DOZ", "pcs", "12"), ("pcs", "dozen", "0.083333"), ("box of 12", "pcs.", "12"), ("Box/24", "ea", "24"),
        ("12 x 1 kg", "kg", "12"), ("500g", "kg", "0.5"), ("kg", "g", "1000"), ("mtr", "ft", "3.28084"),
        ("5 l", "ltr", "5"), ("Stück", "pc", "1"), ("pair", "pcs", "2"), ("", "", "1"), ("box", "BOX", "1"),
        ("box", "pcs", None), ("kg", "l", None), ("bogus", "pcs", None), ("0 pcs", "pcs", None),
    ],
)  # fmt: skip
def test_units_convert_only_within_their_kind(asked: str, sold: str, factor: str | None) -> None:
    assert conversion_factor(asked, sold) == (None if factor is None else Decimal(factor))


def test_a_word_that_likely_pairs_seldom_lose_is_missed_the_most() -> None:
    line, row = tokenise("Ortavo lamp black steady"), tokenise("Ortavo lamp steady")
    shops = [losses.remainder(line, row)] * 40  # the catalogue never tells the colour
    asked = tokenise("Ortavo lamp black")
    doubted = [losses.remainder(asked, tokenise("Ortavo lamp")), losses.remainder(asked, tokenise("Ortavo black"))]
    found = losses.weigh(np.arange(42), [*shops, *doubted], np.array([0.99] * 40 + [0.1, 0.1]))
    colour, lamp = (dict(zip(losses.NAMES, pair, strict=True)) for pair in found[-2:])
    assert colour["losses_in_line"] < 0.1 < 1.0 < lamp["losses_in_line"] * 2
    assert colour["losses_in_row"] == lamp["losses_in_row"] == 0.0


def test_no_pair_teaches_nothing_and_is_no_error() -> None:
    assert losses.weigh(np.zeros(0, dtype=np.int64), [], np.zeros(0)).shape == (0, len(losses.NAMES))


def test_codes_and_measures_have_one_spelling() -> None:
    assert code_key("PS-LX350H") == code_key("ps lx350 h") == "pslx350h"
    left, right = tokenise('Panel 27" 1.5 Cu. Ft. v8.0 500 GB'), tokenise("Panel 27-inch 1.5 cubic feet 8 500gb")
    assert left.words == right.words


def test_every_feature_has_a_shipped_coefficient() -> None:
    coefficients = shipped()
    assert len(coefficients.pair.weights) == len(coefficients.pair.names)
    assert coefficients.pair.names[0] == "cosine"


@pytest.mark.parametrize(
    ("habits", "lines", "rows", "least_f1"),
    [
        (Habits(matched=0.97), 500, 500, 0.88),
        (Habits(matched=0.4, style="market", code_column=0.8, no_price=0.15), 500, 3_000, 0.76),
    ],
)
def test_generated_shops_are_matched_with_an_honest_confidence(
    habits: Habits, lines: int, rows: int, least_f1: float
) -> None:
    shops = generate(seed=4_711, lines=lines, rows=rows, habits=habits)
    score = measure(Catalogue(shops.rows).match(shops.lines, competing=True), shops.truth)
    assert score.best_f1 >= least_f1
    assert 0.75 <= score.precision_at_80 <= 0.99
    assert score.calibration_error < 0.1


@pytest.mark.parametrize(
    ("traps", "lines", "rows", "stores", "least_f1"),
    [
        (Traps(matched=0.97), 500, 500, False, 0.84),
        (Traps(matched=0.6, lower=True, column_left=0.8, code_column=0.8), 400, 2_500, False, 0.78),
        (Traps(matched=0.8, listed_twice=0.15, refurbished=0.1, bundle=0.1), 400, 800, False, 0.77),
        (Traps(matched=0.8, code_column=0.7, column_left=0.5), 300, 1_000, True, 0.80),
    ],
)
def test_shops_full_of_traps_are_matched_with_an_honest_confidence(
    traps: Traps, lines: int, rows: int, stores: bool, least_f1: float
) -> None:
    shops = generate_harsh(seed=8_150, lines=lines, rows=rows, traps=traps, stores=stores)
    score = measure(Catalogue(shops.rows).match(shops.lines, competing=True), shops.truth)
    assert score.best_f1 >= least_f1
    assert score.precision_at_80 >= 0.85
    assert score.calibration_error < 0.15


OFFERS = [
    CatalogueRow("1", "Kitley EX-T559 Compact Camera Black"),
    CatalogueRow("2", "Battery for Kitley EX-T559 Compact Camera", brand="Generic"),
    CatalogueRow("3", "Kitley EX-T559 Compact Camera Black (Refurbished)"),
    CatalogueRow("4", "Kitley EX-T559 Compact Camera Black Bundle with 8GB Card"),
    CatalogueRow("5", "Hamther H9P466-25 Extension Cord 25 ft"),
    CatalogueRow("6", "Hamther H9P466-3 Extension Cord 3 ft"),
    CatalogueRow("7", "Pentips 85XL Ink Cartridge Tri-Color for S637"),
    CatalogueRow("8", "Pentips 85XL Ink Cartridge Light Cyan for S637"),
    CatalogueRow("9", "Pentips S637 Photo Printer"),
    CatalogueRow("10", 'Metther 4-1/2" Angle Grinder with Paddle Switch'),
    CatalogueRow("11", 'Metther 9" Angle Grinder with Paddle Switch'),
    CatalogueRow("12", "Olykita Projector", description="DLP, 2600 lumens. Model Number: D-922"),
    CatalogueRow("13", "Olykita Projector", description="LCD, 2000 lumens. Model Number: D-927"),
]


@pytest.mark.parametrize(
    ("name", "row_id"),
    [
        ("Kitley Compact Camera - EXT559", "1"),
        ("Refurbished Kitley EXT559 Compact Camera", "3"),
        ("Kitley EXT559 Camera Bundle", "4"),
        ("Battery for Kitley EXT559", "2"),
        ("Hamther Extension Cord - H9P466-3", "6"),
        ("Hamther 25 ft Extension Cord - H9P46625", "5"),
        ("Pentips Light Cyan Ink - 85XL", "8"),
        ("Pentips Tricolor Inkjet Cartridge 85 XL", "7"),
        ("Pentips Photo Printer - S637", "9"),
        ("Metther 4.5 in Angle Grinder", "10"),
        ("Metther 9 inch Angle Grinder", "11"),
        ("Olykita D922 Projector", "12"),
    ],
)
def test_an_offer_is_not_taken_for_its_spare_part_its_copy_or_its_sibling(name: str, row_id: str) -> None:
    assert _one(Catalogue(OFFERS), name).row_id == row_id


@pytest.mark.slow
def test_the_shipped_coefficients_are_those_the_script_fits(tmp_path: Path) -> None:
    assert fit.main(["--out", str(tmp_path / "coefficients.json")]) == 0
    fitted, kept = orjson.loads((tmp_path / "coefficients.json").read_bytes()), shipped()
    for part in ("pair", "competing", "settled", "alone"):
        regression = getattr(kept, part)
        weights = [fitted[part][name] for name in regression.names]
        assert weights == pytest.approx(regression.weights.tolist(), abs=0.01)
