"""Live pages: what changes appears by itself, what the reader holds stays, tabs share one stream, faults are said."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect
from redis import Redis, RedisError

from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.slots import slot_of
from qconsole.redis.topology import ClusterFleet, Node, SentinelFleet
from qconsole.runtime import Client
from qconsole.web.serve import listen
from tests.acceptance.web.conftest import BROWSER, Site, Visit, send, until
from tests.support import server_binary

pytestmark = BROWSER
NEVER = "element => { element.dataset.period = 3600000 }"  # of itself the page asks in an hour


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
    await send(redis_server.url, "live-1", "live-2")
    await expect(waiting).to_have_text(str(before + 2))
    await expect(page.locator("tr[data-id='live-1']")).to_have_count(1)
    assert await page.locator("tr[data-id='mail-001'] input").is_checked()
    assert await page.evaluate("document.activeElement.dataset.id") == "mail-005"
    assert await page.evaluate("scrollY") == 300


async def test_an_open_detail_survives_an_update(site: Site, page: Page, redis_server: EmbeddedServer) -> None:
    await page.goto(f"{site.url}/jobs/email/mail-waiting")
    await page.locator("#payload details").last.evaluate("element => { element.open = true }")
    await page.evaluate(
        "new Promise((swapped) => { document.addEventListener('htmx:after:swap', swapped, { once: true });"
        " document.dispatchEvent(new Event('qconsole:changed')) }).then(() => true)"
    )
    assert await page.locator("#payload details").last.evaluate("element => element.open")


async def test_held_updates_wait_until_they_are_let_go(site: Site, page: Page, redis_server: EmbeddedServer) -> None:
    other = await page.context.new_page()
    for opened in (other, page):
        await opened.goto(f"{site.url}/queues/email")
        await expect(opened.locator("#live")).to_have_text("live")
    await page.keyboard.press("P")
    await expect(page.locator("#live")).to_contain_text("held")
    await send(redis_server.url, "held-1")
    await expect(other.locator("tr[data-id='held-1']")).to_have_count(1)
    await expect(page.locator("tr[data-id='held-1']")).to_have_count(0)
    await page.keyboard.press("P")
    await expect(page.locator("tr[data-id='held-1']")).to_have_count(1)


class Meter:
    """Counts the commands that a console sends, as Redis sees them; those inside its scripts are not sent."""

    def __init__(self, url: str) -> None:
        self.addresses: frozenset[str] = frozenset()
        self._redis = Redis.from_url(url)
        self._commands = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._monitor = self._redis.monitor()
        self._monitor.__enter__()
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError, RedisError):
            for command in self._monitor.listen():
                if (
                    command["client_type"] != "lua"
                    and f"{command['client_address']}:{command['client_port']}" in self.addresses
                ):
                    self._commands += 1

    def take(self) -> int:
        """Return how many there were since the last time."""
        found = {client["addr"] for client in self._redis.client_list() if client["name"] == "qconsole-web"}
        self.addresses = frozenset(found)
        taken, self._commands = self._commands, 0
        return taken

    def close(self) -> None:
        self._monitor.connection.disconnect()
        self._thread.join(5)
        self._redis.close()


async def test_eight_tabs_share_one_stream_and_a_bounded_cost(
    site_of: Callable[..., Site], visit: Visit, redis_server: EmbeddedServer
) -> None:
    site = site_of(poll_ms=1_000, refresh_commands_per_s=15.0)
    context, _ = await visit()
    pages = [await context.new_page() for _ in range(8)]  # two more than a browser has connections to one host
    for opened in pages:
        await opened.goto(f"{site.url}/queues/email", wait_until="domcontentloaded")
    for opened in pages:
        await expect(opened.locator("#live")).to_contain_text("live")
    assert site.console.feed.viewers == 1
    meter = Meter(redis_server.url)
    await send(redis_server.url, "busy-0")
    await asyncio.sleep(3)  # the budget that the first looks spent is earned again
    meter.take()
    began = time.monotonic()
    for second in range(4):
        await send(redis_server.url, f"busy-{second + 1}")
        await asyncio.sleep(1)
    spent = meter.take() / (time.monotonic() - began)
    assert 0.5 <= spent <= 20, f"{spent} commands a second"
    for opened in pages:
        await opened.close()
    await until(lambda: site.console.feed.viewers == 0, "the stream ends with the last tab")

    async def is_silent() -> bool:
        meter.take()
        await asyncio.sleep(1.5)
        return meter.take() == 0

    await until(is_silent, "Redis is left alone")
    meter.close()


async def test_a_hidden_tab_lets_the_stream_go(site_of: Callable[..., Site], visit: Visit) -> None:
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


async def test_redis_that_goes_and_comes_back_is_said_and_found_again(
    site_of: Callable[..., Site], visit: Visit, tmp_path: Path
) -> None:
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with EmbeddedServer(tmp_path, port=port, binary=server_binary()) as redis_server:
        url = redis_server.url
        site = site_of(redis_url=url)
        await send(url, "before")
        context, _ = await visit()
        page = await context.new_page()
        await page.goto(f"{site.url}/queues")
        await expect(page.locator("#live")).to_have_text("live")
        redis_server.stop()
        await expect(page.locator("#live")).to_contain_text("Redis is away")
        redis_server.start()
        await expect(page.locator("#live")).to_have_text("live")
        await send(url, "after-1", "after-2")
        waiting = page.locator("[data-live='queues|email|waiting']").first
        await expect(waiting).to_have_text("3")
        site.stop()


async def test_a_failover_of_sentinel_is_survived_by_the_open_page(
    site_of: Callable[..., Site], visit: Visit, tmp_path: Path
) -> None:
    fleet = SentinelFleet(tmp_path, replicas=1, binary=server_binary())
    with await asyncio.to_thread(fleet.__enter__):
        site = site_of(redis_url=fleet.url)
        await send(fleet.url, "before")
        context, _ = await visit()
        page = await context.new_page()
        await page.goto(f"{site.url}/queues")
        await expect(page.locator("#live")).to_have_text("live")
        lost = fleet["primary"]
        lost.process.kill()
        await until(lambda: _leads(fleet) not in (lost, None), "a replica is promoted")
        await send(fleet.url, "after-1", "after-2")
        waiting = page.locator("[data-live='queues|email|waiting']").first
        await expect(waiting).to_have_text("3")
        await expect(page.locator("#live")).to_have_text("live")
        await page.locator("tr[data-id='email'] a").first.click()
        await expect(page.locator("tr[data-id='after-2']")).to_have_count(1)
        site.stop()


async def test_a_page_that_is_behind_says_so_and_asks_again_until_it_is_answered(
    site_of: Callable[..., Site], visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of()
    context, _ = await visit()
    page = await context.new_page()
    await page.goto(site.url)
    await expect(page.locator("#live")).to_have_text("live")
    await page.locator("#page").evaluate(NEVER)
    asked = []

    async def refuse(route: Route) -> None:
        if "qconsole-live" not in route.request.headers or asked:
            return await route.continue_()
        asked.append(route.request)
        await route.fulfill(
            status=503, body="<p>away</p>", headers={"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}
        )

    await page.route(site.url + "/", refuse)
    drawn = await page.locator("#page time").first.get_attribute("datetime")
    read, missing = site.console.feed._snapshot, {"email": "its shard does not answer"}

    async def incomplete() -> dict[str, object]:
        return {**await read(), "missing": missing}

    monkeypatch.setattr(site.console.feed, "_snapshot", incomplete)
    await expect(page.locator("#live")).to_contain_text("page is ")
    await expect(page.locator("#live")).to_have_text("live")
    assert len(asked) == 1
    await expect(page.locator("#notice")).to_be_empty()
    assert await page.locator("#page time").first.get_attribute("datetime") != drawn
    async with page.expect_request(lambda request: "qconsole-live" in request.headers):
        missing.clear()


@pytest.mark.slow
async def test_the_open_overview_follows_a_shard_that_goes_and_comes_back(
    site_of: Callable[..., Site], visit: Visit, tmp_path: Path
) -> None:
    fleet = ClusterFleet(tmp_path, node_timeout_ms=500, binary=server_binary())
    with await asyncio.to_thread(fleet.__enter__):
        for node in fleet.nodes.values():
            node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
        shared = fleet.owner_of(slot_of("@")).name
        lost, queue = next(
            (owner, name)
            for name in ("email", "reports", "webhooks", "faults")
            if (owner := fleet.owner_of(slot_of(name)).name) != shared
        )
        site = site_of(redis_url=fleet.url)
        async with await Client.connect(fleet.url) as client:
            for name in ("email", "reports", "webhooks", "faults"):
                await client.enqueue("note", {}, queue=name)
        context, _ = await visit()
        page = await context.new_page()
        await page.goto(site.url)
        await expect(page.locator("#live")).to_have_text("live")
        await page.locator("#page").evaluate(NEVER)
        for name in (f"{lost}-replica-1", lost):
            fleet[name].process.kill()
        row = page.locator(f"tr[data-id='{queue}']")
        await expect(page.locator("#live")).not_to_have_text("live")
        await expect(row).to_contain_text("failing")
        for name in (lost, f"{lost}-replica-1"):
            fleet[name].process.spawn()
        await expect(row).not_to_contain_text("failing")
        await expect(page.locator("#live")).to_have_text("live")
        site.stop()


def _leads(fleet: SentinelFleet) -> Node | None:
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        return fleet.primary()
    return None


async def test_a_restarted_console_is_found_again(site_of: Callable[..., Site], visit: Visit) -> None:
    site = site_of()
    context, _ = await visit()
    page = await context.new_page()
    await page.goto(f"{site.url}/queues")
    await expect(page.locator("#live")).to_contain_text("live")
    site.stop()
    await expect(page.locator("#live")).to_contain_text("no connection")
    site.start()
    await expect(page.locator("#live")).to_have_text("live")
