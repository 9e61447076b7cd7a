"""Deduplication, flows and retention as their policies say, one story each, on a real server."""

from typing import Any

import pytest
from redis.asyncio import Redis

from qconsole.errors import JobFailed, Unrecoverable
from qconsole.runtime import Dedup, Flow, QueuePolicy, Retention
from qconsole.runtime.attempt import ChildFailed
from qconsole.runtime.codec import decode_call
from qconsole.runtime.flow import children_results
from tests.acceptance.runtime.bench import KEYS, Bench
from tests.runtime.hand import Hand

WINDOW = 5


async def add(bench: Bench, name: str, dedup: Dedup, **payload: Any) -> tuple[str, str]:
    queued = await bench.client.enqueue("step", payload, queue="work", job_id=name, dedup=dedup)
    return queued.verdict, queued.id


async def payload_of(bench: Bench, job_id: str) -> bytes:
    call = decode_call(await bench.redis.get(KEYS.job(job_id)) or b"")
    assert call is not None
    return call.payload


async def test_a_second_job_is_ignored_for_the_window_also_after_the_first_ended(bench: Bench) -> None:
    throttle = Dedup("d", mode="throttle", window_s=WINDOW)
    assert await add(bench, "a", throttle) == ("created", "a")
    assert await bench.hand().run_all() == ["a"]
    assert await add(bench, "b", throttle) == ("duplicate", "a")
    bench.clock.advance(s=WINDOW)
    assert await add(bench, "c", throttle) == ("created", "c")


async def test_each_further_call_extends_the_wait_and_the_last_one_runs_as_it_was_asked(bench: Bench) -> None:
    debounce = Dedup("d", mode="debounce", window_s=WINDOW)
    assert await add(bench, "a", debounce, n=1) == ("created", "a")
    bench.clock.advance(s=WINDOW - 1)
    queued = await bench.client.enqueue(
        "step", {"n": 2}, queue="work", job_id="b", dedup=debounce, priority=1, attempts=9
    )
    assert (queued.verdict, queued.id) == ("replaced", "a")
    bench.clock.advance(s=WINDOW - 1)
    hand = bench.hand()
    assert await hand.claim() == []
    await bench.add("plain")
    bench.clock.advance(s=1)
    urgent, plain = await hand.claim()
    assert (urgent.id, plain.id) == ("a", "plain"), "with the last one's priority"
    assert b'"n":2' in (urgent.payload or b"") and (urgent.record or {})["attempts"] == "9"


async def test_while_one_waits_the_newest_payload_takes_its_place(bench: Bench) -> None:
    last = Dedup("d", mode="keep_last")
    await add(bench, "a", last, n=1)
    assert await add(bench, "b", last, n=2) == ("replaced", "a")
    assert await payload_of(bench, "a") == b'{"n":2}'


async def test_while_one_runs_only_the_newest_follows_it(bench: Bench) -> None:
    last = Dedup("d", mode="keep_last")
    await add(bench, "a", last, n=1)
    hand = bench.hand()
    (running,) = await hand.claim()
    assert await add(bench, "b", last, n=2) == ("follows", "b")
    assert await add(bench, "c", last, n=3) == ("replaced", "b")
    await hand.complete(running)
    assert await hand.claim_ids() == ["b"]
    assert await payload_of(bench, "b") == b'{"n":3}'


async def test_what_follows_never_replaces_a_job_that_took_its_id_meanwhile(bench: Bench) -> None:
    last = Dedup("d", mode="keep_last")
    await add(bench, "a", last)
    hand = bench.hand()
    (running,) = await hand.claim()
    await add(bench, "b", last, n="follows")
    await bench.client.enqueue("step", {"n": "other"}, queue="work", job_id="b")
    await hand.complete(running)
    ran = {claimed.id: claimed.payload or b"" for claimed in await hand.claim()}
    assert len(ran) == 2 and b"other" in ran.pop("b")
    assert all(b"follows" in payload for payload in ran.values())


@pytest.mark.parametrize(
    ("on_fail", "parent", "seen"),
    [
        ("fail_parent", "failed", None),
        ("continue", "completed", {"good": 7, "bad": JobFailed}),
        ("ignore", "completed", {"good": 7}),
        ("removed", "completed", {"good": 7}),
    ],
)
async def test_a_child_that_fails_means_what_its_parent_was_told(
    bench: Bench, on_fail: str, parent: str, seen: dict[str, Any] | None
) -> None:
    policy = {} if on_fail == "removed" else {"on_fail": on_fail}
    children = [
        Flow("step", {}, queue="work", job_id="bad", **policy),
        Flow("step", {}, queue="work", job_id="good", delay_s=1),
    ]
    await bench.client.add_flow(Flow("step", {}, children, queue="work", job_id="p"))
    hand = bench.hand()
    if on_fail == "removed":
        await bench.queue.remove(["bad"], actor="ops")
    else:
        await hand.fail_all(Unrecoverable("no"))
    early = await hand.claim_ids()
    assert early == (["p"] if on_fail == "fail_parent" else []), (
        "only a fatal child lets its parent run at once, to fail"
    )
    bench.clock.advance(s=1)
    if on_fail != "fail_parent":
        (good,) = await hand.claim()
        await hand.complete(good, 7)
        results = await children_results(bench.redis, KEYS, "p")
        assert {k: type(v) if isinstance(v, Exception) else v for k, v in results.items()} == seen
        await hand.run_all()
        assert await bench.state("p") == parent


async def test_a_parent_whose_child_failed_fails_with_the_child_linked_and_is_never_stuck(bench: Bench) -> None:
    child = Flow("step", {}, queue="work", job_id="c")
    await bench.client.add_flow(Flow("step", {}, [child], queue="work", job_id="p"))
    hand = bench.hand()
    await hand.fail_all(Unrecoverable("no"))
    (parent,) = await hand.claim()
    assert (parent.record or {})["child_failed"] == "work\nc"
    await hand.fail(parent, ChildFailed("c"))
    assert await bench.state("p") == "failed"
    assert (await bench.queue.retry(["c"], actor="ops")).done == ("c",)
    assert await bench.state("p") == "waiting_children"
    assert await hand.run_all() == ["c", "p"]


@pytest.mark.parametrize(
    ("retention", "left"),
    [
        (Retention(completed=3, completed_age_s=None), ["7", "8", "9"]),
        (Retention(completed=None, completed_age_s=4), ["5", "6", "7", "8", "9"]),
        (Retention(completed=3, completed_age_s=1), ["8", "9"]),
        (Retention(completed=2, completed_age_s=60), ["8", "9"]),
        (Retention(completed=0, completed_age_s=None), []),
    ],
    ids=["count", "age", "age within count", "count within age", "nothing"],
)
async def test_ended_jobs_are_kept_by_count_by_age_and_by_both(
    bench: Bench, redis: Redis, retention: Retention, left: list[str]
) -> None:
    hand = Hand(redis, bench.clock, "work", policy=QueuePolicy(retention=retention))
    for n in range(10):
        await bench.add(str(n))
        await hand.run_all()
        bench.clock.advance(ms=1000 if n < 9 else 0)
    assert [i.decode() for i in await redis.zrange(KEYS.completed(), 0, -1)] == left
    for n in range(10):
        assert await redis.exists(KEYS.result(str(n))) == (str(n) in left)
