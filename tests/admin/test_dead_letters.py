"""Dead letters one by one and by groups: replay, edit, discard, reopen, notes, pages both ways."""

import orjson
import pytest
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.errors import Conflict, DeadLetterNotFound, FilterError, Unrecoverable, UsageError
from qconsole.runtime.client import Client
from qconsole.runtime.keys import GLOBAL
from tests.admin.stock import NOW, failed_jobs
from tests.runtime.hand import Hand
from tests.support import ManualClock


async def buried(client: Client, hand: Hand, clock: ManualClock, job_id: str = "j", **payload: object) -> str:
    await client.enqueue("send", payload, queue="email", job_id=job_id, attempts=1)
    clock.advance(s=1)
    await hand.fail_all(Unrecoverable("no such mailbox, token=abc"))
    return f"{job_id}~{clock.now_ms()}"


async def test_an_entry_is_shown_whole_and_replayed_as_a_new_job(
    admin: Admin, client: Client, hand: Hand, clock: ManualClock
) -> None:
    entry = await buried(client, hand, clock, to="a", password="p")
    view = await admin.dead_letters.get(entry)
    assert view.payload["kwargs"] == {"to": "a", "password": "***"}
    assert view.error.message == "no such mailbox, token=***"
    assert (view.row.cause, view.row.state, view.editable) == ("unrecoverable", "open", True)
    applied = await admin.dead_letters.replay(entry, payload={"to": "b", "password": "***"}, reason="moved")
    assert applied.job_id is not None
    job = await admin.jobs.get(applied.job_id, reveal=True)
    assert job.payload["kwargs"] == {"to": "b", "password": "p"}
    assert (await admin.dead_letters.get(entry)).row.replayed_as == applied.job_id
    with pytest.raises(Conflict, match="it is resolved already"):
        await admin.dead_letters.replay(entry)
    await admin.dead_letters.reopen(entry)
    assert (await admin.dead_letters.get(entry)).row.state == "open"


async def test_a_discard_needs_a_reason_and_keeps_it(
    admin: Admin, client: Client, hand: Hand, clock: ManualClock
) -> None:
    entry = await buried(client, hand, clock)
    with pytest.raises(UsageError, match="a reason must be given"):
        await admin.dead_letters.discard(entry, reason="  ")
    await admin.dead_letters.discard(entry, reason="test data")
    view = await admin.dead_letters.get(entry)
    assert (view.row.state, view.actor, view.reason) == ("discarded", "ann", "test data")
    assert (await admin.dead_letters.page()).rows == ()
    with pytest.raises(DeadLetterNotFound):
        await admin.dead_letters.discard("nope~1", reason="x")


async def test_groups_span_queues_and_carry_a_note(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 30)
    await failed_jobs(redis, 9, queue="reports", job_type="report")
    groups = await admin.dead_letters.groups()
    assert [(group.count, group.queues) for group in groups] == [(13, ("email", "reports"))] * 3
    assert groups[0].job_types == ("send", "report")
    assert sum(groups[0].trend) == 13 and len(groups[0].trend) == 24
    assert [group.fingerprint for group in await admin.dead_letters.groups("type:report error:Error1")] == ["fp1"]
    await admin.dead_letters.note("fp1", "known upstream bug")
    assert (await admin.dead_letters.group("fp1")).note == "known upstream bug"
    with pytest.raises(DeadLetterNotFound):
        await admin.dead_letters.group("fp9")
    with pytest.raises(FilterError, match="a field of dead letters"):
        await admin.dead_letters.groups("worker:x")


async def test_entries_are_paged_both_ways(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 25)
    pages = [await admin.dead_letters.page(limit=10)]
    while pages[-1].next:
        pages.append(await admin.dead_letters.page(cursor=pages[-1].next, limit=10))
    seen = [row.id for page in pages for row in page.rows]
    assert seen == [f"job{n:07}~{NOW - 25 + n}" for n in range(24, -1, -1)]
    back = await admin.dead_letters.page(cursor=pages[-1].previous, limit=10)
    assert [row.id for row in back.rows] == [row.id for row in pages[1].rows]
    assert [row.id for row in (await admin.dead_letters.page("payload.n:3", limit=10)).rows] == [seen[21]]
    assert (await admin.dead_letters.count("fp:fp0")).value == 9


async def test_a_group_names_the_deploy_it_began_after_whoever_marked_it(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 3)
    await redis.zadd(GLOBAL.marks(), {"deploy:a41f2c": NOW - 60_000})
    assert [group.since_deploy for group in await admin.dead_letters.groups()] == ["a41f2c"] * 3
    assert [(mark.kind, mark.label) for mark in await admin.metrics.marks(0)] == [("deploy", "a41f2c")]
    await redis.zadd(GLOBAL.marks(), {orjson.dumps({"kind": "deploy", "label": "b52"}): NOW - 30_000})
    await redis.zadd(GLOBAL.marks(), {orjson.dumps({"kind": "operator", "label": "x"}): NOW - 20_000})
    assert [group.since_deploy for group in await admin.dead_letters.groups()] == ["b52"] * 3


async def test_fifty_groups_cost_one_call_a_queue_more(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 150, errors=50)
    await admin.dead_letters.groups()
    await redis.config_resetstat()
    groups = await admin.dead_letters.groups()
    assert (len(groups), sum(groups[0].trend), len(groups[0].sample_ids)) == (50, 3, 3)
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] == 1
