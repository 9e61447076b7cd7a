"""Children added to a job that has not ended: it waits for them, wherever it stands and wherever they go."""

from typing import Any

import pytest
from redis.asyncio import Redis

from qconsole.errors import Conflict, JobFailed, JobNotFound, RetryLater, Unrecoverable, UsageError
from qconsole.runtime import Client, Context, Dedup, Flow, job_type
from qconsole.runtime.enqueued import Enqueued
from qconsole.runtime.invariants import Invariants
from qconsole.runtime.keys import Keys
from tests.runtime.running import running
from tests.runtime.test_flow import Bench
from tests.support import eventually

P = Enqueued("p", "a", True)


@pytest.fixture
def bench(redis: Redis) -> Bench:
    return Bench(redis)


async def add(bench: Bench, name: str, *, queue: str = "a", **options: Any) -> Enqueued:
    queued = await bench.client.enqueue("step", {"name": name}, queue=queue, job_id=name, **options)
    await bench.forward()
    return queued


async def test_a_waiting_job_becomes_a_parent_and_waits(bench: Bench) -> None:
    parent = await add(bench, "p")
    child = await add(bench, "x", parent=parent)
    assert child == Enqueued("x", "a", True)
    assert await bench.state("a", "p") == "waiting_children"
    assert await bench.run("a") == ["x"]
    assert await bench.results("a", "p") == {"x": {"ran": "x"}}
    assert await bench.run("a") == ["p"]


async def test_a_waiting_parent_gets_one_more_in_another_queue(bench: Bench) -> None:
    await bench.client.add_flow(Flow("step", {}, [Flow("step", {}, queue="a", job_id="x")], queue="a", job_id="p"))
    await add(bench, "y", queue="b", parent=P)
    assert await bench.run("a") == ["x"]
    assert await bench.state("a", "p") == "waiting_children"
    assert await bench.run("b") == ["y"]
    assert await bench.run("a") == ["p"]
    assert set(await bench.results("a", "p")) == {"x", "y"}


async def test_a_delayed_parent_still_waits_for_its_time(bench: Bench) -> None:
    await add(bench, "p", delay_s=60, priority=1)
    await add(bench, "x", parent=P)
    assert await bench.run("a") == ["x"]
    assert await bench.run("a") == []
    bench.clock.advance(s=60)
    assert await bench.run("a") == ["p"]


async def test_a_running_parent_waits_when_it_puts_itself_off(bench: Bench) -> None:
    await add(bench, "p")
    (claimed,) = await bench.hand("a").claim()
    await add(bench, "x", queue="b", parent=P)
    await bench.hand("a").fail(claimed, RetryLater(0))
    assert await bench.state("a", "p") == "waiting_children"
    assert await bench.run("a") == []
    assert await bench.run("b") == ["x"]
    assert await bench.run("a") == ["p"]


@pytest.mark.parametrize("is_dead", [True, False])
async def test_a_parent_whose_worker_died_or_gave_it_back_waits_too(bench: Bench, is_dead: bool) -> None:
    await add(bench, "p")
    (claimed,) = await bench.hand("a").claim()
    await add(bench, "x", parent=P)
    if is_dead:
        bench.clock.advance(s=61)
        await bench.redis.delete(Keys("a").in_progress("p"))
    else:
        bench.hand("a").endings(claimed).given_back()
        await bench.hand("a").settle()
    assert await bench.hand("a").claim_ids() == ["x"]
    assert await bench.state("a", "p") == "waiting_children"


async def test_a_running_parent_that_ends_does_not_wait(bench: Bench) -> None:
    await add(bench, "p")
    (claimed,) = await bench.hand("a").claim()
    await add(bench, "x", parent=P)
    await bench.hand("a").complete(claimed)
    assert await bench.run("a") == ["x"]
    assert await bench.state("a", "p") == "completed"
    assert await Invariants(redis=bench.redis, clock=bench.clock).unreachable(["a", "b", "c"]) == ()


@pytest.mark.parametrize("on_fail", ["fail_parent", "continue", "ignore"])
async def test_an_added_childs_failure_means_what_was_said(bench: Bench, on_fail: str) -> None:
    await add(bench, "p", delay_s=60)
    await add(bench, "x", parent=P, on_fail=on_fail)
    await bench.run("a", x=Unrecoverable("no"))
    if on_fail != "fail_parent":
        bench.clock.advance(s=60)
    await bench.run("a")
    assert await bench.state("a", "p") == ("failed" if on_fail == "fail_parent" else "completed")
    if on_fail == "continue":
        assert isinstance((await bench.results("a", "p"))["x"], JobFailed)


async def test_a_parent_that_has_ended_or_never_was_refuses_children(bench: Bench) -> None:
    with pytest.raises(JobNotFound, match="no job 'p' in queue 'a'"):
        await add(bench, "x", parent=P)
    await add(bench, "p")
    await bench.run("a")
    with pytest.raises(Conflict, match="it is completed") as caught:
        await add(bench, "x", parent=P)
    assert caught.value.fields["state"] == "completed"
    assert await bench.redis.exists("a", Keys("a").job("x"), Keys("a").flow("p"), Keys("a").outbox()) == 0


async def test_a_taken_id_and_a_dedup_are_refused_without_a_trace(bench: Bench) -> None:
    await add(bench, "p", delay_s=60)
    await add(bench, "x", delay_s=60)
    queued = await add(bench, "x", parent=P)
    assert (queued.created, queued.id) == (False, "x")
    with pytest.raises(UsageError, match="dedup"):
        await add(bench, "y", parent=P, dedup=Dedup("d"))
    with pytest.raises(UsageError, match="on_fail must be"):
        await add(bench, "y", parent=P, on_fail="perhaps")
    assert not await bench.redis.exists(Keys("a").flow("p"))
    assert await bench.state("a", "p") == "waiting"


async def test_the_same_call_again_adds_one_child(bench: Bench) -> None:
    await add(bench, "p")
    await add(bench, "x", queue="b", parent=P)
    assert not (await add(bench, "x", queue="b", parent=P)).created
    assert await bench.redis.hget(Keys("a").flow("p"), "pending") == b"1"
    assert await bench.run("b") == ["x"]


async def test_a_handler_divides_its_work_and_gathers_it_later(redis: Redis, redis_url: str) -> None:
    """The common use: the first run finds out what there is to do, the second one sums up."""

    @job_type("part", queue="parts")
    async def part(ctx: Context, payload: dict[str, Any]) -> int:
        return int(payload["n"]) ** 2

    @job_type("whole", queue="work")
    async def whole(ctx: Context, payload: dict[str, Any]) -> int:
        results = await ctx.children_results()
        if not results:
            assert ctx.client is not None
            for n in range(5):
                await ctx.client.enqueue(part, {"n": n}, parent=ctx, job_id=f"{ctx.id}-{n}")
            raise RetryLater(0)
        return sum(results.values())

    root = await Client(redis=redis).enqueue(whole)
    async with running(job_types=[part, whole], redis_url=redis_url):
        await eventually(lambda: redis.zscore(Keys("work").completed(), root.id))
    assert b"30" in (await redis.get(Keys("work").result(root.id)) or b"")
