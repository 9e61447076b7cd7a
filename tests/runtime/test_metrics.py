"""Counters, percentiles, SLA and Prometheus text, from what real settles wrote."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from qconsole.errors import Unrecoverable
from qconsole.runtime.client import Client
from qconsole.runtime.events import Events
from qconsole.runtime.histogram import bucket_of
from qconsole.runtime.keys import Keys
from qconsole.runtime.metrics import HOUR_MS, MINUTE_MS, Metrics, Tally, read_tallies, share_within, sla_report
from qconsole.runtime.prometheus import QueueCounts, prometheus_text
from qconsole.runtime.queue import Queue
from qconsole.runtime.retention import Retention
from tests.runtime.hand import Hand
from tests.support import ManualClock

NOW = 1_764_000_000_000 // HOUR_MS * HOUR_MS


class Bench:
    def __init__(self, redis: Redis) -> None:
        self.clock = ManualClock(NOW)
        self.client = Client(redis=redis, clock=self.clock)
        self.hand = Hand(redis, self.clock, "email")
        self.metrics = Metrics("email", redis=redis, clock=self.clock)
        self.retention = Retention("email", redis=redis, clock=self.clock)

    async def work(self, job_type: str = "send", *, wait_s: float = 1, run_s: float = 2, fails: bool = False) -> None:
        await self.client.enqueue(job_type, {}, queue="email")
        self.clock.advance(s=wait_s)
        (claimed,) = await self.hand.claim()
        self.clock.advance(s=run_s)
        await (self.hand.fail(claimed, Unrecoverable("x")) if fails else self.hand.complete(claimed))


@pytest.fixture
def bench(redis: Redis) -> Bench:
    return Bench(redis)


def test_fields_are_read_by_job_type_whatever_its_name() -> None:
    tallies = read_tallies({b"c:a:b": b"3", b"w:a:b:12": b"2", b"d:x:0": b"1", b"?": b"7"})
    assert tallies["a:b"] == Tally(completed=3, wait={12: 2})
    assert tallies["x"].run == {0: 1}


async def test_each_minute_counts_what_ended_in_it(bench: Bench) -> None:
    await bench.work()
    await bench.work("digest", fails=True)
    bench.clock.set(NOW + MINUTE_MS + 1)
    await bench.work()
    first, second = await bench.metrics.slices(2 * MINUTE_MS)
    assert (first.at_ms, first.total().completed, first.total().failed) == (NOW, 1, 1)
    assert (second.at_ms, second.total().ended) == (NOW + MINUTE_MS, 1)
    assert first.total("digest").ended == 1


async def test_a_job_cancelled_before_it_runs_is_counted_and_told(bench: Bench, redis: Redis) -> None:
    for name in ("a", "b", "c"):
        await bench.client.enqueue("send", {}, queue="email", job_id=name)
    queue = Queue("email", redis=redis, clock=bench.clock)
    await queue.cancel(["a"])
    await queue.cancel(["b", "c", "nobody"])
    (slice_,) = await bench.metrics.slices(MINUTE_MS)
    assert (slice_.total("send").cancelled, slice_.total().ended) == (3, 0)
    told = [event for event in await Events(["email"], redis=redis).newest() if event.kind == "cancelled"]
    assert [(event.job_id, event.data["count"]) for event in told] == [(None, 2), ("a", 1)]


async def test_percentiles_come_within_a_bucket(bench: Bench) -> None:
    for _ in range(9):
        await bench.work(wait_s=1, run_s=0.1)
    await bench.work(wait_s=30, run_s=5)
    total = await bench.metrics.total(HOUR_MS)
    assert total.wait_ms(0.5) == pytest.approx(1000, rel=0.2)
    assert total.wait_ms(0.99) == pytest.approx(30_000, rel=0.2)
    assert total.run_ms(0.5) == pytest.approx(100, rel=0.2)
    assert Tally().wait_ms(0.5) is None


async def test_closed_minutes_roll_up_into_hours_and_totals_once(bench: Bench, redis: Redis) -> None:
    for _ in range(3):
        await bench.work()
    before = await bench.metrics.ever()
    bench.clock.set(NOW + 10 * MINUTE_MS)
    for _ in range(2):
        await bench.retention.roll_up()
    assert await bench.metrics.ever() == before
    assert int(await redis.hget(Keys("email").totals(), "c:send") or 0) == 3
    bench.clock.set(NOW + 48 * HOUR_MS)
    await bench.work()
    hours = await bench.metrics.slices(72 * HOUR_MS)
    assert [(h.at_ms, h.total().completed) for h in hours if h.total().ended] == [
        (NOW, 3),
        (NOW + 48 * HOUR_MS, 1),
    ]
    assert (await bench.metrics.ever())["send"].completed == 4


async def test_steps_gather_minutes(bench: Bench) -> None:
    for _ in range(4):
        await bench.work()
        bench.clock.advance(ms=MINUTE_MS)
    slices = await bench.metrics.slices(10 * MINUTE_MS, 5 * MINUTE_MS)
    assert all(part.step_ms == 5 * MINUTE_MS and part.at_ms % (5 * MINUTE_MS) == 0 for part in slices)
    assert sum(part.total().completed for part in slices) == 4


def test_the_share_within_a_target_is_interpolated() -> None:
    assert share_within({}, 5) is None
    assert share_within({bucket_of(10): 3, bucket_of(5000): 1}, 1000) == 0.75
    assert 0 < (share_within({bucket_of(1000): 10}, 1000) or 0) < 1


def test_an_sla_says_compliance_and_what_is_left_of_the_budget() -> None:
    report = sla_report(Tally(completed=995, failed=5, breaches=5), {"sla_total_ms": 60_000})
    assert report.compliance == pytest.approx(0.995)
    assert report.budget_left == pytest.approx(0.5)
    assert sla_report(Tally(), {"sla_total_ms": 1}).compliance is None
    assert sla_report(Tally(completed=5), {}).budget_left is None


async def test_a_breach_is_counted_and_told(bench: Bench, redis: Redis) -> None:
    await Queue("email", redis=redis, clock=bench.clock).configure({"sla_total_ms": 10_000, "sla_queue_ms": 5000})
    await bench.work(wait_s=1, run_s=1)
    await bench.work(wait_s=8, run_s=3)
    report = await bench.metrics.sla()
    assert (report.breaches, report.ended, report.compliance) == (1, 2, 0.5)
    assert report.queue_compliance == pytest.approx(0.5)
    kinds = [fields[b"kind"] for _, fields in await redis.xrange(Keys("email").events())]
    assert kinds == [b"breach"]


async def test_prometheus_can_read_it(bench: Bench) -> None:
    await bench.work('odd"\\\nname', wait_s=2)
    text = prometheus_text([QueueCounts("email", {"waiting": 3}, await bench.metrics.ever())])
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (waiting,) = families["qconsole_queue_jobs"].samples
    assert (waiting.labels, waiting.value) == ({"queue": "email", "state": "waiting"}, 3)
    wait = {s.labels.get("le"): s.value for s in families["qconsole_job_wait_seconds"].samples if "le" in s.labels}
    assert wait["1"] == 0 and wait["5"] == 1 and wait["+Inf"] == 1
    outcomes = {s.labels["outcome"]: s.value for s in families["qconsole_jobs"].samples}
    assert (outcomes["completed"], outcomes["failed"]) == (1, 0)
    assert families["qconsole_jobs"].samples[0].labels["job_type"] == 'odd"\\\nname'
