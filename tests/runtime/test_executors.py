"""Handlers in threads and processes: honest slots, children's results, and what a process cannot have."""

import asyncio
import logging
import threading
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from qconsole.errors import UsageError
from qconsole.runtime import Client, Context, Flow, QueuePolicy, job_type
from qconsole.runtime.codec import Result, decode_result
from qconsole.runtime.keys import Keys
from tests.runtime.running import run_burst, running
from tests.support import eventually

KEYS = Keys("work")


@pytest.fixture
def client(redis: Redis) -> Client:
    return Client(redis=redis)


async def result_of(redis: Redis, job_id: str) -> Result:
    found = decode_result(await redis.get(KEYS.result(job_id)) or b"")
    assert found is not None
    return found


async def test_a_thread_that_outlives_its_attempt_keeps_its_slot_and_is_shown(
    redis: Redis, redis_url: str, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    let_go, told, ran = threading.Event(), threading.Event(), []

    @job_type("slow", queue="work", executor="thread", timeout_s=0.2, attempts=1)
    def slow(ctx: Context, payload: dict[str, Any]) -> None:
        let_go.wait(30)
        if ctx.cancelled:
            told.set()

    @job_type("quick", queue="work", executor="thread")
    def quick(ctx: Context, payload: dict[str, Any]) -> None:
        ran.append(ctx.id)

    late = await client.enqueue(slow)
    queues = {"work": QueuePolicy(concurrency=1)}
    async with running(job_types=[slow, quick], queues=queues, redis_url=redis_url, metrics_port=0) as worker:
        await eventually(lambda: redis.zscore(KEYS.failed(), late.id))
        waits = await client.enqueue(quick)
        await eventually(lambda: worker.lanes[0].free == 0 and not worker.lanes[0].running)
        shown = orjson.loads(worker.describe()["running"])
        assert [(entry["id"], entry["progress"]) for entry in shown] == [
            (late.id, "ended (timeout), its thread goes on")
        ]
        assert "qconsole_worker_stragglers" in worker._metrics_text()
        assert ran == []
        with caplog.at_level(logging.WARNING, "qconsole.worker"):
            let_go.set()
            await eventually(lambda: redis.zscore(KEYS.completed(), waits.id))
        assert ran == [waits.id] and told.is_set()
        assert "after its attempt ended" in caplog.text
        assert orjson.loads(worker.describe()["running"]) == []
    assert (await result_of(redis, late.id)).error == ("JobTimeout", "the handler ran longer than its timeout of 0.2 s")


async def test_a_thread_that_never_ends_does_not_hold_up_the_shutdown(redis_url: str, client: Client) -> None:
    started, let_go = threading.Event(), threading.Event()

    @job_type("endless", queue="work", executor="thread", timeout_s=None)
    def endless(ctx: Context, payload: dict[str, Any]) -> None:
        started.set()
        let_go.wait(60)

    queued = await client.enqueue(endless)
    async with running(job_types=[endless], redis_url=redis_url):
        await eventually(started.is_set)
    assert await client.redis.zscore("work", queued.id) is not None, "given back"
    let_go.set()


async def test_as_many_threads_run_as_there_are_slots(redis_url: str, client: Client) -> None:
    together = threading.Barrier(40, timeout=20)

    @job_type("meet", queue="work", executor="thread", attempts=1)
    def meet(ctx: Context, payload: dict[str, Any]) -> None:
        together.wait()

    await client.enqueue_many(meet, [{}] * 40)
    worker = await run_burst(job_types=[meet], queues={"work": QueuePolicy(concurrency=40)}, redis_url=redis_url)
    assert (worker.jobs_complete, worker.jobs_failed) == (40, 0)


async def test_what_a_thread_raises_is_its_jobs_failure(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("raises", queue="work", executor="thread", attempts=1)
    def raises(ctx: Context, payload: dict[str, Any]) -> None:
        raise {"stop": StopIteration(3), "exit": SystemExit(2)}[payload["how"]]

    ids = [(await client.enqueue(raises, {"how": how})).id for how in ("stop", "exit")]
    await asyncio.wait_for(run_burst(job_types=[raises], redis_url=redis_url), 20)
    errors = [(await result_of(redis, job_id)).error for job_id in ids]
    assert errors == [("RuntimeError", "the handler raised StopIteration(3)"), ("SystemExit", "2")]


@job_type("leaf", queue="work", attempts=1)
async def leaf(ctx: Context, payload: dict[str, Any]) -> int:
    if payload["n"] == 2:
        raise ValueError("two")
    return int(payload["n"])


def _gather(ctx: Context) -> dict[str, str]:
    return {name: str(value) for name, value in ctx.read_children_results().items()}


@job_type("in_process", queue="work", executor="process", attempts=1)
def in_process(ctx: Context, payload: dict[str, Any]) -> dict[str, str]:
    return _gather(ctx)


@job_type("in_thread", queue="work", executor="thread", attempts=1)
def in_thread(ctx: Context, payload: dict[str, Any]) -> dict[str, str]:
    return _gather(ctx)


@pytest.mark.parametrize("parent", [in_process, in_thread], ids=["process", "thread"])
async def test_a_parent_beside_the_loop_reads_its_childrens_results(
    redis: Redis, redis_url: str, client: Client, parent: Any
) -> None:
    children = [Flow(leaf, {"n": n}, job_id=f"c{n}", on_fail="continue") for n in (1, 2)]
    root = await client.add_flow(Flow(parent, {}, children))
    await asyncio.wait_for(run_burst(job_types=[leaf, parent], redis_url=redis_url), 30)
    results = (await result_of(redis, root.id)).result()
    assert results["c1"] == "1" and "two" in results["c2"]


async def test_a_coroutine_is_told_to_await_its_childrens_results(redis: Redis, redis_url: str, client: Client) -> None:
    @job_type("waits", queue="work", attempts=1)
    async def waits(ctx: Context, payload: dict[str, Any]) -> None:
        ctx.read_children_results()

    queued = await client.enqueue(waits)
    await run_burst(job_types=[waits], redis_url=redis_url)
    error = (await result_of(redis, queued.id)).error
    assert error == ("RuntimeError", "a coroutine handler must use: await ctx.children_results()")


@job_type("wants_resource", queue="work", executor="process", attempts=1)
def wants_resource(ctx: Context, payload: dict[str, Any]) -> None:
    ctx.resources["database"].query()


async def test_a_process_that_asks_for_the_workers_resources_hears_why_it_cannot(
    redis: Redis, redis_url: str, client: Client
) -> None:
    queued = await client.enqueue(wants_resource)
    await asyncio.wait_for(run_burst(job_types=[wants_resource], redis_url=redis_url), 30)
    error = (await result_of(redis, queued.id)).error
    assert error is not None and "the resource 'database' is the worker's own" in error[1]


def test_a_handler_that_no_process_can_import_is_refused_where_it_is_declared() -> None:
    with pytest.raises(UsageError, match="must stand at the top of its module"):

        @job_type("nested", queue="work", executor="process")
        def nested(ctx: Context, payload: dict[str, Any]) -> None: ...
