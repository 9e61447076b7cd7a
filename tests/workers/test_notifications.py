"""Everybody is told once, on the channels they chose, at hours they accept; a fan-out survives a crash."""

import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import func, insert, select

from qconsole.errors import Unrecoverable
from qconsole.runtime import Client
from tests.support import eventually
from tests.workers.platform_worker import worker_process
from tests.workers.smtp_server import smtp_server
from tests.workers.support import context, every_database
from workers.db.models import Document, Fanout, Notification, NotificationPreference, OutgoingEvent, User
from workers.documents.jobs import ProcessDocument, process_document
from workers.email import send_email
from workers.notifications import NotifyMany, NotifyUser, SendDigests, notify_many, notify_user, send_digests
from workers.platform import Platform
from workers.policies import QUEUES, URGENT, Queue
from workers.quiet_hours import next_digest_ms, quiet_until_ms

NOTICE: dict[str, Any] = {"event": "order.sent", "event_id": "o1", "title": "Order sent", "body": "It is on its way."}


async def _people(platform: Platform, count: int, **more: Any) -> None:
    rows = [
        {"id": f"u{n:05}", "email": f"u{n}@example.org", "tenant": "t", "created_ms": 1, "active": True,
         "digest": False, "name": "", "locale": "en", "zone": "UTC", **more}
        for n in range(count)
    ]  # fmt: skip
    async with platform.database.writing() as session:
        await session.execute(insert(User), rows)


async def _told(platform: Platform) -> int:
    async with platform.database.reading() as session:
        return int((await session.execute(select(func.count()).select_from(Notification))).scalar() or 0)


@every_database
async def test_a_person_is_told_in_the_product_and_by_mail_once(platform: Platform, redis: Redis) -> None:
    await _people(platform, 1)
    ctx, _ = context(platform, client=Client(redis=redis))
    for _attempt in range(2):
        await notify_user(ctx, NotifyUser(user_id="u00000", **NOTICE))
    assert (await _told(platform), await redis.zcard("email")) == (1, 1)


async def test_the_chosen_channels_count(platform: Platform, redis: Redis) -> None:
    await _people(platform, 1)
    async with platform.database.writing() as session:
        session.add(NotificationPreference(user_id="u00000", event="*", channels=["email"]))
        session.add(NotificationPreference(user_id="u00000", event="order.sent", channels=["in_app", "webhook"]))
    ctx, _ = context(platform, client=Client(redis=redis))
    await notify_user(ctx, NotifyUser(user_id="u00000", **NOTICE))
    assert await redis.zcard("email") == 0
    async with platform.database.reading() as session:
        assert (await session.execute(select(OutgoingEvent.type))).scalar_one() == "notification"


async def test_quiet_hours_delay_a_mail_unless_it_is_urgent(platform: Platform, redis: Redis) -> None:
    await _people(platform, 1, quiet_from_min=0, quiet_until_min=24 * 60 - 1)
    if datetime.now(UTC).strftime("%H:%M") == "23:59":
        pytest.skip("the one minute that is not quiet")
    ctx, _ = context(platform, client=Client(redis=redis))
    await notify_user(ctx, NotifyUser(user_id="u00000", **NOTICE))
    (quiet,) = [score for _, score in await redis.zrange("email", 0, -1, withscores=True)]
    assert quiet != 0
    await notify_user(ctx, NotifyUser(user_id="u00000", **{**NOTICE, "event_id": "o2", "urgent": True}))
    assert await redis.zcard("email") == 2


@every_database
async def test_digests_gather_and_go_out_once(platform: Platform, redis: Redis) -> None:
    await _people(platform, 2, digest=True)
    async with platform.database.writing() as session:
        (await session.get_one(User, "u00000")).email = "no address"  # keeps nobody else waiting
    ctx, recorder = context(platform, client=Client(redis=redis))
    for number in range(3):
        for user_id in ("u00000", "u00001"):
            await notify_user(ctx, NotifyUser(user_id=user_id, **{**NOTICE, "event_id": f"o{number}"}))
    assert await redis.zcard("email") == 0
    async with platform.database.writing() as session:
        for one in (await session.execute(select(Notification))).scalars():
            one.digest_due_ms = 1
    assert await send_digests(ctx, SendDigests()) == {"digests": 1}
    assert await send_digests(ctx, SendDigests()) == {"digests": 0}
    assert recorder.lines == ["no mail, for want of a valid address, to u00000"]
    assert await redis.zcard("email") == 1


BEFORE_THE_SECOND, BEFORE_THE_TENTH = (f"workers.notifications:_keep_place:{place}" for place in (2, 10))


async def _finished(platform: Platform) -> Fanout | None:
    async with platform.database.reading() as session:
        fanout = (await session.execute(select(Fanout))).scalar_one_or_none()
    return fanout if fanout is not None and fanout.finished_ms is not None else None


async def _order(client: Client, platform: Platform, number: int) -> None:
    """Queues a document that asks for one thing."""
    stored = await platform.storage.put(f"Description;Qty;Unit;Price\nRope {number};2;m;2.50\n".encode())
    payload = ProcessDocument(document_id=f"d{number}", file_ref=stored.ref, name="order.csv")
    await client.enqueue(process_document, payload, priority=URGENT)


async def _documents(platform: Platform) -> list[Document]:
    async with platform.database.reading() as session:
        return list((await session.execute(select(Document))).scalars())


@pytest.mark.timeout(300)
async def test_a_killed_fan_out_goes_on_and_documents_do_not_wait_for_it(
    platform: Platform, redis: Redis, redis_url: str
) -> None:
    """The worker dies when the second chunk's mails are queued and its place is not kept: the worst moment."""
    await _people(platform, 1_200)
    served = (notify_many.name, process_document.name)
    async with await Client.connect(redis_url) as client:
        await client.enqueue(notify_many, NotifyMany(tenant="t", **NOTICE))
        for number in range(3):
            await _order(client, platform, number)
    with worker_process(platform.settings, redis_url, *served, die=BEFORE_THE_SECOND) as process:
        await eventually(lambda: process.poll() is not None, deadline_s=120)
    assert process.returncode == -SIGKILL
    assert await _finished(platform) is None
    with worker_process(platform.settings, redis_url, *served):
        fanout = await eventually(lambda: _finished(platform), deadline_s=120, interval_s=0.1)
        await eventually(lambda: _all_processed(platform, 3), deadline_s=120, interval_s=0.1)
    assert fanout.told == 1_200
    assert (await _told(platform), await redis.zcard("email")) == (1_200, 1_200)
    assert all(document.created_ms < (fanout.finished_ms or 0) for document in await _documents(platform))


async def _all_processed(platform: Platform, count: int) -> bool:
    found = await _documents(platform)
    ended = {document.id for document in found if document.processed_ms and document.lines_found == 1}
    missing = {f"d{number}" for number in range(count)} - ended
    states = {document.id: (document.status, document.attempt, document.error) for document in found}
    assert not missing, f"{len(missing)} of {count} documents are not processed: {[states.get(i) for i in missing][:3]}"
    return True


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_ten_thousand_get_one_mail_each_through_a_kill_while_no_document_waits(
    platform: Platform, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """One worker sends the mails and reads documents; the one that also tells the people is killed and replaced."""
    await _people(platform, 10_000)
    asked_ms: list[int] = []

    async with await Client.connect(redis_url) as client, smtp_server(tmp_path) as mail:
        settings = platform.settings.model_copy(
            update={"smtp_port": mail.port, "smtp_user": "robot", "smtp_password": SecretStr("s3cret"),
                    "smtp_ca_file": mail.ca_file}
        )  # fmt: skip

        async def asks_until(condition: Callable[[], Awaitable[object]]) -> bool:
            """Asks for one more document when the last one is processed, and then whether the condition holds."""
            if sum(document.processed_ms is not None for document in await _documents(platform)) == len(asked_ms):
                asked_ms.append(platform.clock.now_ms())
                await _order(client, platform, len(asked_ms) - 1)
            return bool(await condition())

        async def is_dead(process: subprocess.Popen[bytes]) -> bool:
            return process.poll() is not None

        async def has_told_all() -> bool:
            return await _finished(platform) is not None and len(mail.got) >= 10_000

        with worker_process(settings, redis_url, process_document.name, send_email.name):
            await _order(client, platform, 0)
            await eventually(lambda: _all_processed(platform, 1), deadline_s=120)
            asked_ms.append(platform.clock.now_ms())  # this one waited for the worker to start
            await client.enqueue(notify_many, NotifyMany(tenant="t", **NOTICE))
            both = (notify_many.name, process_document.name)
            with worker_process(settings, redis_url, *both, die=BEFORE_THE_TENTH) as killed:
                await eventually(lambda: asks_until(lambda: is_dead(killed)), deadline_s=600, interval_s=0.5)
            assert killed.returncode == -SIGKILL
            with worker_process(settings, redis_url, *both):
                await eventually(lambda: asks_until(has_told_all), deadline_s=900, interval_s=0.5)
                await eventually(lambda: _all_processed(platform, len(asked_ms)), deadline_s=150, interval_s=0.5)
    fanout = await _finished(platform)
    assert fanout is not None
    assert (fanout.told, await _told(platform)) == (10_000, 10_000)
    assert sorted(received.recipients[0] for received in mail.got) == sorted(f"u{n}@example.org" for n in range(10_000))
    # A document is taken in when its job starts for the first time.
    waited_s = [(found.created_ms - asked_ms[int(found.id[1:])]) / 1_000 for found in await _documents(platform)]
    assert QUEUES[Queue.DOCUMENTS].sla.queue_s == 5
    assert max(waited_s) <= 5, f"longest waits of {len(waited_s)}: {sorted(waited_s)[-10:]}"


async def test_a_person_who_is_gone_is_not_tried_again(platform: Platform, redis: Redis) -> None:
    with pytest.raises(Unrecoverable, match="no active person"):
        await notify_user(context(platform, client=Client(redis=redis))[0], NotifyUser(user_id="nobody", **NOTICE))


def _at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("now", "zone", "span", "until"),
    [
        ("2025-01-15T23:30+00:00", "UTC", (22 * 60, 7 * 60), "2025-01-16T07:00+00:00"),
        ("2025-01-15T03:00+00:00", "UTC", (22 * 60, 7 * 60), "2025-01-15T07:00+00:00"),
        ("2025-01-15T12:00+00:00", "UTC", (22 * 60, 7 * 60), None),
        ("2025-01-15T07:00+00:00", "UTC", (22 * 60, 7 * 60), None),
        ("2025-01-15T21:30+00:00", "Europe/Berlin", (22 * 60, 7 * 60), "2025-01-16T06:00+00:00"),
        ("2025-01-15T21:30+00:00", "Nowhere/At_All", (22 * 60, 7 * 60), None),
        ("2025-01-15T21:30+00:00", "UTC", (60, 60), None),
        ("2025-01-15T21:30+00:00", "UTC", (None, 60), None),
    ],
)
def test_quiet_hours(now: str, zone: str, span: tuple[int | None, int | None], until: str | None) -> None:
    found = quiet_until_ms(_at(now), zone=zone, from_min=span[0], until_min=span[1])
    assert found == (None if until is None else _at(until))


def test_digests_go_out_at_eight_in_the_persons_zone() -> None:
    assert next_digest_ms(_at("2025-01-15T08:00+00:00"), zone="UTC") == _at("2025-01-16T08:00+00:00")
    assert next_digest_ms(_at("2025-07-15T01:00+00:00"), zone="Europe/Berlin") == _at("2025-07-15T06:00+00:00")
