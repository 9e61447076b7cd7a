"""How much of a seeded corpus is found, per kind of document. Floors are asserted, not averages over kinds."""

import random
from collections.abc import Callable, Iterable

import pytest

from tests.workers.documents.corpus import (
    einvoices,
    everyday,
    mails,
    odd_sheets,
    papers,
    sheets,
    shopmails,
    strangers,
    styled,
    textmails,
    untabled,
    word_files,
)
from tests.workers.documents.corpus.printed import Printed, press
from tests.workers.documents.corpus.scanned import as_image, as_pdf, pages_of, photograph, scan
from tests.workers.documents.corpus.scorer import Score
from tests.workers.documents.corpus.styled import Style
from workers.documents import read_line_items
from workers.documents.ocr import available


def measured(documents: Iterable[Printed]) -> Score:
    """Extract every document and count what is right."""
    score = Score()
    for document in documents:
        score.add(document.name, read_line_items(document.data, name=document.name), document.truth)
    return score


def check(score: Score, *, f1: float, fields: float) -> None:
    """Assert the floors; the message tells what was missed."""
    report = "\n".join((score.summary(), *score.faults[:20]))
    assert score.f1 >= f1, report
    for name in score.asked:
        assert score.accuracy(name) >= fields, f"{name}: {report}"


def test_text_pdfs_of_any_layout_are_read() -> None:
    check(measured(press(seed) for seed in range(5000, 5028)), f1=0.97, fields=0.95)


@pytest.mark.parametrize("style", [*styled.STYLES, *papers.STYLES], ids=lambda style: style.__name__)
def test_documents_in_the_manner_of_known_software_are_read(style: Style) -> None:
    check(measured(style(random.Random(seed)) for seed in range(700, 703)), f1=0.97, fields=0.95)


@pytest.mark.parametrize(
    "make",
    [
        sheets.separated,
        sheets.workbook,
        sheets.parts_list,
        mails.html_table,
        mails.text_columns,
        mails.with_attachment,
        mails.without_order,
        einvoices.alone,
        einvoices.embedded,
        einvoices.without_lines,
        everyday.receipt,
        everyday.amounts_called_prices,
        everyday.in_parts,
        everyday.placed,
        everyday.counts_called_amounts,
    ],
    ids=lambda make: f"{make.__module__.rsplit('.', 1)[1]}-{make.__name__}",
)
def test_sheets_mails_einvoices_and_everyday_papers_are_read(make: Callable[[int], Printed]) -> None:
    check(measured(make(seed) for seed in range(9000, 9006)), f1=0.98, fields=0.97)


@pytest.mark.slow
def test_many_text_pdfs_of_any_layout_are_read() -> None:
    check(measured(press(seed) for seed in range(5028, 5200)), f1=0.97, fields=0.95)


SOURCES = (shopmails, textmails, odd_sheets, word_files, strangers, untabled)
FAMILIES = [make for source in SOURCES for make in source.FAMILIES]


@pytest.mark.parametrize("make", FAMILIES, ids=lambda make: f"{make.__module__.rsplit('.', 1)[1]}-{make.__name__}")
def test_papers_mails_and_sheets_of_strangers_are_read(make: Callable[[int], Printed]) -> None:
    check(measured(make(seed) for seed in range(100, 102)), f1=0.96, fields=0.95)


@pytest.mark.slow
@pytest.mark.parametrize("make", FAMILIES, ids=lambda make: f"{make.__module__.rsplit('.', 1)[1]}-{make.__name__}")
def test_many_papers_mails_and_sheets_of_strangers_are_read(make: Callable[[int], Printed]) -> None:
    check(measured(make(seed) for seed in range(300, 325)), f1=0.96, fields=0.95)


def scanned(seed: int) -> Printed:
    """Scan or photograph a printed page, turned, tilted or noisy."""
    rng = random.Random(seed)
    printed = press(20_000 + seed, count=rng.choice((2, 3, 5)))
    dpi = rng.choice((130, 150, 200))
    page = pages_of(printed.data, dpi)[0]
    if seed % 4 == 0:
        data = as_pdf([scan(page, rng, tilt=rng.uniform(-2, 2))], dpi=dpi)
    elif seed % 4 == 1:
        data = as_image(photograph(page, rng), "JPEG", quality=75)
    elif seed % 4 == 2:
        data = as_pdf([scan(page, rng)[::-1, ::-1].copy()], dpi=dpi)
    else:
        data = as_image(scan(page, rng, tilt=rng.uniform(-4, 4), noise=12), "TIFF")
    return Printed(f"scan-{printed.name}", data, printed.truth)


@pytest.mark.skipif(not available(), reason="text recognition is not installed")
def test_a_photograph_and_a_scan_upside_down_are_read() -> None:
    check(measured(scanned(seed) for seed in (1, 2)), f1=0.85, fields=0.8)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not available(), reason="text recognition is not installed")
def test_many_scans_and_photographs_are_read() -> None:
    check(measured(scanned(seed) for seed in range(40)), f1=0.85, fields=0.9)
