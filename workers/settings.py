"""What `qconsole worker workers.settings.WorkerSettings` runs: every job type of the platform on its nine queues."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from qconsole.runtime import JobType, QueuePolicy, Schedule, cron, every
from workers.config import PlatformSettings
from workers.dead_letter import FollowDeadLetters, dead_letter, follow_dead_letters
from workers.documents.flow import complete_processing, extract_items, match_skus, parse_document
from workers.documents.jobs import process_document
from workers.email import send_email
from workers.exports import export_rows
from workers.extras import missing_extras
from workers.imports import SyncCatalogue, sync_catalogue
from workers.maintenance import (
    RemindReviewers,
    Upkeep,
    cleanup_expired_sessions,
    remind_reviewers,
    remove_expired_files,
    watch_schedules,
)
from workers.notifications import SendDigests, notify_many, notify_user, send_digests
from workers.payloads import open_payloads
from workers.platform import RESOURCE, opened
from workers.policies import HOUR_S, MINUTE_S, QUEUES
from workers.reports import make_report
from workers.webhooks import SendEvents, deliver_webhook, send_events

_STACK = "platform.stack"

logger = logging.getLogger(__name__)


async def open_platform(resources: dict[str, Any]) -> None:
    """Opens database, storage and readers, and says which optional parts are missing."""
    settings = PlatformSettings()
    for sentence in missing_extras(settings.database_url):
        logger.warning(sentence)
    stack = AsyncExitStack()
    resources[RESOURCE] = await stack.enter_async_context(opened(settings))
    resources[_STACK] = stack


async def close_platform(resources: dict[str, Any]) -> None:
    """Closes what `open_platform` opened."""
    stack: AsyncExitStack | None = resources.pop(_STACK, None)
    if stack is not None:
        await stack.aclose()


SCHEDULES = [
    cron("sync-impa-catalog", "0 2 * * *", job_type=sync_catalogue, payload=SyncCatalogue(scheduled=True)),
    every("cleanup-expired-sessions", HOUR_S, job_type=cleanup_expired_sessions, payload=Upkeep()),
    cron("remove-expired-files", "30 3 * * *", job_type=remove_expired_files, payload=Upkeep()),
    every("remind-reviewers", HOUR_S, job_type=remind_reviewers, payload=RemindReviewers()),
    every("watch-schedules", 10 * MINUTE_S, job_type=watch_schedules, payload=Upkeep()),
    every("send-events", MINUTE_S, job_type=send_events, payload=SendEvents(), missed="skip"),
    every("send-digests", 5 * MINUTE_S, job_type=send_digests, payload=SendDigests(), missed="skip"),
    every("follow-dead-letters", MINUTE_S, job_type=follow_dead_letters, payload=FollowDeadLetters(), missed="skip"),
]


class WorkerSettings:
    """The platform's worker."""

    job_types: ClassVar[list[JobType[Any]]] = [
        process_document,
        parse_document,
        extract_items,
        match_skus,
        complete_processing,
        send_email,
        notify_user,
        notify_many,
        send_digests,
        send_events,
        deliver_webhook,
        sync_catalogue,
        export_rows,
        make_report,
        cleanup_expired_sessions,
        remove_expired_files,
        remind_reviewers,
        watch_schedules,
        dead_letter,
        follow_dead_letters,
    ]
    queues: ClassVar[Mapping[str, QueuePolicy]] = QUEUES
    schedules: ClassVar[list[Schedule]] = SCHEDULES
    on_startup = open_platform
    on_shutdown = close_platform
    payload_store = open_payloads
