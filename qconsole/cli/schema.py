"""`qconsole schema NAME`: the JSON Schema of an answer."""

from typing import Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.output import Format
from qconsole.errors import UsageError

app = typer.Typer(rich_markup_mode=None)


@command(app, "schema")
async def schema(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Without one: the names.")] = None,
) -> None:
    """Print the JSON Schema of one of the answers under -o json."""
    from qconsole.admin.schema import json_schema, names

    known = sorted(names())
    if name is None:
        for each in known:
            session.output.text(each)
        return
    bare = name.removeprefix("qconsole.").removesuffix("/v1")
    if bare not in known:
        raise UsageError(f"there is no schema {name!r}", hint=f"Known: {', '.join(known)}.", field="NAME")
    session.output.format = Format.JSON
    session.output.data(json_schema(bare))
