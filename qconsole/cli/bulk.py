"""Runs a verb over many jobs or dead letters: plan, ask, run with progress, say how it ended."""

import asyncio
import sys
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qconsole.cli.command import Session, at_terminal, joined, read_duration_s, read_json
from qconsole.cli.options import Again, Bulk, Many
from qconsole.cli.output import Column, Format, Progress, duration
from qconsole.errors import Conflict, DeadLetterNotFound, ExitCode, JobNotFound, PartialFailure, Unconfirmed

if TYPE_CHECKING:
    from qconsole.admin import Admin
    from qconsole.admin.views import OperationView, Plan


async def run_bulk(
    session: Session, verb: str, bulk: Many, *, noun: str, ids: list[str] | None = None, again: Again | None = None
) -> int:
    """Plan an operation, ask as its blast radius demands, then run it to its end.

    Args:
        ids: exactly these; `None` or none: what the filter selects. Of ids, each must be there and fit the verb, while
            a filter may select nothing.

    Returns:
        The exit code: 0, or 130 when interrupted (the operation is left paused and resumable).

    Raises:
        NotFound: none of the ids is there.
        Conflict: the verb applies to none of them.
        PartialFailure: some failed, or of the ids some were left out.
        Unconfirmed: it was not confirmed, or there is no terminal to ask on.
    """
    admin = await session.admin()
    plan = await admin.operations.plan(
        verb,
        (bulk.filter or "") if isinstance(bulk, Bulk) else "",
        noun=noun,
        ids=ids if ids or noun == "trash" else None,
        limit=bulk.limit,
        max_affected=bulk.max_affected,
        rate_per_s=bulk.rate,
        reason=bulk.reason,
        **(_again(again) if again else {}),
    )
    if bulk.dry_run:
        session.show(plan, "plan", lambda: _show_plan(session, plan))
        if ids and not plan.count.value:
            raise _none_fits(plan, len(ids))
        return ExitCode.OK
    if ids and not plan.count.value:
        raise _none_fits(plan, len(ids))
    if not plan.count.value:
        session.show(plan.operation, "operation", lambda: session.output.say(f"Nothing to {verb}: no match."))
        return ExitCode.OK
    confirm = plan.confirm_text if bulk.yes else _ask(session, verb, plan)
    operation = await admin.operations.start(plan.operation.id, confirm=confirm)
    if not bulk.wait:
        session.output.say(f"Operation {operation.id} is ready; run it with: qconsole operations resume {operation.id}")
        session.show(operation, "operation", lambda: show_operation(session, operation))
    else:
        await drive(session, admin, operation.id)
    if plan.left_out:
        raise PartialFailure(
            f"left out {_named(plan)}",
            hint=f"The others are in: qconsole operations show {operation.id}",
            operation=operation.id,
            left_out=plan.left_out,
        )
    return ExitCode.OK


async def narrowed(session: Session, bulk: Bulk, ids: list[str], queue: str | None) -> tuple[Bulk, list[str]]:
    """Return the selection narrowed to one queue.

    Raises:
        QueueNotFound: there is no such queue.
    """
    if queue is None:
        return bulk, ids
    from qconsole.admin.filter_terms import quoted

    await (await session.admin()).capabilities(queue)  # which says so when there is none
    if ids:
        return bulk, [f"{queue}/{job_id}" for job_id in ids]
    return replace(bulk, filter=joined([f"queue:{quoted(queue)}"], bulk.filter)), ids


def _none_fits(plan: "Plan", asked: int) -> Conflict | JobNotFound | DeadLetterNotFound:
    from qconsole.admin.views import NOT_FOUND

    verb, noun = plan.operation.verb.value, plan.operation.noun
    what = "dead letter" if noun == "dlq" else "job"
    if {why for why, _ in plan.exclusions} != {NOT_FOUND}:
        return Conflict(
            f"{verb} applies to none of them: {_named(plan)}", "Nothing was changed.", left_out=plan.left_out
        )
    names = ", ".join(repr(named) for named, _ in plan.left_out[:_SHOWN])
    more = f" and {asked - _SHOWN:,} more" if asked > _SHOWN else ""
    where = " in the trash" if noun == "trash" else ""
    hint = "It may have been removed, or its retention has passed."
    error = DeadLetterNotFound if noun == "dlq" else JobNotFound
    are = f"is no {what}" if asked == 1 else f"are no {what}s"
    return error(f"there {are} {names}{more}{where}", hint, left_out=plan.left_out)


_SHOWN = 10


def _named(plan: "Plan") -> str:
    """Return the first ids that a plan leaves out, each with why."""
    total = sum(count for _, count in plan.exclusions)
    more = f" and {total - _SHOWN:,} more" if total > _SHOWN else ""
    return "; ".join(f"{named} ({why})" for named, why in plan.left_out[:_SHOWN]) + more


def _again(again: Again) -> dict[str, Any]:
    return {
        "payload_edit": read_json(again.payload, option="--payload"),
        "delay_s": read_duration_s(again.delay, option="--delay") or 0,
        "spread_s": read_duration_s(again.spread, option="--spread"),
    }


async def drive(session: Session, admin: "Admin", operation_id: str) -> None:
    """Run an operation to its end with progress on stderr; Ctrl-C pauses it.

    Raises:
        PartialFailure: some failed, or somebody else paused or aborted it.
    """
    running = asyncio.ensure_future(_followed(session, admin, operation_id))
    try:
        operation = await asyncio.shield(running)
    except asyncio.CancelledError:
        with suppress(Conflict):  # it has ended meanwhile
            await admin.operations.pause(operation_id)
        await asyncio.wait([running], timeout=_LETS_GO_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        state = (await admin.operations.get(operation_id)).state
        go_on = f" Go on with: qconsole operations resume {operation_id}" if state == "paused" else ""
        session.output.say(f"Operation {operation_id} is {state}.{go_on}")
        raise
    session.show(operation, "operation", lambda: show_operation(session, operation))
    hint = f"See: qconsole operations show {operation_id}"
    if operation.state != "done":
        message = f"operation {operation_id} was {operation.state} after {operation.done:,} of {operation.matched:,}"
        raise PartialFailure(message, hint=hint, operation=operation_id)
    if operation.failed:
        message = f"{operation.failed:,} of {operation.matched:,} failed"
        raise PartialFailure(message, hint=hint, operation=operation_id)


_LETS_GO_S = 3.0  # a paused operation is let go of at the end of its chunk, so that whoever resumes it need not wait


async def _followed(session: Session, admin: "Admin", operation_id: str) -> "OperationView":
    """Run an operation and show its progress; return how it ended."""
    operation = await admin.operations.get(operation_id)
    with closing(Progress(session.output, verb=operation.verb.value)) as progress:
        async for operation in admin.operations.run(operation_id):
            progress.update(
                done=operation.done,
                total=operation.matched,
                skipped=operation.skipped,
                failed=operation.failed,
                rate_per_s=operation.current_rate_per_s,
            )
    return operation


def _ask(session: Session, verb: str, plan: "Plan") -> str | None:
    if plan.confirm == "none":
        return None
    if not at_terminal() or session.output.format is not Format.TABLE:
        raise Unconfirmed(
            f"{verb} would touch {plan.count.value:,} and was not confirmed",
            hint="Look with --dry-run, then add --yes.",
            matched=plan.count.value,
        )
    _show_plan(session, plan)
    wanted = plan.confirm_text or "yes"
    session.output.stderr.write(f"Type {wanted} to {verb} {plan.count.value:,}: ")
    session.output.stderr.flush()
    answer = sys.stdin.readline().strip()
    if answer != wanted:
        raise Unconfirmed(f"not confirmed: {answer!r} is not {wanted!r}", hint="Nothing was changed.")
    return answer


def _show_plan(session: Session, plan: "Plan") -> None:
    out = session.output
    counted = f"{plan.count.value:,}" if plan.count.exact else f"at least {plan.count.value:,}"
    out.pairs(
        [
            ("would", f"{plan.operation.verb.value} {counted}"),
            ("filter", plan.operation.filter or None),
            ("operation", plan.operation.id),
            ("excluded", ", ".join(f"{n:,} {why}" for why, n in plan.exclusions) or None),
            ("left out", "\n".join(f"{named}: {why}" for named, why in plan.left_out[:_SHOWN]) or None),
            ("command", plan.command),
        ]
    )
    if not plan.samples:
        return
    out.table(
        plan.samples,
        [
            Column("sample", lambda r: r.id),
            Column("queue", lambda r: r.queue, gives=3),
            Column("type", lambda r: r.job_type, gives=1),
            Column("state", lambda r: getattr(r, "state", ""), gives=2),
            Column("error", lambda r: f"{r.error_type or ''} {r.error_message or ''}".strip(), grow=True),
        ],
    )


def show_operation(session: Session, operation: "OperationView") -> None:
    """Write one operation as lines for people."""
    took_ms = operation.finished_ms - operation.started_ms if operation.finished_ms and operation.started_ms else None
    session.output.pairs(
        [
            ("operation", operation.id),
            ("verb", f"{operation.verb.value} {operation.noun}"),
            ("state", operation.state.value),
            ("filter", operation.filter or None),
            ("matched", operation.matched),
            ("done", operation.done),
            ("skipped", _with_reasons(operation.skipped, operation.skips)),
            ("failed", operation.failed),
            ("failures", "\n".join(f"{job_id}: {why}" for job_id, why in operation.failures[:10]) or None),
            ("by", f"{operation.actor} ({operation.face})"),
            ("reason", operation.reason),
            ("took", duration(took_ms) if took_ms is not None else None),
            (
                "undo",
                f"qconsole operations undo {operation.id}"
                if operation.undo_until_ms and not operation.undone_by
                else None,
            ),
        ]
    )


def _with_reasons(count: int, reasons: dict[str, int]) -> str:
    if not reasons:
        return f"{count:,}"
    return f"{count:,} ({', '.join(f'{n:,} {why}' for why, n in sorted(reasons.items()))})"
