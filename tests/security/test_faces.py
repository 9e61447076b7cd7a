"""Every face on a Redis that means ill: text stays text, bombs stay shut, what is huge is cut, secrets stay masked.

Commands, routes and screens are found by looking, so that a new one cannot be forgotten.
"""

import asyncio
import io
import re
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import orjson
import pytest
from redis import Redis
from starlette.testclient import TestClient

from qconsole.admin import Actor, Admin
from qconsole.cli.__main__ import run
from qconsole.config import Settings
from qconsole.errors import ExitCode
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.tui.app import ConsoleApp
from qconsole.tui.location import LISTED, MODES, Location
from qconsole.web.paths import segment
from tests.admin.test_hostile import DATA
from tests.security.poison import BOMB_MODULE, HOSTILE, QUEUE, SECRET, plant_bomb, poison
from tests.security.test_roles import READING_COMMANDS, commands
from tests.support import eventually
from tests.tui.conftest import PLAIN
from tests.web.conftest import HTML, JSON

STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SHOWN = {"title", "alt", "aria-label", "aria-description", "placeholder"}  # other attributes hold exact values
DEADLINE_S = 30.0  # of one answer; none takes more than a second on an idle machine
MOST_CHARACTERS = 3_000_000
JOBS = [
    *((queue, f"{state}{HOSTILE}") for queue in (QUEUE, "email") for state in ("waits", "fails", "ends")),
    *(("big", name) for name in DATA),
    ("arq:queue", "bomb"),
    ("arq:queue", "spent"),
]


@pytest.fixture(scope="module")
def poisoned(redis_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a poisoned server; at the end nothing has been imported and no bomb has exploded."""
    folder = tmp_path_factory.mktemp("bomb")
    mark = plant_bomb(folder)
    sys.path.insert(0, str(folder))

    async def fill() -> None:
        client = connect(redis_server.url, name="poison")
        await client.flushall()
        await poison(client, redis_server.url)
        await client.aclose()

    asyncio.run(fill())
    yield redis_server.url
    sys.path.remove(str(folder))
    assert BOMB_MODULE not in sys.modules
    assert not mark.exists()
    with Redis.from_url(redis_server.url) as redis:
        redis.flushall()


class Markup(HTMLParser):
    """Notes the tags and attributes of a page that could run something."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.script = False

    def handle_data(self, data: str) -> None:
        if not self.script:
            self.bad += [data for _ in STEERS.finditer(data)]

    def handle_endtag(self, tag: str) -> None:
        self.script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        self.script = tag == "script"
        inline = tag == "script" and "src" not in names and ("type", "application/json") not in attrs
        if inline or any(name.startswith("on") for name in names):
            self.bad.append(f"{tag} {attrs}")
        if tag == "img" and ("src", "x") in attrs:
            self.bad.append(f"{tag} {attrs}")
        self.bad += [value or "" for _, value in attrs if (value or "").lower().startswith("javascript:")]
        self.bad += [f"{tag} {attrs}" for name, value in attrs if name in SHOWN and STEERS.search(value or "")]


def check(text: str, what: str, started_s: float, *, printed: bool = True) -> None:
    """Check one answer of any face, and of what is printed as it is that it steers nothing."""
    assert time.monotonic() - started_s < DEADLINE_S, what
    assert len(text) < MOST_CHARACTERS, (what, len(text))
    assert SECRET not in text, what
    found = STEERS.search(text) if printed else None
    assert found is None, (what, text[max(0, found.start() - 80) : found.end() + 80])


def command_lines() -> Iterator[list[str]]:
    """Every reading command, and those of one job for every job."""
    for title, words in commands():
        if title in READING_COMMANDS - {
            "jobs show",
            "jobs why",
            "jobs logs",
            "jobs wait",
            "queues show",
            "config path",
        }:
            yield words
    for queue in (QUEUE, "email", "big", "arq:queue"):
        yield ["queues", "show", "--", queue]
    for queue, job_id in JOBS:
        yield ["jobs", "show", "--queue", queue, "--", job_id]
    for verb in ("why", "logs"):
        yield ["jobs", verb, "--queue", "email", "--", f"waits{HOSTILE}"]
        yield ["jobs", verb, "--queue", "big", "--", "deep"]
    yield ["workers", "show", "--", f"worker{HOSTILE}"]
    yield ["schedules", "show", "--", f"s{HOSTILE}"]
    yield ["jobs", "list", "--", f"payload~{HOSTILE}"]


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_command_line(
    poisoned: str, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    lines = 0
    for words in command_lines():
        started_s = time.monotonic()
        split = words.index("--") if "--" in words else len(words)
        code = run([*words[:split], "--redis", poisoned, "-o", form, *words[split:]])
        assert code not in (ExitCode.UNEXPECTED, ExitCode.REDIS_UNAVAILABLE), words
        answer = capsys.readouterr()
        check(answer.out + answer.err, f"{words} -o {form}", started_s)
        if form == "json" and code == ExitCode.OK and answer.out.startswith("{"):
            assert [orjson.loads(line) for line in answer.out.splitlines()]
        lines += len(answer.out.splitlines())
    assert lines > 100


def paths() -> list[str]:
    """Every page, those of one thing for every kind of thing."""

    listed = ["", "queues", "jobs", "dlq", "dlq/entries", "schedules", "flows", "workers", "metrics", "metrics/sla"]
    listed += ["metrics/prometheus", "operations", "trash", "audit", "events", "settings", "jobs/add"]
    listed += [f"jobs?filter={quote('payload~' + HOSTILE)}", f"audit?filter={quote(HOSTILE)}"]
    listed += [f"queues/{segment(queue)}" for queue in (QUEUE, "email", "big", "arq:queue")]
    listed += [f"jobs/{segment(queue)}/{segment(job_id)}" for queue, job_id in JOBS]
    listed += [f"jobs/{segment('email')}/{segment('waits' + HOSTILE)}/{page}" for page in ("logs", "why")]
    listed += [
        f"workers/{segment('worker' + HOSTILE)}",
        f"schedules/email/{segment('s' + HOSTILE)}",
        "flows/email/root",
    ]
    return [f"/{path}" for path in listed]


def test_the_web_console(poisoned: str, web: TestClient) -> None:
    seen = paths()
    for headers in (HTML, JSON):
        for path in seen:
            started_s = time.monotonic()
            answer = web.get(path, headers=headers)
            assert answer.status_code in (200, 400, 404), (path, answer.status_code)
            check(answer.text, path, started_s, printed=False)
            if "text/html" in answer.headers["content-type"]:
                page = Markup()
                page.feed(answer.text)
                assert not page.bad, (path, page.bad[:3])


async def test_the_terminal_console(poisoned: str) -> None:
    settings = Settings(redis_url=poisoned)

    async def connected() -> Admin:
        return await Admin.open(settings, actor=Actor("mara", "admin", "tui"))

    places = [Location(mode.kind) for mode in MODES] + [Location(kind) for kind in LISTED]
    places += [Location("job", job_id, f'queue:"{queue}"') for queue, job_id in JOBS if queue != QUEUE]
    places += [Location("worker", f"worker{HOSTILE}"), Location("flow", "root")]
    app = ConsoleApp(connect=connected, settings=settings, terminal=PLAIN, at=Location("overview"))
    async with app.run_test(size=(120, 40)) as pilot:
        await eventually(lambda: app._admin)
        for place in places:
            started_s = time.monotonic()
            await app.go(place)
            await app.view.load_once()
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            assert all(strip.text.isprintable() for strip in strips), place
            check("".join(strip.text for strip in strips), str(place), started_s)
        reports = [str(report) for report in app.reports]
    assert not reports, reports[-1]
