"""`qconsole check`, `doctor` and `watch`: is everything well, and what to do when it is not."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from qconsole.cli.command import Session, command, read_duration_s
from qconsole.cli.output import Column, Format, duration
from qconsole.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from qconsole.admin.views import Finding, Overview

app = typer.Typer(rich_markup_mode=None)


@command(app, "check")
async def check(
    session: Session,
    max_failed: Annotated[
        list[str] | None, typer.Option("--max-failed", metavar="[QUEUE=]N", help="Failed jobs of the last hour.")
    ] = None,
    max_waiting: Annotated[
        list[str] | None, typer.Option("--max-waiting", metavar="[QUEUE=]N", help="Waiting jobs.")
    ] = None,
    max_wait: Annotated[
        list[str] | None, typer.Option("--max-wait", metavar="[QUEUE=]DURATION", help="Age of the oldest waiting job.")
    ] = None,
    dlq_max: Annotated[
        list[str] | None, typer.Option("--dlq-max", metavar="[QUEUE=]N", help="Open dead letters.")
    ] = None,
    min_workers: Annotated[
        list[str] | None, typer.Option("--min-workers", metavar="[QUEUE=]N", help="Live workers.")
    ] = None,
) -> int:
    """Compare the queues with limits; exit 7 and say which rule is broken."""
    rules: list[tuple[str, str | None, float]] = []
    for name, values in (
        ("max_failed", max_failed),
        ("max_waiting", max_waiting),
        ("dlq_max", dlq_max),
        ("min_workers", min_workers),
    ):
        rules += [(name, *_rule(name, value)) for value in values or []]
    rules += [("max_wait", *_rule("max_wait", value)) for value in max_wait or []]
    if not rules:
        raise UsageError(
            "no rule given", hint="For example: qconsole check --max-failed 100 --max-wait email=30s --dlq-max 0"
        )
    results = await (await session.admin()).check(rules)

    def table() -> None:
        session.output.table(
            results,
            [
                Column("", lambda r: "ok" if r[1] else "BREACHED"),
                Column("rule", lambda r: r[0]),
                Column("found", lambda r: r[2], grow=True),
            ],
        )

    session.show(results, "check", table)
    return ExitCode.OK if all(ok for _, ok, _ in results) else ExitCode.CHECK_BREACHED


def _rule(name: str, text: str) -> tuple[str | None, float]:
    queue, found, value = text.rpartition("=")
    option = f"--{name.replace('_', '-')}"
    if name == "max_wait":
        return (queue if found else None), read_duration_s(value, option=option) or 0
    if not value.isdigit():
        raise UsageError(f"{option} must be a whole number, or QUEUE=N, got {text!r}", field=option)
    return (queue if found else None), float(value)


@command(app, "doctor")
async def doctor(
    session: Session, fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False
) -> int:
    """Look for stuck leases, lost jobs, poisoned aborts and risky Redis settings."""
    admin = await session.admin()
    findings = await admin.doctor.examine()
    if fix:
        found, findings = findings, await admin.doctor.fix()
        left = {(finding.code, finding.queue) for finding in findings}
        mended = [one for one in found if one.fixable and (one.code, one.queue) not in left]
        for one in mended:
            session.output.say(f"Mended: {one.text}")
        if not mended:
            session.output.say("Nothing was there to mend.")
    session.show(findings, "findings", lambda: _findings(session, findings))
    return ExitCode.CHECK_BREACHED if any(f.level == "bad" for f in findings) else ExitCode.OK


def _findings(session: Session, findings: "tuple[Finding, ...]") -> None:
    if not findings:
        session.output.say("All is well.")
    for finding in findings:
        mend = "qconsole doctor --fix" if finding.fixable else finding.mend
        where = f"{finding.queue}: " if finding.queue and finding.queue not in finding.text else ""
        lines = [line for text in (where + finding.text, mend) for line in session.output.wrapped(text or "", indent=6)]
        session.output.pairs([(f"{finding.level:<4}", "\n".join(lines))])


@command(app, "watch")
async def watch(
    session: Session,
    every: Annotated[str, typer.Option("--every", metavar="DURATION", help="How often.")] = "2s",
    count: Annotated[int, typer.Option("--count", min=0, metavar="N", help="Stop after so many; 0 goes on.")] = 0,
) -> None:
    """Show the overview again and again (with jsonl: one document a time)."""
    admin = await session.admin()
    pause_s = read_duration_s(every, option="--every") or 2.0
    shown = 0
    while True:
        overview = await admin.queues.overview()
        if session.output.format is Format.TABLE and session.output.interactive:
            session.output.stdout.write("\x1b[H\x1b[2J")
        session.show(overview, "overview", partial(_overview, session, overview))
        session.output.stdout.flush()
        shown += 1
        if count and shown >= count:
            return
        await asyncio.sleep(pause_s)


def _overview(session: Session, overview: "Overview") -> None:
    out = session.output
    out.pairs(
        [
            ("environment", overview.env),
            ("queued", overview.queued),
            ("running", f"{overview.running:,} of {overview.slots:,} slots"),
            ("failed 1 h", overview.failed_1h),
            ("oldest wait", f"{duration(overview.oldest_wait_ms)} {overview.oldest_wait_queue or ''}".strip()),
            ("dead letters", overview.dead_letters),
            ("redis", f"{overview.redis_ms:.1f} ms"),
        ]
    )
    for finding in overview.warnings:
        out.text(f"! {finding.text}")
    from qconsole.cli.queues import queue_columns

    out.table(overview.queues, queue_columns(), empty="No queue yet.")
