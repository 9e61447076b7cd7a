"""One queue over several hash slots: how many partitions it has, which of them a job goes to, and how a worker's slots
are shared among them.

Partition 0 of `email` is `email` itself, which is what plain producers know; the others are `email:1`, `email:2`, …
Each is a queue like any other. Invariant: jobs of one key go to one partition, as long as their number stays.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.policy import MAX_PARTITIONS, QueuePolicy

if TYPE_CHECKING:
    from qconsole.runtime.lane import Lane

_FRESH_MS: Final = 30_000

Execute = Callable[..., Awaitable[Any]]


def partition_names(queue: str, count: int) -> list[str]:
    """Return the names of a queue's partitions, the queue's own first."""
    return [queue, *(f"{queue}:{number}" for number in range(1, count))]


def partition_of(key: str, count: int) -> int:
    """Return the partition of a key: its CRC-32 modulo the number of partitions."""
    return crc32(key.encode("utf-8", "surrogatepass")) % count


def policy_of_partition(policy: QueuePolicy) -> QueuePolicy:
    """Return what holds for one partition so that the whole keeps its limits: an even part of each of them."""
    count, kept, rate = policy.partitions, policy.retention, policy.rate
    return replace(
        policy,
        partitions=1,
        concurrency=max(1, policy.concurrency // count),
        global_concurrency=None if policy.global_concurrency is None else policy.global_concurrency // count,
        rate=None if rate is None else replace(rate, max=rate.max // count),
        retention=replace(
            kept,
            completed=None if kept.completed is None else kept.completed // count,
            failed=None if kept.failed is None else kept.failed // count,
        ),
    )


class Router:
    """Sends jobs to partitions; knows their numbers from Redis, half a minute old at most.

    Args:
        execute: runs one command.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._counts: dict[str, int] = {}
        self._read_ms = -_FRESH_MS
        self._turn = 0

    async def count(self, queue: str, now_ms: int) -> int:
        """Return how many partitions a queue has."""
        if abs(now_ms - self._read_ms) >= _FRESH_MS:
            self._counts = read_partitions(await self._execute("HGETALL", GLOBAL.partitions()))
            self._read_ms = now_ms
        return self._counts.get(queue, 1)

    def pick(self, count: int, *keys: str | None) -> int:
        """Return the partition of the first key there is, or the next in turn."""
        for key in keys:
            if key is not None:
                return partition_of(key, count)
        self._turn += 1
        return self._turn % count


def read_partitions(answer: Any) -> dict[str, int]:
    """Return the number of partitions by queue from what the registry holds, without what no worker would write."""
    pairs = answer.items() if isinstance(answer, dict) else zip(answer[0::2], answer[1::2], strict=True)
    return {
        queue.decode("utf-8", "replace"): int(count)
        for queue, count in pairs
        if count.isdigit() and len(count) <= 5 and 1 <= int(count) <= MAX_PARTITIONS
    }


class SharedSlots:
    """A worker's slots for one partitioned queue.

    A partition that may have work keeps its even part. One that was found empty leaves it to the others until its next
    poll, and gets it back job by job.

    Args:
        slots: for all partitions; each has one at least.
        count: how many partitions there are.
    """

    def __init__(self, slots: int, count: int) -> None:
        self._slots = max(slots, count)
        self._part = self._slots // count
        self._lanes: list[Lane] = []
        self._short: set[Lane] = set()  # lanes that found no slot, and run less than their part

    def join(self, lane: "Lane") -> None:
        """Take in the lane of one partition."""
        self._lanes.append(lane)

    def free(self, lane: "Lane") -> int:
        """Return how many jobs a lane may start."""
        free = self._slots
        for other in self._lanes:
            taken = other.taken
            free -= max(taken, self._part) if other.wants and other is not lane else taken
        if free <= 0 and lane.taken < self._part:
            self._short.add(lane)
        return free

    def freed(self) -> None:
        """A slot became free: it is for a partition that has less than its part."""
        while self._short:
            self._short.pop().attention.set()

    def left(self) -> None:
        """A turn took less than it asked for: what it leaves is for any that may have work, and for those without."""
        self.freed()
        for lane in self._lanes:
            if lane.wants:
                lane.attention.set()


def served(policies: Iterable[tuple[str, QueuePolicy]]) -> list[tuple[str, QueuePolicy, SharedSlots | None]]:
    """Return the lanes a worker needs for its queues: name, policy, and whom it shares its slots with."""
    lanes: list[tuple[str, QueuePolicy, SharedSlots | None]] = []
    for queue, policy in policies:
        shared = SharedSlots(policy.concurrency, policy.partitions) if policy.partitions > 1 else None
        of_one = policy_of_partition(policy) if shared else policy
        lanes += [(name, of_one, shared) for name in partition_names(queue, policy.partitions)]
    return lanes
