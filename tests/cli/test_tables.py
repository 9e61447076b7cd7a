"""Every table on a narrow and on a wide terminal: no line is wider, and what names a row is never cut."""

import asyncio
import io
import sys

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.cli.__main__ import run
from qconsole.cli.output import width
from qconsole.runtime.client import Client
from qconsole.runtime.flow import Flow
from tests.admin.stock import failed_jobs
from tests.cli.conftest import Shell

LONG = "webhook-event-14cbf20453a149bc8581a588270a3917"

# command, key of what names a row in its JSON
TABLES = [
    ("queues list", "name"),
    ("jobs list", "id"),
    ("dlq list", "id"),
    ("flows list", "root_id"),
    ("operations list", "id"),
    ("trash list", "id"),
    ("users list", "name"),
    ("tokens list", "id"),
    ("audit list", "action"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
async def stocked(redis: Redis, redis_url: str) -> None:
    await failed_jobs(redis, 5, queue="document-processing", job_type="process_document")
    client = Client(redis=redis)
    await client.enqueue("deliver_webhook", {"n": 10**6}, queue="webhooks", job_id=LONG)
    await client.enqueue("deliver_webhook", {}, queue="webhooks", job_id=f"{LONG}-2")
    await client.add_flow(Flow("make_report", {}, queue="reports", children=[Flow("send", {}, queue="email")]))
    async with await Admin.open(redis_url, actor=Actor("somebody@a-host.example", "admin", "cli")) as admin:
        await admin.jobs.remove(f"{LONG}-2", reason="a reason that is rather long, as reasons are")
        plan = await admin.operations.plan("retry", "queue:document-processing age>1h", reason="fixed")
        await admin.operations.start(plan.operation.id, confirm=plan.confirm_text)
        await admin.users.add("maria", password="long enough")
        await admin.tokens.create("ci")


@pytest.mark.usefixtures("stocked")
async def test_a_table_fits_its_terminal_and_cuts_no_id(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    for line, key in TABLES:
        names = [row[key] for row in (await asyncio.to_thread(shell, *line.split(), "-o", "json")).json()["items"]]
        assert names, line
        for columns in (80, 120):
            monkeypatch.setenv("COLUMNS", str(columns))
            with monkeypatch.context() as patched:
                patched.setattr(sys, "stdout", terminal := Terminal())
                assert await asyncio.to_thread(run, line.split()) == 0
            shown = terminal.getvalue()
            assert [text for text in shown.splitlines() if width(text) > columns] == [], line
            assert [name for name in names if name not in shown] == [], (line, shown)
            assert "\x1b" not in shown
