"""What an operator does, in a browser: one story a screen and an action."""

import re

from playwright.async_api import Page, expect

from tests.acceptance.web.conftest import BROWSER, Site, until
from tests.web.stage import BIG

pytestmark = BROWSER


async def test_overview_leads_to_the_queue_that_is_worst(site: Site, page: Page) -> None:
    await page.goto(site.url)
    await expect(page.locator("#figures div")).to_have_count(5)
    await expect(page.locator("figure .u-over")).to_be_visible()
    first = page.locator("[data-rows] tbody tr").first.locator("a").first
    name = await first.inner_text()
    await first.click()
    await expect(page.locator("h1")).to_have_text(name)


async def test_times_are_in_the_viewer_s_zone_with_exact_utc_on_hover(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/jobs/email/mail-000")
    stamp = page.locator("dl.facts time").first
    utc, shown = await stamp.get_attribute("title"), await stamp.inner_text()
    assert utc is not None
    zone = "-new Date(document.querySelector('dl.facts time').dateTime).getTimezoneOffset() / 60"
    hour = (int(utc[11:13]) + await page.evaluate(zone)) % 24
    assert f"{hour:02d}:{utc[14:16]}" in shown
    assert utc.endswith("UTC")


async def test_a_queue_is_searched_previewed_and_a_job_opened(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/queues/billing")
    await page.get_by_role("link", name=re.compile("^failed")).first.click()
    await expect(page).to_have_url(re.compile("state=failed"))
    await page.locator("tr[data-id='charge-003'] td").nth(2).click()
    await expect(page.locator("#preview")).to_contain_text("CardDeclined")
    await page.keyboard.press("Escape")
    await expect(page.locator("#preview > *")).to_have_count(0)
    await page.locator("tr[data-id='charge-003'] a").first.click()
    await expect(page.locator("h1")).to_have_text("charge-003")
    await expect(page.locator(".trace").first).to_contain_text("raise CardDeclined")


async def test_the_filter_completes_and_names_its_mistakes(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/jobs")
    await page.keyboard.press("/")
    box = page.locator("#filter")
    await expect(box).to_be_focused()
    await box.press_sequentially("sta")
    await expect(page.locator("[role=option]").first).to_contain_text("state:")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("state:")
    await box.press_sequentially("comp")
    await page.locator("[role=option]", has_text="completed").click()
    await expect(box).to_have_value("state:completed")
    await page.keyboard.press("Escape")
    await box.press("Enter")
    await expect(page).to_have_url(re.compile("filter=state%3Acompleted"))
    await expect(page.locator("tbody tr[data-id]").first).to_contain_text("completed")
    await page.goto(f"{site.url}/jobs?filter=queue:email+age>soon")
    await expect(page.locator(".caret mark")).to_have_text("soon")


async def test_marking_rows_counts_them_and_all_matching_replaces_them(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/jobs?filter=queue:email")
    await page.locator("tbody input[name=ids]").nth(0).check()
    await page.locator("tbody input[name=ids]").nth(1).check()
    await expect(page.locator("[data-marked]")).to_have_text("2 marked")
    await page.locator("[data-all]").check()
    await expect(page.locator("[data-marked]")).to_have_text(re.compile("^(?!2 )\\d+ marked"))
    await page.locator("[data-matching]").check()
    await expect(page.locator("[data-marked]")).to_have_text("all that match")


async def test_a_job_is_edited_with_its_big_integer_kept(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/jobs/email/mail-waiting")
    await expect(page.locator("#payload")).to_contain_text(str(BIG))
    await page.locator("summary", has_text="Edit").click()
    await page.locator("input[name='field:template']").fill("welcome_again")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#notice")).to_contain_text("mail-waiting")
    await expect(page.locator("#payload")).to_contain_text("welcome_again")
    await expect(page.locator("#payload")).to_contain_text(str(BIG))


async def test_a_queue_is_paused_with_a_reason_and_resumed(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/queues/webhooks")
    await page.locator("summary", has_text="Pause").click()
    await page.locator("details[open] input[name=reason]").fill("endpoint is down")
    await page.get_by_role("button", name="Pause webhooks").click()
    await expect(page.locator("#page .notice")).to_contain_text("endpoint is down")
    await page.get_by_role("button", name="Resume", exact=True).click()
    await expect(page.locator("#page .notice", has_text="endpoint is down")).to_have_count(0)


async def test_hostile_text_is_shown_and_never_obeyed(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/jobs/reports/report-hostile")
    await expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
    await expect(page.locator("main")).to_contain_text("{{ 7*7 }}")
    text = await page.locator("main").inner_text()
    assert "\u202e" not in text
    assert "\x1b" not in text
    await page.goto(f"{site.url}/jobs/email/mail-000")
    await expect(page.locator(".logs")).to_contain_text("<script>alert(1)</script>")
    await page.goto(f"{site.url}/dlq")
    await expect(page.locator("main")).to_contain_text("<script>")


async def test_the_theme_is_kept_over_pages(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/settings")
    await page.locator("main").get_by_role("button", name="Dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.goto(f"{site.url}/queues")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    background = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == "rgb(14, 18, 22)"
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await expect(page.locator("h1")).to_have_text("Queues")


async def test_without_javascript_pages_read_and_single_actions_work(site: Site, visit) -> None:  # type: ignore[no-untyped-def]
    context, _ = await visit(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(site.url)
    assert await page.locator("figure svg polyline").count() >= 1
    await page.goto(f"{site.url}/jobs/email/mail-bulk")
    await page.get_by_role("button", name="Run now").click()
    await expect(page.locator("#notice")).to_contain_text("mail-bulk")
    await expect(page.locator(".head")).to_contain_text("waiting")


async def test_first_content_needs_few_small_requests(site: Site, visit) -> None:  # type: ignore[no-untyped-def]
    context, watch = await visit()
    page = await context.new_page()
    sizes: list[int] = []

    async def weigh(response) -> None:  # type: ignore[no-untyped-def]
        if "/live" not in response.url:
            sizes.append((await response.request.sizes())["responseBodySize"])

    page.on("response", weigh)
    await page.goto(site.url, wait_until="load")
    await until(lambda: any("/live" in url for url in watch.requests) or len(sizes) >= 6, "the page loads")
    assert len({url for url in watch.requests if not url.startswith("data:")}) <= 8, watch.requests
    assert sum(sizes) <= 60_000, sizes
