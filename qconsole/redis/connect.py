"""The one factory of Redis clients. Every client it makes has deadlines, keepalive and patience.

A call that fails for a passing reason is tried again, so a script that changes something must bear running
twice. A client that lost its connection between WATCH and EXEC says so; redis-py would claim that a watched key
changed, and plain arq's `enqueue_job` would take that for a duplicate.
"""

import asyncio
import functools
import logging
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, cast, overload

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import AuthenticationError, AuthorizationError, ConnectionError, RedisError

from qconsole.errors import ConfigError, RedisUnavailable
from qconsole.redis.patience import BOUNDED, Patience, is_moved_away, is_passing, reason_of
from qconsole.redis.url import RedisUrl, Topology, parse_url

logger = logging.getLogger("qconsole.redis")

Client = TypeVar("Client", bound=Redis)
Answer = TypeVar("Answer")

_LOG_EVERY_S = 5.0
_HEALTH_CHECK_S = 15


class RedisUnreachable(RedisUnavailable, ConnectionError):
    """RedisUnavailable for code that catches redis-py's own errors (arq's, for one)."""


@overload
def connect(url: str | RedisUrl, *, client_class: type[Client], **options: Any) -> Client: ...


@overload
def connect(url: str | RedisUrl, **options: Any) -> Redis: ...


def connect(
    url: str | RedisUrl,
    *,
    client_class: type[Redis] = Redis,
    name: str = "qconsole",
    patience: Patience = BOUNDED,
    timeout_s: float = 5.0,
    connect_timeout_s: float = 2.0,
    max_connections: int = 128,
    **client_options: Any,
) -> Redis:
    """Return a client for a Redis URL; it connects when first used. Answers are bytes.

    Args:
        url: see `qconsole.redis.url` for the forms.
        client_class: redis-py's asyncio client or a subclass (arq's `ArqRedis`); the result is an instance of it.
        name: how this connection shows in CLIENT LIST; letters, digits and `:-._`.
        patience: for how long passing errors are tried again.
        timeout_s: for one answer; a blocking command must ask for less. The URL's `timeout_s` overrules it.
        connect_timeout_s: for one connection attempt.
        max_connections: further calls wait for a free connection.
        client_options: passed to `client_class` (arq's `job_serializer`, `default_queue_name`, …).

    Raises:
        ConfigError: the URL is wrong.
    """
    target = url if isinstance(url, RedisUrl) else parse_url(url)
    if target.topology is not Topology.SINGLE:
        raise ConfigError(f"{target.topology} URLs are not supported yet")
    pool = Pool(
        target,
        patience=patience,
        max_connections=max_connections,
        connection_class=_connection_class(target),
        **connection_options(
            target, name=name, timeout_s=target.timeout_s or timeout_s, connect_timeout_s=connect_timeout_s
        ),
    )
    client: Redis = patient_class(client_class)(connection_pool=pool, **client_options)
    client.auto_close_connection_pool = True
    return client


def connection_options(target: RedisUrl, *, name: str, timeout_s: float, connect_timeout_s: float) -> dict[str, Any]:
    """Return redis-py's keyword arguments for one connection to `target`, without its address for several hosts."""
    options: dict[str, Any] = {
        "db": target.db,
        "username": target.username,
        "password": target.password,
        "client_name": name,
        "lib_name": None,
        "lib_version": None,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": connect_timeout_s,
        "health_check_interval": _HEALTH_CHECK_S,
        "protocol": 2,
    }
    if target.socket_path is not None:
        return options | {"path": target.socket_path}
    options |= {"socket_keepalive": True, "socket_keepalive_options": _keepalive_options()}
    if len(target.hosts) == 1:
        options["host"], options["port"] = target.hosts[0]
    if (tls := target.tls) is not None:
        options |= {
            "ssl_ca_certs": tls.ca_certs,
            "ssl_certfile": tls.certfile,
            "ssl_keyfile": tls.keyfile,
            "ssl_check_hostname": tls.check_hostname,
        }
    return options


def _connection_class(target: RedisUrl) -> type[AbstractConnection]:
    if target.socket_path is not None:
        return UnixDomainSocketConnection
    return SSLConnection if target.tls is not None else Connection


def _keepalive_options() -> dict[int, int]:
    if not sys.platform.startswith("linux"):
        return {}
    return {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}


class Pool(ConnectionPool):
    """A pool that opens connections side by side.

    redis-py's own holds a lock while it connects, so that under a network drop the hundredth caller waits for
    ninety-nine time-outs first; and when it is full it fails instead of waiting.
    """

    def __init__(self, target: RedisUrl, *, patience: Patience, max_connections: int, **options: Any) -> None:
        super().__init__(max_connections=max_connections, **options)
        self.target = target
        self.patience = patience
        self._free = asyncio.Semaphore(max_connections)
        self._last_log = float("-inf")

    def __repr__(self) -> str:
        return f"<Pool {self.target}>"

    async def get_connection(self, command_name: object = None, *keys: object, **options: object) -> AbstractConnection:
        """Return a connected connection; waits for one when all are in use."""
        await self._free.acquire()
        try:
            connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]
        except BaseException:
            self._free.release()
            raise
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await connection.disconnect(nowait=True)
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back."""
        await super().release(connection)
        self._free.release()

    async def look_again(self, error: RedisError) -> None:
        """Forget what the idle connections point at after an error that says "ask somebody else"."""
        if is_moved_away(error):
            await self.disconnect(inuse_connections=False)

    async def insist(self, call: Callable[[], Awaitable[Answer]], error: RedisError, started: float) -> Answer:
        """Go on with a call that has failed once.

        Args:
            call: the whole call; run again after each pause.
            error: what its first try raised.
            started: when that try began, by `time.monotonic`.

        Raises:
            RedisUnreachable: patience ended, or the error is not a passing one but about getting in.
            RedisError: whatever else the call raises, untouched.
        """
        failures = 0
        while True:
            failures += 1
            if not is_passing(error):
                raise self._verdict(error) from error
            await self.look_again(error)
            pause_s = self.patience.pause_s(failures)
            left_s = self._left_s(started)
            if left_s <= pause_s:
                raise self._verdict(error) from error
            self._complain(error, failures, time.monotonic() - started)
            await asyncio.sleep(pause_s)
            try:
                async with asyncio.timeout(None if left_s == float("inf") else left_s - pause_s):
                    return await call()
            except TimeoutError:
                raise self._verdict(error) from error
            except RedisError as again:
                error = again

    def _left_s(self, started: float) -> float:
        if self.patience.deadline_s is None:
            return float("inf")
        return started + self.patience.deadline_s - time.monotonic()

    def _complain(self, error: RedisError, failures: int, since_s: float) -> None:
        now = time.monotonic()
        if now - self._last_log >= _LOG_EVERY_S:
            self._last_log = now
            logger.warning("Redis at %s: %s; try %d, %.1f s so far", self.target, reason_of(error), failures, since_s)

    def _verdict(self, error: RedisError) -> RedisError:
        """Return what the caller gets: ours for a server that cannot be used, the error itself otherwise."""
        if isinstance(error, AuthenticationError | AuthorizationError):
            return RedisUnreachable(
                f"Redis at {self.target} refused the user name or password: {reason_of(error)}",
                "Check the credentials in the Redis URL.",
                url=str(self.target),
            )
        if isinstance(error, RedisUnreachable) or not (is_passing(error) or isinstance(error, ConnectionError)):
            return error
        return RedisUnreachable(
            f"Redis at {self.target} cannot be used: {reason_of(error)}",
            "Check that it runs, and that the address is right (--redis URL or QCONSOLE_REDIS_URL).",
            url=str(self.target),
        )


class PatientPipeline(Pipeline):
    """A pipeline that is sent again as a whole after a passing error, unless it watches keys."""

    connection_pool: Pool

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands; see `Pipeline.execute`."""
        stack, scripts, explicit = self.command_stack, self.scripts, self.explicit_transaction
        watched = self.watching
        started = time.monotonic()

        async def send() -> list[Any]:
            self.command_stack, self.scripts, self.explicit_transaction = stack, scripts, explicit
            answers = await super(PatientPipeline, self).execute(raise_on_error)
            for answer in answers:
                if isinstance(answer, RedisError) and is_passing(answer):
                    raise answer
            return answers

        try:
            return await send()
        except RedisError as error:
            if watched or not _is_ours(error):
                raise
            return await self.connection_pool.insist(send, error, started)

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command at once, as WATCH and whatever follows it until MULTI do."""
        run = functools.partial(super().immediate_execute_command, *args, **options)
        if self.watching:
            return await run()
        started = time.monotonic()
        try:
            return await run()
        except RedisError as error:
            if not _is_ours(error):
                raise
            return await self.connection_pool.insist(run, error, started)

    def annotate_exception(self, exception: Exception, number: int, command: Iterable[object]) -> None:
        """Say which command failed, and not its arguments: they are somebody's payload."""
        name = str(next(iter(command)))
        exception.args = (f"{exception.args[0]} ({name}, command {number} of a pipeline)", *exception.args[1:])

    async def _disconnect_raise_reset(self, conn: AbstractConnection, error: Exception) -> None:
        await conn.disconnect(nowait=True)
        self.watching = False  # the server forgot; reset() must not reconnect to say so
        await self.reset()  # type: ignore[no-untyped-call]
        raise error

    async def _disconnect_reset_raise(self, conn: AbstractConnection, error: Exception) -> None:
        await self._disconnect_raise_reset(conn, error)


class Patient:
    """What `connect` puts in front of a client class: calls that outlast passing errors."""

    connection_pool: Pool
    response_callbacks: Any

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command; see redis-py."""
        run = functools.partial(super().execute_command, *args, **options)  # type: ignore[misc]
        started = time.monotonic()
        try:
            return await run()
        except RedisError as error:
            if not _is_ours(error):
                raise
            return await self.connection_pool.insist(run, error, started)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> PatientPipeline:
        """Return a pipeline; see redis-py."""
        return PatientPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def _is_ours(error: RedisError) -> bool:
    """Say whether `Pool.insist` has to deal with the error; the rest is the caller's."""
    return is_passing(error) or isinstance(error, ConnectionError)


@functools.cache
def patient_class(client_class: type[Client]) -> type[Client]:
    """Return a subclass of a redis-py client class with patience."""
    return cast(type[Client], type(client_class.__name__, (Patient, client_class), {"__module__": __name__}))
