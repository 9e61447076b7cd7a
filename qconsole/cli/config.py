"""`qconsole config`: which settings count, and where they come from."""

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.output import Column, Format

app = typer.Typer(no_args_is_help=True, help="Configuration: show, path.", rich_markup_mode=None)


@command(app, "show")
async def show(session: Session) -> None:
    """Show the settings in force, and where each comes from."""
    rows = session.settings.shown()
    if session.output.format is Format.TABLE:
        columns = [
            Column("setting", lambda r: r[0]),
            Column("value", lambda r: _shown(r[1]), grow=True),
            Column("from", lambda r: r[2]),
        ]
        session.output.table(rows, columns)
    else:
        from qconsole.admin.schema import ConfigDocument, to_json

        values = {name: {"value": value, "source": source} for name, value, source in rows}
        session.output.data(to_json(ConfigDocument(session.settings.env, values)))


def _shown(value: object) -> str:
    """Return a value as the file would have it, without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


@command(app, "path")
async def path(session: Session) -> None:
    """Show which qconsole.toml is read."""
    found = session.settings.path
    if session.output.format is not Format.TABLE:
        from qconsole.admin.schema import PathDocument, to_json

        session.output.data(to_json(PathDocument(str(found.resolve()) if found else None)))
    elif found:
        session.output.text(str(found.resolve()))
    else:
        session.output.say(
            "No qconsole.toml here nor in the user's configuration folder; defaults and QCONSOLE_* apply."
        )
