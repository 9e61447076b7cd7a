"""`admin.trash`: removed jobs, and their way back until the undo window ends."""

from typing import Any, Final

from qconsole.admin.cursors import decode_cursor, encode_cursor
from qconsole.admin.limits import checked_limit
from qconsole.admin.noun import Noun, checked_id, why_not
from qconsole.admin.payloads import read_call, read_result
from qconsole.admin.views import Applied, Count, Page, TrashRow
from qconsole.errors import Conflict, JobNotFound

FIELDS: Final = ("state", "removed_ms", "actor", "operation", "payload", "result")
READ_CAP_BYTES: Final = 65_536


class Trash(Noun):
    """The trash of all queues."""

    async def page(self, cursor: str | None = None, limit: int = 50) -> Page[TrashRow]:
        """Return one page of removed jobs, those removed last first."""
        limit = checked_limit(limit)
        before: tuple[float, str, str] | None = tuple(decode_cursor("trash", cursor)) if cursor else None
        now_ms = self._backend.now_ms()
        queues = await self._session.plain_arq.queues()
        high = "+inf" if before is None else f"{before[0]:.17g}"
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                key = self._backend.keys(queue).trash()
                pipe.zrevrangebyscore(key, high, f"({now_ms}", start=0, num=limit + 200, withscores=True)
                pipe.zcount(key, f"({now_ms}", "+inf")
            answers = await pipe.execute()
        entries = [
            (until, queue, member.decode("utf-8", "replace"))
            for queue, found in zip(queues, answers[::2], strict=True)
            for member, until in found
        ]
        entries = sorted((e for e in entries if before is None or e < tuple(before)), reverse=True)
        chosen = entries[:limit]
        rows = [row for entry in chosen if (row := await self._row(*entry)) is not None]
        return Page(
            rows=tuple(rows),
            next=encode_cursor("trash", chosen[-1]) if len(entries) > limit else None,
            total=Count(sum(answers[1::2])),
            scanned=len(chosen),
            as_of_ms=now_ms,
        )

    async def _row(self, until_ms: float, queue: str, wire_id: str) -> TrashRow | None:
        keys = self._backend.keys(queue)
        values = await self._backend.redis.hmget(keys.trashed(wire_id), [*FIELDS])  # type: ignore[misc]
        state, removed_ms, actor, operation, payload, result = values
        if state is None:
            return None
        return TrashRow(
            id=keys.bare_id(wire_id),
            queue=queue,
            job_type=_job_type(payload, result),
            state_before=state.decode("utf-8", "replace"),
            removed_ms=int(float(removed_ms or 0)),
            until_ms=int(until_ms),
            actor=(actor or b"?").decode("utf-8", "replace"),
            operation=operation.decode("utf-8", "replace") or None if operation else None,
        )

    async def restore(self, job_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Put a removed job back as it was.

        Args:
            job_id: its bare id, or `queue/id`.

        Raises:
            JobNotFound: it is not in the trash.
            Conflict: a job of this id exists again.
        """
        self._session.require("operator", "restoring jobs")
        reason = self._session.checked_reason(reason)
        name, bare_id = await self._find(checked_id(job_id), queue)
        changes = await self._queue(name).restore([bare_id])
        if not changes.done:
            word = changes.skipped[0][1] if changes.skipped else "missing"
            raise Conflict(f"job {bare_id!r} was not restored: {why_not(word)}", job_id=bare_id, queue=name)
        command = self._session.command("trash", "restore", bare_id, reason=reason)
        await self._session.record("trash.restore", f"{name}/{bare_id}", reason=reason, command=command)
        return Applied(f"Job {bare_id} is back in {name}.", f"{name}/{bare_id}", command, job_id=bare_id)

    async def _find(self, job_id: str, queue: str | None) -> tuple[str, str]:
        queues = await self._session.plain_arq.queues()
        named, _, rest = job_id.partition("/")
        choices = [(queue, job_id)] if queue else [(name, job_id) for name in queues]
        if rest and named in queues and queue is None:
            choices.insert(0, (named, rest))
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for name, bare_id in choices:
                keys = self._backend.keys(name)
                pipe.exists(keys.trashed(keys.wire_id(bare_id)))
            kept = await pipe.execute()
        found = [choice for choice, is_kept in zip(choices, kept, strict=True) if is_kept]
        if not found:
            raise JobNotFound(f"job {job_id!r} is not in the trash", "See what is: qconsole trash list", job_id=job_id)
        return found[0]


def _job_type(payload: Any, result: Any) -> str:
    if payload:
        return read_call(payload[:READ_CAP_BYTES], len(payload)).job_type or "?"
    end = read_result(result[:READ_CAP_BYTES], len(result)) if result else None
    return (end.call.job_type if end else None) or "?"
