"""`qconsole queues`: see the queues and steer them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qconsole.cli.bulk import narrowed, run_bulk
from qconsole.cli.command import Session, checked_filter, command, joined, read_duration_s, read_instant_ms
from qconsole.cli.options import Bulk, QueueName, Reason
from qconsole.cli.output import Column, ago, counted, duration, instant, per_minute
from qconsole.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from qconsole.admin.views import Applied, PauseView, QueueView

app = typer.Typer(no_args_is_help=True, help="Queues: list, pause, limit, drain.", rich_markup_mode=None)

QueueNames = Annotated[list[str] | None, typer.Argument(metavar="[QUEUE]...", help="The queues; or --all.")]
AllQueues = Annotated[bool, typer.Option("--all", help="Every queue.")]


def _known(view: "QueueView", number: int | str) -> int | str | None:
    return None if view.error else number


def say_unread(session: Session, views: "Sequence[QueueView]") -> ExitCode:
    """Say which queues could not be read; return the exit code of an answer without them."""
    lost = [view for view in views if view.error]
    for view in lost:
        session.output.say(f"{view.name} cannot be read: {view.error}")
    return ExitCode.PARTIAL_FAILURE if lost else ExitCode.OK


def queue_columns() -> list[Column]:
    """The columns of a queue list for people."""
    return [
        Column("queue", lambda q: q.name),
        Column("health", lambda q: "unreadable" if q.error else q.health.value),
        Column("waiting", lambda q: _known(q, q.counts.get("waiting", 0)), "right"),
        Column("delayed", lambda q: _known(q, q.counts.get("delayed", 0)), "right", gives=2),
        Column("active", lambda q: _known(q, q.counts.get("active", 0)), "right"),
        Column("failed", lambda q: _known(q, q.counts.get("failed", 0)) if q.native else None, "right", gives=3),
        Column("dead", lambda q: _known(q, q.counts.get("dead_letters", 0)) if q.native else None, "right"),
        Column("workers", lambda q: _known(q, q.workers), "right", gives=4),
        Column("oldest", lambda q: duration(q.oldest_wait_ms), "right"),
        Column("per min", lambda q: _known(q, per_minute(q.throughput_per_min)), "right", gives=1),
    ]


@command(app, "list")
async def list_(session: Session) -> int:
    """List every queue with its health and counts.

    Ends with 6 when some queues of a cluster cannot be read.
    """
    admin = await session.admin()
    queues = await admin.queues.list()
    session.show(
        queues,
        "queues",
        lambda: session.output.table(
            queues, queue_columns(), empty="No queue yet. Try: qconsole demo, or qconsole jobs add TYPE --queue NAME"
        ),
    )
    return say_unread(session, queues)


@command(app, "show")
async def show(session: Session, queue: QueueName) -> None:
    """Show one queue: counts, limits, pause, rates, targets."""
    admin = await session.admin()
    view = await admin.queues.get(queue)
    session.show(view, "queue", lambda: _show(session, view))


def _show(session: Session, view: "QueueView") -> None:
    now_ms = int(time.time() * 1000)
    limits = view.limits
    session.output.pairs(
        [
            ("queue", view.name),
            ("health", f"{view.health.value}: {view.health_reason}" if view.health_reason else view.health.value),
            ("counts", _counts(view)),
            ("workers", f"{view.workers} with {counted(view.slots, 'slot')}, {view.busy} busy"),
            ("oldest wait", duration(view.oldest_wait_ms)),
            ("wait p50 / p95", f"{duration(view.p50_wait_ms)} / {duration(view.p95_wait_ms)}"),
            ("run p95", duration(view.p95_run_ms)),
            ("concurrency", limits.concurrency),
            (
                "rate",
                f"{limits.rate_max:,} per {limits.rate_per_s:g} s" if limits.rate_max and limits.rate_per_s else None,
            ),
            ("held until", instant(limits.held_until_ms) if limits.held_until_ms else None),
            ("limits", "differ from the code" if limits.differs_from_code else None),
            ("paused", _pause(view.pause, now_ms) if view.pause else None),
            (
                "kind",
                None
                if view.native
                else "plain arq: no limits, metrics or dead letters, and what ended is not counted, until one of our "
                "workers serves it",
            ),
        ]
    )


_ENDED = ("completed", "failed", "cancelled", "dead_letters")


def _counts(view: "QueueView") -> str:
    """Return the counts there are, those of what ended on a line of their own: plain arq keeps no index of it."""
    waits = [(state, count) for state, count in view.counts.items() if state not in _ENDED]
    ended = [(state, view.counts[state]) for state in _ENDED if state in view.counts and view.native]
    lines = [[f"{count:,} {state.replace('_', ' ')}" for state, count in part] for part in (waits, ended) if part]
    return "\n".join(", ".join(line) for line in lines)


def _pause(pause: "PauseView", now_ms: int) -> str:
    until = f"; resumes {instant(pause.until_ms)}" if pause.until_ms else ""
    return f"{ago(pause.since_ms, now_ms)} ago by {pause.actor}: {pause.reason or 'no reason given'}{until}"


def show_applied(session: Session, applied: "Applied") -> None:
    """Write what a change of one thing did."""
    session.show(applied, "applied", lambda: session.output.text(applied.sentence))


def show_all_applied(session: Session, done: "tuple[Applied, ...]") -> None:
    """Write what a change of several things did, a line each."""

    def table() -> None:
        for applied in done:
            session.output.text(applied.sentence)
        if not done:
            session.output.say("Nothing to change.")

    session.show(done, "applied", table)


@command(app, "pause")
async def pause(
    session: Session,
    queues: QueueNames = None,
    all_: AllQueues = False,
    for_: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="Resume by itself after this.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Resume by itself at this time.")] = None,
    reason: Reason = None,
) -> None:
    """Stop claims on queues; jobs that run go on to their end."""
    admin = await session.admin()
    until_ms = read_instant_ms(in_=for_, at=until, options=("--for", "--until")) if for_ or until else None
    if all_:
        show_all_applied(session, await admin.queues.pause_all(reason=reason, until_ms=until_ms))
        return
    names = _named(queues)
    show_all_applied(session, tuple([await admin.queues.pause(q, reason=reason, until_ms=until_ms) for q in names]))


@command(app, "resume")
async def resume(
    session: Session,
    queues: QueueNames = None,
    all_: AllQueues = False,
    hold: Annotated[bool, typer.Option("--hold", help="End a hold that a rate-limited job put on them.")] = False,
    reason: Reason = None,
) -> None:
    """Let workers claim again."""
    admin = await session.admin()
    if all_:
        show_all_applied(session, await admin.queues.resume_all(reason=reason))
        return
    change = admin.queues.release_hold if hold else admin.queues.resume
    show_all_applied(session, tuple([await change(queue, reason=reason) for queue in _named(queues)]))


def _named(queues: list[str] | None) -> list[str]:
    if not queues:
        raise UsageError("no queue named", hint="Name one or more queues, or use --all.")
    return queues


@command(app, "limit")
async def limit(
    session: Session,
    queue: QueueName,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=0, metavar="N", help="Jobs at once over all workers; 0 clears it."),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option("--rate", metavar="MAX/DURATION", help="Starts in any window, e.g. 10/1s; `none` clears it."),
    ] = None,
    reason: Reason = None,
) -> None:
    """Set or clear the queue's concurrency and rate, live."""
    admin = await session.admin()
    changes: dict[str, Any] = {}
    if concurrency is not None:
        changes["concurrency"] = concurrency or None
    if rate is not None:
        changes["rate_max"], changes["rate_per_s"] = _rate(rate)
    if not changes:
        raise UsageError("nothing to change", hint="Use --concurrency N or --rate MAX/DURATION.")
    show_applied(session, await admin.queues.limit(queue, reason=reason, **changes))


def _rate(text: str) -> tuple[int | None, float | None]:
    if text == "none":
        return None, None
    count, _, window = text.partition("/")
    seconds = read_duration_s(window, option="--rate") if window else None
    if not count.isdigit() or not int(count) or not seconds:
        raise UsageError(f"--rate must be MAX/DURATION such as 10/1s, or none, got {text!r}", field="--rate")
    return int(count), seconds


@command(app, "drain")
async def drain(
    session: Session,
    queue: QueueName,
    bulk: Bulk,
    delayed: Annotated[bool, typer.Option("--delayed/--waiting-only", help="Take delayed jobs out as well.")] = True,
) -> int:
    """Take the waiting and delayed jobs out of a queue, into the trash."""
    wanted = joined(["state:waiting,delayed" if delayed else "state:waiting"], checked_filter(bulk.filter))
    chosen, _ = await narrowed(session, replace(bulk, filter=wanted), [], queue)
    return await run_bulk(session, "drain", chosen, noun="jobs")


@command(app, "empty")
async def empty(
    session: Session,
    queue: QueueName,
    confirm: Annotated[str | None, typer.Option("--confirm", metavar="QUEUE", help="The queue's name again.")] = None,
    reason: Reason = None,
) -> None:
    """Remove every job, dead letter and record of a queue for good. There is no undo."""
    admin = await session.admin()
    show_applied(session, await admin.queues.empty(queue, confirm_name=confirm or "", reason=reason))


@command(app, "forget")
async def forget(session: Session, queue: QueueName, reason: Reason = None) -> None:
    """Take an empty queue off the list until somebody uses it again."""
    show_applied(session, await (await session.admin()).queues.forget(queue, reason=reason))
