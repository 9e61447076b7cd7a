"""`qconsole schedules`: what runs when, and steering it."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from qconsole.cli.command import Session, command, read_duration_s, read_json
from qconsole.cli.jobs import pretty
from qconsole.cli.options import OnlyQueue, Payload, QueueHint, Reason
from qconsole.cli.output import Column, ago, instant
from qconsole.cli.queues import show_applied
from qconsole.errors import UsageError

if TYPE_CHECKING:
    from qconsole.admin.views import ScheduleView

app = typer.Typer(no_args_is_help=True, help="Schedules: list, preview, pause, run, edit.", rich_markup_mode=None)

ScheduleId = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The schedule's id.")]


@command(app, "list")
async def list_(session: Session, queue: OnlyQueue = None) -> None:
    """List the schedules with their next run."""
    admin = await session.admin()
    found = await admin.schedules.list(queue=queue)
    now_ms = int(time.time() * 1000)
    columns = [
        Column("schedule", lambda s: s.id),
        Column("queue", lambda s: s.queue, gives=5),
        Column("when", lambda s: s.plain, grow=True),
        Column("zone", lambda s: s.tz, gives=2),
        Column(
            "next", lambda s: "paused" if s.paused else ago(s.next_ms[0], now_ms) if s.next_ms else "ended", "right"
        ),
        Column("last", lambda s: ago(s.last_ms, now_ms), "right", gives=3),
        Column("missed", lambda s: s.missed, "right", gives=4),
        Column("source", lambda s: s.source + (" (differs)" if s.differs else ""), gives=1),
    ]
    nothing = "" if found else await session.nothing("No schedule.")
    session.show(found, "schedules", lambda: session.output.table(found, columns, empty=nothing))


@command(app, "show")
async def show(session: Session, schedule_id: ScheduleId, queue: QueueHint = None) -> None:
    """Show one schedule."""
    admin = await session.admin()
    view = await admin.schedules.get(schedule_id, queue=queue)
    session.show(view, "schedule", lambda: _show(session, view))


def _show(session: Session, view: "ScheduleView") -> None:
    session.output.pairs(
        [
            ("schedule", view.id),
            ("queue", view.queue),
            ("type", view.job_type),
            ("when", f"{view.plain} ({view.pattern}, {view.tz})"),
            (
                "paused",
                f"since {instant(view.pause.since_ms)} by {view.pause.actor}: {view.pause.reason}"
                if view.pause
                else None,
            ),
            ("next", "\n".join(instant(ms) for ms in view.next_ms)),
            ("last", f"{instant(view.last_ms)} as {view.last_job_id}, {view.last_state}" if view.last_ms else "never"),
            ("fired", view.fired),
            ("missed", f"{view.missed}, policy {view.missed_policy}"),
            ("overlap", view.overlap),
            ("limit", view.limit),
            ("jitter", f"{view.jitter_s:g} s" if view.jitter_s else None),
            ("payload", pretty(view.payload)),
            ("source", view.source),
            ("differs from code", ", ".join(view.differs) or None),
        ]
    )


@command(app, "preview")
async def preview(
    session: Session,
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="A cron pattern of 5 or 6 fields, or an interval such as 15m.")
    ],
    tz: Annotated[str, typer.Option("--tz", metavar="ZONE", help="An IANA time zone.")] = "UTC",
    count: Annotated[int, typer.Option("--count", min=1, max=100, metavar="N", help="How many.")] = 5,
) -> None:
    """Show when a pattern would run next, without saving it."""
    admin = await session.admin()
    instants = await admin.schedules.preview(_pattern(pattern, option="PATTERN"), tz, count=count)

    def table() -> None:
        for ms in instants:
            session.output.text(instant(ms))

    session.show(instants, "instants", table)


def _pattern(text: str, *, option: str) -> str:
    """Return a pattern as the admin service takes it: cron as it is, an interval such as 15m in seconds."""
    if len(text.split()) != 1:
        return text
    try:
        return f"{read_duration_s(text, option=option):g}"
    except UsageError as error:
        message = f"{option} must be a cron pattern such as '0 2 * * *' or an interval such as 15m, got {text!r}"
        raise UsageError(message, hint="Quote it for the shell.", field=option) from error


@command(app, "pause")
async def pause(session: Session, schedule_id: ScheduleId, queue: QueueHint = None, reason: Reason = None) -> None:
    """Stop a schedule from firing."""
    show_applied(session, await (await session.admin()).schedules.pause(schedule_id, queue=queue, reason=reason))


@command(app, "resume")
async def resume(session: Session, schedule_id: ScheduleId, queue: QueueHint = None, reason: Reason = None) -> None:
    """Let a schedule fire again."""
    show_applied(session, await (await session.admin()).schedules.resume(schedule_id, queue=queue, reason=reason))


@command(app, "run")
async def run(session: Session, schedule_id: ScheduleId, queue: QueueHint = None, reason: Reason = None) -> None:
    """Run a schedule's job now, beside its plan."""
    show_applied(session, await (await session.admin()).schedules.run(schedule_id, queue=queue, reason=reason))


@command(app, "edit")
async def edit(
    session: Session,
    schedule_id: ScheduleId,
    pattern: Annotated[
        str | None, typer.Option("--pattern", metavar="PATTERN", help="A cron pattern, or an interval such as 15m.")
    ] = None,
    tz: Annotated[str | None, typer.Option("--tz", metavar="ZONE", help="An IANA time zone.")] = None,
    overlap: Annotated[
        str | None, typer.Option("--overlap", metavar="HOW", help="While the run before goes on: skip, queue or allow.")
    ] = None,
    missed: Annotated[
        str | None, typer.Option("--missed", metavar="HOW", help="Runs that were missed: skip, once or all.")
    ] = None,
    payload: Payload = None,
    queue: QueueHint = None,
    reason: Reason = None,
) -> None:
    """Change a schedule; the code's declaration does not undo it."""
    given = {
        "pattern": None if pattern is None else _pattern(pattern, option="--pattern"),
        "tz": tz,
        "overlap": overlap,
        "missed": missed,
        "payload": read_json(payload, option="--payload"),
    }
    changes = {key: value for key, value in given.items() if value is not None}
    if not changes:
        raise UsageError("nothing to change", hint="Use --pattern, --tz, --overlap, --missed or --payload.")
    show_applied(
        session, await (await session.admin()).schedules.edit(schedule_id, queue=queue, reason=reason, **changes)
    )


@command(app, "remove")
async def remove(session: Session, schedule_id: ScheduleId, queue: QueueHint = None, reason: Reason = None) -> None:
    """Remove a schedule; a code-declared one stays away until resumed."""
    show_applied(session, await (await session.admin()).schedules.remove(schedule_id, queue=queue, reason=reason))


@command(app, "revert")
async def revert(session: Session, schedule_id: ScheduleId, queue: QueueHint = None, reason: Reason = None) -> None:
    """Go back to what the code declares."""
    show_applied(session, await (await session.admin()).schedules.revert(schedule_id, queue=queue, reason=reason))
