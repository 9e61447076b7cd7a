"""What the runtime and the console ask of Redis, counted and not timed, so that a busy machine does not matter.

The ceilings stand a little above what is measured; a change that needs more raises them on purpose.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.errors import Unrecoverable
from qconsole.runtime import Client, Context, QueuePolicy, job_type
from qconsole.runtime.retention import Retention
from tests.runtime.running import run_burst, running
from tests.support import eventually, server_kind

JOBS = 1_000
PAYLOAD = {"document_id": "doc-1", "tags": ["a", "b"], "note": "x" * 120}
ADMIN = Actor("a", "admin", "cli")


@job_type("cost", queue="cost")
async def cost(ctx: Context, payload: dict[str, object]) -> None:
    """Do nothing."""


@job_type("failing", queue="cost")
async def failing(ctx: Context, payload: dict[str, object]) -> None:
    """Fail for good."""
    raise Unrecoverable("no")


class Commands:
    """Counts the commands a server was given, and how many of them were scripts."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def reset(self) -> None:
        await self._redis.config_resetstat()

    async def counted(self) -> tuple[int, int]:
        """Return all commands, those inside scripts included, and the scripts run, which are the round trips."""
        stats = await self._redis.info("commandstats")
        calls = {name.removeprefix("cmdstat_"): of["calls"] for name, of in stats.items()}
        own = sum(calls.get(name, 0) for name in ("config|resetstat", "info"))
        by_clock = sum(calls.get(name, 0) for name in ("ping", "time", "client|setname"))  # how slow the machine is
        return sum(calls.values()) - own - by_clock, calls.get("evalsha", 0) + calls.get("eval", 0)


@pytest.fixture
def commands(redis: Redis) -> Commands:
    return Commands(redis)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Client]:
    async with await Client.connect(redis_url) as client:
        yield client


async def _bytes_of_all_keys(redis: Redis) -> int:
    """Return what the keys' values take; the server's own figure also moves with buffers and lazy freeing."""
    names = [name async for name in redis.scan_iter(count=1_000)]
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.memory_usage(name, samples=0)
        return sum(await pipe.execute())


async def _drain(url: str) -> None:
    await run_burst(job_types=[cost, failing], queues={"cost": QueuePolicy(concurrency=10)}, redis_url=url)


async def test_a_settled_job_takes_few_commands_and_far_fewer_round_trips(
    redis_url: str, redis: Redis, client: Client, commands: Commands
) -> None:
    await Retention("cost", redis=redis, clock=client.clock).roll_up()  # what a new queue's first leader does once
    await client.enqueue_many(cost, [PAYLOAD] * JOBS)
    await commands.reset()
    await _drain(redis_url)
    every, scripts = await commands.counted()
    assert every / JOBS <= 5
    assert scripts / JOBS <= 0.15


async def test_a_worker_without_a_free_slot_does_not_listen_for_work(
    redis_url: str, redis: Redis, client: Client, commands: Commands
) -> None:
    go_on = asyncio.Event()

    @job_type("held", queue="cost")
    async def held(ctx: Context, payload: dict[str, object]) -> None:
        await go_on.wait()

    await client.enqueue_many(held, [PAYLOAD] * 50)
    async with running(job_types=[held], redis_url=redis_url) as worker:
        await eventually(lambda: worker.lanes and worker.lanes[0].free == 0)
        await commands.reset()
        await eventually(lambda: _calls_at_least(redis, "lpop", 4))  # two seconds of heartbeats
        stats = await redis.info("commandstats")
        assert stats.get("cmdstat_blpop", {"calls": 0})["calls"] <= 2
        go_on.set()
        await eventually(lambda: worker.jobs_complete == 50)


async def _calls_at_least(redis: Redis, command: str, calls: int) -> bool:
    return (await redis.info("commandstats")).get(f"cmdstat_{command}", {"calls": 0})["calls"] >= calls


async def test_enqueueing_takes_one_round_trip_and_few_commands(client: Client, commands: Commands) -> None:
    await client.enqueue(cost, PAYLOAD)
    await commands.reset()
    for _ in range(100):
        await client.enqueue(cost, PAYLOAD)
    every, scripts = await commands.counted()
    assert scripts <= 100
    assert every / 100 <= 5.5


async def test_enqueueing_in_bulk_sends_hundreds_in_a_round_trip(client: Client, commands: Commands) -> None:
    await client.enqueue(cost, PAYLOAD)
    await commands.reset()
    await client.enqueue_many(cost, [PAYLOAD] * JOBS)
    every, scripts = await commands.counted()
    assert scripts <= 4
    assert every / JOBS <= 0.06


# Of a job that waits, and of one that has completed, with its result: each server keeps the same values in its own way.
BYTES_OF_A_JOB = {"valkey": (420, 600), "redis6": (450, 600), "redis7": (465, 680)}


async def test_waiting_and_completed_jobs_take_few_bytes(redis_url: str, redis: Redis, client: Client) -> None:
    waiting, completed = BYTES_OF_A_JOB[server_kind()]
    await client.enqueue_many(cost, [PAYLOAD] * JOBS)
    assert await _bytes_of_all_keys(redis) / JOBS <= waiting
    await _drain(redis_url)
    assert await redis.zcard("qc:{cost}:completed") == JOBS
    assert await _bytes_of_all_keys(redis) / JOBS <= completed


@pytest.mark.parametrize(
    ("filter", "most"),
    [
        ("", 860),
        ("state:waiting", 405),
        ("state:completed", 345),
        ("state:failed", 290),
        ("state:failed type:failing", 570),
    ],
)
async def test_a_page_of_jobs_takes_as_many_commands_whatever_the_queue_holds(
    redis_url: str, client: Client, commands: Commands, filter: str, most: int
) -> None:
    taken = []
    async with await Admin.open(redis_url, actor=ADMIN) as admin:
        for _ in range(2):
            await client.enqueue_many(cost, [PAYLOAD] * 200)
            await client.enqueue_many(failing, [PAYLOAD] * 100)
            await _drain(redis_url)
            await client.enqueue_many(cost, [PAYLOAD] * 200)
            await admin.jobs.page(filter)
            await commands.reset()
            assert len((await admin.jobs.page(filter)).rows) == 50
            taken.append((await commands.counted())[0])
    assert taken[1] <= taken[0]
    assert taken[0] <= most


async def test_a_live_snapshot_takes_few_commands(redis_url: str, client: Client, commands: Commands) -> None:
    await client.enqueue_many(cost, [PAYLOAD] * 100)
    async with await Admin.open(redis_url, actor=ADMIN) as admin:
        await admin.live.snapshot()
        await commands.reset()
        await admin.live.snapshot()
    assert (await commands.counted())[0] <= 80
