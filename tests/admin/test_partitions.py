"""A partitioned queue is one queue to operators: counted, listed, filtered, paused, limited and drained as a whole."""

import json

import pytest
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.admin.export_place import unfinished
from qconsole.errors import UsageError
from qconsole.runtime.client import Client
from qconsole.runtime.keys import GLOBAL, Keys
from tests.admin.stock import driven
from tests.runtime.hand import Hand
from tests.support import ManualClock

PARTS = ("email", "email:1", "email:2")


@pytest.fixture(autouse=True)
async def jobs(redis: Redis, client: Client, clock: ManualClock) -> list[str]:
    """Three partitions with thirty waiting jobs, ten delayed, and three failed ones; and a queue of a like name."""
    await redis.hset(GLOBAL.partitions(), "email", "3")  # type: ignore[misc]
    await client.enqueue_many("send", [{}] * 3, queue="email", attempts=1)
    for part in PARTS:
        await Hand(redis, clock, part).fail_all(ValueError("full"))
    waiting = await client.enqueue_many("send", [{"n": n} for n in range(30)], queue="email")
    await client.enqueue_many("send", [{}] * 10, queue="email", delay_s=60)
    await client.enqueue_many("send", [{}] * 4, queue="email2")
    return list(waiting.ids)


async def test_it_is_listed_as_one_and_its_view_has_the_parts(admin: Admin) -> None:
    assert [view.name for view in await admin.queues.list()] == ["email", "email2"]
    whole = await admin.queues.get("email")
    assert (whole.counts["waiting"], whole.counts["delayed"], whole.counts["failed"]) == (30, 10, 3)
    assert whole.counts["dead_letters"] == sum(whole.series_failed) == 3
    assert [part.name for part in whole.partitions] == list(PARTS)
    assert [part.counts["waiting"] for part in whole.partitions] == [10, 10, 10]
    assert all(part.counts["failed"] == 1 and not part.paused for part in whole.partitions)
    part = await admin.queues.get("email:1")
    assert (part.counts["waiting"], part.partitions) == (10, ())
    overview = await admin.queues.overview()
    assert ({view.name for view in overview.queues}, overview.queued) == ({"email", "email2"}, 34)
    assert sum(value or 0 for value in overview.chart.columns["failed"]) == 3
    live = await admin.live.snapshot()
    assert (live["totals"]["queues"], live["queues"]["email"]["waiting"]) == (2, 30)
    series = await admin.metrics.series("email")
    assert sum(value or 0 for value in series.columns["failed"]) == 3
    checked = await admin.check([("max_waiting", "email", 29), ("dlq_max", "email", 3)])
    assert [ok for _, ok, _ in checked] == [False, True]


async def test_its_jobs_are_one_list_that_pages_both_ways(admin: Admin, jobs: list[str]) -> None:
    for wanted in ("queue:email state:waiting", "queue:e*l state:waiting", "-queue:email2 state:waiting"):
        assert (await admin.jobs.count(wanted)).value == 30
        seen, back, cursor = [], [], None
        while not seen or cursor:
            page = await admin.jobs.page(wanted, cursor=cursor, limit=7)
            seen += [row.id for row in page.rows]
            cursor, last = page.next, page
        assert sorted(seen) == sorted(jobs)
        while last.previous:
            last = await admin.jobs.page(wanted, cursor=last.previous, limit=7)
            back = [row.id for row in last.rows] + back
        assert back == seen[: len(back)] and len(back) == 28
    part = await admin.jobs.page('queue:"email:1" state:waiting')
    assert {row.queue for row in part.rows} == {"email:1"} and len(part.rows) == 10
    row = part.rows[0]
    assert (await admin.jobs.get(row.id, queue="email")).row == (await admin.jobs.get(row.id)).row == row
    assert len((await admin.dead_letters.page("queue:email")).rows) == 3
    (group,) = await admin.dead_letters.groups("queue:email")
    assert (group.count, group.queues) == (3, PARTS)
    assert len((await admin.events.page(queue="email")).rows) == 3


async def test_pause_and_limits_hold_for_all_parts(admin: Admin, redis: Redis) -> None:
    paused = await admin.queues.pause("email", reason="incident")
    assert paused.sentence == "Queue email is paused."
    view = await admin.queues.get("email")
    assert view.pause is not None and view.pause.reason == "incident"
    assert all([await redis.exists(Keys(part).paused()) for part in PARTS])
    assert len((await admin.audit.page()).rows) == 1
    await admin.queues.resume("email:2")
    view = await admin.queues.get("email")
    assert (view.pause, [part.paused for part in view.partitions]) == (None, [True, True, False])
    assert [applied.target for applied in await admin.queues.resume_all()] == ["email"]
    assert not any([await redis.exists(Keys(part).paused()) for part in PARTS])
    limited = await admin.queues.limit("email", concurrency=10, rate_max=9)
    assert limited.sentence == "Queue email: concurrency 9, rate 9 per 1 s."
    assert [await redis.hget(Keys(part).config(), "concurrency") for part in PARTS] == [b"3"] * 3  # type: ignore[misc]
    limits = (await admin.queues.get("email")).limits
    assert (limits.concurrency, limits.rate_max, limits.rate_per_s) == (9, 9, 1.0)
    with pytest.raises(UsageError, match="at least 3, one for each partition, got 2"):
        await admin.queues.limit("email", concurrency=2)
    await admin.queues.limit("email", concurrency=None)
    assert (await admin.queues.get("email")).limits.concurrency is None


async def test_its_figures_and_findings_are_those_of_the_whole(admin: Admin) -> None:
    text = await admin.metrics.prometheus()
    assert 'qconsole_queue_jobs{queue="email",state="waiting"} 30\n' in text
    assert 'qconsole_jobs_total{queue="email",job_type="send",outcome="failed"} 3\n' in text
    assert "email:" not in text
    found = {finding.text for finding in await admin.doctor.examine() if finding.code == "no_worker"}
    assert found == {f"{n} jobs wait in {name} and no worker serves it." for n, name in ((30, "email"), (4, "email2"))}


async def test_an_export_takes_all_parts_and_they_come_back_as_one(admin: Admin, redis: Redis) -> None:
    before = await admin.queues.get("email")
    lines = [line async for line in admin.transfer.export(["email", "email:1"])]
    begun = unfinished(f"{line}\n".encode() for line in lines[:-9])
    assert begun and begun.queues == PARTS and begun.records < before.counts["waiting"] + 10
    rest = [line async for line in admin.transfer.export(["email"], begun=begun)]
    ids = [[json.loads(line).get("id") for line in some] for some in (lines[-len(rest) :], rest)]
    assert ids[0] == ids[1] and len(rest) > 9
    await redis.flushall()
    loaded = [found async for found in admin.transfer.load(lines)][-1]
    assert (loaded.complete, loaded.failed, loaded.done) == (True, 0, 49)
    after = await admin.queues.get("email")
    assert (after.counts, after.partitions) == (before.counts, before.partitions)
    assert [view.name for view in await admin.queues.list()] == ["email"]

    await redis.hset(GLOBAL.partitions(), "email", "2")  # type: ignore[misc]
    again = [found async for found in admin.transfer.load(lines)][-1]
    assert (again.done, again.problems) == (0, (
        "line 2: email has 3 partitions in the file and 2 here: nobody serves email:2 and above; "
        "start its workers with partitions=3",
    ))  # fmt: skip


async def test_operations_reach_all_parts(admin: Admin, jobs: list[str]) -> None:
    plan = await admin.operations.plan("retry", "queue:email")
    await admin.operations.start(plan.operation.id, confirm=plan.confirm_text)
    assert (await driven(admin, plan.operation.id)).done == 3
    named = await admin.operations.plan("remove", ids=[f"email/{jobs[0]}", jobs[1]])
    assert named.count.value == 2
    drain = await admin.queues.drain("email")
    assert drain.count.value == 43
    await admin.operations.start(drain.operation.id, confirm=drain.confirm_text)
    assert (await driven(admin, drain.operation.id)).done == 43
    await admin.trash.restore(jobs[0], queue="email")
    assert (await admin.queues.get("email")).counts["waiting"] == 1
    await admin.queues.empty("email", confirm_name="email", reason="over")
    await admin.queues.forget("email")
    assert [view.name for view in await admin.queues.list()] == ["email2"]


async def test_the_memory_of_a_queue_is_estimated(admin: Admin, redis: Redis, client: Client) -> None:
    await client.enqueue_many("send", [{"text": "x" * 100}] * 600, queue="email")
    estimate = (await admin.queues.get("email")).bytes_estimate
    exact = 0
    async for key in redis.scan_iter(match="*"):
        if key.startswith((b"arq:", b"qc:{email}", b"qc:{email:")) or key.decode() in PARTS:
            exact += await redis.memory_usage(key) or 0
    assert estimate is not None and 0.5 < estimate / exact < 2
    assert {view.bytes_estimate for view in await admin.queues.list()} == {None}
