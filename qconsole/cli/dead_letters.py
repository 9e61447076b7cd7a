"""`qconsole dlq`: dead letters by error group; replay, discard, note."""

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qconsole.cli.bulk import run_bulk
from qconsole.cli.command import Session, checked_filter, command, joined, read_duration_s, read_ids, read_json
from qconsole.cli.jobs import pretty
from qconsole.cli.options import Again, Bulk, Cursor, Filter, Ids, LetterFilter, Limit, PageLimit, Reveal
from qconsole.cli.output import Column, Format, Output, ago, counted, instant
from qconsole.cli.queues import show_applied
from qconsole.cli.search import end_of, filled, say_more
from qconsole.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from qconsole.admin.views import DeadLetterGroup, DeadLetterView

app = typer.Typer(no_args_is_help=True, help="Dead letters: groups, show, replay, discard.", rich_markup_mode=None)

ENTRY_CELLS = 34  # the id of a job of ours, and when it was buried
EntryId = Annotated[str, typer.Argument(metavar="ID", help="The dead letter's id, or its job's id.")]


@command(app, "list")
async def list_(
    session: Session,
    filter_: LetterFilter = None,
    filter_option: Filter = None,
    limit: PageLimit = 50,
    cursor: Cursor = None,
) -> int:
    """List dead letters that match a filter, newest first."""
    admin = await session.admin()
    read = partial(admin.dead_letters.page, joined(filter_, filter_option))
    page = await filled(session, read, cursor=cursor, limit=limit)
    now_ms = page.as_of_ms or int(time.time() * 1000)
    nothing = (
        ""
        if page.rows
        else await session.nothing("No dead letter matches." if page.complete else "No match was found yet.")
    )

    def table() -> None:
        session.output.table(
            page.rows,
            [
                Column("id", lambda e: e.id, most=ENTRY_CELLS),
                Column("queue", lambda e: e.queue, gives=5),
                Column("type", lambda e: e.job_type, gives=4),
                Column("state", lambda e: e.state, gives=2),
                Column("cause", lambda e: e.cause, gives=3),
                Column("tries", lambda e: e.attempts, "right", gives=1),
                Column("buried", lambda e: ago(e.buried_ms, now_ms), "right"),
                Column("fp", lambda e: e.fingerprint[:8], gives=7),
                Column("error", lambda e: f"{e.error_type}: {e.error_message}", grow=True, gives=6),
            ],
            empty=nothing,
        )
        say_more(session, page)

    session.show(page, "dead_letters", table)
    return end_of(page)


def group_columns(now_ms: int) -> list[Column]:
    """The columns of a list of error groups for people."""
    return [
        Column("fp", lambda g: g.fingerprint[:8]),
        Column("count", lambda g: g.count, "right"),
        Column("queues", lambda g: ",".join(g.queues), gives=3),
        Column("types", lambda g: ",".join(g.job_types), gives=1),
        Column("first", lambda g: ago(g.first_ms, now_ms), "right", gives=2),
        Column("last", lambda g: ago(g.last_ms, now_ms), "right"),
        Column("error", lambda g: f"{g.error_type}: {g.message}", grow=True),
    ]


@command(app, "groups")
async def groups(session: Session, filter_: LetterFilter = None, filter_option: Filter = None) -> None:
    """List open dead letters grouped by error, largest first."""
    admin = await session.admin()
    found = await admin.dead_letters.groups(joined(filter_, filter_option))
    now_ms = int(time.time() * 1000)
    nothing = "" if found else await session.nothing("No open dead letter.")

    def table() -> None:
        session.output.table(found, group_columns(now_ms), empty=nothing)
        if found:
            session.output.say(_next_step(found[0]))

    session.show(found, "dead_letter_groups", table)


def _next_step(group: "DeadLetterGroup") -> str:
    see = f"See one: qconsole dlq show {group.sample_ids[0]}\n" if group.sample_ids else ""
    return f"{see}Replay a group: qconsole dlq replay --filter fp:{group.fingerprint[:8]} --dry-run"


@command(app, "show")
async def show(session: Session, entry_id: EntryId, reveal: Reveal = False) -> None:
    """Show one dead letter: payload, error, attempts."""
    admin = await session.admin()
    view = await admin.dead_letters.get(entry_id, reveal=reveal)
    session.show(view, "dead_letter", lambda: _show(session, view))


def _show(session: Session, view: "DeadLetterView") -> None:
    row = view.row
    session.output.pairs(
        [
            ("dead letter", row.id),
            ("job", row.job_id),
            ("queue", row.queue),
            ("type", row.job_type),
            ("state", row.state),
            ("cause", row.cause),
            ("severity", row.severity),
            ("buried", instant(row.buried_ms)),
            ("attempts", f"{row.attempts}" + (f", {counted(view.stalls, 'stall')}" if view.stalls else "")),
            ("fingerprint", row.fingerprint),
            ("note", row.note),
            ("replayed as", row.replayed_as),
            ("resolved", f"{instant(view.resolved_ms)} by {view.actor}: {view.reason}" if view.resolved_ms else None),
            ("payload", pretty(view.payload)),
            ("masked", ", ".join(view.redacted) or None),
            ("error", f"{view.error.type}: {view.error.message}"),
            ("traceback", view.error.traceback),
        ]
    )
    if row.state == "open":
        session.output.say(
            f"Replay it: qconsole dlq replay {row.id}\nDiscard it: qconsole dlq discard {row.id} --reason …"
        )


@command(app, "replay")
async def replay(session: Session, bulk: Bulk, again: Again, ids: Ids = None) -> int:
    """Put dead letters back into the queue they came from."""
    chosen = read_ids(ids, bulk.filter, noun="dead letter")
    if len(chosen) != 1 or bulk.dry_run:
        return await run_bulk(session, "replay", bulk, noun="dlq", ids=chosen, again=again)
    edited, delay_s = read_json(again.payload, option="--payload"), read_duration_s(again.delay, option="--delay") or 0
    admin = await session.admin()
    applied = await admin.dead_letters.replay(chosen[0], payload=edited, delay_s=delay_s, reason=bulk.reason)
    show_applied(session, applied)
    return ExitCode.OK


@command(app, "discard")
async def discard(session: Session, bulk: Bulk, ids: Ids = None) -> int:
    """Resolve dead letters without running them again.

    It needs a reason, and can be undone for 24 h.
    """
    chosen = read_ids(ids, bulk.filter, noun="dead letter")
    if not bulk.reason and not bulk.dry_run:
        hint = "Add --reason TEXT; it stays with the entry and in the audit."
        raise UsageError("discard needs a reason", hint=hint, field="--reason")
    if len(chosen) != 1 or bulk.dry_run:
        return await run_bulk(session, "discard", bulk, noun="dlq", ids=chosen)
    admin = await session.admin()
    show_applied(session, await admin.dead_letters.discard(chosen[0], reason=bulk.reason or ""))
    return ExitCode.OK


@command(app, "drain")
async def drain(session: Session, bulk: Bulk, again: Again) -> int:
    """Replay every open dead letter, or all that match the filter."""
    chosen = replace(bulk, filter=checked_filter(bulk.filter) or "state:open")
    return await run_bulk(session, "replay", chosen, noun="dlq", again=again)


@command(app, "note")
async def note(
    session: Session,
    target: Annotated[str, typer.Argument(metavar="ID|fp:FP", help="A dead letter, or a group's fingerprint.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note; empty takes it away.")],
) -> None:
    """Leave a note on a dead letter or a group for the next person."""
    admin = await session.admin()
    show_applied(session, await admin.dead_letters.note(target.removeprefix("fp:"), text))


@command(app, "export")
async def export(session: Session, filter_: LetterFilter = None, limit: Limit = None) -> None:
    """Write matching dead letters with payload and error as JSON lines."""
    from qconsole.admin.schema import to_json

    lines = Output(format=Format.JSONL)
    admin = await session.admin()
    cursor: str | None = None
    left: Any = limit
    while True:
        page = await admin.dead_letters.page(" ".join(filter_ or []), cursor=cursor, limit=min(200, left or 200))
        for row in page.rows:
            lines.data(to_json(await admin.dead_letters.get(row.id), "dead_letter"))
        left = left - len(page.rows) if left else None
        cursor = page.next
        if cursor is None or left == 0:
            return
