"""`qconsole export` and `qconsole import`: every queue as JSON lines, and back."""

import fcntl
import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.output import Progress, instant
from qconsole.errors import ExitCode, UsageError
from qconsole.text import printable_json

if TYPE_CHECKING:
    from qconsole.admin.export_place import Unfinished

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
    resume: Annotated[
        bool | None,
        typer.Option("--resume/--no-resume", help="Go on with an export to FILE that was cut off, or begin again."),
    ] = None,
) -> None:
    """Write queues, jobs of all states, dead letters and schedules as JSON lines (unredacted; keep it safe)."""
    if bool(queue) == all_:
        raise UsageError("say what to export", hint="Use --all, or --queue NAME (once or more).")
    if resume and not file:
        raise UsageError("only an export to a file can be gone on with", hint="Add --file FILE.", field="--resume")
    admin = await session.admin()
    from qconsole.admin.export_place import is_record

    progress = Progress(session.output, verb="export")
    part = file.with_name(f"{file.name}.part") if file else None
    records = 0
    with ExitStack() as stack:
        stack.callback(progress.close)
        target, begun = _opened(part, resume) if part else (None, None)
        if target:
            stack.enter_context(target)
            stack.push(lambda kind, *_: session.output.say(f"{part} goes on with --resume.") if kind else None)
        if begun:
            records = begun.records
            session.output.say(f"Going on behind {records:,} records, begun at {instant(begun.at_ms)}.")
        async for line in admin.transfer.export(queues=queue or None, begun=begun):
            text = f"{line}\n"
            target.write(text.encode()) if target else session.output.stdout.write(printable_json(text))
            records += is_record(line)
            progress.update(done=records, total=0, skipped=0, failed=0, rate_per_s=None)
        if file and part and target:
            target.flush()
            os.fsync(target.fileno())
            part.replace(file)
    session.output.say(f"Wrote {records:,} records{f' to {file}' if file else ''}.")


def _opened(part: Path, resume: bool | None) -> "tuple[BinaryIO, Unfinished | None]":
    """Open a file for writing, behind what an export that was cut off left in it.

    Only its owner may read it: it holds payloads in the clear.

    Raises:
        UsageError: it cannot be written, another export writes it, or it holds something and nobody said what to do.
    """
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise UsageError(f"cannot write {part}: {error.strerror}", field="--file") from error
    from qconsole.admin.export_place import unfinished

    with ExitStack() as stack:
        target = stack.enter_context(open(descriptor, "r+b"))  # noqa: PTH123
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another export is writing {part}", "Wait for its end.", field="--file") from None
        if resume is None and part.stat().st_size:
            raise UsageError(
                f"{part} holds an export that was cut off", "Go on with it: --resume. Begin again: --no-resume."
            )
        begun = unfinished(target) if resume else None
        target.seek(begun.size_bytes if begun else 0)
        target.truncate()
        stack.pop_all()
        return target, begun


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
        source = sys.stdin if file is None or str(file) == "-" else file.open(encoding="utf-8")
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
