"""A worker's lane: its slots on one queue. Claims into them and settles out of them, both in one round trip.

Invariant: what a lane has finished stays here until Redis took it or said that the lease is lost.

A busy lane takes two turns at a time, each for half of its slots, so that Redis works on one half while the jobs of the
other run; unless other workers are as busy on the queue: they keep Redis at work then, and turns for all slots cost
less. After a lost answer it takes one turn at a time, until the claims whose answer never arrived are given back.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import orjson

from qconsole.clock import Clock
from qconsole.runtime.keys import Keys
from qconsole.runtime.policy import QueuePolicy
from qconsole.runtime.scripts import Executor, script

if TYPE_CHECKING:
    from qconsole.runtime.partitions import SharedSlots

logger = logging.getLogger("qconsole.worker")

MAX_BATCH: Final = 250
REPORT_DELAY_S: Final = 0.1
CROWDED_FACTOR: Final = 1.5
"""Other workers are busy too when all together hold this many jobs for each slot of ours."""
_TURN_LIMITS: Final = (
    "concurrency",
    "rate_max",
    "rate_ms",
    "keep_completed",
    "keep_completed_ms",
    "keep_failed",
    "keep_failed_ms",
    "sla_total_ms",
)


@dataclass(slots=True)  # not frozen: one is made for every job, and that would triple its cost
class Claimed:
    """One claimed job, as the claim answered it; `id` is the wire id."""

    id: str
    token: str
    score: float
    payload: bytes | None
    retries: int
    record: dict[str, str] | None
    abort_ms: float | None
    claimed_ms: int


@dataclass(slots=True)
class Entry:
    """One attempt's end on its way to Redis, for `settle` in lua/lib_settle.lua.

    Args:
        id: the job's wire id.
        token: of its claim.
        head: JSON of what many ends have in common, see `read_entries` in lua/lib_settle.lua.
        total_ms: wait and run.
        extra: what else is written.
        result: the bytes of `arq:result:<id>`, empty for none.
        resent: it was sent before, and the answer got lost.
    """

    id: str
    token: str
    head: bytes
    total_ms: int
    extra: dict[str, Any] | None
    result: bytes = b""
    resent: bool = False

    def args(self) -> tuple[str | bytes | int, ...]:
        """Return the script's arguments."""
        extra = orjson.dumps(self.extra) if self.extra else b""
        return self.id, self.token, self.head, self.total_ms, extra, self.result


class Lane:
    """One queue as one worker serves it.

    Args:
        keys: the queue's keys.
        slots: how many jobs this worker runs at once from it.
        policy: limits that hold where the queue's config in Redis says nothing.
        redis: the connection.
        worker_id: as it stands in `active`.
        clock: where "now" comes from.
        lease_ms: how long a claim holds without renewal.
        records: keep indexes, metrics, events and dead letters.
        start: called with each claimed job.
        settled: called with each job that was handed over, its token, and the word `settle` has for it.
        effects: called when something that was settled concerns another queue.
        poll_s: how long the queue is left alone when nothing says that there is work.
        shared: where the slots come from when the queue is one partition of several; `slots` is its even part then.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        slots: int,
        policy: QueuePolicy,
        redis: Executor,
        worker_id: str,
        clock: Clock,
        lease_ms: int,
        records: bool,
        poll_s: float,
        start: Callable[["Lane", Claimed], None],
        settled: Callable[["Lane", str, str, str], None],
        effects: Callable[[], None],
        shared: "SharedSlots | None" = None,
    ) -> None:
        self.keys = keys
        self.slots = slots
        self.policy = policy
        self.redis = redis
        self.worker_id = worker_id
        self.clock = clock
        self.lease_ms = lease_ms
        self.records = records
        self.poll_s = poll_s
        self.running: dict[str, Any] = {}
        self.stragglers = 0  # threads of attempts that have ended
        self.may_claim = True
        self.size = -1
        self.attention = asyncio.Event()
        self.idle = asyncio.Event()
        self.second = asyncio.Event()  # a second turn is worth its while
        self.half = MAX_BATCH  # what a turn claims at most while it overlaps with another
        self.under_way = 0
        self._start = start
        self._settled = settled
        self._effects = effects
        self._script = script("turn")
        self._finished: list[Entry] = []
        self._reports: list[str] = []
        self._claims = 0
        self._look_at = 0.0
        self._unsure = False
        self._backlog = False
        self._crowded = False
        self._alone = asyncio.Event()  # no turn is under way
        self._alone.set()
        self._asked = 0
        self._shared = shared
        if shared is not None:
            shared.join(self)
        self._limits = turn_limits(policy)

    @property
    def free(self) -> int:
        """Slots that run nothing."""
        return self.slots - self.taken if self._shared is None else self._shared.free(self)

    @property
    def is_shared(self) -> bool:
        """Whether the slots are shared with other partitions."""
        return self._shared is not None

    @property
    def wants(self) -> bool:
        """Whether there may be work: it was not found empty within the time between two polls."""
        return time.monotonic() >= self._look_at

    @property
    def taken(self) -> int:
        """Slots that run something, or are kept for a claim under way."""
        return len(self.running) + self.stragglers + self._asked

    @property
    def has_work_for_redis(self) -> bool:
        """Whether something waits to be settled, sent or given back."""
        return bool(self._finished or self._reports or self._unsure)

    @property
    def may_overlap(self) -> bool:
        """Whether another turn beside the one under way would fill half of the slots."""
        return (
            self.under_way == 1
            and self._backlog
            and not (self._crowded or self._unsure)
            and self.may_claim
            and self.free >= self.half
        )

    def finish(self, entry: Entry, result: bytes | None) -> None:
        """Hand over an attempt's end: its slot is free, and the next turn settles it."""
        self.running.pop(entry.id, None)
        entry.result = result or b""
        self._finished.append(entry)
        self.attention.set()
        if self.under_way and self.may_overlap:
            self.second.set()
        if self._shared is not None:
            self._shared.freed()

    def report(self, job_id: str, token: str, kind: str, value: str) -> None:
        """Note a running job's progress (kind `progress`) or a log line (kind `log`)."""
        if not self._reports:
            asyncio.get_running_loop().call_later(REPORT_DELAY_S, self.attention.set)
        self._reports += (job_id, token, kind, value)

    def wake(self) -> None:
        """Look at the queue now."""
        self._look_at = 0.0
        self.attention.set()

    def pause_s(self) -> float | None:
        """Return how long until the lane has something to do by itself; None while every slot is taken."""
        if self._finished or self._reports:
            return 0.0
        if not self.may_claim or self.free <= 0:
            return None
        return max(0.0, self._look_at - time.monotonic())

    async def turn(self, *, limit: int | None = None, want_size: bool = False) -> int:
        """Settle what is finished, claim what there is room for, and start it.

        Args:
            limit: claim no more than this.
            want_size: learn how many jobs the queue holds (`size`).

        Returns:
            How many jobs were started.

        Raises:
            RedisError, OSError: nothing is lost; what was finished is settled by a later turn.
        """
        self.attention.clear()
        if self._reports:
            await self._send_reports()
        if self._unsure:
            await self._alone.wait()
            await self.give_back_unknown()
        free = 0
        if self.may_claim:
            at_once = MAX_BATCH if self._crowded else self.half
            free = max(0, min(self.free, at_once, MAX_BATCH if limit is None else limit))
        finished = self._finished[:MAX_BATCH]
        if not finished and free <= 0 and not want_size:
            return 0
        del self._finished[: len(finished)]
        token = self._next_token()
        self._begin(free)
        try:
            words, claimed, next_ms, size, active = await self._call(token, finished, free, want_size)
        except BaseException:
            for end in finished:
                end.resent = True
            self._finished[:0] = finished
            self._unsure = True
            if self._shared is not None:
                self._shared.left()
            raise
        finally:
            self._end(free)
        self._note_words(finished, words)
        self.size = size
        if active >= 0:
            self._crowded = active > self.slots * CROWDED_FACTOR
        if free > 0:
            self._note_next(next_ms)
        started = self._start_all(token, *claimed) if claimed else 0
        if self._shared is not None and started < free:
            self._shared.left()
        return started

    def _begin(self, free: int) -> None:
        self._asked += free
        self.under_way += 1
        self._alone.clear()
        if self.may_overlap:
            self.second.set()

    def _end(self, free: int) -> None:
        self._asked -= free
        self.under_way -= 1
        if not self.under_way:
            self._alone.set()

    def _next_token(self) -> str:
        self._claims += 1
        return f"{self.worker_id}.{self._claims}"

    async def _call(self, token: str, finished: list[Entry], free: int, want_size: bool) -> Any:
        return await self._script.run(
            self.redis,
            (self.keys.queue, self.keys.abort),
            (
                self.clock.now_ms(),
                self.worker_id,
                token,
                free,
                self.lease_ms,
                int(self.records),
                int(want_size),
                *self._limits,
                *chain.from_iterable([end.args() for end in finished]),
            ),
        )

    def _start_all(self, token: str, *claimed: list[Any]) -> int:
        jobs = claimed_jobs(token, self.clock.now_ms(), *claimed)
        for job in jobs:
            self._start(self, job)
        return len(jobs)

    def _note_words(self, finished: list[Entry], words: list[bytes]) -> None:
        has_effects = False
        for end, word in zip(finished, words, strict=True):
            if extra := end.extra:
                has_effects = has_effects or "bury" in extra or "parent" in extra
            # an answer that got lost: the first call settled it, and the second one finds nobody holding it
            is_settled = word == b"ok" or (end.resent and word == b"gone")
            self._settled(self, end.id, end.token, "ok" if is_settled else word.decode())
        if has_effects:
            self._effects()

    def _note_next(self, next_ms: int) -> None:
        self._backlog = next_ms == 0
        pause_s = self.poll_s
        if next_ms >= 0:
            pause_s = min(pause_s, max(0, next_ms - self.clock.now_ms()) / 1000)
        self._look_at = time.monotonic() + pause_s

    async def _send_reports(self) -> None:
        reports, self._reports = self._reports, []
        try:
            await script("report").run(self.redis, (self.keys.queue,), (self.clock.now_ms(), *reports))
        except BaseException:
            self._reports[:0] = reports
            raise

    async def give_back_unknown(self) -> int:
        """Give back claims whose answer never arrived; returns how many there were."""
        known = [*self.running, *(end.id for end in self._finished)]
        given = await script("release").run(self.redis, (self.keys.queue,), (self.worker_id, *known))
        self._unsure = False
        if given:
            logger.warning("queue %s: %d claims whose answer was lost were given back", self.keys.queue, len(given))
        return len(given)


def claimed_jobs(
    token: str,
    now_ms: int,
    ids: list[bytes],
    scores: list[bytes],
    stored: list[Any],
    records: list[list[bytes]],
    aborts: list[Any],
) -> list[Claimed]:
    """Return claimed jobs from the lists that `lease` in lua/lib_claim.lua gathers."""
    return [
        Claimed(
            job_id.decode(),
            token,
            float(scores[i]),
            stored[2 * i],
            int(stored[2 * i + 1] or 0),
            record_of(records[i]) if records and records[i] else None,
            float(aborts[i]) if aborts and aborts[i] else None,
            now_ms,
        )
        for i, job_id in enumerate(ids)
    ]


def record_of(flat: list[bytes]) -> dict[str, str]:
    """Return a job's record from a flat answer."""
    fields = iter(flat)
    return {name.decode(): value.decode("utf-8", "replace") for name, value in zip(fields, fields, strict=True)}


def turn_limits(policy: QueuePolicy) -> tuple[int, ...]:
    """Return the policy's limits as lua/turn.lua takes them."""
    limits = limits_of(policy)
    return tuple(-1 if (limit := limits[name]) is None else limit for name in _TURN_LIMITS)


def limits_of(policy: QueuePolicy) -> dict[str, int | None]:
    """Return the policy as `Queue.configure` takes it; None is unbounded."""
    kept, rate, sla = policy.retention, policy.rate, policy.sla
    seconds = {
        "keep_completed_ms": kept.completed_age_s,
        "keep_failed_ms": kept.failed_age_s,
        "sla_queue_ms": sla.queue_s,
        "sla_run_ms": sla.run_s,
        "sla_total_ms": sla.total_s,
    }
    return {
        "concurrency": policy.global_concurrency,
        "rate_max": rate.max if rate else None,
        "rate_ms": rate.per_ms if rate else None,
        "keep_completed": kept.completed,
        "keep_failed": kept.failed,
        **{name: None if value is None else round(value * 1000) for name, value in seconds.items()},
    }
