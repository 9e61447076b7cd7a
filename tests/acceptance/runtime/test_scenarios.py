"""What people who know other queues will try first, one story each, on a real server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from qconsole.errors import RetryLater, Unrecoverable
from qconsole.runtime import Client, Context, Exponential, Fixed, Flow, QueuePolicy, every, job_type
from qconsole.runtime.backoff import pause_ms
from qconsole.runtime.events import Events
from qconsole.runtime.flow import children_results
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.outbox import Outbox
from qconsole.runtime.queue import UNLIMITED, Queue
from tests.acceptance.runtime.bench import KEYS, Bench
from tests.runtime.running import run_burst, running
from tests.support import eventually


async def test_concurrency_is_raised_and_lowered_while_jobs_run(bench: Bench) -> None:
    await bench.add(*"abcdefgh")
    hand = bench.hand()
    await bench.queue.limit(actor="ops", concurrency=2)
    running_jobs = await hand.claim()
    await bench.queue.limit(actor="ops", concurrency=4)
    running_jobs += await hand.claim()
    assert len(running_jobs) == 4
    await bench.queue.limit(actor="ops", concurrency=1)
    for claimed in running_jobs[:3]:
        await hand.complete(claimed)
        assert await hand.claim() == []
    await hand.complete(running_jobs[3])
    assert len(await hand.claim()) == 1
    await bench.queue.limit(actor="ops", concurrency=UNLIMITED)
    assert len(await hand.claim()) == 3


def test_jitter_stays_between_its_bounds() -> None:
    backoff = Exponential(2, max_s=30, jitter=0.5)
    for attempt, full_ms in [(1, 2000), (2, 4000), (4, 16_000), (5, 30_000), (500, 30_000)]:
        drawn = [pause_ms(backoff, attempt, ValueError(), chance / 100) for chance in range(101)]
        assert (max(drawn), min(drawn)) == (full_ms, full_ms // 2)


async def test_a_job_that_fails_once_more_than_allowed_is_buried_and_not_before(bench: Bench) -> None:
    await bench.add("a", attempts=3, backoff=Fixed(1))
    hand = bench.hand()
    for attempt in (1, 2, 3):
        assert await bench.redis.zcard(KEYS.dlq()) == 0
        (claimed,) = await hand.claim()
        assert claimed.retries == attempt - 1
        await hand.fail(claimed, ValueError("x"))
        bench.clock.advance(s=1)
    assert await bench.redis.zcard(KEYS.dlq()) == 1


async def test_attempts_count_on_after_a_manual_retry(bench: Bench) -> None:
    await bench.add("a", "b", attempts=2, backoff=Fixed(1))
    await bench.client.enqueue("step", {}, queue="work", job_id="c", attempts=2, backoff=Fixed(1), priority=1)
    hand = bench.hand()
    for _ in range(2):
        for _ in range(2):
            for claimed in await hand.claim():
                await hand.fail(claimed, ValueError("x"))
            bench.clock.advance(s=1)
        assert (await bench.queue.retry(["a", "b", "c"], actor="ops")).done == ("a", "b", "c")
    await hand.claim()
    await bench.die("a")
    for name in ("b", "c"):
        await bench.redis.delete(KEYS.in_progress(name))
    for claimed in await hand.claim():
        assert claimed.retries == 0, "one more full run"
        await hand.complete(claimed)
    for name in ("a", "b", "c"):
        history = orjson.loads(await bench.redis.hget(KEYS.record(name), "history") or b"[]")
        rows = [(row["attempt"], row["outcome"]) for row in history]
        assert rows[:4] == [(1, "retry"), (2, "failed"), (3, "retry"), (4, "failed")]
        assert rows[4:] == [(5, "stalled"), (5, "ok")]


async def test_a_lowered_rate_limit_lets_no_burst_through(bench: Bench) -> None:
    await bench.queue.limit(actor="ops", rate_max=6, rate_ms=1000)
    await bench.client.enqueue_many("step", [{}] * 30, queue="work")
    hand = bench.hand()
    assert len(await hand.claim()) == 6
    await bench.queue.limit(actor="ops", rate_max=2)
    bench.clock.advance(ms=1001)
    assert len(await hand.claim()) == 2
    assert await hand.claim() == []


async def test_a_job_in_steps_puts_itself_off_and_uses_up_no_attempt(
    redis: Redis, redis_url: str, client: Client
) -> None:
    steps: list[int] = []

    @job_type("steps", queue="work", attempts=1)
    async def in_steps(ctx: Context, payload: dict[str, Any]) -> str:
        steps.append(ctx.attempt)
        if len(steps) < 4:
            raise RetryLater(0.05)
        return "done"

    queued = await client.enqueue(in_steps)
    async with running(job_types=[in_steps], redis_url=redis_url):
        await eventually(lambda: redis.zscore(KEYS.completed(), queued.id))
    assert steps == [1, 1, 1, 1]


async def test_a_stolen_lease_leaves_the_thief_in_charge(bench: Bench) -> None:
    await bench.add("a")
    slow, thief = bench.hand("slow"), bench.hand("thief")
    (lost,) = await slow.claim()
    await bench.die("a")
    (stolen,) = await thief.claim()
    await slow.fail(lost, Unrecoverable("too late"))
    assert slow.lost == [("a", "taken")]
    await thief.complete(stolen, "mine")
    assert await bench.redis.zscore(KEYS.completed(), "a") == bench.clock.now_ms()
    assert await bench.redis.zcard(KEYS.dlq()) == 0


async def test_a_stalled_job_keeps_its_priority_its_attempts_and_its_place(bench: Bench) -> None:
    await bench.add("first", "second", priority=1)
    await bench.add("plain")
    hand = bench.hand()
    await hand.claim(1)
    await bench.die("first")
    order = await hand.claim()
    assert [claimed.id for claimed in order] == ["first", "second", "plain"]
    assert order[0].retries == 0 and (order[0].record or {})["stalls"] == "1"


async def test_a_job_may_stall_twice_and_is_buried_the_third_time(redis: Redis, redis_url: str, client: Client) -> None:
    runs: list[str] = []

    @job_type("step", queue="work")
    async def step(ctx: Context, payload: dict[str, Any]) -> None:
        runs.append(ctx.id)

    for name, stalls in (("twice", 2), ("thrice", 3)):
        await client.enqueue(step, job_id=name)
        await redis.hset(KEYS.record(name), "stalls", stalls)
    await run_burst(job_types=[step], redis_url=redis_url)
    assert runs == ["twice"]
    (entry,) = await redis.zrange(KEYS.dlq(), 0, -1)
    assert await redis.hget(KEYS.dead_letter(entry.decode()), "cause") == b"stalled"


async def test_a_stall_inside_a_flow_holds_the_parent_and_loses_nothing(bench: Bench) -> None:
    child = Flow("step", {}, queue="work", job_id="c")
    await bench.client.add_flow(Flow("step", {}, [child], queue="work", job_id="p"))
    hand = bench.hand()
    await hand.claim()
    await bench.die("c")
    (again,) = await hand.claim()
    assert again.id == "c"
    await hand.complete(again, 7)
    assert await children_results(bench.redis, KEYS, "p") == {"c": 7}
    assert await hand.claim_ids() == ["p"]


async def test_the_rate_limit_is_not_saved_up_while_paused(bench: Bench) -> None:
    await bench.queue.limit(actor="ops", rate_max=2, rate_ms=1000)
    await bench.add(*"abcdef")
    hand = bench.hand()
    await bench.queue.pause(actor="ops")
    bench.clock.advance(s=30)
    assert await hand.claim() == []
    await bench.queue.resume(actor="ops")
    assert await hand.claim_ids() == ["a", "b"]
    assert await hand.claim() == []
    bench.clock.advance(ms=1001)
    assert await hand.claim_ids() == ["c", "d"]


async def test_a_limit_changed_live_obeys_priorities(bench: Bench) -> None:
    await bench.queue.limit(actor="ops", rate_max=1, rate_ms=1000)
    await bench.add("n1", "n2", "n3")
    hand = bench.hand()
    assert await hand.claim_ids() == ["n1"]
    await bench.add("urgent", priority=1)
    await bench.queue.limit(actor="ops", rate_max=3)
    assert await hand.claim_ids() == ["urgent", "n2"]


async def test_delayed_jobs_become_due_in_order_behind_a_pause(bench: Bench) -> None:
    await bench.queue.pause(actor="ops")
    await bench.add("late", delay_s=2)
    await bench.add("soon", delay_s=1)
    await bench.add("urgent", delay_s=3, priority=1)
    bench.clock.advance(s=5)
    hand = bench.hand()
    assert await hand.claim() == []
    await bench.queue.resume(actor="ops")
    assert await hand.claim_ids() == ["urgent", "soon", "late"]


async def test_a_pause_lets_what_runs_come_to_its_end(bench: Bench) -> None:
    await bench.add("a", "b")
    hand = bench.hand()
    (claimed,) = await hand.claim(1)
    await bench.queue.pause(actor="ops")
    await hand.complete(claimed)
    assert await bench.redis.zscore(KEYS.completed(), "a")
    assert await hand.claim() == []


async def test_a_tree_with_a_running_leaf_is_removed_around_it(bench: Bench) -> None:
    leaves = [Flow("step", {}, queue="work", job_id=name) for name in ("runs", "waits")]
    await bench.client.add_flow(Flow("step", {}, leaves, queue="work", job_id="p"))
    hand = bench.hand()
    (claimed,) = await hand.claim(1)
    await bench.queue.remove(["p"], actor="ops")
    await Outbox("work", client=bench.client).forward()
    assert await hand.claim() == []
    await hand.complete(claimed)
    assert await bench.redis.zrange(KEYS.completed(), 0, -1) == [b"runs"]


async def test_a_schedule_survives_a_failing_run_and_a_retry_makes_no_extra_one(bench: Bench) -> None:
    await bench.scheduler.declare([every("tick", 60, job_type="step", queue="work")])
    await bench.scheduler.declare([every("tick", 60, job_type="step", queue="work", priority=1)])
    hand = bench.hand()
    bench.clock.set((await bench.scheduler.next_ms()) or 0)
    (first,) = await bench.scheduler.tick()
    await hand.fail_all(Unrecoverable("no"))
    assert (await bench.queue.retry([first.job_id], actor="ops")).done == (first.job_id,)
    assert await bench.scheduler.tick() == ()
    assert await hand.run_all() == [first.job_id]
    bench.clock.advance(s=60)
    (second,) = await bench.scheduler.tick()
    assert second.word == "fired" and second.job_id != first.job_id
    assert (await bench.scheduler.get("tick")).fired == 2


async def test_a_running_job_is_cancelled_from_another_process(redis: Redis, redis_url: str, client: Client) -> None:
    cancelled = asyncio.Event()
    started = asyncio.Event()

    @job_type("long", queue="work")
    async def long_run(ctx: Context, payload: dict[str, Any]) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    queued = await client.enqueue(long_run)
    async with running(job_types=[long_run], redis_url=redis_url):
        await asyncio.wait_for(started.wait(), 60)
        await Queue("work", redis=redis, clock=client.clock).cancel([queued.id])
        await asyncio.wait_for(cancelled.wait(), 60)
        await eventually(lambda: redis.zscore(KEYS.cancelled(), queued.id))
    assert (await Queue("work", redis=redis, clock=client.clock).retry([queued.id], actor="ops")).done == (queued.id,)


async def test_events_tell_the_story_in_order(bench: Bench) -> None:
    await bench.add("a", attempts=2)
    hand = bench.hand()
    await hand.claim()
    await bench.die("a")
    await bench.queue.pause(actor="ops")
    await bench.queue.resume(actor="ops")
    for _ in range(2):
        (claimed,) = await hand.claim()
        await hand.fail(claimed, ValueError("x"))
        bench.clock.advance(s=600)
    told = list(reversed(await Events(["work"], redis=bench.redis).newest()))
    assert [event.kind for event in told] == ["paused", "resumed", "stalled", "attempt_failed", "buried"]
    assert [event.job_id for event in told] == [None, None, "a", "a", "a"]
    assert (told[3].data["attempt"], told[3].data["attempts"], told[3].data["message"]) == (1, 2, "x")
    assert told[3].data["fp"] == told[4].data["fp"]


@pytest.mark.parametrize("window", [1000, 5000])
async def test_no_window_ever_holds_more_starts_than_allowed(bench: Bench, window: int) -> None:
    await bench.queue.limit(actor="ops", rate_max=3, rate_ms=window)
    await bench.client.enqueue_many("step", [{}] * 60, queue="work")
    starts: list[int] = []
    workers = [bench.hand(f"w{n}") for n in range(3)]
    while len(starts) < 30:
        for worker in workers:
            starts += [bench.clock.now_ms()] * len(await worker.claim(2))
        bench.clock.advance(ms=237)
    assert all(later - first >= window for first, later in zip(starts, starts[3:], strict=False))


async def test_a_full_flow_runs_on_real_workers_across_queues(redis: Redis, redis_url: str, client: Client) -> None:
    async def leaf(ctx: Context, payload: dict[str, Any]) -> int:
        return int(payload["n"])

    async def total(ctx: Context, payload: dict[str, Any]) -> int:
        return sum((await ctx.children_results()).values())

    declare: Callable[..., Any] = job_type
    part = declare("part", queue="parts")(leaf)
    whole = declare("whole", queue="work")(total)
    flow = Flow(whole, {}, [Flow(part, {"n": n}) for n in range(20)])
    root = await client.add_flow(flow)

    def done() -> Awaitable[Any]:
        return redis.zscore(KEYS.completed(), root.id)

    queues = {"work": QueuePolicy(), "parts": QueuePolicy()}
    async with running(job_types=[part, whole], redis_url=redis_url, queues=queues):
        await eventually(done)
    data = await redis.get(KEYS.result(root.id))
    assert data is not None and b"190" in data


async def test_a_worker_leads_and_sweeps_queues_it_does_not_serve(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("step", queue="work")
    async def step(ctx: Context, payload: dict[str, Any]) -> None: ...

    await client.enqueue("other", {}, queue="idle")
    await redis.zadd(Keys("idle").trash(), {"old": 1})

    async def swept() -> bool:
        return not await redis.exists(Keys("idle").trash())

    async def resigned() -> bool:
        return not await redis.exists(GLOBAL.leader())

    async with running(job_types=[step], redis_url=redis_url):
        await eventually(swept)
        assert not await resigned()
    await eventually(resigned)
