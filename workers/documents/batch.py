"""Queues many documents at once, each a little later than the one before, so that a large delivery is no storm."""

from collections.abc import Iterable

from qconsole.runtime import Client, EnqueuedMany
from workers.documents.jobs import ProcessDocument, process_document
from workers.policies import BATCH_STAGGER_MS, NORMAL


async def process_batch(
    client: Client, documents: Iterable[ProcessDocument], *, priority: int = NORMAL
) -> EnqueuedMany:
    """Queues a job for each document, 100 ms apart; a document whose job is waiting or running gets no second one."""
    return await client.enqueue_many(process_document, documents, priority=priority, stagger_ms=BATCH_STAGGER_MS)
