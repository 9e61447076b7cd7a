"""The document job as a flow of four jobs with attempts of their own: parse, extract, match, complete.

They share the code of `process_document` and save the same. Nothing large travels through the queue: lines stay in
the database, a parsed document and its matches in the storage, and the jobs hand on the references.
"""

import json
import uuid
from decimal import Decimal
from typing import Any, Final

import orjson
from pydantic import BaseModel, Field, TypeAdapter

from qconsole.errors import NotFound, Unrecoverable
from qconsole.runtime import Client, Context, Enqueued, Flow
from workers.db.models import Document
from workers.documents.jobs import (
    ProcessDocument,
    announce,
    begin,
    extract,
    known_lines,
    match_lines,
    parse,
    refusing,
    save,
)
from workers.documents.matching import Match
from workers.documents.model import LineItem, ParsedDocument
from workers.downloads import keep_result
from workers.platform import Platform, platform
from workers.policies import Queue, declare

_PARSED: Final = TypeAdapter(ParsedDocument)
_MATCHES: Final = TypeAdapter(list[Match])
_DECIMAL: Final = "$decimal"


class ParseDocument(ProcessDocument):
    """Which document, and for which flow."""

    flow_id: str = Field(min_length=1, max_length=64)


class DocumentStep(BaseModel):
    """A later step of a flow; what the step before it made is read from that one's result."""

    document_id: str = Field(min_length=1, max_length=64)
    flow_id: str = Field(min_length=1, max_length=64)


async def process_by_flow(
    client: Client, document_id: str, *, file_ref: str | None = None, name: str = "", customer: str = ""
) -> Enqueued:
    """Queues a document's flow and returns its root, which answers as `process_document` does."""
    flow_id = uuid.uuid4().hex
    step = DocumentStep(document_id=document_id, flow_id=flow_id)
    first = ParseDocument(document_id=document_id, flow_id=flow_id, file_ref=file_ref, name=name, customer=customer)
    flow = Flow(parse_document, first, job_id=f"{flow_id}-parse")
    flow = Flow(extract_items, step, [flow], job_id=f"{flow_id}-extract")
    flow = Flow(match_skus, step, [flow], job_id=f"{flow_id}-match")
    return await client.add_flow(Flow(complete_processing, step, [flow], job_id=flow_id))


@declare("parse-document", queue=Queue.DOCUMENTS, timeout_s=600)
async def parse_document(ctx: Context, payload: ParseDocument) -> dict[str, str | None]:
    """Parse a document; a content whose lines are known is not parsed again."""
    here = platform(ctx)
    # One owner for the four jobs and their attempts: what is saved at the end is checked against it.
    document = await begin(here, payload, job_id=payload.flow_id, attempt=1)
    async with refusing(here, document):
        if await known_lines(here, document) is not None:
            return {"parsed_ref": None}
        parsed = await parse(here, ctx, document)
    content = orjson.dumps(_PARSED.dump_python(parsed), default=_plain)
    return {"parsed_ref": await _keep(here, content, name=f"{document.id}.parsed.json")}


@declare("extract-items", queue=Queue.DOCUMENTS, timeout_s=600)
async def extract_items(ctx: Context, payload: DocumentStep) -> dict[str, int]:
    """Find the line items of a parsed document."""
    here = platform(ctx)
    document = await _begun(here, payload)
    known = await known_lines(here, document)
    if known is not None:
        return {"lines": len(known[1])}
    ref = (await _before(ctx))["parsed_ref"]
    content = await _kept(here, ref)
    parsed = _PARSED.validate_python(json.loads(content, object_hook=_exact))
    return {"lines": len(await extract(here, document, parsed))}


@declare("match-skus", queue=Queue.DOCUMENTS, timeout_s=600)
async def match_skus(ctx: Context, payload: DocumentStep) -> dict[str, str]:
    """Match the line items to the catalogue."""
    here = platform(ctx)
    document = await _begun(here, payload)
    _, lines = await _extracted(here, document)
    matches = await match_lines(here, lines, customer=document.customer)
    return {"matches_ref": await _keep(here, _MATCHES.dump_json(matches), name=f"{document.id}.matches.json")}


@declare("complete-processing", queue=Queue.DOCUMENTS, timeout_s=600)
async def complete_processing(ctx: Context, payload: DocumentStep) -> dict[str, Any]:
    """Save lines, matches, status and event in one transaction."""
    here = platform(ctx)
    document = await _begun(here, payload)
    kind, lines = await _extracted(here, document)
    matches = _MATCHES.validate_json(await _kept(here, (await _before(ctx))["matches_ref"]))
    result = await save(here, document, kind=kind, lines=lines, matches=matches)
    await announce(ctx)
    return result


async def _begun(here: Platform, payload: DocumentStep) -> Document:
    """Returns the document as long as it is this flow's.

    Raises:
        Unrecoverable: it is gone, or another job has taken it over.
    """
    async with here.database.reading() as session:
        document = await session.get(Document, payload.document_id)
    if document is None or document.job_id != payload.flow_id:
        why = "is gone" if document is None else "was taken over by another job"
        raise Unrecoverable(f"document {payload.document_id} {why}", document_id=payload.document_id)
    return document


async def _extracted(here: Platform, document: Document) -> tuple[str, list[LineItem]]:
    found = await known_lines(here, document)
    if found is None:
        raise Unrecoverable(
            f"the lines of document {document.id} are no longer kept", "Process it again.", document_id=document.id
        )
    return found


async def _before(ctx: Context) -> dict[str, Any]:
    (result,) = (await ctx.children_results()).values()
    found: dict[str, Any] = result
    return found


async def _keep(here: Platform, content: bytes, *, name: str) -> str:
    stored = await here.storage.put(content)
    await keep_result(here, stored, name=name, content_type="application/json", purpose="flow")
    return stored.ref


async def _kept(here: Platform, ref: str) -> bytes:
    try:
        return await here.storage.read(ref)
    except NotFound as error:
        raise Unrecoverable(
            f"what the step before handed on is no longer kept: {error}", "Process it again."
        ) from error


def _plain(value: object) -> dict[str, str]:
    # JSON has no decimals, and in a cell the number 12 and the text "12" are not the same.
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    raise TypeError(f"a parsed document cannot hold a {type(value).__name__}")


def _exact(found: dict[str, Any]) -> Any:
    return Decimal(found[_DECIMAL]) if _DECIMAL in found else found
