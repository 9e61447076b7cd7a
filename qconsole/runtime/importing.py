"""Writes jobs and dead letters that came from another Redis, as they were there. What is there already stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis.asyncio import Redis

from qconsole.clock import Clock
from qconsole.errors import UsageError
from qconsole.runtime.keys import Keys
from qconsole.runtime.scripts import script

STATES: Final = ("waiting", "delayed", "waiting_children", "completed", "failed", "cancelled")
DEAD_LETTER_FIELDS: Final = ("state", "fp", "job_type", "buried_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job's keys. `id` is the bare id, `score` its place in the queue or the index of its state."""

    id: str
    state: str
    score: float
    payload: bytes = b""
    retries: bytes = b""
    result: bytes = b""
    result_ttl_ms: int = 0
    record: Mapping[bytes, bytes] = field(default_factory=dict)
    flow: Mapping[bytes, bytes] = field(default_factory=dict)
    log: Sequence[bytes] = ()

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise UsageError(f"a job's state must be one of {', '.join(STATES)}, got {self.state!r}", field="state")


class Importer:
    """Writes into one queue.

    Args:
        queue: its name.
        redis: the connection.
        clock: where "now" comes from.
        cluster: job ids carry the queue's hash tag.
    """

    def __init__(self, queue: str, *, redis: Redis, clock: Clock, cluster: bool = False) -> None:
        self.keys = Keys(queue, cluster=cluster)
        self._redis = redis
        self._clock = clock

    async def job(self, job: StoredJob) -> bool:
        """Write a job. Returns false when one of its id is there."""
        args: list[Any] = [self._clock.now_ms(), self.keys.wire_id(job.id), job.state, f"{job.score:.17g}", job.payload]
        args += [job.retries, job.result, job.result_ttl_ms]
        for pairs in (job.record, job.flow):
            args += [len(pairs), *(part for pair in pairs.items() for part in pair)]
        args += [len(job.log), *job.log]
        return await self._run("import_job", args)

    async def dead_letter(self, entry: str, fields: Mapping[bytes, bytes], group: bytes = b"") -> bool:
        """Write a dead letter. Returns false when it is there.

        Raises:
            UsageError: it lacks what its indexes need.
        """
        missing = [name for name in DEAD_LETTER_FIELDS if name.encode() not in fields]
        if missing:
            raise UsageError(f"a dead letter must have {', '.join(missing)}", field=missing[0])
        args: list[Any] = [self.keys.wire_id(entry), group, *(part for pair in fields.items() for part in pair)]
        return await self._run("import_dead_letter", args)

    async def _run(self, name: str, args: list[Any]) -> bool:
        return bool(await script(name).run(self._redis, (self.keys.queue,), args) == b"done")
