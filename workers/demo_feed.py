"""What the demo begins with: jobs of every queue, among them some that fail once, always, or by losing their worker."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from qconsole.runtime import Client, Fixed, Flow, OnFail
from workers.config import PlatformSettings
from workers.db import Database
from workers.db.models import OutgoingEvent
from workers.demo_documents import write_delivery, write_documents
from workers.demo_people import CUSTOMER, LEFT, ORDERED
from workers.documents.batch import process_batch
from workers.documents.jobs import ProcessDocument, process_document
from workers.email import SendEmail, send_email
from workers.exports import ExportRows, Subject, export_rows
from workers.exports import Format as ExportFormat
from workers.imports import SyncCatalogue, sync_catalogue
from workers.notifications import NotifyMany, NotifyUser, notify_many, notify_user
from workers.policies import DAY_S, HOUR_S, URGENT
from workers.reports import Format, MakeReport, make_report
from workers.storage import Storage
from workers.webhooks import SendEvents, send_events

SLOW_REF_FILE: Final = "answers-late.txt"
"""In the storage folder: references whose first read fails, one a line."""

RETRY_AFTER_S: Final = 2
AHEAD_S: Final = 30 * DAY_S
LATER_S: Final = 2 * HOUR_S
LARGE: Final = "large_order"
"""Takes a while, and waits until somebody promotes it."""

IN_FLOW: Final = ("order", "requisition", "quote")
BUYER: Final = "buyer@lapwing.example"


async def feed_documents(settings: PlatformSettings, client: Client) -> None:
    """Stores the demo's documents and enqueues a job for each, named `doc-<file name>`."""
    for payload in (await _stored(settings)).values():
        await enqueue_document(client, payload)


async def feed(settings: PlatformSettings, client: Client) -> None:
    """Enqueues jobs of every queue."""
    documents = await _stored(settings)
    await client.add_flow(
        Flow(
            make_report,
            report("today", Format.PDF),
            [
                Flow(process_document, documents[name], job_id=f"doc-{name}", on_fail=OnFail.CONTINUE)
                for name in IN_FLOW
            ],
            job_id="report-today",
        )
    )
    for name, payload in documents.items():
        if name not in IN_FLOW:
            options = {"delay_s": LATER_S} if name == LARGE else {"priority": URGENT} if name == "request" else {}
            await enqueue_document(client, payload, **options)
    await process_batch(client, await _delivered(settings))
    await _feed_mails(client)
    await client.enqueue(notify_many, _told(NotifyMany, "port-call", tenant=CUSTOMER), job_id="notify-crew")
    await client.enqueue(notify_user, _told(NotifyUser, "port-call", user_id=LEFT), job_id="notify-left")
    await add_event(settings, client)
    await client.enqueue(make_report, report("week", Format.XLSX), job_id="report-week")
    await client.enqueue(sync_catalogue, SyncCatalogue(source="shrunken.csv"), job_id="import-shrunken")
    for subject, kind in ((Subject.CATALOGUE, ExportFormat.XLSX), (Subject.DOCUMENT_LINES, ExportFormat.CSV)):
        export = ExportRows(export_id=f"{subject}", subject=subject, format=kind, notify=BUYER)
        await client.enqueue(export_rows, export, job_id=f"export-{subject}")


async def enqueue_document(client: Client, payload: ProcessDocument, **options: Any) -> None:
    """Enqueues a document under its own id."""
    await client.enqueue(process_document, payload, job_id=payload.document_id, backoff=Fixed(RETRY_AFTER_S), **options)


def document(stem: str, file_ref: str, name: str) -> ProcessDocument:
    """Returns the payload for a stored file."""
    return ProcessDocument(document_id=f"doc-{stem}", file_ref=file_ref, name=name, customer=CUSTOMER)


def report(report_id: str, kind: Format) -> MakeReport:
    """Returns the payload for a report on today."""
    today = datetime.now(UTC).date()
    return MakeReport(
        report_id=report_id, title="Documents of today", format=kind, first=today, last=today, notify=BUYER
    )


def order_mail(to: str, number: int) -> SendEmail:
    """Returns the payload for the confirmation of an order."""
    lines = [{"description": "Cotton work gloves size 10", "quantity": 40, "unit": "pair", "total": 98}]
    variables = {"order_number": number, "lines": lines, "total": 98, "currency": "EUR"}
    return SendEmail(to=[to], template="order_confirmation", variables=variables)


async def add_event(settings: PlatformSettings, client: Client, customer: str = CUSTOMER) -> None:
    """Writes an event as the platform would, and sends it on."""
    event = OutgoingEvent(
        id=f"event-{uuid.uuid4().hex}",
        type=ORDERED,
        customer=customer,
        payload={"order": 4711},
        created_ms=int(time.time() * 1000),
    )
    database = Database(settings.database_url)
    try:
        async with database.writing() as session:
            session.add(event)
    finally:
        await database.close()
    await client.enqueue(send_events, SendEvents())


async def _feed_mails(client: Client) -> None:
    for number, to in enumerate((BUYER, "master@lapwing.example", "agent@rotterdam.example"), start=4711):
        await client.enqueue(send_email, order_mail(to, number), job_id=f"mail-{number}")
    await client.enqueue(send_email, order_mail("later@lapwing.example", 4720), job_id="mail-later")
    await client.enqueue(send_email, order_mail("nobody@lapwing.example", 4721), job_id="mail-refused")
    await client.enqueue(send_email, order_mail(BUYER, 4730), job_id="mail-next-month", delay_s=AHEAD_S)


async def _stored(settings: PlatformSettings) -> dict[str, ProcessDocument]:
    storage = Storage(settings.storage_dir)
    payloads = {}
    for path in write_documents(settings.storage_dir.parent / "documents").values():
        ref = (await storage.put(path.read_bytes())).ref
        if path.stem == "late":
            (settings.storage_dir / SLOW_REF_FILE).write_text(ref)
        payloads[path.stem] = document(path.stem, ref, path.name)
    return payloads


async def _delivered(settings: PlatformSettings) -> list[ProcessDocument]:
    storage = Storage(settings.storage_dir)
    paths = write_delivery(settings.storage_dir.parent / "delivery")
    return [document(path.stem, (await storage.put(path.read_bytes())).ref, path.name) for path in paths]


def _told(kind: Any, event_id: str, **who: str) -> Any:
    return kind(event="port_call", event_id=event_id, title="Port call Rotterdam", body="Berth 12, Friday 06:00", **who)
