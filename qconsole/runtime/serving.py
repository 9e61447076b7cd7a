"""The loop of a worker's lanes: takes turns, sleeps until there is something to do, and outlasts a lost Redis."""

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final

from redis.exceptions import AuthenticationError, AuthorizationError, RedisError

from qconsole.errors import RedisUnavailable
from qconsole.redis.patience import Patience, is_passing
from qconsole.runtime.lane import Lane
from qconsole.runtime.scripts import Executor

if TYPE_CHECKING:
    from qconsole.runtime.arq_worker import Worker

logger = logging.getLogger("qconsole.worker")

BEAT_S: Final = 0.25
POP_S: Final = 2  # shorter than any time-out of a connection
MAX_LISTENERS: Final = 64
POLLED_LANES: Final = 20
"""With more lanes each polls less often, so that idling costs no more; who queues through our client wakes them."""
RECONNECT: Final = Patience(deadline_s=None, first_pause_s=0.1, max_pause_s=1.0)
SETTLE_TRIES: Final = 20
OVERLAP_SLOTS: Final = 16
"""With fewer slots, turns for half of them would cost more than working side by side gains."""


class Serving:
    """Serves lanes for a worker.

    Args:
        worker: says whether it may claim, and has arq's periodic chores.
        lanes: the first one's loop does the chores.
        redis: for waiting on wake-ups.
    """

    def __init__(self, worker: "Worker", lanes: list[Lane], redis: Executor) -> None:
        self.active = False
        self._worker = worker
        self._lanes = lanes
        self._redis = redis
        self._beat_at_s = 0.0
        for lane in lanes:
            lane.poll_s *= max(1.0, len(lanes) / POLLED_LANES)

    async def run(self) -> None:
        """Go on until cancelled; in burst mode until the queues are empty."""
        helpers = [asyncio.create_task(self._overlap(lane)) for lane in self._lanes if self._overlaps(lane)]
        if not self._worker.burst:
            helpers += [asyncio.create_task(self._listen(group)) for group in self._groups()]
        self.active = True
        try:
            if len(self._lanes) == 1:
                await self._serve(self._lanes[0])
            else:
                async with asyncio.TaskGroup() as group:
                    for lane in self._lanes:
                        group.create_task(self._serve(lane))
        finally:
            self.active = False
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def turn(self, lane: Lane, limit: int) -> int:
        """Take one turn under arq's limits; returns how many jobs were started."""
        worker = self._worker
        if self._counts_starts:
            limit = min(limit, worker.max_burst_jobs - worker._jobs_started())
        lane.may_claim = worker.may_claim and limit > 0
        return await lane.turn(limit=limit, want_size=worker.burst)

    async def settle_all(self) -> bool:
        """Settle what has finished, for as long as that makes sense while Redis is away; returns whether it worked."""
        return all(await asyncio.gather(*(self._settle_last(lane) for lane in self._lanes)))

    async def _settle_last(self, lane: Lane) -> bool:
        lane.may_claim = False
        for tried in range(1, SETTLE_TRIES + 1):
            if not lane.has_work_for_redis:
                break
            try:
                await lane.turn()
            except (RedisError, OSError, RedisUnavailable) as error:
                logger.warning("queue %s: settling before the end: %s", lane.keys.queue, error)
                await asyncio.sleep(RECONNECT.pause_s(tried))
        return not lane.has_work_for_redis

    async def _serve(self, lane: Lane) -> None:
        failures = 0
        while True:
            try:
                if lane is self._lanes[0]:
                    await self._beat_when_due()
                await self.turn(lane, self._worker.queue_read_limit)
                failures = 0
            except (AuthenticationError, AuthorizationError):
                raise
            except (RedisError, OSError, RedisUnavailable) as error:
                failures += 1
                await self._wait_for_redis(error, failures)
                continue
            if self._worker.burst and await self._is_burst_over(lane):
                return
            await self._rest(lane)

    def _overlaps(self, lane: Lane) -> bool:
        """Say whether the lane takes two turns at a time; partitions overlap with one another."""
        return lane.slots >= OVERLAP_SLOTS and not lane.is_shared and not self._counts_starts

    @property
    def _counts_starts(self) -> bool:
        return self._worker.burst and self._worker.max_burst_jobs >= 0

    async def _overlap(self, lane: Lane) -> None:
        """Take the second of a busy lane's two turns at a time; what goes wrong is for the first to say."""
        lane.half = (lane.slots + 1) // 2
        while True:
            await lane.second.wait()
            lane.second.clear()
            if lane.may_overlap:
                with contextlib.suppress(RedisError, OSError, RedisUnavailable):
                    if await self.turn(lane, self._worker.queue_read_limit):
                        continue
                lane.attention.set()

    async def _rest(self, lane: Lane) -> None:
        """Wait until the lane has something to do."""
        if lane.attention.is_set():
            await asyncio.sleep(0)
            return
        pause_s = lane.pause_s()
        if pause_s:  # None: what it cannot take is for others to hear of
            lane.idle.set()
        if lane is self._lanes[0]:
            pause_s = BEAT_S if pause_s is None else min(pause_s, BEAT_S)
        timer = None
        if pause_s is not None:
            timer = asyncio.get_running_loop().call_later(pause_s, lane.attention.set)
        try:
            await lane.attention.wait()
        finally:
            lane.idle.clear()
            if timer is not None:
                timer.cancel()

    async def _is_burst_over(self, lane: Lane) -> bool:
        worker = self._worker
        if 0 <= worker.max_burst_jobs <= worker._jobs_started():
            await asyncio.gather(*worker.tasks.values())
            await lane.turn(limit=0)
            return True
        if lane.size == 0 and not lane.under_way:
            await asyncio.gather(*worker.tasks.values())
            return True
        return False

    async def _beat_when_due(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._beat_at_s:
            self._beat_at_s = now_s + min(BEAT_S, self._worker.poll_delay_s)
            await self._worker.heart_beat()

    async def _wait_for_redis(self, error: Exception, failures: int) -> None:
        pause_s = RECONNECT.pause_s(failures)
        if isinstance(error, RedisError) and not is_passing(error):
            logger.exception("Redis refuses what the worker asks for; try %d again in %.1f s", failures, pause_s)
        else:
            running = sum(len(lane.running) for lane in self._lanes)
            kind = type(error).__name__
            logger.error(
                "Redis is away (%s: %s); try %d in %.1f s, %d jobs go on", kind, error, failures, pause_s, running
            )
        await asyncio.sleep(pause_s)

    def _groups(self) -> list[list[Lane]]:
        """Return the lanes by who listens together: each for itself, until that would take too many connections.

        Lanes of a cluster lie in different slots, so no command can listen for two of them.
        """
        lanes = self._lanes
        count = len(lanes) if lanes[0].keys.cluster else min(len(lanes), MAX_LISTENERS)
        return [lanes[first::count] for first in range(count)]

    async def _listen(self, group: list[Lane]) -> None:
        """Wake an idle lane when somebody says that there is work.

        One without a free slot is not listened for. In a group, one that gets its free slot while the others are
        listened for is looked after by its own poll.
        """
        failures = 0
        while True:
            await _first_idle(group)
            lanes = {lane.keys.wake().encode(): lane for lane in group if lane.pause_s() is not None}
            if not lanes:
                await asyncio.sleep(BEAT_S)
                continue
            try:
                woken = await self._redis.execute_command("BLPOP", *lanes, POP_S)
                lane = lanes[woken[0]] if woken is not None else None
                if lane is not None and lane.pause_s() is None:
                    # nothing free here by now: the word goes to another worker
                    await self._redis.execute_command("RPUSH", lane.keys.wake(), "1")
                failures = 0
            except (RedisError, OSError, RedisUnavailable):
                failures += 1  # the lane's own turn says so
                await asyncio.sleep(RECONNECT.pause_s(failures))
                continue
            if lane is not None:
                lane.wake()


async def _first_idle(group: list[Lane]) -> None:
    """Wait until one of the lanes is idle."""
    if len(group) == 1:
        await group[0].idle.wait()
    elif not any(lane.idle.is_set() for lane in group):
        waits = [asyncio.ensure_future(lane.idle.wait()) for lane in group]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
