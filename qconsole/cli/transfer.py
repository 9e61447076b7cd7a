"""`qconsole export` and `qconsole import`: every queue as JSON lines, and back."""

import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated, TextIO

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
        Path | None,
        typer.Option("--file", metavar="FILE", help="Write here; by default standard output."),
    ] = None,
) -> None:
    """Write queues, jobs of all states, dead letters and schedules as JSON lines (unredacted; keep it safe)."""
    if bool(queue) == all_:
        raise UsageError("say what to export", hint="Use --all, or --queue NAME (once or more).")
    admin = await session.admin()
    progress = Progress(session.output, verb="export")
    written = 0
    part = file.with_name(f"{file.name}.part") if file else None
    with ExitStack() as stack:
        stack.callback(progress.close)
        target = stack.enter_context(_private(part)) if part else session.output.stdout
        async for line in admin.transfer.export(queues=queue or None):
            target.write(line + "\n")
            written += 1
            progress.update(done=written, total=0, skipped=0, failed=0, rate_per_s=None)
    if file and part:
        part.replace(file)
    records = written - len(("header", "end"))
    session.output.say(f"Wrote {records:,} records{f' to {file}' if file else ''}.")


def _private(path: Path) -> TextIO:
    """Open a file for writing that only its owner may read: it holds payloads in the clear."""
    try:
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")  # noqa: PTH123
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", field="--file") from error


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
    with source, closing(progress):
        async for loaded in admin.transfer.load(source):
            progress.update(done=loaded.done, total=0, skipped=loaded.skipped, failed=loaded.failed, rate_per_s=None)
    for problem in loaded.problems:
        session.output.say(problem)
    if not loaded.complete:
        session.output.say("The file was cut short: its last line, which counts the others, is missing or disagrees.")
    counts = f"{loaded.skipped:,} were there already, {loaded.failed:,} failed"
    session.output.say(f"Imported {loaded.done:,} records, {counts}.")
    return ExitCode.OK if loaded.complete and not loaded.failed else ExitCode.PARTIAL_FAILURE
