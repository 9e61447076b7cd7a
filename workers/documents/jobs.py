"""The document job: parse, extract, match, save, with progress 10/40/70/90/100.

A document's lines, its status and its event are saved in one transaction; saving twice changes nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from pydantic import BaseModel, Field, TypeAdapter

from qconsole.errors import NotFound, Unrecoverable
from qconsole.runtime import Context
from workers.db.models import Document, DocumentLine
from workers.db.repositories.catalogue import active_rows, catalogue_version
from workers.db.repositories.documents import (
    Outcome,
    add_document,
    decisions_of,
    keep_parsed_file,
    parsed_file,
    refuse_document,
    save_outcome,
    start_document,
)
from workers.documents.errors import UnreadableDocument
from workers.documents.matching import Catalogue, Line, Match
from workers.documents.model import LineItem, ParsedDocument
from workers.platform import Platform, platform
from workers.policies import REVIEW_BELOW, Queue, declare, document_dedup
from workers.webhooks import SendEvents, send_events

ENGINE: Final = "1"
"""Raise it when the same file would be read differently; files read by another engine are read again."""

_LINES = TypeAdapter(list[LineItem])
_SHORT_CHARS = 255
_SHELF = "documents.catalogue"


class ProcessDocument(BaseModel):
    """Which document; `file_ref`, `name` and `customer` take it in when it is not known yet."""

    document_id: str = Field(min_length=1, max_length=64)
    file_ref: str | None = None
    name: str = ""
    customer: str = ""


@declare(
    "process_document",
    queue=Queue.DOCUMENTS,
    timeout_s=600,
    dedup=lambda payload: document_dedup(payload.document_id),
)
async def process_document(ctx: Context, payload: ProcessDocument) -> dict[str, Any]:
    """Read a document's lines, match them to the catalogue and save them."""
    here = platform(ctx)
    document = await begin(here, payload, job_id=ctx.id, attempt=ctx.attempt)
    ctx.progress(10)
    async with refusing(here, document):
        kind, lines = await read_lines(here, ctx, document)
    ctx.progress(70)
    matches = await match_lines(here, lines, customer=document.customer)
    ctx.progress(90)
    result = await save(here, document, kind=kind, lines=lines, matches=matches)
    await announce(ctx)
    ctx.progress(100)
    return result


async def begin(here: Platform, payload: ProcessDocument, *, job_id: str, attempt: int) -> Document:
    """Returns the document, taken in if need be and marked as being processed by this attempt of this job.

    Raises:
        Unrecoverable: there is no such document, and no file to take in.
    """
    async with here.database.writing() as session:
        if payload.file_ref is not None:
            await add_document(
                session,
                document_id=payload.document_id,
                file_ref=payload.file_ref,
                name=payload.name,
                customer=payload.customer,
                at_ms=here.clock.now_ms(),
            )
        document = await start_document(session, payload.document_id, job_id=job_id, attempt=attempt)
    if document is None:
        raise Unrecoverable(f"there is no document {payload.document_id}", document_id=payload.document_id)
    return document


async def read_lines(here: Platform, ctx: Context, document: Document) -> tuple[str, list[LineItem]]:
    """Returns the document's kind and lines; a content that was read before is not read again.

    Raises:
        UnreadableDocument: it cannot be read. NotFound: its file is gone.
    """
    known = await known_lines(here, document)
    if known is not None:
        ctx.log("the same file was read before; its lines are used again")
        return known
    parsed = await parse(here, ctx, document)
    ctx.progress(40)
    return parsed.kind, await extract(here, document, parsed)


async def known_lines(here: Platform, document: Document) -> tuple[str, list[LineItem]] | None:
    """Returns the kind and lines that this engine read from the document's content before, if it did."""
    async with here.database.reading() as session:
        known = await parsed_file(session, document.file_ref, engine=ENGINE)
    return None if known is None else (known.kind, _LINES.validate_python(known.lines))


async def parse(here: Platform, ctx: Context, document: Document) -> ParsedDocument:
    """Returns the document's parsed content.

    Raises:
        UnreadableDocument: it cannot be read. NotFound: its file is gone.
    """
    content = await here.storage.read(document.file_ref)
    parsed = await here.reader.parse(content, name=document.name or None)
    for note in parsed.notes:
        ctx.log(note)
    return parsed


async def extract(here: Platform, document: Document, parsed: ParsedDocument) -> list[LineItem]:
    """Returns the lines of the parsed content, and keeps them under it."""
    lines = await here.reader.extract(parsed)
    async with here.database.writing() as session:
        await keep_parsed_file(
            session,
            document.file_ref,
            engine=ENGINE,
            kind=parsed.kind,
            lines=_LINES.dump_python(lines, mode="json"),
            at_ms=here.clock.now_ms(),
        )
    return lines


async def match_lines(here: Platform, lines: Sequence[LineItem], *, customer: str) -> list[Match]:
    """Returns one match for each line, reviewers' decisions for this customer first."""
    catalogue = await current_catalogue(here)
    async with here.database.reading() as session:
        decisions = await decisions_of(session, customer)
    asked = [
        Line(
            line_id=str(position),
            name=line.description,
            codes=(line.part_number,) if line.part_number else (),
            unit=line.unit or "",
            price=None if line.unit_price is None else float(line.unit_price),
        )
        for position, line in enumerate(lines)
    ]
    return await asyncio.to_thread(catalogue.match, asked, customer=customer, decisions=decisions)


async def current_catalogue(here: Platform) -> Catalogue:
    """Returns the index of the active catalogue, built anew only when a row has changed."""
    lock = here.shelf.setdefault(f"{_SHELF}.lock", asyncio.Lock())
    async with lock:
        async with here.database.reading() as session:
            version = await catalogue_version(session)
            kept = here.shelf.get(_SHELF)
            if kept is not None and kept[0] == version:
                found: Catalogue = kept[1]
                return found
            rows = await active_rows(session)
        catalogue = await asyncio.to_thread(Catalogue, rows)
        here.shelf[_SHELF] = (version, catalogue)
        return catalogue


@asynccontextmanager
async def refusing(here: Platform, document: Document) -> AsyncIterator[None]:
    """Marks the document as one that cannot be read when this is what comes out.

    Raises:
        Unrecoverable: it cannot be read, or its file is gone.
    """
    try:
        yield
    except (UnreadableDocument, NotFound) as error:
        async with here.database.writing() as session:
            await refuse_document(session, document.id, reason=str(error), at_ms=here.clock.now_ms())
        raise Unrecoverable(str(error), document_id=document.id) from error


async def announce(ctx: Context) -> None:
    """Sends the saved event on at once; the schedule would, only later."""
    if ctx.client is not None:
        await ctx.client.enqueue(send_events, SendEvents())


async def save(
    here: Platform,
    document: Document,
    *,
    kind: str,
    lines: Sequence[LineItem],
    matches: Sequence[Match],
) -> dict[str, Any]:
    """Saves the outcome in one transaction and returns what the job answers with.

    Raises:
        Unrecoverable: another job has taken the document over since it was begun.
    """
    rows = [_row(position, line, match) for position, (line, match) in enumerate(zip(lines, matches, strict=True))]
    matched = sum(_is_matched(match) for match in matches)
    in_review = sum(row.needs_review for row in rows)
    outcome = Outcome(
        document_id=document.id,
        job_id=document.job_id or "",
        attempt=document.attempt,
        kind=kind,
        lines=rows,
        matched=matched,
        in_review=in_review,
        at_ms=here.clock.now_ms(),
    )
    async with here.database.writing() as session:
        saved = await save_outcome(session, outcome)
    if not saved:
        raise Unrecoverable(f"another job has taken document {document.id} over", document_id=document.id)
    return {
        "document_id": document.id,
        "line_items_extracted": len(lines),
        "matched_items": matched,
        "requires_review": in_review,
    }


def _is_matched(match: Match) -> bool:
    return match.row_id is not None and match.confidence > REVIEW_BELOW


def _row(position: int, line: LineItem, match: Match) -> DocumentLine:
    box = line.box
    return DocumentLine(
        position=position,
        description=line.description.replace("\0", ""),
        quantity=line.quantity,
        unit=_short(line.unit),
        part_number=_short(line.part_number),
        unit_price=line.unit_price,
        line_total=line.line_total,
        page=line.page,
        box=None if box is None else [box.x0, box.top, box.x1, box.bottom],
        confidence=line.confidence,
        review=[str(reason) for reason in line.review],
        row_id=match.row_id,
        match_confidence=match.confidence,
        match_source=match.source,
        alternatives=[{"row_id": other.row_id, "confidence": other.confidence} for other in match.alternatives],
        unit_factor=match.factor,
        needs_review=not _is_matched(match) or bool(line.review),
    )


def _short(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "")[:_SHORT_CHARS]
