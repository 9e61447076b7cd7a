"""A poor line to a server on this machine: every byte is late, and now and then a connection breaks in mid-answer."""

import asyncio
import contextlib
import random
from types import TracebackType
from typing import Self

CHUNK = 4096


class PoorLine:
    """Forwards a port of its own to the server's while the block lasts.

    Args:
        port: the server's, on loopback.
        delay_ms: how late everything arrives, each way.
        break_share: how often a chunk is the last of its connection, 0…1: half of it arrives, then both ends are reset.
    """

    def __init__(self, port: int, *, delay_ms: float, break_share: float, seed: int = 7) -> None:
        self.broken = 0
        self._server_port = port
        self._delay_s = delay_ms / 1000
        self._break_share = break_share
        self._chance = random.Random(seed)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._listening: asyncio.Server

    @property
    def port(self) -> int:
        """The port to connect to."""
        return int(self._listening.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)
        await asyncio.sleep(self._delay_s)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        there: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        back: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = [asyncio.create_task(self._send(*way)) for way in ((there, server_writer), (back, writer))]
        receiving = [asyncio.create_task(self._receive(*way)) for way in ((reader, there), (server_reader, back))]
        try:
            await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in (*sending, *receiving):
                way.cancel()
            await asyncio.gather(*sending, *receiving, return_exceptions=True)
            for end in (writer, server_writer):
                end.transport.abort()

    async def _receive(self, reader: asyncio.StreamReader, late: asyncio.Queue[tuple[float, bytes]]) -> None:
        """Note what arrives and when it is due; nothing at all stands for the end."""
        now = asyncio.get_running_loop().time
        chunk = b"first"
        while chunk:
            try:
                chunk = await reader.read(CHUNK)
            except OSError:
                chunk = b""
            late.put_nowait((now() + self._delay_s, chunk))

    async def _send(self, late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        """Send on what is due, in order, until its end or until the line breaks."""
        while True:
            due_s, chunk = await late.get()
            await asyncio.sleep(due_s - asyncio.get_running_loop().time())
            breaks = self._chance.random() < self._break_share
            with contextlib.suppress(OSError):
                writer.write(chunk[: len(chunk) // 2] if breaks else chunk)
                await writer.drain()
            if breaks:
                self.broken += 1
            if breaks or not chunk:
                return
