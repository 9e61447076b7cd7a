"""A furnished Redis and a console on it; reading tests share one, changing tests get their own."""

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from qconsole.config import Settings
from qconsole.redis.embedded import EmbeddedServer
from qconsole.web.app import create_app
from qconsole.web.options import Auth, ConsoleOptions
from tests.web.stage import Furniture

BASE = "http://127.0.0.1"
SAME = {"sec-fetch-site": "same-origin"}
JSON = {"accept": "application/json", **SAME}
HTML = {"accept": "text/html", **SAME}


@pytest.fixture(scope="session")
def picture(redis_server: EmbeddedServer) -> Iterator[Furniture]:
    """The furnished state of this process's server, made once."""
    made = Furniture(redis_server.url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def furniture(picture: Furniture) -> Furniture:
    """The server furnished once, for a module of tests that only read."""
    picture.put_back()
    return picture


@pytest.fixture
def fresh(picture: Furniture) -> Furniture:
    """The server furnished for this test."""
    picture.put_back()
    return picture


@pytest.fixture
def web(redis_server: EmbeddedServer) -> Iterator[TestClient]:
    """A console that needs no sign-in."""
    app = create_app(
        Settings(redis_url=redis_server.url), options=ConsoleOptions(auth=Auth.OFF, refresh_commands_per_s=10_000)
    )
    with TestClient(app, base_url=BASE, headers=SAME, follow_redirects=False) as client:
        yield client


@pytest.fixture
def console_of(redis_server: EmbeddedServer) -> Iterator[Callable[..., TestClient]]:
    """Makes consoles with other options."""
    opened: list[TestClient] = []

    def make(*, client: tuple[str, int] = ("testclient", 50_000), **options: object) -> TestClient:
        app = create_app(Settings(redis_url=redis_server.url), options=ConsoleOptions(**options))  # type: ignore[arg-type]
        made = TestClient(app, base_url=BASE, headers=SAME, follow_redirects=False, client=client)
        made.__enter__()
        opened.append(made)
        return made

    yield make
    for made in opened:
        made.__exit__(None, None, None)
