"""Secrets stay out of logs, reprs, audit, events and answers, and are compared in constant time."""

import asyncio
import hmac
import logging
from collections.abc import Callable

import pytest
from redis import Redis
from starlette.testclient import TestClient

from qconsole.admin import Actor, Admin, accounts
from qconsole.config import Settings
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.url import parse_url
from qconsole.runtime import Client
from qconsole.web.identity import COOKIE
from qconsole.web.options import Auth
from tests.web.conftest import HTML, JSON
from tests.web.stage import JOB_TYPES, Email, send_email, work

PASSWORD, PAYLOAD_SECRET, REDIS_PASSWORD = "correct horse battery", "hunter2-c0ffee", "s3cret-redis"


async def prepared(url: str) -> tuple[str, list[str]]:
    """Make a user, a token and a job with a secret; return the token and what the service's objects look like."""
    settings = Settings(redis_url=url, web_secret=PAYLOAD_SECRET)
    async with await Client.connect(url, job_types=JOB_TYPES) as client:
        await client.enqueue(send_email, Email(to="a@example.com", password=PAYLOAD_SECRET), job_id="mail")
        await work(url)
    async with await Admin.open(settings, actor=Actor("root", "admin", "cli")) as admin:
        await admin.users.add("ann", password=PASSWORD, role="admin")
        await admin.users.passwd("ann", password=PASSWORD)
        made = await admin.tokens.create("ci", role="viewer")
        looks = [made, settings, admin.settings, await admin.users.list(), await admin.tokens.list()]
        looks += [await admin.audit.page(), await admin.events.page()]
        looks += [await admin.jobs.get("mail"), await admin.jobs.page()]
        looks += [client, parse_url(f"redis://:{REDIS_PASSWORD}@127.0.0.1:6379/0")]
        return made.secret, [repr(each) for each in looks]


def test_no_secret_is_logged_shown_audited_or_stored(
    redis_server: EmbeddedServer,
    console_of: Callable[..., TestClient],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    with Redis.from_url(redis_server.url) as redis:
        redis.flushall()
        token, looks = asyncio.run(prepared(redis_server.url))
        web = console_of(auth=Auth.USERS)
        web.post("/sign-in", data={"name": "ann", "password": f"{PASSWORD}!"}, headers=HTML)
        web.post("/sign-in", data={"name": "ann", "password": PASSWORD}, headers=HTML)
        session = web.cookies[COOKIE]
        pages = [
            web.get(path, headers=HTML).text for path in ("/", "/settings", "/audit", "/events", "/jobs/email/mail")
        ]
        pages.append(web.get("/jobs/email/mail", headers={**JSON, "authorization": f"Bearer {token}"}).text)
        assert len(pages) == 6 and "a@example.com" in pages[-1]
        stored = "".join(repr(redis.dump(key)) for key in redis.keys("*"))
    told = capfd.readouterr()
    said = "\n".join([caplog.text, told.out, told.err, *looks, *pages])
    assert "send_email" in caplog.text
    for secret in (PASSWORD, token, session, PAYLOAD_SECRET, REDIS_PASSWORD):
        assert secret not in said, said[max(0, said.index(secret) - 200) :][:400]
    for secret in (PASSWORD, token.split("_")[2], session):
        assert secret not in stored


async def test_a_tokens_hash_is_compared_in_constant_time(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def spy(left: str, right: str) -> bool:
        compared.append((left, right))
        return real(left, right)

    async with await Admin.open(redis_url, actor=Actor("root", "admin", "cli")) as admin:
        made = await admin.tokens.create("ci")
        monkeypatch.setattr(accounts.hmac, "compare_digest", spy)
        assert await admin.tokens.verify(made.secret) is not None
        for wrong in (made.secret[:-1] + "_", f"qc_{made.id}_", "qc_nobody_x"):
            assert await admin.tokens.verify(wrong) is None
    kept = accounts.digest(made.secret)
    assert [left for left, _ in compared] == [kept, kept, kept, ""]  # an unknown token is compared as well
    assert all(right == accounts.digest(secret) for (_, right), secret in zip(compared, [made.secret], strict=False))


async def test_an_unknown_name_costs_as_much_as_a_wrong_password(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    real = accounts.is_password

    def spy(stored: str, password: str) -> bool:
        checked.append(stored)
        return real(stored, password)

    async with await Admin.open(redis_url, actor=Actor("root", "admin", "cli")) as admin:
        await admin.users.add("ann", password=PASSWORD)
        monkeypatch.setattr(accounts, "is_password", spy)
        assert await admin.users.verify("ann", "wrong") is None
        assert await admin.users.verify("nobody", "wrong") is None
    known, unknown = (stored.split("$")[:4] for stored in checked)
    assert known == unknown == ["", "argon2id", "v=19", "m=65536,t=3,p=4"]
