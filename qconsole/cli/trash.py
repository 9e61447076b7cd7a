"""`qconsole trash`: removed jobs, until their window ends."""

import time
from dataclasses import replace

import typer

from qconsole.cli.bulk import run_bulk
from qconsole.cli.command import Session, command, read_ids
from qconsole.cli.options import Bulk, Cursor, Ids, PageLimit
from qconsole.cli.output import ID_CELLS, Column, ago
from qconsole.cli.queues import show_applied
from qconsole.errors import ExitCode

app = typer.Typer(no_args_is_help=True, help="Trash: list, restore.", rich_markup_mode=None)


@command(app, "list")
async def list_(session: Session, limit: PageLimit = 50, cursor: Cursor = None) -> None:
    """List removed jobs that can be restored."""
    page = await (await session.admin()).trash.page(cursor=cursor, limit=limit)
    now_ms = page.as_of_ms or int(time.time() * 1000)
    columns = [
        Column("id", lambda t: t.id, most=ID_CELLS),
        Column("queue", lambda t: t.queue),
        Column("type", lambda t: t.job_type, grow=True, gives=2),
        Column("was", lambda t: t.state_before, gives=3),
        Column("removed", lambda t: ago(t.removed_ms, now_ms), "right", gives=4),
        Column("gone", lambda t: ago(t.until_ms, now_ms), "right"),
        Column("by", lambda t: t.actor, gives=1),
    ]
    session.show(page, "trash", lambda: session.output.table(page.rows, columns, empty="The trash is empty."))


@command(app, "restore")
async def restore(session: Session, bulk: Bulk, ids: Ids = None) -> int:
    """Put removed jobs back where they were.

    A filter may ask for their id, queue, type, state before, and age since they were removed. What an operation
    removed comes back as a whole by: qconsole operations undo OPERATION.
    """
    chosen = read_ids(ids, bulk.filter, noun="job")
    trash = (await session.admin()).trash
    if bulk.filter:
        chosen = list(await trash.matching(bulk.filter))
    if bulk.filter or len(chosen) != 1 or bulk.dry_run:
        return await run_bulk(session, "restore", replace(bulk, filter=None), noun="trash", ids=chosen)
    show_applied(session, await trash.restore(chosen[0], reason=bulk.reason))
    return ExitCode.OK
