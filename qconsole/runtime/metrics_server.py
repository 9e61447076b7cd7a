"""Prometheus text over HTTP from a worker, about itself; the queues' figures are the fleet's and the web console's."""

import asyncio
from collections.abc import Callable
from typing import Final

from qconsole.errors import ConfigError

REQUEST_S: Final = 5.0
MAX_REQUEST: Final = 8_192
_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class MetricsServer:
    """Answers `GET /metrics` and nothing else.

    Args:
        port: 0 picks a free one.
        host: where to listen.
        text: makes the answer.
    """

    def __init__(self, *, port: int, text: Callable[[], str], host: str = "127.0.0.1") -> None:
        self.port = port
        self._host = host
        self._text = text
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: the port cannot be had.
        """
        try:
            self._server = await asyncio.start_server(self._answer, self._host, self.port, limit=MAX_REQUEST)
        except OSError as error:
            raise ConfigError(
                f"the metrics port {self.port} cannot be used: {error.strerror or error}", "Choose another port."
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._response(head))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that went away or never asked has nobody to be told
        finally:
            writer.close()

    def _response(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD") or path != b"/metrics":
            return _http("404 Not Found", "only GET /metrics is here\n")
        return _http("200 OK", self._text())


def _http(status: str, body: str) -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {_TYPE}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    return head.encode() + data


def worker_text(worker_id: str, figures: dict[str, float]) -> str:
    """Return a worker's own gauges."""
    label = worker_id.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    lines = []
    for name, value in figures.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# TYPE qconsole_worker_{name} {kind}", f'qconsole_worker_{name}{{worker="{label}"}} {value!r}']
    return "\n".join(lines) + "\n"
