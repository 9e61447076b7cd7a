"""Takes the pictures of the web console in docs/screenshots: `python -m tests.screenshots [folder]`.

They show the demo: its story played, then some of its steady trickle, so that every screen has something to tell.
"""

import asyncio
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.async_api import Page, async_playwright

from qconsole.admin import Actor, Admin
from qconsole.cli.demo_story import FEEDER, Story
from qconsole.cli.processes import Processes
from qconsole.config import Settings
from qconsole.web.options import Auth, ConsoleOptions
from qconsole.web.serve import address, listen, server
from tests.acceptance.web.conftest import ARGS, CHROMIUM

FOLDER = Path("docs/screenshots")
ROOT = Path(__file__).resolve().parents[1]
# Tracebacks name the folder of this machine; a picture should not.
HIDE_PATHS = """root => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) walk.currentNode.data = walk.currentNode.data.replaceAll(root, "/app");
}"""
WIDE, PHONE = {"width": 1360, "height": 860}, {"width": 390, "height": 844}
TRICKLE_S = 120


async def _first(page: Page, url: str, path: str, choose: str = "a.name") -> str:
    """Return the path of the first link of a list."""
    await page.goto(url + path)
    link = page.locator(f"[data-rows] tbody {choose}").first
    return await link.get_attribute("href") or path if await link.count() else path


async def _pages(page: Page, url: str) -> dict[str, tuple[str, str, bool]]:
    """Return name -> path, theme, phone."""
    group = await _first(page, url, "/dlq")
    failed = "/jobs/document-processing/doc-broken"
    letter = await _first(page, url, "/dlq/entries")
    schedule = await _first(page, url, "/schedules")
    return {
        "overview": ("/", "light", False),
        "overview-dark": ("/", "dark", False),
        "overview-phone": ("/", "light", True),
        "queues": ("/queues", "light", False),
        "queue": ("/queues/document-processing?state=failed", "dark", False),
        "jobs": ("/jobs", "light", False),
        "job": (failed, "light", False),
        "job-completed": ("/jobs/document-processing/doc-large_order", "dark", False),
        "job-phone": (failed, "dark", True),
        "dead-letters": ("/dlq", "dark", False),
        "dead-letter-group": (group, "light", False),
        "dead-letter": (letter, "dark", False),
        "schedules": ("/schedules", "light", False),
        "schedule": (schedule, "light", False),
        "flows": ("/flows", "light", False),
        "flow": ("/flows/reports/report-today", "dark", False),
        "workers": ("/workers", "dark", False),
        "metrics": ("/metrics?queue=email", "light", False),
        "operation": ("plan", "light", False),
        "operations": ("/operations", "dark", False),
        "audit": ("/audit", "light", False),
        "events": ("/events", "dark", False),
        "settings": ("/settings", "light", False),
        "filter-mistake": ("/jobs?filter=state:failde", "light", False),
    }


async def shoot(url: str, folder: Path) -> None:
    """Take every picture."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        start = await browser.new_page()
        pages = await _pages(start, url)
        for name, (path, theme, is_phone) in pages.items():
            context = await browser.new_context(viewport=PHONE if is_phone else WIDE, color_scheme=theme)  # type: ignore[arg-type]
            page = await context.new_page()
            if path == "plan":
                await page.goto(f"{url}/dlq")
                await page.locator("button[value=replay]").first.click()
            else:
                await page.goto(url + path)
            if name == "queue" and await page.locator("[data-rows] tbody tr[data-href]").count():
                await page.keyboard.press("j")
                await page.keyboard.press("l")
            await page.wait_for_timeout(1_200)
            await page.evaluate(HIDE_PATHS, str(ROOT))
            await page.screenshot(path=folder / f"web-{name}.png")
            await context.close()
        await browser.close()


@contextlib.contextmanager
def served(redis_url: str) -> Iterator[str]:
    """Serve the console of a Redis and give its URL."""
    made = server(Settings(redis_url=redis_url, web_auth="off"), options=ConsoleOptions(auth=Auth.OFF))
    with listen("127.0.0.1", 0) as bound:
        thread = threading.Thread(target=made.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        while not made.started:
            time.sleep(0.02)
        yield address(bound).rstrip("/")
        made.should_exit = True
        thread.join(10)


async def from_demo(data: Path, folder: Path) -> None:
    """Play the demo and take the pictures that show it."""
    environment = {
        "PLATFORM_DATABASE_URL": f"sqlite:///{data / 'platform.db'}",
        "PLATFORM_STORAGE_DIR": str(data / "files"),
    }
    async with Processes(say=print, environment=environment) as processes:
        story = Story(processes=processes, folder=data, say=print)
        redis_url = await story.start()
        async with await Admin.open(redis_url, actor=Actor("demo", "admin", "web")) as admin:
            await story.play(admin, kill=True)
        feed = [sys.executable, "-m", FEEDER, "trickle", "--redis", redis_url]
        await processes.start_command(feed, label="trickle of jobs", log=data / "feed.log")
        await asyncio.sleep(TRICKLE_S)
        with served(redis_url) as url:
            await shoot(url, folder)


async def main(folder: Path) -> None:
    """Take every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        await from_demo(Path(name), folder)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
