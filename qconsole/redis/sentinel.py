"""A pool that always leads to the primary the sentinels name.

The sentinels with the newest configuration epoch are believed: under a partition the others still name the old
primary. A change closes every connection, so that no call waits for a primary that is frozen or cut off.
"""

import logging
from collections.abc import Callable
from typing import Any

from redis.exceptions import ConnectionError, RedisError, ResponseError

from qconsole.errors import ConfigError
from qconsole.redis.line import QuickConnection, QuickLine, QuickTlsConnection
from qconsole.redis.patience import Patience
from qconsole.redis.pool import Address, Pool
from qconsole.redis.url import RedisUrl
from qconsole.redis.watch import Watch, ask_all

logger = logging.getLogger("qconsole.redis")


class _LedConnection(QuickConnection):
    """A TCP connection that asks its pool where to go each time it connects."""

    def __init__(self, *, pool: "SentinelPool", **options: Any) -> None:
        super().__init__(**options)
        self._pool = pool

    async def _connect(self) -> None:
        address = await self._pool.primary()
        self.host, self.port = address
        await super()._connect()  # type: ignore[no-untyped-call]
        if await self._pool.primary() != address:
            await self.disconnect(nowait=True)
            raise ConnectionError("the primary changed while connecting")


class _LedTlsConnection(_LedConnection, QuickTlsConnection):
    """The same over TLS."""


class SentinelPool(Pool):
    """Connections to the current primary of a service.

    Args:
        make_scout: makes the pool of one connection to a sentinel.
    """

    def __init__(
        self,
        target: RedisUrl,
        *,
        patience: Patience,
        max_connections: int,
        make_scout: Callable[[Address], Pool],
        **options: Any,
    ) -> None:
        super().__init__(
            target,
            patience=patience,
            max_connections=max_connections,
            connection_class=_LedTlsConnection if target.tls else _LedConnection,
            pool=self,
            **options,
        )
        self._watch = SentinelWatch(target, make_scout, self._leave_old_primary)

    async def primary(self) -> Address:
        """Return where the primary is."""
        if self._watch.primary is None:
            await self._watch.look()
        if self._watch.primary is None:
            raise ConnectionError("the sentinels name no primary")
        return self._watch.primary

    async def sentinels(self) -> dict[Address, dict[str, Any] | Exception]:
        """Return what each sentinel of the URL knows of the service (SENTINEL MASTER), or why it does not answer."""
        return await self._watch.answers()

    async def get_connection(self, command_name: object = None, *keys: object, **options: object) -> QuickLine:
        """Return a connection to the primary."""
        self._watch.watch()
        await self.primary()
        return await super().get_connection()

    async def look_again(self, error: RedisError) -> None:
        """Ask the sentinels, and leave every idle connection behind."""
        await self._watch.look_again(error)
        await super().look_again(error)

    async def aclose(self) -> None:
        """Close all connections, the sentinels' too."""
        await self._watch.end_watch()
        await super().aclose()

    async def _leave_old_primary(self) -> None:
        await self.disconnect(inuse_connections=True)


class SentinelWatch(Watch):
    """Asks all sentinels of a URL for the primary of its service."""

    def __init__(self, target: RedisUrl, make_scout: Callable[[Address], Pool], on_change: Callable[[], Any]) -> None:
        super().__init__(make_scout)
        self.primary: Address | None = None
        self._target = target
        self._service = target.service or ""
        self._epoch = -1
        self._on_change = on_change

    async def look_once(self) -> None:
        """Believe the sentinel with the newest epoch.

        Raises:
            ConfigError: the sentinels know no such service.
            ConnectionError: none of them answers, and no primary is known from before.
        """
        answers = await self.answers()
        states = [answer for answer in answers.values() if isinstance(answer, dict)]
        if not states:
            self._nobody_knows(answers)
            return
        newest = max(states, key=lambda state: int(state["config-epoch"]))
        primary, epoch = (str(newest["ip"]), int(newest["port"])), int(newest["config-epoch"])
        if epoch < self._epoch or primary == self.primary:
            return
        changed, self.primary, self._epoch = self.primary is not None, primary, epoch
        if changed:
            logger.warning("the primary of %s is now %s:%d", self._target, *primary)
            await self._on_change()

    async def answers(self) -> dict[Address, dict[str, Any] | Exception]:
        """Return what each sentinel knows of the service, or why it does not answer."""
        silent: dict[Address, dict[str, Any] | Exception] = {
            address: ConnectionError("no answer in time") for address in self._target.hosts
        }
        return silent | await ask_all({address: self._ask(address) for address in silent})

    def _nobody_knows(self, answers: dict[Address, Any]) -> None:
        if self.primary is not None:
            logger.debug("no sentinel of %s answers; staying with %s:%d", self._target, *self.primary)
            return
        unknown = [error for error in answers.values() if isinstance(error, ResponseError)]
        if any("No such master" in str(error) for error in unknown):
            raise ConfigError(
                f"the sentinels of {self._target} watch no service named {self._service!r}",
                "Use the name from their `sentinel monitor` line.",
            )
        for error in answers.values():
            raise error
        raise ConnectionError(f"none of the {len(self._target.hosts)} sentinels answers")

    async def _ask(self, address: Address) -> dict[str, Any]:
        state: dict[str, Any] = await self.scout(address).sentinel_master(self._service)  # type: ignore[no-untyped-call]
        return state
