"""The results plain arq keeps, which have no index: found by SCAN, a little in each call, and known once a round ended.

A round over many results takes several calls; until the first one has ended nothing is told, as the newest result may
be the last that SCAN gives. Later rounds replace what is known when they end.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from qconsole.admin.arq_ends import read_end
from qconsole.admin.backend import Backend
from qconsole.admin.payloads import read_result
from qconsole.runtime.job import JobState
from qconsole.runtime.keys import RESULT_PREFIX

DEFAULT_QUEUE: Final = "arq:queue"
SCAN_COUNT: Final = 500  # results are read whole and decoded: about 0.1 s of work
SCAN_BUDGET_S: Final = 0.5
FRESH_S: Final = 2.0  # pause between rounds, or ten times what the last one took
CAP_BYTES: Final = 65_536
KEPT: Final = 1_000_000

Result = tuple[float, str, JobState]  # finish time in epoch ms, wire id, state


class _Round:
    """One way through the keyspace.

    Args:
        known: what an earlier round read, by key: a hash of the value, and its queue and result.
    """

    def __init__(self, backend: Backend, known: Mapping[bytes, tuple[int, str, Result]]) -> None:
        self._backend = backend
        self._known = known
        self._cursor = 0
        self.read: dict[bytes, tuple[int, str, Result]] = {}
        self.at_end = False
        self.took_s = 0.0

    async def go_on(self, time_s: float) -> None:
        """Scan for so long, or to the end."""
        began = time.monotonic()
        while not self.at_end and time.monotonic() - began < time_s:
            self._cursor, keys = await self._backend.redis.scan(
                self._cursor, match=RESULT_PREFIX + "*", count=SCAN_COUNT
            )
            await self._take(keys)
            self.at_end = self._cursor == 0 or len(self.read) >= KEPT
        self.took_s += time.monotonic() - began

    async def _take(self, keys: list[bytes]) -> None:
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.getrange(key, 0, CAP_BYTES - 1)
            values = await pipe.execute() if keys else []
        for key, value in zip(keys, values, strict=True):
            known = self._known.get(key)
            if known is not None and known[0] == hash(value):
                self.read[key] = known
                continue
            end = _end_of(value) if value else None
            if end is not None:
                finished_ms, queue, state = end
                job_id = key.decode("utf-8", "replace").removeprefix(RESULT_PREFIX)
                self.read[key] = (hash(value), queue or DEFAULT_QUEUE, (float(finished_ms), job_id, state))

    def by_queue(self, until_ms: int | None = None) -> dict[str, list[Result]]:
        """Return what was read, of each queue, that finished up to an instant."""
        found: dict[str, list[Result]] = {}
        for _, queue, result in self.read.values():
            if until_ms is None or result[0] <= until_ms:
                found.setdefault(queue, []).append(result)
        return found


def _end_of(value: bytes) -> tuple[int, str, JobState] | None:
    """Return finish time, queue and state of a stored result, `None` when it cannot be read."""
    if (known := read_end(value)) is not None:
        return known
    end = read_result(value, len(value))
    return None if end is None else (end.finished_ms or 0, end.queue or "", end.state)


class PlainResults:
    """The results on one Redis."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._ended: _Round | None = None
        self._ended_at = 0.0
        self._going: _Round | None = None
        self._by_queue: dict[str, list[Result]] = {}
        self._frozen: tuple[int, dict[str, list[Result]]] = (-1, {})
        self._lock = asyncio.Lock()

    @property
    def are_known(self) -> bool:
        """Whether a round has ended: before that nothing is told."""
        return self._ended is not None

    @property
    def looked_at(self) -> int:
        """How many the first round, while it goes on, has read."""
        return len(self._going.read) if self._going else 0

    async def look(self, time_s: float) -> None:
        """Go on reading for so long, for a little once something is known, not at all while that is fresh."""
        async with self._lock:
            last = self._ended
            if self._going is None:
                if last is not None and time.monotonic() - self._ended_at < max(FRESH_S, 10 * last.took_s):
                    return
                self._going = _Round(self._backend, last.read if last else {})
            await self._going.go_on(time_s if last is None else min(time_s, SCAN_BUDGET_S))
            if self._going.at_end:
                self._ended, self._going, self._ended_at = self._going, None, time.monotonic()
                self._by_queue = self._ended.by_queue()

    def queues(self) -> frozenset[str]:
        """Return the queues that results were seen of, in a round that goes on too."""
        going = self._going.read.values() if self._going else ()
        return frozenset(self._by_queue).union(queue for _, queue, _ in going)

    async def of(self, queue: str, until_ms: int | None = None) -> list[Result]:
        """Return a queue's results.

        Args:
            until_ms: all that finished up to this instant and were there when first asked for it, however long that
                takes; by default those of the last round.
        """
        if until_ms is None:
            return self._by_queue.get(queue, [])
        async with self._lock:
            if self._frozen[0] != until_ms:
                whole = _Round(self._backend, self._ended.read if self._ended else {})
                await whole.go_on(float("inf"))
                self._frozen = until_ms, whole.by_queue(until_ms)
        return self._frozen[1].get(queue, [])
