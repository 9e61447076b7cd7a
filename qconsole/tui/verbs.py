"""All verbs of the console, by noun: the same words, effects and limits as on the command line."""

from typing import Any

from qconsole.admin import Admin
from qconsole.admin.views import Applied, Verb
from qconsole.tui.action import Action, Fits, state_in
from qconsole.tui.confirm import Friction
from qconsole.tui.form import Answers, Ask
from qconsole.tui.job_verbs import DEAD_LETTERS, GROUPS, JOBS, PAYLOAD, REASON, payload_text
from qconsole.tui.subject import Subject


async def _limits(admin: Admin, subject: Subject) -> dict[str, str]:
    limits = (await admin.queues.get(subject.id)).limits
    texts = {"concurrency": limits.concurrency, "rate_max": limits.rate_max, "rate_per_s": limits.rate_per_s}
    return {name: f"{value:g}" for name, value in texts.items() if value is not None}


async def _schedule_fields(admin: Admin, subject: Subject) -> dict[str, str]:
    view = await admin.schedules.get(subject.id, queue=subject.queue)
    return {
        "pattern": view.pattern,
        "tz": view.tz,
        "overlap": view.overlap,
        "missed": view.missed_policy,
        "payload": payload_text(view.payload),
    }


async def _limit_queue(admin: Admin, subject: Subject, answers: Answers) -> Applied:
    rate_max = answers.get("rate_max")
    return await admin.queues.limit(
        subject.id,
        concurrency=answers.get("concurrency"),
        rate_max=rate_max,
        rate_per_s=answers.get("rate_per_s", 1.0) if rate_max is not None else None,
        reason=answers.get("reason"),
    )


async def _pause_queue(admin: Admin, subject: Subject, answers: Answers) -> Applied:
    pause_s = answers.get("pause_s")
    until_ms = None if pause_s is None else admin.clock.now_ms() + round(pause_s * 1000)
    return await admin.queues.pause(subject.id, reason=answers.get("reason"), until_ms=until_ms)


def _paused(row: Any) -> bool:
    return row.paused if hasattr(row, "paused") else row.pause is not None


_IS_PAUSED = Fits(lambda row: row is None or _paused(row), "only while paused")
_IS_RUNNING = Fits(lambda row: row is None or not _paused(row), "only while not paused")


QUEUES = (
    Action(
        noun="queues",
        verb="pause",
        key="p",
        label="Pause",
        hint=True,
        friction=Friction.CLICK,
        detail="no job of the queue is started until it is resumed; running ones go on",
        fits=_IS_RUNNING,
        run=_pause_queue,
    ),
    Action(
        noun="queues",
        verb="resume",
        key="p",
        label="Resume",
        hint=True,
        detail="start jobs of the queue again",
        fits=_IS_PAUSED,
        run=lambda admin, s, a: admin.queues.resume(s.id, **a),
    ),
    Action(
        noun="queues",
        verb="pause",
        label="Pause for a while",
        detail="it resumes by itself",
        fits=_IS_RUNNING,
        run=_pause_queue,
        asks=(Ask("pause_s", "Pause for", "duration", required=True, hint="30m, 2h"), REASON),
    ),
    Action(
        noun="queues",
        verb="limit",
        key="L",
        label="Limit",
        detail="cap concurrency and rate of the whole queue; empty fields lift the cap",
        prefill=_limits,
        run=_limit_queue,
        asks=(
            Ask("concurrency", "Concurrency", "number", hint="no cap"),
            Ask("rate_max", "Starts", "number", hint="no cap"),
            Ask("rate_per_s", "per seconds", "number", hint="1"),
            REASON,
        ),
    ),
    Action(
        noun="queues",
        verb="release-hold",
        label="Release the hold",
        detail="let a queue go on that a rate limit holds",
        fits=Fits(lambda row: row is None or row.limits.held_until_ms is not None, "only while a rate limit holds it"),
        run=lambda admin, s, a: admin.queues.release_hold(s.id, **a),
    ),
    Action(
        noun="queues",
        verb="drain",
        key="D",
        label="Drain",
        bulk=Verb.DRAIN,
        always_bulk=True,
        dangerous=True,
        detail="take all waiting and delayed jobs out; the trash keeps them for the undo window",
    ),
    Action(
        noun="queues",
        verb="empty",
        key="X",
        label="Empty",
        friction=Friction.TYPED,
        dangerous=True,
        reason_required=True,
        detail="delete everything of the queue, its dead letters too; cannot be undone",
        run=lambda admin, s, a: admin.queues.empty(s.id, confirm_name=s.id, reason=a["reason"]),
    ),
    Action(
        noun="queues",
        verb="forget",
        label="Forget",
        friction=Friction.CLICK,
        detail="take an empty queue off the list until somebody uses it again",
        run=lambda admin, s, a: admin.queues.forget(s.id, **a),
    ),
)

SCHEDULES = (
    Action(
        noun="schedules",
        verb="pause",
        key="p",
        label="Pause",
        hint=True,
        detail="stop firing until it is resumed",
        fits=_IS_RUNNING,
        run=lambda admin, s, a: admin.schedules.pause(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="schedules",
        verb="resume",
        key="p",
        label="Resume",
        hint=True,
        detail="fire again",
        fits=_IS_PAUSED,
        run=lambda admin, s, a: admin.schedules.resume(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="schedules",
        verb="run",
        key="r",
        label="Run now",
        hint=True,
        friction=Friction.CLICK,
        detail="enqueue its job now; the plan stays as it is",
        run=lambda admin, s, a: admin.schedules.run(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="schedules",
        verb="edit",
        key="e",
        label="Edit",
        hint=True,
        prefill=_schedule_fields,
        detail="change pattern, zone, policies or payload; deploys keep the edit",
        asks=(
            Ask("pattern", "Pattern", required=True, hint="0 2 * * *, or seconds for an interval"),
            Ask("tz", "Time zone"),
            Ask("overlap", "Overlap", "choice", choices=("skip", "queue", "allow")),
            Ask("missed", "Missed", "choice", choices=("skip", "once", "all")),
            PAYLOAD,
            REASON,
        ),
        run=lambda admin, s, a: admin.schedules.edit(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="schedules",
        verb="revert",
        label="Revert to the code",
        detail="drop the operator's edits",
        fits=Fits(lambda row: row is None or bool(row.differs), "only where an edit differs from the code"),
        friction=Friction.CLICK,
        run=lambda admin, s, a: admin.schedules.revert(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="schedules",
        verb="remove",
        key="D",
        label="Remove",
        friction=Friction.CLICK,
        dangerous=True,
        detail="delete the schedule; one that the code declares comes back with the next deploy",
        run=lambda admin, s, a: admin.schedules.remove(s.id, queue=s.queue, **a),
    ),
)

FLOWS = (
    Action(
        noun="flows",
        verb="retry",
        key="r",
        label="Retry failed",
        hint=True,
        friction=Friction.CLICK,
        detail="retry the failed jobs of the flow; their parents wait for them again",
        run=lambda admin, s, a: admin.flows.retry_failed(s.id, queue=s.queue, **a),
    ),
)

WORKERS = (
    Action(
        noun="workers",
        verb="quiet",
        key="p",
        label="Quiet",
        hint=True,
        friction=Friction.CLICK,
        detail="let it finish what it runs and claim nothing more",
        fits=state_in("running"),
        run=lambda admin, s, a: admin.workers.quiet(s.id, **a),
    ),
    Action(
        noun="workers",
        verb="resume",
        key="p",
        label="Resume",
        hint=True,
        detail="let it claim jobs again",
        fits=state_in("quiet"),
        run=lambda admin, s, a: admin.workers.resume(s.id, **a),
    ),
    Action(
        noun="workers",
        verb="stop",
        key="D",
        label="Stop",
        friction=Friction.CLICK,
        dangerous=True,
        hint=True,
        detail="shut it down as a deploy would; what it cannot finish is given back",
        run=lambda admin, s, a: admin.workers.stop(s.id, **a),
    ),
)

OPERATIONS = (
    Action(
        noun="operations",
        verb="pause",
        key="p",
        label="Pause",
        hint=True,
        detail="halt it between two chunks",
        fits=state_in("running"),
        run=lambda admin, s, a: admin.operations.pause(s.id, **a),
    ),
    Action(
        noun="operations",
        verb="resume",
        key="p",
        label="Resume",
        hint=True,
        detail="go on where it stopped",
        fits=state_in("paused", "interrupted", "planned"),
        run=lambda admin, s, a: admin.operations.resume(s.id, **a),
    ),
    Action(
        noun="operations",
        verb="abort",
        key="a",
        label="Abort",
        hint=True,
        friction=Friction.CLICK,
        detail="stop it for good; what is done stays done",
        fits=state_in("running", "paused", "interrupted", "planned"),
        run=lambda admin, s, a: admin.operations.abort(s.id, **a),
    ),
    Action(
        noun="operations",
        verb="undo",
        key="u",
        label="Undo",
        hint=True,
        friction=Friction.CLICK,
        detail="put back what it removed or discarded, take back what it replayed and has not begun",
        fits=Fits(
            lambda row: row is None or (row.undo_until_ms is not None and row.undone_by is None),
            "only while its undo window lasts",
        ),
        run=lambda admin, s, a: admin.operations.undo(s.id, **a),
    ),
)

TRASH = (
    Action(
        noun="trash",
        verb="restore",
        key="r",
        label="Restore",
        bulk=Verb.RESTORE,
        bulk_noun="trash",
        hint=True,
        detail="put it back where it was",
        run=lambda admin, s, a: admin.trash.restore(s.id, queue=s.queue, **a),
    ),
)

METRICS = (
    Action(
        noun="metrics",
        verb="mark",
        key="m",
        label="Mark",
        detail="draw a line with a label into the charts, now",
        needs_subject=False,
        hint=True,
        asks=(Ask("label", "Label", required=True),),
        run=lambda admin, s, a: admin.metrics.mark("operator", a["label"]),
    ),
)

ALL: dict[str, tuple[Action, ...]] = {
    "jobs": JOBS,
    "dlq": DEAD_LETTERS,
    "groups": GROUPS,
    "queues": QUEUES,
    "schedules": SCHEDULES,
    "flows": FLOWS,
    "workers": WORKERS,
    "operations": OPERATIONS,
    "trash": TRASH,
    "metrics": METRICS,
}
