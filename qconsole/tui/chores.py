"""Verbs that belong to no row: pause or resume all, drain all dead letters, exports, checks, previews of a pattern."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qconsole.errors import UsageError
from qconsole.tui.accounts import account_chores
from qconsole.tui.cells import plain
from qconsole.tui.check import check_chores
from qconsole.tui.chore import Chore
from qconsole.tui.confirm import ConfirmDialog, Question
from qconsole.tui.document import DocLine, section, text_line
from qconsole.tui.form import Answers, Ask
from qconsole.tui.format import plural, stamp
from qconsole.tui.job_verbs import GROUPS
from qconsole.tui.subject import Subject
from qconsole.tui.text_dialog import TextDialog
from qconsole.tui.transfer import transfer_chores

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp


def chores() -> tuple[Chore, ...]:
    """Return all of them."""
    reason = Ask("reason", "Reason", hint="goes into the audit")
    file = Ask("path", "File", required=True, hint="jobs.jsonl; must not exist yet")
    return (
        Chore(
            "pause all queues",
            "no job is started anywhere until they are resumed",
            "queues pause",
            _pause_all,
            (reason,),
        ),
        Chore("resume all queues", "start jobs of every queue again", "queues resume", _resume_all, (reason,)),
        Chore("drain dead letters", "replay every open dead letter, with a preview", "dlq drain", _drain_dead_letters),
        Chore(
            "export jobs", "write the jobs of this screen's filter as JSON lines", "jobs export", _export_jobs, (file,)
        ),
        Chore(
            "export dead letters",
            "write the dead letters of this screen's filter as JSON lines",
            "dlq export",
            _export_dead_letters,
            (file,),
        ),
        Chore("export metrics", "the Prometheus text, to read and copy", "metrics export", _prometheus),
        Chore(
            "preview pattern",
            "the next runs of a cron pattern or an interval",
            "schedules preview",
            _preview,
            (Ask("pattern", "Pattern", required=True, hint="0 2 * * 1-5"), Ask("tz", "Time zone", default="UTC")),
        ),
        Chore("wait for job", "say when the selected job has ended", "jobs wait", _wait),
        Chore(
            "json schema",
            "of what the command line answers",
            "schema",
            _schema,
            (Ask("name", "Name", required=True, hint="jobs, dead_letters, queues, …"),),
        ),
        *check_chores(),
        *transfer_chores(),
        *account_chores(),
    )


async def _pause_all(console: "ConsoleApp", answers: Answers) -> None:
    expected = "all" if console.skin.production else None
    command = console.cli("queues", "pause", all=True, reason=answers.get("reason"))
    question = Question(
        "Pause all queues", "No job is started in any queue until it is resumed.", command, expected, dangerous=True
    )
    if await console.ask(ConfirmDialog(question)) is not None:
        applied = await console.admin.queues.pause_all(**answers)
        console.flash(f"{plural(len(applied), 'queue')} paused.", "good")
        console.view.load_soon()


async def _resume_all(console: "ConsoleApp", answers: Answers) -> None:
    applied = await console.admin.queues.resume_all(**answers)
    console.flash(f"{plural(len(applied), 'queue')} resumed.", "good")
    console.view.load_soon()


async def _drain_dead_letters(console: "ConsoleApp", _answers: Answers) -> None:
    await console.performer.perform(GROUPS[0], Subject("groups", filter=""))


def _filter_for(console: "ConsoleApp", *nouns: str) -> str:
    return console.view.location.filter if console.view.noun in nouns else ""


async def _export_jobs(console: "ConsoleApp", answers: Answers) -> None:
    text = _filter_for(console, "jobs")

    async def one(row: Any) -> Any:
        return await console.admin.jobs.get(row.id, queue=row.queue)

    await _export(
        console, answers["path"], "job", lambda cursor: console.admin.jobs.page(text, cursor=cursor, limit=200), one
    )


async def _export_dead_letters(console: "ConsoleApp", answers: Answers) -> None:
    text = _filter_for(console, "dlq", "groups")

    async def one(row: Any) -> Any:
        return await console.admin.dead_letters.get(row.id)

    await _export(
        console,
        answers["path"],
        "dead_letter",
        lambda cursor: console.admin.dead_letters.page(text, cursor=cursor, limit=200),
        one,
    )


async def _export(
    console: "ConsoleApp",
    name: str,
    schema: str,
    fetch: Callable[[str | None], Awaitable[Any]],
    one: Callable[[Any], Awaitable[Any]],
) -> None:
    import orjson

    from qconsole.admin.schema import to_json

    console.gate.release()
    path = Path(name).expanduser()
    written, cursor = 0, None
    try:
        with path.open("xb") as file:
            while True:
                page = await fetch(cursor)
                for row in page.rows:
                    file.write(orjson.dumps(to_json(await one(row), schema), default=str) + b"\n")
                    written += 1
                cursor = page.next
                console.flash(f"{written:,} written…")
                if cursor is None:
                    break
    except OSError as error:
        raise UsageError(
            f"{plain(name)} cannot be written: {error.strerror}.", "Name a file that does not exist yet."
        ) from error
    console.flash(f"{written:,} written to {plain(str(path))}", "good")


async def _prometheus(console: "ConsoleApp", _answers: Answers) -> None:
    text: str = await console.admin.metrics.prometheus()
    lines = [text_line(plain(line), indent=0) for line in text.split("\n")]
    await console.push_screen(TextDialog("Prometheus text", lambda _c, _f: lines, text=text, height=len(lines)))


async def _preview(console: "ConsoleApp", answers: Answers) -> None:
    tz = answers.get("tz", "UTC")
    instants = await console.admin.schedules.preview(answers["pattern"], tz, count=10)
    lines = [section(plain(answers["pattern"]), plain(tz)), *(text_line(stamp(ms, console.zone)) for ms in instants)]
    text = "\n".join(line.text for line in lines)
    await console.push_screen(TextDialog("Next runs", lambda _c, _f: lines, text=text, height=len(lines)))


async def _wait(console: "ConsoleApp", _answers: Answers) -> None:
    subject = console.view.subject()
    if subject is None or subject.noun != "jobs" or len(subject.ids) != 1:
        raise UsageError("There is no single job selected to wait for.")
    console.gate.release()
    console.flash(f"Waiting for {subject}…")
    view = await console.admin.jobs.wait(subject.id, timeout_s=3600, queue=subject.queue)
    console.flash(f"{subject} is {view.row.state}.", "good" if view.row.state == "completed" else "bad")
    console.bell()


async def _schema(console: "ConsoleApp", answers: Answers) -> None:
    from qconsole.admin.schema import json_schema, names
    from qconsole.tui.payload import as_text

    if answers["name"] not in names():
        raise UsageError(f"There is no schema {plain(answers['name'])!r}.", f"Schemas are {', '.join(names())}.")
    text = as_text(json_schema(answers["name"]))
    lines: list[DocLine] = [text_line(plain(line), indent=0) for line in text.split("\n")]
    await console.push_screen(TextDialog("JSON schema", lambda _c, _f: lines, text=text, height=len(lines)))
