"""`qconsole demo`: a running system to play with, with real jobs and real failures on every queue."""

import re
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.dead_letters import group_columns
from qconsole.cli.demo_story import CRASH_JOB, FEEDER, Story, until
from qconsole.cli.processes import MODULE, Processes
from qconsole.cli.queues import queue_columns
from qconsole.cli.serve import Host, Port
from qconsole.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from qconsole.admin import Admin

app = typer.Typer(rich_markup_mode=None)


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
    """Start a server, workers and the web console; feed all nine queues, with failures; say what to try.

    A Redis that is named (--redis, --env or QCONSOLE_REDIS_URL) is used in place of the embedded one; it must be empty.
    """
    if missing := missing_packages("workers"):
        raise ConfigError(
            f"the demo runs the platform's workers, and packages of theirs are not installed: {', '.join(missing)}",
            "Install them: pip install 'qconsole[workers,reports]'",
        )
    folder = (data or Path(tempfile.mkdtemp(prefix="qconsole-demo-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    say = session.output.say
    given = session.settings.redis_url if "redis_url" in session.settings.sources else None
    if given is not None:
        await _check_empty(await session.admin())
    async with Processes(say=say) as processes:
        story = Story(processes=processes, folder=folder, say=say)
        url, web = await processes.unless_stopped(story.start(given)), ""
        if not once:
            chosen_host, chosen_port = (
                host or session.settings.web_host,
                session.settings.web_port if port is None else port,
            )
            log = folder / "web.log"
            log.unlink(missing_ok=True)
            await processes.start_web(redis_url=url, host=chosen_host, port=chosen_port, log=log)
            web = await processes.unless_stopped(_web_address(log))
            say(f"The web console is at {web}")
        played = Session(output=session.output, redis=url, env=None, config=None)
        try:
            admin = await played.admin()
            await processes.unless_stopped(story.play(admin, kill=not no_kill))
            await _summary(session, admin, stays=given is not None or not once)
            if once:
                return ExitCode.OK
            await processes.start_command(
                [*MODULE, FEEDER, "trickle", "--redis", url],
                label="trickle of jobs",
                log=folder / "feed.log",
            )
            _what_to_try(say, url, web)
            return await processes.wait()
        finally:
            await played.close()


async def _check_empty(admin: "Admin") -> None:
    """Make sure that no queue of somebody else is served by the demo's workers.

    Raises:
        ConfigError: there are queues.
    """
    names = [queue.name for queue in await admin.queues.list()]
    if names:
        raise ConfigError(
            f"the given Redis has queues already ({', '.join(names[:5])}); the demo's workers would take their jobs",
            hint="Name an empty Redis or database, or none: the demo then starts one of its own.",
        )


async def _web_address(log: Path) -> str:
    """Wait until the web console has said where it listens."""

    async def said() -> str | None:
        found = re.search(r"The web console is at (\S+)", log.read_text() if log.exists() else "")
        return found and found[1]

    return await until(said, deadline_s=30, what="the web console")


def missing_packages(extra: str) -> list[str]:
    """Return the packages of one of our extras that are not installed."""
    found = (re.match(rf"([\w.-]+).*;.*extra == ['\"]{extra}['\"]", line) for line in requires("qconsole") or ())
    return [name for name in (match[1] for match in found if match) if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _what_to_try(say: Callable[[str], None], url: str, web: str) -> None:
    say("\nIt goes on: a steady trickle of jobs on all queues, some of which fail.")
    say(f"The web console: {web}")
    say("In another terminal:")
    say(f"  export QCONSOLE_REDIS_URL={url}")
    say("  qconsole tui")
    say("  qconsole dlq groups")
    say(f"  qconsole jobs show {CRASH_JOB}")
    say("  qconsole flows show report-today")
    say("Ctrl-C stops everything.")


async def _summary(session: Session, admin: "Admin", *, stays: bool) -> None:
    queues = await admin.queues.list()
    groups = await admin.dead_letters.groups()
    session.output.say("")
    session.show(queues, "queues", lambda: session.output.table(queues, queue_columns()))
    if groups:
        session.output.say("\nDead letters, by error:")
        session.show(
            groups, "dead_letter_groups", lambda: session.output.table(groups, group_columns(int(time.time() * 1000)))
        )
    if groups and stays:
        fingerprint = groups[0].fingerprint[:8]
        session.output.say(f"\nReplay one group: qconsole dlq replay --filter fp:{fingerprint} --dry-run")
