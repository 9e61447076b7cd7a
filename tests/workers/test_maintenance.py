"""Upkeep removes what is over, reminds of what waits, and notices what did not run."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from qconsole.runtime import Client
from tests.workers.support import context
from workers.db.models import Document, ScheduleRun, Session, StoredFile
from workers.maintenance import (
    RemindReviewers,
    Upkeep,
    cleanup_expired_sessions,
    remind_reviewers,
    remove_expired_files,
    watch_schedules,
)
from workers.platform import Platform
from workers.settings import SCHEDULES, WorkerSettings


async def test_expired_sessions_go_and_others_stay(platform: Platform) -> None:
    async with platform.database.writing() as session:
        session.add(Session(token_digest="old", user_id="u", created_ms=1, expires_ms=2))
        session.add(Session(token_digest="new", user_id="u", created_ms=1, expires_ms=2**50))
    assert await cleanup_expired_sessions(context(platform)[0], Upkeep()) == {"sessions": 1}
    async with platform.database.reading() as session:
        assert (await session.execute(select(Session.token_digest))).scalars().all() == ["new"]
        assert (await session.get_one(ScheduleRun, "cleanup-expired-sessions")).ended_ms > 0


async def test_a_file_that_a_document_needs_is_kept(platform: Platform) -> None:
    stored = await platform.storage.put(b"needed")
    async with platform.database.writing() as session:
        session.add(Document(id="d1", file_ref=stored.ref, created_ms=1))
        session.add(
            StoredFile(ref=stored.ref, name="n", content_type="c", size_bytes=6, sha256=stored.ref, purpose="upload",
                       created_ms=1, expires_ms=2)
        )  # fmt: skip
    await remove_expired_files(context(platform)[0], Upkeep())
    assert await platform.storage.read(stored.ref) == b"needed"


async def test_a_review_that_waits_is_reminded_of_once_a_day(platform: Platform, redis: Redis) -> None:
    async with platform.database.writing() as session:
        session.add(Document(id="d1", file_ref="f", name="a.pdf", status="review", created_ms=1, processed_ms=1))
        session.add(Document(id="d2", file_ref="f", status="review", created_ms=1, processed_ms=2**50))
    ctx, _ = context(platform, client=Client(redis=redis))
    payload = RemindReviewers(to=["rita@example.org"])
    assert await remind_reviewers(ctx, payload) == {"documents": 1}
    assert await remind_reviewers(ctx, payload) == {"documents": 0}
    assert await redis.zcard("email") == 1


async def test_a_schedule_that_did_not_run_is_told_of_once(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    ctx, _ = context(platform)
    assert await watch_schedules(ctx, Upkeep()) == {"late": []}
    async with platform.database.writing() as session:
        (await session.get_one(ScheduleRun, "sync-impa-catalog")).ended_ms = 1
    assert await watch_schedules(ctx, Upkeep()) == {"late": ["sync-impa-catalog"]}
    assert "has not run" in caplog.text
    assert await watch_schedules(ctx, Upkeep()) == {"late": []}


def test_every_schedule_queues_a_job_type_of_the_worker() -> None:
    known = {member.name: member.queue for member in WorkerSettings.job_types}
    times = {schedule.id: schedule.pattern for schedule in SCHEDULES}
    assert times["sync-impa-catalog"] == "0 2 * * *"
    assert float(times["cleanup-expired-sessions"]) == 3_600
    for schedule in SCHEDULES:
        assert known[schedule.job_type] == schedule.queue
    assert set(known.values()) == set(WorkerSettings.queues)
