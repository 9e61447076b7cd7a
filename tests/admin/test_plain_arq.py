"""A Redis that only plain arq has used: its own producers and worker, no key of ours."""

import asyncio
import pickle
from collections.abc import AsyncIterator
from typing import Any

import pytest
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from arq.jobs import Job
from arq.worker import Worker, func
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.admin.filters import parse
from qconsole.admin.job_listing import Order
from qconsole.admin.jobs_page import cursor_of
from qconsole.admin.session import Shared
from qconsole.errors import CapabilityMissing, Conflict
from tests.admin.stock import driven, kill_a_runner

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # arq's own


async def works(ctx: dict[str, Any], number: int) -> int:
    return number * 2


async def fails(ctx: dict[str, Any], *, secret_token: str = "") -> None:
    raise ValueError("no such mailbox")


async def slow(ctx: dict[str, Any]) -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def arq(redis_url: str) -> AsyncIterator[ArqRedis]:
    pool = await create_pool(RedisSettings.from_dsn(redis_url))
    yield pool
    await pool.aclose(close_connection_pool=True)


@pytest.fixture
async def admin(redis_url: str) -> AsyncIterator[Admin]:
    async with await Admin.open(redis_url, actor=Actor("ann", "admin", "cli")) as service:
        yield service


async def burst(redis_url: str) -> None:
    worker = Worker(
        [works, func(fails, max_tries=1)],
        redis_settings=RedisSettings.from_dsn(redis_url),
        burst=True,
        poll_delay=0,
        handle_signals=False,
    )
    await worker.async_run()
    await worker.close()


async def test_its_queues_and_jobs_are_seen_at_once(admin: Admin, arq: ArqRedis) -> None:
    await arq.enqueue_job("works", 1, _job_id="one")
    await arq.enqueue_job("works", 2, _job_id="later", _defer_by=60)
    await arq.enqueue_job("works", 3, _job_id="other", _queue_name="mail")
    views = {view.name: view for view in await admin.queues.list()}
    assert set(views) == {"arq:queue", "mail"}
    assert not views["mail"].native
    assert (views["arq:queue"].counts["waiting"], views["arq:queue"].counts["delayed"]) == (1, 1)
    page = await admin.jobs.page("queue:arq:queue")
    assert [(row.id, row.state, row.job_type, row.summary) for row in page.rows] == [
        ("one", "waiting", "works", "1"),
        ("later", "delayed", "works", "2"),
    ]
    assert (await admin.jobs.get("one")).payload == {"args": [1], "kwargs": {}}
    assert (await admin.jobs.why("one")).code == "no_worker"
    assert (await admin.jobs.page("payload.0:3")).rows[0].id == "other"


async def assert_unread_results_are_no_end(admin: Admin) -> None:
    """A search without time to read the results says that there is more, and where to go on."""
    shared, wanted = admin._shared, parse("state:failed")
    for order in (Order.LISTED, Order.REVERSED):
        sources = shared.listing.sources(wanted, await shared.plain_arq.queues())
        none = await shared.search.slice(wanted, sources, None, limit=5, order=order, time_s=0)
        assert (none.found, none.at_end) == ([], False)
        cursor = cursor_of(f"jobs:{int(order is Order.REVERSED)}:{wanted}", none.last, back=False)
        twin = Admin(Shared(shared.backend), admin.actor)
        page = await twin.jobs.page(wanted, cursor=cursor, reverse=order is Order.REVERSED)
        assert ([row.id for row in page.rows], page.complete) == (["bad"], True)


async def test_results_are_seen_and_failures_retried(admin: Admin, arq: ArqRedis, redis_url: str, redis: Redis) -> None:
    await arq.enqueue_job("works", 21, _job_id="good")
    await arq.enqueue_job("fails", secret_token="abc", _job_id="bad")
    await admin.queues.list()
    await burst(redis_url)
    await assert_unread_results_are_no_end(admin)
    page = await admin.jobs.page("")
    assert sorted((row.id, row.state) for row in page.rows) == [("bad", "failed"), ("good", "completed")]
    assert (await admin.jobs.result("good")) == 42
    view = await admin.jobs.get("bad")
    assert view.error is not None and (view.error.type, view.error.message) == ("ValueError", "no such mailbox")
    assert view.payload["kwargs"] == {"secret_token": "***"}
    assert (await admin.jobs.why("bad")).code == "ended"
    await admin.jobs.retry("bad", reason="again")
    assert (await admin.jobs.get("bad")).row.state == "waiting"
    info = await Job("bad", arq).info()
    assert info is not None and (info.function, info.kwargs) == ("fails", {"secret_token": "abc"})
    await burst(redis_url)
    assert (await admin.jobs.get("bad")).row.state == "failed"


async def test_a_bulk_retry_takes_the_failed_results_only(admin: Admin, arq: ArqRedis, redis_url: str) -> None:
    for number in range(30):
        await arq.enqueue_job(
            "fails" if number % 3 else "works", *([] if number % 3 else [number]), _job_id=f"j{number}"
        )
    await admin.queues.list()
    await burst(redis_url)
    plan = await admin.operations.plan("retry", "queue:arq:queue")
    assert plan.count.value == 20
    await admin.operations.start(plan.operation.id, confirm=plan.confirm_text)
    assert (await driven(admin, plan.operation.id)).done == 20
    assert (await admin.queues.get("arq:queue")).counts["waiting"] == 20


def failed_result(job_id: str, finished_ms: int) -> bytes:
    """Return what plain arq keeps of a failure."""
    return pickle.dumps(
        {
            **{"t": 1, "f": "fails", "a": (), "k": {}, "et": finished_ms, "s": False, "r": ValueError("full")},
            **{"st": finished_ms, "ft": finished_ms, "q": "arq:queue", "id": job_id},
        }
    )


async def test_a_killed_bulk_retry_of_results_goes_on_without_acting_twice(
    admin: Admin, redis: Redis, redis_url: str
) -> None:
    now_ms = admin.clock.now_ms()
    await redis.mset({f"arq:result:j{n:04}": failed_result(f"j{n:04}", now_ms - 5_000 + n) for n in range(1_200)})
    plan = await admin.operations.plan("retry", "queue:arq:queue", rate_per_s=2_000)
    assert plan.count.value == 1_200
    await redis.set("arq:result:late", failed_result("late", plan.operation.bound_ms + 1))
    await admin.operations.start(plan.operation.id, confirm=plan.confirm_text)
    await kill_a_runner(redis, redis_url, plan.operation.id, now_ms)
    put_back = await redis.zrange("arq:queue", 0, -1)
    assert 0 < len(put_back) < 1_200
    worked = [job_id.decode() for job_id in (put_back[0], put_back[-1])]  # by a plain worker; they failed again
    for job_id in worked:
        await redis.zrem("arq:queue", job_id)
        await redis.delete(f"arq:job:{job_id}")
        await redis.set(f"arq:result:{job_id}", failed_result(job_id, plan.operation.bound_ms + 1))
    done = await driven(admin, plan.operation.id)
    assert (done.state, done.done, done.skipped, done.failed) == ("done", 1_200, 0, 0)
    assert await redis.zcard("arq:queue") == 1_198
    assert await redis.exists("arq:result:late", *(f"arq:result:{job_id}" for job_id in worked)) == 3


async def test_priority_and_payload_of_a_waiting_job_are_edited(
    admin: Admin, arq: ArqRedis, redis_url: str, redis: Redis
) -> None:
    for name in ("first", "second"):
        await arq.enqueue_job("works", 1, _job_id=name, _defer_by=60)
    assert {"priority", "edit"} <= await admin.capabilities("arq:queue")
    for name in ("first", "second"):
        await admin.jobs.promote(name)
    await admin.jobs.edit("second", priority=1, payload={"args": [21], "kwargs": {}})
    assert [row.id for row in (await admin.jobs.page("state:waiting")).rows] == ["second", "first"]
    await burst(redis_url)
    assert [await Job(name, arq).result() for name in ("first", "second")] == [2, 42]
    started = [await Job(name, arq).result_info() for name in ("second", "first")]
    assert started[0] is not None and started[1] is not None and started[0].start_time <= started[1].start_time


async def test_run_now_cancel_and_remove_work(admin: Admin, arq: ArqRedis, redis: Redis) -> None:
    for name in ("a", "b", "c"):
        await arq.enqueue_job("works", 1, _job_id=name, _defer_by=60)
    await admin.queues.list()
    await admin.jobs.promote("a")
    assert (await admin.jobs.get("a")).row.state == "waiting"
    await admin.jobs.cancel("b")
    await admin.jobs.remove("c")
    assert {row.id for row in (await admin.jobs.page("state:waiting,delayed")).rows} == {"a"}
    await admin.trash.restore("c")
    assert (await admin.jobs.get("c")).row.state == "delayed"


async def test_a_running_job_is_seen_and_asked_to_stop(
    admin: Admin, arq: ArqRedis, redis_url: str, redis: Redis
) -> None:
    await arq.enqueue_job("slow", _job_id="runs")
    await admin.queues.list()
    worker = Worker(
        [slow],
        redis_settings=RedisSettings.from_dsn(redis_url),
        allow_abort_jobs=True,
        poll_delay=0.01,
        handle_signals=False,
        health_check_interval=1,
    )
    running = asyncio.create_task(worker.async_run())
    try:
        async with asyncio.timeout(10):
            while (await admin.jobs.get("runs")).row.state != "active":
                await asyncio.sleep(0.02)
            page = await admin.jobs.page("state:active")
            assert [(row.id, row.worker) for row in page.rows] == [("runs", "plain arq")]
            assert (await admin.queues.get("arq:queue")).counts["active"] == 1
            applied = await admin.jobs.cancel("runs")
            assert applied.sentence == "Job runs was asked to stop."
            while (await admin.jobs.get("runs")).row.state == "active":
                await asyncio.sleep(0.02)
            plain = [worker for worker in await admin.workers.list() if worker.state == "plain arq"]
            assert [list(worker.queues) for worker in plain] == [["arq:queue"]]
            with pytest.raises(CapabilityMissing, match="plain arq take no commands"):
                await admin.workers.stop(plain[0].id)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.close()


async def test_what_needs_our_runtime_is_said(admin: Admin, arq: ArqRedis) -> None:
    await arq.enqueue_job("works", 1)
    assert "schedules" not in await admin.capabilities("arq:queue")
    assert "retry" in await admin.capabilities("arq:queue")
    assert await admin.dead_letters.groups() == ()
    assert await admin.schedules.list() == ()
    with pytest.raises(CapabilityMissing, match="cannot be paused: only plain arq uses it"):
        await admin.queues.pause("arq:queue")
    assert await admin.queues.pause_all() == ()


async def test_a_pickle_bomb_stays_inert(admin: Admin, redis: Redis, tmp_path: Any) -> None:
    mark = tmp_path / "exploded"

    class Armed:
        def __reduce__(self) -> Any:
            return (open, (str(mark), "w"))

    call = pickle.dumps({"t": 1, "f": "works", "a": (Armed(),), "k": {}, "et": 1})
    await redis.set("arq:job:bomb", call)
    await redis.zadd("arq:queue", {"bomb": 5})
    view = await admin.jobs.get("bomb")
    assert view.payload_format == "pickle" and not view.editable
    assert view.payload["args"][0]["$qc"] == "opaque"
    assert (await admin.jobs.page("payload~exploded")).scanned == 1
    with pytest.raises(Conflict):
        await admin.jobs.retry("bomb")
    assert not mark.exists()
