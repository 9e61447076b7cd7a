"""The live stream of one browser, and whether this process is well."""

from collections.abc import AsyncIterator

from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from qconsole.errors import QConsoleError, Refused, Unauthenticated
from qconsole.web.live import encode
from qconsole.web.openapi import FILE
from qconsole.web.visit import Visit, page

RECHECK_MS = 30_000
PING_S = 15
MAX_STREAMS = 100  # of one visitor; a browser has one for all its tabs


class TooManyStreams(Refused):
    """One visitor holds more live streams open than people do."""

    code = "throttled"


async def live(visit: Visit) -> Response:
    """Stream changes of the counts until the browser goes or its sign-in ends.

    Raises:
        TooManyStreams: this visitor has `MAX_STREAMS` open.
    """
    name = f"{visit.identity.how}:{visit.identity.actor.name}"
    if visit.console.feed.viewers_named(name) >= MAX_STREAMS:
        raise TooManyStreams(f"{MAX_STREAMS} live streams are open already", "Close some pages.", retry_after_s=30)

    async def events() -> AsyncIterator[bytes]:
        checked_ms = visit.console.clock.now_ms()
        yield b"retry: 2000\n\n"
        async for event in visit.console.feed.subscribe(name):
            if visit.console.clock.now_ms() - checked_ms > RECHECK_MS:
                checked_ms = visit.console.clock.now_ms()
                if not await _is_still_known(visit):
                    yield encode("signed-out", {})
                    return
            yield event

    return EventSourceResponse(events(), ping=PING_S, headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})


async def _is_still_known(visit: Visit) -> bool:
    try:
        await visit.console.identities.of(visit.request, await visit.console.admin())
    except Unauthenticated:
        return False
    except QConsoleError:
        return True  # Redis is away, which the feed itself says
    return True


async def healthy(request: Request) -> Response:
    """Say that this process answers; it says nothing about Redis or jobs."""
    return PlainTextResponse("ok")


async def describe(request: Request) -> Response:
    """Answer the description of the JSON side."""
    return Response(FILE.read_bytes(), media_type="application/json")


routes = [
    Route("/openapi.json", describe, methods=["GET"], name="stream.describe"),
    page("/live", live),
    Route("/healthz", healthy, methods=["GET"], name="stream.healthy"),
]
