"""Deduplication on a real server: four modes, and when an id becomes free."""

from typing import Any

import pydantic
import pytest
from redis.asyncio import Redis

from qconsole.errors import Unrecoverable
from qconsole.runtime.client import Client
from qconsole.runtime.codec import decode_call
from qconsole.runtime.enqueued import Enqueued, Verdict
from qconsole.runtime.job_type import Context, job_type
from qconsole.runtime.keys import Keys
from qconsole.runtime.policy import Dedup, Fixed
from qconsole.runtime.queue import Queue
from tests.runtime.hand import Hand
from tests.support import ManualClock

NOW = 1_764_000_000_000
EMAIL = Keys("email")


class Order(pydantic.BaseModel):
    id: str


class Bench:
    """A producer, a worker and an operator on one queue."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.clock = ManualClock(NOW)
        self.client = Client(redis=redis, clock=self.clock)
        self.hand = Hand(redis, self.clock, "email")
        self.queue = Queue("email", redis=redis, clock=self.clock)

    async def add(self, n: int, mode: str, window_s: float | None = None, **options: Any) -> Enqueued:
        dedup = Dedup("d", mode, window_s)
        return await self.client.enqueue("send", {"n": n}, queue="email", dedup=dedup, **options)

    async def payload(self, job_id: str) -> bytes:
        call = decode_call(await self.redis.get(EMAIL.job(job_id)) or b"")
        assert call is not None
        return call.payload


@pytest.fixture
def bench(redis: Redis) -> Bench:
    return Bench(redis)


@pytest.mark.parametrize("state", ["waiting", "delayed", "active", "retrying"])
async def test_until_done_ignores_a_second_one_in_every_state(bench: Bench, state: str) -> None:
    first = await bench.add(1, "until_done", delay_s=5 if state == "delayed" else 0, attempts=3, backoff=Fixed(9))
    if state in ("active", "retrying"):
        (claimed,) = await bench.hand.claim()
        if state == "retrying":
            await bench.hand.fail(claimed, ValueError("x"))
    second = await bench.add(2, "until_done")
    assert (second.created, second.id, second.verdict) == (False, first.id, Verdict.DUPLICATE)
    assert await bench.redis.zcard("email") == 1


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled", "removed"])
async def test_until_done_is_free_when_the_first_has_ended(bench: Bench, end: str) -> None:
    first = await bench.add(1, "until_done")
    if end == "removed":
        await bench.queue.remove([first.id], actor="ops", trash_ms=0)
    elif end == "cancelled":
        await bench.queue.cancel([first.id])
    else:
        (claimed,) = await bench.hand.claim()
        await (bench.hand.complete(claimed) if end == "completed" else bench.hand.fail(claimed, Unrecoverable("x")))
    assert (await bench.add(2, "until_done")).created


async def test_until_done_with_a_window_is_free_after_it_at_the_latest(bench: Bench) -> None:
    await bench.add(1, "until_done", 60)
    bench.clock.advance(s=59)
    assert not (await bench.add(2, "until_done", 60)).created
    bench.clock.advance(s=1)
    assert (await bench.add(3, "until_done", 60)).created


async def test_until_done_does_not_trust_a_job_that_a_plain_worker_ended(bench: Bench) -> None:
    first = await bench.add(1, "until_done")
    await bench.redis.delete(EMAIL.job(first.id))
    await bench.redis.zrem("email", first.id)
    assert (await bench.add(2, "until_done")).created


async def test_throttle_ignores_for_the_window_also_after_the_end(bench: Bench) -> None:
    first = await bench.add(1, "throttle", 60)
    await bench.hand.run_all()
    bench.clock.advance(s=59)
    second = await bench.add(2, "throttle", 60)
    assert (second.verdict, second.id) == (Verdict.DUPLICATE, first.id)
    bench.clock.advance(s=1)
    assert (await bench.add(3, "throttle", 60)).created


async def test_removing_the_first_frees_a_throttle(bench: Bench) -> None:
    first = await bench.add(1, "throttle", 60)
    await bench.queue.remove([first.id], actor="ops")
    assert (await bench.add(2, "throttle", 60)).created


async def test_debounce_runs_the_last_one_a_window_after_it(bench: Bench) -> None:
    first = await bench.add(1, "debounce", 10)
    bench.clock.advance(s=9)
    second = await bench.add(2, "debounce", 10)
    assert (second.verdict, second.id) == (Verdict.REPLACED, first.id)
    bench.clock.advance(s=9)
    assert await bench.hand.claim_ids() == []
    bench.clock.advance(s=1)
    assert await bench.payload(first.id) == b'{"n":2}'
    assert await bench.hand.claim_ids() == [first.id]
    third = await bench.add(3, "debounce", 10)
    assert third.created and third.id != first.id


async def test_debounce_keeps_a_priority(bench: Bench) -> None:
    await bench.add(1, "debounce", 10, priority=1)
    await bench.add(2, "debounce", 10, priority=1)
    await bench.client.enqueue("send", {}, queue="email", job_id="other", delay_s=10)
    bench.clock.advance(s=10)
    assert (await bench.hand.claim_ids())[1] == "other"


async def test_keep_last_replaces_a_job_that_waits(bench: Bench) -> None:
    first = await bench.add(1, "keep_last")
    second = await bench.add(2, "keep_last")
    assert (second.verdict, second.id) == (Verdict.REPLACED, first.id)
    assert await bench.payload(first.id) == b'{"n":2}'


@pytest.mark.parametrize("end", ["completed", "failed"])
async def test_keep_last_runs_the_newest_after_the_one_that_runs(bench: Bench, end: str) -> None:
    first = await bench.add(1, "keep_last")
    (running,) = await bench.hand.claim()
    second = await bench.add(2, "keep_last", attempts=4, priority=7)
    third = await bench.add(3, "keep_last", attempts=4, priority=7)
    assert (second.verdict, third.verdict) == (Verdict.FOLLOWS, Verdict.REPLACED)
    assert second.id == third.id != first.id
    assert await bench.hand.claim_ids() == []
    await (bench.hand.complete(running) if end == "completed" else bench.hand.fail(running, Unrecoverable("x")))
    (follower,) = await bench.hand.claim()
    assert follower.id == second.id
    assert follower.record is not None and follower.record["attempts"] == "4" and follower.record["pri"] == "7"
    fourth = await bench.add(4, "keep_last")
    assert (fourth.verdict, fourth.id != follower.id) == (Verdict.FOLLOWS, True)


async def test_a_bulk_names_the_jobs_that_stand_for_its_duplicates(bench: Bench) -> None:
    def same_tens(payload: dict[str, int]) -> Dedup:
        return Dedup(f"d{payload['n'] // 10}")

    answer = await bench.client.enqueue_many("send", [{"n": n} for n in range(20)], queue="email", dedup=same_tens)
    assert len(answer.duplicates) == 18
    assert set(answer.ids) == {answer.ids[0], answer.ids[10]}
    assert await bench.redis.zcard("email") == 2


async def test_a_job_types_dedup_sees_checked_payloads_in_a_bulk_too(bench: Bench) -> None:
    @job_type("order", queue="email", dedup=lambda order: Dedup(order.id))
    async def order(ctx: Context, payload: Order) -> None: ...

    answer = await bench.client.enqueue_many(order, [{"id": "a"}, Order(id="a"), {"id": "b"}])
    assert [duplicate.index for duplicate in answer.duplicates] == [1]
    assert await bench.redis.zcard("email") == 2
