"""Every queue as JSON lines into a file, and back: `export` and `import` from the palette."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from qconsole.errors import UsageError
from qconsole.tui.cells import plain
from qconsole.tui.chore import Chore
from qconsole.tui.document import section, text_line
from qconsole.tui.form import Answers, Ask
from qconsole.tui.text_dialog import TextDialog

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp

_TOLD_EACH = 1_000  # records between two words about the progress


def transfer_chores() -> tuple[Chore, ...]:
    """Return the verbs."""
    return (
        Chore(
            "export queues",
            "everything in them, unredacted, to be imported elsewhere",
            "export",
            _export,
            (
                Ask("path", "File", required=True, hint="queues.jsonl; must not exist yet"),
                Ask("queues", "Queues", hint="all of them; or email billing"),
            ),
        ),
        Chore(
            "import queues",
            "read what export wrote; what is there already is skipped",
            "import",
            _import,
            (Ask("path", "File", required=True, hint="queues.jsonl"),),
        ),
    )


async def _export(console: "ConsoleApp", answers: Answers) -> None:
    path, queues = Path(answers["path"]).expanduser(), answers.get("queues", "").split() or None
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        raise UsageError(f"{plain(str(path))} is there already.", "Name a file that does not exist yet.", field="path")
    console.gate.release()
    records = 0
    with ExitStack() as stack:
        try:
            # Only its owner may read it: it holds payloads in the clear.
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            hint = console.cli("", "export", queue=queues, all=not queues, file=str(path), resume=True)
            raise UsageError(
                f"{plain(str(part))} cannot be written: {error.strerror}.",
                f"An export that was cut off goes on with: {hint}" if part.exists() else "Name another file.",
                field="path",
            ) from error
        file = stack.enter_context(os.fdopen(descriptor, "w", encoding="utf-8"))
        async for line in console.admin.transfer.export(queues=queues):
            file.write(line + "\n")
            records += 1
            if records % _TOLD_EACH == 0:
                console.flash(f"{records:,} lines written…")
        file.flush()
        os.fsync(descriptor)
    part.replace(path)
    console.last_command = console.cli("", "export", queue=queues, all=not queues, file=str(path))
    console.flash(f"{records:,} lines written to {plain(str(path))}", "good")


async def _import(console: "ConsoleApp", answers: Answers) -> None:
    path = Path(answers["path"]).expanduser()
    console.gate.release()
    try:
        source = path.open(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{plain(str(path))} cannot be read: {error.strerror}.", field="path") from error
    with source:
        async for loaded in console.admin.transfer.load(source):
            console.flash(f"{loaded.done:,} records written, {loaded.skipped:,} were there already…")
    console.last_command = console.cli("", "import", str(path))
    counts = f"{loaded.done:,} records, {loaded.skipped:,} were there already, {loaded.failed:,} failed"
    problems = [*loaded.problems]
    if not loaded.complete:
        problems.append("The file was cut short: its last line, which counts the others, is missing or disagrees.")
    if problems:
        lines = [section("Imported", counts), *(text_line(plain(problem)) for problem in problems)]
        text = "\n".join([counts, *problems])
        dialog = TextDialog("Import", lambda _c, _f: lines, text=text, height=len(lines), danger=True)
        await console.push_screen(dialog)
    console.flash(f"Imported {counts}.", "bad" if problems else "good")
    console.view.load_soon()
