"""Buried jobs kept for review and the incidents they raised; keeping one twice changes nothing."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import FailedJob, Incident

OPEN = "open"
REPLAYED = "replayed"
SUCCEEDED = "succeeded"
DISCARDED = "discarded"
FAILED_AGAIN = "failed_again"


async def keep_failed_job(session: AsyncSession, failed: FailedJob, incident: Incident) -> Incident:
    """Keeps a buried job and counts it in its incident, opened when there is none; returns the incident.

    Args:
        failed: the buried job. incident: what its incident would be if this is its first failure.
    """
    standing = await session.get(Incident, incident.dedup_key, with_for_update=True)
    if await session.get(FailedJob, failed.entry_id) is not None and standing is not None:
        return standing
    await session.merge(failed)
    if standing is None:
        session.add(incident)
        standing = incident
    elif standing.resolved_ms is not None:
        standing.opened_ms, standing.resolved_ms, standing.alerted_ms = incident.opened_ms, None, None
        standing.failures, standing.told, standing.opened_by = 0, [], failed.entry_id
    standing.failures = (standing.failures or 0) + 1
    return standing


async def unsettled(session: AsyncSession, *, after: str, limit: int) -> Sequence[FailedJob]:
    """Returns failed jobs whose end is not known yet, in the order of their ids, from after one on."""
    chosen = select(FailedJob).where(FailedJob.status.in_((OPEN, REPLAYED)), FailedJob.entry_id > after)
    return (await session.execute(chosen.order_by(FailedJob.entry_id).limit(limit))).scalars().all()


async def failed_again(session: AsyncSession, *, queue: str, job_id: str) -> bool:
    """Tells whether a replayed job was buried in its turn."""
    chosen = select(func.count()).where(FailedJob.queue == queue, FailedJob.job_id == job_id)
    return bool((await session.execute(chosen)).scalar())


async def settled_incidents(session: AsyncSession) -> Sequence[Incident]:
    """Returns the incidents that are not resolved although every failure of theirs is settled."""
    waiting = select(FailedJob.entry_id).where(
        FailedJob.incident_key == Incident.dedup_key, FailedJob.status.in_((OPEN, REPLAYED))
    )
    chosen = select(Incident).where(Incident.resolved_ms.is_(None), ~waiting.exists())
    return (await session.execute(chosen)).scalars().all()
