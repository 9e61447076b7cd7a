"""The document job reads, matches and saves once, whatever is retried, and buries what cannot be read."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select

from qconsole.errors import Unrecoverable
from qconsole.runtime import Client
from tests.workers.support import context, every_database
from workers.db.models import CatalogueRow, Document, DocumentLine, DocumentStatus, OutgoingEvent
from workers.db.repositories.documents import decide
from workers.documents.batch import process_batch
from workers.documents.jobs import ProcessDocument, begin, process_document, save
from workers.documents.matching import decision_key
from workers.platform import Platform

REQUEST = (
    b"IMPA;Description;Qty;Unit;Price;Total\n"
    b"210143;Polypropylene mooring rope 24 mm;200;m;2.50;500.00\n"
    b"310104;Safety helmet yellow;2;doz;96.00;192.00\n"
    b";Something nobody sells;3;pcs;1.00;3.00\n"
)


async def _catalogue(platform: Platform) -> None:
    async with platform.database.writing() as session:
        session.add_all(
            [
                CatalogueRow(code="210143", name="Polypropylene mooring rope 24 mm", unit="m", updated_ms=1),
                CatalogueRow(code="310104", name="Safety helmet, yellow", unit="pcs", updated_ms=1),
                CatalogueRow(code="310105", name="Safety helmet, white", unit="pcs", updated_ms=1),
            ]
        )


async def _take_in(platform: Platform, content: bytes = REQUEST, *, document_id: str = "d1") -> ProcessDocument:
    stored = await platform.storage.put(content)
    return ProcessDocument(document_id=document_id, file_ref=stored.ref, name="request.csv", customer="acme")


async def _lines(platform: Platform, document_id: str = "d1") -> list[DocumentLine]:
    async with platform.database.reading() as session:
        chosen = select(DocumentLine).where(DocumentLine.document_id == document_id).order_by(DocumentLine.position)
        return list((await session.execute(chosen)).scalars())


@every_database
async def test_a_document_is_read_matched_and_saved(platform: Platform) -> None:
    await _catalogue(platform)
    ctx, recorder = context(platform)
    result = await process_document(ctx, await _take_in(platform))
    assert result == {
        "document_id": "d1",
        "line_items_extracted": 3,
        "matched_items": 2,
        "requires_review": 1,
    }
    assert recorder.steps == [10, 40, 70, 90, 100]
    rope, helmet, other = await _lines(platform)
    assert (rope.row_id, rope.match_source, rope.needs_review) == ("210143", "code", False)
    assert helmet.row_id == "310104"
    assert helmet.unit_factor == 12
    assert (other.row_id, other.needs_review) == (None, True)
    async with platform.database.reading() as session:
        document = await session.get_one(Document, "d1")
        event = (await session.execute(select(OutgoingEvent))).scalar_one()
    assert (document.status, document.lines_found, document.kind) == (DocumentStatus.REVIEW, 3, "csv")
    assert event.type == "document.processed"
    assert event.payload["requires_review"] == 1


@every_database
async def test_running_again_saves_the_same_once(platform: Platform) -> None:
    await _catalogue(platform)
    payload = await _take_in(platform)
    for attempt in (1, 2):
        ctx, recorder = context(platform, attempt=attempt)
        await process_document(ctx, payload)
    assert recorder.lines == ["the same file was read before; its lines are used again"]
    assert len(await _lines(platform)) == 3
    async with platform.database.reading() as session:
        assert (await session.execute(select(func.count()).select_from(OutgoingEvent))).scalar() == 1


async def test_a_reviewers_decision_counts_for_the_next_document(platform: Platform) -> None:
    await _catalogue(platform)
    async with platform.database.writing() as session:
        await decide(
            session,
            customer="acme",
            description_key=decision_key("Something nobody sells"),
            row_id="310105",
            actor="rita",
            at_ms=1,
        )
    result = await process_document(context(platform)[0], await _take_in(platform))
    assert result["matched_items"] == 3
    assert (await _lines(platform))[2].match_source == "decision"


async def test_a_changed_catalogue_counts_at_once(platform: Platform) -> None:
    payload = await _take_in(platform)
    assert (await process_document(context(platform)[0], payload))["matched_items"] == 0
    await _catalogue(platform)
    assert (await process_document(context(platform, job_id="j2")[0], payload))["matched_items"] == 2


@every_database
async def test_an_unreadable_document_is_buried_and_says_why(platform: Platform) -> None:
    payload = await _take_in(platform, b"%PDF-1.7\nbroken")
    with pytest.raises(Unrecoverable):
        await process_document(context(platform)[0], payload)
    async with platform.database.reading() as session:
        document = await session.get_one(Document, "d1")
    assert document.status == DocumentStatus.UNREADABLE
    assert document.error


async def test_a_missing_document_or_file_is_buried(platform: Platform) -> None:
    with pytest.raises(Unrecoverable, match="no document d9"):
        await process_document(context(platform)[0], ProcessDocument(document_id="d9"))
    with pytest.raises(Unrecoverable, match="no stored file"):
        await process_document(context(platform)[0], ProcessDocument(document_id="d1", file_ref="0" * 64))


async def test_an_overtaken_job_saves_nothing(platform: Platform) -> None:
    await _catalogue(platform)
    payload = await _take_in(platform)
    late = await begin(platform, payload, job_id="old", attempt=1)
    await process_document(context(platform, job_id="new")[0], payload)
    with pytest.raises(Unrecoverable, match="taken document d1 over"):
        await save(platform, late, kind="csv", lines=[], matches=[])
    assert len(await _lines(platform)) == 3


async def test_a_batch_is_spread_over_time_and_no_document_is_queued_twice(redis: Redis) -> None:
    client = Client(redis=redis)
    documents = [ProcessDocument(document_id=f"d{number}", file_ref="f") for number in range(4)]
    first = await process_batch(client, documents)
    again = await process_batch(client, documents[:2])
    assert again.ids == first.ids[:2]
    due = [await redis.zscore(process_document.queue, job_id) for job_id in first.ids]
    # The first one is due at once, and has a place in the order instead of a time.
    assert [later - due[1] for later in due[1:]] == [0, 100, 200]
    assert await redis.zcard(process_document.queue) == 4
