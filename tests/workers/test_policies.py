"""The policies are those of the decision record."""

import inspect
from typing import Any

import pytest

from qconsole.runtime import Exponential, Fixed, JobType, Rate
from qconsole.runtime.arq_worker import Worker
from workers import policies
from workers.policies import QUEUES, Queue
from workers.settings import WorkerSettings

MINUTE, HOUR, DAY = 60, 3_600, 86_400
CRITICAL, STANDARD = (5, MINUTE, 2 * MINUTE), (30, 10, MINUTE)
BACKGROUND, WINDOW = (5 * MINUTE, 30 * MINUTE, HOUR), (None, 10 * MINUTE, None)
PATIENT = (MINUTE, 15 * MINUTE)


def test_every_queue_has_a_policy_a_severity_and_a_job_type() -> None:
    assert set(QUEUES) == set(Queue) == set(policies.SEVERITIES) == set(WorkerSettings.queues)
    assert {declared.queue for declared in WorkerSettings.job_types} == set(Queue)
    assert len(Queue) == 9


@pytest.mark.parametrize(
    ("queue", "concurrency", "attempts", "pauses", "latency", "severity"),
    [
        (Queue.DOCUMENTS, 5, 5, (30, 10 * MINUTE), CRITICAL, "critical"),
        (Queue.EMAIL, 10, 3, PATIENT, STANDARD, "high"),
        (Queue.NOTIFICATIONS, 10, 3, PATIENT, STANDARD, "normal"),
        (Queue.WEBHOOKS, 20, 5, (10, 5 * MINUTE), STANDARD, "high"),
        (Queue.REPORTS, 2, 3, PATIENT, BACKGROUND, "normal"),
        (Queue.IMPORTS, 1, 3, PATIENT, WINDOW, "high"),
        (Queue.EXPORTS, 2, 2, Fixed(5 * MINUTE), BACKGROUND, "normal"),
        (Queue.SCHEDULED, 2, 1, Fixed(0), WINDOW, "high"),
        (Queue.DEAD_LETTER, 5, 10, (5, 5 * MINUTE), STANDARD, "critical"),
    ],
)
def test_a_queues_row_of_the_table(
    queue: Queue, concurrency: int, attempts: int, pauses: object, latency: object, severity: str
) -> None:
    policy = QUEUES[queue]
    backoff = policy.backoff
    assert (policy.concurrency, policy.attempts, policies.SEVERITIES[queue]) == (concurrency, attempts, severity)
    assert ((backoff.s, backoff.max_s) if isinstance(backoff, Exponential) else backoff) == pauses
    assert (policy.sla.queue_s, policy.sla.run_s, policy.sla.total_s) == latency
    kept = policy.retention
    assert (kept.completed, kept.completed_age_s, kept.failed_age_s) == (100, DAY, 7 * DAY)
    assert kept.failed == (500 if queue is Queue.DOCUMENTS else 1_000)
    assert policy.rate == (Rate(10, per_s=1) if queue is Queue.DOCUMENTS else None)


@pytest.mark.parametrize("declared", WorkerSettings.job_types, ids=lambda declared: declared.name)
def test_a_job_type_keeps_its_queues_policy(declared: JobType[Any]) -> None:
    policy = QUEUES[declared.queue]
    assert declared.severity == policies.SEVERITIES[declared.queue]
    if declared.name != "follow_dead_letters":  # runs again a minute later
        assert (declared.attempts, declared.backoff) == (policy.attempts, policy.backoff)


def test_priorities_batches_leases_and_stalls() -> None:
    assert (policies.URGENT, policies.NORMAL, policies.BULK, policies.BATCH_STAGGER_MS) == (1, 5, 10, 100)
    defaults = {name: given.default for name, given in inspect.signature(Worker).parameters.items()}
    assert (defaults["lock_s"], defaults["max_stalled"]) == (60, 2)
    assert not {"lock_s", "max_stalled"} & set(vars(WorkerSettings))


def test_dedup_ids_are_those_of_the_record_and_blind_to_key_order() -> None:
    assert policies.document_dedup("7").id == "doc:7"
    assert policies.document_dedup("7").window_s == 3_600
    first = policies.email_dedup("u", "order", {"a": 1, "b": 2})
    second = policies.email_dedup("u", "order", {"b": 2, "a": 1})
    assert first == second
    assert first.id.startswith("email:u:order:")
    assert policies.report_dedup("r", {"m": 1}).window_s == 300
    assert policies.webhook_dedup("e", "p").id == "webhook:e:p"
    windows = [
        policies.webhook_dedup("e", "p").window_s,
        policies.notification_dedup("u", "e").window_s,
        first.window_s,
        policies.import_dedup("catalogue").window_s,
        policies.export_dedup("x").window_s,
    ]
    assert windows == [HOUR, DAY, DAY, None, None]
