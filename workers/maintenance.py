"""Upkeep jobs: expired sessions, stored files and logs, reminders of reviews that wait, and a watch on the schedules.

Each run that ends is noted, so that the watch can tell which schedule has not run.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import delete, select

from qconsole.runtime import Context
from workers.db.models import (
    Document,
    DocumentStatus,
    EmailDelivery,
    OutgoingEvent,
    ParsedFile,
    ScheduleRun,
    Session,
    StoredFile,
    WebhookDelivery,
)
from workers.email import SendEmail, send_email
from workers.platform import Platform, platform
from workers.policies import DAY_S, HOUR_S, MINUTE_S, Queue, declare
from workers.webhooks import client_of

LOG_DAYS = 90
FILES_AT_ONCE = 500
REMINDED_AT_ONCE = 50

EXPECTED_S: Final[Mapping[str, float]] = {
    "cleanup-expired-sessions": 2 * HOUR_S,
    "remove-expired-files": 26 * HOUR_S,
    "remind-reviewers": 2 * HOUR_S,
    "sync-impa-catalog": 26 * HOUR_S,
}
"""How long each schedule may not have run before somebody is told."""

logger = logging.getLogger(__name__)


class Upkeep(BaseModel):
    """Nothing to say."""


class RemindReviewers(BaseModel):
    """Who is reminded."""

    to: list[str] = []


async def _noted(ctx: Context, schedule: str, work: Callable[[Platform], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    here = platform(ctx)
    result = await work(here)
    await note_run(here, schedule)
    return result


async def note_run(here: Platform, schedule: str) -> None:
    """Notes that a schedule's run has ended well."""
    async with here.database.writing() as session:
        await session.merge(ScheduleRun(schedule=schedule, ended_ms=here.clock.now_ms(), told_ms=None))


@declare("cleanup_expired_sessions", queue=Queue.SCHEDULED, timeout_s=300)
async def cleanup_expired_sessions(ctx: Context, payload: Upkeep) -> dict[str, Any]:
    """Forget sessions that have expired."""

    async def work(here: Platform) -> dict[str, Any]:
        async with here.database.writing() as session:
            gone = await session.execute(delete(Session).where(Session.expires_ms <= here.clock.now_ms()))
        return {"sessions": int(getattr(gone, "rowcount", 0))}

    return await _noted(ctx, "cleanup-expired-sessions", work)


@declare("remove_expired_files", queue=Queue.SCHEDULED, timeout_s=1_800)
async def remove_expired_files(ctx: Context, payload: Upkeep) -> dict[str, Any]:
    """Remove stored files whose time is over, and the logs nobody reads any more."""

    async def work(here: Platform) -> dict[str, Any]:
        return {
            "files": await _remove_files(here),
            "partial_files": await here.storage.sweep_partial(older_s=DAY_S),
            "log_rows": await _trim_logs(here),
        }

    return await _noted(ctx, "remove-expired-files", work)


async def _remove_files(here: Platform) -> int:
    removed = 0
    while True:
        async with here.database.reading() as session:
            over = select(StoredFile.ref).where(StoredFile.expires_ms <= here.clock.now_ms()).limit(FILES_AT_ONCE)
            refs = (await session.execute(over)).scalars().all()
            needed = set(
                (await session.execute(select(Document.file_ref).where(Document.file_ref.in_(refs)))).scalars()
            )
        for ref in refs:
            if ref not in needed:
                await here.storage.remove(ref)
        # The note goes last: a crash before this removes the same files again, which changes nothing.
        async with here.database.writing() as session:
            await session.execute(delete(StoredFile).where(StoredFile.ref.in_(refs)))
        removed += len(refs)
        if len(refs) < FILES_AT_ONCE:
            return removed


async def _trim_logs(here: Platform) -> int:
    before_ms = here.clock.now_ms() - LOG_DAYS * DAY_S * 1_000
    rows = 0
    for over in (
        delete(WebhookDelivery).where(WebhookDelivery.at_ms < before_ms),
        delete(EmailDelivery).where(EmailDelivery.at_ms < before_ms),
        delete(OutgoingEvent).where(OutgoingEvent.sent_ms < before_ms),
        delete(ParsedFile).where(ParsedFile.created_ms < before_ms),
    ):
        async with here.database.writing() as session:
            rows += int(getattr(await session.execute(over), "rowcount", 0))
    return rows


@declare("remind_reviewers", queue=Queue.SCHEDULED, timeout_s=300)
async def remind_reviewers(ctx: Context, payload: RemindReviewers) -> dict[str, Any]:
    """Remind of documents that have waited long for a review; each is named once a day at most."""

    async def work(here: Platform) -> dict[str, Any]:
        to = payload.to or list(here.settings.review_emails)
        if not to:
            return {"documents": 0}
        now_ms = here.clock.now_ms()
        waited_ms = now_ms - here.settings.review_reminder_h * HOUR_S * 1_000
        chosen = select(Document).where(
            Document.status == DocumentStatus.REVIEW,
            Document.processed_ms < waited_ms,
            (Document.reminded_ms.is_(None)) | (Document.reminded_ms < now_ms - DAY_S * 1_000),
        )
        async with here.database.reading() as session:
            found = (
                (await session.execute(chosen.order_by(Document.processed_ms).limit(REMINDED_AT_ONCE))).scalars().all()
            )
        if not found:
            return {"documents": 0}
        shown = [{"name": d.name or d.id, "lines": d.lines_in_review, "since_ms": d.processed_ms} for d in found]
        variables = {"documents": shown, "zone": "UTC", "link": f"{here.settings.public_url}/reviews"}
        mail = SendEmail(to=to, template="review_reminder", variables=variables)
        await client_of(ctx).enqueue(send_email, mail, job_id=f"remind-{ctx.id}")
        async with here.database.writing() as session:
            for document in found:
                (await session.get_one(Document, document.id)).reminded_ms = now_ms
        return {"documents": len(found)}

    return await _noted(ctx, "remind-reviewers", work)


@declare("watch_schedules", queue=Queue.SCHEDULED, timeout_s=60)
async def watch_schedules(ctx: Context, payload: Upkeep) -> dict[str, Any]:
    """Tell of schedules that have not run for too long; each is told of once until it runs again."""
    here = platform(ctx)
    now_ms = here.clock.now_ms()
    async with here.database.writing() as session:
        runs = {run.schedule: run for run in (await session.execute(select(ScheduleRun))).scalars()}
        late = []
        for schedule, expected_s in EXPECTED_S.items():
            run = runs.get(schedule)
            if run is None:
                # Counted from now on: a schedule that was never seen may just be new.
                session.add(ScheduleRun(schedule=schedule, ended_ms=now_ms, told_ms=None))
            elif run.told_ms is None and now_ms - run.ended_ms > expected_s * 1_000:
                run.told_ms = now_ms
                late.append(schedule)
    for schedule in late:
        logger.error("schedule %s has not run for more than %.0f min", schedule, EXPECTED_S[schedule] / MINUTE_S)
    if late and here.settings.alert_emails:
        summary = f"Schedules did not run: {', '.join(late)}"
        details = {schedule: f"expected every {EXPECTED_S[schedule] / HOUR_S:g} h at the latest" for schedule in late}
        variables = {"severity": "high", "summary": summary, "details": details}
        mail = SendEmail(to=list(here.settings.alert_emails), template="alert", variables=variables)
        await client_of(ctx).enqueue(send_email, mail, job_id=f"watch-{ctx.id}")
    return {"late": late}
