"""Plain arq beside ours: its producers, handles and workers, and its known bugs, each of which must not live on."""

import asyncio
import inspect
import json
from collections import Counter
from typing import Any

import arq.worker
import pytest
from arq.connections import RedisSettings
from arq.cron import cron
from arq.jobs import Job, JobStatus
from arq.worker import Retry, func
from arq.worker import Worker as ArqWorker
from redis.asyncio import Redis

from qconsole.errors import JobFailed
from qconsole.runtime import Client, Context, QueuePolicy, Retention, job_type
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.keys import Keys
from tests.runtime.running import plain_arq, run_burst, running
from tests.support import eventually

ARQ = Keys("arq:queue")
WORK = Keys("work")


async def add(ctx: dict[Any, Any], a: int, b: int = 1) -> int:
    return a + b


def test_what_our_worker_leans_on_in_arq_is_still_there() -> None:
    ours, theirs = inspect.signature(Worker).parameters, inspect.signature(ArqWorker).parameters
    assert set(theirs) <= set(ours)
    for name in ("main", "close", "handle_sig", "handle_sig_wait_for_completion", "_wait_for_tasks_to_complete",
                 "_sleep_until_tasks_complete", "_jobs_started", "heart_beat", "run_cron", "_poll_iteration",
                 "start_jobs", "async_run", "run_check"):  # fmt: skip
        assert callable(getattr(ArqWorker, name))
    assert arq.worker.keep_cronjob_progress == 60


async def test_a_plain_producer_and_handle_work_with_our_worker(redis: Redis, redis_url: str) -> None:
    async with plain_arq(redis_url) as producer:
        job = await producer.enqueue_job("add", 2, b=3)
        assert job is not None
        await run_burst(functions=[add], redis_url=redis_url)
        assert await job.status() is JobStatus.complete
        assert await job.result(timeout=60, poll_delay=0.01) == 5
        info = await job.result_info()
        assert info is not None and (info.function, info.args, info.kwargs, info.job_try) == ("add", (2,), {"b": 3}, 1)
    # an app of arq's has no policy of ours: its result lives as long as arq says, its end is indexed beside it
    assert 0 < await redis.ttl(ARQ.result(job.job_id)) <= 3600
    assert await redis.zscore(ARQ.completed(), job.job_id)


async def test_a_plain_handle_reads_a_declared_job(redis_url: str, redis: Redis) -> None:
    @job_type("declared", queue="work", attempts=1)
    async def declared(ctx: Context, payload: dict[str, Any]) -> dict[str, int]:
        if payload["n"] < 0:
            raise ValueError("below zero")
        return {"twice": payload["n"] * 2}

    client = Client(redis=redis)
    good, bad = [await client.enqueue(declared, {"n": n}) for n in (4, -1)]
    async with plain_arq(redis_url) as producer:
        handle = Job(good.id, producer, _queue_name="work")
        info = await handle.info()
        assert info is not None and (info.function, info.args, info.kwargs) == ("declared", (), {"n": 4})
        assert await handle.status() is JobStatus.queued
        await run_burst(job_types=[declared], redis_url=redis_url)
        assert await handle.result(timeout=60) == {"twice": 8}
        with pytest.raises(JobFailed, match="ValueError: below zero"):
            await Job(bad.id, producer, _queue_name="work").result(timeout=60)


async def test_a_plain_producer_may_queue_a_declared_job_type(redis_url: str, redis: Redis) -> None:
    seen: list[dict[str, Any]] = []

    @job_type("declared", queue="work")
    async def declared(ctx: Context, payload: dict[str, Any]) -> None:
        seen.append(payload)

    async with plain_arq(redis_url) as producer:
        await producer.enqueue_job("declared", n=1, _queue_name="work")
        await producer.enqueue_job("declared", {"n": 2}, _queue_name="work")
        wrong = await producer.enqueue_job("declared", 1, 2, _queue_name="work")
    await run_burst(job_types=[declared], redis_url=redis_url)
    assert sorted(s["n"] for s in seen) == [1, 2]
    assert wrong is not None and await redis.zscore(WORK.failed(), wrong.job_id)


# arq's own workers leave a pipeline open when they are cancelled in the middle of it
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("forgets", [False, True])
async def test_a_mixed_fleet_loses_nothing_and_runs_nothing_twice(redis_url: str, forgets: bool) -> None:
    runs: Counter[int] = Counter()

    async def count(ctx: dict[Any, Any], n: int) -> int:
        await asyncio.sleep(0.01 + 0.002 * (n % 5))
        runs[n] += 1
        if n % 10 == 0 and ctx["job_try"] == 1:
            raise Retry(defer=0.01)
        return n

    functions = [func(count, name="count", keep_result=0 if forgets else None)]
    plain = [
        ArqWorker(functions, redis_settings=RedisSettings.from_dsn(redis_url), poll_delay=0.01, handle_signals=False)
        for _ in range(2)
    ]
    mains = [asyncio.create_task(worker.main()) for worker in plain]
    async with (
        plain_arq(redis_url) as producer,
        running(functions=functions, redis_url=redis_url, poll_delay=0.01, max_jobs=2),
        running(functions=functions, redis_url=redis_url, poll_delay=0.01, max_jobs=2) as ours,
    ):
        for start in range(0, 300, 50):
            await asyncio.gather(*(producer.enqueue_job("count", n) for n in range(start, start + 50)))
        await eventually(lambda: sum(runs.values()) == 330)
        await eventually(lambda: _is_empty(producer))
        assert ours.jobs_complete > 0
    for main in mains:
        main.cancel()
    await asyncio.gather(*mains, return_exceptions=True)
    with pytest.warns(DeprecationWarning):  # arq closes its pool by a name that redis-py gave up
        for worker in plain:
            await worker.close()
    assert sum(worker.jobs_complete for worker in plain) > 0
    assert runs == Counter({n: 2 if n % 10 == 0 else 1 for n in range(300)})


async def _is_empty(redis: Redis) -> bool:
    return await redis.zcard("arq:queue") == 0


async def test_a_plain_worker_takes_over_the_job_of_a_dead_one(redis: Redis, redis_url: str) -> None:
    ran: list[int] = []

    async def note(ctx: dict[Any, Any]) -> None:
        ran.append(ctx["job_try"])

    async with plain_arq(redis_url) as producer:
        job = await producer.enqueue_job("note")
        assert job is not None
        # a worker of ours claimed it and died: what is left is its lease
        end_ms = await redis.time()
        end = end_ms[0] * 1000 + 200
        await redis.zadd("arq:queue", {job.job_id: end})
        await redis.zadd(ARQ.leases(), {job.job_id: end})
        await redis.hset(ARQ.active(), job.job_id, f"dead.1|dead|{end - 1000}|{end - 1000}|1|{end - 1000}|note")
        await redis.set(ARQ.in_progress(job.job_id), "dead.1", px=200)
        plain = ArqWorker(
            [func(note, name="note")], redis_settings=RedisSettings.from_dsn(redis_url), burst=True, poll_delay=0.02,
            handle_signals=False,
        )  # fmt: skip
        await plain.main()
        with pytest.warns(DeprecationWarning):
            await plain.close()
    assert ran == [1]
    # nothing of the dead worker's stays behind
    await run_burst(functions=[func(note, name="note")], redis_url=redis_url)
    assert ran == [1]
    assert not await redis.exists(ARQ.active(), ARQ.leases())


async def test_arqs_abort_of_a_running_job_aborts_it_once(redis: Redis, redis_url: str) -> None:
    runs = 0

    async def long(ctx: dict[Any, Any]) -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(30)

    async with (
        plain_arq(redis_url) as producer,
        running(functions=[func(long, name="long")], redis_url=redis_url, allow_abort_jobs=True, max_jobs=4),
        running(functions=[func(long, name="long")], redis_url=redis_url, allow_abort_jobs=True, max_jobs=4),
    ):
        job = await producer.enqueue_job("long")
        assert job is not None
        await eventually(lambda: runs)
        # the handle sees a score in the future (the lease), and moves it to 1
        assert await asyncio.wait_for(job.abort(poll_delay=0.02), 60)
    assert runs == 1
    assert not await redis.exists("arq:queue", ARQ.active())


async def test_open_dead_letters_of_an_unchanged_app_are_capped_and_what_went_is_counted(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qconsole.runtime.arq_function.DEAD_LETTERS_KEPT", 2)

    async def fails(ctx: dict[Any, Any]) -> None:
        raise ValueError("no")

    async with plain_arq(redis_url) as producer:
        jobs = [await producer.enqueue_job("fails", _job_id=f"j{n}") for n in range(5)]
    assert all(jobs)
    await run_burst(functions=[func(fails, name="fails")], redis_url=redis_url, max_jobs=1)
    left = [entry.decode().partition("~")[0] for entry in await redis.zrange(ARQ.dlq(), 0, -1)]
    assert left == ["j3", "j4"]
    assert await redis.hget(ARQ.config(), "dead_letters_dropped") == b"3"
    assert len([key async for key in redis.scan_iter("qc:{arq:queue}:dl:*")]) == 2


async def test_a_raising_hook_costs_no_outcome(redis_url: str) -> None:
    async def bad_end(ctx: dict[Any, Any]) -> None:
        raise RuntimeError("hook")

    async with plain_arq(redis_url) as producer:
        job = await producer.enqueue_job("add", 1)
        assert job is not None
        await run_burst(functions=[add], redis_url=redis_url, on_job_end=bad_end, after_job_end=bad_end)
        assert await job.result(timeout=60) == 2


async def test_an_unchanged_cron_job_becomes_a_schedule_with_arqs_ids(redis: Redis, redis_url: str) -> None:
    ran = asyncio.Event()

    async def tick(ctx: dict[Any, Any]) -> None:
        ran.set()

    jobs = [cron(tick, name="cron:tick", second=set(range(60)), microsecond=500_000)]
    async with running(cron_jobs=jobs, redis_url=redis_url):
        await asyncio.wait_for(ran.wait(), 60)
        stored = json.loads(await redis.hget(ARQ.schedules(), "cron:tick") or b"{}")
    assert stored
    ids = {key.decode() for key in await redis.keys("arq:in-progress:cron:tick:*")}
    assert ids and all(int(i.rsplit(":", 1)[1]) % 1000 == 500 for i in ids)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"keep_result": 60}, Retention(None, 61, None, 604_801)),
        ({"keep_result_forever": True}, Retention(None, None, None, None)),
    ],
)
async def test_an_unchanged_app_keeps_its_slots_and_its_results(
    redis_url: str, options: dict[str, Any], kept: Retention
) -> None:
    worker = Worker(functions=[add], redis_url=redis_url, max_jobs=3, handle_signals=False, **options)
    assert worker._policies() == {"arq:queue": QueuePolicy(concurrency=3, retention=kept)}
