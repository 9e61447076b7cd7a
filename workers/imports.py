"""The catalogue import: staged with a checkpoint, compared, and applied in one transaction.

A crash goes on from the checkpoint. Rows that cannot be used are listed in an error file, and a dry run lists what
would change. A catalogue that would shrink suspiciously is left as it is.
"""

import asyncio
import csv
import io
import uuid
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qconsole.errors import NotFound, Unrecoverable
from qconsole.runtime import Context
from workers.catalogue_file import MAX_BYTES, FileRow, read_rows
from workers.db.models import CatalogueImport
from workers.db.repositories import imports
from workers.downloads import keep_result
from workers.maintenance import note_run
from workers.platform import Platform, platform
from workers.policies import DAY_S, Queue, declare, import_dedup
from workers.safe_cells import safe_cell

BATCH_ROWS = 5_000
ABANDONED_AFTER_MS = 7 * DAY_S * 1_000
_IMPORTS = uuid.UUID("3f0f6b44-5a0e-4d47-9a53-0e6f8c1e2a77")


class SyncCatalogue(BaseModel):
    """Which file: by reference, else the configured source; `allow_shrink` lets the catalogue become much smaller.

    `source` names another file in the configured source's folder.
    """

    file_ref: str | None = None
    source: str = ""
    dry_run: bool = False
    allow_shrink: bool = False
    scheduled: bool = False


@declare(
    "sync-impa-catalog", queue=Queue.IMPORTS, timeout_s=1_800, dedup=lambda p: import_dedup(p.source or "catalogue")
)
async def sync_catalogue(ctx: Context, payload: SyncCatalogue) -> dict[str, Any]:
    """Bring the catalogue to what a file says."""
    here = platform(ctx)
    record = await _begin(here, str(uuid.uuid5(_IMPORTS, ctx.id)), payload)
    if record.status == "applied":
        return _answer(record)
    try:
        await _stage(here, ctx, record)
    except Unrecoverable as error:
        # Ended, so that a replay looks at the source again instead of going on with a file that cannot be read.
        await _end(here, record.id, status="refused", note=str(error))
        raise
    async with here.database.writing() as session:
        await imports.refuse_repeats(session, record.id)
    ctx.progress(70)
    record.errors_ref = await _error_file(here, record.id)
    changes_ref = await _changes_file(here, record.id) if payload.dry_run else None
    ctx.progress(80)
    record, problem = await _decide(here, record, payload, changes_ref)
    ctx.progress(100)
    if problem:
        raise Unrecoverable(problem, None, **(record.difference or {}))
    if record.status == "applied" and payload.scheduled:
        await note_run(here, "sync-impa-catalog")
    return _answer(record)


async def _begin(here: Platform, import_id: str, payload: SyncCatalogue) -> CatalogueImport:
    """Returns this job's import: gone on with when an attempt before was cut short, else begun anew."""
    async with here.database.reading() as session:
        known = await session.get(CatalogueImport, import_id)
    if known is not None and known.status in ("staging", "applied"):
        return known
    source = payload.source or here.settings.catalogue_source
    ref = payload.file_ref or (await here.storage.put(await asyncio.to_thread(_fetched, here, source))).ref
    now_ms = here.clock.now_ms()
    record = CatalogueImport(
        id=import_id,
        source=source or "upload",
        file_ref=ref,
        status="staging",
        dry_run=payload.dry_run,
        checkpoint=0,
        rows=0,
        refused=0,
        started_ms=now_ms,
    )
    async with here.database.writing() as session:
        await imports.forget_abandoned(session, before_ms=now_ms - ABANDONED_AFTER_MS)
        await imports.begin(session, record)
    return record


def _fetched(here: Platform, source: str) -> bytes:
    configured = here.settings.catalogue_source
    if not source or not configured:
        raise Unrecoverable("the import names no file, and PLATFORM_CATALOGUE_SOURCE is not set")
    folder = Path(configured).parent.resolve()
    path = (folder / source).resolve() if source != configured else Path(configured)
    if source != configured and folder not in path.parents:
        raise Unrecoverable(
            f"the source must be a file in the folder of PLATFORM_CATALOGUE_SOURCE, got {source[:200]!r}"
        )
    try:
        if path.exists() and not path.is_file():
            raise Unrecoverable(f"the catalogue source {source} must be a file")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise Unrecoverable(f"the catalogue file must be at most {MAX_BYTES:,} bytes, got {size:,}")
        return path.read_bytes()
    except OSError as error:
        # A share that is not mounted may be there at the next attempt.
        raise NotFound(f"the catalogue source {source} cannot be read: {error.strerror or error}") from error


async def _stage(here: Platform, ctx: Context, record: CatalogueImport) -> None:
    content = await here.storage.read(record.file_ref)
    rows = read_rows(content, after=record.checkpoint)
    if record.checkpoint:
        ctx.log(f"goes on after row {record.checkpoint:,}")
    lines = max(1, content.count(b"\n"))
    while batch := await asyncio.to_thread(_batch, rows):
        async with here.database.writing() as session:
            await imports.stage(
                session,
                record.id,
                rows=[row.values for row in batch if not row.reason],
                refused=[
                    {"position": row.position, "code": row.code, "reason": row.reason, "content": row.content}
                    for row in batch
                    if row.reason
                ],
                checkpoint=batch[-1].position,
            )
        # A workbook does not say how long it is before it is read: it stays at the same step.
        ctx.progress(min(60, 60 * batch[-1].position // lines))


def _batch(rows: Iterator[FileRow]) -> list[FileRow]:
    return list(islice(rows, BATCH_ROWS))


async def _decide(
    here: Platform, staged: CatalogueImport, payload: SyncCatalogue, changes_ref: str | None
) -> tuple[CatalogueImport, str | None]:
    """Compares and applies in one transaction; returns the ended import and why it was refused, if it was."""
    async with here.database.writing() as session:
        record = await imports.locked(session, staged.id)
        if record.status != "staging":
            # Another worker took the job over and has ended it: its staged rows are gone, and nothing may be compared.
            return record, record.note
        difference = await imports.difference(session, record.id)
        problem = _problem(here, payload, difference)
        record.status = "refused" if problem else "compared" if payload.dry_run else "applied"
        record.difference = {**difference, "changes_ref": changes_ref} if changes_ref else difference
        record.errors_ref, record.note = staged.errors_ref, problem
        record.finished_ms = here.clock.now_ms()
        if record.status == "applied":
            await imports.apply(session, record.id, at_ms=record.finished_ms)
        await imports.clear(session, record.id)
    return record, problem


async def _end(here: Platform, import_id: str, *, status: str, note: str) -> None:
    async with here.database.writing() as session:
        record = await imports.locked(session, import_id)
        record.status, record.note, record.finished_ms = status, note, here.clock.now_ms()
        await imports.clear(session, import_id)


def _problem(here: Platform, payload: SyncCatalogue, difference: dict[str, int]) -> str | None:
    active, gone = difference["active"], difference["deactivated"] + difference["kept"]
    allowed = here.settings.catalogue_max_shrink
    if payload.allow_shrink or active == 0 or gone <= active * allowed:
        return None
    return (
        f"the file lacks or spoils {gone:,} of {active:,} active rows, more than {allowed:.0%}; nothing was changed. "
        "Check the file, or run it again with allow_shrink"
    )


async def _error_file(here: Platform, import_id: str) -> str | None:
    async with here.database.reading() as session:
        refused = await imports.refused_rows(session, import_id)
    rows = [(row.position, row.reason, row.content) for row in refused]
    return await _listed(here, "import-errors", ("row", "reason", "content"), rows) if rows else None


async def _changes_file(here: Platform, import_id: str) -> str:
    async with here.database.reading() as session:
        changes = [row async for row in imports.changes(session, import_id)]
    return await _listed(here, "import-changes", ("change", "code", "field", "before", "after"), changes)


async def _listed(here: Platform, purpose: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    stored = await here.storage.put(await asyncio.to_thread(_csv, header, rows))
    await keep_result(here, stored, name=f"{purpose}.csv", content_type="text/csv", purpose=purpose)
    return stored.ref


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _answer(record: CatalogueImport) -> dict[str, Any]:
    return {
        "import_id": record.id,
        "status": record.status,
        "rows": record.rows,
        "refused": record.refused,
        "errors_ref": record.errors_ref,
        **(record.difference or {}),
    }
