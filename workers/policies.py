"""The platform's policies, all in this one place: queues, retries, priorities, deduplication, latency targets.

Source: ADR-NF-008, sections "Retry Policy by Job Type", "Job Idempotency" and "Job Latency Requirements".
"""

import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

import orjson

from qconsole.runtime import Dedup, Exponential, Fixed, JobType, QueuePolicy, Rate, Retention, Sla, job_type

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400

REVIEW_BELOW: Final = 0.8
"""A match at or below this confidence waits for a reviewer."""

BATCH_STAGGER_MS: Final = 100


class Queue(StrEnum):
    """The nine queues."""

    DOCUMENTS = "document-processing"
    EMAIL = "email"
    NOTIFICATIONS = "notifications"
    WEBHOOKS = "webhooks"
    REPORTS = "reports"
    IMPORTS = "data-import"
    EXPORTS = "data-export"
    SCHEDULED = "scheduled-tasks"
    DEAD_LETTER = "dead-letter"


URGENT: Final = 1
NORMAL: Final = 5
BULK: Final = 10
"""Priorities: lower goes first."""


_KEPT = Retention(completed=100, completed_age_s=DAY_S, failed=1_000, failed_age_s=7 * DAY_S)
_KEPT_DOCUMENTS = Retention(completed=100, completed_age_s=DAY_S, failed=500, failed_age_s=7 * DAY_S)
_CRITICAL = Sla(queue_s=5, run_s=60, total_s=2 * MINUTE_S)
_STANDARD = Sla(queue_s=30, run_s=10, total_s=MINUTE_S)
_BACKGROUND = Sla(queue_s=5 * MINUTE_S, run_s=30 * MINUTE_S, total_s=HOUR_S)
_WINDOW = Sla(run_s=10 * MINUTE_S)
_PATIENT = Exponential(60, max_s=15 * MINUTE_S, jitter=0.1)

QUEUES: Final[Mapping[str, QueuePolicy]] = {
    Queue.DOCUMENTS: QueuePolicy(
        concurrency=5, rate=Rate(10, per_s=1), retention=_KEPT_DOCUMENTS, sla=_CRITICAL,
        attempts=5, backoff=Exponential(30, max_s=10 * MINUTE_S, jitter=0.1),
    ),
    Queue.EMAIL: QueuePolicy(concurrency=10, retention=_KEPT, sla=_STANDARD, attempts=3, backoff=_PATIENT),
    Queue.NOTIFICATIONS: QueuePolicy(concurrency=10, retention=_KEPT, sla=_STANDARD, attempts=3, backoff=_PATIENT),
    Queue.WEBHOOKS: QueuePolicy(
        concurrency=20, retention=_KEPT, sla=_STANDARD,
        attempts=5, backoff=Exponential(10, max_s=5 * MINUTE_S, jitter=0.1),
    ),
    Queue.REPORTS: QueuePolicy(concurrency=2, retention=_KEPT, sla=_BACKGROUND, attempts=3, backoff=_PATIENT),
    Queue.IMPORTS: QueuePolicy(concurrency=1, retention=_KEPT, sla=_WINDOW, attempts=3, backoff=_PATIENT),
    Queue.EXPORTS: QueuePolicy(
        concurrency=2, retention=_KEPT, sla=_BACKGROUND, attempts=2, backoff=Fixed(5 * MINUTE_S)
    ),
    Queue.SCHEDULED: QueuePolicy(concurrency=2, retention=_KEPT, sla=_WINDOW, attempts=1, backoff=Fixed(0)),
    Queue.DEAD_LETTER: QueuePolicy(
        concurrency=5, retention=_KEPT, sla=_STANDARD,
        attempts=10, backoff=Exponential(5, max_s=5 * MINUTE_S, jitter=0.1),
    ),
}  # fmt: skip

SEVERITIES: Final[Mapping[str, str]] = {
    Queue.DOCUMENTS: "critical",
    Queue.EMAIL: "high",
    Queue.NOTIFICATIONS: "normal",
    Queue.WEBHOOKS: "high",
    Queue.REPORTS: "normal",
    Queue.IMPORTS: "high",
    Queue.EXPORTS: "normal",
    Queue.SCHEDULED: "high",
    Queue.DEAD_LETTER: "critical",
}
"""How much a buried job matters; `high` is the ADR's error, `normal` its warning."""


def declare(name: str, *, queue: Queue, **options: Any) -> Callable[[Callable[..., Any]], JobType[Any]]:
    """Declares a job type under its queue's policy; `options` are those of `job_type`, and count before the queue's."""
    policy = QUEUES[queue]
    options = {"attempts": policy.attempts, "backoff": policy.backoff, "severity": SEVERITIES[queue], **options}
    return job_type(name, queue=queue, **options)


def document_dedup(document_id: str) -> Dedup:
    """Return what makes two jobs of one document the same."""
    return Dedup(f"doc:{document_id}", window_s=HOUR_S)


def email_dedup(user_id: str, template: str, variables: Any) -> Dedup:
    """Return what makes two mails the same: person, template and what is filled in."""
    return Dedup(f"email:{user_id}:{template}:{digest(variables)}", mode="throttle", window_s=DAY_S)


def notification_dedup(user_id: str, event_id: str) -> Dedup:
    """Return what makes two notifications the same: person and event."""
    return Dedup(f"notification:{user_id}:{event_id}", mode="throttle", window_s=DAY_S)


def webhook_dedup(event_id: str, endpoint_id: str) -> Dedup:
    """Return what makes two deliveries the same: event and endpoint."""
    return Dedup(f"webhook:{event_id}:{endpoint_id}", mode="throttle", window_s=HOUR_S)


def report_dedup(report_id: str, parameters: Any) -> Dedup:
    """Return what makes two reports the same: report and parameters."""
    return Dedup(f"report:{report_id}:{digest(parameters)}", mode="throttle", window_s=5 * MINUTE_S)


def import_dedup(source: str) -> Dedup:
    """Return what makes two imports the same: their source, while one runs."""
    return Dedup(f"import:{source}")


def export_dedup(export_id: str) -> Dedup:
    """Return what makes two exports the same."""
    return Dedup(f"export:{export_id}")


def digest(value: Any) -> str:
    """Return a short stable digest of a plain value, whatever the order of its keys."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()[:16]
