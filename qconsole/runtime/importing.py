"""Writes jobs and dead letters that came from another Redis, as they were there. What is there already stays, so
the same may be written again after a failure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

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


@dataclass(frozen=True, slots=True)
class Write:
    """One thing to be written: a script of its own, its key and its arguments."""

    script: str
    queue: str
    args: Sequence[Any]


class Importer:
    """Prepares what is to be written into one queue.

    Args:
        queue: its name.
        clock: where "now" comes from.
        cluster: job ids carry the queue's hash tag.
    """

    def __init__(self, queue: str, *, clock: Clock, cluster: bool = False) -> None:
        self.keys = Keys(queue, cluster=cluster)
        self._clock = clock

    def job(self, job: StoredJob) -> Write:
        """Return the write of a job."""
        args: list[Any] = [self._clock.now_ms(), self.keys.wire_id(job.id), job.state, f"{job.score:.17g}", job.payload]
        args += [job.retries, job.result, job.result_ttl_ms]
        for pairs in (job.record, job.flow):
            args += [len(pairs), *(part for pair in pairs.items() for part in pair)]
        return Write("import_job", self.keys.queue, [*args, len(job.log), *job.log])

    def dead_letter(self, entry: str, fields: Mapping[bytes, bytes], group: bytes = b"") -> Write:
        """Return the write of a dead letter.

        Raises:
            UsageError: it lacks what its indexes need.
        """
        missing = [name for name in DEAD_LETTER_FIELDS if name.encode() not in fields]
        if missing:
            raise UsageError(f"a dead letter must have {', '.join(missing)}", field=missing[0])
        pairs = (part for pair in fields.items() for part in pair)
        return Write("import_dead_letter", self.keys.queue, [self.keys.wire_id(entry), group, *pairs])


async def write_all(redis: Redis, writes: Sequence[Write]) -> list[bool | RedisError]:
    """Write in one round trip; returns for each whether it was written, false when its id was there already, or the
    server's complaint about it.

    Raises:
        RedisUnavailable: the server does not answer; some of them may be written.
    """
    async with redis.pipeline(transaction=False) as pipe:
        for write in writes:
            pipe.execute_command("EVALSHA", script(write.script).sha, 1, write.queue, *write.args)
        answers = await pipe.execute(raise_on_error=False)
    for index, (write, answer) in enumerate(zip(writes, answers, strict=True)):
        if isinstance(answer, NoScriptError):
            answers[index] = await script(write.script).run(redis, (write.queue,), write.args)
    return [answer if isinstance(answer, RedisError) else answer == b"done" for answer in answers]
