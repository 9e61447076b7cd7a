"""What every noun of the service works with: the connection, the clock, the settings, the redaction rules."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from qconsole.admin.lua_scripts import read_script
from qconsole.admin.redaction import Redaction
from qconsole.clock import Clock
from qconsole.config import Settings
from qconsole.runtime.client import Client
from qconsole.runtime.keys import Keys


class Backend:
    """One environment's Redis, shared by all actors of a process.

    Args:
        redis: the connection.
        clock: where "now" comes from.
        settings: the environment's.
        cluster: job ids carry their queue's hash tag.
    """

    def __init__(self, *, redis: Redis, clock: Clock, settings: Settings, cluster: bool) -> None:
        self.redis = redis
        self.clock = clock
        self.settings = settings
        self.cluster = cluster
        self.redaction = Redaction(
            keys=settings.redact_keys, patterns=settings.redact_patterns, reveal_keys=settings.reveal_keys
        )
        self.client = Client(redis=redis, clock=clock, cluster=cluster)
        self._keys: dict[str, Keys] = {}

    def now_ms(self) -> int:
        """Return the current instant."""
        return self.clock.now_ms()

    def keys(self, queue: str) -> Keys:
        """Return the keys of a queue.

        Raises:
            UsageError: no queue can have this name.
        """
        found = self._keys.get(queue)
        if found is None:
            found = self._keys[queue] = Keys(queue, cluster=self.cluster)
        return found

    async def read(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run one of the reading scripts."""
        return await read_script(script).run(self.redis, keys, args)
