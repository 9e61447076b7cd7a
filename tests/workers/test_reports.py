"""Reports say the right figures in every format, in the reader's zone, and stop when they are cancelled."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pdfplumber
import pytest
from pydantic import SecretStr, ValidationError
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from qconsole.errors import Unrecoverable
from qconsole.runtime import Client
from tests.workers.support import context, settings_in, work
from workers import reports as module
from workers.db.models import Document, DocumentLine, StoredFile
from workers.extras import Extra
from workers.platform import Platform, opened
from workers.reporting.chart import bars_of
from workers.reporting.figures import CustomerShare, Day, Figures
from workers.reporting.pdf import write_pdf
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
    assert "3 6 3 (50%) EUR 300.30" in text
    assert "<b>Acme</b> & Co 2 4 EUR 200.20" in text


async def test_a_pdf_shows_letters_of_every_customer(reporting: Platform) -> None:
    async with reporting.database.writing() as session:
        session.add(Document(id="d9", file_ref="f", customer="Ναυτιλία Морской Łódź", status="processed", created_ms=1,
                             processed_ms=LATE_MS, lines_found=2))  # fmt: skip
    with pdfplumber.open(io.BytesIO(await _report(reporting, Format.PDF))) as pdf:
        assert "Ναυτιλία Морской Łódź 1 2 EUR 0.00" in pdf.pages[0].extract_text()


async def test_html_is_whole_and_escaped(reporting: Platform) -> None:
    page = (await _report(reporting, Format.HTML, title="<script>alert(1)</script>")).decode()
    assert "<script>" not in page
    assert "&lt;b&gt;Acme&lt;/b&gt; &amp; Co" in page
    assert "data:image/png;base64," in page
    assert "http" not in page


async def test_a_workbook_has_days_and_customers(reporting: Platform) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(await _report(reporting, Format.XLSX)))
    assert book.sheet_names == ["Days", "Customers"]
    assert book.get_sheet_by_name("Days").to_python()[1][0] == date(2025, 1, 14)
    assert book.get_sheet_by_name("Customers").to_python()[2] == ["'=Evil()", 1.0, 2.0, 100.1]


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2025-01-15"), ("Europe/Athens", "2025-01-16")])
async def test_days_are_those_of_the_readers_zone(reporting: Platform, zone: str, day: str) -> None:
    rows = list(csv.reader(io.StringIO((await _report(reporting, Format.CSV, zone=zone)).decode("utf-8-sig"))))
    assert [row for row in rows[1:] if row[1] != "0"] == [[day, "3", "6", "3", "3", "3"]]
    assert len(rows) == 5


async def test_one_customer_can_be_chosen(reporting: Platform) -> None:
    rows = list(csv.reader(io.StringIO((await _report(reporting, Format.CSV, customer="=Evil()")).decode("utf-8-sig"))))
    assert sum(int(row[1]) for row in rows[1:]) == 1


@pytest.mark.parametrize("form", Format)
async def test_a_cancelled_report_stops_and_keeps_nothing(reporting: Platform, form: Format) -> None:
    ctx, recorder = context(reporting)
    payload = MakeReport(report_id="r", format=form, first=date(2025, 1, 1), last=date(2025, 1, 2))
    running = asyncio.create_task(make_report(ctx, payload))
    async with asyncio.timeout(30):
        while not recorder.steps:  # each turn of the loop, so that the report cannot end in between
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with reporting.database.reading() as session:
        assert (await session.execute(select(StoredFile))).all() == []


async def test_a_report_that_is_too_large_says_what_to_do(reporting: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    with pytest.raises(Unrecoverable, match=r"at most 100 bytes, got .*ask for fewer days"):
        await _report(reporting, Format.CSV)


async def test_without_the_extra_only_drawn_reports_are_refused(
    reporting: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPORTS", Extra("reports", ("no_such_module",), "-"))
    with pytest.raises(Unrecoverable, match="a report as pdf needs the reports extra") as refused:
        await _report(reporting, Format.PDF)
    assert refused.value.hint == "Run: pip install 'qconsole[reports]'"
    assert await _report(reporting, Format.XLSX)


def _figures(days: int, customers: int) -> Figures:
    first = date(2025, 1, 1)
    return Figures(
        first=first, last=first + timedelta(days=days - 1), zone="UTC", currency="EUR",
        days=[Day(first + timedelta(days=n), 1, 4, 3, 1) for n in range(days)],
        customers=[CustomerShare(f"c{n}", 1, 2, Decimal(n)) for n in range(customers)],
    )  # fmt: skip


def test_bars_are_weeks_when_the_span_is_long() -> None:
    assert [len(bar) for bar in bars_of(_figures(62, 0).days)] == [1] * 62
    assert [len(bar) for bar in bars_of(_figures(366, 0).days)] == [7] * 52 + [2]


def test_many_customers_are_shown_as_others_and_nothing_is_left_out_of_the_sum() -> None:
    shown = _figures(1, 500).shown_customers
    assert (len(shown), shown[-1].customer) == (201, "300 others")
    assert sum(share.amount for share in shown) == sum(range(500))


@pytest.mark.parametrize("days", [1, 366])
def test_an_empty_span_can_be_drawn(days: int) -> None:
    empty = replace(_figures(days, 0), days=[Day(date(2025, 1, 1), 0, 0, 0, 0)] * days)
    assert write_pdf(empty, "Nothing").startswith(b"%PDF")


async def test_a_worker_makes_a_report_and_tells_who_asked(reporting: Platform, redis_url: str) -> None:
    payload = MakeReport(report_id="r1", first=date(2025, 1, 14), last=date(2025, 1, 17), notify="ann@example.org")
    async with await Client.connect(redis_url) as client:
        await client.enqueue(make_report, payload)
        await work(reporting, redis_url, make_report)
        assert await client.redis.zcard("email") == 1
    async with reporting.database.reading() as session:
        kept = (await session.execute(select(StoredFile))).scalar_one()
    assert (kept.name, kept.purpose) == ("r1.pdf", "report")
    assert (await reporting.storage.read(kept.ref)).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"zone": "Mars/Base"}, "zone must be one such as"),
        ({"zone": "../etc/passwd"}, "zone must be one such as"),
        ({"currency": "euro"}, "currency"),
        ({"report_id": "../x"}, "report_id"),
    ],
)
def test_a_report_that_cannot_be_meant_is_refused(wrong: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        MakeReport(**{"report_id": "r", "first": date(2025, 1, 1), "last": date(2025, 1, 2), **wrong})


@pytest.mark.parametrize("last", [date(2024, 12, 31), date(2026, 1, 2)])
def test_a_span_that_is_none_or_too_long_is_refused(last: date) -> None:
    with pytest.raises(ValidationError, match="days after first"):
        MakeReport(report_id="r", first=date(2025, 1, 1), last=last)
