"""Notifications and who is to be told; telling somebody of an event twice changes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import Notification, NotificationPreference, User

EVERY_EVENT = "*"


async def add_notifications(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds notifications; those a person already has for an event stay as they are."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    await session.execute(make(Notification).on_conflict_do_nothing(index_elements=["user_id", "event_id"]), list(rows))


async def preferences(session: AsyncSession, user_ids: Sequence[str], event: str) -> dict[str, list[str]]:
    """Returns the channels people chose for the event, or for every event; absent who chose nothing."""
    chosen = select(NotificationPreference).where(
        NotificationPreference.user_id.in_(user_ids), NotificationPreference.event.in_((event, EVERY_EVENT))
    )
    found: dict[str, list[str]] = {}
    for row in (await session.execute(chosen)).scalars():
        if row.event == event or row.user_id not in found:
            found[row.user_id] = list(row.channels)
    return found


async def next_users(session: AsyncSession, *, tenant: str, after: str, limit: int) -> Sequence[User]:
    """Returns active people of a tenant (of all when it is empty) in the order of their ids, from after one on."""
    chosen = select(User).where(User.active, User.id > after)
    if tenant:
        chosen = chosen.where(User.tenant == tenant)
    return (await session.execute(chosen.order_by(User.id).limit(limit))).scalars().all()


async def due_digests(session: AsyncSession, *, now_ms: int, limit: int) -> Sequence[str]:
    """Returns people with notifications whose digest is due."""
    chosen = select(Notification.user_id).where(Notification.digest_due_ms <= now_ms).distinct()
    return (await session.execute(chosen.order_by(Notification.user_id).limit(limit))).scalars().all()


async def digest_of(session: AsyncSession, user_id: str, *, now_ms: int) -> Sequence[Notification]:
    """Returns a person's notifications whose digest is due."""
    chosen = select(Notification).where(Notification.user_id == user_id, Notification.digest_due_ms <= now_ms)
    return (await session.execute(chosen.order_by(Notification.created_ms, Notification.id))).scalars().all()


async def digest_sent(session: AsyncSession, ids: Sequence[int]) -> None:
    """Takes notifications out of the digests."""
    await session.execute(update(Notification).where(Notification.id.in_(ids)).values(digest_due_ms=None))
