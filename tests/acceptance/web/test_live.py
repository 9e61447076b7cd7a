"""Live pages: what changes appears by itself, what the reader holds stays, tabs share one stream, faults are said."""

import asyncio

from playwright.async_api import Page, expect

from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client
from tests.acceptance.web.conftest import Site, until
from tests.web.stage import JOB_TYPES, Email, send_email


async def _send(url: str, *ids: str) -> None:
    async with await Client.connect(url, job_types=JOB_TYPES) as client:
        for job_id in ids:
            await client.enqueue(send_email, Email(to=f"{job_id}@example.com"), job_id=job_id)


async def test_new_jobs_appear_while_marks_focus_scroll_and_open_details_stay(
    site: Site, page: Page, redis_server: EmbeddedServer
) -> None:
    await page.set_viewport_size({"width": 1360, "height": 420})
    await page.goto(f"{site.url}/queues/email")
    await expect(page.locator("#live")).to_contain_text("live")
    await page.locator("tr[data-id='mail-001'] input").check()
    await page.locator("tr[data-id='mail-005']").focus()
    await page.evaluate("scrollTo(0, 300)")
    waiting = page.locator("[data-live='queues|email|waiting']").first
    before = int(await waiting.inner_text())
    await _send(redis_server.url, "live-1", "live-2")
    await expect(waiting).to_have_text(str(before + 2))
    await expect(page.locator("tr[data-id='live-1']")).to_have_count(1)
    assert await page.locator("tr[data-id='mail-001'] input").is_checked()
    assert await page.evaluate("document.activeElement.dataset.id") == "mail-005"
    assert await page.evaluate("scrollY") == 300


async def test_an_open_detail_survives_an_update(site: Site, page: Page, redis_server: EmbeddedServer) -> None:
    await page.goto(f"{site.url}/jobs/email/mail-waiting")
    await page.locator("#payload details").last.evaluate("element => { element.open = true }")
    refreshed = page.wait_for_response(lambda r: "/jobs/email/mail-waiting" in r.url and r.status == 200)
    await page.evaluate("document.dispatchEvent(new Event('qconsole:changed'))")
    await refreshed
    assert await page.locator("#payload details").last.evaluate("element => element.open")


async def test_held_updates_wait_until_they_are_let_go(site: Site, page: Page, redis_server: EmbeddedServer) -> None:
    await page.goto(f"{site.url}/queues/email")
    await expect(page.locator("#live")).to_contain_text("live")
    await page.keyboard.press("P")
    await expect(page.locator("#live")).to_contain_text("held")
    await _send(redis_server.url, "held-1")
    await asyncio.sleep(1.2)
    await expect(page.locator("tr[data-id='held-1']")).to_have_count(0)
    await page.keyboard.press("P")
    await expect(page.locator("tr[data-id='held-1']")).to_have_count(1)


async def test_twelve_tabs_share_one_stream_and_a_bounded_cost(
    site_of,
    visit,
    redis_server: EmbeddedServer,  # type: ignore[no-untyped-def]
) -> None:
    site = site_of(poll_ms=1_000, refresh_per_s=1.0)
    context, _ = await visit()
    pages = [await context.new_page() for _ in range(12)]
    for opened in pages:
        await opened.goto(f"{site.url}/queues/email", wait_until="domcontentloaded")
    for opened in pages:
        await expect(opened.locator("#live")).to_contain_text("live")
    assert site.console.feed.viewers == 1
    redis = connect(redis_server.url, name="count")

    async def commands() -> int:
        return int((await redis.info("stats"))["total_commands_processed"])

    start = await commands()
    await asyncio.sleep(4)
    spent = (await commands() - start) / 4
    assert spent <= 20, f"{spent} commands a second"
    for opened in pages:
        await opened.close()
    await until(lambda: site.console.feed.viewers == 0, "the stream ends with the last tab")
    start = await commands()
    await asyncio.sleep(1.5)
    assert await commands() - start <= 2
    await redis.aclose()


async def test_a_hidden_tab_lets_the_stream_go(site_of, visit) -> None:  # type: ignore[no-untyped-def]
    site = site_of()
    context, _ = await visit()
    page = await context.new_page()
    await page.goto(site.url)
    await until(lambda: site.console.feed.viewers == 1, "the tab watches")
    hide = (
        "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')) }"
    )
    await page.evaluate(hide, True)
    await until(lambda: site.console.feed.viewers == 0, "the hidden tab lets go")
    await page.evaluate(hide, False)
    await until(lambda: site.console.feed.viewers == 1, "the shown tab watches again")


async def test_a_restarted_console_is_found_again(site_of, visit) -> None:  # type: ignore[no-untyped-def]
    site = site_of()
    context, _ = await visit()
    page = await context.new_page()
    await page.goto(f"{site.url}/queues")
    await expect(page.locator("#live")).to_contain_text("live")
    site.stop()
    await expect(page.locator("#live")).to_contain_text("no connection")
    site.start()
    await expect(page.locator("#live")).to_have_text("live", timeout=15_000)
