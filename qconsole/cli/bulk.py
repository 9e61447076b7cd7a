"""Runs a verb over many jobs or dead letters: plan, ask, run with progress, say how it ended."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from qconsole.cli.command import Session, read_duration_s, read_json
from qconsole.cli.options import Again, Bulk
from qconsole.cli.output import Column, Format, Progress, duration
from qconsole.errors import ExitCode, Unconfirmed

if TYPE_CHECKING:
    from qconsole.admin import Admin
    from qconsole.admin.views import OperationView, Plan


async def run_bulk(
    session: Session, verb: str, bulk: Bulk, *, noun: str, ids: list[str] | None = None, again: Again | None = None
) -> int:
    """Plan an operation, ask as its blast radius demands, then run it to its end.

    Returns:
        The exit code: 0, 6 when some failed, 130 when interrupted (the operation is left paused and resumable).

    Raises:
        Unconfirmed: it was not confirmed, or there is no terminal to ask on.
    """
    admin = await session.admin()
    plan = await admin.operations.plan(
        verb,
        bulk.filter or "",
        noun=noun,
        ids=ids or None,
        limit=bulk.limit,
        max_affected=bulk.max_affected,
        rate_per_s=bulk.rate,
        reason=bulk.reason,
        **(_again(again) if again else {}),
    )
    if bulk.dry_run:
        session.show(plan, "plan", lambda: _show_plan(session, plan))
        return ExitCode.OK
    if not plan.count.value:
        session.show(plan.operation, "operation", lambda: session.output.say(f"Nothing to {verb}: no match."))
        return ExitCode.OK
    confirm = plan.confirm_text if bulk.yes else _ask(session, verb, plan)
    operation = await admin.operations.start(plan.operation.id, confirm=confirm)
    if not bulk.wait:
        session.output.say(
            f"Operation {operation.id} is planned; run it with: qconsole operations resume {operation.id}"
        )
        session.show(operation, "operation", lambda: show_operation(session, operation))
        return ExitCode.OK
    return await drive(session, admin, operation.id)


def _again(again: Again) -> dict[str, Any]:
    return {
        "payload_edit": read_json(again.payload, option="--payload"),
        "delay_s": read_duration_s(again.delay, option="--delay") or 0,
        "spread_s": read_duration_s(again.spread, option="--spread"),
    }


async def drive(session: Session, admin: "Admin", operation_id: str) -> int:
    """Run an operation to its end with progress on stderr; Ctrl-C pauses it."""
    operation = await admin.operations.get(operation_id)
    progress = Progress(session.output, verb=operation.verb.value)
    try:
        async for operation in admin.operations.run(operation_id):
            progress.update(
                done=operation.done,
                total=operation.matched,
                skipped=operation.skipped,
                failed=operation.failed,
                rate_per_s=operation.current_rate_per_s,
            )
    except asyncio.CancelledError:
        progress.close()
        await asyncio.shield(admin.operations.pause(operation_id))
        session.output.say(f"Paused operation {operation_id}. Go on with: qconsole operations resume {operation_id}")
        raise
    progress.close()
    session.show(operation, "operation", lambda: show_operation(session, operation))
    return ExitCode.PARTIAL_FAILURE if operation.failed else ExitCode.OK


def _ask(session: Session, verb: str, plan: "Plan") -> str | None:
    if plan.confirm == "none":
        return None
    if not sys.stdin.isatty() or session.output.format is not Format.TABLE:
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
            ("command", plan.command),
        ]
    )
    out.table(
        plan.samples,
        [
            Column("sample", lambda r: r.id),
            Column("queue", lambda r: r.queue),
            Column("type", lambda r: r.job_type),
            Column("state", lambda r: getattr(r, "state", "")),
            Column("error", lambda r: f"{r.error_type or ''} {r.error_message or ''}".strip(), grow=True),
        ],
        empty="no sample",
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
