"""One story for each job type: it fails, is buried, what was wrong is put right, and the replay ends the job well."""

import hashlib
import json
from datetime import date

from pydantic import SecretStr
from sqlalchemy import select
from standardwebhooks import Webhook
from starlette.responses import Response

from qconsole.admin import Actor, Admin
from qconsole.runtime import Client, Fixed
from tests.acceptance.workers.conftest import Story
from tests.workers.support import work
from workers.db.models import CatalogueRow, Document, Notification, OutgoingEvent, StoredFile, User, WebhookEndpoint
from workers.dead_letter import Notice, dead_letter
from workers.documents.jobs import ProcessDocument, process_document
from workers.email import SendEmail, send_email
from workers.exports import ExportRows, Subject, export_rows
from workers.imports import SyncCatalogue, sync_catalogue
from workers.maintenance import Upkeep, remove_expired_files
from workers.notifications import NotifyUser, notify_user
from workers.reports import Format, MakeReport, make_report
from workers.webhooks import DeliverWebhook, deliver_webhook

SECRET = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0"


async def test_a_document_whose_file_was_missing(story: Story) -> None:
    content = b"Description;Qty;Unit;Price\nMooring rope;200;m;2.50\n"
    payload = ProcessDocument(document_id="d1", file_ref=hashlib.sha256(content).hexdigest(), name="r.csv")
    failed = await story.buried(process_document, payload)
    assert (failed.severity, failed.attempts) == ("critical", 1)
    assert "no stored file" in failed.error

    await story.platform.storage.put(content)
    result = await story.replayed(failed, process_document)
    assert result["line_items_extracted"] == 1
    async with story.platform.database.reading() as session:
        assert (await session.get_one(Document, "d1")).status == "review"


async def test_a_mail_the_server_would_not_take(story: Story) -> None:
    story.mail.answers["ann@example.org"] = "451 try later"
    mail = SendEmail(
        to=["ann@example.org"], template="notification", variables={"title": "Hello", "body": "x", "link": None}
    )
    failed = await story.buried(send_email, mail)
    assert (failed.error_type, failed.attempts) == ("RefusedForNow", 2)
    assert story.mail.got == []

    story.mail.answers.clear()
    assert (await story.replayed(failed, send_email))["sent"] == ["ann@example.org"]
    (got,) = story.mail.got
    assert got.mail["Subject"] == "Hello"


async def test_a_webhook_whose_receiver_was_down(story: Story) -> None:
    async with story.platform.database.writing() as session:
        session.add(OutgoingEvent(id="e1", type="document.processed", payload={"id": "d1"}, created_ms=1))
        session.add(
            WebhookEndpoint(id="p1", url=f"{story.receiver.url}/hook", secrets=[SECRET], events=["*"], created_ms=1)
        )
    story.receiver.answers = [lambda: Response("down", status_code=502)] * 2
    failed = await story.buried(deliver_webhook, DeliverWebhook(event_id="e1", endpoint_id="p1"))
    assert (failed.error_type, failed.attempts) == ("DeliveryFailed", 2)

    await story.replayed(failed, deliver_webhook)
    last = story.receiver.got[-1]
    assert len(story.receiver.got) == 3
    assert {got.headers["webhook-id"] for got in story.receiver.got} == {"e1"}
    Webhook(SECRET).verify(last.body, last.headers)
    assert json.loads(last.body)["data"] == {"id": "d1"}


async def test_a_notification_for_a_person_who_was_not_there_yet(story: Story) -> None:
    told = NotifyUser(user_id="u1", event="order.sent", event_id="o1", title="Order sent")
    failed = await story.buried(notify_user, told, send_email)
    assert "no active person u1" in failed.error

    async with story.platform.database.writing() as session:
        session.add(User(id="u1", email="u1@example.org", created_ms=1))
    await story.replayed(failed, notify_user, send_email)
    assert [got.recipients for got in story.mail.got] == [["u1@example.org"]]
    async with story.platform.database.reading() as session:
        assert (await session.execute(select(Notification.title))).scalars().all() == ["Order sent"]


async def test_a_catalogue_whose_share_was_not_mounted(story: Story) -> None:
    failed = await story.buried(sync_catalogue, SyncCatalogue())
    assert (failed.error_type, failed.attempts) == ("NotFound", 2)

    share = story.folder / "share"
    share.mkdir()
    (share / "catalogue.csv").write_text("code,name,unit,price\n1,Rope,m,2.50\n2,Helmet,pcs,8\n")
    result = await story.replayed(failed, sync_catalogue)
    assert (result["status"], result["added"]) == ("applied", 2)
    async with story.platform.database.reading() as session:
        assert set((await session.execute(select(CatalogueRow.code))).scalars()) == {"1", "2"}


async def test_an_export_on_a_worker_without_a_secret_for_links(story: Story) -> None:
    async with story.platform.database.writing() as session:
        session.add(CatalogueRow(code="1", name="=1+1", unit="m", updated_ms=1))
    await story.open(link_secret=SecretStr(""))
    failed = await story.buried(export_rows, ExportRows(export_id="x1", subject=Subject.CATALOGUE))
    assert "PLATFORM_LINK_SECRET" in failed.error

    await story.open()
    result = await story.replayed(failed, export_rows)
    assert result["rows"] == 1
    assert b"'=1+1" in await story.platform.storage.read(result["file_ref"])


async def test_a_report_in_a_zone_that_does_not_exist(story: Story) -> None:
    right = MakeReport(
        report_id="r1", format=Format.CSV, first=date(2026, 1, 1), last=date(2026, 1, 31), zone="Europe/Athens"
    )
    # A copy is not checked, as with a producer that knows less than the worker.
    failed = await story.buried(make_report, right.model_copy(update={"zone": "Mars/Olympus"}))
    assert "Mars/Olympus" in failed.error

    result = await story.replayed(failed, make_report, payload=right.model_dump(mode="json"))
    assert (await story.platform.storage.read(result["file_ref"])).startswith(b"\xef\xbb\xbf")


async def test_upkeep_that_met_a_file_it_could_not_remove(story: Story) -> None:
    ref = "ab" * 32
    async with story.platform.database.writing() as session:
        session.add(
            StoredFile(ref=ref, name="n", content_type="c", size_bytes=1, sha256=ref, purpose="export",
                       created_ms=1, expires_ms=2)
        )  # fmt: skip
    in_the_way = story.platform.storage.path(ref)
    in_the_way.mkdir(parents=True)
    failed = await story.buried(remove_expired_files, Upkeep(), attempts=1)
    assert (failed.severity, failed.attempts) == ("high", 1)

    in_the_way.rmdir()
    assert (await story.replayed(failed, remove_expired_files))["files"] == 1


async def test_a_burial_that_could_not_be_told_while_the_pager_was_down(story: Story) -> None:
    await story.open(pagerduty_key=SecretStr("r0uting"), pagerduty_url=f"{story.receiver.url}/v2/enqueue")
    notice = Notice(
        queue="document-processing", dead_letter="j1~5", job_id="j1", job_type="process_document", severity="critical",
        error_type="ValueError", message="no pages", fingerprint="f", buried_ms=5,
    )  # fmt: skip
    story.receiver.answers = [lambda: Response("down", status_code=503)] * 2
    client = Client(redis=story.redis)
    await client.enqueue(dead_letter, notice, attempts=2, backoff=Fixed(0))
    await work(story.platform, story.redis_url, dead_letter)
    (failed,) = await story.failed()
    assert (failed.job_id, failed.status) == ("j1", "open")

    async with await Admin.open(story.redis_url, actor=Actor("ann", "operator", "cli")) as admin:
        (letter,) = (await admin.dead_letters.page("queue:dead-letter")).rows
        assert (letter.job_type, letter.error_type) == ("dead_letter", "AlertFailed")
        await admin.dead_letters.replay(letter.id, queue=letter.queue, reason="the pager answers again")
    await work(story.platform, story.redis_url, dead_letter)
    told = [json.loads(got.body) for got in story.receiver.got]
    assert [event["event_action"] for event in told] == ["trigger"] * 3
    assert len({event["dedup_key"] for event in told}) == 1
    assert [row.entry_id for row in await story.failed()] == [failed.entry_id]
