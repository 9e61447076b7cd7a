"""The console mounted in another application, behind a reverse proxy that puts it under a prefix."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import uvicorn
from playwright.async_api import expect
from starlette.applications import Starlette

from qconsole.admin import Actor, Admin
from qconsole.config import Settings
from qconsole.redis.embedded import EmbeddedServer
from qconsole.web import console
from qconsole.web.options import Auth, ConsoleOptions
from qconsole.web.serve import GRACE_S
from tests.acceptance.web.conftest import BROWSER, Site, Visit, send
from tests.web.stage import Furniture

pytestmark = BROWSER
PREFIX, MOUNT = "/backoffice", "/admin/queues"
PASSWORD = "correct horse battery"


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await source.read(65_536):
            target.write(chunk)
            await target.drain()
    target.close()


@contextlib.asynccontextmanager
async def proxied(port: int) -> AsyncIterator[str]:
    """Pass requests under the prefix to a port, without the prefix; yield the address of the proxy."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            line, *headers = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
            method, path, version = line.split(b" ")
            assert path.startswith(PREFIX.encode()), path
            kept = [header for header in headers if not header.lower().startswith(b"connection:")]
            asked = b" ".join([method, path.removeprefix(PREFIX.encode()), version])
            head = [asked, *kept, b"Connection: close", b"X-Forwarded-For: 127.0.0.1", b"", b""]
            answers, requests = await asyncio.open_connection("127.0.0.1", port)
            requests.write(b"\r\n".join(head))
            await asyncio.gather(_pipe(reader, requests), _pipe(answers, writer))
        writer.close()

    made = await asyncio.start_server(relay, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{made.sockets[0].getsockname()[1]}{PREFIX}"
    made.close()


async def test_mounted_behind_a_proxy_it_is_signed_in_to_watched_and_acted_in(
    visit: Visit, picture: Furniture, redis_server: EmbeddedServer
) -> None:
    picture.put_back()
    settings = Settings(redis_url=redis_server.url)
    async with await Admin.open(settings, actor=Actor("root", "admin", "cli")) as admin:
        await admin.users.add("olaf", password=PASSWORD, role="operator")
    inner = console(settings, options=ConsoleOptions(auth=Auth.USERS, poll_ms=500, refresh_commands_per_s=5_000))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await inner.state.console.close()

    host = Starlette(lifespan=lifespan)
    host.mount(MOUNT, inner)
    config = uvicorn.Config(host, root_path=PREFIX, log_level="warning", timeout_graceful_shutdown=GRACE_S)
    site = Site(lambda: uvicorn.Server(config))
    site.start()
    async with proxied(site.port) as address:
        context, watch = await visit()
        page = await context.new_page()
        await page.goto(f"{address}{MOUNT}/queues/email")
        await page.get_by_label("Name").fill("olaf")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("h1")).to_have_text("email")
        await expect(page.locator("#live")).to_have_text("live")
        await send(redis_server.url, "through-the-proxy")
        await expect(page.locator("tr[data-id='through-the-proxy']")).to_have_count(1)
        await page.locator("summary", has_text="Pause").click()
        await page.get_by_role("button", name="Pause email").click()
        await expect(page.locator("#page .notice")).to_contain_text("Paused by olaf")
        await page.locator("tr[data-id='through-the-proxy'] a").first.click()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator(".head .state")).to_contain_text("cancelled")
        outside = [url for url in watch.requests if not urlsplit(url).path.startswith(f"{PREFIX}{MOUNT}/")]
        assert not outside, outside
        await context.close()
    site.stop()
