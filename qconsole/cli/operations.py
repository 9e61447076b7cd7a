"""`qconsole operations`: bulk actions that ran, run or wait to go on."""

import time
from typing import Annotated

import typer

from qconsole.cli.bulk import drive, show_operation
from qconsole.cli.command import Session, command
from qconsole.cli.options import Cursor, PageLimit, Reason
from qconsole.cli.output import Column, ago

app = typer.Typer(
    no_args_is_help=True, help="Operations: list, show, pause, resume, abort, undo.", rich_markup_mode=None
)

OperationId = Annotated[str, typer.Argument(metavar="OPERATION", help="The operation's id.")]


@command(app, "list")
async def list_(
    session: Session,
    active: Annotated[bool, typer.Option("--active", help="Only those not at their end.")] = False,
    limit: PageLimit = 100,
    cursor: Cursor = None,
) -> None:
    """List operations, newest first."""
    from qconsole.admin.views import Page

    admin = await session.admin()
    page = Page(await admin.operations.list(active=True)) if active else await admin.operations.page(cursor, limit)
    now_ms = int(time.time() * 1000)
    columns = [
        Column("operation", lambda o: o.id),
        Column("verb", lambda o: f"{o.verb.value} {o.noun}"),
        Column("state", lambda o: o.state.value),
        Column("matched", lambda o: o.matched, "right", gives=4),
        Column("done", lambda o: o.done, "right"),
        Column("skipped", lambda o: o.skipped, "right", gives=1),
        Column("failed", lambda o: o.failed, "right"),
        Column("by", lambda o: o.actor, gives=2),
        Column("age", lambda o: ago(o.created_ms, now_ms), "right", gives=3),
        Column("filter", lambda o: o.filter, grow=True),
    ]

    def table() -> None:
        session.output.table(page.rows, columns, empty="No operation.")
        if page.next:
            session.output.say(f"More: --cursor {page.next}")

    session.show(page, "operations", table)


@command(app, "show")
async def show(session: Session, operation_id: OperationId) -> None:
    """Show one operation's counts and failures."""
    view = await (await session.admin()).operations.get(operation_id)
    session.show(view, "operation", lambda: show_operation(session, view))


@command(app, "pause")
async def pause(session: Session, operation_id: OperationId, reason: Reason = None) -> None:
    """Stop an operation after its current chunk."""
    view = await (await session.admin()).operations.pause(operation_id, reason=reason)
    session.show(view, "operation", lambda: show_operation(session, view))


@command(app, "resume")
async def resume(
    session: Session,
    operation_id: OperationId,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0, metavar="PER_S", help="Another rate from here on; 0 lifts it.")
    ] = None,
    reason: Reason = None,
) -> None:
    """Go on with a paused or interrupted operation, here, to its end."""
    admin = await session.admin()
    await admin.operations.resume(operation_id, rate_per_s=rate, reason=reason)
    await drive(session, admin, operation_id)


@command(app, "abort")
async def abort(session: Session, operation_id: OperationId, reason: Reason = None) -> None:
    """End an operation for good; what it did stays done."""
    view = await (await session.admin()).operations.abort(operation_id, reason=reason)
    session.show(view, "operation", lambda: show_operation(session, view))


@command(app, "undo")
async def undo(session: Session, operation_id: OperationId, reason: Reason = None) -> None:
    """Undo a remove, drain, discard or replay, within its window."""
    view = await (await session.admin()).operations.undo(operation_id, reason=reason)
    session.show(view, "operation", lambda: show_operation(session, view))
