"""The catalogue import: staged with a checkpoint, compared, and applied in one transaction.

A crash goes on from the checkpoint. Rows that cannot be used are listed in an error file. A catalogue that would shrink
suspiciously is left as it is; a dry run stops before anything is changed.
"""

import asyncio
import csv
import io
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qconsole.errors import NotFound, Unrecoverable
from qconsole.runtime import Context
from workers.catalogue_file import FileRow, read_rows
from workers.db.models import CatalogueImport, StoredFile
from workers.db.repositories import imports
from workers.maintenance import note_run
from workers.platform import Platform, platform
from workers.policies import Queue, declare, import_dedup
from workers.safe_cells import safe_cell

BATCH_ROWS = 5_000
RESULT_DAYS_MS = 86_400_000
_IMPORTS = uuid.UUID("3f0f6b44-5a0e-4d47-9a53-0e6f8c1e2a77")


class SyncCatalogue(BaseModel):
    """Which file: by reference, else the configured source; `allow_shrink` lets the catalogue become much smaller."""

    file_ref: str | None = None
    source: str = ""
    dry_run: bool = False
    allow_shrink: bool = False
    scheduled: bool = False


@declare("sync_catalogue", queue=Queue.IMPORTS, timeout_s=1_800, dedup=lambda p: import_dedup(p.source or "catalogue"))
async def sync_catalogue(ctx: Context, payload: SyncCatalogue) -> dict[str, Any]:
    """Bring the catalogue to what a file says."""
    here = platform(ctx)
    import_id = str(uuid.uuid5(_IMPORTS, ctx.id))
    record = await _begin(here, import_id, payload)
    if record.status == "applied":
        return _answer(record)
    await _stage(here, ctx, record)
    ctx.progress(60)
    async with here.database.writing() as session:
        await imports.refuse_repeats(session, import_id)
    async with here.database.reading() as session:
        difference = await imports.difference(session, import_id)
    errors_ref = await _error_file(here, import_id)
    ctx.progress(80)
    problem = _problem(here, payload, difference)
    status = "refused" if problem else "compared" if payload.dry_run else "applied"
    async with here.database.writing() as session:
        if status == "applied":
            await imports.apply(session, import_id, at_ms=here.clock.now_ms())
        record = await session.get_one(CatalogueImport, import_id)
        record.status, record.difference, record.errors_ref = status, difference, errors_ref
        record.note, record.finished_ms = problem, here.clock.now_ms()
        await imports.clear(session, import_id)
    ctx.progress(100)
    if status == "applied" and payload.scheduled:
        await note_run(here, "sync-impa-catalog")
    if problem:
        raise Unrecoverable(problem, None, **difference)
    return _answer(record)


async def _begin(here: Platform, import_id: str, payload: SyncCatalogue) -> CatalogueImport:
    """Returns this job's import, started now or by an attempt before."""
    async with here.database.reading() as session:
        known = await session.get(CatalogueImport, import_id)
    if known is not None and known.status in ("staging", "applied"):
        return known
    source = payload.source or here.settings.catalogue_source
    ref = payload.file_ref or await _fetch(here, source)
    record = CatalogueImport(
        id=import_id,
        source=source or "upload",
        file_ref=ref,
        status="staging",
        dry_run=payload.dry_run,
        checkpoint=0,
        rows=0,
        refused=0,
        started_ms=here.clock.now_ms(),
    )
    async with here.database.writing() as session:
        await session.merge(record)
    return record


async def _fetch(here: Platform, source: str) -> str:
    if not source:
        raise Unrecoverable("the import names no file, and PLATFORM_CATALOGUE_SOURCE is not set")
    try:
        content = await asyncio.to_thread(Path(source).read_bytes)
    except OSError as error:
        # A share that is not mounted may be there at the next attempt.
        raise NotFound(f"the catalogue source {source} cannot be read: {error.strerror or error}") from error
    return (await here.storage.put(content)).ref


async def _stage(here: Platform, ctx: Context, record: CatalogueImport) -> None:
    content = await here.storage.read(record.file_ref)
    rows = read_rows(content, after=record.checkpoint)
    if record.checkpoint:
        ctx.log(f"goes on after row {record.checkpoint:,}")
    while batch := await asyncio.to_thread(_batch, rows):
        async with here.database.writing() as session:
            await imports.stage(
                session,
                record.id,
                rows=[row.values for row in batch if not row.reason],
                refused=[
                    {"position": row.position, "reason": row.reason, "content": row.content}
                    for row in batch
                    if row.reason
                ],
                checkpoint=batch[-1].position,
            )
        ctx.progress(min(55, 5 + batch[-1].position // 2_000))


def _batch(rows: Iterator[FileRow]) -> list[FileRow]:
    return list(islice(rows, BATCH_ROWS))


def _problem(here: Platform, payload: SyncCatalogue, difference: dict[str, int]) -> str | None:
    active, gone = difference["active"], difference["deactivated"]
    allowed = here.settings.catalogue_max_shrink
    if payload.allow_shrink or active == 0 or gone <= active * allowed:
        return None
    return (
        f"the import would deactivate {gone:,} of {active:,} rows, more than {allowed:.0%}; nothing was changed. "
        "Check the file, or run it again with allow_shrink"
    )


async def _error_file(here: Platform, import_id: str) -> str | None:
    async with here.database.reading() as session:
        refused = await imports.refused_rows(session, import_id)
    if not refused:
        return None
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("row", "reason", "content"))
    writer.writerows((row.position, row.reason, safe_cell(row.content)) for row in refused)
    stored = await here.storage.put(text.getvalue().encode("utf-8-sig"))
    now_ms = here.clock.now_ms()
    async with here.database.writing() as session:
        await session.merge(
            StoredFile(
                ref=stored.ref,
                name="import-errors.csv",
                content_type="text/csv",
                size_bytes=stored.size_bytes,
                sha256=stored.ref,
                purpose="import-errors",
                created_ms=now_ms,
                expires_ms=now_ms + here.settings.result_keep_days * RESULT_DAYS_MS,
            )
        )
    return stored.ref


def _answer(record: CatalogueImport) -> dict[str, Any]:
    return {
        "import_id": record.id,
        "status": record.status,
        "rows": record.rows,
        "refused": record.refused,
        "errors_ref": record.errors_ref,
        **(record.difference or {}),
    }
