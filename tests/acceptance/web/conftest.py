"""A real console behind a real browser: one Chromium for the run, one console a module; a broken policy fails."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from qconsole.config import Settings
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client, QueuePolicy
from qconsole.runtime.arq_worker import Worker
from qconsole.web.options import Auth, ConsoleOptions
from qconsole.web.serve import listen, server
from tests.web.conftest import picture
from tests.web.stage import JOB_TYPES, Email, Furniture, send_email

__all__ = ["picture"]

CHROMIUM = Path("/usr/bin/chromium")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-extensions", "--no-first-run"]
ARTEFACTS = Path(__file__).resolve().parents[3] / ".artefacts"

PATIENCE_S = 60.0  # for a machine that does other things as well
expect.set_options(timeout=PATIENCE_S * 1_000)


# Every module of browser tests says `pytestmark = BROWSER`: one loop for all, as one browser serves all.
BROWSER = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no system Chromium"),
]


class Site:
    """A console served in a thread of its own, on a port of its own; `make` returns its server for each start."""

    def __init__(self, make: Callable[[], uvicorn.Server]) -> None:
        self.port = 0
        self._make = make
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def app(self):  # type: ignore[no-untyped-def]
        assert self._server is not None
        return self._server.config.app

    @property
    def console(self):  # type: ignore[no-untyped-def]
        return self.app.state.console

    def start(self) -> None:
        bound = listen("127.0.0.1", self.port)
        self.port = bound.getsockname()[1]
        self._server = self._make()
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [bound]}, daemon=True)
        self._thread.start()
        until = time.monotonic() + PATIENCE_S
        while not self._server.started:
            assert time.monotonic() < until, "the console did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        if self._thread is None or self._server is None:
            return
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the console did not stop"
        self._thread = None


@pytest.fixture(scope="module")
def site_of(redis_server: EmbeddedServer) -> Iterator[Callable[..., Site]]:
    """Makes consoles on the test's Redis."""
    sites: list[Site] = []

    def make(*, production: bool = False, redis_url: str = "", **options: object) -> Site:
        settings = Settings(redis_url=redis_url or redis_server.url, web_auth="off", production=production)
        chosen = ConsoleOptions(**{"auth": Auth.OFF, "poll_ms": 500, "refresh_commands_per_s": 5_000, **options})  # type: ignore[arg-type]
        site = Site(lambda: server(settings, options=chosen))
        site.start()
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.stop()


@pytest.fixture(scope="module")
def site(picture: Furniture, site_of: Callable[..., Site]) -> Site:
    """A console on a Redis furnished once for the module."""
    picture.put_back()
    return site_of()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield opened
        await opened.close()


class Watch:
    """What went wrong in a browser: violations of the policy, script errors, requests to other hosts, dialogs."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.expected: tuple[str, ...] = ()

    async def attach(self, context: BrowserContext) -> None:
        await context.expose_binding("reportViolation", lambda _, text: self.faults.append(f"policy: {text}"))
        await context.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => "
            "reportViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`))"
        )
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("page", self._listen)

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))

    def check(self) -> None:
        outside = [url for url in self.requests if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
        assert not outside, outside
        unexpected = [fault for fault in self.faults if not any(text in fault for text in self.expected)]
        assert not unexpected, unexpected


Visit = Callable[..., Awaitable[tuple[BrowserContext, Watch]]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Opens watched browser contexts; every fault in any of them fails the test."""
    opened: list[tuple[BrowserContext, Watch]] = []

    async def open_context(**options: object) -> tuple[BrowserContext, Watch]:
        options = {"viewport": {"width": 1360, "height": 800}, "timezone_id": "Europe/Oslo", **options}
        context = await browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_S * 1_000)
        watch = Watch()
        await watch.attach(context)
        opened.append((context, watch))
        return context, watch

    yield open_context
    for context, watch in opened:
        await context.close()
        watch.check()


@pytest_asyncio.fixture(loop_scope="session")
async def page(visit: Visit) -> Page:
    """One watched page."""
    context, _ = await visit()
    return await context.new_page()


@pytest_asyncio.fixture(loop_scope="session")
async def start_worker(redis_server: EmbeddedServer) -> AsyncIterator[Callable[..., asyncio.Task[None]]]:
    """Starts workers named "living"; a task ends when its worker stops."""
    started: list[tuple[Worker, asyncio.Task[None]]] = []

    def start(queues: Mapping[str, QueuePolicy], job_types: Sequence[Any] = JOB_TYPES) -> asyncio.Task[None]:
        worker = Worker(
            job_types=job_types, queues=queues, redis_url=redis_server.url, name="living", handle_signals=False
        )
        started.append((worker, asyncio.create_task(worker.async_run())))
        return started[-1][1]

    yield start
    for worker, task in started:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await worker.close()


async def send(url: str, *ids: str) -> None:
    """Enqueue one mail for each id."""
    async with await Client.connect(url, job_types=JOB_TYPES) as client:
        for job_id in ids:
            await client.enqueue(send_email, Email(to=f"{job_id}@example.com"), job_id=job_id)


async def arrived(page: Page, title: str | re.Pattern[str]) -> None:
    """Wait until a page that a key led to is there and its scripts run; keys pressed before are lost."""
    await expect(page.locator("h1")).to_have_text(title)
    await page.wait_for_load_state("load")


async def until(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        await asyncio.sleep(0.03)
    raise AssertionError(f"not within {timeout_s} s: {what}")
