"""The leader, outboxes, retention and events, on a real server."""

import asyncio
import json
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from qconsole.errors import Unrecoverable
from qconsole.runtime.client import Client
from qconsole.runtime.codec import decode_call
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.events import Event, Events
from qconsole.runtime.json_codec import decode_value
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.leader import LEASE_MS, Leader
from qconsole.runtime.outbox import Outbox
from qconsole.runtime.policy import QueuePolicy
from qconsole.runtime.policy import Retention as Kept
from qconsole.runtime.queue import Queue
from qconsole.runtime.retention import RESOLVED_KEPT_MS, Retention
from tests.runtime.hand import Hand
from tests.support import ManualClock

NOW = 1_764_000_000_000
DAY_MS = 86_400_000
EMAIL = Keys("email")


async def write_event(redis: Redis, keys: Keys, *, ms: int, kind: str, job_id: str = "", **data: int) -> None:
    """Append an event as the scripts do."""
    await redis.xadd(keys.events(), {"ms": ms, "kind": kind, "job": job_id, "data": json.dumps(data)})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def client(redis: Redis, clock: ManualClock) -> Client:
    return Client(redis=redis, clock=clock)


@pytest.fixture
def hand(redis: Redis, clock: ManualClock) -> Hand:
    return Hand(redis, clock, "email")


async def bury(client: Client, hand: Hand, *names: str) -> None:
    for name in names:
        await client.enqueue("send", {"to": name}, queue="email", job_id=name)
    await hand.fail_all(Unrecoverable("bad address"))


async def test_a_burial_becomes_one_job_of_the_dead_letter_queue(client: Client, hand: Hand, redis: Redis) -> None:
    await redis.hset(GLOBAL.job_types(), "dead_letter", '{"queue":"dead-letter"}')
    await bury(client, hand, "a", "b")
    outboxes = [Outbox("email", client=client) for _ in range(3)]
    await asyncio.gather(*(outbox.forward() for outbox in outboxes))
    assert await redis.xlen(EMAIL.outbox()) == 0
    ids = await redis.zrange("dead-letter", 0, -1)
    assert [i.decode() for i in ids] == [f"email:a@{NOW}", f"email:b@{NOW}"]
    call = decode_call(await redis.get(f"arq:job:{ids[0].decode()}") or b"")
    assert call is not None and call.job_type == "dead_letter"
    notice = decode_value(call.payload)
    assert (notice["queue"], notice["dead_letter"], notice["cause"]) == ("email", f"a~{NOW}", "unrecoverable")
    assert (notice["payload"], notice["message"], notice["error_type"]) == (
        {"to": "a"},
        "bad address",
        "Unrecoverable",
    )


async def test_burials_are_not_announced_when_nobody_declared_what_to_do(
    client: Client, hand: Hand, redis: Redis
) -> None:
    await bury(client, hand, "a")
    assert await Outbox("email", client=client).forward() == 1
    assert (await redis.xlen(EMAIL.outbox()), await redis.zcard("dead-letter")) == (0, 0)


async def test_the_dead_letter_queue_does_not_announce_its_own_failures(client: Client, redis: Redis) -> None:
    hand = Hand(redis, client.clock, "dead-letter")
    await client.enqueue("dead_letter", {}, queue="dead-letter")
    await hand.fail_all(Unrecoverable("pager is down"))
    assert len(await DeadLetters("dead-letter", redis=redis, clock=client.clock).list()) == 1
    assert await redis.xlen(Keys("dead-letter").outbox()) == 0


async def test_an_effect_of_an_unknown_kind_stays_and_hinders_nobody(client: Client, hand: Hand, redis: Redis) -> None:
    await redis.xadd(EMAIL.outbox(), {"effect": "e1", "kind": "from the future", "to": "email"})
    await bury(client, hand, "a")
    assert await Outbox("email", client=client).forward() == 1
    assert await redis.xlen(EMAIL.outbox()) == 1


async def test_one_leads_until_it_resigns_or_dies(redis: Redis, client: Client) -> None:
    first, second = Leader("w1", client=client), Leader("w2", client=client)
    assert (await first.tick(), await second.tick(), await first.tick()) == (True, False, True)
    assert 0 < await redis.pttl(GLOBAL.leader()) <= LEASE_MS
    await second.resign()
    await first.resign()
    assert await second.tick()
    await redis.delete(GLOBAL.leader())
    assert await first.tick()


async def test_the_leader_forwards_and_trims_every_known_queue(client: Client, hand: Hand, redis: Redis) -> None:
    await bury(client, hand, "a")
    await redis.zadd(EMAIL.trash(), {"old": NOW - 1})
    assert await Leader("w1", client=client).tick()
    assert (await redis.xlen(EMAIL.outbox()), await redis.zcard(EMAIL.trash())) == (0, 0)


async def test_a_queue_that_cannot_be_swept_hinders_no_other(client: Client, hand: Hand, redis: Redis) -> None:
    await bury(client, hand, "a")
    await redis.zadd(GLOBAL.queues(), {"broken": 1})
    await redis.set(Keys("broken").outbox(), "not a stream")
    assert await Leader("w1", client=client).tick()
    assert await redis.xlen(EMAIL.outbox()) == 0


@pytest.mark.parametrize(
    ("kept", "completed", "failed"),
    [
        (Kept(completed=3, completed_age_s=None, failed=2, failed_age_s=None), 3, 2),
        (Kept(completed=None, completed_age_s=100, failed=None, failed_age_s=100), 5, 5),
        (Kept(completed=None, completed_age_s=3.5, failed=None, failed_age_s=1.5), 4, 2),
        (Kept(completed=3, completed_age_s=1.5, failed=1, failed_age_s=4), 2, 1),
        (Kept(completed=0, failed=0), 0, 0),
    ],
)
async def test_ended_jobs_are_kept_by_count_and_age(
    redis: Redis, client: Client, clock: ManualClock, kept: Kept, completed: int, failed: int
) -> None:
    queue = Queue("email", redis=redis, clock=clock)
    policy = QueuePolicy(retention=kept)
    limits = {
        "keep_completed": kept.completed,
        "keep_failed": kept.failed,
        "keep_completed_ms": None if kept.completed_age_s is None else round(kept.completed_age_s * 1000),
        "keep_failed_ms": None if kept.failed_age_s is None else round(kept.failed_age_s * 1000),
    }
    await queue.configure({name: -1 if value is None else value for name, value in limits.items()})
    hand = Hand(redis, clock, "email", policy=policy)
    for n in range(5):
        await client.enqueue("send", {}, queue="email", job_id=f"ok{n}")
        await client.enqueue("send", {}, queue="email", job_id=f"bad{n}")
        for claimed in await hand.claim():
            await (hand.complete(claimed) if "ok" in claimed.id else hand.fail(claimed, Unrecoverable("x")))
        clock.advance(s=1)
    clock.advance(ms=-1000)
    await Retention("email", redis=redis, clock=clock).trim()
    assert (await redis.zcard(EMAIL.completed()), await redis.zcard(EMAIL.failed())) == (completed, failed)
    records = [key async for key in redis.scan_iter(match=EMAIL.record("*"))]
    assert len(records) == failed
    assert len(await DeadLetters("email", redis=redis, clock=clock).list()) == 5


async def test_resolved_dead_letters_go_and_open_ones_stay(
    client: Client, hand: Hand, redis: Redis, clock: ManualClock
) -> None:
    await bury(client, hand, "a", "b")
    letters = DeadLetters("email", redis=redis, clock=clock)
    await letters.discard([f"a~{NOW}"], actor="ops", reason="typo")
    retention = Retention("email", redis=redis, clock=clock)
    clock.advance(ms=RESOLVED_KEPT_MS - 1)
    await retention.sweep()
    assert await letters.get(f"a~{NOW}") is not None
    clock.advance(ms=1)
    await retention.sweep()
    assert await letters.get(f"a~{NOW}") is None
    assert [letter.job_id for letter in await letters.list()] == ["b"]


async def test_events_are_paged_newest_first_over_queues(redis: Redis) -> None:
    keys = [Keys("a"), Keys("b")]
    for n in range(10):
        await write_event(redis, keys[n % 2], ms=NOW + n, kind="note", job_id=f"j{n}", n=n)
    events = Events(["a", "b"], redis=redis)
    first = await events.newest(4)
    rest = await events.newest(20, before={event.queue: event.id for event in first})
    paged = [*first, *rest]
    assert sorted(event.data["n"] for event in paged) == list(range(10))
    assert all(int(a.id.split("-")[0]) >= int(b.id.split("-")[0]) for a, b in pairwise(paged))


async def test_a_tail_yields_what_comes(redis: Redis) -> None:
    await write_event(redis, EMAIL, ms=NOW, kind="old")
    seen: list[Event] = []

    async def follow() -> None:
        async for event in Events(["email", "other"], redis=redis).tail():
            seen.append(event)
            if len(seen) == 1:
                started.set()
            if len(seen) == 3:
                return

    started = asyncio.Event()
    following = asyncio.create_task(follow())
    async with asyncio.timeout(10):
        while not started.is_set():
            await write_event(redis, Keys("other"), ms=NOW, kind="first")
            await asyncio.sleep(0.02)
        for _ in range(2):
            await write_event(redis, EMAIL, ms=NOW, kind="more", job_id="j")
        await following
    assert "old" not in {event.kind for event in seen}
