import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from qconsole.clock import SystemClock
from qconsole.errors import RedisUnavailable
from qconsole.web.live import BACKLOG, LiveFeed, RefreshBudget, changed, cost_of, flatten


class Counter:
    """A snapshot that counts how often it was read."""

    def __init__(self) -> None:
        self.reads = 0
        self.away = False
        self.steady: dict[str, Any] | None = None

    async def __call__(self) -> dict[str, Any]:
        self.reads += 1
        if self.away:
            raise RedisUnavailable("Redis is away")
        return self.steady or {"queues": {"email": {"waiting": self.reads}}}


def feed_of(counter: Counter) -> LiveFeed:
    feed = LiveFeed(snapshot=counter, clock=SystemClock(), interval_ms=500)
    feed._interval_s = 0.01
    return feed


def decode(event: bytes) -> tuple[str, dict[str, Any]]:
    head, data = event.decode().strip().split("\n")
    return head.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))


async def take(events: AsyncIterator[bytes], wanted: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        async for event in events:
            name, data = decode(event)
            if name == wanted:
                return data
    raise AssertionError(f"the stream ended without {wanted}")


async def test_viewers_share_one_poller_which_ends_with_the_last() -> None:
    counter = Counter()
    feed = feed_of(counter)
    assert counter.reads == 0
    streams = [feed.subscribe("ada" if i < 5 else "bob") for i in range(12)]
    for stream in streams:
        await take(stream, "full")
    assert (feed.viewers, feed.viewers_named("ada"), feed.viewers_named("eve")) == (12, 5, 0)
    reads = counter.reads
    await take(streams[0], "diff")
    assert counter.reads - reads < 12
    for stream in streams:
        await stream.aclose()
    assert feed.viewers == 0
    after = counter.reads
    await asyncio.sleep(0.05)
    assert counter.reads == after


async def test_only_what_changed_is_sent() -> None:
    assert changed({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4}) == {"b": 5, "d": 4, "c": None}
    assert flatten({"queues": {"a": {"waiting": 1}}, "at": 2}) == {"queues|a|waiting": 1, "at": 2}


async def test_a_viewer_that_does_not_read_gets_the_whole_state_instead_of_a_backlog() -> None:
    counter = Counter()
    feed = feed_of(counter)
    slow, quick = feed.subscribe(), feed.subscribe()
    await take(slow, "full")
    await take(quick, "full")
    seen = counter.reads
    while counter.reads < seen + BACKLOG * 3:
        await take(quick, "diff")
    state = await take(slow, "resync")
    assert state["queues|email|waiting"] >= seen + BACKLOG
    await slow.aclose()
    await quick.aclose()


async def test_losing_redis_is_told_and_coming_back_sends_everything() -> None:
    counter = Counter()
    feed = feed_of(counter)
    stream = feed.subscribe()
    await take(stream, "full")
    counter.away = True
    down = await take(stream, "down")
    assert down["message"] == "Redis is away"
    late = feed.subscribe()
    assert (await take(late, "down"))["since_ms"] == down["since_ms"]
    counter.away = False
    assert "queues|email|waiting" in await take(stream, "full")
    await stream.aclose()
    await late.aclose()


async def test_an_unchanged_snapshot_still_says_that_it_is_fresh() -> None:
    counter = Counter()
    counter.steady = {"a": 1}
    feed = feed_of(counter)
    stream = feed.subscribe()
    await take(stream, "full")
    assert await take(stream, "diff") == {}
    await stream.aclose()


def test_the_refresh_budget_holds_for_all_viewers_together() -> None:
    budget = RefreshBudget(per_s=15.0)
    assert budget.take(30, 0)
    assert not budget.take(30, 0)
    assert not budget.take(30, 900)
    assert budget.take(30, 1_100)
    spent = sum(30 for ms in range(2_000, 62_000, 100) if budget.take(30, ms))
    assert spent <= 60 * 15 + 30


def test_what_a_refresh_costs_follows_the_page() -> None:
    assert cost_of("/") == 60
    assert cost_of("/dlq/groups/x") == 100
    assert cost_of("/settings") == 20


@pytest.mark.parametrize("error", [ValueError("bug"), KeyError("x")])
async def test_a_bug_in_the_snapshot_does_not_end_the_stream(error: Exception) -> None:
    broken = True

    async def snapshot() -> dict[str, Any]:
        if broken:
            raise error
        return {"a": 1}

    feed = LiveFeed(snapshot=snapshot, clock=SystemClock(), interval_ms=500)
    stream = feed.subscribe()
    assert (await take(stream, "down"))["message"] == "the counts cannot be read"
    broken = False
    await stream.aclose()
