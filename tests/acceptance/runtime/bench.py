"""What the stories of the runtime are told with."""

from typing import Any

from redis.asyncio import Redis

from qconsole.runtime import Client
from qconsole.runtime.keys import Keys
from qconsole.runtime.outbox import Outbox
from qconsole.runtime.queue import Queue
from qconsole.runtime.scheduler import Scheduler
from tests.runtime.hand import Hand
from tests.support import ManualClock

NOW = 1_764_000_000_000
KEYS = Keys("work")


class Bench:
    """A producer, a worker run by hand and an operator, all on one clock set by hand."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.clock = ManualClock(NOW)
        self.client = Client(redis=redis, clock=self.clock)
        self.queue = Queue("work", redis=redis, clock=self.clock)
        self.scheduler = Scheduler("work", redis=redis, clock=self.clock)

    def hand(self, name: str = "w1", **options: Any) -> Hand:
        return Hand(self.redis, self.clock, "work", name=name, **options)

    async def add(self, *names: str, **options: Any) -> None:
        for name in names:
            await self.client.enqueue("step", {}, queue="work", job_id=name, **options)

    async def die(self, job_id: str) -> None:
        """Let the lease of a job's worker run out."""
        self.clock.advance(s=61)
        await self.redis.delete(KEYS.in_progress(job_id))

    async def forward(self) -> None:
        """Forward what concerns other queues."""
        await Outbox("work", client=self.client).forward()

    async def state(self, job_id: str) -> str:
        """Where a job stands."""
        for name in ("waiting_children", "completed", "failed", "cancelled"):
            if await self.redis.zscore(f"{KEYS.prefix}{name}", job_id) is not None:
                return name
        return "queued" if await self.redis.zscore("work", job_id) is not None else "missing"
