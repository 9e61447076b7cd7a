"""`qconsole tokens`: API tokens for scripts."""

from typing import Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.options import RoleOption
from qconsole.cli.output import Column, Format, instant
from qconsole.cli.queues import show_applied

app = typer.Typer(no_args_is_help=True, help="API tokens: list, create, revoke.", rich_markup_mode=None)


@command(app, "list")
async def list_(session: Session) -> None:
    """List the tokens; their secrets are not kept."""
    found = await (await session.admin()).tokens.list()
    columns = [
        Column("token", lambda t: t.id),
        Column("name", lambda t: t.name, grow=True),
        Column("role", lambda t: t.role),
        Column("created", lambda t: instant(t.created_ms)),
        Column("last used", lambda t: instant(t.last_used_ms)),
    ]
    session.show(
        found,
        "tokens",
        lambda: session.output.table(found, columns, empty="No token yet: qconsole tokens create NAME --role viewer"),
    )


@command(app, "create")
async def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    role: RoleOption = "viewer",
) -> None:
    """Create a token and print its secret, once."""
    created = await (await session.admin()).tokens.create(name, role=role)
    if session.output.format is Format.TABLE:
        session.output.text(created.secret)
        session.output.say("Keep it now: it is not shown again. Use it as QCONSOLE_TOKEN or 'Authorization: Bearer …'.")
    else:
        session.show(created, "token", lambda: None)


@command(app, "revoke")
async def revoke(
    session: Session, token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="The token's id.")]
) -> None:
    """Make a token worthless at once."""
    show_applied(session, await (await session.admin()).tokens.revoke(token_id))
