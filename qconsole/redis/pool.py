"""Connections to one server, whichever it is at the moment, and the patience of every call that uses them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn, Protocol, TypeVar

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
)

from qconsole.errors import RedisUnavailable
from qconsole.redis.line import QuickLine
from qconsole.redis.patience import Patience, is_full, is_moved_away, is_passing, reason_of
from qconsole.redis.url import RedisUrl

logger = logging.getLogger("qconsole.redis")

Answer = TypeVar("Answer")
Address = tuple[str, int]
Parse = Callable[..., Awaitable[Any]]

_LOG_EVERY_S = 5.0


class RedisUnreachable(RedisUnavailable, ConnectionError):
    """RedisUnavailable for code that catches redis-py's own errors (arq's, for one)."""


class RedisFull(RedisUnavailable, OutOfMemoryError):
    """RedisUnavailable because Redis has reached its memory limit; nothing was written."""

    code = "redis_full"


class RedisForbids(RedisUnavailable, NoPermissionError):
    """RedisUnavailable because the user of the URL lacks a right; nothing was done."""

    code = "redis_forbids"


class Directory(Protocol):
    """Whoever knows which server is in charge."""

    async def look_again(self, error: RedisError) -> None:
        """Find out anew after an error that says "ask somebody else"."""
        ...


class Insistence:
    """Tries a call again until it succeeds, its error is not a passing one, or patience ends."""

    def __init__(self, target: RedisUrl, patience: Patience, directory: Directory) -> None:
        self._target = target
        self._patience = patience
        self._directory = directory
        self._last_log = float("-inf")

    async def insist(self, call: Callable[[], Awaitable[Answer]], error: RedisError, started: float) -> Answer:
        """Go on with a call that has failed once.

        Args:
            call: the whole call; run again after each pause.
            error: what its first try raised.
            started: when that try began, by `time.monotonic`.

        Raises:
            RedisUnreachable: patience ended, or we are not let in.
            RedisError: whatever else the call raises, untouched.
        """
        failures = 0
        while True:
            failures += 1
            if not is_passing(error):
                self._give_up(error)
            self._complain(error, failures, time.monotonic() - started)
            pause_s = self._patience.pause_s(failures)
            try:
                async with asyncio.timeout(self._left_s(started)):
                    if is_moved_away(error):
                        await self._directory.look_again(error)
                    await asyncio.sleep(pause_s)
                    return await call()
            except TimeoutError:
                self._give_up(error)
            except RedisError as again:
                error = again

    def _left_s(self, started: float) -> float | None:
        if self._patience.deadline_s is None:
            return None
        return started + self._patience.deadline_s - time.monotonic()

    def _complain(self, error: RedisError, failures: int, since_s: float) -> None:
        now = time.monotonic()
        if now - self._last_log >= _LOG_EVERY_S:
            self._last_log = now
            logger.warning(
                "Redis at %s: %s; try %d, %.1f s so far", self._target.brief, reason_of(error), failures, since_s
            )

    def _give_up(self, error: RedisError) -> NoReturn:
        """Raise what the caller gets: ours for a server that cannot be used, the error itself otherwise."""
        if isinstance(error, AuthenticationError | AuthorizationError):
            raise RedisUnreachable(
                f"Redis at {self._target.brief} refused the user name or password: {reason_of(error)}",
                "Check the credentials in the Redis URL.",
                url=str(self._target),
            ) from error
        if isinstance(error, NoPermissionError):
            raise RedisForbids(
                f"Redis at {self._target.brief} does not let user {self._target.username or 'default'!r} do that: "
                f"{reason_of(error)}",
                "Give it the rights in docs/examples/redis-users.acl, with the names of your queues.",
                url=str(self._target),
            ) from error
        if is_full(error):
            raise RedisFull(
                f"Redis at {self._target.brief} takes no more data: it has reached its memory limit",
                "Free memory or raise maxmemory; `qconsole doctor` says what takes it.",
                url=str(self._target),
            ) from error
        if isinstance(error, RedisUnreachable) or not (is_passing(error) or isinstance(error, ConnectionError)):
            raise error
        raise RedisUnreachable(
            f"Redis at {self._target.brief} cannot be used: {reason_of(error)}",
            "Check that it runs, and that the address is right (--redis URL or QCONSOLE_REDIS_URL).",
            url=str(self._target),
        ) from error


class Pool(ConnectionPool):
    """A pool that opens connections side by side.

    redis-py's own holds a lock while it connects, so that under a network drop the hundredth caller waits for
    ninety-nine time-outs first; and when it is full it fails instead of waiting.

    Args:
        target: what the connections lead to, for messages.
        patience: for calls that use this pool.
        max_connections: further callers wait.
        options: for the connections.
    """

    def __init__(self, target: RedisUrl, *, patience: Patience, max_connections: int, **options: Any) -> None:
        super().__init__(max_connections=max_connections, **options)
        self.target = target
        self.insistence = Insistence(target, patience, self)
        self._free = asyncio.Semaphore(max_connections)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.target}>"

    async def get_connection(self, command_name: object = None, *keys: object, **options: object) -> QuickLine:
        """Return a connected connection; waits for one when all are in use."""
        await self._free.acquire()
        try:
            connection: QuickLine = self.get_available_connection()  # type: ignore[no-untyped-call]
        except BaseException:
            self._free.release()
            raise
        if not connection.quiet():
            try:
                await connection.disconnect(nowait=True)
                await connection.connect()  # type: ignore[no-untyped-call]
            except BaseException:
                await connection.disconnect(nowait=True)
                await self.release(connection)
                raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back."""
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)
        self._free.release()

    async def run(self, parse: Parse, args: Sequence[Any], options: dict[str, Any], *, asking: bool = False) -> Any:
        """Run one command on a connection of this pool.

        Args:
            parse: the client's `parse_response`.
            asking: tell a cluster's node first that the key is on its way to it.
        """
        connection = await self.get_connection()
        try:
            if asking:
                await connection.send_command("ASKING")
                await connection.read_response()
            if not connection.send_at_once(args):
                await connection.send_command(*args)
            return await parse(connection, args[0], **options)
        finally:
            await self.release(connection)

    async def look_again(self, error: RedisError) -> None:
        """Drop the idle connections: what broke one has most likely broken all."""
        await self.disconnect(inuse_connections=False)
