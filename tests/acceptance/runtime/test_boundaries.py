"""Where other queues break: order, pauses, far dates, lost leases, ends of workers, each on a real server."""

import asyncio
import json
import signal
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from qconsole.errors import Unrecoverable
from qconsole.runtime import Client, Context, QueuePolicy, every, job_type
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.queue import Queue
from tests.acceptance.runtime.bench import KEYS, Bench
from tests.runtime.running import running
from tests.support import eventually

YEAR_S = 365 * 86_400


async def test_jobs_of_the_highest_priority_start_first_in_first_out_whatever_else_comes(bench: Bench) -> None:
    await bench.add("n1", "n2")
    await bench.add("u1", "u2", priority=0)
    await bench.add("b1", priority=100)
    hand = bench.hand()
    assert await hand.claim_ids(2) == ["u1", "u2"]
    await bench.add("u3", priority=0)
    await bench.add("n3")
    assert await hand.claim_ids() == ["u3", "n1", "n2", "n3", "b1"]


async def test_what_cannot_succeed_is_not_tried_again(bench: Bench) -> None:
    await bench.add("a", attempts=50)
    await bench.hand().fail_all(Unrecoverable("no such customer"))
    (letter,) = await DeadLetters("work", redis=bench.redis, clock=bench.clock).list()
    assert (letter.cause, letter.attempts) == ("unrecoverable", 1)
    assert await bench.state("a") == "failed"


async def test_a_job_may_be_delayed_for_a_century(bench: Bench) -> None:
    await bench.add("far", delay_s=100 * YEAR_S)
    await bench.add("farther", delay_s=100 * YEAR_S, priority=0)
    hand = bench.hand()
    assert await hand.claim() == []
    bench.clock.advance(s=100 * YEAR_S - 1)
    assert await hand.claim() == []
    bench.clock.advance(s=1)
    assert await hand.claim_ids() == ["farther", "far"]


async def test_a_worker_that_lost_its_lease_settles_nothing_although_nobody_took_the_job(bench: Bench) -> None:
    await bench.add("a")
    slow = bench.hand("slow")
    (claimed,) = await slow.claim()
    await bench.die("a")
    await slow.complete(claimed)
    assert slow.lost == [("a", "gone")]
    (again,) = await bench.hand("other").claim()
    assert again.id == "a" and (again.record or {})["stalls"] == "1"


async def test_a_stall_counts_although_the_servers_clock_ends_the_lease_before_the_alarm(bench: Bench) -> None:
    await bench.add("a", priority=1)
    (first,) = await bench.hand("dead").claim()
    bench.clock.advance(s=61)
    other = bench.hand("other")
    assert await other.claim() == []  # by the server's clock the lease still holds: the alarm is moved
    await bench.redis.delete(KEYS.in_progress("a"))
    (again,) = await other.claim()
    assert (again.record or {})["stalls"] == "1"
    assert again.score == first.score
    (attempt,) = json.loads((again.record or {})["history"])
    assert (attempt["outcome"], attempt["worker"]) == ("stalled", "dead")


async def test_after_a_pause_is_acknowledged_no_job_starts(redis: Redis, redis_url: str, client: Client) -> None:
    """Three workers claim as fast as they can; what they hold when the pause is acknowledged is all that still ends."""

    @job_type("quick", queue="work")
    async def quick(ctx: Context, payload: dict[str, Any]) -> None:
        await asyncio.sleep(0.002)

    async def left() -> tuple[int, int]:
        pipe = redis.pipeline(transaction=True)
        pipe.zcard("work")
        pipe.hlen(KEYS.active())
        queued, active = await pipe.execute()
        return queued - active, active

    queue = Queue("work", redis=redis, clock=client.clock)
    rounds = 0
    await client.enqueue_many(quick, [{}] * 5000)
    options = {"job_types": [quick], "redis_url": redis_url, "queues": {"work": QueuePolicy(concurrency=5)}}
    async with running(**options), running(**options), running(**options):
        for _ in range(5):
            before = await left()
            await eventually(lambda before=before: _fewer(left, before[0]))
            await queue.pause(actor="ops")
            waiting, _ = await left()
            await eventually(lambda: _is_idle(left))
            assert (await left())[0] == waiting, "none was claimed after the acknowledgement"
            if not waiting:
                break
            await queue.resume(actor="ops")
            rounds += 1
    assert rounds > 0, "at least one pause came while they were busy"


async def _fewer(left: Any, than: int) -> bool:
    waiting, _ = await left()
    return waiting < than or waiting == 0


async def _is_idle(left: Any) -> bool:
    return (await left())[1] == 0


async def test_a_pause_with_an_end_is_over_on_time_although_nobody_does_anything(
    redis: Redis, redis_url: str, client: Client
) -> None:
    started: list[float] = []

    @job_type("late", queue="work")
    async def late(ctx: Context, payload: dict[str, Any]) -> None:
        started.append(time.monotonic())

    queue = Queue("work", redis=redis, clock=client.clock)
    async with running(job_types=[late], redis_url=redis_url, poll_delay=30) as worker:
        await eventually(lambda: worker.lanes and worker.lanes[0].idle.is_set())
        paused_s = time.monotonic()
        await queue.pause(actor="ops", until_ms=client.clock.now_ms() + 1500)
        await client.enqueue(late)
        await eventually(lambda: started)
    assert started[0] - paused_s >= 1.4
    assert not await redis.exists(KEYS.paused())


async def test_a_paused_schedule_is_silent_and_goes_on_without_making_up(bench: Bench) -> None:
    await bench.scheduler.declare([every("tick", 60, job_type="step", queue="work", missed="all")])
    await bench.scheduler.pause("tick", actor="ops", reason="month's end")
    bench.clock.advance(s=600)
    assert await bench.scheduler.tick() == ()
    await bench.scheduler.resume("tick", actor="ops")
    assert await bench.scheduler.tick() == ()
    bench.clock.set((await bench.scheduler.next_ms()) or 0)
    assert [fired.word for fired in await bench.scheduler.tick()] == ["fired"]


@pytest.mark.parametrize("shutdown_s", [0.5])
async def test_a_worker_that_is_told_to_stop_is_gone_in_time_and_loses_nothing(
    redis: Redis, redis_url: str, client: Client, shutdown_s: float
) -> None:
    @job_type("stubborn", queue="work")
    async def stubborn(ctx: Context, payload: dict[str, Any]) -> None:
        await asyncio.sleep(60)

    queued = await client.enqueue(stubborn)
    async with running(job_types=[stubborn], redis_url=redis_url, shutdown_s=shutdown_s) as worker:
        await eventually(lambda: worker.tasks)
        worker.hear_command(b"stop")
        await eventually(lambda: _is_back(redis, queued.id))
    assert await redis.exists(KEYS.in_progress(queued.id), KEYS.retry(queued.id), KEYS.active()) == 0
    async with running(job_types=[stubborn], redis_url=redis_url) as other:
        await eventually(lambda: other.tasks)


async def test_a_second_signal_gives_everything_back_at_once(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("stubborn", queue="work")
    async def stubborn(ctx: Context, payload: dict[str, Any]) -> None:
        await asyncio.sleep(60)

    queued = await client.enqueue(stubborn)
    async with running(job_types=[stubborn], redis_url=redis_url, shutdown_s=600) as worker:
        await eventually(lambda: worker.tasks)
        worker.handle_sig_wait_for_completion(signal.SIGTERM)
        await eventually(lambda: not worker.may_claim)
        assert worker.tasks, "after the first one what runs goes on"
        worker.handle_sig_wait_for_completion(signal.SIGTERM)
        await eventually(lambda: not worker.tasks)
    assert await _is_back(redis, queued.id)
    assert not await redis.exists(KEYS.retry(queued.id))


async def _is_back(redis: Redis, job_id: str) -> bool:
    return not await redis.exists(KEYS.in_progress(job_id)) and await redis.zscore("work", job_id) is not None
