"""Schedules, flows and workers of a real server: shown, steered, told of."""

import asyncio
import contextlib

import pytest
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client, Flow, cron, every
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.scheduler import Scheduler
from qconsole.runtime.server_clock import ServerClock
from tests.support import eventually
from tests.tui.conftest import Open, shows
from tests.web.stage import JOB_TYPES, POLICIES


@pytest.fixture
async def declared(admin: Admin, redis_server: EmbeddedServer) -> None:
    """Two schedules of the code."""
    client: Redis = connect(redis_server.url, name="test")
    clock = ServerClock()
    await clock.measure(client)
    scheduler = Scheduler("reports", redis=client, clock=clock)
    await scheduler.declare(
        [
            cron("nightly", "0 2 * * *", job_type="render_report", queue="reports", payload={"page": "all"}),
            every("hourly", 3_600, job_type="render_report", queue="reports"),
        ]
    )
    await client.aclose()


async def test_schedules_are_paused_run_edited_and_removed(open_console: Open, admin: Admin, declared: None) -> None:
    async with open_console("schedules nightly", size=(150, 44)) as pilot:
        await shows(pilot, "nightly", "on schedule", "Next runs")
        await pilot.press("p")
        await shows(pilot, "paused", "none while it is paused")
        assert (await admin.schedules.get("nightly")).paused
        await pilot.press("p")
        await shows(pilot, "● on schedule")
        await pilot.press("r")
        await shows(pilot, "Run now", "Esc leaves")
        await pilot.press("enter")

        async def fired() -> bool:
            return bool((await admin.jobs.page("schedule:nightly")).rows)

        await eventually(fired)
        await pilot.press("e")
        await shows(pilot, "Pattern", "0 2 * * *")
        dialog = pilot.app.screen
        dialog.fields["pattern"].value = "nonsense"  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await shows(pilot, "nonsense", "▲")
        pilot.app.screen.fields["pattern"].value = "30 4 * * *"  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await shows(pilot, "differs from the code in pattern", "30 4 * * *")
        await pilot.press("enter")
        await shows(pilot, "Jobs it fired", "Schedule  nightly")
        await pilot.press("escape", "D")
        await shows(pilot, "Remove", "Esc leaves")
        await pilot.press("enter")

        async def removed() -> bool:
            return "nightly" not in {schedule.id for schedule in await admin.schedules.list()}

        await eventually(removed)


async def test_a_flow_is_an_outline_whose_failed_jobs_are_retried(
    open_console: Open, admin: Admin, redis_server: EmbeddedServer
) -> None:
    async with await Client.connect(redis_server.url, job_types=JOB_TYPES) as client:
        leaf = Flow("import_rows", {"n": 1}, queue="imports", job_id="leaf")
        await client.add_flow(Flow("finish", {}, queue="imports", job_id="root", children=[leaf]))
    async with open_console("flows", size=(150, 44)) as pilot:
        await shows(pilot, "root", "waiting children", "0/1", "└─")
        await pilot.press("enter")
        await shows(pilot, "Flow  root", "import_rows", "Jobs of the flow")
        await pilot.press("j", "enter")
        await shows(pilot, "Job  leaf", "Payload")
        await pilot.press("escape", "r")
        await shows(pilot, "Retry failed", "Esc leaves")
        await pilot.press("escape")


@pytest.mark.slow
async def test_a_worker_is_quieted_resumed_and_stopped(
    open_console: Open, admin: Admin, redis_server: EmbeddedServer
) -> None:
    worker = Worker(
        job_types=JOB_TYPES,
        queues=POLICIES,
        redis_url=redis_server.url,
        burst=False,
        name="bench",
        handle_signals=False,
    )
    running = asyncio.create_task(worker.main())
    try:

        async def seen() -> bool:
            return bool(await admin.workers.list())

        await eventually(seen)
        async with open_console("workers", size=(150, 44)) as pilot:
            await shows(pilot, "bench", "running", "Slots")
            for key, state in (("p", "quiet"), ("p", "running")):
                await pilot.press(key)
                if state == "quiet":
                    await shows(pilot, "Esc leaves")
                    await pilot.press("enter")

                async def turned(wanted: str = state) -> bool:
                    return (await admin.workers.list())[0].state == wanted

                await eventually(turned)
                await shows(pilot, state)
            await pilot.press("D")
            await shows(pilot, "Stop", "Esc leaves")
            await pilot.press("enter")

            async def stopping() -> bool:
                return not any(worker.state == "running" for worker in await admin.workers.list())

            await eventually(stopping)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await worker.close()
