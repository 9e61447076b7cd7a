"""Stories of job types that work for many or run by a schedule: they fail, are put right, and the replay ends well."""

import hashlib
import json

from pydantic import SecretStr
from sqlalchemy import func, select, text
from starlette.responses import Response

from qconsole.admin import Actor, Admin
from qconsole.runtime import Client, Fixed
from tests.acceptance.workers.conftest import Story
from tests.workers.support import context, work
from workers.db.models import (
    Document,
    DocumentLine,
    DocumentStatus,
    FailedJob,
    Incident,
    Notification,
    OutgoingEvent,
    ScheduleRun,
    Session,
    User,
)
from workers.dead_letter import FollowDeadLetters, Notice, dead_letter, follow_dead_letters
from workers.documents.flow import complete_processing, extract_items, match_skus, parse_document, process_by_flow
from workers.email import send_email
from workers.maintenance import RemindReviewers, Upkeep, cleanup_expired_sessions, remind_reviewers, watch_schedules
from workers.notifications import NotifyMany, SendDigests, notify_many, send_digests
from workers.webhooks import SendEvents, send_events

OPERATOR = Actor("ann", "operator", "cli")
STEPS = (parse_document, extract_items, match_skus, complete_processing, send_events)
UPKEEP = {
    "notifications": (send_digests, SendDigests(), {"digests": 1}),
    "outgoing_events": (send_events, SendEvents(), {"events": 1, "deliveries": 0}),
    "sessions": (cleanup_expired_sessions, Upkeep(), {"sessions": 1}),
    "documents": (remind_reviewers, RemindReviewers(to=["rita@example.org"]), {"documents": 1}),
    "schedule_runs": (watch_schedules, Upkeep(), {"late": ["sync-impa-catalog"]}),
}
"""A table, and the job type that fails without it: what it is asked, and how it ends."""


async def test_people_of_a_tenant_that_was_not_there_yet(story: Story) -> None:
    told = NotifyMany(tenant="acme", event="port_call", event_id="p1", title="Port call")
    failed = await story.buried(notify_many, told, send_email)
    assert (failed.attempts, failed.severity) == (1, "normal")
    assert "no active person belongs to the tenant acme" in failed.error

    async with story.platform.database.writing() as session:
        for name in ("ann", "bob", "not an address"):
            session.add(User(id=name[:3], email=f"{name}@example.org", tenant="acme", created_ms=1))
    assert await story.replayed(failed, notify_many, send_email) == {"told": 3}
    # The third is told in the product, and keeps nobody else waiting.
    assert sorted(got.recipients[0] for got in story.mail.got) == ["ann@example.org", "bob@example.org"]
    async with story.platform.database.reading() as session:
        assert (await session.execute(select(func.count()).select_from(Notification))).scalar() == 3


async def test_a_flow_whose_file_was_missing(story: Story) -> None:
    content = b"Description;Qty;Unit;Price\nMooring rope;200;m;2.50\nHelmet;3;pcs;8\n"
    client = Client(redis=story.redis)
    root = await process_by_flow(client, "d1", file_ref=hashlib.sha256(content).hexdigest(), name="r.csv")
    await work(story.platform, story.redis_url, *STEPS, dead_letter)
    failed = {row.job_type for row in await story.failed()}
    assert failed == {"parse-document", "extract-items", "match-skus", "complete-processing"}
    async with story.platform.database.reading() as session:
        assert (await session.get_one(Document, "d1")).status == DocumentStatus.UNREADABLE

    await story.platform.storage.put(content)
    async with await Admin.open(story.redis_url, actor=OPERATOR) as admin:
        await admin.flows.retry_failed(root.id, queue=parse_document.queue, reason="the file is there")
    await work(story.platform, story.redis_url, *STEPS)
    async with story.platform.database.reading() as session:
        assert (await session.get_one(Document, "d1")).status == DocumentStatus.REVIEW
        assert (await session.execute(select(func.count()).select_from(DocumentLine))).scalar() == 2
        assert (await session.execute(select(func.count()).select_from(OutgoingEvent))).scalar() == 1
    assert await story.redis.zcard(client.keys(parse_document.queue).failed()) == 0


async def test_scheduled_jobs_while_a_table_was_missing(story: Story) -> None:
    async with story.platform.database.writing() as session:
        session.add(User(id="u1", email="u1@example.org", digest=True, created_ms=1))
        session.add(Session(token_digest="old", user_id="u1", created_ms=1, expires_ms=2))
        session.add(Document(id="d1", file_ref="f", status="review", created_ms=1, processed_ms=1))
        session.add(OutgoingEvent(id="e1", type="order.sent", payload={}, created_ms=1))
        session.add(ScheduleRun(schedule="sync-impa-catalog", ended_ms=1))
        await session.flush()
        session.add(
            Notification(
                user_id="u1", event="order.sent", event_id="o1", title="Sent", body="", channels=["email"],
                created_ms=1, digest_due_ms=1,
            )
        )  # fmt: skip
    await _renamed(story, "{0}", "{0}_away")
    client = Client(redis=story.redis)
    job_types = [job_type for job_type, _, _ in UPKEEP.values()]
    for job_type, payload, _ in UPKEEP.values():
        await client.enqueue(job_type, payload, attempts=1, backoff=Fixed(0))
    await work(story.platform, story.redis_url, *job_types, dead_letter)
    buried = {row.job_type: row for row in await story.failed()}
    for table, (job_type, _, _) in UPKEEP.items():
        assert table in buried[job_type.name].error, job_type.name

    await _renamed(story, "{0}_away", "{0}")
    async with await Admin.open(story.redis_url, actor=OPERATOR) as admin:
        for row in buried.values():
            entry = row.entry_id.removeprefix(f"{row.queue}/")
            await admin.dead_letters.replay(entry, queue=row.queue, reason="the tables are back")
        await work(story.platform, story.redis_url, *job_types, send_email, dead_letter)
        await follow_dead_letters(context(story.platform, client=client)[0], FollowDeadLetters())
        settled = {row.job_type: row for row in await story.failed()}
        for job_type, _, result in UPKEEP.values():
            row = settled[job_type.name]
            assert row.status == "succeeded", job_type.name
            assert (await admin.jobs.get(row.replayed_as or "", queue=row.queue)).result == result, job_type.name
    assert sorted(got.recipients[0] for got in story.mail.got) == ["rita@example.org", "u1@example.org"]


async def test_the_end_of_an_incident_that_the_pager_did_not_hear(story: Story) -> None:
    await story.open(pagerduty_key=SecretStr("r0uting"), pagerduty_url=f"{story.receiver.url}/v2/enqueue")
    notice = Notice(queue="email", dead_letter="j1~5", job_id="j1", job_type="send_email", severity="critical",
                    error_type="ValueError", message="no", fingerprint="f", buried_ms=5)  # fmt: skip
    client = Client(redis=story.redis)
    await client.enqueue(dead_letter, notice)
    await work(story.platform, story.redis_url, dead_letter)
    # The entry is in no queue: somebody has removed it in the console, which settles it.
    story.receiver.answers = [lambda: Response("down", status_code=503)]
    await client.enqueue(follow_dead_letters, FollowDeadLetters())
    await work(story.platform, story.redis_url, follow_dead_letters, dead_letter)
    async with story.platform.database.reading() as session:
        assert (await session.execute(select(Incident.resolved_ms))).scalars().all() == [None]

    async with await Admin.open(story.redis_url, actor=OPERATOR) as admin:
        (letter,) = (await admin.dead_letters.page("queue:dead-letter")).rows
        assert (letter.job_type, letter.error_type) == ("follow_dead_letters", "AlertFailed")
        await admin.dead_letters.replay(letter.id, queue=letter.queue, reason="the pager answers again")
    await work(story.platform, story.redis_url, follow_dead_letters, dead_letter)
    told = [json.loads(got.body)["event_action"] for got in story.receiver.got]
    assert told == ["trigger", "resolve", "resolve"]
    async with story.platform.database.reading() as session:
        assert (await session.execute(select(FailedJob.status))).scalars().all() == ["discarded"]
        assert (await session.execute(select(Incident.resolved_ms))).scalar_one() is not None


async def _renamed(story: Story, before: str, after: str) -> None:
    async with story.platform.database.writing() as session:
        for table in UPKEEP:
            await session.execute(text(f"ALTER TABLE {before.format(table)} RENAME TO {after.format(table)}"))
