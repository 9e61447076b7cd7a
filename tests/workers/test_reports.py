"""Reports say the right figures in every format, in the reader's zone, and stop when they are cancelled."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pdfplumber
import pytest
from pydantic import SecretStr, ValidationError
from python_calamine import CalamineWorkbook

from qconsole.errors import Cancelled
from tests.workers.support import context, settings_in
from workers.db.models import Document, DocumentLine
from workers.platform import Platform, opened
from workers.reports import Format, MakeReport, make_report

LATE_MS = 1_736_980_200_000  # 2025-01-15 22:30 UTC, the 16th in Athens


@pytest.fixture
async def reporting(tmp_path: Path) -> AsyncIterator[Platform]:
    async with opened(settings_in(tmp_path, link_secret=SecretStr("0123456789abcdef"), reader_processes=1)) as found:
        async with found.database.writing() as session:
            for number, customer in enumerate(("<b>Acme</b> & Co", "=Evil()", "<b>Acme</b> & Co")):
                session.add(
                    Document(id=f"d{number}", file_ref="f", customer=customer, status="processed", created_ms=1,
                             processed_ms=LATE_MS, lines_found=2, lines_matched=1, lines_in_review=1)
                )  # fmt: skip
                session.add(
                    DocumentLine(document_id=f"d{number}", position=0, description="x", confidence=1, review=[],
                                 alternatives=[], line_total=Decimal("100.10"))
                )  # fmt: skip
        yield found


async def _report(platform: Platform, form: Format, **more: Any) -> bytes:
    payload = MakeReport(report_id="r1", format=form, first=date(2025, 1, 14), last=date(2025, 1, 17), **more)
    result = await make_report(context(platform)[0], payload)
    return await platform.storage.read(result["file_ref"])


async def test_a_pdf_says_the_figures_and_has_a_chart(reporting: Platform) -> None:
    with pdfplumber.open(io.BytesIO(await _report(reporting, Format.PDF))) as pdf:
        text = pdf.pages[0].extract_text()
        assert len(pdf.pages[0].images) == 1
    assert "3 documents, 6 lines, 3 matched, EUR 300.30" in text
    assert "<b>Acme</b> & Co 2 4 EUR 200.20" in text


async def test_html_is_whole_and_escaped(reporting: Platform) -> None:
    page = (await _report(reporting, Format.HTML, title="<script>alert(1)</script>")).decode()
    assert "<script>" not in page
    assert "&lt;b&gt;Acme&lt;/b&gt; &amp; Co" in page
    assert "data:image/png;base64," in page
    assert "http" not in page


async def test_a_workbook_has_days_and_customers(reporting: Platform) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(await _report(reporting, Format.XLSX)))
    assert book.sheet_names == ["Days", "Customers"]
    assert book.get_sheet_by_name("Customers").to_python()[2] == ["'=Evil()", 1.0, 2.0, 100.1]


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2025-01-15"), ("Europe/Athens", "2025-01-16")])
async def test_days_are_those_of_the_readers_zone(reporting: Platform, zone: str, day: str) -> None:
    rows = list(csv.reader(io.StringIO((await _report(reporting, Format.CSV, zone=zone)).decode("utf-8-sig"))))
    assert [row for row in rows[1:] if row[1] != "0"] == [[day, "3", "6", "3", "3"]]
    assert len(rows) == 5


async def test_one_customer_can_be_chosen(reporting: Platform) -> None:
    rows = list(csv.reader(io.StringIO((await _report(reporting, Format.CSV, customer="=Evil()")).decode("utf-8-sig"))))
    assert sum(int(row[1]) for row in rows[1:]) == 1


async def test_a_cancelled_report_stops(reporting: Platform) -> None:
    ctx, _ = context(reporting)
    ctx.cancelled = True
    with pytest.raises(Cancelled):
        await make_report(ctx, MakeReport(report_id="r", first=date(2025, 1, 1), last=date(2025, 1, 2)))


@pytest.mark.parametrize("last", [date(2024, 12, 31), date(2026, 1, 2)])
def test_a_span_that_is_none_or_too_long_is_refused(last: date) -> None:
    with pytest.raises(ValidationError, match="days after first"):
        MakeReport(report_id="r", first=date(2025, 1, 1), last=last)
