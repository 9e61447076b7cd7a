"""Bulk actions: frozen selections, confirmation, progress, pause, take-over after a kill, undo, and no acting twice."""

import asyncio
import time
from contextlib import AsyncExitStack
from itertools import pairwise

import orjson
import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.admin.operation_record import LEASE_MS
from qconsole.admin.views import OperationState, Plan
from qconsole.config import Settings
from qconsole.errors import Conflict, OperationNotFound, Refused, Unconfirmed, UsageError
from qconsole.runtime.client import Client
from qconsole.runtime.invariants import Invariants
from qconsole.runtime.keys import GLOBAL, Keys
from tests.admin.stock import NOW, driven, failed_jobs, kill_a_runner
from tests.runtime.hand import Hand
from tests.support import ManualClock

EMAIL = Keys("email")


async def start(admin: Admin, plan: Plan) -> str:
    await admin.operations.start(plan.operation.id, confirm=plan.confirm_text)
    return plan.operation.id


async def test_a_plan_counts_samples_and_excludes_and_changes_nothing(
    admin: Admin, redis: Redis, client: Client
) -> None:
    await failed_jobs(redis, 300)
    await client.enqueue_many("send", [{}] * 4, queue="email")
    plan = await admin.operations.plan("retry", "queue:email", reason="fixed")
    assert (plan.count.value, plan.count.exact) == (300, True)
    assert [row.id for row in plan.samples] == [f"job{n:07}" for n in range(5)]
    assert plan.exclusions == (("waiting: retry does not apply", 4),)
    narrow = await admin.operations.plan("retry", "queue:email state:failed")
    assert (narrow.count.value, narrow.exclusions) == (300, ())
    assert (plan.confirm, plan.confirm_text) == ("count", "300")
    assert plan.operation.filter == "queue:email state:failed,cancelled"
    assert plan.command == "qconsole jobs retry --filter 'queue:email state:failed,cancelled' --reason fixed"
    assert await redis.zcard(EMAIL.failed()) == 300
    assert (await admin.audit.page()).rows == ()


async def test_an_operation_does_what_was_planned_and_nothing_that_came_later(
    admin: Admin, redis: Redis, clock: ManualClock
) -> None:
    await failed_jobs(redis, 450)
    plan = await admin.operations.plan("retry", "state:failed queue:email")
    clock.advance(s=10)
    await redis.zadd(EMAIL.failed(), {"later": clock.now_ms()})
    done = await driven(admin, await start(admin, plan))
    assert (done.state, done.matched, done.done, done.skipped, done.failed) == (OperationState.DONE, 450, 450, 0, 0)
    assert await redis.zrange(EMAIL.failed(), 0, -1) == [b"later"]
    assert await redis.zcard("email") == 450
    first, last = await redis.zrange("email", 0, 0), await redis.zrange("email", -1, -1)
    assert (first, last) == ([b"job0000000"], [b"job0000449"])
    started, ended = (await admin.audit.page(f"operation:{done.id}")).rows[::-1]
    assert (started.action, started.filter, started.matched, started.done) == (
        "jobs.retry",
        "queue:email state:failed",
        450,
        0,
    )
    assert (ended.matched, ended.done, ended.failed) == (450, 450, 0)


async def test_the_number_or_the_queue_must_be_typed(
    admin: Admin, redis: Redis, redis_url: str, clock: ManualClock
) -> None:
    await failed_jobs(redis, 150)
    plan = await admin.operations.plan("retry", "queue:email")
    for wrong in (None, "", "149", "yes"):
        with pytest.raises(Unconfirmed, match="must be confirmed by typing '150'"):
            await admin.operations.start(plan.operation.id, confirm=wrong)
    planned = await admin.operations.get(plan.operation.id)
    assert (planned.state, planned.confirm, planned.confirm_text) == (OperationState.PLANNED, "count", "150")
    await admin.operations.start(plan.operation.id, confirm=" 150 ")
    with pytest.raises(Conflict, match="started already"):
        await admin.operations.start(plan.operation.id, confirm="150")
    few = await admin.operations.plan("retry", "queue:email", limit=3)
    assert (few.count.value, few.confirm, few.confirm_text) == (3, "click", None)
    assert (await admin.operations.plan("retry", "queue:none")).confirm == "none"
    production = Settings(redis_url=redis_url, production=True, env="prod")
    async with await Admin.open(production, actor=Actor("ann", "admin", "cli"), clock=clock) as live:
        plan = await live.operations.plan("retry", "queue:email", limit=2)
        assert (plan.confirm, plan.confirm_text) == ("queue", "email")
        with pytest.raises(Unconfirmed):
            await live.operations.start(plan.operation.id, confirm="2")
        await live.operations.start(plan.operation.id, confirm="email")


async def test_what_cannot_be_meant_is_refused_when_planned(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 20)
    with pytest.raises(UsageError, match="retry acts on failed, cancelled only"):
        await admin.operations.plan("retry", "state:waiting")
    with pytest.raises(UsageError, match="must be one of replay, discard"):
        await admin.operations.plan("retry", "", noun="dlq")
    with pytest.raises(UsageError, match="a reason must be given"):
        await admin.operations.plan("discard", "queue:email", noun="dlq")
    with pytest.raises(Refused, match="would touch 20, more than 10 allowed"):
        await admin.operations.plan("retry", "queue:email", max_affected=10)
    with pytest.raises(UsageError, match="limit must be"):
        await admin.operations.plan("retry", "queue:email", limit=0)
    with pytest.raises(UsageError, match="rate_per_s must be"):
        await admin.operations.plan("retry", "queue:email", rate_per_s=-1)
    with pytest.raises(OperationNotFound):
        await admin.operations.get("nope")


async def test_one_group_is_replayed_and_nothing_else(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 300)
    groups = await admin.dead_letters.groups("queue:email")
    assert [(group.fingerprint, group.count) for group in groups] == [("fp0", 100), ("fp1", 100), ("fp2", 100)]
    plan = await admin.operations.plan("replay", "fp:fp1", noun="dlq", reason="fixed")
    done = await driven(admin, await start(admin, plan))
    assert (done.done, done.failed) == (100, 0)
    assert await redis.zcard(EMAIL.dlq()) == 200
    assert await redis.zcard("email") == 100
    left = await admin.dead_letters.groups()
    assert sorted(group.fingerprint for group in left) == ["fp0", "fp2"]
    page = await admin.dead_letters.page("state:replayed", limit=1)
    assert page.rows[0].replayed_as is not None and page.total is None


async def test_ids_are_found_whatever_their_queue_and_the_rest_is_excluded(
    admin: Admin, redis: Redis, client: Client
) -> None:
    await failed_jobs(redis, 3)
    await client.enqueue("send", {}, queue="reports", job_id="waits")
    ids = ["job0000000", "email/job0000001", "waits", "nothing", "job0000000"]
    plan = await admin.operations.plan("retry", ids=ids)
    assert plan.count.value == 2
    assert plan.exclusions == (("not found", 1), ("waiting: retry does not apply", 1))
    done = await driven(admin, await start(admin, plan))
    assert done.done == 2
    assert await redis.zrange(EMAIL.failed(), 0, -1) == [b"job0000002"]


async def test_removed_jobs_come_back_by_undo_once(admin: Admin, redis: Redis, client: Client) -> None:
    await failed_jobs(redis, 250)
    await client.enqueue_many("send", [{"n": n} for n in range(30)], queue="email")
    plan = await admin.operations.plan("remove", "queue:email")
    done = await driven(admin, await start(admin, plan))
    assert done.done == 280
    assert await redis.exists("email", EMAIL.failed()) == 0
    undone = await admin.operations.undo(done.id)
    assert (undone.verb, undone.state, undone.done, undone.skipped) == ("restore", OperationState.DONE, 280, 0)
    assert (await redis.zcard("email"), await redis.zcard(EMAIL.failed())) == (30, 250)
    with pytest.raises(Conflict, match="was undone already"):
        await admin.operations.undo(done.id)


async def test_a_discard_is_undone_within_its_window_only(admin: Admin, redis: Redis, clock: ManualClock) -> None:
    await failed_jobs(redis, 20)
    plan = await admin.operations.plan("discard", "fp:fp0", noun="dlq", reason="noise")
    done = await driven(admin, await start(admin, plan))
    assert await redis.zcard(EMAIL.dlq()) == 13
    clock.advance(s=25 * 3600)
    with pytest.raises(Refused, match="is over"):
        await admin.operations.undo(done.id)
    clock.advance(s=-3600 * 2)
    assert (await admin.operations.undo(done.id)).done == 7
    assert await redis.zcard(EMAIL.dlq()) == 20


async def test_a_paused_operation_goes_on_where_it_stopped(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 4_000)
    plan = await admin.operations.plan("retry", "queue:email")
    operation_id = await start(admin, plan)
    async for view in admin.operations.run(operation_id):
        if view.done and view.state is OperationState.RUNNING:
            await admin.operations.pause(operation_id)
    paused = await admin.operations.get(operation_id)
    assert paused.state is OperationState.PAUSED and 0 < paused.done < 4_000
    assert await redis.zcard("email") == paused.done
    await admin.operations.resume(operation_id)
    done = await driven(admin, operation_id)
    assert (done.state, done.done, done.skipped) == (OperationState.DONE, 4_000, 0)


async def test_an_aborted_operation_keeps_what_it_did(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 2_000)
    operation_id = await start(admin, await admin.operations.plan("retry", "queue:email"))
    async for view in admin.operations.run(operation_id):
        if view.done and view.state is OperationState.RUNNING:
            await admin.operations.abort(operation_id)
    ended = await admin.operations.get(operation_id)
    assert ended.state is OperationState.ABORTED
    assert await redis.zcard("email") == ended.done
    with pytest.raises(Conflict, match="cannot be resumed"):
        await admin.operations.resume(operation_id)
    assert await admin.operations.list(active=True) == ()


async def test_an_operation_whose_console_was_killed_is_shared_by_those_that_resume_it(
    admin: Admin, redis: Redis, redis_url: str, clock: ManualClock
) -> None:
    await failed_jobs(redis, 6_000)
    operation_id = await start(admin, await admin.operations.plan("replay", "queue:email", noun="dlq"))
    await kill_a_runner(redis, redis_url, operation_id)
    assert 0 < await redis.zcard("email") < 6_000
    async with await Admin.open(redis_url, actor=Actor("bob", "operator", "web"), clock=clock) as other:
        resumed = [await console.operations.resume(operation_id) for console in (admin, other)]
        views = await asyncio.gather(driven(admin, operation_id), driven(other, operation_id))
    assert [view.state for view in (*resumed, *views)] == [OperationState.RUNNING] * 2 + [OperationState.DONE] * 2
    assert [(view.done, view.skipped, view.failed) for view in views] == [(6_000, 0, 0)] * 2
    assert await redis.zcard("email") == 6_000
    said = [row.target for row in (await admin.audit.page(f"operation:{operation_id}")).rows]
    assert said.count(f"{operation_id} ended") == 1


async def test_an_operation_without_a_runner_is_shown_as_interrupted(
    admin: Admin, redis: Redis, clock: ManualClock
) -> None:
    await failed_jobs(redis, 20)
    operation_id = await start(admin, await admin.operations.plan("retry", "queue:email"))
    assert (await admin.operations.get(operation_id)).state is OperationState.RUNNING
    clock.advance(s=6)
    assert (await admin.operations.get(operation_id)).state is OperationState.INTERRUPTED
    assert [finding.code for finding in await admin.doctor.examine() if finding.level == "warn"].count(
        "interrupted"
    ) == 1
    assert (await driven(admin, operation_id)).done == 20


@pytest.mark.slow
async def test_two_runners_of_one_operation_never_act_twice(
    admin: Admin, redis: Redis, redis_url: str, clock: ManualClock
) -> None:
    await failed_jobs(redis, 1_500)
    operation_id = await start(admin, await admin.operations.plan("replay", "queue:email", noun="dlq"))
    async with await Admin.open(redis_url, actor=Actor("bob", "operator", "web"), clock=clock) as other:
        views = await asyncio.gather(driven(admin, operation_id), driven(other, operation_id))
    assert [view.done for view in views] == [1_500, 1_500]
    assert await redis.zcard("email") == 1_500
    assert len((await admin.audit.page(f"operation:{operation_id}")).rows) == 2


@pytest.mark.parametrize(
    "wishes",
    [
        pytest.param(
            [("replay", "dlq"), ("replay", "dlq"), ("retry", "jobs")], id="replay-replay-retry", marks=pytest.mark.slow
        ),
        pytest.param([("retry", "jobs"), ("retry", "jobs")], id="retry-retry"),
        pytest.param([("remove", "jobs"), ("retry", "jobs"), ("remove", "jobs")], id="remove-retry-remove"),
        pytest.param([("discard", "dlq"), ("replay", "dlq")], id="discard-replay"),
    ],
)
async def test_operators_on_the_same_jobs_never_act_twice(
    admin: Admin, redis: Redis, redis_url: str, clock: ManualClock, wishes: list[tuple[str, str]]
) -> None:
    await failed_jobs(redis, 1_000)
    async with AsyncExitStack() as consoles:
        running = []
        for n, (verb, noun) in enumerate(wishes):
            operator = await consoles.enter_async_context(
                await Admin.open(redis_url, actor=Actor(f"op{n}", "operator", "web"), clock=clock)
            )
            wanted = "queue:email state:failed" if noun == "jobs" else "queue:email"
            plan = await operator.operations.plan(verb, wanted, noun=noun, reason="x")
            running.append((operator, await start(operator, plan)))
        views = await asyncio.gather(*[driven(operator, operation_id) for operator, operation_id in running])
    assert sum(view.done for view in views) == 1_000
    assert [view.failed for view in views] == [0] * len(views)
    origins = [await _origin(redis, job.decode()) for job in await redis.zrange("email", 0, -1)]
    assert len(origins) == len(set(origins)) == sum(v.done for v in views if v.verb in ("replay", "retry"))
    assert await Invariants(redis=redis, clock=clock).check("email") == ()


async def _origin(redis: Redis, job_id: str) -> str:
    """Return the job that a queued job is, or is a replay of."""
    entry = await redis.hget(EMAIL.record(job_id), "replay_of")  # type: ignore[misc]
    return entry.decode().partition("~")[0] if entry else job_id


async def test_a_job_whose_dead_letter_was_replayed_is_left_alone_while_the_replay_is_known(
    admin: Admin, redis: Redis
) -> None:
    await failed_jobs(redis, 1)
    replayed = await admin.dead_letters.replay((await admin.dead_letters.page()).rows[0].id)
    with pytest.raises(Conflict, match="its dead letter was replayed as another job"):
        await admin.jobs.retry("job0000000")
    assert replayed.job_id is not None
    await admin.jobs.remove(replayed.job_id)
    await admin.jobs.retry("job0000000")
    assert await redis.zrange("email", 0, -1) == [b"job0000000"]


async def test_a_runner_that_lost_its_lease_stops(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 2_000)
    operation_id = await start(admin, await admin.operations.plan("retry", "queue:email"))
    with pytest.raises(Conflict, match="taken over by another runner"):
        async for _ in admin.operations.run(operation_id):
            await redis.set(GLOBAL.operation_lease(operation_id), "another", px=LEASE_MS)


async def test_a_rate_is_kept(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 60)
    plan = await admin.operations.plan("retry", "queue:email", rate_per_s=100)
    operation_id = await start(admin, plan)
    began = time.monotonic()
    await driven(admin, operation_id)
    assert time.monotonic() - began >= 0.4


async def test_a_spread_and_a_delay_give_the_jobs_their_due_times(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 400)
    plan = await admin.operations.plan("replay", "queue:email", noun="dlq", spread_s=100, delay_s=10)
    await driven(admin, await start(admin, plan))
    scores = [score for _, score in await redis.zrange("email", 0, -1, withscores=True)]
    assert NOW + 10_000 <= scores[0] < NOW + 11_000
    assert NOW + 109_000 <= scores[-1] < NOW + 111_000
    gaps = [later - sooner for sooner, later in pairwise(scores)]
    assert max(gaps) <= 1_000


async def test_every_job_gets_its_own_edited_payload_and_one_that_does_not_fit_fails_alone(
    admin: Admin, redis: Redis, hand: Hand, clock: ManualClock
) -> None:
    await failed_jobs(redis, 6)
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}, "via": {"type": "string"}}}
    described = orjson.dumps({"name": "send", "queue": "email", "schema": schema})
    await redis.hset(GLOBAL.job_types(), "send", described)  # type: ignore[misc,arg-type]
    plan = await admin.operations.plan("replay", "queue:email", noun="dlq", payload_edit={"via": "backup"})
    done = await driven(admin, await start(admin, plan))
    assert (done.done, done.failed) == (5, 1)
    assert "n of send" in done.failures[0][1]
    clock.advance(s=1)
    calls = [claimed.payload or b"" for claimed in await hand.claim()]
    assert sorted(b'"via":"backup"' in call for call in calls) == [True] * 5


async def test_waiting_jobs_are_cancelled_and_drained_up_to_the_bound(
    admin: Admin, redis: Redis, client: Client, clock: ManualClock
) -> None:
    await client.enqueue_many("send", [{}] * 120, queue="email")
    await client.enqueue_many("send", [{}] * 20, queue="email", delay_s=600)
    await client.enqueue_many("send", [{}] * 10, queue="email", priority=1)
    plan = await admin.queues.drain("email")
    clock.advance(s=1)
    await client.enqueue_many("send", [{}] * 5, queue="email")
    done = await driven(admin, await start(admin, plan))
    assert (plan.count.value, done.done) == (150, 150)
    assert await redis.zcard("email") == 5
    plan = await admin.operations.plan("cancel", "queue:email")
    assert (await driven(admin, await start(admin, plan))).done == 5
    assert await redis.zcard(EMAIL.cancelled()) == 5


async def test_operations_are_listed_the_newest_first(admin: Admin, redis: Redis, clock: ManualClock) -> None:
    await failed_jobs(redis, 3)
    planned = []
    for _ in range(3):
        clock.advance(s=1)
        planned.append((await admin.operations.plan("retry", "queue:email")).operation.id)
    assert [view.id for view in await admin.operations.list()] == planned[::-1]
    page = await admin.operations.page(limit=2)
    assert page.next is not None
    rest = await admin.operations.page(page.next, 2)
    assert [view.id for view in (*page.rows, *rest.rows)] == planned[::-1]
