"""The upkeep of one queue that does not wait for traffic: retention, and minutes of metrics into hours.

Every step is a bounded script that may be repeated at any time.
"""

from dataclasses import dataclass
from typing import Final

import orjson
from redis.asyncio import Redis

from qconsole.clock import Clock
from qconsole.runtime.keys import Keys
from qconsole.runtime.lane import limits_of
from qconsole.runtime.policy import QueuePolicy
from qconsole.runtime.scripts import script

RESOLVED_KEPT_MS: Final = 30 * 86_400_000
HOURS_KEPT_MS: Final = 90 * 86_400_000
CLOSED_AFTER_MIN: Final = 3  # a worker may still count into the minute before the last one
_AT_ONCE: Final = 200
_MINUTES_AT_ONCE: Final = 30
_DEFAULTS: Final = orjson.dumps({k: v for k, v in limits_of(QueuePolicy()).items() if v is not None})


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep came to."""

    trimmed: int
    rollups: int


class Retention:
    """The upkeep of one queue.

    Args:
        queue: the queue's name.
        redis: the connection; of the slot's owner on a cluster.
        clock: where "now" comes from.
        cluster: job ids carry the queue's hash tag.
    """

    def __init__(self, queue: str, *, redis: Redis, clock: Clock, cluster: bool = False) -> None:
        self._keys = Keys(queue, cluster=cluster)
        self._redis = redis
        self._clock = clock

    async def sweep(self) -> Swept:
        """Trim what is over its bounds, and roll closed minutes up."""
        return Swept(await self.trim(), await self.roll_up())

    async def trim(self) -> int:
        """Drop ended jobs over the queue's bounds, old resolved dead letters and ends of undo windows."""
        trimmed = 0
        while went := await self._trim_part():
            trimmed += went
        return trimmed

    async def _trim_part(self) -> int:
        args = (self._clock.now_ms(), _DEFAULTS, RESOLVED_KEPT_MS, _AT_ONCE)
        return int(await script("trim").run(self._redis, (self._keys.queue,), args))

    async def roll_up(self) -> int:
        """Add closed minutes to their hours and to the totals; returns how many script calls that took."""
        closed = self._clock.now_ms() // 60_000 - CLOSED_AFTER_MIN
        calls, left = 0, 1
        while left > 0:
            args = (closed, HOURS_KEPT_MS, _MINUTES_AT_ONCE)
            left = int(await script("rollup").run(self._redis, (self._keys.queue,), args))
            calls += 1
        return calls
