"""`qconsole operations`: bulk actions that ran, run or wait to go on."""

import time
from typing import Annotated

import typer

from qconsole.cli.bulk import drive, show_operation
from qconsole.cli.command import Session, command
from qconsole.cli.options import PageLimit
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
) -> None:
    """List operations, newest first."""
    admin = await session.admin()
    found = await admin.operations.list(active=active, limit=limit)
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
    session.show(found, "operations", lambda: session.output.table(found, columns, empty="No operation."))


@command(app, "show")
async def show(session: Session, operation_id: OperationId) -> None:
    """Show one operation's counts and failures."""
    view = await (await session.admin()).operations.get(operation_id)
    session.show(view, "operation", lambda: show_operation(session, view))


@command(app, "pause")
async def pause(session: Session, operation_id: OperationId) -> None:
    """Stop an operation after its current chunk."""
    view = await (await session.admin()).operations.pause(operation_id)
    session.show(view, "operation", lambda: show_operation(session, view))


@command(app, "resume")
async def resume(session: Session, operation_id: OperationId) -> None:
    """Go on with a paused or interrupted operation, here, to its end."""
    admin = await session.admin()
    await admin.operations.resume(operation_id)
    await drive(session, admin, operation_id)


@command(app, "abort")
async def abort(session: Session, operation_id: OperationId) -> None:
    """End an operation for good; what it did stays done."""
    view = await (await session.admin()).operations.abort(operation_id)
    session.show(view, "operation", lambda: show_operation(session, view))


@command(app, "undo")
async def undo(session: Session, operation_id: OperationId) -> None:
    """Bring back what a remove, drain or discard took away, within its window."""
    view = await (await session.admin()).operations.undo(operation_id)
    session.show(view, "operation", lambda: show_operation(session, view))
