"""Connections whose common case is cheap: redis-py spends most of a call's time on what hardly ever happens.

A write starts a task to guard against a peer that does not read, each answer of a pipeline arms a timer though it
has arrived already, and commands are packed in Python. Leans on redis-py's and hiredis' insides; a test pins them.
"""

import asyncio
import builtins
from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, Final

import hiredis
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

_HIGH_WATER: Final = 65_536  # asyncio's own: a transport that holds more asks its writer to wait


class QuickLine(AbstractConnection):
    """What the three kinds of connection share."""

    _late_at = inf  # by the loop's time: when the answer that is waited for comes too late
    _late: asyncio.TimerHandle | None = None

    def quiet(self) -> bool:
        """Say whether the line is up and nothing waits on it to be read, as between two calls."""
        reader = self._reader
        return (
            reader is not None
            and not reader.at_eof()
            and reader.exception() is None
            and self._socket_is_empty()  # type: ignore[no-untyped-call]
            and not self._parser._reader.has_data()  # type: ignore[attr-defined]
        )

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return a command in Redis' protocol; a name of two words is two arguments."""
        name = args[0]
        if (" " if isinstance(name, str) else b" ") in name:
            args = (*name.split(), *args[1:])
        try:
            return [hiredis.pack_command(args)]
        except TypeError:
            return [hiredis.pack_command(tuple(self.encoder.encode(arg) for arg in args))]  # type: ignore[no-untyped-call]

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> list[bytes]:
        """Return several commands, one after the other."""
        return [b"".join(self.pack_command(*command)[0] for command in commands)]

    def send_at_once(self, args: Sequence[Any]) -> bool:
        """Write a command; false when the connection must be opened, checked or waited for first."""
        writer = self._writer
        if writer is None or writer.is_closing() or writer.transport.get_write_buffer_size() > _HIGH_WATER:
            return False
        if self.health_check_interval and asyncio.get_running_loop().time() > self.next_health_check:
            return False
        writer.write(self.pack_command(*args)[0])
        return True

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Write commands; waits, no longer than the time-out, only for a peer that does not keep up."""
        if self._writer is None:
            await self.connect()  # type: ignore[no-untyped-call]
        elif check_health:
            await self.check_health()  # type: ignore[no-untyped-call]
        writer = self._writer
        if writer is None:
            raise ConnectionError("the connection was closed while it was opened")
        try:
            if isinstance(command, str):
                command = command.encode()
            writer.writelines((command,) if isinstance(command, bytes) else command)
            if writer.transport.get_write_buffer_size() > _HIGH_WATER:
                async with asyncio.timeout(self.socket_timeout):
                    await writer.drain()
        except builtins.TimeoutError:
            await self.disconnect(nowait=True)
            raise TimeoutError("Timeout writing to socket") from None
        except OSError as error:
            await self.disconnect(nowait=True)
            raise ConnectionError(f"the connection broke while writing: {error}") from error
        except BaseException:
            await self.disconnect(nowait=True)
            raise

    async def read_response(
        self,
        disable_decoding: bool = False,
        timeout: float | None = None,
        *,
        disconnect_on_error: bool = True,
        push_request: bool | None = False,
    ) -> Any:
        """Return the next answer, at once when it has been read already."""
        parser: Any = self._parser
        if timeout is not None or disable_decoding or not disconnect_on_error or not parser._connected:
            return await super().read_response(
                disable_decoding, timeout, disconnect_on_error=disconnect_on_error, push_request=push_request
            )
        response = parser._reader.gets()
        if response is NOT_ENOUGH_DATA:
            response = await self._wait_for_answer(parser)
        if isinstance(response, ConnectionError):  # LOADING, too many clients, a wrong password
            await self.disconnect(nowait=True)
        if isinstance(response, ConnectionError | ResponseError):
            raise response from None
        return response

    async def _wait_for_answer(self, parser: Any) -> Any:
        loop, response = asyncio.get_running_loop(), NOT_ENOUGH_DATA
        if self.socket_timeout is not None:
            self._late_at = loop.time() + self.socket_timeout
            if self._late is None:
                self._late = loop.call_at(self._late_at, self._look_whether_late, loop)
        try:
            while response is NOT_ENOUGH_DATA:
                await parser.read_from_socket()
                response = parser._reader.gets()
        except OSError as error:
            await self.disconnect(nowait=True)
            raise ConnectionError(f"the connection broke while reading: {error}") from error
        except BaseException:
            await self.disconnect(nowait=True)
            raise
        finally:
            self._late_at = inf
        if self.health_check_interval:
            self.next_health_check = loop.time() + self.health_check_interval
        return response

    def _look_whether_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """Break the stream when its answer is late; one timer looks after all answers, as arming one for each costs."""
        self._late = None
        if self._late_at == inf:
            return
        if loop.time() < self._late_at:
            self._late = loop.call_at(self._late_at, self._look_whether_late, loop)
        else:
            parser: Any = self._parser
            parser._stream.set_exception(TimeoutError(f"Timeout reading from {self._host_error()}"))


class QuickConnection(QuickLine, Connection):
    """Over TCP."""


class QuickTlsConnection(QuickLine, SSLConnection):
    """Over TCP with TLS."""


class QuickSocketConnection(QuickLine, UnixDomainSocketConnection):
    """Over a socket file."""
