"""What a worker does beside its jobs: says what it declares, fires schedules, forwards effects to other queues."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from redis.exceptions import RedisError

from qconsole.errors import QConsoleError
from qconsole.runtime.client import Client
from qconsole.runtime.job_type import JobType
from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.lane import Lane, limits_of
from qconsole.runtime.leader import Leader
from qconsole.runtime.outbox import Outbox
from qconsole.runtime.payload_sweep import PayloadSweep
from qconsole.runtime.queue import Queue
from qconsole.runtime.schedule import Schedule
from qconsole.runtime.scheduler import EncodeCall, Scheduler

logger = logging.getLogger("qconsole.worker")

TICK_S: Final = 1.0
BACKSTOP_TICKS: Final = 5
LEAD_TICKS: Final = 5
PAYLOADS_EVERY_S: Final = 3_600.0


class Upkeep:
    """The upkeep of one worker's queues.

    Args:
        client: writes and queues.
        lanes: the queues.
        partitions: how many each declared queue has.
        job_types, schedules: what the worker declares.
        encode_arq: writes the calls of an unchanged arq app's schedules.
        worker_id: stands for leadership, whose upkeep concerns all queues.
        deploy: the release, marked on charts when it is first seen.
    """

    def __init__(
        self,
        *,
        client: Client,
        lanes: Sequence[Lane],
        partitions: Mapping[str, int],
        job_types: Iterable[JobType[Any]],
        schedules: Sequence[Schedule],
        encode_arq: EncodeCall,
        worker_id: str,
        deploy: str | None,
    ) -> None:
        self._client = client
        self._lanes = lanes
        self._partitions = partitions
        self._job_types = tuple(job_types)
        self._schedules = schedules
        self._deploy = deploy
        self._wanted = asyncio.Event()
        self._leader = Leader(worker_id, client=client)
        store = client.payload_store
        self._payloads = PayloadSweep(store, redis=client.redis) if store is not None else None
        names = [lane.keys.queue for lane in lanes]
        self._outboxes = [Outbox(name, client=client) for name in names]
        self._schedulers = {
            name: Scheduler(name, redis=client.redis, clock=client.clock, cluster=client.cluster, encode_arq=encode_arq)
            for name in dict.fromkeys([*names, *(schedule.queue for schedule in schedules)])
        }

    def forward_soon(self) -> None:
        """Forward effects now: a job was settled that has some."""
        self._wanted.set()

    async def announce(self) -> None:
        """Write the job types, the limits and the schedules this worker declares."""
        client, now_ms = self._client, self._client.clock.now_ms()
        pipe = client.redis.pipeline(transaction=False)
        for job_type in self._job_types:
            pipe.hset(GLOBAL.job_types(), mapping={job_type.name: job_type.describe()})
        pipe.zadd(GLOBAL.queues(), {lane.keys.queue: now_ms for lane in self._lanes})
        for name, count in self._partitions.items():
            if count > 1:
                pipe.hset(GLOBAL.partitions(), name, str(count))
            else:
                pipe.hdel(GLOBAL.partitions(), name)
        if self._deploy:
            pipe.zadd(GLOBAL.marks(), {f"deploy:{self._deploy}": now_ms}, nx=True)
        await pipe.execute()
        for lane in self._lanes:
            queue = Queue(lane.keys.queue, redis=client.redis, clock=client.clock, cluster=client.cluster)
            await queue.configure(limits_of(lane.policy))
        for name, scheduler in self._schedulers.items():
            await scheduler.declare(s for s in self._schedules if s.queue == name)

    async def run(self) -> None:
        """Go on until cancelled; what fails is logged and tried again with the next tick."""
        async with asyncio.TaskGroup() as group:
            if self._payloads is not None:
                group.create_task(self._sweep_payloads(self._payloads))
            group.create_task(self._tick())

    async def _sweep_payloads(self, payloads: PayloadSweep) -> None:
        """Sweep the payload store beside the ticks, which must not wait for it, while this worker leads."""
        while True:
            await asyncio.sleep(PAYLOADS_EVERY_S)
            if self._leader.leads:
                try:
                    await payloads.sweep()
                except Exception:  # the store is the app's own code
                    logger.exception("sweeping the payload store failed; it is tried again")

    async def _tick(self) -> None:
        ticks = 0
        while True:
            try:
                if self._wanted.is_set() or ticks % BACKSTOP_TICKS == 0:
                    self._wanted.clear()
                    for outbox in self._outboxes:
                        await outbox.forward()
                for scheduler in self._schedulers.values():
                    await scheduler.tick()
                if ticks % LEAD_TICKS == 0:
                    await self._leader.tick()
            except (RedisError, OSError, QConsoleError) as error:
                logger.warning("upkeep: %s: %s", type(error).__name__, error)
            ticks += 1
            try:
                async with asyncio.timeout(TICK_S):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def finish(self) -> None:
        """Forward what the last settled jobs left and resign, before the worker goes."""
        for outbox in self._outboxes:
            await outbox.forward()
        await self._leader.resign()
