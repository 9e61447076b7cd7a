"""Retries jobs wherever their failure is kept: in our index and dead letters, or in a result of plain arq."""

from qconsole.admin.backend import Backend
from qconsole.admin.stored_job import StoredJob
from qconsole.runtime.changes import Changes
from qconsole.runtime.queue import Queue


class Retrying:
    """The one way back into a queue for a job that ended."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def retry(
        self, job: StoredJob, *, actor: str, reason: str | None, delay_ms: int = 0, payload: bytes | None = None
    ) -> Changes:
        """Put one job back."""
        queue = self._of(job.queue)
        bare_id = queue.keys.bare_id(job.id)
        if job.ended is None and job.end is not None:
            return await queue.retry_result([bare_id], delay_ms=delay_ms, payload=payload)
        return await queue.retry(
            [bare_id], actor=actor, reason=reason, delay_ms=delay_ms, payload=payload, unless_replayed=True
        )

    def _of(self, queue: str) -> Queue:
        backend = self._backend
        return Queue(queue, redis=backend.redis, clock=backend.clock, cluster=backend.cluster)
