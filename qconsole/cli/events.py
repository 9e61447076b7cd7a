"""`qconsole events`: failures, stalls, burials, pauses and firings as they happen."""

from typing import TYPE_CHECKING, Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.options import Follow, OnlyQueue, PageLimit
from qconsole.cli.output import Format, instant

if TYPE_CHECKING:
    from qconsole.admin.views import EventRow

EventFilter = Annotated[
    str, typer.Option("--filter", "-f", metavar="FILTER", help="A filter, e.g. kind:buried,stalled or -kind:progress.")
]

app = typer.Typer(no_args_is_help=True, help="Events: tail.", rich_markup_mode=None)


@command(app, "tail")
async def tail(
    session: Session,
    queue: OnlyQueue = None,
    filter: EventFilter = "",
    limit: PageLimit = 20,
    follow: Follow = False,
) -> None:
    """Show the newest events, and with --follow those to come."""
    admin = await session.admin()
    page = await admin.events.page(limit=limit, queue=queue, filter=filter)
    session.note_missing(page)
    for event in reversed(page.rows):
        _write(session, event)
    if follow:
        async for event in admin.events.tail(queue, filter=filter):
            _write(session, event)


def _write(session: Session, event: "EventRow") -> None:
    if session.output.format is not Format.TABLE:
        session.output.format = Format.JSONL
    session.show((event,), "events", lambda: session.output.text(_line(event)))
    session.output.stdout.flush()


def _line(event: "EventRow") -> str:
    from qconsole.text import visible

    return visible(f"{instant(event.ms)}  {event.queue}  {event.kind}  {event.job_id or ''}  {event.text}")
