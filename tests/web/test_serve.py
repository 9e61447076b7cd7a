"""Mounted in another application, under a prefix, alone: the console works and its links stay inside."""

import re
import socket

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from qconsole.admin import Actor
from qconsole.config import Settings
from qconsole.errors import ConfigError
from qconsole.redis.embedded import EmbeddedServer
from qconsole.web import console
from qconsole.web.options import Auth, ConsoleOptions
from qconsole.web.serve import address, listen, serve
from tests.web.conftest import BASE, HTML, JSON, SAME
from tests.web.stage import Furniture

MOUNT = "/admin/queues"


@pytest.fixture
def mounted(furniture: Furniture, redis_server: EmbeddedServer):  # type: ignore[no-untyped-def]
    host = Starlette()
    inner = console(redis_server.url, options=ConsoleOptions(auth=Auth.OFF))
    host.mount(MOUNT, inner)
    with TestClient(host, base_url=BASE, headers=SAME, follow_redirects=False) as client:
        yield client
        client.portal.call(inner.state.console.close)


def test_the_bare_mount_path_leads_to_the_console(mounted: TestClient) -> None:
    answer = mounted.get(MOUNT, headers=HTML)
    assert answer.status_code == 307
    assert answer.headers["location"].endswith(MOUNT + "/")


def test_every_link_of_a_mounted_console_stays_inside_and_works(mounted: TestClient) -> None:
    page = mounted.get(f"{MOUNT}/queues/email", headers=HTML).text
    links = set(re.findall(r'(?:href|src|action|data-worker|data-live|data-complete|data-url)="(/[^"]*)"', page))
    assert len(links) > 20
    assert all(link == MOUNT or link.startswith(MOUNT + "/") for link in links), links
    for link in links:
        if "/live" in link:
            continue
        status = mounted.get(link.replace("&amp;", "&"), headers=HTML).status_code
        assert status in {200, 405, 404} if "/operations" in link else status in {200, 307, 405}, (link, status)


def test_a_change_under_a_prefix_goes_back_under_it(mounted: TestClient) -> None:
    came_from = {**HTML, "referer": f"{BASE}{MOUNT}/queues/email"}
    answer = mounted.post(f"{MOUNT}/queues/email/pause", data={}, headers=came_from)
    assert answer.headers["location"] == f"{MOUNT}/queues/email"
    mounted.post(f"{MOUNT}/queues/email/resume", data={}, headers=came_from)
    assert "path=/admin/queues" in answer.headers["set-cookie"].lower()


def test_a_referer_from_elsewhere_is_not_followed(mounted: TestClient) -> None:
    for referer in ("https://evil.test/admin/queues/x", f"{BASE}/other", "nonsense"):
        answer = mounted.post(f"{MOUNT}/queues/email/resume", data={}, headers={**HTML, "referer": referer})
        assert answer.headers["location"] == f"{MOUNT}/"


async def _who(request: HTTPConnection) -> Actor | None:
    """The sign-in of the application around: it keeps the user's name and role where its own pages find them."""
    name, _, role = request.cookies.get("shop_user", "").partition("-")
    return Actor(name, role, "web") if name else None


def test_an_application_with_its_own_sign_in_behind_a_proxy_with_a_prefix(
    fresh: Furniture, redis_server: EmbeddedServer
) -> None:
    at = f"/backoffice{MOUNT}"
    host = Starlette()
    options = ConsoleOptions(auth=Auth.HOST, identify=_who, hosts=frozenset({"shop.example"}))
    inner = console(redis_server.url, options=options)
    host.mount(MOUNT, inner)
    arguments = {"base_url": "https://shop.example", "root_path": "/backoffice", "headers": SAME}
    with TestClient(host, follow_redirects=False, **arguments) as web:  # type: ignore[arg-type]
        assert web.get(f"{at}/", headers=HTML).status_code == 401
        web.cookies.set("shop_user", "vera-viewer")
        page = web.get(f"{at}/queues/email", headers=HTML).text
        assert all(link.startswith(f"{at}/") for link in re.findall(r'(?:href|src|action)="(/[^"]*)"', page))
        assert web.post(f"{at}/queues/email/pause", json={}, headers=JSON).status_code == 403
        web.cookies.set("shop_user", "olaf-operator")
        assert web.post(f"{at}/queues/email/pause", json={}, headers=JSON).status_code == 200
        row = web.get(f"{at}/audit", headers=JSON).json()["items"][0]
        assert (row["actor"], row["role"], row["face"]) == ("olaf", "operator", "web")
        assert web.get(f"{at}/", headers={**HTML, "host": "evil.test"}).status_code == 421
        web.portal.call(inner.state.console.close)  # type: ignore[union-attr]


def test_naming_users_goes_with_the_host_s_sign_in_only() -> None:
    for options in ({"auth": Auth.HOST}, {"auth": Auth.OFF, "identify": _who}):
        with pytest.raises(ConfigError, match="identify must be given"):
            ConsoleOptions(**options)  # type: ignore[arg-type]


def test_serving_strangers_without_sign_in_is_refused_before_listening() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        serve(Settings(web_auth="off"), host="0.0.0.0", port=0)


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        assert address(first) == f"http://127.0.0.1:{port}/"
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            listen("127.0.0.1", port)


def test_redis_away_is_a_page_and_a_document_that_say_so() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    app = console(Settings(redis_url=f"redis://127.0.0.1:{port}/0", timeout_s=0.3), options=ConsoleOptions())
    with TestClient(app, base_url=BASE, headers=SAME) as web:
        page = web.get("/queues", headers=HTML)
        assert page.status_code == 503
        assert "Redis" in page.text
        assert page.headers["retry-after"]
        assert web.get("/queues", headers=JSON).json()["error"]["code"] == "redis_unavailable"
        assert web.get("/healthz").status_code == 200
