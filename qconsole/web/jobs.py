"""Jobs: the searchable list over all queues, one job with everything known about it, and what can be done to it."""

import asyncio
from itertools import pairwise
from typing import Any

import orjson
from starlette.responses import Response

from qconsole.admin import filters
from qconsole.admin.commands import cli_command
from qconsole.admin.filters import Filter
from qconsole.admin.views import AttemptView, JobRow, JobView, Page
from qconsole.errors import FilterError, JobTypeNotFound, UsageError
from qconsole.web import drawing, payload_form, payload_tree, tracebacks
from qconsole.web.visit import Visit, action, page

STATES = ("waiting", "active", "delayed", "waiting_children", "failed", "completed", "cancelled")
ENDED = frozenset({"completed", "failed", "cancelled"})
VERBS = {
    "waiting": {"cancel", "remove", "reschedule"},
    "delayed": {"promote", "cancel", "remove", "reschedule"},
    "active": {"cancel"},
    "waiting_children": {"cancel", "remove"},
    "failed": {"retry", "remove"},
    "completed": {"retry", "remove"},
    "cancelled": {"retry", "remove"},
}
FIRST_LOGS = 200


async def listing(visit: Visit, wanted: Filter | None) -> Page[JobRow] | None:
    """Return the page of jobs that the URL asks for."""
    if wanted is None:
        return None
    return await visit.admin.jobs.page(
        wanted,
        cursor=visit.query("cursor") or None,
        limit=visit.limit(),
        reverse=visit.query("order") == "oldest",
    )


async def index(visit: Visit) -> Response:
    text = visit.query("filter")
    found = visit.query("find")
    if found:
        view = await visit.admin.jobs.get(found)
        return visit.go(visit.link("jobs", view.row.queue, view.row.id))
    try:
        wanted, problem = filters.parse(text), None
    except FilterError as error:
        if visit.wants_json:
            raise
        wanted, problem = None, error
    view_page = await listing(visit, wanted)
    return visit.answer(
        "jobs/list.html",
        view=view_page or Page(()),
        schema="jobs",
        status=400 if problem else 200,
        title="Jobs",
        section="jobs",
        filter=str(wanted) if wanted is not None else "",
        filter_text=text,
        problem=problem,
        verbs=bulk_verbs(wanted),
        noun="jobs",
        list_path=("jobs",),
        command="" if problem else cli_command("jobs", "list", filter=text or None),
        watch="queues",
        period_ms=3_000,
    )


async def show(visit: Visit) -> Response:
    queue, job_id = visit.path("queue"), visit.path("job")
    job = await visit.admin.jobs.get(job_id, queue=queue)
    if visit.wants_json:
        return visit.answer("", view=job, schema="job", title=job_id)
    why, similar, logs, schema = await asyncio.gather(
        visit.admin.jobs.why(job_id, queue=queue),
        _similar(visit, job),
        visit.admin.jobs.logs(job_id, queue=queue, after=max(job.logs_total - FIRST_LOGS, 0), limit=FIRST_LOGS),
        _schema(visit, job.row.job_type),
    )
    return visit.answer(
        "jobs/page.html" if visit.query("preview") != "1" else "jobs/_preview.html",
        view=job,
        schema="job",
        block="preview" if visit.query("preview") == "1" else "main",
        title=f"{job.row.job_type} {job.row.id}",
        section="jobs",
        **job_context(visit, job),
        why=why,
        similar=similar,
        logs=logs,
        logs_next=job.logs_total,
        live=job.row.state not in ENDED,
        form_schema=schema,
        form=payload_form.form(schema, job.payload) if job.editable else None,
        command=cli_command("jobs", "show", job.row.id),
        watch=f"queues|{job.row.queue}",
        period_ms=2_000,
    )


def job_context(visit: Visit, job: JobView) -> dict[str, Any]:
    """Return what the job templates print beside the view itself."""
    row = job.row
    end_ms = row.finished_ms if row.state in ENDED else None
    return {
        "row": row,
        "steps": drawing.timeline(row.created_ms, job.attempts or _only_attempt(row), end_ms, visit.now_ms, row.state),
        "payload_tree": payload_tree.tree(job.payload, redacted=job.redacted),
        "result_tree": None if job.result is None else payload_tree.tree(job.result),
        "traceback_of": lambda error: tracebacks.fold(error.traceback or "") if error else (),
        "changes": attempt_changes(job.attempts),
        "what_now": offered(row.state, job.editable),
    }


def _only_attempt(row: JobRow) -> tuple[AttemptView, ...]:
    """Return the attempt of a job that ran once and well; no history is kept of it."""
    if row.started_ms is None:
        return ()
    outcome = {"completed": "ok", "active": "running"}.get(row.state, row.state)
    return (AttemptView(max(row.attempts_made, 1), row.started_ms, row.finished_ms, row.worker, outcome),)


def attempt_changes(attempts: Any) -> dict[int, tuple[tracebacks.DiffLine, ...]]:
    """Return, by attempt, how its error differs from the one before."""
    failed = [attempt for attempt in attempts if attempt.error is not None]
    return {after.attempt: tracebacks.compare(before, after) for before, after in pairwise(failed)}


def bulk_verbs(wanted: Filter | None) -> tuple[str, ...]:
    """Return the verbs that make sense for many jobs at once: those of the states that the filter leaves."""
    if wanted is None:
        return ()
    states = wanted.literals("state")
    if states is None:
        states = frozenset(STATES) - wanted.excluded("state")
    possible = set().union(*(VERBS.get(state, ()) for state in states))
    return tuple(verb for verb in ("retry", "cancel", "promote", "remove") if verb in possible)


def offered(state: str, editable: bool) -> frozenset[str]:
    """Return the actions that make sense for a job in this state."""
    found = set(VERBS.get(state, ()))
    if editable and state in {"waiting", "delayed"}:
        found.add("edit")
    if editable and state in ENDED:
        found.add("edit-and-retry")
    return frozenset(found)


async def _similar(visit: Visit, job: JobView) -> tuple[JobRow, ...]:
    if job.row.fingerprint is None:
        return ()
    return await visit.admin.jobs.similar(job.row.id, queue=job.row.queue)


async def _schema(visit: Visit, job_type: str) -> dict[str, Any] | None:
    try:
        return await visit.admin.jobs.schema(job_type)
    except JobTypeNotFound:
        return None


async def logs(visit: Visit) -> Response:
    """Answer the log lines after a position; the page asks again while the job lives."""
    after = visit.query("after") or "0"
    if not after.isascii() or not after.isdigit() or len(after) > 9:
        raise UsageError(f"after must be a position ≥ 0, got {after[:40]!r}", field="after")
    queue, job_id = visit.path("queue"), visit.path("job")
    lines = await visit.admin.jobs.logs(job_id, queue=queue, after=int(after), limit=FIRST_LOGS)
    if visit.is_fragment and not lines:
        return Response(status_code=204)
    return visit.answer(
        "jobs/_logs.html",
        view=lines,
        schema="logs",
        title="Log",
        block="more",
        queue=queue,
        job_id=job_id,
        logs=lines,
        logs_next=int(after) + len(lines),
        live=True,
    )


async def why(visit: Visit) -> Response:
    view = await visit.admin.jobs.why(visit.path("job"), queue=visit.path("queue"))
    return visit.answer("jobs/_why.html", view=view, schema="why", title="Why", block="why", why=view)


async def retry(visit: Visit) -> Response:
    applied = await visit.admin.jobs.retry(
        visit.path("job"),
        queue=visit.path("queue"),
        delay_s=await visit.number("delay_s") or 0,
        payload=await sent_payload(visit),
        reason=await visit.reason(),
    )
    renamed = applied.job_id not in (None, visit.path("job"))
    to = visit.link("jobs", visit.path("queue"), str(applied.job_id)) if renamed else None
    return visit.applied(applied, to=to)


async def cancel(visit: Visit) -> Response:
    job_id, queue = visit.path("job"), visit.path("queue")
    return visit.applied(await visit.admin.jobs.cancel(job_id, queue=queue, reason=await visit.reason()))


async def remove(visit: Visit) -> Response:
    job_id, queue = visit.path("job"), visit.path("queue")
    applied = await visit.admin.jobs.remove(job_id, queue=queue, reason=await visit.reason())
    return visit.applied(applied, to=None if await visit.flag("stay") else visit.link("queues", queue))


async def promote(visit: Visit) -> Response:
    job_id, queue = visit.path("job"), visit.path("queue")
    return visit.applied(await visit.admin.jobs.promote(job_id, queue=queue, reason=await visit.reason()))


async def reschedule(visit: Visit) -> Response:
    delay_s, due_ms = await visit.number("delay_s"), await visit.whole("due_ms")
    if delay_s is not None and due_ms is None:
        due_ms = visit.now_ms + int(delay_s * 1_000)
    elif delay_s is not None or due_ms is None:
        raise UsageError("a new time must be given as delay_s or as due_ms", "Give one of them.", field="delay_s")
    job_id, queue = visit.path("job"), visit.path("queue")
    return visit.applied(await visit.admin.jobs.reschedule(job_id, due_ms, queue=queue, reason=await visit.reason()))


async def edit(visit: Visit) -> Response:
    job_id, queue = visit.path("job"), visit.path("queue")
    return visit.applied(
        await visit.admin.jobs.edit(
            job_id,
            queue=queue,
            payload=await sent_payload(visit),
            priority=await visit.whole("priority"),
            attempts=await visit.whole("attempts"),
            reason=await visit.reason(),
        )
    )


async def reveal(visit: Visit) -> Response:
    """Answer the payload unmasked, once; the service writes the audit."""
    job = await visit.admin.jobs.get(visit.path("job"), queue=visit.path("queue"), reveal=True)
    return visit.answer(
        "jobs/_payload.html",
        view=job,
        schema="job",
        title="Payload",
        block="payload",
        payload_tree=payload_tree.tree(job.payload),
        row=job.row,
    )


async def add_form(visit: Visit) -> Response:
    """Show the form that adds a job; `like` fills it from an existing one."""
    job_type, like = visit.query("type"), visit.query("like")
    known = await visit.admin.jobs.job_types()
    payload: Any = None
    queue = visit.query("queue")
    if like:
        job = await visit.admin.jobs.get(like, queue=queue or None)
        job_type, payload, queue = job.row.job_type, job.payload, job.row.queue
    schema = await _schema(visit, job_type) if job_type else None
    return visit.console.pages.respond(
        visit,
        "jobs/add.html",
        title="Add a job",
        section="jobs",
        job_types=known,
        job_type=job_type,
        queue_name=queue,
        form_schema=schema,
        form=payload_form.form(schema, payload) if job_type else None,
    )


async def add(visit: Visit) -> Response:
    job_type = await visit.text("job_type")
    if job_type is None:
        raise UsageError("a job type must be named", field="job_type")
    priority = await visit.whole("priority")
    applied = await visit.admin.jobs.add(
        job_type,
        await sent_payload(visit) or {},
        queue=await visit.text("queue"),
        priority=5 if priority is None else priority,
        delay_s=await visit.number("delay_s") or 0,
        job_id=await visit.text("job_id"),
        reason=await visit.reason(),
    )
    return visit.applied(applied)


async def sent_payload(visit: Visit) -> Any:
    """Return the payload that was sent: an object, JSON text, or the fields of a form made from a schema.

    Raises:
        UsageError: it is no JSON.
    """
    fields = await visit.fields()
    text = fields.get("payload")
    if isinstance(text, dict):
        return text
    if any(name.startswith(payload_form.PREFIX) for name in fields):
        schema = await _schema(visit, str(fields.get("job_type", "")))
        return payload_form.read(schema, fields)
    if text is None or text == "":
        return None
    try:
        value = orjson.loads(str(text))
    except orjson.JSONDecodeError as error:
        raise UsageError(f"the payload must be JSON: {error}", field="payload") from error
    return payload_form.exact(str(text)) if value is not None else value


routes = [
    page("/jobs", index),
    page("/jobs/add", add_form),
    action("/jobs/add", add),
    page("/jobs/{queue:segment}/{job:segment}", show),
    page("/jobs/{queue:segment}/{job:segment}/logs", logs),
    page("/jobs/{queue:segment}/{job:segment}/why", why),
    action("/jobs/{queue:segment}/{job:segment}/retry", retry),
    action("/jobs/{queue:segment}/{job:segment}/cancel", cancel),
    action("/jobs/{queue:segment}/{job:segment}/remove", remove),
    action("/jobs/{queue:segment}/{job:segment}/promote", promote),
    action("/jobs/{queue:segment}/{job:segment}/reschedule", reschedule),
    action("/jobs/{queue:segment}/{job:segment}/edit", edit),
    action("/jobs/{queue:segment}/{job:segment}/reveal", reveal, role="admin"),
]
