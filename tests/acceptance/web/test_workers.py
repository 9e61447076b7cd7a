"""A living worker is told to be quiet, to go on and to stop, from the browser, and does so."""

import asyncio
from collections.abc import Callable

from playwright.async_api import Page, expect

from qconsole.redis.embedded import EmbeddedServer
from tests.acceptance.web.conftest import BROWSER, PATIENCE_S, Site, send, until
from tests.web.stage import POLICIES

pytestmark = BROWSER


async def test_a_living_worker_is_quieted_resumed_and_stopped(
    site: Site, page: Page, redis_server: EmbeddedServer, start_worker: Callable[..., asyncio.Task[None]]
) -> None:
    working = start_worker(POLICIES)
    state = page.locator(".head .state")
    listed = page.locator("tr a", has_text="living")

    async def reloaded() -> bool:
        await page.goto(f"{site.url}/workers")
        return bool(await listed.count())

    await until(reloaded, "the worker is listed")
    await listed.click()
    await expect(state).to_contain_text("running")
    await page.get_by_role("button", name="Quiet").click()
    await expect(page.locator("#notice")).to_contain_text("told to claim nothing more")
    await expect(page.get_by_role("button", name="Resume")).to_be_visible()
    await expect(state).to_contain_text("quiet")
    await send(redis_server.url, "while-quiet")
    await page.get_by_role("button", name="Resume").click()
    await expect(state).to_contain_text("running")
    await page.goto(f"{site.url}/jobs/email/while-quiet")
    await expect(state).to_contain_text("completed")
    await page.go_back()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("#notice")).to_contain_text("told to stop")
    await asyncio.wait({working}, timeout=PATIENCE_S)
    assert working.done(), "the worker goes on although it was told to stop"
