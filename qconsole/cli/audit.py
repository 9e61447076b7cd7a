"""`qconsole audit`: who changed what, from where."""

import typer

from qconsole.cli.command import Session, command, joined
from qconsole.cli.options import AuditFilter, AuditFilterOption, Cursor, PageLimit
from qconsole.cli.output import Column, instant

app = typer.Typer(no_args_is_help=True, help="Audit: who did what, when, to how many jobs.", rich_markup_mode=None)


@command(app, "list")
async def list_(
    session: Session,
    filter_: AuditFilter = None,
    filter_option: AuditFilterOption = None,
    limit: PageLimit = 50,
    cursor: Cursor = None,
) -> None:
    """List changes, newest first."""
    page = await (await session.admin()).audit.page(joined(filter_, filter_option), cursor=cursor, limit=limit)
    columns = [
        Column("when", lambda a: instant(a.ms)),
        Column("who", lambda a: a.actor, grow=True),
        Column("face", lambda a: a.face, gives=1),
        Column("action", lambda a: a.action if a.outcome == "done" else f"{a.action} ({a.outcome})"),
        Column("target", lambda a: a.target, grow=True),
        Column("done", lambda a: a.done, "right", gives=3),
        Column("failed", lambda a: a.failed, "right", gives=2),
        Column("reason", lambda a: a.reason or "", grow=True, gives=4),
    ]

    def table() -> None:
        session.output.table(page.rows, columns, empty="Nothing was changed yet.")
        if page.next:
            session.output.say(f"More: --cursor {page.next}")

    session.show(page, "audit", table)
