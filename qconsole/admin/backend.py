"""What every noun of the service works with: the connection, the clock, the settings, the redaction rules."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.asyncio import Redis

from qconsole.admin.lua_scripts import read_script
from qconsole.admin.redaction import Redaction
from qconsole.clock import Clock
from qconsole.config import Settings
from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import once
from qconsole.redis.patience import Patience
from qconsole.runtime.codec import decode_call, decode_result, encode_call, encode_result
from qconsole.runtime.keys import Keys
from qconsole.runtime.payload_store import PayloadStore, open_payload_store, reference_of, resolve

if TYPE_CHECKING:
    from qconsole.runtime.client import Client

logger = logging.getLogger("qconsole.admin")

QUICK_S: Final = 2.0  # for an answer of one shard, when those of the others are worth having without it
QUICK_TRIES: Final = Patience(deadline_s=1.0)
Answer = TypeVar("Answer")


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
        self._keys: dict[str, Keys] = {}

    @cached_property
    def payload_store(self) -> PayloadStore | None:
        """The store of large payloads that the settings name."""
        named = self.settings.payload_store
        return open_payload_store(named) if named else None

    @cached_property
    def client(self) -> "Client":
        """Queues jobs."""
        from qconsole.runtime.client import Client

        return Client(redis=self.redis, clock=self.clock, cluster=self.cluster, payload_store=self.payload_store)

    @cached_property
    def quick(self) -> Redis:
        """The same connections, for calls that give up soon when a shard of a cluster is down."""
        return once(self.redis, QUICK_TRIES) if self.cluster else self.redis

    async def quickly(self, call: Awaitable[Answer]) -> Answer:
        """Return the answer of a call by `quick`; on a cluster within `QUICK_S`.

        Raises:
            RedisUnavailable: the shard is down or silent.
        """
        try:
            async with asyncio.timeout(QUICK_S if self.cluster else None):
                return await call
        except TimeoutError as error:
            raise RedisUnavailable(f"its shard of the cluster did not answer within {QUICK_S:g} s") from error

    async def close(self) -> None:
        """Close the connections."""
        await self.redis.aclose()
        store: PayloadStore | None = vars(self).get("payload_store")
        if store is not None:
            await store.close()

    async def whole_call(self, data: bytes | None) -> bytes | None:
        """Return a stored call with its payload in it when that lies in the payload store; any other as it is."""
        call = decode_call(data) if data else None
        text = await self._fetched(call.payload) if call else None
        return encode_call(call.job_type, text, call.enqueued_ms) if call and text else data

    async def whole_result(self, data: bytes | None) -> bytes | None:
        """Return a stored result with its payload in it, as `whole_call` does."""
        result = decode_result(data) if data else None
        text = await self._fetched(result.payload) if result else None
        return encode_result(replace(result, payload=text)) if result and text else data

    async def _fetched(self, payload: bytes) -> bytes | None:
        """Return the payload that a reference stands for; None when there is none, or it cannot be had."""
        if reference_of(payload) is None or self.payload_store is None:
            return None
        try:
            return await resolve(payload, self.payload_store)
        except (
            Exception
        ) as error:  # the store is the application's own code; whoever reads the call says what is missing
            logger.warning("the payload store: %s: %s", type(error).__name__, error)
            return None

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
