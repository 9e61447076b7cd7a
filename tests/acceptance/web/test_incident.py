"""An incident by keyboard alone: find the group, preview, replay it, watch it end, discard another, undo that."""

import re

from playwright.async_api import Page, expect

from tests.acceptance.web.conftest import BROWSER, Site, arrived

pytestmark = BROWSER


async def _tab_to(page: Page, text: str) -> None:
    """Press Tab until the element with this text has the focus."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        label = "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).trim()"
        found = await page.evaluate(label)
        if found.startswith(text):
            return
    raise AssertionError(f"Tab never reached {text!r}")


async def _step_to(page: Page, text: str) -> None:
    """Press j until the focus is on a row with this text."""
    for _ in range(20):
        await page.keyboard.press("j")
        if text in await page.evaluate("document.activeElement.closest('tr')?.textContent ?? ''"):
            return
    raise AssertionError(f"j never reached {text!r}")


async def test_an_incident_is_handled_without_a_mouse(site: Site, page: Page) -> None:
    await page.goto(site.url)
    await page.keyboard.press("4")
    await arrived(page, "Dead letters")
    await _step_to(page, "CardDeclined")
    await page.keyboard.press("Enter")
    await arrived(page, "CardDeclined")
    await page.keyboard.press("j")
    await page.keyboard.press("l")
    await expect(page.locator("#preview")).to_contain_text("card_declined")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await arrived(page, "Dead letters")

    await _step_to(page, "CardDeclined")
    await page.keyboard.press("r")
    await arrived(page, "Replay 24 dead letters")
    await expect(page.locator("main")).to_contain_text("Nothing has been touched yet")
    await _tab_to(page, "Replay 24")
    await page.keyboard.press("Enter")
    await expect(page.locator(".head .state")).to_contain_text("done")

    await page.wait_for_load_state("load")
    await page.keyboard.press("4")
    await arrived(page, "Dead letters")
    await expect(page.locator("main")).not_to_contain_text("CardDeclined")
    await page.keyboard.press("j")
    await page.keyboard.press("D")
    await arrived(page, "Why?")
    await expect(page.locator("input[name=reason]")).to_be_focused()
    await page.keyboard.type("test data")
    await page.keyboard.press("Enter")
    await arrived(page, re.compile("^Discard"))
    await expect(page.locator("main")).to_contain_text("Nothing has been touched yet")
    await _tab_to(page, "Discard")
    await page.keyboard.press("Enter")
    await expect(page.locator(".head .state")).to_contain_text("done")
    await page.wait_for_load_state("load")
    await page.keyboard.press("r")
    await arrived(page, re.compile("^Restore"))
    await expect(page.locator(".head .state")).to_contain_text("done")


async def test_the_keys_are_listed_and_closed_again(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/jobs")
    await page.keyboard.press("?")
    await expect(page.locator("#keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#keys")).not_to_be_visible()
    await page.get_by_role("button", name="Keys").click()
    await expect(page.locator("#keys")).to_be_visible()
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#keys")).not_to_be_visible()


async def test_rows_have_one_tab_stop_and_move_with_j_and_k(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/jobs?filter=queue:email")
    await expect(page.locator("tbody tr[tabindex='0']")).to_have_count(1)
    await page.keyboard.press("j")
    first = await page.evaluate("document.activeElement.dataset.id")
    await page.keyboard.press("y")
    await expect(page.locator("#toast")).to_have_text(re.compile(f"Copied {first}|Ctrl.C"))
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    assert await page.evaluate("document.activeElement.dataset.id") == first
    await page.keyboard.press("G")
    await page.keyboard.press("Space")
    await expect(page.locator("[data-marked]")).to_have_text("1 marked")
    await page.keyboard.press("*")
    await expect(page.locator("[data-marked]")).to_have_text("all that match")
