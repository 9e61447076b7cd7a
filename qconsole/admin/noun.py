"""The base of every noun: finding one job by its id, and the runtime's verbs of a queue."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from qconsole.admin.audit_log import Change
from qconsole.admin.session import Session
from qconsole.admin.shards import sentence
from qconsole.admin.stored_job import StoredJob
from qconsole.admin.views import Applied
from qconsole.errors import Conflict, JobNotFound, RedisUnavailable, Refused, UsageError
from qconsole.runtime.changes import Changes
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.queue import Queue

LOCATE_PARTS = "r"
LOCATE_CAP_BYTES = 65_536
_WHY_NOT = {
    "missing": "it no longer exists",
    "active": "it is running",
    "no_payload": "its payload is gone",
    "duplicate": "another job stands for its dedup id",
    "replayed": "its dead letter was replayed as another job",
    "resolved": "it is resolved already",
    "exists": "a job of this id exists",
    "started": "its replay has started",
    "open": "it is open already",
}


class Noun:
    """A noun in the name of one actor."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._backend = session.backend

    def _queue(self, name: str) -> Queue:
        backend = self._backend
        return Queue(name, redis=backend.redis, clock=backend.clock, cluster=backend.cluster)

    def _dead_letters(self, queue: str) -> DeadLetters:
        backend = self._backend
        return DeadLetters(queue, redis=backend.redis, clock=backend.clock, cluster=backend.cluster)

    async def _locate(self, job_id: str, queue: str | None) -> StoredJob:
        """Find a job by its bare id.

        Raises:
            JobNotFound: there is none.
            RedisUnavailable: it is in no queue that can be read, and there are others.
            Refused: several queues have one of this id and none was named.
        """
        job_id = checked_id(job_id)
        queues, missing = await self._session.shards.readable(await self._session.parts_of(queue))
        found = [job for job in await self._everywhere(job_id, queues) if job.state is not None]
        if not found:
            refuse_unread(missing, f"job {job_id!r}")
            raise JobNotFound(
                f"there is no job {job_id!r}{f' in queue {queue}' if queue else ''}",
                "It may have been removed, or its retention has passed.",
                job_id=job_id,
            )
        if len(found) > 1:
            names = ", ".join(job.queue for job in found)
            raise Refused(
                f"the id {job_id!r} is in several queues: {names}", "Name the queue (--queue).", job_id=job_id
            )
        return found[0]

    async def _everywhere(self, job_id: str, queues: Sequence[str]) -> list[StoredJob]:
        reads = [
            self._session.reader.read(
                queue,
                [self._backend.keys(queue).wire_id(job_id)],
                parts=LOCATE_PARTS,
                cap_bytes=LOCATE_CAP_BYTES,
                fields=(),
            )
            for queue in queues
        ]
        return [job for jobs in await asyncio.gather(*reads) for job in jobs]

    def _change(
        self,
        action: str,
        target: str,
        *arguments: str,
        queue: str | None = None,
        reason: str | None = None,
        **options: object,
    ) -> AbstractAsyncContextManager[Change]:
        """Enter a change in the audit; see `Session.change`.

        Args:
            action: noun and verb, which are also the command line's.
            target: what it is done to.
            arguments: of the command line, with `queue`, `reason` and `options`.
        """
        noun, _, verb = action.partition(".")
        command = self._session.command(noun, verb, *arguments, queue=queue, reason=reason, **options)
        return self._session.change(action, target, command=command, reason=reason)

    async def _apply(
        self,
        action: str,
        verb: str,
        job: StoredJob,
        change: Callable[[], Awaitable[Changes]],
        *,
        reason: str | None = None,
        undo_until_ms: int | None = None,
        **options: object,
    ) -> Applied:
        """Change one job between the two halves of its audit entry, and say what was done or why nothing was.

        Raises:
            Conflict: the job was not changed.
        """
        bare_id = self._backend.keys(job.queue).bare_id(job.id)
        target = f"{job.queue}/{bare_id}"
        async with self._change(action, target, bare_id, reason=reason, queue=job.queue, **options) as entry:
            changes = await change()
            if not changes.done:
                word = changes.skipped[0][1] if changes.skipped else "missing"
                raise Conflict(
                    f"job {bare_id!r} was not {verb}: {why_not(word)}", job_id=bare_id, queue=job.queue, state=word
                )
        return entry.applied(f"Job {bare_id} was {verb}.", undo_until_ms=undo_until_ms, job_id=bare_id)


def checked_id(text: str) -> str:
    """Return an id that Redis can be asked for.

    Raises:
        UsageError: it is empty, too long, or no valid text.
    """
    if not isinstance(text, str) or not 1 <= len(text) <= 1_000:
        raise UsageError(f"an id must have 1 to 1,000 characters, got {str(text)[:80]!r}", field="id")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("an id must be valid Unicode text", field="id") from error
    return text


def refuse_unread(missing: Mapping[str, str], what: str) -> None:
    """Refuse to say that something is not there when not everywhere could be looked.

    Raises:
        RedisUnavailable: some queues are missing.
    """
    if missing:
        raise RedisUnavailable(
            f"{what} is in no queue that can be read; {sentence(missing)}", "See: qconsole doctor", queues=list(missing)
        )


def why_not(word: str) -> str:
    """Return a script's word for "not changed" as the second half of a sentence."""
    return _WHY_NOT.get(word, f"it is {word.replace('_', ' ')}")
