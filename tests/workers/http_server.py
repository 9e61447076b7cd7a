"""A real HTTP receiver on loopback that answers as the test wants and keeps what it got."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """The receiver: `answers` are used up one by one, then every request is taken."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[Callable[[], Response]] = field(default_factory=list)
    delay_s: float = 0.0

    async def take(self, request: Request) -> Response:
        self.got.append(Got(request.url.path, dict(request.headers), await request.body()))
        await asyncio.sleep(self.delay_s)
        return self.answers.pop(0)() if self.answers else Response("taken")


@asynccontextmanager
async def http_server() -> AsyncIterator[Receiver]:
    """Runs the receiver for the test."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["POST", "GET"])])
    async with served(app) as url:
        receiver.url = url
        yield receiver


@asynccontextmanager
async def served(app: Starlette, *, lifespan: Literal["on", "off"] = "off") -> AsyncIterator[str]:
    """Serves an application on loopback and gives its URL."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="error", lifespan=lifespan, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
