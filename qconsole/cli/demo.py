"""`qconsole demo`: a running system to play with, with real documents and real failures, told as it happens."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.dead_letters import group_columns
from qconsole.cli.processes import Processes
from qconsole.cli.queues import queue_columns
from qconsole.cli.serve import Host, Port
from qconsole.errors import ExitCode, NotFound, QConsoleError

if TYPE_CHECKING:
    from qconsole.admin import Admin

app = typer.Typer(rich_markup_mode=None)

SETTINGS = "workers.demo.WorkerSettings"
FEEDER = "workers.demo"
CRASH_JOB = "doc-large_order"
T = TypeVar("T")


@command(app, "demo")
async def demo(
    session: Session,
    once: Annotated[bool, typer.Option("--once", help="Work everything off, print a summary and exit.")] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FOLDER", help="Where to keep it; by default a new temporary folder."),
    ] = None,
    host: Host = None,
    port: Port = None,
    no_kill: Annotated[bool, typer.Option("--no-kill", help="Do not kill a worker.")] = False,
) -> int:
    """Start a server, workers and the web console; feed them documents, some of which fail; say what to try."""
    folder = data or Path(tempfile.mkdtemp(prefix="qconsole-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    say = session.output.say
    environment = {
        "PLATFORM_DATABASE_URL": f"sqlite:///{folder / 'platform.db'}",
        "PLATFORM_STORAGE_DIR": str(folder / "files"),
    }
    async with Processes(say=say, environment=environment) as processes:
        story = Story(processes=processes, folder=folder, say=say)
        url = await story.start()
        if not once:
            chosen_host, chosen_port = (
                host or session.settings.web_host,
                session.settings.web_port if port is None else port,
            )
            await processes.start_web(redis_url=url, host=chosen_host, port=chosen_port, log=folder / "web.log")
        played = Session(output=session.output, redis=url, env=None, config=None)
        try:
            admin = await played.admin()
            await story.play(admin, kill=not no_kill)
            await _summary(session, admin)
            if once:
                return ExitCode.OK
            await processes.start_command(
                [sys.executable, "-m", FEEDER, "trickle", "--redis", url],
                label="trickle of jobs",
                log=folder / "feed.log",
            )
            _what_to_try(say, url)
            return await processes.wait()
        finally:
            await played.close()


def _what_to_try(say: Callable[[str], None], url: str) -> None:
    say("\nIt goes on: a steady trickle of jobs, some of which fail. In another terminal:")
    say(f"  export QCONSOLE_REDIS_URL={url}")
    say("  qconsole tui")
    say("  qconsole dlq groups")
    say(f"  qconsole jobs show {CRASH_JOB}")
    say("Ctrl-C stops everything.")


class Story:
    """Feeds the demo and tells what happens to its documents."""

    DEADLINE_S = 180.0

    def __init__(self, *, processes: Processes, folder: Path, say: Callable[[str], None]) -> None:
        self._processes = processes
        self._folder = folder
        self._say = say

    async def start(self) -> str:
        """Start Redis, prepare the database and start two workers; return the Redis URL."""
        url = await self._processes.start_redis(self._folder / "redis")
        await self._processes.run([sys.executable, "-m", FEEDER, "prepare"], label="preparing the demo's database")
        for name in ("demo-1", "demo-2"):
            await self._processes.start_worker([SETTINGS], redis_url=url, name=name, log=self._folder / f"{name}.log")
        self._say(f"Two workers started; their logs are in {self._folder}")
        await self._processes.run([sys.executable, "-m", FEEDER, "feed", "--redis", url], label="feeding the demo")
        return url

    async def play(self, admin: "Admin", *, kill: bool) -> None:
        """Kill the worker of one document, then wait until every job of the feed has ended."""
        if kill:
            await self._kill_worker(admin)
        await _until(lambda: self._drained(admin), deadline_s=self.DEADLINE_S, what="the queues to drain")
        for job_id, what in (("doc-late", "came too early for its file"), (CRASH_JOB, "lost its worker")):
            await self._tell(admin, job_id, what)

    async def _kill_worker(self, admin: "Admin") -> None:
        worker_id, pid = await _until(
            lambda: self._running_worker(admin), deadline_s=self.DEADLINE_S, what=f"{CRASH_JOB} to run"
        )
        self._say(f"{CRASH_JOB} runs on {worker_id} (pid {pid}): kill -9, as the OOM killer would.")
        os.kill(pid, signal.SIGKILL)
        self._say("Its lease ends by itself; then a worker takes the job again. That is a stall, not an attempt.")

    async def _running_worker(self, admin: "Admin") -> tuple[str, int] | None:
        for worker in await admin.workers.list():
            if any(job.id == CRASH_JOB for job in worker.running):
                return worker.id, worker.pid
        return None

    async def _drained(self, admin: "Admin") -> bool | None:
        unfinished = await admin.jobs.count("state:waiting,delayed,active,waiting_children")
        return True if unfinished.value == 0 else None

    async def _tell(self, admin: "Admin", job_id: str, what: str) -> None:
        try:
            view = await admin.jobs.get(job_id)
        except NotFound:
            return
        row = view.row
        self._say(f"{job_id} {what}: {row.state} after {row.attempts_made} attempts and {view.stalls} stalls.")


async def _until(ask: Callable[[], Awaitable[T | None]], *, deadline_s: float, what: str) -> T:
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


async def _summary(session: Session, admin: "Admin") -> None:
    queues = await admin.queues.list()
    groups = await admin.dead_letters.groups()
    session.output.say("")
    session.show(queues, "queues", lambda: session.output.table(queues, queue_columns()))
    if groups:
        session.output.say("\nDead letters, by error:")
        session.show(
            groups, "dead_letter_groups", lambda: session.output.table(groups, group_columns(int(time.time() * 1000)))
        )
        fingerprint = groups[0].fingerprint[:8]
        session.output.say(f"\nReplay one group: qconsole dlq replay --filter fp:{fingerprint} --dry-run")
