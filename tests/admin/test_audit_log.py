"""Every change has its entry in the audit, with how it ended, whatever dies while it is made."""

import asyncio
import re
import sys

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.errors import Conflict
from qconsole.runtime.client import Client
from qconsole.runtime.keys import GLOBAL, Keys
from tests.admin.stock import failed_jobs

EMAIL = Keys("email")
KILLED = """
import asyncio, os, signal, sys
from qconsole.admin import Actor, Admin
from qconsole.admin.audit_log import AuditLog
from qconsole.runtime.queue import Queue

async def die(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)

async def main(url, point, job_id):
    if point == "before":
        Queue.remove = die
    else:
        AuditLog.end = die
    async with await Admin.open(url, actor=Actor("ann", "operator", "cli")) as admin:
        await admin.jobs.remove(job_id, queue="email", reason="spam")

asyncio.run(main(*sys.argv[1:]))
"""


async def kill_a_console(url: str, point: str, job_id: str) -> None:
    """Let another process remove a job, and die before or after the change itself."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, url, point, job_id)
    assert await process.wait() == -9


async def test_a_change_whose_console_was_killed_has_its_entry(admin: Admin, redis: Redis, redis_url: str) -> None:
    await failed_jobs(redis, 3)
    await asyncio.gather(
        kill_a_console(redis_url, "before", "job0000001"), kill_a_console(redis_url, "after", "job0000002")
    )
    assert await redis.zrange(EMAIL.failed(), 0, -1) == [b"job0000000", b"job0000001"]
    rows = {row.target: row for row in (await admin.audit.page()).rows}
    assert sorted(rows) == ["email/job0000001", "email/job0000002"]
    for row in rows.values():
        assert (row.action, row.actor, row.reason, row.matched) == ("jobs.remove", "ann", "spam", 1)
        assert (row.outcome, row.done, row.failed) == ("unknown", 0, 0)
    await admin.jobs.remove("job0000000")
    assert [row.target for row in (await admin.audit.page("outcome:unknown", reverse=True)).rows] == sorted(
        rows, key=lambda target: rows[target].id
    )
    assert [row.target for row in (await admin.audit.page("outcome:done")).rows] == ["email/job0000000"]


async def test_a_change_that_was_refused_is_entered_as_failed(
    admin: Admin, redis: Redis, redis_url: str, client: Client
) -> None:
    await client.enqueue("send", {}, queue="email", job_id="waits")
    with pytest.raises(Conflict, match="it is waiting"):
        await admin.jobs.retry("waits")
    with pytest.raises(Conflict, match="stands already"):
        await admin.jobs.add("send", {}, queue="email", job_id="waits")
    added = await admin.jobs.add("send", {}, queue="email")
    rows = (await admin.audit.page()).rows
    assert [(row.action, row.target, row.outcome, row.done, row.failed) for row in rows] == [
        ("jobs.add", f"email/{added.job_id}", "done", 1, 0),
        ("jobs.add", "email/waits", "failed", 0, 1),
        ("jobs.retry", "email/waits", "failed", 0, 1),
    ]
    async with await Admin.open(redis_url, actor=Actor("vic", "viewer", "web")) as viewer:
        assert (await viewer.audit.page("outcome:failed -action:jobs.add")).rows == rows[2:]


async def test_only_what_ended_otherwise_is_kept_beside_the_entries(admin: Admin, redis: Redis, client: Client) -> None:
    await client.enqueue("send", {}, queue="email", delay_s=60, job_id="later")
    await admin.queues.pause("email", reason="incident")
    await admin.jobs.promote("later")
    await admin.schedules.list()
    await admin.users.add("olaf", password="correct horse", role="operator")
    assert await redis.zcard(GLOBAL.audit_outcomes()) == 0
    with pytest.raises(Conflict):
        await admin.jobs.promote("later")
    assert [re.sub(rb"^\S+ ", b"", kept) for kept in await redis.zrange(GLOBAL.audit_outcomes(), 0, -1)] == [
        b'{"outcome":"failed","done":0,"failed":1}'
    ]
    await redis.xtrim(GLOBAL.audit(), maxlen=0, approximate=False)
    await admin.queues.resume("email")
    assert await redis.zcard(GLOBAL.audit_outcomes()) == 0


async def test_entries_are_paged_both_ways_and_filtered(admin: Admin, client: Client) -> None:
    await client.enqueue("send", {}, queue="email")
    for number in range(7):
        await admin.queues.pause("email", reason=f"round {number}")
    for reverse in (False, True):
        seen, cursor = [], None
        while not seen or cursor:
            page = await admin.audit.page("reason:round*", cursor=cursor, limit=3, reverse=reverse)
            seen += [row.reason for row in page.rows]
            cursor = page.next
        assert seen == [f"round {number}" for number in (range(7) if reverse else range(6, -1, -1))]
