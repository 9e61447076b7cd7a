"""What became of each mail for each recipient, and the addresses that get none."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import EmailDelivery, EmailSuppression

SENT = "sent"
DEFERRED = "deferred"
REFUSED = "refused"
SUPPRESSED = "suppressed"


async def sent_to(session: AsyncSession, mail_id: str) -> set[str]:
    """Returns the recipients who got this mail in an earlier attempt."""
    chosen = select(EmailDelivery.recipient).where(EmailDelivery.mail_id == mail_id, EmailDelivery.status == SENT)
    return set((await session.execute(chosen)).scalars())


async def suppressed(session: AsyncSession, addresses: Iterable[str]) -> dict[str, str]:
    """Returns why those of the addresses that are suppressed are."""
    wanted = [address.lower() for address in addresses]
    found = await session.execute(select(EmailSuppression).where(EmailSuppression.address.in_(wanted)))
    return {row.address: row.reason for row in found.scalars()}


async def note_delivery(session: AsyncSession, delivery: EmailDelivery) -> None:
    """Notes what became of a mail for one recipient; the newest attempt counts."""
    await session.merge(delivery)


async def suppress(session: AsyncSession, address: str, *, reason: str, reply_code: int, at_ms: int) -> None:
    """Sends nothing more to an address, from now on."""
    await session.merge(EmailSuppression(address=address.lower(), reason=reason, reply_code=reply_code, since_ms=at_ms))
