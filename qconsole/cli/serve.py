"""`qconsole up`, `serve`, `tui` and `worker`: the commands that start something and stay.

The only place in the command line that reaches beyond the admin service: it starts workers, the terminal and the web
console, each imported when it is asked for.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.config import with_values
from qconsole.errors import UsageError

app = typer.Typer(rich_markup_mode=None)

Host = Annotated[str | None, typer.Option("--host", metavar="HOST", help="Address of the web console.")]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, metavar="PORT", help="Port of the web console; 0 picks one.")
]
NoSignIn = Annotated[bool, typer.Option("--no-sign-in", help="Ask nobody to sign in; on loopback only.")]
DataFolder = Annotated[Path, typer.Option("--data", metavar="FOLDER", help="Folder of the embedded Redis.")]


@command(app, "worker")
def worker(
    session: Session,
    settings: Annotated[
        list[str], typer.Argument(metavar="SETTINGS...", help="Dotted paths, e.g. app.WorkerSettings.")
    ],
    burst: Annotated[bool, typer.Option("--burst", help="Stop when the queues are empty.")] = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The worker's name; by default host and pid.")
    ] = None,
    deploy: Annotated[str | None, typer.Option("--deploy", metavar="TAG", help="The deployed version.")] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option("--metrics-port", min=0, max=65535, metavar="PORT", help="Serve Prometheus text on this port."),
    ] = None,
) -> int:
    """Run jobs: an unchanged arq settings class, or one of ours; several serve several queues in one process."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    from qconsole.runtime.launch import run_settings

    source = session.settings.sources.get("redis_url")
    return run_settings(
        settings,
        redis_url=session.settings.redis_url if source else None,
        burst=burst,
        name=name,
        deploy=deploy or session.settings.deploy,
        metrics_port=metrics_port,
        payload_store=session.settings.payload_store,
    )


@command(app, "serve")
def serve(session: Session, host: Host = None, port: Port = None, no_sign_in: NoSignIn = False) -> int:
    """Serve the web console. People sign in as users of `qconsole users`."""
    from qconsole.web.serve import serve as serve_web

    settings = with_values(session.settings, web_auth="off") if no_sign_in else session.settings
    return serve_web(settings, host=host, port=port, say=session.output.say)


@command(app, "tui")
def tui(
    session: Session,
    at: Annotated[
        str | None, typer.Option("--at", metavar="PLACE", help="Open here, e.g. 'dlq fp:7c1e9a' or 'job doc-17'.")
    ] = None,
) -> int:
    """Open the terminal console."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the terminal console needs a terminal", hint="For scripts: qconsole jobs list -o json")
    if os.environ.get("TERM", "dumb") in ("dumb", ""):
        raise UsageError("the terminal console cannot draw on TERM=dumb", hint="Set TERM, e.g. TERM=xterm-256color.")
    from qconsole.tui.app import run

    return run(session.settings, at=at)


@command(app, "up")
async def up(
    session: Session,
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SETTINGS]...", help="Worker settings; by default those of the configuration."),
    ] = None,
    host: Host = None,
    port: Port = None,
    data: DataFolder = Path(".qconsole/data"),
) -> int:
    """Start what is needed, in one go: an embedded Redis unless one is set, workers, the web console."""
    from qconsole.cli.processes import Processes

    chosen = settings or ([session.settings.workers] if session.settings.workers else [])
    async with Processes(say=session.output.say) as processes:
        url = session.settings.redis_url
        if "redis_url" not in session.settings.sources:
            url = await processes.start_redis(data)
        for number, path in enumerate(chosen, start=1):
            await processes.start_worker([path], redis_url=url, name=f"worker-{number}")
        if not chosen:
            session.output.say("No worker settings given: only the console runs. Try: qconsole up app.WorkerSettings")
        web_port = session.settings.web_port if port is None else port
        await processes.start_web(redis_url=url, host=host or session.settings.web_host, port=web_port)
        session.output.say("Ctrl-C stops everything.")
        return await processes.wait()
