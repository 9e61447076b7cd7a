"""A viewer acts by no verb of the service, no route and method of the web, and no command with a viewer's token.

Verbs, routes and commands are found by looking, so that a new one cannot be forgotten: it has to refuse a viewer, or
to stand in the list of those that only read, and then it is shown to change nothing.
"""

import asyncio
import importlib
import inspect
import io
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from starlette.testclient import TestClient
from typer.main import get_group

from qconsole.admin import Actor, Admin
from qconsole.cli.__main__ import GROUPS, SINGLE, run
from qconsole.errors import ExitCode, Forbidden, QConsoleError
from qconsole.redis.embedded import EmbeddedServer
from qconsole.web.options import Auth
from tests.security.conftest import nouns
from tests.web.conftest import JSON
from tests.web.stage import Furniture

READS = {
    "queues": {"are_all_plain", "get", "list", "overview"},
    "jobs": {"count", "get", "job_types", "logs", "page", "result", "schema", "similar", "tail_logs", "wait", "why"},
    "dead_letters": {"count", "get", "group", "groups", "page"},
    "schedules": {"get", "list", "preview"},
    "flows": {"page", "tree"},
    "workers": {"get", "list"},
    "metrics": {"histogram", "marks", "prometheus", "series", "sla"},
    "operations": {"get", "list", "page", "planned"},
    "trash": {"matching", "page"},
    "audit": {"page"},
    "events": {"page", "tail"},
    "doctor": {"examine"},
    "live": {"snapshot"},
    # signing in and out is done before there is an actor
    "users": {"get", "verify"},
    "tokens": {"verify"},
    "sessions": {"begin", "end", "end_all", "find", "of"},
}
ENDLESS = {("jobs", "tail_logs"), ("jobs", "wait"), ("events", "tail")}
GIVEN: dict[str, Any] = {
    "name": "email", "queue": "email", "job_id": "mail-waiting", "entry_id": "x~1", "fingerprint": "f",
    "id_or_fingerprint": "x~1", "schedule_id": "morning-digest", "worker_id": "w", "operation_id": "o", "token_id": "t",
    "confirm_name": "email", "reason": "why", "due_ms": 2**41, "job_type": "send_email", "pattern": "* * * * *",
    "kind": "deploy", "label": "x", "since_ms": 0, "verb": "remove", "password": "long enough", "role": "viewer",
    "secret": "qc_x_y", "text": "x", "source": ["{}"], "user": "vera", "origin": "o", "lifetime_ms": 1, "idle_ms": 1,
    "session_id": "s", "view": None, "filter": "queue:email",
}  # fmt: skip
FILL = {
    "queue": "email", "job": "mail-waiting", "schedule": "morning-digest", "worker": "w", "operation": "o",
    "entry": "e", "fingerprint": "f", "digest": "d", "name": "n",
}  # fmt: skip
STARTS_SOMETHING = {"demo", "up", "serve", "tui", "worker", "watch", "completion", "schema"}
READING_COMMANDS = {
    "check", "doctor", "config show", "config path", "audit list", "queues list", "queues show", "jobs list",
    "jobs show", "jobs why", "jobs logs", "jobs wait", "jobs export", "dlq list", "dlq groups", "dlq show",
    "dlq export", "schedules list", "schedules show", "schedules preview", "flows list", "flows show", "workers list",
    "workers show", "metrics show", "metrics sla", "metrics export", "operations list", "operations show",
    "trash list", "events tail",
}  # fmt: skip
WORDS = {
    "queue": "email", "queues": "email", "name": "email", "job_id": "mail-waiting", "ids": "mail-waiting",
    "job_type": "send_email", "schedule_id": "morning-digest", "pattern": "* * * * *", "role": "viewer",
    "entry_id": "x", "target": "x", "text": "x", "worker_id": "w", "label": "x", "operation_id": "o", "token_id": "t",
}  # fmt: skip
OPTIONS = {
    "queues limit": ["--concurrency", "1"],
    "check": ["--dlq-max", "0"],
    "queues empty": ["--confirm", "email"],
    "jobs add": ["--payload", "{}", "--queue", "email"],
    "jobs edit": ["--priority", "1"],
    "jobs reschedule": ["--in", "5m"],
    "jobs wait": ["--timeout", "1s"],
    "dlq discard": ["--reason", "x"],
    "schedules edit": ["--pattern", "* * * * *"],
    "export": ["--all"],
}


def contents(redis: Redis) -> set[tuple[bytes, str]]:
    """Everything that is stored, but for the last use of a token."""
    read: dict[bytes, Callable[[bytes], Any]] = {
        b"string": redis.get,
        b"hash": lambda key: sorted(redis.hgetall(key).items()),
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": lambda key: sorted(redis.smembers(key)),
        b"stream": redis.xrange,
    }
    keys = [key for key in redis.keys("*") if b"tokens" not in key]
    return {(key, repr(read[redis.type(key)](key))) for key in keys if redis.type(key) in read}


@pytest.fixture
def stored(fresh: Furniture) -> Iterator[Redis]:
    with Redis.from_url(fresh.url) as redis:
        yield redis


@pytest.fixture
def viewer_token(stored: Redis, redis_server: EmbeddedServer) -> str:
    async def create() -> str:
        async with await Admin.open(redis_server.url, actor=Actor("root", "admin", "cli")) as admin:
            return (await admin.tokens.create("dashboard", role="viewer")).secret

    return asyncio.run(create())


def verbs() -> list[tuple[str, str]]:
    """Every public verb of every noun."""
    return [
        (noun, name)
        for noun, kind in nouns().items()
        for name, found in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    ]


async def called(verb: Callable[..., Any]) -> object:
    """Call a verb with whatever it asks for."""
    needed = {
        name: GIVEN[name]
        for name, parameter in inspect.signature(verb).parameters.items()
        if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    answer = verb(**needed)
    if isinstance(answer, AsyncIterator):
        return [found async for found in answer]
    return await answer


async def test_no_verb_of_the_service_lets_a_viewer_act(stored: Redis, redis_server: EmbeddedServer) -> None:
    before = contents(stored)
    tried = verbs()
    assert {noun: names & {verb for of, verb in tried if of == noun} for noun, names in READS.items()} == READS
    async with await Admin.open(redis_server.url, actor=Actor("vera", "viewer", "api")) as admin:
        for noun, name in tried:
            verb = getattr(getattr(admin, noun), name)
            if name not in READS.get(noun, ()):
                with pytest.raises(Forbidden):
                    await called(verb)
                    pytest.fail(f"{noun}.{name} let a viewer act")
            elif noun != "sessions" and (noun, name) not in ENDLESS:
                try:
                    await called(verb)
                except QConsoleError as refused:
                    assert refused.message
    assert contents(stored) <= before  # some of it ends by itself meanwhile


def test_no_route_and_method_lets_a_viewers_token_act(
    stored: Redis, viewer_token: str, console_of: Callable[..., TestClient]
) -> None:
    web = console_of(auth=Auth.USERS)
    headers = {**JSON, "authorization": f"Bearer {viewer_token}"}
    before = contents(stored)
    for route in web.app.routes:  # type: ignore[attr-defined]
        assert route.methods <= {"GET", "HEAD", "POST"}, route.path
        path = re.sub(r"{(\w+)(:segment)?}", lambda found: FILL[found[1]], route.path)
        if "POST" in route.methods and not path.startswith(("/sign", "/settings/theme")):
            assert web.post(path, json={}, headers=headers).status_code == 403, path
    for method in ("PUT", "PATCH", "DELETE"):
        assert web.request(method, "/queues/email/pause", json={}, headers=headers).status_code == 405
    override = {**headers, "x-http-method-override": "POST", "x-http-method": "POST"}
    assert web.get("/queues/email/pause?_method=POST", headers=override).status_code == 405
    assert contents(stored) <= before  # some of it ends by itself meanwhile


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command that does its work and ends, with the words it needs to get as far as the service."""
    for name in GROUPS:
        if name in STARTS_SOMETHING:
            continue
        group: Any = get_group(importlib.import_module(f"qconsole.cli.{GROUPS[name][0]}").app)
        chosen = {name: group.commands[name]} if name in SINGLE else group.commands
        for verb, command in chosen.items():
            title = name if name in SINGLE else f"{name} {verb}"
            arguments = [parameter.name for parameter in command.params if parameter.param_type_name == "argument"]
            options = {word for parameter in command.params for word in parameter.opts}
            words = [WORDS[argument] for argument in arguments if argument in WORDS]
            yield title, [*title.split(), *words, *OPTIONS.get(title, []), *(["--yes"] if "--yes" in options else [])]


def test_no_command_lets_a_viewers_token_act(
    stored: Redis,
    viewer_token: str,
    redis_server: EmbeddedServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("QCONSOLE_TOKEN", viewer_token)
    before = contents(stored)
    seen, wrong = set(), []
    for title, words in commands():
        seen.add(title)
        monkeypatch.setattr(sys, "stdin", io.StringIO('{"kind":"export","version":1}\nlong enough\n'))
        code = run([*words, "--redis", redis_server.url, "-o", "json"])
        told = capsys.readouterr().err.strip()
        refused = code == ExitCode.REFUSED and '"code":"forbidden"' in told
        if refused == (title in READING_COMMANDS) or code in (ExitCode.UNEXPECTED, ExitCode.USAGE):
            wrong.append(f"{title}: exit code {code}, {told}")
    assert not wrong, "\n".join(wrong)
    assert seen >= READING_COMMANDS
    assert contents(stored) <= before  # some of it ends by itself meanwhile


def test_a_revoked_or_invented_token_opens_nothing(
    stored: Redis, redis_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QCONSOLE_TOKEN", "qc_0123456789_invented")
    assert run(["queues", "list", "--redis", redis_server.url]) == ExitCode.REFUSED
    answer = capsys.readouterr()
    assert (answer.out, "token" in answer.err, "invented" in answer.err) == ("", True, False)
