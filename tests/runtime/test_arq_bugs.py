"""Known bugs of arq: none lives on in our worker. Each docstring names the issue of arq that its test stands for."""

import asyncio
import pickle
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from arq.cron import cron
from arq.worker import Retry, func
from redis.asyncio import Redis

from qconsole.clock import SystemClock
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client, Context, job_type
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.keys import Keys
from qconsole.runtime.queue import Queue
from tests.runtime.running import plain_arq, run_burst, running
from tests.support import eventually

ARQ = Keys("arq:queue")
WORK = Keys("work")
DAY_S = 86_400


async def add(ctx: dict[Any, Any], a: int, b: int = 1) -> int:
    return a + b


async def test_an_abort_of_an_unknown_id_does_not_poison_a_later_job(redis: Redis, redis_url: str) -> None:
    """arq issue 485."""
    async with plain_arq(redis_url) as producer:
        seconds, micros = await redis.time()
        await redis.zadd("arq:abort", {"later": seconds * 1000 + micros // 1000 - 5})
        job = await producer.enqueue_job("add", 1, _job_id="later")
        assert job is not None
        worker = await run_burst(functions=[add], redis_url=redis_url, allow_abort_jobs=True)
        assert (worker.jobs_complete, worker.jobs_failed) == (1, 0)
        assert await job.result(timeout=60) == 2
    assert not await redis.exists("arq:abort")


async def test_exhausted_retries_with_results_kept_for_ever_end_the_job(redis: Redis, redis_url: str) -> None:
    """arq issue 531."""

    async def again(ctx: dict[Any, Any]) -> None:
        raise Retry

    async with plain_arq(redis_url) as producer:
        job = await producer.enqueue_job("again")
        assert job is not None
        functions = [func(again, name="again", max_tries=2, keep_result_forever=True)]
        worker = await run_burst(functions=functions, redis_url=redis_url, keep_result_forever=True)
        assert (worker.jobs_failed, worker.jobs_retried) == (1, 2)
        with pytest.raises(Exception, match="max 2 retries exceeded"):
            await job.result(timeout=60)
    assert await redis.ttl(ARQ.result(job.job_id)) == -1
    assert await redis.zcard(ARQ.dlq()) == 1


async def test_workers_that_share_a_head_all_get_work(redis_url: str) -> None:
    """arq issue 170."""
    release = asyncio.Event()

    async def wait(ctx: dict[Any, Any]) -> None:
        await release.wait()

    functions = [func(wait, name="wait")]
    async with plain_arq(redis_url) as producer:
        for _ in range(60):
            await producer.enqueue_job("wait")
        # a head of jobs that run elsewhere is longer than any worker's slots
        async with (
            running(functions=functions, redis_url=redis_url, max_jobs=20, queue_read_limit=20) as first,
            running(functions=functions, redis_url=redis_url, max_jobs=20, queue_read_limit=20) as second,
            running(functions=functions, redis_url=redis_url, max_jobs=20, queue_read_limit=20) as third,
        ):
            await eventually(lambda: [len(w.tasks) for w in (first, second, third)] == [20, 20, 20])
            release.set()
            await eventually(lambda: first.jobs_complete + second.jobs_complete + third.jobs_complete == 60)


async def test_a_dead_workers_job_is_due_when_its_lease_ends(redis: Redis, redis_url: str) -> None:
    """arq issue 343: its job was stuck for hours."""

    async def day_long(ctx: dict[Any, Any]) -> None: ...

    functions = [func(day_long, name="day_long", timeout=DAY_S), func(add, name="add")]
    started = asyncio.Event()

    async def hang(ctx: dict[Any, Any], a: int) -> None:
        started.set()
        await asyncio.sleep(30)

    async with plain_arq(redis_url) as producer:
        job = await producer.enqueue_job("add", 1)
        assert job is not None
        async with running(functions=[func(hang, name="add")], redis_url=redis_url, lock_s=0.6) as dying:
            await asyncio.wait_for(started.wait(), 60)
            _die(dying)
            async with running(functions=functions, redis_url=redis_url):
                assert await job.result(timeout=60, poll_delay=0.05) == 2
    assert await redis.hget(ARQ.record(job.job_id), "stalls") == b"1"


async def test_jobs_behind_a_dead_workers_long_job_do_not_wait_for_it(redis: Redis, redis_url: str) -> None:
    """arq issue 316: with a timeout of days, jobs stood in the queue and nothing took them."""
    ran: Counter[int] = Counter()

    async def work(ctx: dict[Any, Any], n: int) -> None:
        ran[n] += 1
        if n == 0 and ran[0] == 1:
            await asyncio.sleep(30)

    functions = [func(work, name="work", timeout=3 * DAY_S)]
    async with plain_arq(redis_url) as producer:
        jobs = [await producer.enqueue_job("work", n) for n in range(6)]
        async with running(functions=functions, redis_url=redis_url, lock_s=1.5, max_jobs=1) as dying:
            await eventually(lambda: ran[0])
            _die(dying)
            async with running(functions=functions, redis_url=redis_url, max_jobs=1):
                await eventually(lambda: sum(ran[n] for n in range(1, 6)) == 5)
                assert jobs[0] is not None and (again := await jobs[0].result(timeout=60, poll_delay=0.05)) is None
    assert again is None and ran == Counter({0: 2, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1})


@pytest.mark.parametrize("timeout_s", [2, 3 * DAY_S])
async def test_a_lost_job_comes_back_after_its_lease_whatever_the_timeouts(
    redis: Redis, redis_url: str, timeout_s: int
) -> None:
    """arq issue 402: it came back after the longest timeout of all the worker's functions."""
    ran: list[int] = []

    async def work(ctx: dict[Any, Any]) -> None:
        ran.append(ctx["job_try"])
        if len(ran) == 1:
            await asyncio.sleep(30)

    functions = [func(work, name="work", timeout=timeout_s), func(add, name="add", timeout=3 * DAY_S)]
    async with plain_arq(redis_url) as producer:
        job = await producer.enqueue_job("work")
        assert job is not None
        async with running(functions=functions, redis_url=redis_url, lock_s=0.6) as dying:
            await eventually(lambda: ran)
            assert 0 < await redis.pttl(ARQ.in_progress(job.job_id)) <= 600
            _die(dying)
            async with running(functions=functions, redis_url=redis_url):
                await job.result(timeout=60, poll_delay=0.05)
    assert ran == [1, 1]


def _die(worker: Worker) -> None:
    """As if its process had died: nobody renews its leases, and it takes nothing more."""
    worker.heartbeat.held.clear()
    worker.allow_pick_jobs = False


async def test_a_job_outlives_arqs_day_when_queued_by_us(redis: Redis, redis_url: str) -> None:
    """arq issue 320."""
    await Client(redis=redis).enqueue("add", {"a": 1}, queue="arq:queue", job_id="patient", delay_s=1_000_000)
    assert await redis.ttl(ARQ.job("patient")) == -1
    async with plain_arq(redis_url) as producer:
        gone = await producer.enqueue_job("add", 1, _expires=timedelta(milliseconds=1))
        assert gone is not None
        await eventually(lambda: _is_gone(redis, gone.job_id))
        await run_burst(functions=[add], redis_url=redis_url, max_burst_jobs=1)
    # a plain producer's expiry is not silent either
    (entry,) = await redis.zrange(ARQ.dlq(), 0, -1)
    assert await redis.hget(ARQ.dead_letter(entry.decode()), "cause") == b"expired"


async def test_a_job_retried_past_its_expiry_is_buried_with_its_payload(redis: Redis, redis_url: str) -> None:
    """arq issue 320: after a day of retries it was gone."""

    async def not_yet(ctx: dict[Any, Any], a: int) -> None:
        raise Retry(defer=0.1)

    functions = [func(not_yet, name="not_yet", max_tries=1_000)]
    async with plain_arq(redis_url) as producer:
        job = await producer.enqueue_job("not_yet", 7, _expires=timedelta(seconds=1))
        assert job is not None
        async with running(functions=functions, redis_url=redis_url):
            await eventually(lambda: redis.zcard(ARQ.dlq()))
    (entry,) = await redis.zrange(ARQ.dlq(), 0, -1)
    letter = await redis.hgetall(ARQ.dead_letter(entry.decode()))
    assert (letter[b"cause"], letter[b"job_type"]) == (b"expired", b"not_yet")
    assert pickle.loads(letter[b"payload"])["a"] == (7,)
    assert (await Queue("arq:queue", redis=redis, clock=SystemClock()).retry([job.job_id], actor="ops")).done


async def _is_gone(redis: Redis, job_id: str) -> bool:
    return not await redis.exists(ARQ.job(job_id))


async def test_each_worker_shows_its_own_health(redis: Redis, redis_url: str) -> None:
    """arq issue 276."""
    async with (
        running(functions=[add], redis_url=redis_url, name="a") as a,
        running(functions=[add], redis_url=redis_url, name="b") as b,
    ):
        await eventually(lambda: _registered(redis, a.worker_id, b.worker_id))


async def _registered(redis: Redis, *names: str) -> bool:
    return {name.decode() for name in await redis.zrange("qc:{@}:workers", 0, -1)} == set(names)


async def test_a_cancelled_task_inside_a_job_does_not_stop_the_worker(redis_url: str) -> None:
    """arq issue 466."""

    async def cancels_itself(ctx: dict[Any, Any]) -> None:
        raise asyncio.CancelledError

    async with plain_arq(redis_url) as producer:
        await producer.enqueue_job("cancels_itself")
        await producer.enqueue_job("add", 1)
        functions = [func(cancels_itself, name="cancels_itself", max_tries=2), func(add, name="add")]
        worker = await run_burst(functions=functions, redis_url=redis_url)
    assert (worker.jobs_complete, worker.jobs_failed, worker.jobs_retried) == (1, 1, 2)


async def test_a_worker_outlasts_a_redis_restart_and_settles_what_it_held(tmp_path: Any) -> None:
    """arq issue 498."""
    release = asyncio.Event()

    @job_type("held", queue="work")
    async def held(ctx: Context, payload: dict[str, Any]) -> str:
        await release.wait()
        return "kept"

    server = EmbeddedServer(tmp_path).start()
    url, port = server.url, server.port
    client = await Client.connect(url)
    queued = await client.enqueue(held, {})
    async with running(job_types=[held], redis_url=url) as worker:
        await eventually(lambda: worker.tasks)
        server.stop()
        release.set()
        await eventually(lambda: worker.lanes[0].has_work_for_redis)
        server = EmbeddedServer(tmp_path, port=port).start()
        await eventually(lambda: client.redis.zscore(WORK.completed(), queued.id))
        again = await client.enqueue(held, {})
        await eventually(lambda: client.redis.zscore(WORK.completed(), again.id))
        assert worker.runner.lost == 0
    await client.aclose()
    server.stop()


async def test_cron_jobs_go_on_after_the_connection_was_interrupted(redis: Redis, redis_url: str) -> None:
    """arq issue 435: after an interruption the worker ran no job any more."""
    ticks: Counter[str] = Counter()

    async def tick(ctx: dict[Any, Any]) -> None:
        ticks["cron"] += 1

    every_second = cron(tick, name="cron:tick", second=set(range(60)), microsecond=500_000)
    async with running(cron_jobs=[every_second], functions=[add], redis_url=redis_url) as worker:
        for _ in range(3):
            before = ticks["cron"]
            await eventually(lambda seen=before: ticks["cron"] > seen)
            await redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        before = ticks["cron"]
        async with plain_arq(redis_url) as producer:
            job = await producer.enqueue_job("add", 1)
            assert job is not None and await job.result(timeout=60, poll_delay=0.05) == 2
        await eventually(lambda: ticks["cron"] > before)
        assert worker.runner.lost == 0
