"""Dead letters: every buried job is logged, kept in `failed_jobs`, and told once for each kind of failure.

The record is kept before anybody is told, so that a pager that is down loses nothing. A second job follows what became
of the entries in the console, and closes an incident when all of its failures are settled.
"""

import hashlib
import logging
from typing import Any

from pydantic import BaseModel, ConfigDict

from qconsole.runtime import Client, Context, Dedup
from qconsole.runtime.dead_letter import DISCARDED, REPLAYED, DeadLetters
from workers.alerts import Alert, AlertFailed, AlertRefused, Alerts
from workers.db.models import FailedJob, Incident
from workers.db.repositories import failed_jobs
from workers.db.repositories.failed_jobs import failed_again, keep_failed_job, settled_incidents, unsettled
from workers.email import SendEmail, send_email
from workers.masking import masked, masked_text
from workers.platform import Platform, platform
from workers.policies import URGENT, Queue, declare
from workers.webhooks import client_of

PAGED = ("critical",)
AT_ONCE = 200
TELL_AFTER_MS = 10 * 60 * 1_000
_SHELF = "dead_letter.alerts"
_LONG_CHARS = 8_000

logger = logging.getLogger(__name__)


class Notice(BaseModel):
    """What a burial says about the job it buried."""

    model_config = ConfigDict(extra="ignore")

    queue: str
    dead_letter: str
    job_id: str
    job_type: str
    severity: str = "normal"
    cause: str = ""
    error_type: str = ""
    message: str = ""
    traceback: str | None = None
    fingerprint: str = ""
    attempts: int = 0
    stalls: int = 0
    created_ms: int | None = None
    buried_ms: int
    payload: Any = None
    payload_bytes: int = 0


class FollowDeadLetters(BaseModel):
    """Nothing to say: every entry whose end is not known is looked at."""


@declare("dead_letter", queue=Queue.DEAD_LETTER, timeout_s=60)
async def dead_letter(ctx: Context, payload: Notice) -> dict[str, Any]:
    """Log, keep and tell of one buried job."""
    here = platform(ctx)
    message = masked_text(payload.message)
    logger.error(
        "job buried: %s",
        message,
        extra={
            "queue": payload.queue, "job_id": payload.job_id, "job_type": payload.job_type, "cause": payload.cause,
            "error_type": payload.error_type, "attempts": payload.attempts, "severity": payload.severity,
            "fingerprint": payload.fingerprint,
        },
    )  # fmt: skip
    async with here.database.writing() as session:
        incident = await keep_failed_job(session, _failed_job(payload, message), _incident(here, payload, message))
    told = await _tell(here, ctx, payload, incident, message)
    return {"incident": incident.dedup_key, "failures": incident.failures, "told": told}


@declare("follow_dead_letters", queue=Queue.DEAD_LETTER, attempts=1, dedup=lambda _: Dedup("follow_dead_letters"))
async def follow_dead_letters(ctx: Context, payload: FollowDeadLetters) -> dict[str, int]:
    """Take over what was decided about dead letters, and close the incidents that are over."""
    here, client = platform(ctx), client_of(ctx)
    changed, after = 0, ""
    while True:
        async with here.database.reading() as session:
            found = await unsettled(session, after=after, limit=AT_ONCE)
        for failed in found:
            changed += await _follow(here, client, failed)
        if len(found) < AT_ONCE:
            break
        after = found[-1].entry_id
    return {"changed": changed, "resolved": await _resolve(here)}


def incident_key(payload: Notice) -> str:
    """Returns what makes failures one incident: queue, job type and fingerprint."""
    kind = f"{payload.queue}/{payload.job_type}/{payload.fingerprint}"
    return kind if len(kind) <= 200 else f"{kind[:150]}/{hashlib.sha256(kind.encode()).hexdigest()[:32]}"


def _entry_id(payload: Notice) -> str:
    return f"{payload.queue}/{payload.dead_letter}"


def _failed_job(payload: Notice, message: str) -> FailedJob:
    return FailedJob(
        entry_id=_entry_id(payload),
        queue=payload.queue,
        job_id=payload.job_id,
        job_type=payload.job_type[:255],
        severity=payload.severity,
        cause=payload.cause,
        payload=masked(payload.payload),
        error_type=payload.error_type[:255],
        error=message,
        traceback=masked_text((payload.traceback or "")[-_LONG_CHARS:]),
        fingerprint=payload.fingerprint,
        incident_key=incident_key(payload),
        attempts=payload.attempts,
        stalls=payload.stalls,
        enqueued_ms=payload.created_ms,
        failed_ms=payload.buried_ms,
        status=failed_jobs.OPEN,
    )


def _incident(here: Platform, payload: Notice, message: str) -> Incident:
    summary = f"{payload.job_type} in {payload.queue}: {payload.error_type}: {message}"
    return Incident(
        dedup_key=incident_key(payload),
        severity=payload.severity,
        summary=summary[:255],
        told=[],
        opened_by=_entry_id(payload),
        opened_ms=here.clock.now_ms(),
    )


async def _tell(here: Platform, ctx: Context, payload: Notice, incident: Incident, message: str) -> list[str]:
    """Tells every channel that has not been told of this incident; raises when one could not be."""
    now_ms = here.clock.now_ms()
    # The failure that opened the incident tells of it; the others only if that has not come about for long.
    if incident.opened_by != _entry_id(payload) and now_ms - incident.opened_ms < TELL_AFTER_MS:
        return list(incident.told)
    if payload.severity not in PAGED:
        return []
    alerts = here.kept(_SHELF, lambda: Alerts(here.settings))
    told = list(incident.told)
    waiting = [channel for channel in alerts.channels if channel not in told]
    alert = _alert(here, payload, incident, message)
    problems: list[AlertFailed] = []
    for channel in waiting:
        try:
            await alerts.tell(channel, alert)
        except AlertRefused as error:
            logger.error("an alert was refused and is not repeated: %s", error)
        except AlertFailed as error:
            problems.append(error)
            continue
        told.append(channel)
    if here.settings.alert_emails and "mail" not in told:
        await _mail(client_of(ctx), here, alert)
        told.append("mail")
    if told != incident.told:
        await _note_told(here, incident.dedup_key, told)
    if problems:
        raise problems[0]
    return told


def _alert(here: Platform, payload: Notice, incident: Incident, message: str) -> Alert:
    return Alert(
        dedup_key=incident.dedup_key,
        summary=f"Critical job failed: {payload.queue}: {payload.error_type}: {message}",
        severity=payload.severity,
        queue=payload.queue,
        job_type=payload.job_type,
        at_ms=payload.buried_ms,
        link=f"{here.settings.public_url}/admin/queues/dead-letters?q=fp:{payload.fingerprint}",
        details={
            "job": payload.job_id,
            "cause": payload.cause,
            "attempts": payload.attempts,
            "error": f"{payload.error_type}: {message}",
            "payload": masked(payload.payload),
        },
    )


async def _mail(client: Client, here: Platform, alert: Alert) -> None:
    details = {name: str(value)[:500] for name, value in {**alert.details, "link": alert.link}.items()}
    variables = {"severity": alert.severity, "summary": alert.summary[:200], "details": details}
    # The minute keeps a reopened incident from being taken for the mail of the first one.
    key = hashlib.sha256(f"{alert.dedup_key}/{alert.at_ms // 60_000}".encode()).hexdigest()[:32]
    await client.enqueue(
        send_email,
        SendEmail(to=list(here.settings.alert_emails), template="alert", variables=variables),
        job_id=f"alert-{key}",
        priority=URGENT,
    )


async def _note_told(here: Platform, dedup_key: str, told: list[str]) -> None:
    async with here.database.writing() as session:
        incident = await session.get_one(Incident, dedup_key)
        incident.told = told
        incident.alerted_ms = incident.alerted_ms or here.clock.now_ms()


async def _follow(here: Platform, client: Client, failed: FailedJob) -> int:
    letters = DeadLetters(failed.queue, redis=client.redis, clock=client.clock, cluster=client.cluster)
    entry = failed.entry_id.removeprefix(f"{failed.queue}/")
    letter = await letters.get(entry)
    if letter is None:
        status, replayed_as = (failed.status, failed.replayed_as)
    else:
        status, replayed_as = letter.state, letter.replayed_as
    if status == REPLAYED and replayed_as:
        status = await _end_of(here, client, failed.queue, replayed_as)
    if letter is None and status == failed_jobs.OPEN:
        status = DISCARDED
    if (status, replayed_as) == (failed.status, failed.replayed_as):
        return 0
    async with here.database.writing() as session:
        row = await session.get_one(FailedJob, failed.entry_id)
        row.status, row.replayed_as = status, replayed_as
        if letter is not None:
            row.actor, row.reason, row.resolved_ms = letter.actor, letter.reason, letter.resolved_ms
    return 1


async def _end_of(here: Platform, client: Client, queue: str, job_id: str) -> str:
    """Returns what became of a replayed job: still replayed, succeeded, discarded (cancelled) or failed again."""
    async with here.database.reading() as session:
        if await failed_again(session, queue=queue, job_id=job_id):
            return failed_jobs.FAILED_AGAIN
    keys = client.keys(queue)
    wire_id = keys.wire_id(job_id)
    pipe = client.redis.pipeline(transaction=False)
    pipe.zscore(keys.completed(), wire_id)
    pipe.zscore(keys.cancelled(), wire_id)
    pipe.zscore(keys.failed(), wire_id)
    pipe.exists(keys.job(wire_id))
    completed, cancelled, failed, stands = await pipe.execute()
    if cancelled is not None:
        return failed_jobs.DISCARDED
    if failed is not None or (stands and completed is None):
        return failed_jobs.REPLAYED
    # A job that is nowhere any more and was not buried ended well and was trimmed.
    return failed_jobs.SUCCEEDED


async def _resolve(here: Platform) -> int:
    alerts = here.kept(_SHELF, lambda: Alerts(here.settings))
    async with here.database.reading() as session:
        over = await settled_incidents(session)
    resolved = 0
    for incident in over:
        for channel in incident.told:
            if channel in alerts.channels:
                try:
                    await alerts.resolve(channel, incident.dedup_key, summary=incident.summary)
                except AlertRefused as error:
                    logger.error("the end of an incident was refused and is not repeated: %s", error)
        async with here.database.writing() as session:
            (await session.get_one(Incident, incident.dedup_key)).resolved_ms = here.clock.now_ms()
        resolved += 1
    return resolved
