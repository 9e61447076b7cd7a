"""Outgoing events, the endpoints that want them, and the log of deliveries."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import OutgoingEvent, WebhookDelivery, WebhookEndpoint

EVERY_EVENT = "*"


async def pending_events(session: AsyncSession, *, limit: int) -> Sequence[OutgoingEvent]:
    """Returns the oldest events that have not been sent on."""
    chosen = select(OutgoingEvent).where(OutgoingEvent.sent_ms.is_(None))
    return (
        (await session.execute(chosen.order_by(OutgoingEvent.created_ms, OutgoingEvent.id).limit(limit)))
        .scalars()
        .all()
    )


async def endpoints_for(session: AsyncSession, event: OutgoingEvent) -> list[WebhookEndpoint]:
    """Returns the enabled endpoints of the event's customer that want its type."""
    chosen = select(WebhookEndpoint).where(
        WebhookEndpoint.customer == event.customer, WebhookEndpoint.disabled_ms.is_(None)
    )
    found = (await session.execute(chosen.order_by(WebhookEndpoint.id))).scalars()
    return [endpoint for endpoint in found if EVERY_EVENT in endpoint.events or event.type in endpoint.events]


async def mark_sent(session: AsyncSession, event_ids: Sequence[str], *, at_ms: int) -> None:
    """Marks events as sent on."""
    await session.execute(update(OutgoingEvent).where(OutgoingEvent.id.in_(event_ids)).values(sent_ms=at_ms))


async def note_success(session: AsyncSession, delivery: WebhookDelivery) -> None:
    """Logs a delivery and forgets the endpoint's failures."""
    session.add(delivery)
    healed = {"failures": 0, "failing_since_ms": None}
    await session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == delivery.endpoint_id).values(healed))


async def note_failure(session: AsyncSession, delivery: WebhookDelivery) -> WebhookEndpoint | None:
    """Logs a failed delivery, counts it, and returns the endpoint."""
    session.add(delivery)
    endpoint = await session.get(WebhookEndpoint, delivery.endpoint_id, with_for_update=True)
    if endpoint is not None:
        endpoint.failures += 1
        endpoint.failing_since_ms = endpoint.failing_since_ms or delivery.at_ms
    return endpoint


def disable(endpoint: WebhookEndpoint, *, reason: str, at_ms: int) -> None:
    """Sends an endpoint nothing more until somebody enables it."""
    endpoint.disabled_ms, endpoint.disabled_reason = at_ms, reason


async def enable(session: AsyncSession, endpoint_id: str) -> bool:
    """Lets an endpoint get events again; returns False when there is none."""
    endpoint = await session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None:
        return False
    endpoint.disabled_ms = endpoint.disabled_reason = endpoint.failing_since_ms = None
    endpoint.failures = 0
    return True


async def rotate_secret(session: AsyncSession, endpoint_id: str, secret: str) -> bool:
    """Makes the secret the newest one, keeping the one before it valid; returns False when there is no endpoint."""
    endpoint = await session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None:
        return False
    endpoint.secrets = [secret, *endpoint.secrets[:1]]
    return True
