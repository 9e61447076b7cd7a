"""The web console beside Bull Board: page weight, requests and Redis commands a minute, with 1 and with 10 tabs.

`python -m tests.benchmarks.bull_board` measures both in one run, each on an embedded Valkey of its own with six queues
of 50 waiting jobs, in one headless Chromium. It needs Node 20, npm and /usr/bin/chromium; packages go to `.bench/`.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, Response, async_playwright
from redis.asyncio import Redis

from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.process import die_with
from qconsole.runtime import Client
from tests.screenshots import served
from tests.support import server_binary

PACKAGES = ("@bull-board/api@9.10.2", "@bull-board/express@9.10.1", "bullmq@6.7.0", "express@5.3.0", "ioredis@6.0.0")
FOLDER = Path(".bench/bull_board")
QUEUES = ("billing", "email", "exports", "reports", "thumbnails", "webhooks")
CHROMIUM = "/usr/bin/chromium"
SETTLE_S, WATCH_S = 8.0, 60.0


@dataclass(frozen=True, slots=True)
class Weight:
    """What one cold load of the first page takes."""

    requests: int
    sent_bytes: int
    script_bytes: int
    content_ms: float


def install() -> None:
    """Put Bull Board where git does not look, unless it is there."""
    if all((FOLDER / "node_modules" / name.rpartition("@")[0]).is_dir() for name in PACKAGES):
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text("{}", encoding="utf-8")
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", *PACKAGES], cwd=FOLDER, check=True)


async def weigh(browser: Browser, url: str, shown: str) -> Weight:
    """Load a page in a fresh context, until `shown` is there and a second more."""
    context = await browser.new_context()
    page = await context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    started_s = asyncio.get_running_loop().time()
    await page.goto(url, wait_until="commit")
    await page.locator(shown).first.wait_for()
    content_ms = (asyncio.get_running_loop().time() - started_s) * 1_000
    await page.wait_for_timeout(1_000)
    sizes = {}
    for answer in answers:
        if not answer.url.endswith("/live"):  # a stream has no size
            sizes[answer] = (await answer.request.sizes())["responseBodySize"]
    scripts = sum(size for answer, size in sizes.items() if answer.request.resource_type == "script")
    await context.close()
    return Weight(len(answers), sum(sizes.values()), scripts, content_ms)


class Meter:
    """Counts the commands that are sent to Redis, by MONITOR; what its scripts do inside is not sent."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url)
        self._count = 0
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async with self._redis.monitor() as monitor:
            async for command in monitor.listen():
                self._count += command["client_type"] != "lua"

    def take(self) -> int:
        """Return how many there were since the last time."""
        taken, self._count = self._count, 0
        return taken

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._redis.aclose()


async def per_minute(context: BrowserContext, meter: Meter, url: str, shown: str, tabs: int) -> int:
    """Return the commands of a minute while tabs are open and nothing changes."""
    pages: list[Page] = []
    for _ in range(tabs):
        page = await context.new_page()
        await page.goto(url, wait_until="commit")
        await page.locator(shown).first.wait_for()
        pages.append(page)
    await asyncio.sleep(SETTLE_S)
    meter.take()
    await asyncio.sleep(WATCH_S)
    spent = meter.take()
    for page in pages:
        await page.close()
    return round(spent * 60 / WATCH_S)


@asynccontextmanager
async def bull_board(port: int) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """Serve Bull Board and give its URL and versions."""
    script = Path(__file__).with_name("server.mjs").resolve()
    process = await asyncio.create_subprocess_exec(
        "node", str(script), str(port), cwd=FOLDER, stdout=asyncio.subprocess.PIPE, preexec_fn=die_with(os.getpid())
    )
    assert process.stdout is not None
    said = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    yield f"http://127.0.0.1:{said['port']}/", said
    process.terminate()
    await process.wait()


async def fill(url: str) -> None:
    """Queue 50 jobs on each queue."""
    async with await Client.connect(url) as client:
        for queue in QUEUES:
            for i in range(50):
                await client.enqueue("work", {"to": f"user{i}@example.com"}, queue=queue)


async def measure(browser: Browser, redis_url: str, url: str, shown: str) -> dict[str, object]:
    """Measure one console."""
    weight = await weigh(browser, url, shown)
    meter = Meter(redis_url)
    found: dict[str, object] = {
        "requests": weight.requests,
        "KB sent to first content": round(weight.sent_bytes / 1_000, 1),
        "of it script, KB": round(weight.script_bytes / 1_000, 1),
        "ms to first content": round(weight.content_ms),
    }
    for tabs in (1, 10):
        context = await browser.new_context()
        found[f"Redis commands a minute, tabs {tabs}"] = await per_minute(context, meter, url, shown, tabs)
        await context.close()
    await asyncio.sleep(SETTLE_S)
    meter.take()
    await asyncio.sleep(10)
    found["Redis commands a minute, no tab"] = meter.take() * 6
    await meter.close()
    return found


async def main() -> None:
    """Measure both and print them side by side."""
    install()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "ours").mkdir()
            (Path(folder) / "theirs").mkdir()
            with EmbeddedServer(Path(folder) / "ours", binary=server_binary()) as server:
                await fill(server.url)
                with served(server.url) as url:
                    ours = await measure(browser, server.url, url, "tr[data-id='email']")
            with EmbeddedServer(Path(folder) / "theirs", binary=server_binary()) as server:
                async with bull_board(int(server.url.rpartition(":")[2].partition("/")[0])) as (url, versions):
                    theirs = await measure(browser, server.url, url, "text=email")
        await browser.close()
    sys.stdout.write(
        f"| | qconsole | Bull Board {versions['bull_board']}, BullMQ {versions['bullmq']} |\n|---|---|---|\n"
    )
    for name, value in ours.items():
        sys.stdout.write(f"| {name} | {value:,} | {theirs[name]:,} |\n")


if __name__ == "__main__":
    asyncio.run(main())
