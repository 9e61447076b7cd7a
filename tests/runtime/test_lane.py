"""A busy lane's overlapping turns: two at a time, never more jobs than slots, and nothing lost with an answer."""

import asyncio
from collections import Counter
from typing import Any

from redis.exceptions import ConnectionError

from qconsole.runtime import Client, Context, QueuePolicy, job_type
from qconsole.runtime.scripts import Executor, script
from tests.runtime.running import running
from tests.support import eventually

SLOTS = 20
JOBS = 1_000
RUNS: Counter[int] = Counter()
ACTIVE: list[int] = [0, 0]
"""How many jobs run, and how many did at most."""


@job_type("busy", queue="busy")
async def busy(ctx: Context, payload: dict[str, int]) -> None:
    """Count itself; the event loop has its turn while it runs."""
    RUNS[payload["n"]] += 1
    ACTIVE[0] += 1
    ACTIVE[1] = max(ACTIVE)
    await asyncio.sleep(0)
    ACTIVE[0] -= 1


class Watched:
    """A lane's connection: counts the turns under way, and loses every `lose`-th answer of one."""

    def __init__(self, redis: Executor, lose: int = 0) -> None:
        self._redis, self._lose = redis, lose
        self.turns = self._under_way = self.at_once = self.lost = 0

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[:2] != ("EVALSHA", script("turn").sha):
            return await self._redis.execute_command(*args, **options)
        self.turns += 1
        is_lost = self._lose > 0 and self.turns % self._lose == 0
        self._under_way += 1
        self.at_once = max(self.at_once, self._under_way)
        try:
            answer = await self._redis.execute_command(*args, **options)
        finally:
            self._under_way -= 1
        if is_lost:
            self.lost += 1
            raise ConnectionError("the answer got lost")
        return answer


async def _work(redis_url: str, lose: int = 0) -> Watched:
    RUNS.clear()
    ACTIVE[:] = [0, 0]
    policy = {"busy": QueuePolicy(concurrency=SLOTS)}
    async with (
        running(job_types=[busy], queues=policy, redis_url=redis_url) as worker,
        await Client.connect(redis_url) as client,
    ):
        await eventually(lambda: worker.lanes)
        watched = worker.lanes[0].redis = Watched(worker.lanes[0].redis, lose)
        await client.enqueue_many(busy, [{"n": n} for n in range(JOBS)])
        await eventually(lambda: len(RUNS) == JOBS and not worker.lanes[0].has_work_for_redis)
    assert set(RUNS.values()) == {1}
    assert ACTIVE[1] <= SLOTS
    return watched


async def test_a_busy_lane_takes_two_turns_at_once_within_its_slots(redis_url: str) -> None:
    watched = await _work(redis_url)
    assert watched.at_once == 2
    assert watched.turns / JOBS <= 0.15


async def test_answers_lost_from_overlapping_turns_lose_and_repeat_nothing(redis_url: str) -> None:
    watched = await _work(redis_url, lose=9)
    assert watched.at_once == 2
    assert watched.lost >= 3
