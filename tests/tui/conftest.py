"""Consoles in a terminal of memory: on a frozen stage, or on a furnished real server."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC

import pytest
from textual.pilot import Pilot

from qconsole.admin import Actor, Admin
from qconsole.config import Settings
from qconsole.redis.embedded import EmbeddedServer
from qconsole.tui.app import ConsoleApp
from qconsole.tui.location import parse_location
from qconsole.tui.terminal import Terminal
from tests.support import PATIENCE_S, eventually
from tests.tui.stage import Stage
from tests.tui.stage_clock import FrozenClock
from tests.web.stage import Furniture

PLAIN = Terminal(few_colors=False, no_color=False, ascii_only=False, remote=False, light=False, tmux=False)
Opened = AbstractAsyncContextManager[Pilot[int]]
Open = Callable[..., Opened]


def text_of(app: ConsoleApp) -> str:
    """Return what is on the screen, as text."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text[:width] for strip in strips[:height])


async def shows(pilot: Pilot[int], *texts: str, deadline_s: float = PATIENCE_S) -> None:
    """Wait until all texts are on the screen."""

    async def there() -> bool:
        await pilot.pause()
        screen = text_of(pilot.app)  # type: ignore[arg-type]
        for text in texts:
            assert text in screen, f"{text!r} is not on the screen:\n{screen}"
        return True

    await eventually(there, deadline_s, interval_s=0.03)


async def state_of(admin: Admin, job_id: str) -> str:
    return (await admin.jobs.get(job_id)).row.state


async def becomes(admin: Admin, job_id: str, state: str) -> None:
    async def there() -> bool:
        assert await state_of(admin, job_id) == state
        return True

    await eventually(there)


async def type_in(pilot: Pilot[int], text: str) -> None:
    await pilot.press(*[_key(char) for char in text])


def _key(char: str) -> str:
    names = {
        " ": "space",
        ".": "full_stop",
        "-": "minus",
        "_": "underscore",
        ":": "colon",
        "*": "asterisk",
        "/": "slash",
    }
    return names.get(char, char)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def open_stage(stage: Stage) -> Open:
    """Opens consoles on the frozen stage."""

    @asynccontextmanager
    async def open_at(
        at: str = "overview", size: tuple[int, int] = (120, 40), terminal: Terminal = PLAIN, production: bool = False
    ) -> AsyncIterator[Pilot[int]]:
        async def connect() -> Stage:
            return stage

        settings = Settings(production=production, env="prod" if production else "default")
        app = ConsoleApp(
            connect=connect,  # type: ignore[arg-type]
            settings=settings,
            terminal=terminal,
            clock=FrozenClock(),
            stopwatch=lambda: stage.passed_s,
            zone=UTC,
            at=parse_location(at),
        )
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield pilot
            assert not app.reports, str(app.reports[-1])

    return open_at


@pytest.fixture(scope="session")
def furniture(redis_server: EmbeddedServer) -> Iterator[Furniture]:
    """The furnished state of this process's server, made once."""
    made = Furniture(redis_server.url)
    yield made
    made.close()


@pytest.fixture
async def admin(furniture: Furniture, redis_server: EmbeddedServer) -> AsyncIterator[Admin]:
    """The service on a server furnished for this test, to look behind the screen."""
    furniture.put_back()
    async with await Admin.open(redis_server.url, actor=Actor("test", "admin", "cli")) as service:
        yield service


@pytest.fixture
def open_console(admin: Admin, redis_server: EmbeddedServer) -> Open:
    """Opens consoles on the furnished server."""

    @asynccontextmanager
    async def open_at(
        at: str = "overview", size: tuple[int, int] = (120, 40), production: bool = False, role: str = "admin"
    ) -> AsyncIterator[Pilot[int]]:
        settings = Settings(redis_url=redis_server.url, production=production, env="prod" if production else "default")

        async def connect() -> Admin:
            return await Admin.open(settings, actor=Actor("mara", role, "tui"))

        app = ConsoleApp(connect=connect, settings=settings, terminal=PLAIN, zone=UTC, at=parse_location(at))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield pilot
            reports = [str(report) for report in app.reports]
        assert not reports, reports[-1]

    return open_at
