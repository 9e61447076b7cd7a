"""What operators do to a queue and its jobs, on a real server with a clock set by hand."""

from typing import Any

import pytest
from redis.asyncio import Redis

from qconsole.errors import Unrecoverable, UsageError
from qconsole.runtime.client import Client
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.keys import Keys
from qconsole.runtime.policy import Dedup
from qconsole.runtime.queue import UNLIMITED, Queue
from tests.runtime.hand import Hand
from tests.support import ManualClock

NOW = 1_764_000_000_000
EMAIL = Keys("email")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def client(redis: Redis, clock: ManualClock) -> Client:
    return Client(redis=redis, clock=clock)


@pytest.fixture
def queue(redis: Redis, clock: ManualClock) -> Queue:
    return Queue("email", redis=redis, clock=clock)


@pytest.fixture
def hand(redis: Redis, clock: ManualClock) -> Hand:
    return Hand(redis, clock, "email")


async def add(client: Client, name: str, **options: Any) -> str:
    return (await client.enqueue("send", {"to": name}, queue="email", job_id=name, **options)).id


async def everything(redis: Redis) -> dict[str, Any]:
    """All that is stored, but for what every verb may touch."""
    skip = (EMAIL.events(), EMAIL.wake(), EMAIL.last(), "qc:{@}:queues", *(EMAIL.last_of(p) for p in range(101)))
    kept: dict[str, Any] = {}
    async for key in redis.scan_iter():
        name = key.decode()
        if name in skip:
            continue
        kind = (await redis.type(key)).decode()
        match kind:
            case "string":
                kept[name] = await redis.get(key)
            case "hash":
                kept[name] = await redis.hgetall(key)
            case "zset":
                kept[name] = await redis.zrange(key, 0, -1, withscores=True)
            case "list":
                kept[name] = await redis.lrange(key, 0, -1)
    return kept


async def test_a_paused_queue_gives_no_jobs_until_resumed(client: Client, queue: Queue, hand: Hand) -> None:
    await add(client, "a")
    assert await queue.pause(actor="ops", reason="mail server down")
    assert not await queue.pause(actor="ops", reason="still down")
    assert await hand.claim_ids() == []
    assert await queue.resume(actor="ops")
    assert not await queue.resume(actor="ops")
    assert await hand.claim_ids() == ["a"]


async def test_a_pause_tells_who_why_and_since_when(redis: Redis, queue: Queue, clock: ManualClock) -> None:
    await queue.pause(actor="ops", reason="mail server down", until_ms=NOW + 60_000)
    clock.advance(s=1)
    await queue.pause(actor="eve", reason="moved")
    paused = await redis.hgetall(EMAIL.paused())
    assert paused == {b"reason": b"moved", b"actor": b"eve", b"since_ms": str(NOW).encode(), b"until_ms": b""}
    assert await redis.ttl(EMAIL.paused()) == -1
    kinds = [fields[b"kind"] for _, fields in await redis.xrange(EMAIL.events())]
    assert kinds == [b"paused"]


async def test_a_pause_with_an_end_ends_by_itself(redis: Redis, queue: Queue, clock: ManualClock, hand: Hand) -> None:
    with pytest.raises(UsageError, match="future"):
        await queue.pause(actor="ops", until_ms=NOW)
    await queue.pause(actor="ops", until_ms=NOW + 60_000)
    assert 59_000 < await redis.pttl(EMAIL.paused()) <= 60_000
    clock.advance(s=60)
    await hand.claim()
    await redis.delete(EMAIL.paused())  # as the server does when the time has come
    await hand.claim()
    await hand.claim()
    told = [(fields[b"kind"], fields[b"ms"]) for _, fields in await redis.xrange(EMAIL.events())]
    assert told == [(b"paused", str(NOW).encode()), (b"resumed", str(NOW + 60_000).encode())]


async def test_an_operators_limit_stays_over_the_codes(client: Client, queue: Queue, hand: Hand) -> None:
    for name in "abcdef":
        await add(client, name)
    assert await queue.configure({"concurrency": 5, "keep_failed": 9}) == {"concurrency": 5, "keep_failed": 9}
    assert await queue.limit(actor="ops", concurrency=2) == {"concurrency": 2, "keep_failed": 9}
    assert await queue.configure({"concurrency": 4}) == {"concurrency": 2}
    assert len(await hand.claim_ids()) == 2
    assert await queue.limit(actor="ops", concurrency=None) == {"concurrency": 4}
    assert len(await hand.claim_ids()) == 2
    assert await queue.limit(actor="ops", concurrency=UNLIMITED) == {"concurrency": -1}
    assert len(await hand.claim_ids()) == 2
    with pytest.raises(UsageError, match="concurrency"):
        await queue.limit(actor="ops", concurrency=0)


async def test_a_failed_job_is_retried_with_its_history_and_all_its_attempts(
    client: Client, queue: Queue, hand: Hand, redis: Redis, clock: ManualClock
) -> None:
    await add(client, "a", attempts=1)
    await hand.fail_all(ValueError("no"))
    clock.advance(s=5)
    letters = DeadLetters("email", redis=redis, clock=clock)
    before = await letters.list()
    assert (await queue.retry(["a", "nobody"], actor="ops", reason="fixed")).skipped == (("nobody", "missing"),)
    assert await letters.list() == ()
    (resolved,) = await letters.read([before[0].id])
    assert (resolved.state, resolved.actor, resolved.reason, resolved.replayed_as) == ("replayed", "ops", "fixed", "a")
    (again,) = await hand.claim()
    assert again.retries == 0
    assert again.record is not None and again.record["history"].count("attempt") == 1
    await hand.complete(again)
    assert await redis.zscore(EMAIL.failed(), "a") is None
    assert await redis.zscore(EMAIL.completed(), "a") == clock.now_ms()


async def test_a_retry_can_be_spread_and_edited(client: Client, queue: Queue, hand: Hand, redis: Redis) -> None:
    for name in "abcd":
        await add(client, name)
    await hand.fail_all(Unrecoverable("no"))
    await queue.retry("abcd", actor="ops", delay_ms=100, spread_ms=4000)
    assert [s - NOW for _, s in await redis.zrange("email", 0, -1, withscores=True)] == [100, 1100, 2100, 3100]


async def test_a_retry_says_what_state_kept_a_job_from_it(client: Client, queue: Queue, hand: Hand) -> None:
    await add(client, "runs")
    await hand.claim()
    await add(client, "waits")
    await add(client, "later", delay_s=9)
    changed = await queue.retry(["runs", "waits", "later"], actor="ops")
    assert changed.skipped == (("runs", "active"), ("waits", "waiting"), ("later", "delayed"))


async def test_every_key_of_a_removed_job_is_gone(
    client: Client, queue: Queue, hand: Hand, redis: Redis, clock: ManualClock
) -> None:
    await client.enqueue("warm", {}, queue="other")
    before = await everything(redis)
    await add(client, "waits", priority=1, dedup=Dedup("d"))
    await add(client, "later", delay_s=9, priority=1)
    await add(client, "broken", attempts=1)
    await add(client, "fine")
    for claimed in await hand.claim():
        if claimed.id == "broken":
            await hand.fail(claimed, ValueError("x"))
        elif claimed.id == "fine":
            await hand.complete(claimed)
        else:
            hand.endings(claimed).given_back()
            await hand.settle()
    await redis.rpush(EMAIL.log("fine"), "{}")
    letters = DeadLetters("email", redis=redis, clock=clock)
    names = ["waits", "later", "broken", "fine"]
    changed = await queue.remove([*names, "nobody"], actor="ops", trash_ms=0)
    assert changed.done == tuple(names)
    assert changed.skipped == (("nobody", "missing"),)
    left = {k: v for k, v in (await everything(redis)).items() if k not in before}
    assert {k for k in left if ":dl" not in k and ":m:" not in k and "outbox" not in k} == set()
    assert len(await letters.list()) == 1


async def test_a_running_job_is_not_removed(client: Client, queue: Queue, hand: Hand) -> None:
    await add(client, "a")
    (claimed,) = await hand.claim()
    assert (await queue.remove(["a"], actor="ops")).skipped == (("a", "active"),)
    await hand.complete(claimed)
    assert hand.lost == []


async def test_a_removed_job_comes_back_as_it_was(client: Client, queue: Queue, hand: Hand, redis: Redis) -> None:
    await add(client, "broken", attempts=1, priority=7)
    await hand.fail_all(ValueError("x"))
    await add(client, "waits", dedup=Dedup("d"))
    await add(client, "bulk", priority=10)
    await add(client, "later", delay_s=9, priority=1)
    await redis.rpush(EMAIL.log("broken"), "{}")
    names = ["waits", "bulk", "later", "broken"]
    before = await everything(redis)
    assert (await queue.remove(names, actor="ops", operation="op-1")).done == tuple(names)
    assert await redis.zcard("email") == 0
    until_ms = await redis.zscore(EMAIL.trash(), "waits")
    assert b"op-1" in await redis.hget(EMAIL.trashed(int(until_ms)), "waits")
    assert (await queue.restore([*names, "x"])).skipped == (("x", "missing"),)
    after = await everything(redis)
    before[EMAIL.dedup("d")].pop(b"until_ms"), after[EMAIL.dedup("d")].pop(b"until_ms")
    assert after == before


async def test_a_job_named_twice_is_removed_and_restored_once(client: Client, queue: Queue) -> None:
    await add(client, "a")
    assert (await queue.remove(["a", "a"], actor="ops")).skipped == (("a", "missing"),)
    assert (await queue.restore(["a", "a"])).skipped == (("a", "missing"),)


async def test_a_log_of_a_job_removed_for_good_goes_with_it(client: Client, queue: Queue, redis: Redis) -> None:
    await add(client, "a")
    await redis.rpush(EMAIL.log("a"), "{}")
    assert (await queue.remove(["a"], actor="ops", trash_ms=0)).done == ("a",)
    assert await redis.exists(EMAIL.log("a"), EMAIL.trashed_log("a")) == 0


@pytest.mark.parametrize("trash_ms", [60_000, 86_400_000])
async def test_a_removed_job_gets_no_log_of_an_earlier_one_of_its_id(
    client: Client, queue: Queue, redis: Redis, trash_ms: int
) -> None:
    await add(client, "a")
    await redis.rpush(EMAIL.log("a"), "{}")
    await queue.remove(["a"], actor="ops", trash_ms=trash_ms)
    await add(client, "a")
    await add(client, "b")
    await queue.remove(["a", "b"], actor="ops", trash_ms=trash_ms)
    assert (await queue.restore(["a", "b"])).done == ("a", "b")
    assert not await redis.exists(EMAIL.log("a"))


async def test_a_job_is_not_restored_over_another_of_its_id(client: Client, queue: Queue) -> None:
    await add(client, "a")
    await queue.remove(["a"], actor="ops")
    await add(client, "a")
    assert (await queue.restore(["a"])).skipped == (("a", "exists"),)


async def test_a_waiting_job_is_cancelled_at_once_and_can_be_retried(
    client: Client, queue: Queue, hand: Hand, redis: Redis, clock: ManualClock
) -> None:
    await add(client, "a", dedup=Dedup("d"))
    assert (await queue.cancel(["a", "b"])).skipped == (("b", "missing"),)
    assert await redis.zscore(EMAIL.cancelled(), "a") == NOW
    assert await hand.claim_ids() == []
    assert (await client.enqueue("send", {}, queue="email", dedup=Dedup("d"))).created
    assert (await queue.retry(["a"], actor="ops")).skipped == (("a", "duplicate"),)
    await hand.run_all()
    assert (await queue.retry(["a"], actor="ops")).done == ("a",)
    assert await hand.run_all() == ["a"]


async def test_a_running_job_is_asked_to_stop(client: Client, queue: Queue, hand: Hand, redis: Redis) -> None:
    await add(client, "a")
    await hand.claim()
    assert (await queue.cancel(["a"])).done == ("a",)
    assert await redis.zscore(EMAIL.abort, "a") == NOW


async def test_delayed_jobs_are_promoted_in_order_and_priority(client: Client, queue: Queue, hand: Hand) -> None:
    await add(client, "n", delay_s=5)
    await add(client, "b", delay_s=5, priority=10)
    await add(client, "u", delay_s=5, priority=1)
    await add(client, "w")
    assert (await queue.promote(["n", "b", "u", "w"])).skipped == (("w", "waiting"),)
    assert await hand.claim_ids() == ["u", "w", "n", "b"]


async def test_priority_and_due_time_can_be_changed(client: Client, queue: Queue, hand: Hand) -> None:
    for name in "abc":
        await add(client, name)
    await queue.reprioritise("c", 1)
    await queue.reschedule("a", NOW + 1000)
    assert await hand.claim_ids() == ["c", "b"]
    with pytest.raises(UsageError, match="priority"):
        await queue.reprioritise("a", 101)


async def test_a_priority_changed_to_and_fro_keeps_the_place(
    client: Client, queue: Queue, hand: Hand, clock: ManualClock
) -> None:
    for name in "abc":
        await add(client, name)
        clock.advance(ms=1)
    await queue.reprioritise("a", 1)
    await queue.reprioritise("a", 5)
    assert await hand.claim_ids() == ["a", "b", "c"]


async def test_drain_takes_out_what_waits_and_leaves_what_runs(client: Client, queue: Queue, hand: Hand) -> None:
    await add(client, "runs")
    (running,) = await hand.claim()
    await client.enqueue_many("send", [{}] * 450, queue="email", priority=3)
    await add(client, "later", delay_s=9)
    changed = await queue.drain(actor="ops", delayed=False)
    assert (len(changed.done), changed.skipped) == (450, ())
    assert (await queue.drain(actor="ops")).done == ("later",)
    await hand.complete(running)


async def test_a_hold_can_be_released(queue: Queue, redis: Redis) -> None:
    await redis.set(EMAIL.hold(), "1", px=60_000)
    assert await queue.release_hold()
    assert not await queue.release_hold()
