"""`qconsole export` and `qconsole import`: every queue as JSON lines, and back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.output import Progress
from qconsole.errors import ExitCode, UsageError

app = typer.Typer(rich_markup_mode=None)


@command(app, "export")
async def export(
    session: Session,
    queue: Annotated[list[str] | None, typer.Option("--queue", metavar="QUEUE", help="Only these queues.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every queue.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Write here; by default standard output.")
    ] = None,
) -> None:
    """Write queues, jobs of all states, dead letters and schedules as JSON lines (unredacted; keep it safe)."""
    if bool(queue) == all_:
        raise UsageError("say what to export", hint="Use --all, or --queue NAME (once or more).")
    admin = await session.admin()
    progress = Progress(session.output, verb="export")
    written = 0
    target = file.open("w", encoding="utf-8") if file else session.output.stdout
    try:
        async for line in admin.transfer.export(queues=queue or None):
            target.write(line + "\n")
            written += 1
            progress.update(done=written, total=0, skipped=0, failed=0, rate_per_s=None)
    finally:
        progress.close()
        if file:
            target.close()
    session.output.say(f"Wrote {written:,} records{f' to {file}' if file else ''}.")


@command(app, "import")
async def import_(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="What export wrote; by default standard input.")
    ] = None,
) -> int:
    """Read records that export wrote; those that are there already are skipped, so it can be run again."""
    admin = await session.admin()
    progress = Progress(session.output, verb="import")
    try:
        source = file.open(encoding="utf-8") if file else sys.stdin
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", field="FILE") from error
    done = skipped = failed = 0
    with source:
        async for done, skipped, failed in admin.transfer.load(source):
            progress.update(done=done, total=0, skipped=skipped, failed=failed, rate_per_s=None)
    progress.close()
    session.output.say(f"Imported {done:,} records, {skipped:,} were there already, {failed:,} failed.")
    return ExitCode.PARTIAL_FAILURE if failed else ExitCode.OK
