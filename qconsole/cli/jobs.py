"""`qconsole jobs`: find, read, add, change, retry, cancel and remove jobs."""

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qconsole.cli.bulk import narrowed, run_bulk
from qconsole.cli.command import Session, command, joined, read_duration_s, read_ids, read_instant_ms, read_json
from qconsole.cli.options import (
    Again,
    Bulk,
    Cursor,
    Delay,
    Filter,
    FilterArgument,
    Follow,
    Ids,
    JobId,
    Limit,
    PageLimit,
    Payload,
    QueueHint,
    Reason,
    Reveal,
)
from qconsole.cli.output import ID_CELLS, Column, Format, Output, ago, counted, duration, instant
from qconsole.cli.queues import show_applied
from qconsole.cli.search import end_of, filled, say_more
from qconsole.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from qconsole.admin.views import JobRow, JobView, LogLine, Page, Why

app = typer.Typer(no_args_is_help=True, help="Jobs: find, show, add, retry, cancel, remove.", rich_markup_mode=None)


def job_columns(now_ms: int) -> list[Column]:
    """The columns of a job list for people."""
    return [
        Column("id", lambda j: j.id, most=ID_CELLS),
        Column("queue", lambda j: j.queue, gives=6),
        Column("type", lambda j: j.job_type, gives=4),
        Column("state", lambda j: j.state),
        Column("prio", lambda j: j.priority, "right", gives=1),
        Column("tries", lambda j: f"{j.attempts_made}/{j.attempts_allowed or '?'}", "right", gives=2),
        Column("age", lambda j: ago(j.created_ms, now_ms), "right", gives=3),
        Column("what", _what, grow=True, gives=5),
    ]


def _what(row: "JobRow") -> str:
    if row.error_type:
        return f"{row.error_type}: {row.error_message or ''}"
    return row.summary


@command(app, "list")
async def list_(
    session: Session,
    filter_: FilterArgument = None,
    filter_option: Filter = None,
    limit: PageLimit = 50,
    cursor: Cursor = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Oldest end first.")] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Every page, one after the other (with jsonl: a stream).")
    ] = False,
) -> int:
    """List jobs that match a filter.

    A long search goes on until the limit is reached or everything was looked at; Ctrl-C shows what was found by then.
    """
    admin = await session.admin()
    text = joined(filter_, filter_option)
    while True:
        page = await filled(session, partial(admin.jobs.page, text, reverse=reverse), cursor=cursor, limit=limit)
        _show_page(session, page)
        cursor = page.next
        if not all_ or cursor is None or not page.complete:
            return end_of(page)


def _show_page(session: Session, page: "Page[JobRow]") -> None:
    def table() -> None:
        nothing = "No job matches." if page.complete else "No job that matches was found yet."
        session.output.table(page.rows, job_columns(page.as_of_ms or int(time.time() * 1000)), empty=nothing)
        if page.total is not None and page.total.value > len(page.rows):
            session.output.say(f"{len(page.rows):,} of {'' if page.total.exact else 'more than '}{page.total.value:,}")
        say_more(session, page)

    session.show(page, "jobs", table)


@command(app, "show")
async def show(session: Session, job_id: JobId, queue: QueueHint = None, reveal: Reveal = False) -> None:
    """Show everything known about one job."""
    admin = await session.admin()
    view = await admin.jobs.get(job_id, queue=queue, reveal=reveal)
    why = await admin.jobs.why(job_id, queue=view.row.queue)
    session.show(view, "job", lambda: _show_job(session, view, why))


def _show_job(session: Session, view: "JobView", why: "Why") -> None:
    row, now_ms = view.row, int(time.time() * 1000)
    session.output.pairs(
        [
            ("job", row.id),
            ("queue", row.queue),
            ("type", row.job_type),
            ("state", row.state),
            ("why", why.sentence),
            ("priority", row.priority),
            (
                "attempts",
                str(row.attempts_made)
                + (f" of {row.attempts_allowed}" if row.attempts_allowed else "")
                + (f", {counted(view.stalls, 'stall')}" if view.stalls else ""),
            ),
            ("created", _when(row.created_ms, now_ms)),
            ("due", _when(row.due_ms, now_ms)),
            ("started", _when(row.started_ms, now_ms)),
            ("finished", _when(row.finished_ms, now_ms)),
            ("took", duration(row.finished_ms - row.started_ms) if row.finished_ms and row.started_ms else None),
            ("worker", row.worker),
            ("progress", None if row.progress is None else pretty(row.progress)),
            ("schedule", view.schedule),
            ("parent", "/".join(view.parent) if view.parent else None),
            ("children", view.children or None),
            ("dead letter", view.dead_letter),
            ("replay of", view.replay_of),
            ("payload", pretty(view.payload)),
            ("masked", ", ".join(view.redacted) or None),
            ("note", view.raw_hint),
            ("result", None if view.result is None else pretty(view.result)),
            ("error", f"{view.error.type}: {view.error.message}" if view.error else None),
            ("traceback", view.error.traceback if view.error else None),
        ]
    )
    if view.attempts:
        session.output.text("")
        session.output.table(
            view.attempts,
            [
                Column("attempt", lambda a: a.attempt, "right"),
                Column("outcome", lambda a: a.outcome),
                Column("start", lambda a: instant(a.start_ms)),
                Column("took", lambda a: duration(a.end_ms - a.start_ms) if a.end_ms else "–", "right"),
                Column("worker", lambda a: a.worker, gives=1),
                Column("error", lambda a: f"{a.error.type}: {a.error.message}" if a.error else "", grow=True),
            ],
        )
    if view.logs_total:
        session.output.say(f"{counted(view.logs_total, 'log line')}: qconsole jobs logs {row.id}")


def _when(ms: int | None, now_ms: int) -> str | None:
    if ms is None:
        return None
    return f"{instant(ms)} ({ago(ms, now_ms)}{'' if ms > now_ms else ' ago'})"


def pretty(value: Any) -> str:
    """Return a value as indented JSON."""
    import json

    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@command(app, "why")
async def why(session: Session, job_id: JobId, queue: QueueHint = None) -> None:
    """Say in one sentence why a job is (not) running."""
    admin = await session.admin()
    answer = await admin.jobs.why(job_id, queue=queue)

    def table() -> None:
        session.output.text(answer.sentence)
        session.output.pairs(answer.evidence)
        if answer.command:
            session.output.say(f"Try: {answer.command}")

    session.show(answer, "why", table)


@command(app, "add")
async def add(
    session: Session,
    job_type: Annotated[str, typer.Argument(metavar="TYPE", help="The job type (or arq function).")],
    payload: Payload = None,
    queue: Annotated[
        str | None, typer.Option("--queue", metavar="QUEUE", help="The queue; by default the job type's own.")
    ] = None,
    priority: Annotated[int, typer.Option("--priority", min=0, max=100, metavar="N", help="Lower runs first.")] = 5,
    delay: Delay = None,
    job_id: Annotated[str | None, typer.Option("--id", metavar="ID", help="An id of your own.")] = None,
    reason: Reason = None,
) -> None:
    """Add a job, its payload checked by the job type's schema."""
    admin = await session.admin()
    applied = await admin.jobs.add(
        job_type,
        {} if payload is None else read_json(payload, option="--payload"),
        queue=queue,
        priority=priority,
        delay_s=read_duration_s(delay, option="--delay") or 0,
        job_id=job_id,
        reason=reason,
    )
    show_applied(session, applied)


@command(app, "edit")
async def edit(
    session: Session,
    job_id: JobId,
    payload: Payload = None,
    priority: Annotated[
        int | None, typer.Option("--priority", min=0, max=100, metavar="N", help="Lower runs first.")
    ] = None,
    attempts: Annotated[int | None, typer.Option("--attempts", min=1, metavar="N", help="Attempts allowed.")] = None,
    queue: QueueHint = None,
    reason: Reason = None,
) -> None:
    """Change a waiting or delayed job: payload, priority, attempts."""
    if payload is None and priority is None and attempts is None:
        raise UsageError("nothing to change", hint="Use --payload, --priority or --attempts.")
    admin = await session.admin()
    changed = await admin.jobs.edit(
        job_id,
        queue=queue,
        payload=read_json(payload, option="--payload"),
        priority=priority,
        attempts=attempts,
        reason=reason,
    )
    show_applied(session, changed)


@command(app, "reschedule")
async def reschedule(
    session: Session,
    job_id: JobId,
    delay: Annotated[str | None, typer.Option("--in", metavar="DURATION", help="Run after this time.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Run at this ISO time, e.g. 2026-11-25T08:00+01:00.")
    ] = None,
    queue: QueueHint = None,
    reason: Reason = None,
) -> None:
    """Move a waiting or delayed job in time."""
    due_ms = read_instant_ms(in_=delay, at=at, options=("--in", "--at"))
    admin = await session.admin()
    show_applied(session, await admin.jobs.reschedule(job_id, due_ms, queue=queue, reason=reason))


@command(app, "logs")
async def logs(session: Session, job_id: JobId, queue: QueueHint = None, follow: Follow = False) -> None:
    """Show a job's log lines."""
    admin = await session.admin()
    if follow:
        async for line in admin.jobs.tail_logs(job_id, queue=queue):
            session.show(
                (line,), "logs", partial(session.output.text, f"{instant(line.ms)}  {line.attempt}  {line.line}")
            )
            session.output.stdout.flush()
        return
    after = 0
    lines: list[LogLine] = []
    while batch := await admin.jobs.logs(job_id, queue=queue, after=after, limit=500):
        lines.extend(batch)
        after += len(batch)
    columns = [
        Column("time", lambda x: instant(x.ms)),
        Column("try", lambda x: x.attempt, "right"),
        Column("line", lambda x: x.line, grow=True),
    ]
    session.show(tuple(lines), "logs", lambda: session.output.table(lines, columns, empty="No log line."))


@command(app, "wait")
async def wait(
    session: Session,
    job_id: JobId,
    timeout: Annotated[str, typer.Option("--timeout", metavar="DURATION", help="Give up after this time.")] = "1h",
    queue: QueueHint = None,
) -> int:
    """Wait until a job has ended; exit 1 unless it completed."""
    admin = await session.admin()
    view = await admin.jobs.wait(job_id, timeout_s=read_duration_s(timeout, option="--timeout") or 0, queue=queue)
    session.show(view, "job", lambda: session.output.text(f"{view.row.id} {view.row.state}"))
    return ExitCode.OK if view.row.state == "completed" else ExitCode.UNEXPECTED


@command(app, "retry")
async def retry(session: Session, bulk: Bulk, again: Again, ids: Ids = None, queue: QueueHint = None) -> int:
    """Give failed or cancelled jobs another full run of attempts."""
    chosen = read_ids(ids, bulk.filter, noun="job")
    if len(chosen) != 1 or bulk.dry_run:
        bulk, chosen = await narrowed(session, bulk, chosen, queue)
        return await run_bulk(session, "retry", bulk, noun="jobs", ids=chosen, again=again)
    edited, delay_s = read_json(again.payload, option="--payload"), read_duration_s(again.delay, option="--delay") or 0
    admin = await session.admin()
    applied = await admin.jobs.retry(chosen[0], queue=queue, delay_s=delay_s, payload=edited, reason=bulk.reason)
    show_applied(session, applied)
    return ExitCode.OK


async def _simple(session: Session, verb: str, bulk: Bulk, ids: list[str] | None, queue: str | None) -> int:
    """Run a verb that needs nothing but the selection: on one job directly, on many as an operation."""
    chosen = read_ids(ids, bulk.filter, noun="job")
    if len(chosen) != 1 or bulk.dry_run:
        bulk, chosen = await narrowed(session, bulk, chosen, queue)
        return await run_bulk(session, verb, bulk, noun="jobs", ids=chosen)
    admin = await session.admin()
    show_applied(session, await getattr(admin.jobs, verb)(chosen[0], queue=queue, reason=bulk.reason))
    return ExitCode.OK


@command(app, "cancel")
async def cancel(session: Session, bulk: Bulk, ids: Ids = None, queue: QueueHint = None) -> int:
    """Cancel jobs; running ones are ended by their worker."""
    return await _simple(session, "cancel", bulk, ids, queue)


@command(app, "remove")
async def remove(session: Session, bulk: Bulk, ids: Ids = None, queue: QueueHint = None) -> int:
    """Remove jobs that do not run (into the trash for 24 h)."""
    return await _simple(session, "remove", bulk, ids, queue)


@command(app, "promote")
async def promote(session: Session, bulk: Bulk, ids: Ids = None, queue: QueueHint = None) -> int:
    """Make delayed jobs due now."""
    return await _simple(session, "promote", bulk, ids, queue)


@command(app, "export")
async def export(session: Session, filter_: FilterArgument = None, limit: Limit = None) -> None:
    """Write matching jobs with their payloads as JSON lines."""
    from qconsole.admin.schema import to_json

    lines = Output(format=Format.JSONL)
    admin = await session.admin()
    cursor, left = None, limit
    while True:
        page = await admin.jobs.page(" ".join(filter_ or []), cursor=cursor, limit=min(200, left or 200))
        for row in page.rows:
            lines.data(to_json(await admin.jobs.get(row.id, queue=row.queue), "job"))
        left = left - len(page.rows) if left else None
        cursor = page.next
        if cursor is None or left == 0:
            return
