"""Buried jobs are kept and told once for each kind, whatever the pager does, and followed to their end."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import select
from starlette.responses import Response

from qconsole.clock import SystemClock
from qconsole.errors import Unrecoverable
from qconsole.runtime import Client, Context
from qconsole.runtime.dead_letter import DeadLetters
from tests.workers.http_server import Receiver, http_server
from tests.workers.support import context, every_database, settings_in, work
from workers.alerts import AlertFailed
from workers.db.models import FailedJob, Incident
from workers.dead_letter import FollowDeadLetters, Notice, dead_letter, follow_dead_letters, incident_key
from workers.masking import masked
from workers.platform import Platform, opened
from workers.policies import Queue, declare

BROKEN = {"on": True}


@declare("reads_documents", queue=Queue.DOCUMENTS)
async def reads_documents(ctx: Context, payload: dict[str, Any]) -> str:
    """Stand in for a document job that cannot go on."""
    if BROKEN["on"]:
        raise Unrecoverable(f"document {payload['n']} has no pages")
    return "read"


@pytest.fixture
async def pager() -> AsyncIterator[Receiver]:
    async with http_server() as found:
        yield found


@pytest.fixture
async def paging(tmp_path: Path, pager: Receiver) -> AsyncIterator[Platform]:
    settings = settings_in(
        tmp_path,
        pagerduty_key=SecretStr("r0uting"),
        pagerduty_url=f"{pager.url}/v2/enqueue",
        alert_webhooks=(SecretStr(f"{pager.url}/chat"),),
        reader_processes=1,
    )
    async with opened(settings) as found:
        BROKEN["on"] = True
        yield found


def _notice(number: int = 1, **more: Any) -> Notice:
    known: dict[str, Any] = {
        "queue": "document-processing", "dead_letter": f"j{number}~5", "job_id": f"j{number}", "job_type": "x",
        "severity": "critical", "error_type": "ValueError", "message": "bad", "fingerprint": "f", "buried_ms": 5,
    }  # fmt: skip
    return Notice(**{**known, **more})


def _events(pager: Receiver, action: str) -> list[dict[str, Any]]:
    import json

    bodies = [json.loads(got.body) for got in pager.got if got.path == "/v2/enqueue"]
    return [body for body in bodies if body["event_action"] == action]


async def _kept(platform: Platform) -> list[FailedJob]:
    async with platform.database.reading() as session:
        return list((await session.execute(select(FailedJob).order_by(FailedJob.entry_id))).scalars())


@every_database
async def test_a_wave_of_burials_is_one_incident_closed_by_successful_replays(
    paging: Platform, pager: Receiver, redis: Redis, redis_url: str
) -> None:
    client = Client(redis=redis)
    for number in range(5):
        await client.enqueue(reads_documents, {"n": number})
    await work(paging, redis_url, reads_documents, dead_letter)
    kept = await _kept(paging)
    assert len(kept) == 5
    assert {(row.status, row.severity, row.error_type) for row in kept} == {("open", "critical", "Unrecoverable")}
    (trigger,) = _events(pager, "trigger")
    assert trigger["payload"]["severity"] == "critical"
    assert trigger["dedup_key"] == kept[0].incident_key
    assert "has no pages" in trigger["payload"]["summary"]

    BROKEN["on"] = False
    letters = DeadLetters(reads_documents.queue, redis=redis, clock=SystemClock())
    entries = [row.entry_id.partition("/")[2] for row in kept]
    await letters.discard(entries[:1], actor="ann", reason="a duplicate")
    await letters.replay(entries[1:], actor="ann")
    ctx, _ = context(paging, client=client)
    await follow_dead_letters(ctx, FollowDeadLetters())
    assert [row.status for row in await _kept(paging)] == ["discarded", *["replayed"] * 4]
    assert _events(pager, "resolve") == []

    await work(paging, redis_url, reads_documents, dead_letter)
    assert await follow_dead_letters(ctx, FollowDeadLetters()) == {"changed": 4, "resolved": 1}
    assert [row.status for row in await _kept(paging)] == ["discarded", *["succeeded"] * 4]
    assert (await _kept(paging))[0].reason == "a duplicate"
    assert [event["dedup_key"] for event in _events(pager, "resolve")] == [trigger["dedup_key"]]
    assert await follow_dead_letters(ctx, FollowDeadLetters()) == {"changed": 0, "resolved": 0}


async def test_a_replay_that_fails_again_keeps_the_incident_open(
    paging: Platform, pager: Receiver, redis: Redis, redis_url: str
) -> None:
    client = Client(redis=redis)
    await client.enqueue(reads_documents, {"n": 1})
    await work(paging, redis_url, reads_documents, dead_letter)
    (first,) = await _kept(paging)
    letters = DeadLetters(reads_documents.queue, redis=redis, clock=SystemClock())
    await letters.replay([first.entry_id.partition("/")[2]], actor="ann")
    await work(paging, redis_url, reads_documents, dead_letter)
    await follow_dead_letters(context(paging, client=client)[0], FollowDeadLetters())
    assert sorted(row.status for row in await _kept(paging)) == ["failed_again", "open"]
    assert len(_events(pager, "trigger")) == 1
    assert _events(pager, "resolve") == []


async def test_a_pager_that_is_down_loses_nothing_and_is_told_later(paging: Platform, pager: Receiver) -> None:
    pager.answers = [lambda: Response(status_code=503)]
    with pytest.raises(AlertFailed, match="pagerduty answered 503"):
        await dead_letter(context(paging)[0], _notice())
    assert len(await _kept(paging)) == 1
    assert len([got for got in pager.got if got.path == "/chat"]) == 1
    result = await dead_letter(context(paging, attempt=2)[0], _notice())
    assert result["told"] == ["chat:0", "pagerduty"]
    assert result["failures"] == 1
    assert len([got for got in pager.got if got.path == "/chat"]) == 1
    assert len(_events(pager, "trigger")) == 2


async def test_a_refused_alert_is_not_repeated(
    paging: Platform, pager: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    pager.answers = [lambda: Response("bad key", status_code=400)]
    with caplog.at_level(logging.ERROR):
        result = await dead_letter(context(paging)[0], _notice())
    assert result["told"] == ["pagerduty", "chat:0"]
    assert "bad key" in caplog.text


async def test_what_is_not_critical_is_kept_and_not_paged(paging: Platform, pager: Receiver) -> None:
    assert (await dead_letter(context(paging)[0], _notice(severity="high")))["told"] == []
    assert len(await _kept(paging)) == 1
    assert pager.got == []


async def test_an_incident_that_comes_back_is_told_again(paging: Platform, pager: Receiver) -> None:
    await dead_letter(context(paging)[0], _notice(1))
    async with paging.database.writing() as session:
        (await session.get_one(Incident, incident_key(_notice()))).resolved_ms = 9
    result = await dead_letter(context(paging)[0], _notice(2))
    assert result["failures"] == 1
    assert len(_events(pager, "trigger")) == 2


async def test_secrets_are_neither_kept_nor_told(
    paging: Platform, pager: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    payload = {"password": "hunter2", "nested": [{"api_key": "k3y"}], "url": "https://u:hunter2@example.org", "n": 1}
    message = "cannot log in with Bearer hunter2hunter2"
    with caplog.at_level(logging.INFO):
        await dead_letter(context(paging)[0], _notice(payload=payload, message=message, traceback=message))
    (row,) = await _kept(paging)
    assert row.payload == {"password": "***", "nested": [{"api_key": "***"}], "url": "https://***@example.org", "n": 1}
    told = b"".join(got.body for got in pager.got).decode()
    for place in (row.error, row.traceback, str(row.payload), told, caplog.text):
        assert "hunter2" not in place
        assert "k3y" not in place


def test_masking_is_bounded() -> None:
    deep: Any = "end"
    for _ in range(10_000):
        deep = {"a": deep}
    assert "(cut)" in str(masked(deep))
    assert len(masked(list(range(100_000)))) == 500
    assert len(masked("x" * 100_000)) == 4_000


def test_a_long_incident_key_stays_within_the_pagers_limit() -> None:
    assert len(incident_key(_notice(job_type="t" * 200, fingerprint="f" * 100))) <= 255
