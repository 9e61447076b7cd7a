"""The catalogue becomes what the file says, once, or stays as it was; rows that cannot be used are listed."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from sqlalchemy import func, select

from qconsole.errors import NotFound, Unrecoverable
from qconsole.runtime import Client
from tests.support import eventually
from tests.workers.platform_worker import worker_process
from tests.workers.support import context, every_database, settings_in
from workers import imports as module
from workers.db.models import CatalogueImport, CatalogueRow, StagedRow
from workers.db.repositories import imports as repository
from workers.imports import SyncCatalogue, sync_catalogue
from workers.platform import Platform, opened


def _file(*rows: str, header: str = "code,name,unit,price") -> bytes:
    return "\n".join([header, *rows]).encode()


async def _sync(platform: Platform, content: bytes, *, job_id: str, **more: Any) -> dict[str, Any]:
    stored = await platform.storage.put(content)
    result: dict[str, Any] = await sync_catalogue(
        context(platform, job_id=job_id)[0], SyncCatalogue(file_ref=stored.ref, **more)
    )
    return result


async def _listed(platform: Platform, ref: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO((await platform.storage.read(ref)).decode("utf-8-sig"))))[1:]


async def _rows(platform: Platform) -> dict[str, CatalogueRow]:
    async with platform.database.reading() as session:
        return {row.code: row for row in (await session.execute(select(CatalogueRow))).scalars()}


@every_database
async def test_rows_are_added_changed_and_deactivated(platform: Platform) -> None:
    first = await _sync(platform, _file("1,Rope,m,2.50", "2,Helmet,pcs,8", "3,Rags,kg,1"), job_id="a")
    assert (first["added"], first["changed"], first["deactivated"]) == (3, 0, 0)
    before = await _rows(platform)
    second = await _sync(
        platform, _file("1,Rope,m,2.5", "2,Helmet,pcs,9", "4,Paint,l,12"), job_id="b", allow_shrink=True
    )
    assert (second["added"], second["changed"], second["deactivated"]) == (1, 1, 1)
    after = await _rows(platform)
    assert {code: row.active for code, row in after.items()} == {"1": True, "2": True, "3": False, "4": True}
    assert after["2"].price == Decimal(9)
    assert after["1"].updated_ms == before["1"].updated_ms


@every_database
async def test_a_dry_run_tells_and_changes_nothing(platform: Platform) -> None:
    await _sync(platform, _file("1,Rope,m,2", "2,Rags,kg,1", "3,=Paint,l,9"), job_id="a")
    before = {code: row.updated_ms for code, row in (await _rows(platform)).items()}
    content = _file("1,Rope,m,3", "2,Rags,kg,1", "4,Helmet,pcs,8")
    for _ in range(2):
        result = await _sync(platform, content, job_id="b", dry_run=True, allow_shrink=True)
        assert (result["status"], result["added"], result["changed"], result["deactivated"]) == ("compared", 1, 1, 1)
        assert await _listed(platform, result["changes_ref"]) == [
            ["added", "4", "", "", "Helmet"],
            ["changed", "1", "price", "2", "3"],
            ["deactivated", "3", "", "'=Paint", ""],
        ]
    assert {code: row.updated_ms for code, row in (await _rows(platform)).items()} == before


@every_database
async def test_rows_that_cannot_be_used_are_listed_in_a_safe_file(platform: Platform) -> None:
    content = _file(
        "1,Rope,m,2", ",Nameless,m,1", "2,,m,1", "3,Helmet,pcs,dear", "=1+1,Evil,,", "1,Again,m,2", "4,X,m,-1",
        '5,Anchor,pcs,"1,234"',
    )  # fmt: skip
    result = await _sync(platform, content, job_id="a")
    assert (result["rows"], result["refused"]) == (2, 6)
    assert [row[:2] for row in await _listed(platform, result["errors_ref"])] == [
        ["2", "code is missing"],
        ["3", "name is missing"],
        ["4", "price must be a number not below 0, got 'dear'"],
        ["6", "the code was given before"],
        ["7", "price must be a number not below 0, got '-1'"],
        ["8", "price must be clear, got '1,234'; write it with a point and two digits behind it"],
    ]


@every_database
async def test_a_row_whose_new_version_cannot_be_used_stays_as_it_is(platform: Platform) -> None:
    await _sync(platform, _file(*(f"{n},Row {n},m,1" for n in range(10))), job_id="a")
    result = await _sync(platform, _file("0,Row 0,m,dear", *(f"{n},Row {n},m,2" for n in range(1, 10))), job_id="b")
    assert (result["changed"], result["deactivated"], result["kept"]) == (9, 0, 1)
    kept = (await _rows(platform))["0"]
    assert (kept.active, kept.price) == (True, Decimal(1))


async def test_a_file_of_rows_that_cannot_be_used_changes_nothing(platform: Platform) -> None:
    await _sync(platform, _file(*(f"{n},Row {n},m,1" for n in range(10))), job_id="a")
    for _ in range(2):
        with pytest.raises(Unrecoverable, match="lacks or spoils 9 of 10"):
            await _sync(platform, _file("0,New 0,m,1", *(f"{n},Row {n},m,dear" for n in range(1, 10))), job_id="b")
    assert (await _rows(platform))["0"].name == "Row 0"


async def test_a_catalogue_that_would_shrink_is_left_as_it_is(platform: Platform) -> None:
    await _sync(platform, _file(*(f"{n},Row {n},m,1" for n in range(10))), job_id="a")
    with pytest.raises(Unrecoverable, match="lacks or spoils 9 of 10 active rows"):
        await _sync(platform, _file("1,Row 1,m,1"), job_id="b")
    assert all(row.active for row in (await _rows(platform)).values())
    assert (await _sync(platform, _file("1,Row 1,m,1"), job_id="c", allow_shrink=True))["deactivated"] == 9


async def test_a_crash_goes_on_from_the_checkpoint(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 100)
    stored = await platform.storage.put(_file(*(f"{n},Row {n},m,1" for n in range(1_000))))
    ctx, recorder = context(platform)
    staged = 0
    stage = repository.stage

    async def stage_and_die(*args: Any, **more: Any) -> None:
        nonlocal staged
        staged += 1
        if staged == 6:
            raise ConnectionError("the power went out")
        await stage(*args, **more)

    monkeypatch.setattr(repository, "stage", stage_and_die)
    with pytest.raises(ConnectionError):
        await sync_catalogue(ctx, SyncCatalogue(file_ref=stored.ref))
    result = await sync_catalogue(ctx, SyncCatalogue(file_ref=stored.ref))
    assert recorder.lines == ["goes on after row 500"]
    assert (result["rows"], result["added"]) == (1_000, 1_000)
    again = await sync_catalogue(ctx, SyncCatalogue(file_ref=stored.ref))
    assert again == result
    async with platform.database.reading() as session:
        assert (await session.execute(select(func.count()).select_from(StagedRow))).scalar() == 0


IN_A_BATCH = "workers.db.repositories.imports:stage:3"


@pytest.mark.slow  # its short form is the one before
@pytest.mark.parametrize(
    ("rows", "die", "database_kind"),
    [
        (12_000, IN_A_BATCH, "sqlite"),
        pytest.param(12_000, IN_A_BATCH, "postgresql", marks=pytest.mark.postgres),
        (50_000, "", "sqlite"),
    ],
    indirect=["database_kind"],
)
@pytest.mark.timeout(300)
async def test_an_import_goes_on_after_its_worker_was_killed(
    platform: Platform, redis_url: str, rows: int, die: str
) -> None:
    stored = await platform.storage.put(_file(*(f"{n:06},Product number {n},pcs,{n}.5" for n in range(rows))))

    async def record() -> CatalogueImport:
        async with platform.database.reading() as session:
            found = (await session.execute(select(CatalogueImport))).scalar_one_or_none()
        assert found is not None
        return found

    async def staged() -> bool:
        return (await record()).checkpoint > 0

    async def applied() -> bool:
        return (await record()).status == "applied"

    async with await Client.connect(redis_url) as client:
        await client.enqueue(sync_catalogue, SyncCatalogue(file_ref=stored.ref))
    with worker_process(platform.settings, redis_url, sync_catalogue.name, die=die) as process:
        await eventually(lambda: process.poll() is not None if die else staged(), deadline_s=120)
    killed = await record()
    assert killed.status == "staging"
    assert 0 < killed.checkpoint < rows
    with worker_process(platform.settings, redis_url, sync_catalogue.name):
        await eventually(applied, deadline_s=120, interval_s=0.1)
    ended = await record()
    assert (ended.rows, ended.refused, ended.started_ms) == (rows, 0, killed.started_ms)
    assert ended.difference is not None
    assert ended.difference["added"] == len(await _rows(platform)) == rows


@pytest.mark.slow
@every_database
async def test_fifty_thousand_rows_are_imported_and_compared(platform: Platform) -> None:
    content = _file(*(f"{n:06},Product number {n},pcs,{n}.5" for n in range(50_000)))
    assert (await _sync(platform, content, job_id="a"))["added"] == 50_000
    second = await _sync(platform, content, job_id="b")
    assert (second["added"], second["changed"], second["deactivated"]) == (0, 0, 0)


async def test_a_workbook_is_read_too(platform: Platform) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate([["IMPA", "Product name", "UOM", "Price"], [210143, "Rope", "m", 2.5]]):
            sheet.write_row(place, 0, row)
    await _sync(platform, out.getvalue(), job_id="a")
    assert (await _rows(platform))["210143"].price == Decimal("2.5")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "column for code"),
        (b"PK\x03\x04junk", "not a workbook"),
        (b"\0\0\0", "not a text"),
    ],
)
async def test_what_is_no_catalogue_is_refused(platform: Platform, content: bytes, sentence: str) -> None:
    with pytest.raises(Unrecoverable, match=sentence):
        await _sync(platform, content, job_id="a")


async def test_a_source_that_is_not_there_is_tried_again(platform: Platform, tmp_path: Path) -> None:
    with pytest.raises(Unrecoverable, match="names no file"):
        await sync_catalogue(context(platform)[0], SyncCatalogue())
    source = tmp_path / "share" / "impa.csv"
    platform.settings = settings_in(tmp_path, catalogue_source=str(source))
    with pytest.raises(NotFound, match="cannot be read: No such file"):
        await sync_catalogue(context(platform)[0], SyncCatalogue())
    async with platform.database.reading() as session:
        assert (await session.execute(select(CatalogueImport))).all() == []
    source.parent.mkdir()
    source.write_bytes(_file("1,Rope,m,2"))
    assert (await sync_catalogue(context(platform)[0], SyncCatalogue()))["added"] == 1


async def test_a_broken_source_is_looked_at_again_when_the_job_is_replayed(platform: Platform, tmp_path: Path) -> None:
    source = tmp_path / "impa.csv"
    platform.settings = settings_in(tmp_path, catalogue_source=str(source))
    source.write_bytes(b"nothing,of,use")
    with pytest.raises(Unrecoverable, match="column for code"):
        await sync_catalogue(context(platform)[0], SyncCatalogue())
    source.write_bytes(_file("1,Rope,m,2"))
    assert (await sync_catalogue(context(platform)[0], SyncCatalogue()))["added"] == 1


@pytest.mark.parametrize("source", ["/etc/passwd", "../secret.csv", "link.csv"])
async def test_a_source_elsewhere_is_refused(platform: Platform, tmp_path: Path, source: str) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "link.csv").symlink_to("/etc/passwd")
    platform.settings = settings_in(tmp_path, catalogue_source=str(tmp_path / "share" / "impa.csv"))
    with pytest.raises(Unrecoverable, match="in the folder of PLATFORM_CATALOGUE_SOURCE"):
        await sync_catalogue(context(platform)[0], SyncCatalogue(source=source))


async def test_a_worker_that_lost_its_job_does_not_empty_the_catalogue(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await platform.storage.put(_file("1,Rope,m,2"))
    payload = SyncCatalogue(file_ref=stored.ref)
    refuse_repeats = repository.refuse_repeats

    async def overtaken(*args: Any) -> int:
        monkeypatch.undo()
        count = await refuse_repeats(*args)
        await args[0].commit()
        async with opened(platform.settings) as other_worker:
            await sync_catalogue(context(other_worker)[0], payload)
        return count

    monkeypatch.setattr(repository, "refuse_repeats", overtaken)
    assert (await sync_catalogue(context(platform)[0], payload))["status"] == "applied"
    assert (await _rows(platform))["1"].active
