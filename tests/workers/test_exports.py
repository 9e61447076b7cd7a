"""Exports hold every row, run nothing when opened, and are fetched by a link that cannot be forged."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from itsdangerous import URLSafeTimedSerializer
from pydantic import SecretStr
from python_calamine import CalamineWorkbook
from redis.asyncio import Redis
from sqlalchemy import insert, select

from qconsole.errors import ConfigError, Forbidden, NotFound
from qconsole.runtime import Client
from tests.support import eventually
from tests.workers.http_server import served
from tests.workers.support import context, settings_in, work
from workers import exports as module
from workers.db.models import CatalogueRow, StoredFile
from workers.downloads import opened_link
from workers.exports import ExportRows, Format, Subject, export_rows
from workers.http.files import files_app
from workers.maintenance import Upkeep, remove_expired_files
from workers.platform import Platform, opened
from workers.safe_cells import safe_cell


@pytest.fixture
async def exporting(tmp_path: Path) -> AsyncIterator[Platform]:
    async with opened(settings_in(tmp_path, link_secret=SecretStr("0123456789abcdef"), reader_processes=1)) as found:
        rows = [
            {"code": f"{n:06}", "name": "=HYPERLINK(1)" if n == 1 else f"Row {n}",
             "description": "x" * 40_000 if n == 2 else "", "brand": "",
             "unit": "m", "currency": "", "price": Decimal("1.5"), "active": True, "updated_ms": 1}
            for n in range(5_000)
        ]  # fmt: skip
        async with found.database.writing() as session:
            await session.execute(insert(CatalogueRow), rows)
        yield found


async def _export(platform: Platform, form: Format) -> tuple[dict[str, object], bytes]:
    result = await export_rows(context(platform)[0], ExportRows(export_id="x1", subject=Subject.CATALOGUE, format=form))
    return result, await platform.storage.read(result["file_ref"])


async def test_a_csv_holds_every_row_and_runs_nothing(exporting: Platform) -> None:
    result, content = await _export(exporting, Format.CSV)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert (result["rows"], len(rows)) == (5_000, 5_001)
    assert rows[2][:2] == ["000001", "'=HYPERLINK(1)"]
    assert (rows[2][5], len(rows[3][2])) == ("1.5", 40_000)


async def test_a_workbook_holds_every_row_and_runs_nothing(exporting: Platform) -> None:
    result, content = await _export(exporting, Format.XLSX)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert (result["rows"], len(rows)) == (5_000, 5_001)
    assert rows[2][1] == "'=HYPERLINK(1)"
    assert rows[2][5] == 1.5
    assert rows[3][2] == "x" * 32_766 + "…"


@pytest.mark.parametrize("form", Format)
async def test_a_cancelled_export_leaves_no_file_behind(
    exporting: Platform, form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_ROWS", 100)
    ctx, recorder = context(exporting)
    payload = ExportRows(export_id="x1", subject=Subject.CATALOGUE, format=form)
    running = asyncio.create_task(export_rows(ctx, payload))
    await eventually(lambda: recorder.steps)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert list((exporting.settings.storage_dir / "partial").iterdir()) == []
    async with exporting.database.reading() as session:
        assert (await session.execute(select(StoredFile))).all() == []


async def test_a_content_kept_for_good_is_not_given_an_end(exporting: Platform) -> None:
    result, _ = await _export(exporting, Format.CSV)
    async with exporting.database.writing() as session:
        (await session.get_one(StoredFile, str(result["file_ref"]))).expires_ms = None
    await _export(exporting, Format.CSV)
    async with exporting.database.reading() as session:
        assert (await session.get_one(StoredFile, str(result["file_ref"]))).expires_ms is None


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_what_would_be_run_is_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-5, Decimal("-1.50"), 2.5, None, True, "plain", "a=b"])
def test_numbers_and_plain_texts_stay_what_they_are(value: object) -> None:
    assert safe_cell(value) is value


async def test_a_link_opens_its_file_until_it_is_removed(exporting: Platform) -> None:
    result, _ = await _export(exporting, Format.CSV)
    token = str(result["link"]).split("/files/")[1].split("/")[0]
    assert (await opened_link(exporting, token)).ref == result["file_ref"]
    with pytest.raises(Forbidden, match="not valid"):
        await opened_link(exporting, token[:-2] + "xx")
    async with exporting.database.writing() as session:
        (await session.get_one(StoredFile, str(result["file_ref"]))).expires_ms = 1
    with pytest.raises(NotFound, match="no longer kept"):
        await opened_link(exporting, token)
    assert (await remove_expired_files(context(exporting)[0], Upkeep()))["files"] == 1
    with pytest.raises(NotFound):
        await exporting.storage.read(str(result["file_ref"]))


async def test_a_file_is_served_to_who_has_its_link(exporting: Platform) -> None:
    result, content = await _export(exporting, Format.CSV)
    path = str(result["link"]).removeprefix(exporting.settings.public_url)
    token = path.split("/")[2]
    async with (
        served(files_app(exporting.settings), lifespan="on") as url,
        httpx2.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-disposition"] == 'attachment; filename="catalogue.csv"'
        assert answer.headers["x-content-type-options"] == "nosniff"
        renamed = await client.get(f"/files/{token}/..%2F..%2Fetc%2Fpasswd")
        assert (renamed.status_code, renamed.content) in [(404, b"Not Found"), (200, content)]
        for forged in (token[:-1], "..%2F..%2Fetc%2Fpasswd", "x" * 5_000):
            assert (await client.get(f"/files/{forged}/catalogue.csv")).status_code in (403, 404)
        await exporting.storage.remove(str(result["file_ref"]))
        gone = await client.get(path)
        assert (gone.status_code, gone.text) == (404, "the file is no longer kept. Ask for it again.")


async def test_a_signed_path_that_is_no_reference_opens_nothing(exporting: Platform) -> None:
    signer = URLSafeTimedSerializer("0123456789abcdef", salt="downloads")
    with pytest.raises(NotFound):
        await opened_link(exporting, str(signer.dumps("../../etc/passwd")))


async def test_somebody_is_told_when_the_file_is_ready(exporting: Platform, redis: Redis) -> None:
    payload = ExportRows(export_id="x1", subject=Subject.FAILED_JOBS, notify="ann@example.org")
    await export_rows(context(exporting, client=Client(redis=redis))[0], payload)
    assert await redis.zcard("email") == 1


async def test_a_worker_writes_an_export(exporting: Platform, redis_url: str) -> None:
    payload = ExportRows(export_id="x1", subject=Subject.CATALOGUE, format=Format.XLSX)
    async with await Client.connect(redis_url) as client:
        await client.enqueue(export_rows, payload)
    await work(exporting, redis_url, export_rows)
    async with exporting.database.reading() as session:
        kept = (await session.execute(select(StoredFile))).scalar_one()
    rows = CalamineWorkbook.from_path(exporting.storage.path(kept.ref)).get_sheet_by_index(0).to_python()
    assert (kept.name, len(rows)) == ("catalogue.xlsx", 5_001)


async def test_without_a_secret_there_are_no_links(platform: Platform) -> None:
    with pytest.raises(ConfigError, match="PLATFORM_LINK_SECRET"):
        await export_rows(context(platform)[0], ExportRows(export_id="x1", subject=Subject.CATALOGUE))
