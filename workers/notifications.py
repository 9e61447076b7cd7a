"""Notification jobs: to one person, to many in chunks, and digests.

Everybody is told of an event once, whatever is retried: in the product by a unique key, by mail under an id made of
person and event. A fan-out keeps its place with each chunk, so that a crash goes on where it was.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, Field

from qconsole.errors import Unrecoverable
from qconsole.runtime import Client, Context, Dedup
from workers.db.models import Fanout, OutgoingEvent, User
from workers.db.repositories.notifications import (
    add_notifications,
    digest_of,
    digest_sent,
    due_digests,
    next_users,
    preferences,
)
from workers.email import SendEmail, is_mail_address, send_email
from workers.platform import Platform, platform
from workers.policies import BULK, NORMAL, Queue, declare, email_dedup, notification_dedup
from workers.quiet_hours import next_digest_ms, quiet_until_ms
from workers.webhooks import client_of

IN_APP, EMAIL, WEBHOOK = "in_app", "email", "webhook"
DEFAULT_CHANNELS: Final = (IN_APP, EMAIL)
CHUNK_USERS = 500
DIGESTS_AT_ONCE = 200
_NAMED = 5


class Told(BaseModel):
    """What is told: `event` is its kind, `event_id` this one of it; `urgent` knows no quiet hours and no digest."""

    event: str = Field(min_length=1, max_length=100)
    event_id: str = Field(min_length=1, max_length=100)
    title: str = Field(min_length=1, max_length=200)
    body: str = Field(default="", max_length=10_000)
    link: str | None = Field(default=None, max_length=255)
    urgent: bool = False


class NotifyUser(Told):
    """One person to tell."""

    user_id: str = Field(min_length=1, max_length=64)


class NotifyMany(Told):
    """Everybody of a tenant, or everybody at all."""

    tenant: str = ""


class SendDigests(BaseModel):
    """Nothing to say: every digest that is due goes out."""


@declare(
    "notify_user",
    queue=Queue.NOTIFICATIONS,
    timeout_s=30,
    dedup=lambda payload: notification_dedup(payload.user_id, payload.event_id),
)
async def notify_user(ctx: Context, payload: NotifyUser) -> dict[str, Any]:
    """Tell one person of an event on the channels that person chose."""
    here = platform(ctx)
    async with here.database.reading() as session:
        user = await session.get(User, payload.user_id)
    if user is None or not user.active:
        raise Unrecoverable(f"there is no active person {payload.user_id}", user_id=payload.user_id)
    await _tell(ctx, [user], payload, priority=NORMAL)
    return {"user_id": user.id}


@declare(
    "notify_many",
    queue=Queue.NOTIFICATIONS,
    timeout_s=1_800,
    priority=BULK,
    dedup=lambda payload: notification_dedup(f"tenant:{payload.tenant}", payload.event_id),
)
async def notify_many(ctx: Context, payload: NotifyMany) -> dict[str, int]:
    """Tell everybody of a tenant of an event, a chunk at a time, behind everything that is more urgent."""
    here = platform(ctx)
    fanout = await _fanout(here, payload)
    if fanout.last_user_id:
        ctx.log(f"goes on after {fanout.told:,} people")
    after, told = fanout.last_user_id, fanout.told
    while True:
        async with here.database.reading() as session:
            users = await next_users(session, tenant=payload.tenant, after=after, limit=CHUNK_USERS)
        if not users and not told and payload.tenant:
            raise Unrecoverable(f"no active person belongs to the tenant {payload.tenant}", tenant=payload.tenant)
        if users:
            await _tell(ctx, users, payload, priority=BULK)
            after, told = users[-1].id, told + len(users)
        await _keep_place(here, fanout.id, after=after, told=told, ended=len(users) < CHUNK_USERS)
        ctx.progress({"told": told})
        if len(users) < CHUNK_USERS:
            return {"told": told}


@declare("send_digests", queue=Queue.NOTIFICATIONS, timeout_s=300, dedup=lambda _: Dedup("send_digests"))
async def send_digests(ctx: Context, payload: SendDigests) -> dict[str, int]:
    """Send every digest that is due."""
    here = platform(ctx)
    sent = 0
    while True:
        async with here.database.reading() as session:
            people = await due_digests(session, now_ms=here.clock.now_ms(), limit=DIGESTS_AT_ONCE)
        for user_id in people:
            sent += await _send_digest(ctx, user_id)
        if len(people) < DIGESTS_AT_ONCE:
            return {"digests": sent}


async def _send_digest(ctx: Context, user_id: str) -> int:
    here = platform(ctx)
    async with here.database.reading() as session:
        user = await session.get_one(User, user_id)
        found = await digest_of(session, user_id, now_ms=here.clock.now_ms())
    ids = [one.id for one in found]
    shown = [{"title": one.title, "body": one.body, "link": one.link} for one in found]
    reachable = _reachable(ctx, [user])
    if reachable:
        mail = SendEmail(to=[user.email], template="digest", variables={"notifications": shown}, user_id=user_id)
        # The same notifications make the same id, so a crash before the next line sends no second digest.
        await client_of(ctx).enqueue(send_email, mail, job_id=_job_id("digest", user_id, ids), priority=BULK)
    async with here.database.writing() as session:
        await digest_sent(session, ids)
    return len(reachable)


async def _fanout(here: Platform, payload: NotifyMany) -> Fanout:
    fanout_id = _job_id("fanout", payload.tenant, payload.event_id)
    async with here.database.writing() as session:
        known = await session.get(Fanout, fanout_id)
        if known is None:
            known = Fanout(
                id=fanout_id,
                event=payload.event,
                tenant=payload.tenant,
                title=payload.title,
                body=payload.body,
                link=payload.link,
                last_user_id="",
                told=0,
                created_ms=here.clock.now_ms(),
            )
            session.add(known)
    return known


async def _keep_place(here: Platform, fanout_id: str, *, after: str, told: int, ended: bool) -> None:
    async with here.database.writing() as session:
        fanout = await session.get_one(Fanout, fanout_id)
        fanout.last_user_id, fanout.told = after, told
        if ended:
            fanout.finished_ms = here.clock.now_ms()


async def _tell(ctx: Context, users: Sequence[User], told: Told, *, priority: int) -> None:
    here = platform(ctx)
    now_ms = here.clock.now_ms()
    async with here.database.reading() as session:
        chosen = await preferences(session, [user.id for user in users], told.event)
    channels = {user.id: chosen.get(user.id, list(DEFAULT_CHANNELS)) for user in users}
    digests = {user.id for user in users if user.digest and not told.urgent and EMAIL in channels[user.id]}
    rows = [_row(user, told, channels[user.id], user.id in digests, now_ms) for user in users]
    async with here.database.writing() as session:
        await add_notifications(session, rows)
        for user in users:
            if WEBHOOK in channels[user.id]:
                await session.merge(_event(user, told, now_ms))
    mailed = _reachable(ctx, [user for user in users if EMAIL in channels[user.id] and user.id not in digests])
    await _mail(client_of(ctx), mailed, told, now_ms=now_ms, priority=priority)


def _reachable(ctx: Context, users: Sequence[User]) -> list[User]:
    """Returns who has a mail address; the others are logged, so that one bad address keeps nobody else waiting."""
    found = [user for user in users if is_mail_address(user.email)]
    without = sorted({user.id for user in users} - {user.id for user in found})
    if without:
        more = f" and {len(without) - _NAMED:,} more" if len(without) > _NAMED else ""
        ctx.log(f"no mail, for want of a valid address, to {', '.join(without[:_NAMED])}{more}")
    return found


async def _mail(client: Client, users: Sequence[User], told: Told, *, now_ms: int, priority: int) -> None:
    """Queues a mail for each person, at once or when the person's quiet hours end."""
    at_once: list[User] = []

    def dedup(mail: SendEmail) -> Dedup:
        # Two events may say the same; each is its own mail.
        return email_dedup(mail.user_id, mail.template, told.event_id)

    for user in users:
        quiet_ms = quiet_until_ms(now_ms, zone=user.zone, from_min=user.quiet_from_min, until_min=user.quiet_until_min)
        if quiet_ms is None or told.urgent:
            at_once.append(user)
            continue
        job_id, delay_s = _job_id("notify", user.id, told.event_id), (quiet_ms - now_ms) / 1_000
        mail = _letter(user, told)
        await client.enqueue(send_email, mail, job_id=job_id, dedup=dedup(mail), priority=priority, delay_s=delay_s)
    if at_once:
        await client.enqueue_many(
            send_email,
            [_letter(user, told) for user in at_once],
            job_ids=[_job_id("notify", user.id, told.event_id) for user in at_once],
            dedup=dedup,
            priority=priority,
        )


def _letter(user: User, told: Told) -> SendEmail:
    return SendEmail(to=[user.email], template="notification", variables=_variables(told), user_id=user.id)


def _variables(told: Told) -> dict[str, Any]:
    return {"title": told.title, "body": told.body, "link": told.link}


def _row(user: User, told: Told, channels: Sequence[str], digest: bool, now_ms: int) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "event_id": told.event_id,
        "event": told.event,
        "title": told.title,
        "body": told.body,
        "link": told.link,
        "channels": list(channels),
        "created_ms": now_ms,
        "digest_due_ms": next_digest_ms(now_ms, zone=user.zone) if digest else None,
    }


def _event(user: User, told: Told, now_ms: int) -> OutgoingEvent:
    return OutgoingEvent(
        id=_job_id("event", user.id, told.event_id),
        type="notification",
        customer=user.tenant,
        payload={"user_id": user.id, "event": told.event, **_variables(told)},
        created_ms=now_ms,
    )


def _job_id(kind: str, who: str, what: object) -> str:
    return f"{kind}-{hashlib.sha256(f'{who}/{what}'.encode()).hexdigest()[:40]}"
