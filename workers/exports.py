"""The export job: rows of the platform as CSV or XLSX, read and written in pieces, fetched by a link that expires."""

import asyncio
import csv
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, closing
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, Field
from sqlalchemy import Select, func, select

from qconsole.errors import Unrecoverable
from qconsole.runtime import Context
from workers.db.models import CatalogueRow, DocumentLine, FailedJob
from workers.downloads import check_links, download_link, keep_result
from workers.email import MailAddress, SendEmail, send_email
from workers.platform import Platform, platform
from workers.policies import Queue, declare, export_dedup
from workers.safe_cells import safe_cell
from workers.webhooks import client_of

PIECE_ROWS = 2_000
SHEET_ROWS = 1_048_575
CELL_CHARS = 32_767
_CSV, _XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


Pieces = AsyncGenerator[list[tuple[Any, ...]], None]


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    XLSX = "xlsx"


class Subject(StrEnum):
    """What can be exported."""

    CATALOGUE = "catalogue"
    DOCUMENT_LINES = "document_lines"
    FAILED_JOBS = "failed_jobs"


class ExportRows(BaseModel):
    """Which rows, as what, and who is told when they are ready."""

    export_id: str = Field(min_length=1, max_length=64)
    subject: Subject
    format: Format = Format.CSV
    notify: MailAddress | None = None


_COLUMNS: Final[Mapping[Subject, Mapping[str, Any]]] = {
    Subject.CATALOGUE: {
        "code": CatalogueRow.code,
        "name": CatalogueRow.name,
        "description": CatalogueRow.description,
        "brand": CatalogueRow.brand,
        "unit": CatalogueRow.unit,
        "price": CatalogueRow.price,
        "currency": CatalogueRow.currency,
        "active": CatalogueRow.active,
    },
    Subject.DOCUMENT_LINES: {
        "document": DocumentLine.document_id,
        "position": DocumentLine.position,
        "description": DocumentLine.description,
        "quantity": DocumentLine.quantity,
        "unit": DocumentLine.unit,
        "part number": DocumentLine.part_number,
        "unit price": DocumentLine.unit_price,
        "total": DocumentLine.line_total,
        "matched to": DocumentLine.row_id,
        "confidence": DocumentLine.match_confidence,
        "needs review": DocumentLine.needs_review,
    },
    Subject.FAILED_JOBS: {
        "entry": FailedJob.entry_id,
        "queue": FailedJob.queue,
        "job": FailedJob.job_id,
        "job type": FailedJob.job_type,
        "severity": FailedJob.severity,
        "cause": FailedJob.cause,
        "error type": FailedJob.error_type,
        "error": FailedJob.error,
        "attempts": FailedJob.attempts,
        "failed ms": FailedJob.failed_ms,
        "status": FailedJob.status,
        "actor": FailedJob.actor,
        "reason": FailedJob.reason,
    },
}
_ORDER: Final[Mapping[Subject, Sequence[Any]]] = {
    Subject.CATALOGUE: (CatalogueRow.code,),
    Subject.DOCUMENT_LINES: (DocumentLine.document_id, DocumentLine.position),
    Subject.FAILED_JOBS: (FailedJob.entry_id,),
}


@declare("export_rows", queue=Queue.EXPORTS, timeout_s=1_800, dedup=lambda payload: export_dedup(payload.export_id))
async def export_rows(ctx: Context, payload: ExportRows) -> dict[str, Any]:
    """Write rows to a file and say where it can be fetched."""
    here = platform(ctx)
    check_links(here)
    columns = _COLUMNS[payload.subject]
    chosen: Select[Any] = select(*columns.values()).order_by(*_ORDER[payload.subject])
    part = here.storage.partial(payload.export_id)
    write = _write_csv if payload.format is Format.CSV else _write_xlsx
    try:
        async with aclosing(_pieces(here, ctx, chosen)) as pieces:
            rows = await write(part, list(columns), pieces)
        stored = await here.storage.adopt(part)
    finally:
        part.unlink(missing_ok=True)
    name = f"{payload.subject}.{payload.format}"
    content_type = _CSV if payload.format is Format.CSV else _XLSX
    note = await keep_result(here, stored, name=name, content_type=content_type, purpose="export")
    link = download_link(here, note)
    if payload.notify is not None:
        variables = {"name": name, "link": link, "expires_ms": note.expires_ms, "zone": "UTC"}
        await client_of(ctx).enqueue(
            send_email,
            SendEmail(to=[payload.notify], template="file_ready", variables=variables),
            job_id=f"export-{payload.export_id}",
        )
    return {"export_id": payload.export_id, "rows": rows, "file_ref": stored.ref, "link": link}


async def _pieces(here: Platform, ctx: Context, chosen: Select[Any]) -> Pieces:
    """Yields the rows in pieces, all of one moment."""
    done = 0
    async with here.database.reading() as session:
        total = (await session.execute(select(func.count()).select_from(chosen.order_by(None).subquery()))).scalar()
        found = await session.stream(chosen.execution_options(yield_per=PIECE_ROWS))
        async for piece in found.partitions(PIECE_ROWS):
            done += len(piece)
            yield [tuple(safe_cell(value) for value in row) for row in piece]
            ctx.progress(min(99, 100 * done // max(1, total or 0)))


async def _write_csv(path: Path, header: Sequence[str], pieces: Pieces) -> int:
    rows = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        async for piece in pieces:
            await _aside(writer.writerows, piece)
            rows += len(piece)
    return rows


async def _write_xlsx(path: Path, header: Sequence[str], pieces: Pieces) -> int:
    # In constant memory the sheet has a file of its own until the workbook is closed, which a cancelled job never does.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        return await _write_book(path, header, pieces, folder)


async def _write_book(path: Path, header: Sequence[str], pieces: Pieces, folder: str) -> int:
    import xlsxwriter

    options = {
        "constant_memory": True,
        "tmpdir": folder,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    book = xlsxwriter.Workbook(str(path), options)
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, header, book.add_format({"bold": True}))
    rows = 0
    with closing(sheet.row_data_fh):
        async for piece in pieces:
            if rows + len(piece) > SHEET_ROWS:
                raise Unrecoverable(f"a sheet holds at most {SHEET_ROWS:,} rows; export as csv instead")
            await _aside(_write_piece, sheet, rows + 1, piece)
            rows += len(piece)
        await _aside(book.close)
    return rows


def _write_piece(sheet: Any, first: int, piece: list[tuple[Any, ...]]) -> None:
    for place, row in enumerate(piece, start=first):
        sheet.write_row(place, 0, [_sheet_cell(value) for value in row])


def _sheet_cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, str) and len(value) > CELL_CHARS:
        # A longer text would be left out without a word.
        return value[: CELL_CHARS - 1] + "…"
    return value


async def _aside(work: Callable[..., Any], *arguments: Any) -> None:
    """Runs a short piece of work in a thread; a cancelled job waits for it, so that nothing writes to a closed file."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
