"""Queues: counts, health, pause, limits, emptying, the first screen, the live snapshot, checks and metrics."""

import pytest
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.admin.queue_health import Signs, judge
from qconsole.admin.views import Health
from qconsole.errors import QueueNotFound, Refused, Unconfirmed, Unrecoverable, UsageError
from qconsole.runtime.client import Client
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.queue import Queue
from tests.admin.stock import failed_jobs
from tests.runtime.hand import Hand
from tests.support import ManualClock

FINE = {
    "waiting": 0,
    "active": 0,
    "is_paused": False,
    "is_held": False,
    "workers": 1,
    "slots": 2,
    "oldest_wait_ms": None,
    "ended_1h": 10,
    "failed_1h": 0,
    "failed_recently": 0,
    "ended_recently": 10,
}


@pytest.mark.parametrize(
    ("signs", "health"),
    [
        ({}, Health.OK),
        ({"ended_1h": 0}, Health.IDLE),
        ({"is_paused": True, "failed_recently": 10}, Health.PAUSED),
        ({"failed_recently": 5, "ended_recently": 20}, Health.FAILING),
        ({"failed_recently": 5, "ended_recently": 100}, Health.OK),
        ({"ended_1h": 9, "failed_1h": 4, "ended_recently": 0}, Health.FAILING),
        ({"ended_1h": 9, "failed_1h": 1, "ended_recently": 1}, Health.OK),
        ({"ended_1h": 90, "failed_1h": 40, "ended_recently": 30}, Health.OK),
        ({"waiting": 1, "workers": 0}, Health.NO_WORKERS),
        ({"waiting": 1, "oldest_wait_ms": 61_000}, Health.STALLED),
        ({"waiting": 1, "oldest_wait_ms": 61_000, "is_held": True}, Health.OK),
        ({"waiting": 1, "active": 2, "oldest_wait_ms": 31_000}, Health.SATURATED),
        ({"waiting": 1, "active": 2, "oldest_wait_ms": 6_000, "sla_queue_ms": 5_000}, Health.SATURATED),
    ],
)
def test_health_is_the_worst_that_is_true(signs: dict[str, int], health: Health) -> None:
    assert judge(Signs(**{**FINE, **signs}))[0] is health  # type: ignore[arg-type]


async def test_a_queue_is_counted_by_state_and_measured(
    admin: Admin, client: Client, hand: Hand, clock: ManualClock
) -> None:
    await client.enqueue_many("send", [{}] * 10, queue="email")
    await client.enqueue("send", {}, queue="email", delay_s=60)
    clock.advance(s=2)
    claimed = await hand.claim(4)
    clock.advance(s=1)
    await hand.complete(claimed[0])
    await hand.fail(claimed[1], Unrecoverable("no"))
    view = await admin.queues.get("email")
    assert view.counts == {
        "waiting": 6,
        "delayed": 1,
        "active": 2,
        "waiting_children": 0,
        "completed": 1,
        "failed": 1,
        "cancelled": 0,
        "dead_letters": 1,
    }
    assert (view.fail_rate_1h, view.oldest_wait_ms) == (0.5, 3_000)
    assert (sum(view.series_completed), sum(view.series_failed)) == (1, 1)
    assert view.p50_wait_ms is not None and 1_500 < view.p50_wait_ms < 2_500
    assert view.p95_run_ms is not None and 700 < view.p95_run_ms < 1_300
    assert view.health is Health.NO_WORKERS
    overview = await admin.queues.overview()
    assert (overview.queued, overview.running, overview.failed_1h, overview.dead_letters) == (6, 2, 1, 1)
    assert (overview.oldest_wait_ms, overview.oldest_wait_queue) == (3_000, "email")
    assert sum(value or 0 for value in overview.chart.columns["completed"]) == 1
    series = await admin.metrics.series(queue="email", window="24h")
    assert sum(value or 0 for value in series.columns["failed"]) == 1
    assert sum(count for _, count in await admin.metrics.histogram("email", kind="run")) == 2
    text = await admin.metrics.prometheus()
    assert 'qconsole_queue_jobs{queue="email",state="waiting"} 6' in text


async def test_the_oldest_wait_looks_into_every_band(admin: Admin, client: Client, clock: ManualClock) -> None:
    await client.enqueue("send", {}, queue="email", priority=90)
    clock.advance(s=5)
    await client.enqueue("send", {}, queue="email", priority=1)
    await client.enqueue("send", {}, queue="email")
    assert (await admin.queues.get("email")).oldest_wait_ms == 5_000


async def test_a_pause_says_who_why_and_until_when(admin: Admin, client: Client, clock: ManualClock) -> None:
    await client.enqueue("send", {}, queue="email", job_id="w")
    await admin.queues.pause("email", reason="upstream is down", until_ms=clock.now_ms() + 60_000)
    view = await admin.queues.get("email")
    assert view.pause is not None
    assert (view.pause.actor, view.pause.reason, view.pause.until_ms) == (
        "ann",
        "upstream is down",
        clock.now_ms() + 60_000,
    )
    why = await admin.jobs.why("w")
    assert (why.code, why.sentence) == ("paused", "Queue email is paused by ann: upstream is down.")
    assert why.command == "qconsole queues resume email"
    await admin.queues.resume("email")
    assert (await admin.queues.get("email")).pause is None
    paused = await admin.queues.pause_all(reason="all")
    assert len(paused) == 1
    assert len(await admin.queues.resume_all()) == 1
    with pytest.raises(UsageError, match="must end in the future"):
        await admin.queues.pause("email", until_ms=1)
    with pytest.raises(QueueNotFound):
        await admin.queues.pause("nowhere")


async def test_limits_are_set_cleared_and_differ_from_the_code(
    admin: Admin, client: Client, redis: Redis, clock: ManualClock
) -> None:
    await client.enqueue("send", {}, queue="email")
    await Queue("email", redis=redis, clock=clock).configure({"concurrency": 5})
    await admin.queues.limit("email", concurrency=2, rate_max=10, rate_per_s=60)
    limits = (await admin.queues.get("email")).limits
    assert (limits.concurrency, limits.rate_max, limits.rate_per_s, limits.differs_from_code) == (2, 10, 60.0, True)
    await admin.queues.limit("email", concurrency=None, rate_max=None)
    limits = (await admin.queues.get("email")).limits
    assert (limits.concurrency, limits.rate_max, limits.differs_from_code) == (5, None, False)
    with pytest.raises(UsageError, match="a limit must be given"):
        await admin.queues.limit("email")
    with pytest.raises(UsageError, match="whole number"):
        await admin.queues.limit("email", concurrency=0)


async def test_emptying_asks_for_the_name_and_for_nothing_running(
    admin: Admin, client: Client, redis: Redis, hand: Hand, clock: ManualClock
) -> None:
    await failed_jobs(redis, 300)
    await client.enqueue_many("send", [{}] * 250, queue="email")
    clock.advance(s=1)
    (running,) = await hand.claim(1)
    with pytest.raises(Unconfirmed, match="must be confirmed by its name"):
        await admin.queues.empty("email", confirm_name="emial", reason="test")
    with pytest.raises(UsageError, match="a reason must be given"):
        await admin.queues.empty("email", confirm_name="email")
    with pytest.raises(Refused, match="has 1 running jobs"):
        await admin.queues.empty("email", confirm_name="email", reason="test")
    await hand.complete(running)
    applied = await admin.queues.empty("email", confirm_name="email", reason="test")
    assert applied.sentence == "Queue email is empty: 550 jobs were removed."
    counts = (await admin.queues.get("email")).counts
    assert sum(counts.values()) == counts["dead_letters"] == 300


async def test_the_live_snapshot_takes_few_commands(admin: Admin, client: Client, redis: Redis) -> None:
    for number in range(30):
        await client.enqueue("send", {}, queue=f"q{number}")
    for start in range(0, 30_000, 1_000):
        await redis.mset({f"other:{n}": n for n in range(start, start + 1_000)})
    await admin.live.snapshot()
    async with redis.monitor() as monitor:
        snapshots = [await admin.live.snapshot() for _ in range(2)]
        await redis.echo("end")  # type: ignore[no-untyped-call]
        asked = 0
        while "end" not in (seen := await monitor.next_command())["command"]:
            asked += seen["client_type"] != "lua"
    assert snapshots[0]["totals"]["queued"] == 30 and snapshots[0]["queues"]["q7"]["waiting"] == 1
    assert asked <= 20


async def test_rules_hold_or_say_what_was_found(
    admin: Admin, client: Client, redis: Redis, hand: Hand, clock: ManualClock
) -> None:
    await client.enqueue_many("send", [{}] * 4, queue="email")
    clock.advance(s=30)
    (one,) = await hand.claim(1)
    await hand.fail(one, Unrecoverable("no"))
    rules = [
        ("max_failed", None, 0.0),
        ("max_waiting", "email", 3.0),
        ("max_wait", None, 29.0),
        ("dlq_max", "email", 1.0),
        ("min_workers", None, 1.0),
    ]
    assert [(text, ok, found) for text, ok, found in await admin.check(rules)] == [
        ("max-failed 0", False, "1"),
        ("max-waiting email=3", True, "3"),
        ("max-wait 29 s", False, "30 s in email"),
        ("dlq-max email=1", True, "1"),
        ("min-workers 1", False, "0"),
    ]
    with pytest.raises(QueueNotFound):
        await admin.check([("dlq_max", "nowhere", 1.0)])


async def test_the_doctor_finds_lost_ids_and_stale_aborts_and_mends_them(
    admin: Admin, client: Client, redis: Redis, clock: ManualClock
) -> None:
    await client.enqueue("send", {}, queue="email", job_id="kept")
    await redis.zadd("email", {"lost1": clock.now_ms() - 5, "lost2": clock.now_ms() - 6})
    await redis.zadd("arq:abort", {"ghost": clock.now_ms() - 2 * 86_400_000, "kept": clock.now_ms()})
    await redis.zadd(Keys("email").leases(), {"stuck": clock.now_ms() - 120_000})
    found = {finding.code: finding for finding in await admin.doctor.examine() if finding.level != "ok"}
    assert found["lost_jobs"].count == 2 and found["lost_jobs"].fixable
    assert found["stale_aborts"].count == 1
    assert found["stuck_leases"].count == 1
    after = {finding.code for finding in await admin.doctor.fix()}
    assert not after & {"lost_jobs", "stale_aborts"}
    assert await redis.zrange("email", 0, -1) == [b"kept"]
    assert await redis.zrange("arq:abort", 0, -1) == [b"kept"]
    assert {row.action for row in (await admin.audit.page()).rows} == {"doctor.lost_jobs", "doctor.stale_aborts"}
    with pytest.raises(UsageError, match="cannot be mended"):
        await admin.doctor.fix(["eviction"])


async def test_the_doctor_warns_of_eviction(admin: Admin, redis: Redis) -> None:
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        found = {finding.code: finding for finding in await admin.doctor.examine()}
        assert found["eviction"].level == "warn" and "allkeys-lru" in found["eviction"].text
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")


async def test_why_names_what_holds_a_job_back(
    admin: Admin, client: Client, redis: Redis, hand: Hand, clock: ManualClock
) -> None:
    await client.enqueue("send", {}, queue="email", job_id="late", delay_s=90)
    late = await admin.jobs.why("late")
    assert (late.code, late.sentence) == ("delayed", "It is delayed: due in 2 min.")
    await client.enqueue("send", {}, queue="email", job_id="first")
    await client.enqueue("send", {}, queue="email", job_id="second")
    assert (await admin.jobs.why("first")).code == "no_worker"
    worker = {"host": "h", "pid": 1, "queues": '{"email": 1}', "slots": 1, "state": "running", "started_ms": 1}
    await redis.hset(GLOBAL.worker("w1"), mapping=worker)  # type: ignore[misc]
    await redis.zadd(GLOBAL.workers(), {"w1": clock.now_ms() + 5_000})
    clock.advance(s=1)
    ready = await admin.jobs.why("second")
    assert (ready.code, ready.sentence) == ("ready", "It is ready and will be claimed in its turn; 1 job ahead of it.")
    await admin.queues.limit("email", concurrency=1)
    (running,) = await hand.claim(1)
    assert (await admin.jobs.why("second")).code == "concurrency"
    assert (await admin.jobs.why(running.id)).code == "lease_lost"  # "hand" is no worker of the registry
    await admin.queues.limit("email", concurrency=None, rate_max=1, rate_per_s=3600)
    await redis.rpush(Keys("email").starts(), clock.now_ms())  # type: ignore[misc]
    limited = await admin.jobs.why("second")
    assert limited.code == "rate_limited"
    await redis.set(Keys("email").hold(), "1", px=60_000)
    assert (await admin.jobs.why("second")).code == "held"
    await admin.queues.release_hold("email")
    await hand.fail(running, Unrecoverable("bad password=x"))
    ended = await admin.jobs.why("first")
    assert (ended.code, ended.sentence) == ("ended", "It has failed: Unrecoverable: bad password=***")
    assert ended.command == "qconsole jobs retry --queue email first"
