"""Everybody is told once, on the channels they chose, at hours they accept; a fan-out survives a crash."""

from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, insert, select

from qconsole.errors import Unrecoverable
from qconsole.runtime import Client
from tests.workers.support import context, every_database
from workers import notifications as module
from workers.db.models import Fanout, Notification, NotificationPreference, OutgoingEvent, User
from workers.notifications import NotifyMany, NotifyUser, SendDigests, notify_many, notify_user, send_digests
from workers.platform import Platform
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
    await _people(platform, 1, digest=True)
    ctx, _ = context(platform, client=Client(redis=redis))
    for number in range(3):
        await notify_user(ctx, NotifyUser(user_id="u00000", **{**NOTICE, "event_id": f"o{number}"}))
    assert await redis.zcard("email") == 0
    async with platform.database.writing() as session:
        for one in (await session.execute(select(Notification))).scalars():
            one.digest_due_ms = 1
    assert await send_digests(ctx, SendDigests()) == {"digests": 1}
    assert await send_digests(ctx, SendDigests()) == {"digests": 0}
    assert await redis.zcard("email") == 1


async def test_nobody_is_told_twice_when_a_fan_out_is_cut_off(
    platform: Platform, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _people(platform, 2_300)
    client = Client(redis=redis)
    ctx, recorder = context(platform, client=client)
    keep, kept = module._keep_place, 0

    async def die_at_the_third(*args: Any, **more: Any) -> None:
        nonlocal kept
        kept += 1
        if kept == 3:
            raise ConnectionError("killed after the mails were queued and before the place was kept")
        await keep(*args, **more)

    monkeypatch.setattr(module, "_keep_place", die_at_the_third)
    with pytest.raises(ConnectionError):
        await notify_many(ctx, NotifyMany(tenant="t", **NOTICE))
    assert await notify_many(ctx, NotifyMany(tenant="t", **NOTICE)) == {"told": 2_300}
    assert recorder.lines == ["goes on after 1,000 people"]
    assert (await _told(platform), await redis.zcard("email")) == (2_300, 2_300)
    async with platform.database.reading() as session:
        fanout = (await session.execute(select(Fanout))).scalar_one()
    assert (fanout.told, fanout.finished_ms is not None) == (2_300, True)


async def test_ten_thousand_are_told_in_chunks_behind_everything_else(platform: Platform, redis: Redis) -> None:
    await _people(platform, 10_000)
    ctx, recorder = context(platform, client=Client(redis=redis))
    assert await notify_many(ctx, NotifyMany(tenant="t", **NOTICE)) == {"told": 10_000}
    assert len(recorder.steps) == 21
    assert (await _told(platform), await redis.zcard("email")) == (10_000, 10_000)
    assert await redis.zcard("document-processing") == 0


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
