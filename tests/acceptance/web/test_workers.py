"""A living worker is told to be quiet, to go on and to stop, from the browser, and does so."""

import asyncio
from collections.abc import Callable

from playwright.async_api import Page, expect

from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client
from tests.acceptance.web.conftest import BROWSER, Site, until
from tests.web.stage import JOB_TYPES, POLICIES, Email, send_email

pytestmark = BROWSER


async def test_a_living_worker_is_quieted_resumed_and_stopped(
    site: Site, page: Page, redis_server: EmbeddedServer, start_worker: Callable[..., asyncio.Task[None]]
) -> None:
    working = start_worker(POLICIES)

    async def send(job_id: str) -> None:
        async with await Client.connect(redis_server.url, job_types=JOB_TYPES) as client:
            await client.enqueue(send_email, Email(to="a@example.com"), job_id=job_id)

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
    await send("while-quiet")
    await page.get_by_role("button", name="Resume").click()
    await expect(state).to_contain_text("running")
    await page.goto(f"{site.url}/jobs/email/while-quiet")
    await expect(state).to_contain_text("completed")
    await page.go_back()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("#notice")).to_contain_text("told to stop")
    await asyncio.wait({working}, timeout=20)
    assert working.done(), "the worker goes on although it was told to stop"
