"""Documents and their lines: taken in, read once for each content, saved with their event in one transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import Document, DocumentLine, DocumentStatus, MatchDecision, OutgoingEvent, ParsedFile

_EVENTS = uuid.UUID("8f0c2f5e-6f0b-4f0e-9d3e-6a1f6f8f8f10")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a document's job saves; `lines` are ready rows without their document."""

    document_id: str
    job_id: str
    attempt: int
    kind: str
    lines: Sequence[DocumentLine]
    matched: int
    in_review: int
    at_ms: int


async def add_document(
    session: AsyncSession, *, document_id: str, file_ref: str, name: str, customer: str, at_ms: int
) -> Document:
    """Takes a document in, unless one with this id is there already; returns the one that stands."""
    standing = await session.get(Document, document_id)
    if standing is not None:
        return standing
    document = Document(id=document_id, file_ref=file_ref, name=name[:255], customer=customer, created_ms=at_ms)
    session.add(document)
    await session.flush()
    return document


async def start_document(session: AsyncSession, document_id: str, *, job_id: str, attempt: int) -> Document | None:
    """Marks a document as being processed by this attempt; returns None when there is no such document."""
    document = await session.get(Document, document_id)
    if document is not None:
        document.status = DocumentStatus.PROCESSING
        document.job_id, document.attempt, document.error = job_id, attempt, None
    return document


async def refuse_document(session: AsyncSession, document_id: str, *, reason: str, at_ms: int) -> None:
    """Marks a document as one that cannot be read."""
    changes = {"status": DocumentStatus.UNREADABLE, "error": reason, "processed_ms": at_ms}
    await session.execute(update(Document).where(Document.id == document_id).values(changes))


async def save_outcome(session: AsyncSession, outcome: Outcome) -> bool:
    """Saves lines, status and the outgoing event; saving the same outcome again changes nothing.

    Returns:
        False when a later job or attempt has taken the document over; nothing is written then.
    """
    document = await session.get(Document, outcome.document_id, with_for_update=True)
    if document is None or (document.job_id, document.attempt) != (outcome.job_id, outcome.attempt):
        return False
    await session.execute(delete(DocumentLine).where(DocumentLine.document_id == outcome.document_id))
    for line in outcome.lines:
        line.document_id = outcome.document_id
    session.add_all(outcome.lines)
    document.status = DocumentStatus.REVIEW if outcome.in_review else DocumentStatus.PROCESSED
    document.kind = outcome.kind
    document.lines_found = len(outcome.lines)
    document.lines_matched, document.lines_in_review = outcome.matched, outcome.in_review
    document.processed_ms, document.reminded_ms = outcome.at_ms, None
    await _announce(session, document, outcome)
    return True


async def _announce(session: AsyncSession, document: Document, outcome: Outcome) -> None:
    event_id = str(uuid.uuid5(_EVENTS, f"{outcome.document_id}/{outcome.job_id}"))
    if await session.get(OutgoingEvent, event_id) is not None:
        return
    payload: dict[str, Any] = {
        "document_id": outcome.document_id,
        "status": document.status,
        "line_items": len(outcome.lines),
        "matched_items": outcome.matched,
        "requires_review": outcome.in_review,
    }
    session.add(
        OutgoingEvent(
            id=event_id,
            type="document.processed",
            customer=document.customer,
            payload=payload,
            created_ms=outcome.at_ms,
        )
    )


async def parsed_file(session: AsyncSession, sha256: str, *, engine: str) -> ParsedFile | None:
    """Returns what this engine read from this content before."""
    return await session.get(ParsedFile, (sha256, engine))


async def keep_parsed_file(
    session: AsyncSession, sha256: str, *, engine: str, kind: str, lines: Any, at_ms: int
) -> None:
    """Keeps what was read from a content."""
    await session.merge(ParsedFile(sha256=sha256, engine=engine, kind=kind, lines=lines, created_ms=at_ms))


async def decide(
    session: AsyncSession, *, customer: str, description_key: str, row_id: str, actor: str, at_ms: int
) -> None:
    """Remembers what a reviewer decided a customer means by a description."""
    await session.merge(
        MatchDecision(
            customer=customer, description_key=description_key, row_id=row_id, decided_by=actor, decided_ms=at_ms
        )
    )


async def decisions_of(session: AsyncSession, customer: str) -> dict[tuple[str, str], str]:
    """Returns a customer's decisions as the matching wants them."""
    rows = await session.execute(select(MatchDecision).where(MatchDecision.customer == customer))
    return {(row.customer, row.description_key): row.row_id for row in rows.scalars()}
