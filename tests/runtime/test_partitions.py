"""Partitioned queues: where jobs go, order per key, shared slots, limits; and on a cluster, over its primaries."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError

from qconsole.errors import PayloadInvalid
from qconsole.redis.connect import connect
from qconsole.redis.slots import slot_of
from qconsole.runtime import Client, Context, Dedup, QueuePolicy, Rate, Retention, job_type
from qconsole.runtime.keys import Keys
from qconsole.runtime.lane import Lane
from qconsole.runtime.partitions import SharedSlots, partition_names, partition_of, policy_of_partition
from qconsole.runtime.server_clock import ServerClock
from tests.runtime.running import run_burst, running
from tests.support import eventually

COUNT = 4
NAMES = partition_names("email", COUNT)
seen: list[tuple[str, int]] = []


@job_type("ordered", queue="email")
async def ordered(ctx: Context, payload: dict[str, Any]) -> None:
    """Note what ran."""
    seen.append((payload["to"], payload["n"]))


async def _declare(url: str, **policy: Any) -> None:
    await run_burst(job_types=[ordered], queues={"email": QueuePolicy(partitions=COUNT, **policy)}, redis_url=url)


async def _until_declared(redis: Redis, count: int) -> None:
    async def is_declared() -> bool:
        return await redis.hget("qc:{@}:partitions", "email") == str(count).encode()

    await eventually(is_declared)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Client]:
    seen.clear()
    await _declare(redis_url)
    async with await Client.connect(redis_url) as client:
        yield client


async def _waiting(redis: Redis) -> dict[str, int]:
    return {name: await redis.zcard(name) for name in NAMES}


def test_names_and_slots_differ_and_keys_stay() -> None:
    assert NAMES == ["email", "email:1", "email:2", "email:3"]
    assert len({slot_of(f"qc:{{{name}}}:x") for name in NAMES}) == COUNT
    assert {partition_of(f"customer-{n}", COUNT) for n in range(100)} == set(range(COUNT))
    assert partition_of("customer-1", COUNT) == partition_of("customer-1", COUNT)


def test_a_partition_has_an_even_part_of_the_limits() -> None:
    whole = QueuePolicy(
        partitions=4, concurrency=10, global_concurrency=9, rate=Rate(10, 2.0), retention=Retention(1_000, None, None)
    )
    part = policy_of_partition(whole)
    assert (part.concurrency, part.global_concurrency, part.rate) == (2, 2, Rate(2, 2.0))
    assert (part.retention.completed, part.retention.failed, part.partitions) == (250, None, 1)
    with pytest.raises(ValueError, match=r"rate\.max must be at least 4"):
        QueuePolicy(partitions=4, rate=Rate(3))
    with pytest.raises(ValueError, match="global_concurrency must be at least 4"):
        QueuePolicy(partitions=4, global_concurrency=2)
    with pytest.raises(ValueError, match="partitions must be 1 to"):
        QueuePolicy(partitions=0)


async def test_jobs_without_a_key_take_turns(client: Client, redis: Redis) -> None:
    for n in range(8):
        await client.enqueue(ordered, {"to": "x", "n": n})
    assert await _waiting(redis) == dict.fromkeys(NAMES, 2)
    answer = await client.enqueue_many(ordered, [{"to": "x", "n": n} for n in range(4_000)])
    assert len(set(answer.ids)) == 4_000
    assert await _waiting(redis) == dict.fromkeys(NAMES, 1_002)


async def test_a_key_a_dedup_id_or_a_job_id_chooses_the_partition(client: Client, redis: Redis) -> None:
    by_key = [await client.enqueue(ordered, {"to": "x", "n": n}, key="customer-7") for n in range(5)]
    assert {job.queue for job in by_key} == {NAMES[partition_of("customer-7", COUNT)]}
    first = await client.enqueue(ordered, {"to": "x", "n": 0}, job_id="mine")
    again = await client.enqueue(ordered, {"to": "x", "n": 0}, job_id="mine")
    assert (first.queue, first.created, again.queue, again.created) == (first.queue, True, first.queue, False)
    one = await client.enqueue(ordered, {"to": "x", "n": 0}, dedup=Dedup("digest-7"))
    two = await client.enqueue(ordered, {"to": "x", "n": 1}, dedup=Dedup("digest-7"))
    assert (two.id, two.queue, two.created) == (one.id, one.queue, False)


async def test_a_bulk_answers_in_the_order_of_its_payloads(client: Client, redis: Redis) -> None:
    payloads = [{"to": f"c{n % 50}", "n": n} for n in range(3_000)]
    ids = [f"id-{n}" for n in range(3_000)]
    answer = await client.enqueue_many(ordered, payloads, job_ids=ids, key=lambda payload: payload["to"])
    assert list(answer.ids) == ids
    assert not answer.duplicates
    some = slice(1_900, 1_910)
    again = await client.enqueue_many(ordered, payloads[some], job_ids=ids[some], key=lambda payload: payload["to"])
    assert [duplicate.index for duplicate in again.duplicates] == list(range(10))
    with pytest.raises(PayloadInvalid) as refused:
        await client.enqueue_many(ordered, [*payloads[:7], "no payload"])
    assert refused.value.fields["index"] == 7


async def test_jobs_of_one_key_run_in_order_and_every_partition_is_served(redis_url: str, client: Client) -> None:
    payloads = [{"to": f"c{n % 20}", "n": n} for n in range(2_000)]
    await client.enqueue_many(ordered, payloads, key=lambda payload: payload["to"])
    await _declare(redis_url, concurrency=4)
    assert len(seen) == 2_000
    for to in {payload["to"] for payload in payloads}:
        numbers = [n for key, n in seen if key == to]
        assert numbers == sorted(numbers)


async def test_a_plain_producers_jobs_are_served_as_partition_0(redis_url: str, client: Client, redis: Redis) -> None:
    assert await redis.hgetall("qc:{@}:partitions") == {b"email": b"4"}
    job = await client.enqueue(ordered, {"to": "plain", "n": 1}, queue="email:3")
    assert job.queue == "email:3"
    await _declare(redis_url)
    assert seen == [("plain", 1)]
    await run_burst(job_types=[ordered], redis_url=redis_url)
    assert await redis.hgetall("qc:{@}:partitions") == {}


async def test_a_busy_partition_uses_what_idle_ones_leave_and_gives_it_back(redis_url: str, redis: Redis) -> None:
    go_on = asyncio.Event()
    running_now: Counter[str] = Counter()

    @job_type("held", queue="email")
    async def held(ctx: Context, payload: dict[str, Any]) -> None:
        running_now[ctx.queue] += 1
        if payload["n"]:
            await asyncio.sleep(0.01)
        else:
            await go_on.wait()
        running_now[ctx.queue] -= 1

    policy = QueuePolicy(partitions=2, concurrency=10)
    async with (
        running(job_types=[held], queues={"email": policy}, redis_url=redis_url) as worker,
        await Client.connect(redis_url) as client,
    ):
        await _until_declared(redis, 2)
        await client.enqueue_many(held, [{"n": 0}] * 30, key=lambda _: "one")
        busy = NAMES[partition_of("one", 2)]
        idle = next(name for name in NAMES[:2] if name != busy)
        await eventually(lambda: running_now[busy] == 10)
        await client.enqueue_many(held, [{"n": 1}] * 5, queue=idle)
        go_on.set()
        await eventually(lambda: worker.jobs_complete == 35)
        go_on.clear()
        await client.enqueue_many(held, [{"n": 0}] * 30, key=lambda _: "one")
        await eventually(lambda: running_now[busy] == 10)
        await client.enqueue_many(held, [{"n": 1}] * 5, queue=idle)
        go_on.set()
        await eventually(lambda: worker.jobs_complete == 70 and not any(lane.taken for lane in worker.lanes))


def test_slots_go_round() -> None:
    class Fake:
        def __init__(self) -> None:
            self.taken, self.wants, self.attention = 0, True, asyncio.Event()

    shared, lanes = SharedSlots(10, 3), [Fake(), Fake(), Fake()]
    for lane in lanes:
        shared.join(lane)  # type: ignore[arg-type]
    free = [shared.free(lane) for lane in lanes]  # type: ignore[arg-type]
    assert free == [4, 4, 4]
    lanes[1].wants = lanes[2].wants = False
    assert shared.free(lanes[0]) == 10  # type: ignore[arg-type]
    lanes[0].taken, lanes[1].wants = 10, True
    assert shared.free(lanes[1]) == 0  # type: ignore[arg-type]
    lanes[0].taken = 9
    shared.freed()
    assert lanes[1].attention.is_set()
    assert not lanes[2].attention.is_set()
    assert (shared.free(lanes[0]), shared.free(lanes[1])) == (-2, 1)  # type: ignore[arg-type]
    assert SharedSlots(1, 3)._slots == 3


class Held:
    """A lane's connection whose answers arrive when the test says so, or get lost."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self.asked, self.go_on, self.is_lost = redis, asyncio.Event(), asyncio.Event(), False

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        answer = await self._redis.execute_command(*args, **options)
        self.asked.set()
        await self.go_on.wait()
        if self.is_lost:
            raise ConnectionError("the answer got lost")
        return answer


@pytest.mark.parametrize("is_lost", [False, True])
async def test_slots_asked_for_and_not_taken_go_to_a_partition_that_found_none(redis: Redis, is_lost: bool) -> None:
    shared = SharedSlots(10, 2)

    def lane(queue: str, redis: Any) -> Lane:
        return Lane(
            Keys(queue),
            slots=5,
            policy=QueuePolicy(),
            redis=redis,
            worker_id="w",
            clock=ServerClock(),
            lease_ms=60_000,
            records=True,
            poll_s=600,
            start=lambda lane, claimed: None,
            settled=lambda lane, job_id, token, word: None,
            effects=lambda: None,
            shared=shared,
        )

    held = Held(redis)
    quiet, asking = lane("email", redis), lane("email:1", held)
    assert await quiet.turn() == 0  # found empty: its part is for the other until its next poll
    turn = asyncio.create_task(asking.turn())
    await held.asked.wait()
    assert quiet.pause_s() is None
    held.is_lost = is_lost
    held.go_on.set()
    if is_lost:
        with pytest.raises(ConnectionError):
            await turn
    else:
        assert await turn == 0
    assert quiet.attention.is_set()
    assert quiet.free > 0


async def test_partitions_lie_on_several_primaries_of_a_cluster(cluster_url: str) -> None:
    seen.clear()
    await _declare(cluster_url)
    async with await Client.connect(cluster_url) as client:
        payloads = [{"to": f"c{n % 20}", "n": n} for n in range(400)]
        await client.enqueue_many(ordered, payloads, key=lambda payload: payload["to"])
        redis = connect(cluster_url)
        assert sum((await _waiting(redis)).values()) == 400
        await redis.aclose()
    await _declare(cluster_url, concurrency=8)
    assert sorted(n for _, n in seen) == list(range(400))
    for to in {payload["to"] for payload in payloads}:
        numbers = [n for key, n in seen if key == to]
        assert numbers == sorted(numbers)
