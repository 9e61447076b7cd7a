"""What plain arq leaves in Redis without an index: its queues, who runs what, and recent results.

Found by SCAN within a budget, never by KEYS, and kept for a few seconds: on a Redis that only arq has used the answers
are recent and may be incomplete; `scanned_all` and `PlainResults.are_known` say so.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from qconsole.admin.backend import Backend
from qconsole.admin.partitions import Partitions
from qconsole.admin.plain_results import PlainResults
from qconsole.errors import RedisUnavailable, UsageError
from qconsole.runtime.job import JobState
from qconsole.runtime.keys import GLOBAL, HEALTH_CHECK_SUFFIX, JOB_PREFIX, check_queue_name
from qconsole.runtime.partitions import read_partitions

SCAN_COUNT: Final = 2_000
SCAN_BUDGET_S: Final = 0.5
LATER_SCANS: Final = 2  # in one call, once the first round is over: a poller must not cost more
FRESH_S: Final = 5.0  # pause between rounds over a small keyspace
FRESH_LARGE_S: Final = 60.0
NATIVE_FRESH_S: Final = 1.0
IDS_TRIED: Final = 5
ACTIVE_LOOKED_AT: Final = 200
_NOT_QUEUES: Final = ("qc:", "arq:abort", "arq:job:", "arq:result:", "arq:in-progress:", "arq:retry:")


class PlainArq:
    """Discovery on one Redis."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._native: frozenset[str] = frozenset()
        self._native_at = float("-inf")
        self.partitions = Partitions({})
        self._found: set[str] = set()
        self._scan_at = float("-inf")
        self._cursor = 0
        self._round_scans = 0
        self.scanned_all = False
        self.past = PlainResults(backend)
        self._lock = asyncio.Lock()

    async def queues(self) -> tuple[str, ...]:
        """Return the names of all known queues, sorted; of partitioned ones every part."""
        async with self._lock:
            await self._look_at_native()
            try:
                await self._look_around()
            except RedisUnavailable:
                if not self._backend.cluster:
                    raise
                self._scan_at, self.scanned_all = time.monotonic(), True  # a shard is gone: the others are not hidden
                self._cursor, self._round_scans = 0, LATER_SCANS + 1
        configured = self._backend.settings.queues
        return self.partitions.with_parts({*self._native, *self._found, *configured})

    def is_plain(self, queue: str) -> bool:
        """Tell whether only plain arq has used the queue, as far as last looked."""
        return queue not in self._native

    def look_again(self) -> None:
        """Read the registry of queues anew when next asked: it was changed."""
        self._native_at = float("-inf")

    async def _look_at_native(self) -> None:
        if time.monotonic() - self._native_at < NATIVE_FRESH_S:
            return
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            pipe.zrange(GLOBAL.queues(), 0, -1)
            pipe.hgetall(GLOBAL.partitions())
            members, counts = await pipe.execute()
        self.partitions = Partitions(read_partitions(counts))
        known = {name for member in members if (name := _queue_name(member))}
        self._native = frozenset(self.partitions.with_parts(known))
        self._native_at = time.monotonic()

    async def _look_around(self) -> None:
        """Go on scanning for queues of plain arq: the first round at once, later ones a little in each call."""
        fresh_s = FRESH_S if self._round_scans <= LATER_SCANS else FRESH_LARGE_S
        if self.scanned_all and self._cursor == 0 and time.monotonic() - self._scan_at < fresh_s:
            return
        if self._cursor == 0:
            self._round_scans = 0
            await self._forget_gone()
        deadline, left = time.monotonic() + SCAN_BUDGET_S, LATER_SCANS if self.scanned_all else 1_000_000
        while left > 0 and time.monotonic() < deadline:
            scan = self._backend.quick.scan(self._cursor, count=SCAN_COUNT, _type="zset")
            self._cursor, keys = await self._backend.quickly(scan)
            self._round_scans, left = self._round_scans + 1, left - 1
            await self._take(keys)
            if self._cursor == 0:
                if not self.scanned_all and not self._native and not self._found:
                    await self.read_results()  # a queue that is empty is known by its results only
                self.scanned_all = True
                break
        self._scan_at = time.monotonic()

    async def _take(self, keys: Iterable[bytes]) -> None:
        """Keep those sorted sets whose first ids are jobs."""
        known = self._found | self._native
        names = [name for key in keys if (name := _queue_name(key)) and not name.startswith(_NOT_QUEUES)]
        names = [name for name in names if name not in known]
        if not names:
            return
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.zrange(name, 0, IDS_TRIED - 1)
            firsts = await pipe.execute()
        tried = [(name, member) for name, members in zip(names, firsts, strict=True) for member in members]
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for _, member in tried:
                pipe.exists(JOB_PREFIX.encode() + member)
            kept = await pipe.execute() if tried else []
        self._found |= {name for (name, _), is_job in zip(tried, kept, strict=True) if is_job}

    async def _forget_gone(self) -> None:
        for name in tuple(self._found):
            alive = await self._backend.redis.exists(name, name + HEALTH_CHECK_SUFFIX)
            if not alive and name not in self.past.queues():
                self._found.discard(name)

    async def active(self, queue: str) -> list[tuple[float, str]]:
        """Return start (or score, for jobs of plain arq workers) and wire id of every job that runs."""
        ours, held = await self._backend.read("active", [queue], [self._backend.now_ms(), ACTIVE_LOOKED_AT])
        found = []
        for job_id, entry in zip(ours[::2], ours[1::2], strict=True):
            parts = entry.split(b"|", 3)
            started = parts[2] if len(parts) > 2 else b""
            found.append((float(started) if started.isdigit() else 0.0, job_id.decode("utf-8", "replace")))
        for job_id, score in zip(held[::2], held[1::2], strict=True):
            found.append((float(score), job_id.decode("utf-8", "replace")))
        return found

    async def results(
        self, queue: str, states: frozenset[JobState], until_ms: int | None = None
    ) -> list[tuple[float, str]]:
        """Return finish time and wire id of results in some states of a queue; see `PlainResults`."""
        return [(ms, job_id) for ms, job_id, state in await self.past.of(queue, until_ms) if state in states]

    async def read_results(self, time_s: float = SCAN_BUDGET_S) -> None:
        """Go on reading results for so long; a queue that is empty is known by them."""
        await self.past.look(time_s)
        self._found |= {name for name in self.past.queues() if _queue_name(name.encode())} - self._native


def _queue_name(raw: bytes) -> str | None:
    """Return a key's name when it can be a queue's."""
    try:
        return check_queue_name(raw.decode())
    except (UnicodeDecodeError, UsageError):
        return None
