"""Schedules on a real server: one firing per instant, policies, and operators against code."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from qconsole.errors import Conflict, ScheduleNotFound, UsageError
from qconsole.runtime.codec import decode_call
from qconsole.runtime.keys import Keys
from qconsole.runtime.schedule import Schedule, cron, every
from qconsole.runtime.scheduler import Scheduler
from tests.runtime.hand import Hand
from tests.support import ManualClock

HOUR = 3_600_000
NOW = 1_764_000_000_000 // HOUR * HOUR
QUEUE = Keys("data-import")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def scheduler(redis: Redis, clock: ManualClock) -> Scheduler:
    return Scheduler("data-import", redis=redis, clock=clock)


@pytest.fixture
def hand(redis: Redis, clock: ManualClock) -> Hand:
    return Hand(redis, clock, "data-import")


def hourly(**options: Any) -> Schedule:
    return every("sync", 3600, job_type="sync_catalog", queue="data-import", **options)


async def fire(scheduler: Scheduler) -> list[tuple[str, int]]:
    return [(f.word, (f.instant - NOW) // 1000) for f in await scheduler.tick()]


async def test_an_instant_queues_its_job_once(scheduler: Scheduler, clock: ManualClock, redis: Redis) -> None:
    await scheduler.declare([hourly(payload={"catalog": "x"}, priority=7)])
    assert await scheduler.next_ms() == NOW + HOUR
    assert await fire(scheduler) == []
    clock.advance(ms=HOUR)
    assert await fire(scheduler) == [("fired", 3600)]
    assert await fire(scheduler) == []
    job_id = f"sync:{NOW + HOUR}"
    call = decode_call(await redis.get(QUEUE.job(job_id)) or b"")
    assert call is not None and (call.job_type, call.payload) == ("sync_catalog", b'{"catalog":"x"}')
    assert await redis.hgetall(QUEUE.record(job_id)) == {b"schedule": b"sync", b"pri": b"7"}
    state = await scheduler.get("sync")
    assert (state.fired, state.last_job_id, state.next_ms, state.source) == (1, job_id, NOW + 2 * HOUR, "code")


async def test_five_workers_with_skewed_clocks_fire_each_instant_once(redis: Redis, clock: ManualClock) -> None:
    clocks = [ManualClock(NOW + skew) for skew in (-1000, -300, 0, 400, 1000)]
    workers = [Scheduler("data-import", redis=redis, clock=one) for one in clocks]
    await workers[2].declare([every("tick", 2, job_type="t", queue="data-import", overlap="allow")])
    fired: list[int] = []
    for _ in range(200):
        for one in clocks:
            one.advance(ms=100)
        for steps in await asyncio.gather(*(worker.tick() for worker in workers)):
            fired += [step.instant for step in steps if step.word == "fired"]
    assert fired == [NOW + 2000 * n for n in range(1, len(fired) + 1)]
    assert len(fired) in (10, 11)
    assert await redis.zcard("data-import") == len(fired)


@pytest.mark.parametrize(
    ("missed", "expected", "count"),
    [
        ("skip", [("passed", 3600)], 3),
        ("once", [("fired", 3 * 3600)], 2),
        ("all", [("fired", h * 3600) for h in (1, 2, 3)], 0),
    ],
)
async def test_missed_instants_follow_the_policy(
    scheduler: Scheduler, clock: ManualClock, missed: str, expected: list[Any], count: int
) -> None:
    await scheduler.declare([hourly(missed=missed, overlap="allow")])
    clock.advance(ms=3 * HOUR + 600_000)
    assert await fire(scheduler) == expected
    state = await scheduler.get("sync")
    assert (state.missed, state.next_ms) == (count, NOW + 4 * HOUR)


async def test_a_run_that_is_a_little_late_is_not_missed(scheduler: Scheduler, clock: ManualClock) -> None:
    await scheduler.declare([hourly(missed="skip")])
    clock.advance(ms=HOUR + 30_000)
    assert await fire(scheduler) == [("fired", 3600)]


async def test_with_overlap_skip_a_run_waits_for_nobody(scheduler: Scheduler, clock: ManualClock, hand: Hand) -> None:
    await scheduler.declare([hourly(overlap="skip")])
    clock.advance(ms=HOUR)
    await scheduler.tick()
    (running,) = await hand.claim()
    clock.advance(ms=HOUR)
    assert await fire(scheduler) == [("skipped", 7200)]
    assert (await scheduler.get("sync")).skipped == 1
    await hand.complete(running)
    clock.advance(ms=HOUR)
    assert await fire(scheduler) == [("fired", 3 * 3600)]


async def test_with_overlap_queue_one_run_follows_the_one_that_runs(
    scheduler: Scheduler, clock: ManualClock, hand: Hand
) -> None:
    await scheduler.declare([hourly(overlap="queue")])
    clock.advance(ms=HOUR)
    await scheduler.tick()
    (running,) = await hand.claim()
    for _ in range(2):
        clock.advance(ms=HOUR)
        await scheduler.tick()
    assert await hand.claim_ids() == []
    await hand.complete(running)
    assert len(await hand.run_all()) == 1


async def test_with_overlap_allow_runs_go_side_by_side(scheduler: Scheduler, clock: ManualClock, hand: Hand) -> None:
    await scheduler.declare([hourly(overlap="allow")])
    for _ in range(2):
        clock.advance(ms=HOUR)
        await scheduler.tick()
    assert len(await hand.claim_ids()) == 2


async def test_a_limit_ends_the_schedule(scheduler: Scheduler, clock: ManualClock) -> None:
    await scheduler.declare([hourly(limit=2, overlap="allow")])
    words = []
    for _ in range(4):
        clock.advance(ms=HOUR)
        words += await fire(scheduler)
    assert [word for word, _ in words] == ["fired", "fired"]
    assert (await scheduler.get("sync")).next_ms is None


async def test_jitter_delays_the_job_not_the_instant(scheduler: Scheduler, clock: ManualClock, redis: Redis) -> None:
    schedule = hourly(jitter_s=600)
    await scheduler.declare([schedule])
    clock.advance(ms=HOUR)
    await scheduler.tick()
    instant = NOW + HOUR
    assert await redis.zscore("data-import", f"sync:{instant}") == instant + schedule.jitter_ms(instant)


async def test_declaring_again_changes_nothing_and_keeps_what_is_due(scheduler: Scheduler, clock: ManualClock) -> None:
    await scheduler.declare([hourly()])
    clock.advance(ms=HOUR + 1)
    await scheduler.declare([hourly()])
    assert await scheduler.next_ms() == NOW + HOUR
    await scheduler.declare([every("sync", 7200, job_type="sync_catalog", queue="data-import")])
    assert await scheduler.next_ms() == 2 * HOUR * ((NOW + HOUR + 1) // (2 * HOUR) + 1)


async def test_code_never_undoes_an_operators_pause_edit_or_removal(scheduler: Scheduler, clock: ManualClock) -> None:
    for name in ("paused", "edited", "gone"):
        await scheduler.declare([every(name, 3600, job_type="t", queue="data-import")])
    await scheduler.pause("paused", actor="ops", reason="catalog is down")
    await scheduler.edit("edited", {"pattern": "1800", "payload": {"x": 1}}, actor="ops")
    await scheduler.remove("gone", actor="ops")
    for name in ("paused", "edited", "gone"):
        await scheduler.declare([every(name, 3600, job_type="t", queue="data-import", jitter_s=5)])
    edited, paused = await scheduler.list()
    assert paused.pause is not None and (paused.pause.actor, paused.pause.reason) == ("ops", "catalog is down")
    assert paused.next_ms is None
    assert (edited.schedule.pattern, edited.schedule.jitter_s, edited.differs) == ("1800", 5, ("pattern", "payload"))
    clock.advance(ms=HOUR)
    assert [f.schedule_id for f in await scheduler.tick()] == ["edited"]
    await scheduler.bring_back("gone", actor="ops")
    await scheduler.revert("edited", actor="ops")
    assert [s.schedule.id for s in await scheduler.list()] == ["edited", "gone", "paused"]
    assert (await scheduler.get("edited")).differs == ()


async def test_a_resumed_schedule_goes_on_with_its_next_instant(scheduler: Scheduler, clock: ManualClock) -> None:
    await scheduler.declare([hourly(missed="all")])
    await scheduler.pause("sync", actor="ops")
    clock.advance(ms=5 * HOUR + 1)
    assert await fire(scheduler) == []
    await scheduler.resume("sync", actor="ops")
    assert await fire(scheduler) == []
    assert await scheduler.next_ms() == NOW + 6 * HOUR


async def test_a_run_out_of_turn_leaves_the_plan_as_it_is(scheduler: Scheduler, redis: Redis, hand: Hand) -> None:
    await scheduler.declare([hourly(limit=1)])
    await scheduler.pause("sync", actor="ops")
    run = await scheduler.run("sync")
    assert (run.word, run.job_id) == ("fired", f"sync:run:{NOW}")
    assert (await scheduler.run("sync")).word == "skipped"
    assert await hand.run_all() == [run.job_id]
    state = await scheduler.get("sync")
    assert (state.fired, state.last_job_id, state.next_ms) == (0, run.job_id, None)


async def test_an_operators_schedule_is_his_to_add_and_remove(scheduler: Scheduler, redis: Redis) -> None:
    await scheduler.add(hourly(), actor="ops")
    with pytest.raises(Conflict, match="there already"):
        await scheduler.add(hourly(), actor="ops")
    assert (await scheduler.get("sync")).source == "operator"
    with pytest.raises(Conflict, match="code declares no"):
        await scheduler.revert("sync", actor="ops")
    await scheduler.remove("sync", actor="ops")
    assert not await redis.exists(QUEUE.schedules(), QUEUE.schedules_due(), QUEUE.schedule_runs("sync"))
    with pytest.raises(ScheduleNotFound):
        await scheduler.get("sync")


async def test_a_wrong_edit_changes_nothing(scheduler: Scheduler, redis: Redis) -> None:
    await scheduler.declare([cron("sync", "0 2 * * *", job_type="t", queue="data-import")])
    before = await redis.hgetall(QUEUE.schedules())
    for changes in ({"pattern": "99 * * * *"}, {"colour": 1}, {"tz": "Nowhere"}):
        with pytest.raises(UsageError):
            await scheduler.edit("sync", changes, actor="ops")
    with pytest.raises(ScheduleNotFound):
        await scheduler.edit("nobody", {"tz": "UTC"}, actor="ops")
    assert await redis.hgetall(QUEUE.schedules()) == before


async def test_edits_at_the_same_time_are_all_kept(redis: Redis, clock: ManualClock) -> None:
    faces = [Scheduler("data-import", redis=redis, clock=clock) for _ in range(6)]
    await faces[0].declare([hourly()])
    edits: list[dict[str, Any]] = [
        {"jitter_s": 3},
        {"limit": 4},
        {"missed": "all"},
        {"priority": 1},
        {"end_ms": NOW * 2},
    ]
    await asyncio.gather(*(f.edit("sync", e, actor="ops") for f, e in zip(faces, edits, strict=False)))
    assert len((await faces[0].get("sync")).differs) == 5


async def test_an_arq_schedule_is_fired_only_by_who_can_write_its_call(redis: Redis, clock: ManualClock) -> None:
    arq = Schedule(
        id="cron:f", job_type="cron:f", queue="data-import", kind="cron", pattern="0 0 * * * *", arq=True, offset_ms=123
    )
    other = Scheduler("data-import", redis=redis, clock=clock)
    own = Scheduler("data-import", redis=redis, clock=clock, encode_arq=lambda schedule, now_ms: b"pickled")
    await own.declare([arq])
    clock.advance(ms=HOUR + 123)
    assert await other.tick() == ()
    assert [f.job_id for f in await own.tick()] == [f"cron:f:{NOW + HOUR + 123}"]
    assert await redis.get(QUEUE.job(f"cron:f:{NOW + HOUR + 123}")) == b"pickled"
