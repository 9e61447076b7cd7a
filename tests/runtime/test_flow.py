"""Flows on a real server: trees across queues, results, failures, retry, removal, crashes between the parts."""

from typing import Any

import pytest
from redis.asyncio import Redis

from qconsole.errors import JobFailed, RedisUnavailable, Unrecoverable, UsageError
from qconsole.runtime.attempt import ChildFailed
from qconsole.runtime.client import Client
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.flow import STAGED_FROM, Flow, children_results
from qconsole.runtime.keys import Keys
from qconsole.runtime.outbox import Outbox
from qconsole.runtime.queue import Queue
from tests.runtime.hand import Hand
from tests.support import ManualClock

NOW = 1_764_000_000_000


class Bench:
    """A producer, workers and an operator on some queues."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.clock = ManualClock(NOW)
        self.client = Client(redis=redis, clock=self.clock)
        self.hands: dict[str, Hand] = {}

    def hand(self, queue: str) -> Hand:
        return self.hands.setdefault(queue, Hand(self.redis, self.clock, queue))

    def queue(self, name: str) -> Queue:
        return Queue(name, redis=self.redis, clock=self.clock)

    async def forward(self) -> None:
        for _ in range(3):
            for queue in ("a", "b", "c"):
                await Outbox(queue, client=self.client).forward()

    async def run(self, queue: str, **ends: Any) -> list[str]:
        """Claim what is due in a queue and end it: by default well, else with the exception given for the id."""
        ran = []
        for claimed in await self.hand(queue).claim():
            ran.append(claimed.id)
            child_failed = (claimed.record or {}).get("child_failed")
            end = ChildFailed(f"child {child_failed}") if child_failed else ends.get(claimed.id, {"ran": claimed.id})
            if isinstance(end, BaseException):
                await self.hand(queue).fail(claimed, end)
            else:
                await self.hand(queue).complete(claimed, end)
        await self.forward()
        self.clock.advance(ms=1)
        return ran

    async def state(self, queue: str, job_id: str) -> str:
        keys = Keys(queue)
        for name in ("waiting_children", "completed", "failed", "cancelled"):
            if await self.redis.zscore(f"{keys.prefix}{name}", job_id) is not None:
                return name
        if await self.redis.hexists(keys.active(), job_id):
            return "active"
        return "waiting" if await self.redis.zscore(queue, job_id) is not None else "missing"

    async def results(self, queue: str, job_id: str) -> dict[str, Any]:
        return await children_results(self.redis, Keys(queue), job_id)


@pytest.fixture
def bench(redis: Redis) -> Bench:
    return Bench(redis)


def job(name: str, *children: Flow, queue: str = "a", **options: Any) -> Flow:
    return Flow("step", {"name": name}, children, queue=queue, job_id=name, **options)


async def test_a_parent_runs_after_its_children_and_reads_their_results(bench: Bench) -> None:
    root = await bench.client.add_flow(job("p", job("x"), job("y")))
    assert (root.id, root.created) == ("p", True)
    assert await bench.state("a", "p") == "waiting_children"
    assert await bench.redis.zrange(Keys("a").flows(), 0, -1, withscores=True) == [(b"p", NOW)]
    assert await bench.run("a") == ["x", "y"]
    assert await bench.results("a", "p") == {"x": {"ran": "x"}, "y": {"ran": "y"}}
    assert await bench.run("a") == ["p"]
    assert await bench.state("a", "p") == "completed"


async def test_a_tree_across_queues_runs_from_its_leaves_up(bench: Bench) -> None:
    tree = job("save", job("match", job("extract", job("parse", queue="c"), queue="b"), queue="a"), queue="b")
    await bench.client.add_flow(tree)
    order = []
    for _ in range(4):
        for queue in "abc":
            order += await bench.run(queue)
    assert order == ["parse", "extract", "match", "save"]


async def test_results_outlive_the_childrens_own_retention(bench: Bench) -> None:
    await bench.client.add_flow(job("p", job("x")))
    await bench.run("a")
    await bench.queue("a").remove(["x"], actor="ops", trash_ms=0)
    assert await bench.results("a", "p") == {"x": {"ran": "x"}}


async def test_a_failed_child_fails_its_parents_at_once_and_upwards(bench: Bench) -> None:
    await bench.client.add_flow(job("root", job("mid", job("bad"), job("slow"), queue="b"), queue="c"))
    (claimed,) = await bench.hand("a").claim(1)
    await bench.hand("a").fail(claimed, Unrecoverable("no"))
    await bench.forward()
    assert await bench.run("b") == ["mid"]
    assert await bench.run("c") == ["root"]
    assert (await bench.state("b", "mid"), await bench.state("c", "root")) == ("failed", "failed")
    assert await bench.state("a", "slow") == "waiting"
    (letter,) = await DeadLetters("b", redis=bench.redis, clock=bench.clock).list()
    assert (letter.cause, letter.job_id) == ("child", "mid")
    assert "bad" in letter.error["message"]


@pytest.mark.parametrize(("on_fail", "seen"), [("continue", {"ok", "bad"}), ("ignore", {"ok"})])
async def test_a_parent_may_go_on_without_a_child(bench: Bench, on_fail: str, seen: set[str]) -> None:
    await bench.client.add_flow(job("p", job("bad", on_fail=on_fail, queue="b"), job("ok")))
    await bench.run("b", bad=Unrecoverable("no"))
    assert await bench.state("a", "p") == "waiting_children"
    assert await bench.run("a") == ["ok"]
    results = await bench.results("a", "p")
    assert set(results) == seen
    if on_fail == "continue":
        assert isinstance(results["bad"], JobFailed) and "no" in str(results["bad"])
    assert await bench.run("a") == ["p"]


@pytest.mark.parametrize("child_queue", ["a", "b"])
async def test_a_retried_child_reopens_its_parents(bench: Bench, child_queue: str) -> None:
    await bench.client.add_flow(job("root", job("mid", job("bad", queue=child_queue), queue="b"), queue="c"))
    await bench.run(child_queue, bad=Unrecoverable("no"))
    await bench.run("b")
    await bench.run("c")
    assert await bench.state("c", "root") == "failed"
    assert (await bench.queue(child_queue).retry(["bad"], actor="ops")).done == ("bad",)
    await bench.forward()
    assert (await bench.state("b", "mid"), await bench.state("c", "root")) == ("waiting_children", "waiting_children")
    order = await bench.run(child_queue)
    for _ in range(2):
        order += [*await bench.run("b"), *await bench.run("c")]
    assert order == ["bad", "mid", "root"]
    assert await bench.results("c", "root") == {"mid": {"ran": "mid"}}
    assert await bench.state("c", "root") == "completed"
    assert await DeadLetters("c", redis=bench.redis, clock=bench.clock).list() == ()


async def test_a_parent_reopens_only_when_every_fatal_child_was_retried(bench: Bench) -> None:
    await bench.client.add_flow(job("p", job("x"), job("y"), queue="b"))
    await bench.run("a", x=Unrecoverable("no"), y=Unrecoverable("no"))
    await bench.run("b")
    await bench.queue("a").retry(["x"], actor="ops")
    await bench.forward()
    assert await bench.state("b", "p") == "failed"
    assert await bench.run("a") == ["x"]
    assert await bench.state("b", "p") == "failed"
    await bench.queue("a").retry(["y"], actor="ops")
    await bench.forward()
    assert await bench.state("b", "p") == "waiting_children"
    await bench.run("a")
    assert await bench.run("b") == ["p"]


async def test_a_replayed_member_takes_its_old_place(bench: Bench) -> None:
    await bench.client.add_flow(job("p", job("bad")))
    await bench.run("a", bad=Unrecoverable("no"))
    letters = DeadLetters("a", redis=bench.redis, clock=bench.clock)
    (entry,) = [letter.id for letter in await letters.list() if letter.job_id == "bad"]
    assert (await letters.replay([entry], actor="ops")).done == {entry: "bad"}
    assert await bench.state("a", "p") == "waiting_children"


async def test_a_retried_parent_waits_for_children_that_still_run(bench: Bench) -> None:
    await bench.client.add_flow(job("p", job("bad"), job("slow", queue="b")))
    await bench.run("a", bad=Unrecoverable("no"))
    await bench.run("a")
    assert await bench.state("a", "p") == "failed"
    await bench.queue("a").retry(["p"], actor="ops")
    assert await bench.state("a", "p") == "waiting_children"
    await bench.run("b")
    assert await bench.run("a") == ["p"]


@pytest.mark.parametrize("queue", ["a", "b"])
async def test_a_removed_child_is_no_longer_waited_for(bench: Bench, queue: str) -> None:
    await bench.client.add_flow(job("p", job("x", queue=queue)))
    await bench.queue(queue).remove(["x"], actor="ops")
    await bench.forward()
    assert await bench.run("a") == ["p"]


async def test_a_removed_parent_takes_what_has_not_started_with_it_and_back(bench: Bench) -> None:
    tree = job("root", job("mid", job("leaf", queue="c"), job("runs", queue="b"), queue="b"), job("later", delay_s=60))
    await bench.client.add_flow(tree)
    (running,) = await bench.hand("b").claim()
    assert (await bench.queue("a").remove(["root"], actor="ops")).done == ("root",)
    await bench.forward()
    states = [await bench.state(q, n) for q, n in [("a", "root"), ("b", "mid"), ("c", "leaf"), ("a", "later")]]
    assert states == ["missing"] * 4
    await bench.hand("b").complete(running)
    assert await bench.state("b", "runs") == "completed"
    assert (await bench.queue("a").restore(["root"])).done == ("root",)
    await bench.forward()
    states = [await bench.state(q, n) for q, n in [("a", "root"), ("b", "mid"), ("c", "leaf"), ("a", "later")]]
    assert states == ["waiting_children", "waiting_children", "waiting", "waiting"]


async def test_a_cancelled_child_counts_as_failed(bench: Bench) -> None:
    await bench.client.add_flow(job("p", job("x", queue="b")))
    await bench.queue("b").cancel(["x"])
    await bench.forward()
    assert await bench.run("a") == ["p"]
    assert await bench.state("a", "p") == "failed"


async def test_a_flow_is_complete_although_its_producer_died_after_the_first_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(self: Outbox) -> int:
        return 0

    with monkeypatch.context() as dying:
        dying.setattr(Outbox, "forward", die)
        await bench.client.add_flow(job("p", job("x", job("deep"), queue="b"), job("y", queue="c")))
    assert await bench.state("b", "x") == "missing"
    await bench.forward()
    order = []
    for _ in range(3):
        for queue in "abc":
            order += await bench.run(queue)
    assert order == ["deep", "x", "y", "p"]


async def test_forwarding_twice_changes_nothing(bench: Bench) -> None:
    await bench.client.add_flow(job("p", job("x", queue="b"), job("y", queue="b")))
    (x, y) = await bench.hand("b").claim()
    await bench.hand("b").complete(x)
    (effect,) = await bench.redis.xrange(Keys("b").outbox())
    await Outbox("b", client=bench.client).forward()
    await bench.redis.xadd(Keys("b").outbox(), effect[1])
    await Outbox("b", client=bench.client).forward()
    assert await bench.state("a", "p") == "waiting_children"
    await bench.hand("b").complete(y)
    await bench.forward()
    assert await bench.state("a", "p") == "waiting"


async def test_a_root_whose_id_is_taken_adds_nothing(bench: Bench) -> None:
    await bench.client.enqueue("step", {}, queue="a", job_id="p")
    bench.clock.advance(ms=1)
    answer = await bench.client.add_flow(job("p", job("x")))
    assert (answer.created, answer.id) == (False, "p")
    assert await bench.state("a", "x") == "missing"


async def test_a_child_whose_id_is_taken_leaves_nobody_waiting(bench: Bench) -> None:
    await bench.client.enqueue("step", {}, queue="b", job_id="x")
    bench.clock.advance(ms=1)
    await bench.client.add_flow(job("p", job("x", queue="b", on_fail="continue")))
    await bench.forward()
    assert await bench.state("a", "p") == "waiting"


async def test_a_parent_of_thousands_runs_once_all_have_ended(bench: Bench) -> None:
    children = [Flow("step", {"n": n}, queue="ab"[n % 2]) for n in range(2000)]
    flow = Flow("step", {}, children, queue="c", job_id="p")
    assert (await bench.client.add_flow(flow)).created
    assert (await bench.redis.hget("qc:{c}:flow:p", "pending")) == b"2000"
    assert await bench.redis.ttl("qc:{c}:flow:p") == -1
    assert not (await bench.client.add_flow(flow)).created
    assert not [key async for key in bench.redis.scan_iter("qc:{c}:staged-flow:*")]
    for queue in "ab":
        hand = bench.hand(queue)
        while claimed := await hand.claim(250):
            for one in claimed:
                hand.endings(one).completed(b"1")
            assert await bench.state("c", "p") == "waiting_children"
            await hand.settle()
            await Outbox(queue, client=bench.client).forward()
    assert await bench.run("c") == ["p"]
    assert len(await bench.results("c", "p")) == 2000


@pytest.mark.parametrize(
    "wrong",
    [
        job("p", job("x"), job("x")),
        job("p", job("x", on_fail="perhaps")),
        job("p", job("x"), delay_s=5),
        Flow("step", {}, ["x"], queue="a"),  # type: ignore[list-item]
    ],
)
async def test_a_wrong_flow_queues_nothing(bench: Bench, wrong: Flow) -> None:
    with pytest.raises(UsageError):
        await bench.client.add_flow(wrong)
    assert await bench.redis.dbsize() == 0


async def test_a_parent_whose_children_ended_or_vanished_in_the_meantime_comes_back_and_runs(bench: Bench) -> None:
    await bench.client.add_flow(job("p", job("runs", queue="b"), job("gone", queue="b", delay_s=60)))
    (running,) = await bench.hand("b").claim()
    await bench.queue("a").remove(["p"], actor="ops")
    await bench.forward()
    await bench.hand("b").complete(running, 7)
    await bench.forward()
    await bench.redis.delete(*[key async for key in bench.redis.scan_iter("qc:{b}:trash*")])
    assert (await bench.queue("a").restore(["p"])).done == ("p",)
    await bench.forward()
    assert await bench.run("a") == ["p"]
    assert await bench.results("a", "p") == {"runs": 7}


async def test_a_flow_whose_childrens_names_are_gone_is_not_added(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stage(*_: Any) -> str:
        return "qc:{a}:staged-flow:gone"

    monkeypatch.setattr(bench.client, "_stage", stage)
    flow = Flow("step", {}, [Flow("step", {}, queue="a")] * (STAGED_FROM + 1), queue="a", job_id="p")
    with pytest.raises(RedisUnavailable, match="expired before the flow was added; nothing was"):
        await bench.client.add_flow(flow)
    assert await bench.redis.keys("arq:job:*") == []


async def test_a_flow_of_too_many_jobs_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qconsole.runtime.flow.MAX_MEMBERS", 5)
    flow = Flow("step", {}, [Flow("step", {}, queue="a")] * 5, queue="a")
    with pytest.raises(UsageError, match="at most 5 jobs"):
        await bench.client.add_flow(flow)
