"""Workers, flows, dead letters, the service, the command line and the web, unchanged, on Sentinel and on Cluster."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from qconsole.admin import Actor, Admin
from qconsole.redis.process import free_port, port_is_taken
from qconsole.redis.slots import SLOTS, slot_of
from qconsole.runtime.flow import Flow
from tests.faults.stage import ROOT, Stage, stage
from tests.support import eventually
from tests.tui.measure import Screen

QUEUES = ("faults", "email", "reports", "webhooks")


@pytest.fixture(params=["sentinel", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_fleet").url)


@pytest.fixture
async def set_up(url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(url, tmp_path) as found:
        await found.redis.flushall()
        yield found


@pytest.fixture
async def admin(url: str) -> AsyncIterator[Admin]:
    async with await Admin.open(url, actor=Actor(name="operator", role="admin", face="cli")) as found:
        yield found


async def state_of(admin: Admin, job_id: str) -> str:
    return str((await admin.jobs.get(job_id)).row.state)


def test_the_queues_below_lie_on_different_shards() -> None:
    assert len({slot_of(queue) * 3 // SLOTS for queue in QUEUES}) == 3


async def test_jobs_of_many_queues_run_and_are_counted(set_up: Stage, admin: Admin) -> None:
    set_up.start_worker(queues=",".join(QUEUES))
    for queue in QUEUES:
        await set_up.client.enqueue_many("note", [{}] * 50, queue=queue)

    async def all_done() -> bool:
        return {view.name: view.counts["completed"] for view in await admin.queues.list()} == dict.fromkeys(QUEUES, 50)

    await eventually(all_done)
    assert (await admin.jobs.count("state:completed")).value == 50 * len(QUEUES)
    page = await admin.jobs.page("state:completed queue:email", limit=20)
    assert len(page.rows) == 20
    assert not any("{" in row.id for row in page.rows)


async def test_a_flow_crosses_shards_and_a_failure_is_buried_and_replayed(set_up: Stage, admin: Admin) -> None:
    set_up.start_worker(queues=",".join(QUEUES))
    children = [Flow("note", {}, queue=queue, job_id=f"child-{queue}") for queue in QUEUES]
    await set_up.client.add_flow(Flow("note", {}, queue="faults", job_id="parent", children=children))
    await eventually(lambda: "parent" in set_up.ledger.ended())
    assert {f"child-{queue}" for queue in QUEUES} <= set_up.ledger.ended()

    await set_up.client.enqueue("note", {"fail": 2}, queue="email", job_id="sick", attempts=2)
    (group,) = await eventually(admin.dead_letters.groups)
    assert group.count == 1
    (letter,) = (await admin.dead_letters.page()).rows
    assert letter.queue == "email"
    await admin.dead_letters.replay(letter.id, reason="mended")
    flow_runs, sick_runs = len(QUEUES) + 1, 2
    await eventually(lambda: sum(map(len, set_up.ledger.runs().values())) > flow_runs + sick_runs)


async def test_a_job_is_stopped_and_explained(set_up: Stage, admin: Admin) -> None:
    await set_up.client.enqueue("note", {"ms": 30_000}, queue="webhooks", job_id="long")
    assert "worker" in (await admin.jobs.why("long")).sentence
    set_up.start_worker(queues="webhooks")
    await eventually(lambda: "long" in set_up.ledger.runs())
    await admin.jobs.cancel("long", reason="too long")

    async def cancelled() -> bool:
        return await state_of(admin, "long") == "cancelled"

    await eventually(cancelled)
    found = await admin.doctor.examine()
    assert not [finding for finding in found if finding.level == "bad"]


def test_the_command_line_takes_the_url(url: str) -> None:
    for words in (["queues", "list"], ["dlq", "groups"]):
        ran = subprocess.run(
            [sys.executable, "-m", "qconsole.cli", *words, "--redis", url, "-o", "json"],
            capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert "items" in json.loads(ran.stdout)


async def test_the_web_console_takes_the_url(url: str) -> None:
    port = free_port()
    command = [sys.executable, "-m", "qconsole.cli", "serve", "--redis", url, "--port", str(port)]
    environment = {**os.environ, "QCONSOLE_WEB_AUTH": "off"}
    web = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        await eventually(lambda: port_is_taken(port))
        for path in ("", "jobs", "dlq", "workers", "metrics", "flows", "schedules", "operations", "audit"):
            answer = await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/{path}", timeout=60)
            with answer:
                assert (path, answer.status) == (path, 200)
    finally:
        web.terminate()
        await asyncio.to_thread(web.wait, 20)


async def test_the_terminal_console_takes_the_url(set_up: Stage, url: str) -> None:
    await set_up.client.enqueue_many("note", [{}] * 3, queue="webhooks")
    screen = await asyncio.to_thread(Screen, url, "queues")
    try:
        await asyncio.to_thread(screen.wait_for, b"webhooks", 60)
        assert await asyncio.to_thread(screen.leave, 30) == 0
    finally:
        screen.close()
