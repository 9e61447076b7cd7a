"""Every page in both themes and on a phone: accessible, within the policy, never sideways; pictures are kept."""

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.acceptance.web.conftest import ARTEFACTS, BROWSER, Site

pytestmark = BROWSER

PAGES = {
    "overview": "/",
    "queues": "/queues",
    "queue": "/queues/email",
    "queue-failed": "/queues/billing?state=failed",
    "jobs": "/jobs",
    "jobs-mistake": "/jobs?filter=state:lost",
    "job-completed": "/jobs/email/mail-000",
    "job-failed": "/jobs/reports/report-001",
    "job-waiting": "/jobs/email/mail-waiting",
    "job-hostile": "/jobs/reports/report-hostile",
    "job-add": "/jobs/add?type=send_email",
    "dead-letters": "/dlq",
    "dead-letter-group": "group",
    "dead-letter-entries": "/dlq/entries",
    "dead-letter": "entry",
    "schedules": "/schedules",
    "schedule": "/schedules/email/morning-digest?pattern=0+9+*+*+*",
    "flows": "/flows",
    "flow": "/flows/reports/flow-root",
    "workers": "/workers",
    "metrics": "/metrics?queue=email",
    "operations": "/operations",
    "operation-planned": "plan",
    "trash": "/trash",
    "audit": "/audit",
    "events": "/events",
    "settings": "/settings",
    "sign-in": "/sign-in",
    "not-found": "/nowhere",
}
SIZES = {"wide": {"width": 1360, "height": 800}, "phone": {"width": 390, "height": 844}}


async def _path(page, site: Site, wanted: str) -> str:  # type: ignore[no-untyped-def]
    """Return the path of a page whose id is only known at run time."""
    if wanted.startswith("/"):
        return wanted
    ask = page.request
    headers = {"accept": "application/json", "sec-fetch-site": "same-origin"}
    if wanted == "group":
        items = (await (await ask.get(f"{site.url}/dlq", headers=headers)).json())["items"]
        found = next(item for item in items if item["error_type"] == "CardDeclined")
        return f"/dlq/groups/{found['fingerprint']}"
    if wanted == "entry":
        items = (await (await ask.get(f"{site.url}/dlq/entries?filter=queue:billing", headers=headers)).json())["items"]
        return f"/dlq/entries/{items[0]['id']}"
    body = {"verb": "retry", "noun": "jobs", "matching": True, "filter": "queue:billing"}
    planned = await (await ask.post(f"{site.url}/operations", headers=headers, data=body)).json()
    return f"/operations/{planned['operation']['id']}"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_accessible_keeps_the_policy_and_fits_a_phone(site: Site, visit, theme: str) -> None:  # type: ignore[no-untyped-def]
    folder = ARTEFACTS / "web"
    folder.mkdir(parents=True, exist_ok=True)
    faults = []
    for size, viewport in SIZES.items():
        context, _ = await visit(viewport=viewport, color_scheme=theme)
        page = await context.new_page()
        for name, wanted in PAGES.items():
            await page.goto(site.url + await _path(page, site, wanted), wait_until="load")
            await page.evaluate("document.fonts.ready")
            sideways = await page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if sideways > 0:
                faults.append(f"{name} on a {size} screen scrolls {sideways} px sideways")
            await page.screenshot(path=folder / f"{name}-{size}-{theme}.png", full_page=True)
            if size == "wide" or theme == "light":
                found = await Axe().run(page)
                faults += [
                    f"{name} ({size}, {theme}): {violation['id']} {[node['target'] for node in violation['nodes']][:3]}"
                    for violation in found.response["violations"]
                ]
    assert not faults, "\n".join(faults)
