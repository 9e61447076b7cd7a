"""`qconsole flows`: trees of jobs."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.options import Cursor, JobId, PageLimit, QueueHint, Reason
from qconsole.cli.output import ID_CELLS, Column, ago
from qconsole.cli.queues import show_applied

if TYPE_CHECKING:
    from qconsole.admin.views import FlowNode

app = typer.Typer(no_args_is_help=True, help="Flows: list, show, retry.", rich_markup_mode=None)


@command(app, "list")
async def list_(session: Session, limit: PageLimit = 50, cursor: Cursor = None) -> None:
    """List flows, newest first."""
    admin = await session.admin()
    page = await admin.flows.page(cursor=cursor, limit=limit)
    now_ms = page.as_of_ms or int(time.time() * 1000)
    columns = [
        Column("flow", lambda f: f.root_id, most=ID_CELLS),
        Column("queue", lambda f: f.queue),
        Column("type", lambda f: f.job_type, grow=True, gives=2),
        Column("state", lambda f: f.state),
        Column("children", lambda f: f"{f.children_done}/{f.children_total}", "right"),
        Column("failed", lambda f: f.children_failed, "right", gives=1),
        Column("age", lambda f: ago(f.created_ms, now_ms), "right"),
    ]
    nothing = "" if page.rows else await session.nothing("No flow.")
    session.show(page, "flows", lambda: session.output.table(page.rows, columns, empty=nothing))


@command(app, "show")
async def show(session: Session, job_id: JobId, queue: QueueHint = None) -> None:
    """Show a flow as a tree."""
    admin = await session.admin()
    root = await admin.flows.tree(job_id, queue=queue)

    def table() -> None:
        for line in _tree(root):
            session.output.text(line)

    session.show(root, "flow", table)


def _tree(node: "FlowNode", lead: str = "", branch: str = "") -> Iterator[str]:
    from qconsole.text import visible

    error = f"  {visible(node.error_message)}" if node.error_message else ""
    yield f"{lead}{branch}{node.state}  {visible(node.job_type)}  {visible(node.id)}  ({visible(node.queue)}){error}"
    inner = lead + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    for at, child in enumerate(node.children):
        last = at == len(node.children) - 1 and not node.hidden_children
        yield from _tree(child, inner, "└─ " if last else "├─ ")
    if node.hidden_children:
        yield f"{inner}└─ … {node.hidden_children:,} more"


@command(app, "retry")
async def retry(session: Session, job_id: JobId, queue: QueueHint = None, reason: Reason = None) -> None:
    """Retry the failed children of a flow and reopen their parents."""
    show_applied(session, await (await session.admin()).flows.retry_failed(job_id, queue=queue, reason=reason))
