"""`qconsole workers`: who serves the queues, and telling them to stop."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.options import Reason
from qconsole.cli.output import Column, ago, counted, duration, instant, per_minute
from qconsole.cli.queues import show_applied

if TYPE_CHECKING:
    from qconsole.admin.views import WorkerView

app = typer.Typer(no_args_is_help=True, help="Workers: list, show, quiet, resume, stop.", rich_markup_mode=None)

WorkerId = Annotated[str, typer.Argument(metavar="WORKER", help="The worker's id.")]


@command(app, "list")
async def list_(session: Session) -> None:
    """List the workers with their load."""
    admin = await session.admin()
    found = await admin.workers.list()
    now_ms = int(time.time() * 1000)
    columns = [
        Column("worker", lambda w: w.id),
        Column("state", lambda w: w.state),
        Column("queues", lambda w: ",".join(w.queues), grow=True),
        Column("busy", lambda w: f"{len(w.running)}/{w.slots}", "right"),
        Column("per min", lambda w: per_minute(w.rate_per_min), "right", gives=2),
        Column("failed", lambda w: w.failed, "right", gives=3),
        Column("lag", lambda w: duration(w.loop_lag_ms), "right"),
        Column("deploy", lambda w: w.deploy, gives=1),
        Column("beat", lambda w: ago(w.heartbeat_ms, now_ms), "right"),
    ]
    session.show(
        found,
        "workers",
        lambda: session.output.table(found, columns, empty="No worker. Start one: qconsole worker app.WorkerSettings"),
    )


@command(app, "show")
async def show(session: Session, worker_id: WorkerId) -> None:
    """Show one worker and what it runs."""
    admin = await session.admin()
    view = await admin.workers.get(worker_id)
    session.show(view, "worker", lambda: _show(session, view))


def _show(session: Session, view: "WorkerView") -> None:
    now_ms = int(time.time() * 1000)
    session.output.pairs(
        [
            ("worker", view.id),
            ("state", view.state),
            ("host", f"{view.host}, pid {view.pid}"),
            ("version", view.version),
            ("deploy", view.deploy),
            ("queues", ", ".join(f"{queue} ({counted(slots, 'slot')})" for queue, slots in view.queues.items())),
            ("started", instant(view.started_ms)),
            ("heartbeat", f"{ago(view.heartbeat_ms, now_ms)} ago"),
            ("done", f"{view.done:,}, {view.failed:,} failed, {view.rate_per_min:,.0f} a minute"),
            ("loop lag", duration(view.loop_lag_ms)),
            ("memory", f"{view.rss_bytes / 1_048_576:,.0f} MiB" if view.rss_bytes else None),
        ]
    )
    columns = [
        Column("running", lambda r: r.id),
        Column("queue", lambda r: r.queue),
        Column("type", lambda r: r.job_type, grow=True),
        Column("for", lambda r: ago(r.started_ms, now_ms), "right"),
    ]
    session.output.table(view.running, columns, empty="It runs nothing at the moment.")


@command(app, "quiet")
async def quiet(session: Session, worker_id: WorkerId, reason: Reason = None) -> None:
    """Let a worker finish what it runs and claim no more."""
    show_applied(session, await (await session.admin()).workers.quiet(worker_id, reason=reason))


@command(app, "resume")
async def resume(session: Session, worker_id: WorkerId, reason: Reason = None) -> None:
    """Let a quiet worker claim again."""
    show_applied(session, await (await session.admin()).workers.resume(worker_id, reason=reason))


@command(app, "stop")
async def stop(session: Session, worker_id: WorkerId, reason: Reason = None) -> None:
    """Let a worker finish or give back what it runs, and exit."""
    show_applied(session, await (await session.admin()).workers.stop(worker_id, reason=reason))
