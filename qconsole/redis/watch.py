"""Knowing who is in charge: asks scouts, one question at a time, and goes on asking while anybody holds on to it."""

import asyncio
import logging
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from qconsole.errors import QConsoleError
from qconsole.redis.patience import reason_of
from qconsole.redis.pool import Address, Pool

logger = logging.getLogger("qconsole.redis")

Answer = TypeVar("Answer")

POLL_S = 1.0
SCOUT_TIMEOUT_S = 0.5


class Watch(ABC):
    """A directory that looks by itself every second.

    Under a partition nobody tells a client that its primary is no longer the one; it has to ask.
    """

    def __init__(self, make_scout: Callable[[Address], Pool]) -> None:
        self._make_scout = make_scout
        self._scouts: dict[Address, Redis] = {}
        self._look: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    @abstractmethod
    async def look_once(self) -> None:
        """Ask the scouts and take over what they say."""

    async def look(self) -> None:
        """Find out who is in charge; callers at the same time share one question."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self.look_once(), name="redis topology")
            self._look.add_done_callback(lambda look: look.cancelled() or look.exception())
        await asyncio.shield(self._look)

    async def look_again(self, error: RedisError) -> None:
        """Find out anew; a failure to do so is the next try's."""
        try:
            await self.look()
        except RedisError as failure:
            logger.debug("cannot tell who is in charge: %s", reason_of(failure))

    def watch(self) -> None:
        """Go on looking until `end_watch`, or until nobody refers to this object any more."""
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(_keep_looking(weakref.ref(self)), name="redis topology watch")

    async def end_watch(self) -> None:
        """Stop looking and close the scouts' connections."""
        for task in (self._watch, self._look):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._watch = self._look = None
        scouts, self._scouts = self._scouts, {}
        for scout in scouts.values():
            await scout.connection_pool.disconnect()

    def scout(self, address: Address) -> Redis:
        """Return the client that only asks the server at `address` about the topology."""
        if address not in self._scouts:
            self._scouts[address] = Redis(connection_pool=self._make_scout(address))
        return self._scouts[address]

    async def retire_scout(self, address: Address) -> None:
        """Close the scout of a server that is no longer part of the topology."""
        if (scout := self._scouts.pop(address, None)) is not None:
            await scout.connection_pool.disconnect()


async def _keep_looking(reference: "weakref.ref[Watch]") -> None:
    while (watch := reference()) is not None:
        try:
            await watch.look()
        except (RedisError, QConsoleError) as error:
            logger.debug("cannot tell who is in charge: %s", error)
        except Exception:
            logger.exception("looking for the Redis in charge broke")
        del watch
        await asyncio.sleep(POLL_S)


async def ask_all(questions: dict[Address, Coroutine[Any, Any, Answer]]) -> dict[Address, Answer | Exception]:
    """Ask several servers side by side; who does not answer in time is left out, errors are answers too."""
    tasks = {address: asyncio.create_task(question) for address, question in questions.items()}
    if not tasks:
        return {}
    try:
        done, _ = await asyncio.wait(tasks.values(), timeout=2 * SCOUT_TIMEOUT_S)
    finally:
        for task in tasks.values():
            task.cancel()
    answers: dict[Address, Answer | Exception] = {}
    for address, task in tasks.items():
        if task in done and not task.cancelled():
            error = task.exception()
            if error is None:
                answers[address] = task.result()
            elif isinstance(error, RedisError):
                answers[address] = error
            else:
                raise error
    return answers
