"""The service shows payloads that lie in a payload store, and says what is missing when it cannot reach it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.config import Settings
from qconsole.errors import Refused, Unrecoverable
from qconsole.runtime.client import Client
from qconsole.runtime.payload_store import FilePayloadStore
from tests.admin.stock import NOW
from tests.runtime.hand import Hand
from tests.support import ManualClock

TEXT = "large " * 20_000


@pytest.fixture
async def seeing(redis_url: str, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Admin]:
    settings = Settings(redis_url=redis_url, payload_store=str(tmp_path / "payloads"))
    async with await Admin.open(settings, actor=Actor("ann", "admin", "cli"), clock=clock) as service:
        yield service


@pytest.fixture
def producer(redis: Redis, clock: ManualClock, tmp_path: Path) -> Client:
    return Client(redis=redis, clock=clock, payload_store=FilePayloadStore(tmp_path / "payloads"))


async def test_a_payload_of_the_store_is_shown_and_edited_like_any_other(seeing: Admin, producer: Client) -> None:
    await producer.enqueue("send", {"to": "ann", "text": TEXT}, queue="email", job_id="j", delay_s=60)
    view = await seeing.jobs.get("j")
    assert view.payload["kwargs"] == {"to": "ann", "text": TEXT}
    assert view.payload_bytes > len(TEXT) and view.editable and not view.payload_truncated
    await seeing.jobs.edit("j", payload={**view.payload["kwargs"], "to": "bob"})
    assert (await seeing.jobs.get("j")).payload["kwargs"] == {"to": "bob", "text": TEXT}


async def test_ended_jobs_and_dead_letters_show_theirs(seeing: Admin, producer: Client, hand: Hand) -> None:
    for name in ("good", "bad"):
        await producer.enqueue("send", {"to": name, "text": TEXT}, queue="email", job_id=name)
    for claimed in await hand.claim():
        if claimed.id == "good":
            await hand.complete(claimed)
        else:
            await hand.fail(claimed, Unrecoverable("x"))
    assert (await seeing.jobs.get("good")).payload["kwargs"]["text"] == TEXT
    letter = await seeing.dead_letters.get(f"bad~{NOW}")
    assert letter.payload["kwargs"] == {"to": "bad", "text": TEXT}


async def test_without_the_store_it_is_said_where_the_payload_lies(admin: Admin, producer: Client) -> None:
    await producer.enqueue("send", {"to": "ann", "text": TEXT}, queue="email", job_id="j", delay_s=60)
    view = await admin.jobs.get("j")
    assert view.payload is None and view.raw_hint is not None and "payload_store" in view.raw_hint
    assert "lies in a payload store" in view.row.summary
    with pytest.raises(Refused, match="cannot be edited"):
        await admin.jobs.edit("j", payload={"to": "bob"})


async def test_a_store_that_has_lost_the_payload_hides_nothing_else(
    seeing: Admin, producer: Client, tmp_path: Path
) -> None:
    await producer.enqueue("send", {"to": "ann", "text": TEXT}, queue="email", job_id="j", delay_s=60)
    for path in (tmp_path / "payloads").glob("??/*"):
        path.unlink()
    view = await seeing.jobs.get("j")
    assert view.payload is None and view.row.job_type == "send" and view.row.state == "delayed"
