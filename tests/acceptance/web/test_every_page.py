"""Every page in both themes and on a phone: accessible, within the policy, never sideways."""

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import APIRequestContext, Page

from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Context, QueuePolicy, job_type
from qconsole.web.visit import page as web_page
from tests.acceptance.web.conftest import ARTEFACTS, BROWSER, Site, Visit, until
from tests.web.stage import Report

pytestmark = BROWSER

# name -> address; what stands in braces is only known at run time
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
    "dead-letter-group": "/dlq/groups/{group}",
    "dead-letter-entries": "/dlq/entries",
    "dead-letter": "/dlq/entries/{entry}",
    "schedules": "/schedules",
    "schedule": "/schedules/email/morning-digest?pattern=0+9+*+*+*",
    "flows": "/flows",
    "flow": "/flows/reports/flow-root",
    "workers": "/workers",
    "worker": "/workers/{worker}",
    "metrics": "/metrics?queue=email",
    "metrics-targets": "/metrics/sla",
    "operations": "/operations",
    "operation-planned": "/operations/{planned}",
    "operation-running": "/operations/{running}",
    "trash": "/trash",
    "audit": "/audit",
    "events": "/events",
    "settings": "/settings",
    "sign-in": "/sign-in",
    "not-found": "/nowhere",
    "method-not-allowed": "/queues/pause-all",
    "failed": "/broken",
    "redis-away": "{away}/queues",
}
NO_PAGES = {
    "/static/{digest}/{name}",
    "/openapi.json",
    "/live",
    "/healthz",
    "/complete",
    "/metrics/prometheus",
    "/jobs/{queue:segment}/{job:segment}/logs",
    "/jobs/{queue:segment}/{job:segment}/why",
}
SIZES = {"wide": {"width": 1360, "height": 800}, "phone": {"width": 390, "height": 844}}
JSON = {"accept": "application/json", "sec-fetch-site": "same-origin"}


@job_type("rest", queue="idle")
async def rest(ctx: Context, payload: Report) -> None:
    """The work of a worker that has none."""


async def _broken(_: object) -> None:
    raise ZeroDivisionError("a page that fails")


@pytest.fixture(scope="module")
def away(site_of: Callable[..., Site]) -> Site:
    """A console whose Redis does not answer."""
    return site_of(redis_url="redis://127.0.0.1:1/0")


@pytest_asyncio.fixture(loop_scope="session")
async def known(
    site: Site, away: Site, visit: Visit, redis_server: EmbeddedServer, start_worker: Callable[..., object]
) -> AsyncIterator[dict[str, str]]:
    """What stands in braces: a group, an entry, a worker alive, operations planned and running."""
    site.app.router.routes.append(web_page("/broken", _broken))  # type: ignore[arg-type]
    start_worker({"idle": QueuePolicy(concurrency=2)}, job_types=[rest])
    context, _ = await visit()
    ask = context.request

    async def items(path: str) -> list[dict[str, str]]:
        return (await (await ask.get(site.url + path, headers=JSON)).json())["items"]  # type: ignore[no-any-return]

    async def has_worker() -> bool:
        return bool(await items("/workers"))

    await until(has_worker, "the worker is listed")
    running = await _plan(ask, site, rate_per_s=0.01)
    await ask.post(f"{site.url}/operations/{running}/start", headers=JSON, data={})
    yield {
        "group": next(group for group in await items("/dlq") if group["error_type"] == "CardDeclined")["fingerprint"],
        "entry": (await items("/dlq/entries?filter=queue:billing"))[0]["id"],
        "worker": (await items("/workers"))[0]["id"],
        "planned": await _plan(ask, site),
        "running": running,
        "away": away.url,
    }
    await ask.post(f"{site.url}/operations/{running}/abort", headers=JSON, data={})


async def _plan(ask: APIRequestContext, site: Site, **limits: float) -> str:
    body = {"verb": "retry", "noun": "jobs", "matching": True, "filter": "queue:billing", **limits}
    planned = await (await ask.post(f"{site.url}/operations", headers=JSON, data=body)).json()
    return str(planned["operation"]["id"])


async def test_every_route_that_answers_a_page_is_looked_at(site: Site) -> None:
    seen = [urlsplit(path.replace("{", "").replace("}", "")).path for path in PAGES.values()]
    routes = [route for route in site.app.routes if "GET" in (route.methods or ())]
    assert {route.path for route in routes} >= NO_PAGES
    missed = [route.path for route in routes if not any(route.path_regex.match(path) for path in seen)]
    assert set(missed) <= NO_PAGES, set(missed) - NO_PAGES


async def _faults(
    page: Page, name: str, look: tuple[str, str], *, audit: bool = True, rows: int | None = None
) -> list[str]:
    """Return what is wrong with the page as it is shown, and keep a picture of it; `rows` of a list are audited."""
    size, theme = look
    faults = []
    sideways = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if sideways > 0:
        faults.append(f"{name} ({size}, {theme}) scrolls {sideways} px sideways")
    if audit:
        left_out = {"exclude": [[f"tbody tr:nth-child(n+{rows + 1})"]]} if rows else None
        for found in (await Axe().run(page, context=left_out)).response["violations"]:
            nodes = [node["target"] for node in found["nodes"]][:3]
            faults.append(f"{name} ({size}, {theme}): {found['id']} {nodes}")
    if faults or (rows is None and audit):
        await page.screenshot(path=ARTEFACTS / "web" / f"{name}-{size}-{theme}.png", full_page=True)
    return faults


async def _open_all(page: Page, forged: Page, site: Site, known: dict[str, str]) -> AsyncIterator[tuple[str, Page]]:
    """Open every page, then what a change answers: the question for a reason, and the refusal of one from elsewhere."""
    (ARTEFACTS / "web").mkdir(parents=True, exist_ok=True)
    for name, wanted in PAGES.items():
        path = wanted.format(**known)
        await page.goto(path if path.startswith("http") else site.url + path, wait_until="load")
        await page.evaluate("document.fonts.ready")
        yield name, page
    await page.goto(f"{site.url}/dlq")
    await page.locator("#page form button[value=discard]").first.evaluate("button => button.click()")
    await page.wait_for_url("**/operations")
    yield "reason", page
    await forged.set_content(f"<form method=post action='{site.url}/queues/pause-all'><button>go</button></form>")
    await forged.locator("button").click()
    await forged.wait_for_url("**/queues/pause-all")
    assert "Not allowed" in await forged.title()
    yield "forged", forged


@pytest.mark.timeout(900)
async def test_every_page_is_accessible_keeps_the_policy_and_fits_its_screen(
    site: Site, visit: Visit, known: dict[str, str]
) -> None:
    """Each page opens in one of two looks, is audited there, and is turned to the other one, where it must fit, too."""
    looks = [("wide", "light"), ("phone", "dark")]
    context, _ = await visit(viewport=SIZES["wide"], color_scheme="light")
    pages = [await context.new_page(), await context.new_page()]
    faults = []
    async for name, page in _open_all(*pages, site, known):
        faults += await _faults(page, name, looks[0], rows=6)
        looks.reverse()
        for each in pages:
            await each.set_viewport_size(SIZES[looks[0][0]])
            await each.emulate_media(color_scheme=looks[0][1])
        faults += await _faults(page, name, looks[0], audit=False)
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.timeout(900)
async def test_every_page_is_accessible_whole_in_each_size_and_theme(
    site: Site, visit: Visit, known: dict[str, str], size: str, theme: str
) -> None:
    """All rows of all pages; pictures are kept, which take as long as the audit."""
    context, _ = await visit(viewport=SIZES[size], color_scheme=theme)
    pages = [await context.new_page(), await context.new_page()]
    faults = []
    async for name, page in _open_all(*pages, site, known):
        faults += await _faults(page, name, (size, theme))
    assert not faults, "\n".join(faults)
