"""Schedules, flows, workers and events as the service shows and changes them."""

import asyncio

import orjson
import pytest
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.errors import (
    Conflict,
    FilterError,
    FlowNotFound,
    ScheduleNotFound,
    Unrecoverable,
    UsageError,
    WorkerNotFound,
)
from qconsole.runtime.client import Client
from qconsole.runtime.flow import Flow
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.schedule import cron, every
from qconsole.runtime.scheduler import Scheduler
from tests.runtime.hand import Hand
from tests.support import ManualClock


@pytest.fixture
async def scheduler(redis: Redis, clock: ManualClock) -> Scheduler:
    await redis.zadd(GLOBAL.queues(), {"email": clock.now_ms()})
    found = Scheduler("email", redis=redis, clock=clock)
    await found.declare(
        [
            cron(
                "nightly",
                "0 2 * * *",
                job_type="report",
                queue="email",
                payload={"token": "t", "n": 1},
                tz="Europe/Paris",
            ),
            every("often", 60, job_type="send", queue="email"),
        ]
    )
    return found


async def test_a_schedule_is_told_in_words_with_its_next_runs(admin: Admin, scheduler: Scheduler) -> None:
    views = await admin.schedules.list()
    assert [view.id for view in views] == ["often", "nightly"]
    nightly = await admin.schedules.get("nightly")
    assert "02:00" in nightly.plain and "Europe/Paris" in nightly.plain
    assert len(nightly.next_ms) == 5 and nightly.next_ms == tuple(sorted(nightly.next_ms))
    assert nightly.payload == {"token": "***", "n": 1}
    assert (nightly.kind, nightly.source, nightly.differs, nightly.paused) == ("cron", "code", (), False)
    with pytest.raises(ScheduleNotFound, match="there is no schedule 'nope'"):
        await admin.schedules.get("nope")


async def test_an_operator_pauses_edits_runs_and_removes(
    admin: Admin, scheduler: Scheduler, clock: ManualClock
) -> None:
    await admin.schedules.pause("nightly", reason="audit")
    paused = await admin.schedules.get("nightly")
    assert paused.pause is not None and (paused.pause.actor, paused.pause.reason) == ("ann", "audit")
    assert paused.next_ms == ()
    await admin.schedules.resume("nightly")
    shown = (await admin.schedules.get("nightly")).payload
    await admin.schedules.edit("nightly", pattern="0 3 * * *", payload={**shown, "n": 2})
    edited = await admin.schedules.get("nightly")
    assert (edited.pattern, set(edited.differs)) == ("0 3 * * *", {"pattern", "payload"})
    assert (await scheduler.get("nightly")).schedule.payload == {"token": "t", "n": 2}
    with pytest.raises(UsageError):
        await admin.schedules.edit("nightly", pattern="61 * * * *")
    with pytest.raises(UsageError, match="no field 'colour'"):
        await admin.schedules.edit("nightly", colour="red")
    applied = await admin.schedules.run("often")
    assert applied.job_id is not None
    assert (await admin.jobs.get(applied.job_id)).row.state == "waiting"
    with pytest.raises(Conflict, match="was not run"):
        await admin.schedules.run("often")
    await admin.schedules.remove("nightly")
    with pytest.raises(ScheduleNotFound):
        await admin.schedules.get("nightly")
    await admin.schedules.resume("nightly", queue="email")
    assert (await admin.schedules.get("nightly")).pattern == "0 2 * * *"


async def test_a_pattern_is_previewed_across_a_change_of_the_clocks(admin: Admin) -> None:
    start_ms = 1_774_652_400_000  # 2026-03-28 00:00 in Berlin, the night before clocks go forward
    instants = await admin.schedules.preview("30 2 * * *", "Europe/Berlin", count=3, start_ms=start_ms)
    assert len(set(instants)) == 3
    with pytest.raises(UsageError):
        await admin.schedules.preview("x y z")
    with pytest.raises(UsageError):
        await admin.schedules.preview("* * * * *", "Mars/Base")


async def test_a_flow_is_a_tree_and_its_failures_are_retried(
    admin: Admin, client: Client, hand: Hand, redis: Redis, clock: ManualClock
) -> None:
    children = [Flow("send", {"n": n}, queue="email", job_id=f"c{n}", attempts=1) for n in range(3)]
    await client.add_flow(Flow("report", {}, queue="email", job_id="root", children=children))
    clock.advance(s=1)
    first, second, third = await hand.claim()
    await hand.complete(first)
    await hand.fail(second, Unrecoverable("no"))
    await hand.complete(third)
    tree = await admin.flows.tree("c1")
    assert tree.id == "root"
    assert {child.id: child.state for child in tree.children} == {"c0": "completed", "c1": "failed", "c2": "completed"}
    page = await admin.flows.page()
    assert [(row.root_id, row.children_total, row.children_done, row.children_failed) for row in page.rows] == [
        ("root", 3, 3, 1)
    ]
    applied = await admin.flows.retry_failed("root", reason="fixed")
    assert applied.sentence == "1 of 1 failed jobs of the flow were put back."
    tree = await admin.flows.tree("root")
    assert (tree.state, {child.state for child in tree.children}) == ("waiting_children", {"completed", "waiting"})
    why = await admin.jobs.why("root")
    assert (why.code, why.sentence) == ("waiting_children", "It waits for 1 child of 3 to end.")
    with pytest.raises(Conflict, match="nothing has failed"):
        await admin.flows.retry_failed("root")
    await client.enqueue("send", {}, queue="email", job_id="alone")
    with pytest.raises(FlowNotFound):
        await admin.flows.tree("alone")


async def test_a_large_flow_is_cut_and_says_how_much(admin: Admin, client: Client) -> None:
    children = [Flow("send", {}, queue="email") for _ in range(60)]
    root = await client.add_flow(Flow("report", {}, queue="email", children=children))
    tree = await admin.flows.tree(root.id, max_nodes=20)
    assert len(tree.children) + tree.hidden_children == 60
    assert tree.hidden_children == 41


async def test_flows_are_paged_by_their_roots(admin: Admin, client: Client, clock: ManualClock) -> None:
    for number in range(7):
        clock.advance(ms=number % 2)
        child = Flow("send", {}, queue="email")
        await client.add_flow(Flow("report", {}, queue=f"q{number % 3}", job_id=f"r{number}", children=[child]))
    page = await admin.flows.page(limit=3)
    seen = [row.root_id for row in page.rows]
    while page.next:
        page = await admin.flows.page(page.next, 3)
        seen += [row.root_id for row in page.rows]
    assert sorted(seen) == [f"r{number}" for number in range(7)]


async def test_workers_are_shown_and_told_what_to_do(admin: Admin, redis: Redis, clock: ManualClock) -> None:
    running = [{"id": "j1", "queue": "email", "job_type": "send", "started_ms": 5, "attempt": 2}]
    fields = {
        "host": "h1",
        "pid": 7,
        "version": "0.1",
        "deploy": "v9",
        "started_ms": clock.now_ms() - 60_000,
        "queues": '{"email": 5}',
        "slots": 5,
        "running": orjson.dumps(running),
        "done": 30,
        "failed": 1,
        "lag_ms": 1.5,
        "rss": 1000,
        "state": "running",
    }
    await redis.hset(GLOBAL.worker("w1"), mapping=fields)  # type: ignore[misc]
    await redis.zadd(GLOBAL.workers(), {"w1": clock.now_ms(), "w2": clock.now_ms() - 30_000})
    alive, lost = await admin.workers.list()
    assert (alive.queues, alive.state, alive.rate_per_min, alive.loop_lag_ms) == ({"email": 5}, "running", 30.0, 1.5)
    assert alive.running[0].id == "j1"
    assert (lost.id, lost.state) == ("w2", "lost")
    await admin.workers.quiet("w1", reason="deploy; stop later")
    assert await redis.lrange(GLOBAL.commands("w1"), 0, -1) == [b'{"command":"quiet"}']  # type: ignore[misc]
    with pytest.raises(WorkerNotFound):
        await admin.workers.stop("w9")


async def test_events_are_paged_and_followed(admin: Admin, client: Client, hand: Hand, clock: ManualClock) -> None:
    await client.enqueue_many("send", [{}] * 3, queue="email")
    clock.advance(s=1)
    await hand.fail_all(Unrecoverable("no password=x"))
    await admin.queues.pause("email", reason="stop")
    page = await admin.events.page(limit=2)
    assert page.rows[0].kind == "paused" and page.rows[0].text == "was paused by ann: stop"
    rest = await admin.events.page(page.next, 10)
    kinds = [row.kind for row in (*page.rows, *rest.rows)]
    assert kinds.count("buried") == 3
    assert "password=x" not in str(rest.rows)
    page = await admin.events.page(limit=2, filter="-kind:paused queue:email")
    rest = await admin.events.page(page.next, 10, filter="-kind:paused queue:email")
    assert [row.kind for row in (*page.rows, *rest.rows)] == ["buried"] * 3 and rest.next is None
    assert [row.kind for row in (await admin.events.page(filter="kind:paused", limit=1)).rows] == ["paused"]
    with pytest.raises(FilterError):
        await admin.events.page(filter="state:failed")


async def test_the_tail_yields_what_comes(admin: Admin, client: Client, redis: Redis) -> None:
    await client.enqueue("send", {}, queue="email")
    await redis.xadd(Keys("email").events(), {"kind": "old", "job": "", "data": ""}, id="5-1")
    tail = admin.events.tail()
    following = asyncio.ensure_future(anext(tail))
    await asyncio.sleep(0)
    await admin.queues.pause("email", reason="stop")
    async with asyncio.timeout(5):
        assert (await following).kind == "paused"
    await tail.aclose()  # type: ignore[attr-defined]
