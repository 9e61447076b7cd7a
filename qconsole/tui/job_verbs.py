"""The verbs of jobs, dead letters and their groups."""

from typing import Any

from qconsole.admin import Admin
from qconsole.admin.views import Verb
from qconsole.tui.action import Action, state_in
from qconsole.tui.confirm import Friction
from qconsole.tui.form import Ask
from qconsole.tui.payload import as_text
from qconsole.tui.subject import Subject

_DELAY = Ask("delay_s", "Delay", "duration", hint="now; or 30s, 5m, 2h")
_RATE = Ask("rate_per_s", "At most a second", "number", hint="as fast as possible")
_SPREAD = Ask("spread_s", "Spread over", "duration", hint="all at once; or 10m")
_LIMIT = Ask("limit", "At most in all", "number", hint="all of them")
PAYLOAD = Ask("payload", "Payload", "json")
REASON = Ask("reason", "Reason", hint="goes into the audit")


def payload_text(payload: Any) -> str:
    """Return what is edited: the named fields alone where there are no positional arguments."""
    if isinstance(payload, dict) and set(payload) == {"args", "kwargs"} and not payload["args"]:
        return as_text(payload["kwargs"])
    return as_text(payload)


async def _job_payload(admin: Admin, subject: Subject) -> dict[str, str]:
    view = await admin.jobs.get(subject.id, queue=subject.queue)
    return {"payload": payload_text(view.payload)} if view.editable else {}


async def _job_fields(admin: Admin, subject: Subject) -> dict[str, str]:
    view = await admin.jobs.get(subject.id, queue=subject.queue)
    fields = {"priority": str(view.row.priority)}
    if view.row.attempts_allowed is not None:
        fields["attempts"] = str(view.row.attempts_allowed)
    return {**fields, "payload": payload_text(view.payload)} if view.editable else fields


async def _dead_letter_payload(admin: Admin, subject: Subject) -> dict[str, str]:
    view = await admin.dead_letters.get(subject.id, queue=subject.queue)
    return {"payload": payload_text(view.payload)} if view.editable else {}


JOBS = (
    Action(
        noun="jobs",
        verb="retry",
        key="r",
        label="Retry",
        bulk=Verb.RETRY,
        hint=True,
        detail="run it again with a full run of attempts",
        fits=state_in("failed", "cancelled", "completed"),
        run=lambda admin, s, a: admin.jobs.retry(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="jobs",
        verb="retry",
        key="R",
        label="Retry with options",
        bulk=Verb.RETRY,
        detail="retry later, slower, or with another payload",
        fits=state_in("failed", "cancelled", "completed"),
        asks=(_DELAY, PAYLOAD, REASON),
        prefill=_job_payload,
        run=lambda admin, s, a: admin.jobs.retry(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="jobs",
        verb="edit",
        key="e",
        label="Edit",
        detail="change the payload, priority or attempts of a job that waits",
        fits=state_in("waiting", "delayed"),
        prefill=_job_fields,
        run=lambda admin, s, a: admin.jobs.edit(s.id, queue=s.queue, **a),
        asks=(
            Ask("priority", "Priority", "number", hint="0 … 100, lower first"),
            Ask("attempts", "Attempts", "number"),
            PAYLOAD,
            REASON,
        ),
    ),
    Action(
        noun="jobs",
        verb="cancel",
        key="a",
        label="Cancel",
        bulk=Verb.CANCEL,
        hint=True,
        friction=Friction.CLICK,
        detail="end it without another attempt; a running one is told to stop",
        fits=state_in("waiting", "delayed", "active", "waiting_children"),
        run=lambda admin, s, a: admin.jobs.cancel(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="jobs",
        verb="remove",
        key="D",
        label="Remove",
        bulk=Verb.REMOVE,
        friction=Friction.CLICK,
        dangerous=True,
        detail="take it out of Redis; the trash keeps it for the undo window",
        run=lambda admin, s, a: admin.jobs.remove(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="jobs",
        verb="promote",
        key="f",
        label="Promote",
        bulk=Verb.PROMOTE,
        detail="make a delayed job due now",
        fits=state_in("delayed", "waiting"),
        run=lambda admin, s, a: admin.jobs.promote(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="jobs",
        verb="reschedule",
        key="d",
        label="Reschedule",
        detail="give a job another due time",
        fits=state_in("delayed", "waiting"),
        asks=(Ask("delay_s", "Due in", "duration", required=True, hint="30s, 5m, 2h"), REASON),
        run=lambda admin, s, a: admin.jobs.reschedule(
            s.id, admin.clock.now_ms() + round(a["delay_s"] * 1000), queue=s.queue, reason=a.get("reason")
        ),
    ),
    Action(
        noun="jobs",
        verb="add",
        key="A",
        label="Add a job",
        detail="enqueue a job of a known type",
        needs_subject=False,
        asks=(
            Ask("job_type", "Job type", required=True),
            Ask("queue", "Queue", hint="the job type's own"),
            Ask("priority", "Priority", "number", hint="5"),
            _DELAY,
            Ask("payload", "Payload", "json", default="{}"),
            REASON,
        ),
        run=lambda admin, s, a: admin.jobs.add(a.pop("job_type"), a.pop("payload", {}), **a),
    ),
)

DEAD_LETTERS = (
    Action(
        noun="dlq",
        verb="replay",
        key="r",
        label="Replay",
        bulk=Verb.REPLAY,
        bulk_noun="dlq",
        hint=True,
        detail="put it back where it came from; the entry stays, linked to the new job",
        fits=state_in("open"),
        run=lambda admin, s, a: admin.dead_letters.replay(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="dlq",
        verb="replay",
        key="R",
        label="Replay with options",
        bulk=Verb.REPLAY,
        bulk_noun="dlq",
        detail="replay later, slower, or with an edited payload",
        fits=state_in("open"),
        asks=(_DELAY, PAYLOAD, REASON),
        prefill=_dead_letter_payload,
        run=lambda admin, s, a: admin.dead_letters.replay(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="dlq",
        verb="discard",
        key="D",
        label="Discard",
        bulk=Verb.DISCARD,
        bulk_noun="dlq",
        hint=True,
        detail="close it without running it again; needs a reason, can be undone",
        dangerous=True,
        friction=Friction.CLICK,
        reason_required=True,
        fits=state_in("open"),
        run=lambda admin, s, a: admin.dead_letters.discard(s.id, queue=s.queue, **a),
    ),
    Action(
        noun="dlq",
        verb="note",
        key="m",
        label="Note",
        detail="write a note that everybody on call sees",
        asks=(Ask("text", "Note", required=True),),
        run=lambda admin, s, a: admin.dead_letters.note(s.id, a["text"], queue=s.queue),
    ),
)

GROUPS = (
    Action(
        noun="groups",
        verb="replay",
        key="r",
        label="Replay the group",
        bulk=Verb.REPLAY,
        bulk_noun="dlq",
        hint=True,
        detail="replay the open dead letters of this group, and of no other",
        always_bulk=True,
    ),
    Action(
        noun="groups",
        verb="replay",
        key="R",
        label="Replay the group with options",
        bulk=Verb.REPLAY,
        bulk_noun="dlq",
        detail="replay it later, at a rate, or spread over time",
        always_bulk=True,
        asks=(_DELAY, _RATE, _SPREAD, _LIMIT, REASON),
    ),
    Action(
        noun="groups",
        verb="discard",
        key="D",
        label="Discard the group",
        bulk=Verb.DISCARD,
        bulk_noun="dlq",
        hint=True,
        detail="close the group's open dead letters; needs a reason, can be undone",
        always_bulk=True,
        dangerous=True,
        reason_required=True,
    ),
    Action(
        noun="groups",
        verb="note",
        key="m",
        label="Note",
        detail="write a note on the group that everybody on call sees",
        asks=(Ask("text", "Note", required=True),),
        run=lambda admin, s, a: admin.dead_letters.note(s.id, a["text"]),
    ),
)
