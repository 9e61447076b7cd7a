"""What `connect` puts in front of a redis-py client class: calls and pipelines that outlast passing errors."""

import functools
import time
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, NoPermissionError, RedisError

from qconsole.redis.patience import is_full, is_passing
from qconsole.redis.pool import Insistence, Parse, Pool

Client = TypeVar("Client", bound=Redis)


class PatientPipeline(Pipeline):
    """A pipeline that is sent again as a whole after a passing error, unless it watches keys."""

    connection_pool: Pool

    def __init__(
        self, pool: Any, response_callbacks: Any, transaction: bool, shard_hint: str | None, insistence: Insistence
    ) -> None:
        super().__init__(pool, response_callbacks, transaction, shard_hint)
        self.insistence = insistence

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands; see redis-py."""
        stack, scripts, explicit = self.command_stack, self.scripts, self.explicit_transaction
        watched = self.watching
        started = time.monotonic()

        async def send() -> list[Any]:
            self.command_stack, self.scripts, self.explicit_transaction = stack, scripts, explicit
            answers = await self.send_once(raise_on_error)
            for answer in answers:
                if isinstance(answer, RedisError) and is_passing(answer):
                    raise answer
            return answers

        try:
            return await send()
        except RedisError as error:
            if watched or not is_ours(error):
                raise
            return await self.insistence.insist(send, error, started)

    async def send_once(self, raise_on_error: bool) -> list[Any]:
        """Send the commands without trying again."""
        return await super().execute(raise_on_error)

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command at once, as WATCH and whatever follows it until MULTI do."""
        run = functools.partial(self.immediately_once, *args, **options)
        if self.watching:
            return await run()
        started = time.monotonic()
        try:
            return await run()
        except RedisError as error:
            if not is_ours(error):
                raise
            return await self.insistence.insist(run, error, started)

    async def immediately_once(self, *args: Any, **options: Any) -> Any:
        """Run a command at once without trying again."""
        return await super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]

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
    """The client's half: single commands."""

    connection_pool: Any
    own_insistence: Insistence | None = None
    response_callbacks: Any
    auto_close_connection_pool: bool
    parse_response: Parse

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command; see redis-py."""
        run = functools.partial(self.run_once, *args, **options)
        started = time.monotonic()
        try:
            return await run()
        except RedisError as error:
            if not is_ours(error):
                raise
            return await self.insistence.insist(run, error, started)

    @property
    def insistence(self) -> Insistence:
        """Who tries again: the pool's, unless this client was given its own."""
        return self.own_insistence or cast(Insistence, self.connection_pool.insistence)

    async def run_once(self, *args: Any, **options: Any) -> Any:
        """Run a command without trying again."""
        return await self.connection_pool.run(self.parse_response, args, options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> PatientPipeline:
        """Return a pipeline; see redis-py."""
        return PatientPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint, self.insistence)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the client with its connections, and whatever watches the topology for it."""
        await super().aclose(close_connection_pool)  # type: ignore[misc]
        if close_connection_pool or (close_connection_pool is None and self.auto_close_connection_pool):
            await self.connection_pool.aclose()


def is_ours(error: RedisError) -> bool:
    """Say whether an Insistence has to deal with the error; the rest is the caller's."""
    return is_passing(error) or is_full(error) or isinstance(error, ConnectionError | NoPermissionError)


@functools.cache
def patient_class(client_class: type[Client], mixin: type[Patient] = Patient) -> type[Client]:
    """Return a subclass of a redis-py client class with patience."""
    return cast(type[Client], type(client_class.__name__, (mixin, client_class), {"__module__": __name__}))
