"""The policies are those of the decision record."""

import pytest

from qconsole.runtime import Exponential, Fixed
from workers import policies
from workers.policies import QUEUES, Queue


def test_every_queue_has_a_policy_and_a_severity() -> None:
    assert set(QUEUES) == set(Queue) == set(policies.SEVERITIES)


@pytest.mark.parametrize(
    ("queue", "concurrency", "attempts", "first_s", "max_s"),
    [
        (Queue.DOCUMENTS, 5, 5, 30, 600), (Queue.EMAIL, 10, 3, 60, 900), (Queue.NOTIFICATIONS, 10, 3, 60, 900),
        (Queue.WEBHOOKS, 20, 5, 10, 300), (Queue.DEAD_LETTER, 5, 10, 5, 300),
    ],
)  # fmt: skip
def test_growing_pauses(queue: Queue, concurrency: int, attempts: int, first_s: float, max_s: float) -> None:
    policy = QUEUES[queue]
    assert (policy.concurrency, policy.attempts) == (concurrency, attempts)
    assert isinstance(policy.backoff, Exponential)
    assert (policy.backoff.s, policy.backoff.max_s) == (first_s, max_s)


def test_exports_wait_five_minutes_and_upkeep_is_tried_once() -> None:
    assert (QUEUES[Queue.EXPORTS].attempts, QUEUES[Queue.EXPORTS].backoff) == (2, Fixed(300))
    assert QUEUES[Queue.SCHEDULED].attempts == 1


def test_documents_are_rated_and_critical() -> None:
    documents = QUEUES[Queue.DOCUMENTS]
    assert documents.rate is not None
    assert (documents.rate.max, documents.rate.per_s) == (10, 1)
    assert (documents.sla.queue_s, documents.sla.run_s, documents.sla.total_s) == (5, 60, 120)
    assert documents.retention.failed == 500


def test_dedup_ids_are_those_of_the_record_and_blind_to_key_order() -> None:
    assert policies.document_dedup("7").id == "doc:7"
    assert policies.document_dedup("7").window_s == 3_600
    first = policies.email_dedup("u", "order", {"a": 1, "b": 2})
    second = policies.email_dedup("u", "order", {"b": 2, "a": 1})
    assert first == second
    assert first.id.startswith("email:u:order:")
    assert policies.report_dedup("r", {"m": 1}).window_s == 300
