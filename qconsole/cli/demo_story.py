"""The story that `qconsole demo` tells: what it feeds, whose worker it kills, and what became of whom."""

import asyncio
import json
import os
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from qconsole.cli.processes import MODULE, Processes
from qconsole.errors import NotFound, QConsoleError

if TYPE_CHECKING:
    from qconsole.admin import Admin

SETTINGS: Final = "workers.demo.WorkerSettings"
FEEDER: Final = "workers.demo"
OUTSIDE: Final = "workers.demo_outside"
CRASH_JOB: Final = "doc-large_order"
RUN_NOW: Final = ("sync-impa-catalog", "cleanup-expired-sessions")
UNFINISHED: Final = ("state:waiting,active,waiting_children", "state:delayed due<now+1h")
ENDINGS: Final = (
    ("doc-late", "came too early for its file"),
    (CRASH_JOB, "lost its worker"),
    ("doc-broken", "cannot be read by anybody"),
    ("mail-later", "was put off by the mail server"),
    ("mail-refused", "is for somebody whom the mail server does not know"),
    ("notify-crew", "told 300 people, behind everything more urgent"),
    ("notify-left", "is for somebody who has left"),
    ("import-shrunken", "would have emptied most of the catalogue"),
    ("report-today", "waited for three documents"),
)
T = TypeVar("T")


class Story:
    """Feeds the demo and tells what happens to its jobs."""

    DEADLINE_S = 180.0

    def __init__(self, *, processes: Processes, folder: Path, say: Callable[[str], None]) -> None:
        self._processes = processes
        self._folder = folder
        self._outside = folder / "outside"
        self._say = say

    async def start(self, redis_url: str | None = None) -> str:
        """Start what is needed and feed it; return the URL of Redis, the given one or that of an embedded server."""
        url = redis_url or await self._processes.start_redis(self._folder / "redis")
        base_url = await self._start_outside()
        await self._processes.run(
            [*MODULE, FEEDER, "prepare", "--outside", base_url], label="preparing the demo's database"
        )
        for name in ("demo-1", "demo-2"):
            await self._processes.start_worker([SETTINGS], redis_url=url, name=name, log=self._folder / f"{name}.log")
        self._say(f"Two workers started; their logs are in {self._folder}")
        await self._processes.run([*MODULE, FEEDER, "feed", "--redis", url], label="feeding the demo")
        return url

    async def _start_outside(self) -> str:
        ports_file = self._outside / "ports.json"
        ports_file.unlink(missing_ok=True)
        await self._processes.start_command(
            [*MODULE, OUTSIDE, str(self._outside)],
            label="mail server and receiver of webhooks",
            log=self._folder / "outside.log",
        )

        async def read_ports() -> dict[str, int] | None:
            return json.loads(ports_file.read_text()) if ports_file.exists() else None

        ports = await until(read_ports, deadline_s=30, what="the demo's mail server")
        base_url = f"http://127.0.0.1:{ports['http']}"
        self._processes.set_environment(
            {
                "PLATFORM_DATABASE_URL": f"sqlite:///{self._folder / 'platform.db'}",
                "PLATFORM_STORAGE_DIR": str(self._folder / "files"),
                "QCONSOLE_PAYLOAD_STORE": "workers.payloads.open_payloads",
                "PLATFORM_LINK_SECRET": secrets.token_hex(),
                "PLATFORM_SMTP_HOST": "127.0.0.1",
                "PLATFORM_SMTP_PORT": str(ports["smtp"]),
                "PLATFORM_SMTP_SECURITY": "none",
                "PLATFORM_SMTP_USER": "",
                "PLATFORM_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
                "PLATFORM_PAGERDUTY_KEY": "demo",
                "PLATFORM_PAGERDUTY_URL": f"{base_url}/pager",
                "PLATFORM_ALERT_WEBHOOKS": "[]",
                "PLATFORM_ALERT_EMAILS": '["on-call@lapwing.example"]',
                "PLATFORM_CATALOGUE_SOURCE": str(self._folder / "catalogue.csv"),
            }
        )
        self._say(f"A mail server (port {ports['smtp']}) and a receiver of webhooks ({base_url}) listen on loopback.")
        return base_url

    async def play(self, admin: "Admin", *, kill: bool) -> None:
        """Run two schedules now, wait for every job of the feed, kill the worker of one document."""
        for schedule in RUN_NOW:
            await self._run_now(admin, schedule)
        self._say("Waiting until the queues are drained; mail-next-month stays, as it is due in 30 days.")
        await self._drain(admin)
        # Only now, so that nothing else is lost with the worker and the story is the same each time.
        if (await admin.jobs.get(CRASH_JOB)).row.state == "delayed":
            await admin.jobs.promote(CRASH_JOB)
            self._say(f"{CRASH_JOB} was to wait for two hours: promoted, it runs now.")
            if kill:
                await self._kill_worker(admin)
            await self._drain(admin)
        for job_id, what in ENDINGS:
            await self._tell(admin, job_id, what)
        mails, webhooks, calls = (self._received(kind) for kind in ("mails", "webhooks", "pager"))
        self._say(
            f"Received outside: {mails} mails, {webhooks} webhook requests, {calls} pager calls ({self._outside})."
        )

    async def _run_now(self, admin: "Admin", schedule: str) -> None:
        async def known() -> bool | None:
            return True if any(row.id == schedule for row in await admin.schedules.list()) else None

        await until(known, deadline_s=self.DEADLINE_S, what=f"a worker to declare the schedule {schedule}")
        await admin.schedules.run(schedule)
        self._say(f"Schedule {schedule}: run now, by hand.")

    async def _kill_worker(self, admin: "Admin") -> None:
        worker_id, pid = await until(
            lambda: self._running_worker(admin), deadline_s=self.DEADLINE_S, what=f"{CRASH_JOB} to run"
        )
        self._say(f"{CRASH_JOB} runs on {worker_id} (pid {pid}): kill -9, as the OOM killer would.")
        os.kill(pid, signal.SIGKILL)
        self._say("Its lease ends by itself; then a worker takes the job again. That is a stall, not an attempt.")

    async def _running_worker(self, admin: "Admin") -> tuple[str, int] | None:
        # From the job itself: on a fast machine it has ended before its worker's next heartbeat tells of it.
        row = (await admin.jobs.get(CRASH_JOB)).row
        if row.state != "active" or row.worker is None:
            return None
        pid = row.worker.rsplit("-", 2)[1]
        return row.worker, int(pid)

    async def _drain(self, admin: "Admin") -> None:
        await until(lambda: self._drained(admin), deadline_s=self.DEADLINE_S, what="the queues to drain")

    async def _drained(self, admin: "Admin") -> bool | None:
        # Twice, as a job that just ended may be about to queue another one.
        for pause_s in (0.5, 0.0):
            for unfinished in UNFINISHED:
                if (await admin.jobs.count(unfinished)).value:
                    return None
            await asyncio.sleep(pause_s)
        return True

    async def _tell(self, admin: "Admin", job_id: str, what: str) -> None:
        try:
            view = await admin.jobs.get(job_id)
        except NotFound:
            return
        row = view.row
        counted = [f"{row.attempts_made} attempt{'s' * (row.attempts_made != 1)}"]
        counted += [f"{view.stalls} stall{'s' * (view.stalls != 1)}"] if view.stalls else []
        self._say(f"{job_id} {what}: {row.state} after {' and '.join(counted)}.")

    def _received(self, kind: str) -> int:
        path = self._outside / f"{kind}.jsonl"
        return len(path.read_text().splitlines()) if path.exists() else 0


async def until(ask: Callable[[], Awaitable[T | None]], *, deadline_s: float, what: str) -> T:
    """Ask every 100 ms until there is an answer.

    Raises:
        QConsoleError: none came before the deadline.
    """
    end = time.monotonic() + deadline_s
    while (answer := await ask()) is None:
        if time.monotonic() > end:
            raise QConsoleError(
                f"waited {deadline_s:.0f} s for {what}", "Look at the workers' logs in the data folder."
            )
        await asyncio.sleep(0.1)
    return answer
