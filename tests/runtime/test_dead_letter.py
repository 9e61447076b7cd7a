"""Dead letters on a real server: burial, groups, replay, discard, undo."""

import orjson
import pytest
from redis.asyncio import Redis

from qconsole.errors import Unrecoverable, UsageError
from qconsole.runtime.client import Client
from qconsole.runtime.codec import encode_call
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.keys import Keys
from qconsole.runtime.policy import Dedup, Fixed
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
def letters(redis: Redis, clock: ManualClock) -> DeadLetters:
    return DeadLetters("email", redis=redis, clock=clock)


@pytest.fixture
def hand(redis: Redis, clock: ManualClock) -> Hand:
    return Hand(redis, clock, "email")


async def buried(
    client: Client, hand: Hand, clock: ManualClock, *names: str, error: BaseException | None = None
) -> None:
    for name in names:
        await client.enqueue("send", {"to": name}, queue="email", job_id=name, priority=7, attempts=4)
    clock.advance(s=1)
    await hand.fail_all(error or Unrecoverable("bad address"))


async def test_the_last_failure_is_buried_whole(
    client: Client, hand: Hand, letters: DeadLetters, clock: ManualClock, redis: Redis
) -> None:
    queued = await client.enqueue("send", {"to": "a"}, queue="email", attempts=2, backoff=Fixed(1), priority=7)
    call = await redis.get(EMAIL.job(queued.id))
    for _ in range(2):
        clock.advance(s=2)
        await hand.fail_all(ValueError("mailbox 17 is full"))
    (letter,) = await letters.list()
    assert letter.id == f"{queued.id}~{clock.now_ms()}"
    assert (letter.job_id, letter.job_type, letter.payload) == (queued.id, "send", call)
    assert (letter.cause, letter.state, letter.attempts) == ("attempts", "open", 2)
    assert letter.error["message"] == "mailbox 17 is full"
    assert [attempt["attempt"] for attempt in letter.history] == [1, 2]
    assert letter.options["pri"] == "7" and letter.options["attempts"] == "2"
    assert letter.buried_ms == await redis.zscore(EMAIL.failed(), queued.id)


async def test_failures_alike_are_one_group(
    client: Client, hand: Hand, letters: DeadLetters, clock: ManualClock
) -> None:
    await buried(client, hand, clock, "a", error=Unrecoverable("no mailbox 17"))
    await buried(client, hand, clock, "b", "c", error=Unrecoverable("no mailbox 4242"))
    await buried(client, hand, clock, "d", error=KeyError("to"))
    first = (await letters.groups())[0]
    assert (first.open, first.total, first.error_type) == (3, 3, "Unrecoverable")
    assert (first.first_ms, first.last_ms) == (NOW + 1000, NOW + 2000)
    await letters.discard([f"a~{NOW + 1000}"], actor="ops", reason="typo")
    again = (await letters.groups())[0]
    assert (again.open, again.total) == (2, 3)
    assert {letter.job_id for letter in await letters.list(fingerprint=first.fingerprint)} == {"b", "c"}


async def test_a_replay_makes_a_new_job_and_keeps_the_original(
    client: Client, hand: Hand, letters: DeadLetters, clock: ManualClock, redis: Redis
) -> None:
    await buried(client, hand, clock, "a")
    (before,) = await letters.list()
    clock.advance(s=60)
    replays = await letters.replay([before.id, "x~1"], actor="ops", reason="fixed")
    assert replays.skipped == {"x~1": "missing"}
    new_id = replays.done[before.id]
    assert await redis.get(EMAIL.job(new_id)) == before.payload
    record = await redis.hgetall(EMAIL.record(new_id))
    assert record[b"replay_of"] == before.id.encode()
    assert (record[b"pri"], record[b"attempts"]) == (b"7", b"4")
    after = await letters.get(before.id)
    assert after is not None
    assert (after.state, after.replayed_as, after.actor, after.reason) == ("replayed", new_id, "ops", "fixed")
    assert after.resolved_ms == clock.now_ms()
    assert (after.payload, after.history) == (before.payload, before.history)
    assert await letters.list() == ()
    assert (await letters.replay([before.id], actor="ops")).skipped == {before.id: "resolved"}
    assert await hand.run_all() == [new_id]


async def test_replays_can_be_delayed_spread_and_edited(
    client: Client, hand: Hand, letters: DeadLetters, clock: ManualClock, redis: Redis
) -> None:
    await buried(client, hand, clock, "a", "b")
    entries = [letter.id for letter in await letters.list()]
    edited = encode_call("send", b'{"to":"c"}', NOW)
    replays = await letters.replay(entries, actor="ops", delay_ms=1000, spread_ms=500, payload=edited)
    due = [await redis.zscore("email", job_id) for job_id in replays.done.values()]
    assert due == [clock.now_ms() + 1000, clock.now_ms() + 1250]
    assert await redis.get(EMAIL.job(next(iter(replays.done.values())))) == edited


async def test_a_discard_needs_a_reason_and_can_be_undone(
    client: Client, hand: Hand, letters: DeadLetters, clock: ManualClock
) -> None:
    await buried(client, hand, clock, "a")
    (before,) = await letters.list()
    with pytest.raises(UsageError, match="reason"):
        await letters.discard([before.id], actor="ops", reason=" ")
    assert (await letters.discard([before.id, "x~1"], actor="ops", reason="typo")).skipped == (("x~1", "missing"),)
    assert (await letters.discard([before.id], actor="ops", reason="typo")).skipped == ((before.id, "resolved"),)
    assert (await letters.reopen([before.id])).done == (before.id,)
    assert await letters.list() == (before,)
    assert (await letters.reopen([before.id])).skipped == ((before.id, "open"),)


async def test_a_replay_is_undone_only_before_its_job_starts(
    client: Client, hand: Hand, letters: DeadLetters, clock: ManualClock, redis: Redis
) -> None:
    await buried(client, hand, clock, "a", "b")
    first, second = [letter.id for letter in await letters.list()]
    replays = await letters.replay([first, second], actor="ops", delay_ms=5000)
    assert (await letters.reopen([first])).done == (first,)
    assert await redis.zrange("email", 0, -1) == [replays.done[second].encode()]
    clock.advance(s=6)
    await hand.claim()
    assert (await letters.reopen([second])).skipped == ((second, "started"),)


async def test_a_note_is_kept(client: Client, hand: Hand, letters: DeadLetters, clock: ManualClock) -> None:
    await buried(client, hand, clock, "a")
    (letter,) = await letters.list()
    assert await letters.note(letter.id, "customer told")
    assert not await letters.note("x~1", "customer told")
    found = await letters.get(letter.id)
    assert found is not None and found.note == "customer told"


async def test_a_replay_waits_its_turn_behind_a_job_of_the_same_dedup_id(
    client: Client, hand: Hand, letters: DeadLetters, clock: ManualClock
) -> None:
    await client.enqueue("send", {}, queue="email", dedup=Dedup("d"))
    await hand.fail_all(Unrecoverable("x"))
    (letter,) = await letters.list()
    await client.enqueue("send", {}, queue="email", dedup=Dedup("d"))
    assert (await letters.replay([letter.id], actor="ops")).skipped == {letter.id: "duplicate"}
    await hand.run_all()
    replays = await letters.replay([letter.id], actor="ops")
    assert not (await client.enqueue("send", {}, queue="email", dedup=Dedup("d"))).created
    assert await hand.run_all() == list(replays.done.values())


async def test_a_burial_is_announced_once_to_the_dead_letter_queue(
    client: Client, hand: Hand, clock: ManualClock, redis: Redis
) -> None:
    await buried(client, hand, clock, "a")
    ((_, effect),) = await redis.xrange(EMAIL.outbox())
    assert effect[b"kind"] == b"dead_letter"
    assert effect[b"entry"] == f"a~{clock.now_ms()}".encode()
    ((_, event),) = [e for e in await redis.xrange(EMAIL.events()) if e[1][b"kind"] == b"buried"]
    assert orjson.loads(event[b"data"])["cause"] == "unrecoverable"
