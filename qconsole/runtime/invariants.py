"""What must be true of a live server: every job in exactly one state, indexes that agree, nothing out of reach.

Each stretch of an index is checked in one consistent view, so that traffic makes no false alarm. Nothing is changed.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from qconsole.clock import Clock
from qconsole.runtime.keys import JOB_PREFIX, Keys
from qconsole.runtime.scripts import script

INDEXES: Final = (
    "queue",
    "active",
    "leases",
    "due",
    "waiting_children",
    "completed",
    "failed",
    "cancelled",
    "dlq",
    "dlq:done",
    "trash",
)

WORDS: Final = {
    "two_states": "is listed in two states",
    "no_call": "is queued, but its call (payload) is gone",
    "active_without_lease": "runs without a lease that could run out",
    "active_outside_queue": "runs, but is not in the queue",
    "lease_without_active": "has a lease that nobody holds",
    "due_outside_queue": "is listed as delayed, but is not in the queue",
    "due_without_priority": "is listed as delayed with a priority it does not have",
    "flow_miscounted": "waits for a number of children that is not the number that is pending",
    "waits_for_nobody": "waits for children, but none is pending",
    "ended_with_call": "has ended, but its call is still stored",
    "dead_letter_lost": "is listed as a dead letter, but its entry is gone",
    "dead_letter_two_states": "is open and resolved at once",
    "dead_letter_unlisted": "is missing in the index of its error or job type",
    "trash_lost": "is listed in the trash, but its copy is gone",
    "record_unreachable": "has a record, but is in no index",
    "call_unreachable": "has a call, but is in no queue",
}

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that contradicts another."""

    code: str
    queue: str
    id: str

    def __str__(self) -> str:
        return f"{self.queue}: {self.id} {WORDS[self.code]}"


class Invariants:
    """Checks queues.

    Args:
        redis: the connection; of the slot's owner on a cluster.
        clock: where "now" comes from.
        cluster: job ids carry the queue's hash tag.
    """

    def __init__(self, *, redis: Redis, clock: Clock, cluster: bool = False) -> None:
        self._redis = redis
        self._clock = clock
        self._cluster = cluster

    async def check(self, queue: str, *, budget: int = 100_000) -> tuple[Violation, ...]:
        """Return what is wrong with one queue.

        Args:
            queue: its name.
            budget: how many entries of each index are looked at, oldest first.
        """
        found: list[Violation] = []
        for index in INDEXES:
            rank = 0
            while rank < budget:
                args = (self._clock.now_ms(), index, rank, _AT_ONCE)
                seen, *said = await script("inspect").run(self._redis, (queue,), args)
                for code, job_id in zip(said[0::2], said[1::2], strict=True):
                    found.append(Violation(code.decode(), queue, job_id.decode()))
                rank += int(seen)
                if index == "active" or int(seen) < _AT_ONCE:
                    break
        return tuple(found)

    async def unreachable(self, queues: Iterable[str], *, budget: int = 1_000_000) -> tuple[Violation, ...]:
        """Return records and calls that no index of the queues leads to; walks the whole keyspace, a little at a time.

        Args:
            queues: all there are; the call of a queue left out would count as lost.
            budget: how many keys are looked at.
        """
        known = [Keys(queue, cluster=self._cluster) for queue in queues]
        found: list[Violation] = []
        async for names in self._walk(budget):
            for keys in known:
                prefix = keys.record("")
                ids = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
                lost = await self._in_no_index(ids, [keys], ended_too=True)
                found += (Violation("record_unreachable", keys.queue, job_id) for job_id in lost)
            calls = [name.removeprefix(JOB_PREFIX) for name in names if name.startswith(JOB_PREFIX)]
            lost = await self._in_no_index(calls, known, ended_too=False)
            found += (Violation("call_unreachable", "", job_id) for job_id in lost)
        return tuple(found)

    async def _walk(self, budget: int) -> AsyncIterator[list[str]]:
        batch: list[str] = []
        async for key in self._redis.scan_iter(count=_AT_ONCE):
            batch.append(key.decode("utf-8", "replace"))
            budget -= 1
            if len(batch) >= _AT_ONCE:
                yield batch
                batch = []
            if budget <= 0:
                break
        yield batch

    async def _in_no_index(self, ids: list[str], known: list[Keys], *, ended_too: bool) -> list[str]:
        """Return those of the ids that no index has, and whose key is still there when looked at again."""
        lost = []
        for job_id in ids:
            pipe = self._redis.pipeline(transaction=True)
            pipe.exists(known[0].record(job_id) if ended_too else f"{JOB_PREFIX}{job_id}")
            for keys in known:
                pipe.zscore(keys.queue, job_id)
                pipe.zscore(keys.waiting_children(), job_id)
                if ended_too:
                    for index in (keys.completed(), keys.failed(), keys.cancelled()):
                        pipe.zscore(index, job_id)
            there, *scores = await pipe.execute()
            if there and all(score is None for score in scores):
                lost.append(job_id)
        return lost
