"""`qconsole users`: who may sign in to the web console."""

from typing import Annotated

import typer

from qconsole.cli.command import Session, at_terminal, command, read_stdin
from qconsole.cli.options import RoleOption
from qconsole.cli.output import Column, instant
from qconsole.cli.queues import show_applied
from qconsole.errors import UsageError

app = typer.Typer(
    no_args_is_help=True, help="Users of the web console: list, add, passwd, role, remove.", rich_markup_mode=None
)

UserName = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]


def _password() -> str:
    """Ask for a password twice on a terminal; read one line from standard input otherwise."""
    if not at_terminal():
        return read_stdin(lines=1).rstrip("\n")
    from getpass import getpass

    first = getpass("Password: ")
    if first != getpass("Again: "):
        raise UsageError("the two passwords differ", hint="Nothing was changed.")
    return first


@command(app, "list")
async def list_(session: Session) -> None:
    """List the users and their roles."""
    found = await (await session.admin()).users.list()
    columns = [
        Column("user", lambda u: u.name),
        Column("role", lambda u: u.role),
        Column("created", lambda u: instant(u.created_ms)),
    ]
    session.show(
        found,
        "users",
        lambda: session.output.table(found, columns, empty="No user yet: qconsole users add NAME --role operator"),
    )


@command(app, "add")
async def add(session: Session, name: UserName, role: RoleOption = "viewer") -> None:
    """Add a user; asks for the password, or reads standard input."""
    show_applied(session, await (await session.admin()).users.add(name, password=_password(), role=role))


@command(app, "passwd")
async def passwd(session: Session, name: UserName) -> None:
    """Set a user's password; ends their sessions."""
    show_applied(session, await (await session.admin()).users.passwd(name, password=_password()))


@command(app, "role")
async def role(
    session: Session,
    name: UserName,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, operator or admin.")],
) -> None:
    """Change a user's role."""
    show_applied(session, await (await session.admin()).users.role(name, role=role))


@command(app, "remove")
async def remove(session: Session, name: UserName) -> None:
    """Remove a user; ends their sessions."""
    show_applied(session, await (await session.admin()).users.remove(name))
