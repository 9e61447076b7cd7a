"""On a screen 390 px wide everything that can be done can be reached and done."""

import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.acceptance.web.conftest import BROWSER, Site, Visit

pytestmark = BROWSER
WIDTH = 390


@pytest_asyncio.fixture(loop_scope="session")
async def phone(visit: Visit) -> Page:
    context, _ = await visit(viewport={"width": WIDTH, "height": 844}, has_touch=True, is_mobile=True)
    return await context.new_page()


async def _tap(target: Locator) -> None:
    """Touch what must lie within the screen and be large enough for a finger."""
    await target.scroll_into_view_if_needed()
    box = await target.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= WIDTH, box
    assert box["height"] >= 24, box
    await target.tap()


async def test_a_failed_job_is_retried_from_its_page(site: Site, phone: Page) -> None:
    await phone.goto(f"{site.url}/queues/billing?state=failed")
    await _tap(phone.locator("tbody tr a.name").first)
    await _tap(phone.get_by_role("button", name="Retry", exact=True))
    await expect(phone.locator("#notice")).to_contain_text("charge-")


async def test_a_queue_is_paused_with_a_reason_and_resumed(site: Site, phone: Page) -> None:
    await phone.goto(f"{site.url}/queues/reports")
    await _tap(phone.locator("summary", has_text="Pause"))
    await phone.locator("details[open] input[name=reason]").fill("on my way home")
    await _tap(phone.get_by_role("button", name="Pause reports"))
    await expect(phone.locator("#page .notice")).to_contain_text("on my way home")
    await _tap(phone.get_by_role("button", name="Resume", exact=True))
    await expect(phone.locator("#page .notice", has_text="on my way home")).to_have_count(0)


async def test_marked_jobs_are_removed_after_a_preview_and_put_back(site: Site, phone: Page) -> None:
    await phone.goto(f"{site.url}/queues/email?state=completed")
    await _tap(phone.locator("tbody input[name=ids]").nth(0))
    await _tap(phone.locator("tbody input[name=ids]").nth(1))
    await _tap(phone.get_by_role("button", name="Remove", exact=True))
    await expect(phone.locator("main")).to_contain_text("Nothing has been touched yet")
    await _tap(phone.locator("[data-start]"))
    await expect(phone.locator(".head .state")).to_contain_text("done")
    await _tap(phone.get_by_role("button", name="Undo"))
    await expect(phone.locator("h1")).to_contain_text("Restore")


async def test_an_error_group_is_replayed(site: Site, phone: Page) -> None:
    await phone.goto(f"{site.url}/dlq")
    await _tap(phone.locator("tr", has_text="CardDeclined").get_by_role("button", name="Replay…"))
    await _tap(phone.locator("[data-start]"))
    await expect(phone.locator(".head .state")).to_contain_text("done")


async def test_the_last_section_is_reached_and_a_filter_typed(site: Site, phone: Page) -> None:
    await phone.goto(site.url)
    settings = phone.get_by_role("link", name="Settings").first
    await settings.scroll_into_view_if_needed()
    await settings.tap()
    await expect(phone.locator("h1")).to_have_text("Settings")
    await phone.locator("#filter").fill("state:completed")
    await phone.locator("#filter").press("Enter")
    await expect(phone.locator("tbody tr[data-id]").first).to_contain_text("completed")
