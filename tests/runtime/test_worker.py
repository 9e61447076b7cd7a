"""Workers and declared job types, on a real server."""

import asyncio
import os
import time
from typing import Any

import orjson
import pytest
from pydantic import BaseModel
from redis.asyncio import Redis

from qconsole.errors import RateLimited, RetryLater, Unrecoverable
from qconsole.runtime import Client, Context, Fixed, QueuePolicy, Rate, Retention, job_type
from qconsole.runtime.codec import decode_result
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.queue import Queue
from qconsole.runtime.server_clock import ServerClock
from tests.runtime.running import run_burst, running
from tests.support import eventually

KEYS = Keys("work")


class Order(BaseModel):
    number: int = 0


@pytest.fixture
def client(redis: Redis) -> Client:
    return Client(redis=redis)


async def result_of(redis: Redis, job_id: str) -> Any:
    data = await redis.get(KEYS.result(job_id))
    return decode_result(data) if data else None


async def record_of(redis: Redis, job_id: str) -> dict[bytes, bytes]:
    return await redis.hgetall(KEYS.record(job_id))


async def test_a_job_runs_once_and_leaves_its_result_and_an_index_entry(
    redis: Redis, redis_url: str, client: Client
) -> None:
    runs: list[int] = []

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> dict[str, int]:
        runs.append(payload.number)
        return {"number": payload.number}

    queued = await client.enqueue(order, Order(number=7), priority=2)
    worker = await run_burst(job_types=[order], redis_url=redis_url)
    assert runs == [7]
    assert worker.jobs_complete == 1
    result = await result_of(redis, queued.id)
    assert (result.success, result.result(), result.attempt, result.priority) == (True, {"number": 7}, 1, 2)
    assert await redis.zscore(KEYS.completed(), queued.id)
    assert not await redis.exists(KEYS.queue, KEYS.active(), KEYS.leases(), KEYS.job(queued.id))


async def test_jobs_start_by_priority_and_first_in_first_out_within_it(redis_url: str, client: Client) -> None:
    started: list[int] = []

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        started.append(payload.number)

    for number, priority in enumerate((5, 9, 1, 5, 1, 100, 0)):
        await client.enqueue(order, Order(number=number), priority=priority)
    await run_burst(job_types=[order], redis_url=redis_url, queues={"work": QueuePolicy(concurrency=1)})
    assert started == [6, 2, 4, 0, 3, 1, 5]


async def test_a_failure_is_retried_and_then_buried_with_every_attempt(
    redis: Redis, redis_url: str, client: Client
) -> None:
    @job_type("order", queue="work", attempts=3, backoff=Fixed(0.02), severity="critical")
    async def order(ctx: Context, payload: Order) -> None:
        raise ValueError(f"order {payload.number} is odd, attempt {ctx.attempt} of {ctx.attempts}")

    queued = await client.enqueue(order, Order(number=3))
    worker = await run_burst(job_types=[order], redis_url=redis_url)
    assert (worker.jobs_failed, worker.jobs_retried) == (1, 2)
    (entry,) = await redis.zrange(KEYS.dlq(), 0, -1)
    letter = await redis.hgetall(KEYS.dead_letter(entry.decode()))
    assert (letter[b"cause"], letter[b"severity"], letter[b"attempts"]) == (b"attempts", b"critical", b"3")
    history = orjson.loads(letter[b"history"])
    assert [(a["attempt"], a["outcome"]) for a in history] == [(1, "retry"), (2, "retry"), (3, "failed")]
    result = await result_of(redis, queued.id)
    assert result.error == ("ValueError", "order 3 is odd, attempt 3 of 3")
    assert not await redis.exists(KEYS.retry(queued.id), KEYS.queue)


async def test_unrecoverable_is_buried_at_once(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("order", queue="work", attempts=5)
    async def order(ctx: Context, payload: Order) -> None:
        raise Unrecoverable("no such customer")

    await client.enqueue(order, Order())
    worker = await run_burst(job_types=[order], redis_url=redis_url)
    assert (worker.jobs_failed, worker.jobs_retried) == (1, 0)
    (entry,) = await redis.zrange(KEYS.dlq(), 0, -1)
    assert await redis.hget(KEYS.dead_letter(entry.decode()), "cause") == b"unrecoverable"


async def test_retry_later_uses_up_no_attempt_and_rate_limited_holds_the_queue(
    redis: Redis, redis_url: str, client: Client
) -> None:
    seen: list[tuple[int, int, float]] = []

    @job_type("order", queue="work", attempts=1)
    async def order(ctx: Context, payload: Order) -> None:
        seen.append((payload.number, ctx.attempt, time.monotonic()))
        if payload.number == 0 and len(seen) == 1:
            raise RetryLater(0.01)
        if payload.number == 0 and len([s for s in seen if s[0] == 0]) == 2:
            await client.enqueue(order, Order(number=1))
            raise RateLimited(0.3)

    await client.enqueue(order, Order(number=0))
    await run_burst(job_types=[order], redis_url=redis_url, queues={"work": QueuePolicy(concurrency=1)})
    assert [(number, attempt) for number, attempt, _ in seen if number == 0] == [(0, 1), (0, 1), (0, 1)]
    held_from = [at for number, _, at in seen if number == 0][1]
    assert min(at for number, _, at in seen if number == 1) - held_from >= 0.29


async def test_a_timeout_is_an_attempt_that_failed(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("order", queue="work", attempts=1, timeout_s=0.05)
    async def order(ctx: Context, payload: Order) -> None:
        await asyncio.sleep(30)

    queued = await client.enqueue(order, Order())
    await run_burst(job_types=[order], redis_url=redis_url)
    result = await result_of(redis, queued.id)
    assert result.error[0] == "JobTimeout"


async def test_a_running_job_is_cancelled_long_before_its_end(redis: Redis, redis_url: str, client: Client) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        started.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    queued = await client.enqueue(order, Order())
    async with running(job_types=[order], redis_url=redis_url):
        await asyncio.wait_for(started.wait(), 60)
        await Queue("work", redis=redis, clock=ServerClock()).cancel([queued.id])
        await asyncio.wait_for(ended.wait(), 20)
        await eventually(lambda: redis.zscore(KEYS.cancelled(), queued.id))
    assert (await result_of(redis, queued.id)).cancelled
    assert await redis.zcard("arq:abort") == 0


async def test_progress_and_log_lines_arrive_while_the_job_runs(redis: Redis, redis_url: str, client: Client) -> None:
    go_on = asyncio.Event()

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        ctx.progress({"percent": 40})
        ctx.log("read the \ud800 file")
        await go_on.wait()
        ctx.log("last words")

    queued = await client.enqueue(order, Order())
    async with running(job_types=[order], redis_url=redis_url):
        await eventually(lambda: redis.hget(KEYS.record(queued.id), "progress"))
        assert orjson.loads((await record_of(redis, queued.id))[b"progress"]) == {"percent": 40}
        go_on.set()
        await eventually(lambda: redis.zscore(KEYS.completed(), queued.id))
        lines = [orjson.loads(line)["line"] for line in await redis.lrange(KEYS.log(queued.id), 0, -1)]
    assert lines == ["read the ? file", "last words"]


@job_type("aside", queue="work", executor="process", timeout_s=60, attempts=1)
def in_a_process(ctx: Context, payload: Order) -> dict[str, Any]:
    ctx.progress(50)
    ctx.log("from a process")
    if payload.number == 1:
        raise LookupError("nothing there")
    if payload.number == 2:
        os._exit(3)
    if payload.number == 3:
        time.sleep(60)
    return {"pid": os.getpid()}


@job_type("thread", queue="work", executor="thread")
def in_a_thread(ctx: Context, payload: Order) -> str:
    ctx.log("from a thread")
    return f"order {payload.number}"


async def test_a_handler_in_a_process_answers_fails_dies_and_is_killed_alone(
    redis: Redis, redis_url: str, client: Client
) -> None:
    ids = [(await client.enqueue(in_a_process, Order(number=n), timeout_s=2 if n == 3 else None)).id for n in range(4)]
    await asyncio.wait_for(run_burst(job_types=[in_a_process], redis_url=redis_url), 120)
    ok, failed, died, late = [await result_of(redis, job_id) for job_id in ids]
    assert ok.result()["pid"] != os.getpid()
    assert failed.error == ("LookupError", "nothing there")
    assert died.error[0] == "ProcessDied" and "exit code 3" in died.error[1]
    assert late.error[0] == "JobTimeout"
    assert await redis.hget(KEYS.record(ids[0]), "progress") == b"50"


async def test_a_handler_in_a_thread_may_log(redis: Redis, redis_url: str, client: Client) -> None:
    queued = await client.enqueue(in_a_thread, Order(number=4))
    await run_burst(job_types=[in_a_thread], redis_url=redis_url)
    assert (await result_of(redis, queued.id)).result() == "order 4"
    assert await redis.llen(KEYS.log(queued.id)) == 1


async def test_an_unknown_job_type_and_a_broken_payload_become_dead_letters(
    redis: Redis, redis_url: str, client: Client
) -> None:
    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None: ...

    await client.enqueue("nobody_has_it", {"x": 1}, queue="work", job_id="unknown")
    await client.enqueue("order", {"number": "many"}, queue="work", job_id="invalid")
    await redis.set(KEYS.job("broken"), b"\x00\x01 not a call")
    await redis.zadd("work", {"broken": 1_700_000_000_000, "vanished": 1_700_000_000_001})
    await run_burst(job_types=[order], redis_url=redis_url)
    causes = {}
    for entry in await redis.zrange(KEYS.dlq(), 0, -1):
        letter = await redis.hgetall(KEYS.dead_letter(entry.decode()))
        causes[letter[b"job_id"].decode()] = letter[b"cause"].decode()
    assert causes == {
        "unknown": "unrecoverable",
        "invalid": "undecodable",
        "broken": "undecodable",
        "vanished": "expired",
    }


async def test_an_expired_job_ends_in_a_dead_letter_without_running(
    redis: Redis, redis_url: str, client: Client
) -> None:
    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        raise AssertionError("must not run")

    queued = await client.enqueue(order, Order(), expires_s=0.001)
    await asyncio.sleep(0.01)
    await run_burst(job_types=[order], redis_url=redis_url)
    (entry,) = await redis.zrange(KEYS.dlq(), 0, -1)
    assert await redis.hget(KEYS.dead_letter(entry.decode()), "cause") == b"expired"
    assert (await result_of(redis, queued.id)).error[0] == "Expired"


async def test_no_window_holds_more_starts_than_the_rate_allows(redis: Redis, redis_url: str, client: Client) -> None:
    starts: list[float] = []

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        starts.append(time.monotonic())

    await client.enqueue_many(order, [Order(number=n) for n in range(12)])
    policy = QueuePolicy(rate=Rate(4, per_s=0.3))
    await asyncio.gather(
        *(run_burst(job_types=[order], redis_url=redis_url, queues={"work": policy}) for _ in range(2))
    )
    assert len(starts) == 12
    starts.sort()
    # a claim's time is exact; a handler starts later, on a busy machine by much
    assert all(starts[i + 4] - starts[i] > 0.15 for i in range(8))


async def test_workers_together_run_no_more_than_the_global_concurrency(redis_url: str, client: Client) -> None:
    now, most = 0, 0

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1

    await client.enqueue_many(order, [Order(number=n) for n in range(20)])
    policy = QueuePolicy(concurrency=10, global_concurrency=3)
    await asyncio.gather(
        *(run_burst(job_types=[order], redis_url=redis_url, queues={"work": policy}) for _ in range(3))
    )
    assert most == 3


async def test_ended_jobs_are_kept_by_count_exactly(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None: ...

    many = await client.enqueue_many(order, [Order(number=n) for n in range(60)])
    policy = QueuePolicy(retention=Retention(completed=7))
    await run_burst(job_types=[order], redis_url=redis_url, queues={"work": policy})
    kept = [i.decode() for i in await redis.zrange(KEYS.completed(), 0, -1)]
    assert len(kept) == 7
    assert {key.decode() for key in await redis.keys("arq:result:*")} == {f"arq:result:{i}" for i in kept}
    assert set(kept) <= set(many.ids)


async def test_an_idle_worker_is_woken_rather_than_polls(redis_url: str, client: Client) -> None:
    started = asyncio.Event()

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        started.set()

    async with running(job_types=[order], redis_url=redis_url, poll_delay=30) as worker:
        await eventually(lambda: worker.lanes and worker.lanes[0].idle.is_set())
        await client.enqueue(order, Order())
        await asyncio.wait_for(started.wait(), 20)


async def test_a_worker_is_registered_obeys_commands_and_leaves(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None: ...

    async with running(job_types=[order], redis_url=redis_url, deploy="v7", poll_delay=0.02) as worker:
        key = GLOBAL.worker(worker.worker_id)
        await eventually(lambda: redis.exists(key))
        shown = await redis.hgetall(key)
        assert (shown[b"deploy"], shown[b"state"], shown[b"pid"]) == (b"v7", b"running", str(os.getpid()).encode())
        assert orjson.loads(shown[b"queues"]) == {"work": 10}
        await redis.rpush(GLOBAL.commands(worker.worker_id), '{"command":"quiet"}')
        await eventually(lambda: not worker.may_claim)
        queued = await client.enqueue(order, Order())
        await redis.rpush(GLOBAL.commands(worker.worker_id), '{"command":"resume"}')
        await eventually(lambda: redis.zscore(KEYS.completed(), queued.id))
    assert not await redis.exists(key)


async def test_a_worker_tells_prometheus_about_itself(redis_url: str) -> None:
    async with running(job_types=[in_a_thread], redis_url=redis_url, metrics_port=0) as worker:
        await eventually(lambda: worker.metrics is not None and worker.metrics.port)
        for path, expected in (("/metrics", "qconsole_worker_slots{"), ("/", "404")):
            reader, writer = await asyncio.open_connection("127.0.0.1", worker.metrics.port)  # type: ignore[union-attr]
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert expected in (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()


async def test_what_runs_at_the_end_is_given_back_uncounted(redis: Redis, redis_url: str, client: Client) -> None:
    started = asyncio.Event()

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        started.set()
        await asyncio.sleep(30)

    queued = await client.enqueue(order, Order(), priority=3)
    place = await redis.zscore("work", queued.id)
    async with running(job_types=[order], redis_url=redis_url):
        await asyncio.wait_for(started.wait(), 60)
    assert await redis.zscore("work", queued.id) == place
    assert not await redis.exists(KEYS.in_progress(queued.id), KEYS.retry(queued.id), KEYS.leases(), KEYS.active())
    history = orjson.loads((await record_of(redis, queued.id))[b"history"])
    assert [a["outcome"] for a in history] == ["given back"]


async def test_a_claim_whose_answer_was_lost_is_given_back(redis: Redis, redis_url: str, client: Client) -> None:
    ran: list[str] = []

    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None:
        ran.append(ctx.id)

    async with running(job_types=[order], redis_url=redis_url) as worker:
        await eventually(lambda: worker.lanes and worker.lanes[0].idle.is_set())
        lane = worker.lanes[0]
        call = lane._call

        async def loses_its_answer(*args: Any) -> Any:
            lane._call = call  # type: ignore[method-assign]
            await call(*args)
            raise ConnectionResetError("gone")

        lane._call = loses_its_answer  # type: ignore[method-assign]
        queued = await client.enqueue(order, Order())
        await eventually(lambda: redis.zscore(KEYS.completed(), queued.id))
    assert ran == [queued.id]
    assert not await redis.hexists(KEYS.record(queued.id), "stalls")


async def test_two_queues_in_one_process_have_their_own_slots(redis_url: str, client: Client) -> None:
    release, started = asyncio.Event(), asyncio.Event()

    @job_type("slow", queue="slow")
    async def slow(ctx: Context, payload: Order) -> None:
        await release.wait()

    @job_type("fast", queue="fast")
    async def fast(ctx: Context, payload: Order) -> None:
        started.set()

    await client.enqueue_many(slow, [Order(number=n) for n in range(3)])
    queues = {"slow": QueuePolicy(concurrency=1), "fast": QueuePolicy(concurrency=1)}
    async with running(job_types=[slow, fast], redis_url=redis_url, queues=queues) as worker:
        await eventually(lambda: worker.tasks)
        await client.enqueue(fast, Order())
        await asyncio.wait_for(started.wait(), 60)
        release.set()


async def test_a_settled_job_costs_few_commands(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("order", queue="work")
    async def order(ctx: Context, payload: Order) -> None: ...

    await redis.config_resetstat()
    await client.enqueue_many(order, [Order(number=n) for n in range(1000)])
    await run_burst(job_types=[order], redis_url=redis_url)
    stats = await redis.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    assert sum(calls.values()) / 1000 < 10
    assert calls["evalsha"] / 1000 < 0.2


async def test_a_handler_that_blocks_the_event_loop_shows_as_its_lag(
    redis: Redis, redis_url: str, client: Client
) -> None:
    seen: list[float] = []

    @job_type("block", queue="work")
    async def block(ctx: Context, payload: Order) -> None:
        until_s = time.monotonic() + 20
        while worker.lag_ms < 700 and time.monotonic() < until_s:
            time.sleep(0.05)  # the fault itself: nothing else runs on this loop
        seen.append(worker.lag_ms)

    async with running(job_types=[block], redis_url=redis_url) as worker:
        await client.enqueue(block, Order())
        await eventually(lambda: seen)
        assert seen[0] >= 700
        await eventually(lambda: worker.lag_ms < 700)
