"""A document's flow saves what the one job saves; one that was overtaken saves nothing."""

from typing import Any

from redis.asyncio import Redis
from sqlalchemy import select

from qconsole.runtime import Client
from tests.workers.support import context, every_database, work
from workers.db.models import CatalogueRow, Document, DocumentLine, DocumentStatus
from workers.documents.flow import (
    complete_processing,
    extract_items,
    match_skus,
    parse_document,
    process_by_flow,
)
from workers.documents.jobs import ProcessDocument, process_document
from workers.platform import Platform
from workers.webhooks import send_events

REQUEST = b"IMPA;Description;Qty;Unit;Price\n210143;Mooring rope;200,5;m;2,50\n;Something nobody sells;3;pcs;1,00\n"
STEPS = (parse_document, extract_items, match_skus, complete_processing, send_events)


async def _catalogue(platform: Platform) -> None:
    async with platform.database.writing() as session:
        session.add(CatalogueRow(code="210143", name="Polypropylene mooring rope 24 mm", unit="m", updated_ms=1))


async def _saved(platform: Platform, document_id: str) -> tuple[Document, list[dict[str, Any]]]:
    left_out = {"id", "document_id"}
    columns = [column.name for column in DocumentLine.__table__.columns if column.name not in left_out]
    chosen = select(DocumentLine).where(DocumentLine.document_id == document_id).order_by(DocumentLine.position)
    async with platform.database.reading() as session:
        document = await session.get_one(Document, document_id)
        lines = (await session.execute(chosen)).scalars().all()
    return document, [{name: getattr(line, name) for name in columns} for line in lines]


@every_database
async def test_a_flow_saves_what_the_one_job_saves(platform: Platform, redis: Redis, redis_url: str) -> None:
    await _catalogue(platform)
    stored = await platform.storage.put(REQUEST)
    root = await process_by_flow(Client(redis=redis), "d1", file_ref=stored.ref, name="r.csv", customer="acme")
    await work(platform, redis_url, *STEPS)
    flowed, lines = await _saved(platform, "d1")
    assert (flowed.status, flowed.job_id, len(lines)) == (DocumentStatus.REVIEW, root.id, 2)
    assert lines[0]["row_id"] == "210143"

    # Other bytes with the same lines, so that the second document is read anew.
    again = await platform.storage.put(REQUEST + b"\n")
    alone = ProcessDocument(document_id="d2", file_ref=again.ref, name="r.csv", customer="acme")
    await process_document(context(platform)[0], alone)
    assert (await _saved(platform, "d2"))[1] == lines


async def test_a_flow_that_was_overtaken_saves_nothing(platform: Platform, redis: Redis, redis_url: str) -> None:
    stored = await platform.storage.put(REQUEST)
    client = Client(redis=redis)
    await process_by_flow(client, "d1", file_ref=stored.ref, name="r.csv")
    await work(platform, redis_url, parse_document)
    await process_document(context(platform, job_id="newer")[0], ProcessDocument(document_id="d1"))
    await work(platform, redis_url, *STEPS)
    document, lines = await _saved(platform, "d1")
    assert (document.job_id, len(lines)) == ("newer", 2)
    assert await redis.zcard(client.keys(extract_items.queue).failed()) == 3
