"""Periodic upkeep by one worker at a time: outboxes, retention, roll-ups. Nothing depends on who leads, or that anybody
does for a while: each step may be repeated, and whatever is urgent is done by the workers themselves.
"""

import logging
from typing import Final

from redis.exceptions import RedisError

from qconsole.errors import QConsoleError
from qconsole.runtime.client import Client
from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.outbox import Outbox
from qconsole.runtime.retention import Retention
from qconsole.runtime.scripts import script

logger = logging.getLogger("qconsole.leader")

LEASE_MS: Final = 30_000
SWEEP_EVERY_MS: Final = 60_000


class Leader:
    """Leads when nobody else does.

    Args:
        name: who this is (the worker's id).
        client: the connection and the clock.
    """

    def __init__(self, name: str, *, client: Client) -> None:
        self._name = name
        self._client = client
        self._swept_ms = 0
        self.leads = False

    async def tick(self) -> bool:
        """Do what is due if this one leads; to be called every few seconds. Returns whether it leads."""
        redis, now_ms = self._client.redis, self._client.clock.now_ms()
        self.leads = bool(await script("lead").run(redis, (GLOBAL.leader(),), (self._name, LEASE_MS)))
        if not self.leads:
            return False
        sweeps = abs(now_ms - self._swept_ms) >= SWEEP_EVERY_MS
        for queue in await self.queues():
            try:
                await Outbox(queue, client=self._client).forward()
                if sweeps:
                    await self._retention(queue).sweep()
            except (QConsoleError, RedisError):
                logger.exception("the upkeep of queue %s failed; it is tried again", queue)
        if sweeps:
            self._swept_ms = now_ms
        return True

    async def resign(self) -> None:
        """Let another one lead at once."""
        if self.leads:
            await script("resign").run(self._client.redis, (GLOBAL.leader(),), (self._name,))
            self.leads = False

    async def queues(self) -> tuple[str, ...]:
        """Return the queues that workers or producers of ours have used."""
        return tuple(name.decode() for name in await self._client.redis.zrange(GLOBAL.queues(), 0, -1))

    def _retention(self, queue: str) -> Retention:
        client = self._client
        return Retention(queue, redis=client.redis, clock=client.clock, cluster=client.cluster)
