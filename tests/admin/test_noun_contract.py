"""What holds for every noun: each change has its entry and its command, environments are apart, findings and whys."""

from collections.abc import Awaitable
from typing import Any

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.admin.views import Applied
from qconsole.config import Settings
from qconsole.errors import Unrecoverable
from qconsole.runtime.client import Client
from qconsole.runtime.flow import Flow
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.schedule import cron
from qconsole.runtime.scheduler import Scheduler
from tests.admin.stock import driven
from tests.runtime.hand import Hand
from tests.support import ManualClock

EMAIL = Keys("email")


async def test_every_change_of_every_noun_has_its_entry(
    admin: Admin, redis: Redis, redis_url: str, client: Client, hand: Hand, clock: ManualClock
) -> None:
    children = [Flow("send", {}, queue="email", job_id="child", attempts=1)]
    await client.add_flow(Flow("report", {}, queue="email", job_id="root", children=children))
    for name in ("bad", "worse", "worst"):
        await client.enqueue("send", {"n": 1}, queue="email", job_id=name, attempts=1)
    await hand.fail_all(Unrecoverable("no"))
    await client.enqueue("send", {"n": 1}, queue="email", job_id="late", delay_s=600)
    await Scheduler("email", redis=redis, clock=clock).declare(
        [cron("nightly", "0 2 * * *", job_type="send", queue="email")]
    )
    await redis.hset(GLOBAL.worker("w1"), mapping={"queues": '{"email": 1}', "state": "running"})  # type: ignore[misc]
    await redis.zadd(GLOBAL.workers(), {"w1": clock.now_ms()})
    letters = {row.job_id: row.id for row in (await admin.dead_letters.page()).rows}
    seen: list[str] = []

    async def entered(action: str, call: Awaitable[Any], target: str, **options: Any) -> None:
        applied = await call
        row = (await admin.audit.page(limit=1)).rows[0]
        assert (row.action, row.outcome, row.done, row.failed) == (action, "done", 1, 0), row
        assert (row.actor, row.role, row.face) == ("ann", "admin", "cli")
        assert target in row.target and row.command is not None and row.command.startswith("qconsole ")
        if isinstance(applied, Applied):
            assert (applied.target, applied.command) == (row.target, row.command)
        seen.append(action)

    await entered("jobs.add", admin.jobs.add("send", {}, queue="email", job_id="new"), "email/new")
    await entered("jobs.edit", admin.jobs.edit("new", priority=3), "email/new")
    await entered("jobs.cancel", admin.jobs.cancel("new"), "email/new")
    await entered("jobs.retry", admin.jobs.retry("bad"), "email/bad")
    await entered("jobs.remove", admin.jobs.remove("bad"), "email/bad")
    await entered("trash.restore", admin.trash.restore("bad"), "email/bad")
    await entered("jobs.reschedule", admin.jobs.reschedule("late", clock.now_ms() + 900_000), "email/late")
    await entered("jobs.promote", admin.jobs.promote("late"), "email/late")
    await entered("jobs.reveal", admin.jobs.get("late", reveal=True), "email/late")
    await entered("dlq.note", admin.dead_letters.note(letters["worse"], "seen"), "email/worse~")
    await entered("dlq.reveal", admin.dead_letters.get(letters["worse"], reveal=True), "email/worse~")
    await entered("dlq.discard", admin.dead_letters.discard(letters["worse"], reason="spam"), "email/worse~")
    await entered("dlq.reopen", admin.dead_letters.reopen(letters["worse"]), "email/worse~")
    await entered("dlq.replay", admin.dead_letters.replay(letters["worst"]), "email/worst~")
    await entered("flows.retry", admin.flows.retry_failed("root"), "email/root")
    await entered("queues.pause", admin.queues.pause("email"), "email")
    await entered("queues.resume", admin.queues.resume("email"), "email")
    await entered("queues.limit", admin.queues.limit("email", concurrency=2), "email")
    await entered("schedules.pause", admin.schedules.pause("nightly"), "email/nightly")
    await entered("schedules.resume", admin.schedules.resume("nightly"), "email/nightly")
    await entered("schedules.edit", admin.schedules.edit("nightly", tz="Europe/Rome"), "email/nightly")
    await entered("schedules.run", admin.schedules.run("nightly"), "email/nightly")
    await entered("schedules.remove", admin.schedules.remove("nightly"), "email/nightly")
    for verb in ("quiet", "resume", "stop"):
        await entered(f"workers.{verb}", getattr(admin.workers, verb)("w1"), "w1")
    await entered("metrics.mark", admin.metrics.mark("operator", "incident"), "operator")
    await entered("users.add", admin.users.add("olaf", password="correct horse"), "olaf")
    await entered("users.passwd", admin.users.passwd("olaf", password="battery staple"), "olaf")
    await entered("users.role", admin.users.role("olaf", role="operator"), "olaf")
    await entered("users.remove", admin.users.remove("olaf"), "olaf")
    token = await admin.tokens.create("ci")
    await entered("tokens.revoke", admin.tokens.revoke(token.id), token.id)
    await entered("queues.empty", admin.queues.empty("email", confirm_name="email", reason="over"), "email")
    assert "tokens.create" in {row.action for row in (await admin.audit.page(limit=10)).rows}
    assert len(seen) == len(set(seen)) == 33
    assert await redis.zcard(GLOBAL.audit_outcomes()) == 0


async def test_environments_are_apart_and_commands_name_theirs(redis_url: str, clock: ManualClock) -> None:
    base, names = redis_url.removesuffix("/0"), ("test", "prod")
    for number, name in enumerate(names):
        settings = Settings(redis_url=f"{base}/{number}", env=name, production=name == "prod")
        async with await Admin.open(settings, actor=Actor("ann", "admin", "cli"), clock=clock) as admin:
            await admin.jobs.add("send", {}, queue=f"{name}-mail", job_id="one")
            applied = await admin.queues.pause(f"{name}-mail")
            assert applied.command == f"qconsole queues pause --env {name} {name}-mail"
            assert [view.name for view in await admin.queues.list()] == [f"{name}-mail"]
            assert [row.queue for row in (await admin.jobs.page()).rows] == [f"{name}-mail"]
            assert {row.target for row in (await admin.audit.page()).rows} == {f"{name}-mail/one", f"{name}-mail"}
            overview = await admin.queues.overview()
            assert (overview.env, overview.production) == (name, name == "prod")


async def test_why_names_pauses_children_runs_and_strangers(
    admin: Admin, client: Client, redis: Redis, hand: Hand, clock: ManualClock
) -> None:
    await redis.hset(GLOBAL.worker("hand"), mapping={"queues": '{"email": 1}', "state": "running"})  # type: ignore[misc]
    await redis.zadd(GLOBAL.workers(), {"hand": clock.now_ms() + 5_000})
    children = [Flow("send", {}, queue="email", job_id=f"c{n}") for n in range(2)]
    await client.add_flow(Flow("report", {}, queue="email", job_id="root", children=children))
    waits = await admin.jobs.why("root")
    assert (waits.code, waits.sentence) == ("waiting_children", "It waits for 2 children of 2 to end.")
    assert ("child", "email/c0") in waits.evidence and waits.command == "qconsole flows show root"
    (running,) = await hand.claim(1)
    runs = await admin.jobs.why(running.id)
    assert (runs.code, runs.sentence) == ("running", "It is running on hand.")
    await admin.queues.pause("email", reason="incident", until_ms=clock.now_ms() + 600_000)
    paused = await admin.jobs.why("c1")
    assert (paused.code, paused.sentence) == ("paused", "Queue email is paused by ann: incident.")
    assert ("resumes in", "10 min") in paused.evidence and paused.command == "qconsole queues resume email"
    await admin.queues.resume("email")
    await redis.hset(GLOBAL.job_types(), "send", '{"queue": "outbox"}')  # type: ignore[misc]
    stranger = await admin.jobs.why("c1")
    assert (stranger.code, stranger.sentence) == ("unknown_type", "Job type send belongs to queue outbox, not email.")


async def test_the_doctor_names_what_stands_still(
    admin: Admin, client: Client, redis: Redis, hand: Hand, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await redis.xadd(EMAIL.outbox(), {"kind": "prune"}, id=f"{clock.now_ms() - 90_000}-0")
    await client.enqueue("send", {}, queue="email", attempts=1)
    await hand.fail_all(Unrecoverable("no"))
    await client.enqueue("send", {}, queue="email")
    await redis.zadd(EMAIL.schedules_due(), {"nightly": clock.now_ms() - 180_000})
    await redis.hset(EMAIL.config(), "dead_letters_dropped", "7")  # type: ignore[misc]
    await redis.hset(GLOBAL.worker("w1"), mapping={"host": "h", "pid": 7, "queues": '{"email": 1}'})  # type: ignore[misc]
    await redis.zadd(GLOBAL.workers(), {"w1": clock.now_ms() - 30_000})
    plan = await admin.operations.plan("retry", "queue:email")
    await admin.operations.start(plan.operation.id)
    clock.advance(s=10)
    monkeypatch.setattr("qconsole.admin.doctor.DEAD_BYTES_WARN", 1)
    found = {finding.code: finding for finding in await admin.doctor.examine() if finding.level != "ok"}
    assert found.keys() >= {
        *("no_worker", "lost_worker", "overdue", "outbox", "dead_letters_dropped", "dead_letter_bytes", "interrupted")
    }
    assert found["no_worker"].text == "1 jobs wait in email and no worker serves it."
    assert found["overdue"].text == "Schedule nightly of email should have fired and did not."
    assert found["dead_letters_dropped"].count == 7
    assert all(finding.mend for finding in found.values())
    assert (await driven(admin, plan.operation.id)).done == 1
