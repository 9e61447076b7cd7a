"""Schedules in plain words with their next five runs; pause, resume, run now, edit, remove."""

from typing import Any

from starlette.responses import Response

from qconsole.admin.commands import cli_command
from qconsole.errors import UsageError
from qconsole.web import payload_form, payload_tree
from qconsole.web.jobs import sent_payload
from qconsole.web.visit import Visit, action, page

EDITABLE_TEXT = ("pattern", "tz", "overlap", "missed")


async def index(visit: Visit) -> Response:
    view = await visit.admin.schedules.list(visit.query("queue") or None)
    return visit.answer(
        "schedules/list.html",
        view=view,
        schema="schedules",
        title="Schedules",
        section="schedules",
        only_plain=await visit.only_plain(view),
        command=cli_command("schedules", "list"),
        period_ms=10_000,
        watch="queues",
    )


async def show(visit: Visit) -> Response:
    view = await visit.admin.schedules.get(visit.path("schedule"), queue=visit.path("queue"))
    pattern, tz = visit.query("pattern"), visit.query("tz")
    tried: Any = None
    problem = None
    if pattern:
        try:
            tried = await visit.admin.schedules.preview(pattern, tz or view.tz)
        except UsageError as error:
            if visit.wants_json:
                raise
            problem = error
    return visit.answer(
        "schedules/page.html",
        view=view,
        schema="schedule",
        title=view.id,
        section="schedules",
        payload_tree=payload_tree.tree(view.payload),
        form=payload_form.form(None, view.payload),
        form_schema=None,
        pattern=pattern or view.pattern,
        tz=tz or view.tz,
        tried=tried,
        problem=problem,
        command=cli_command("schedules", "show", view.id),
    )


async def pause(visit: Visit) -> Response:
    schedule, queue = visit.path("schedule"), visit.path("queue")
    return visit.applied(await visit.admin.schedules.pause(schedule, queue=queue, reason=await visit.reason()))


async def resume(visit: Visit) -> Response:
    schedule, queue = visit.path("schedule"), visit.path("queue")
    return visit.applied(await visit.admin.schedules.resume(schedule, queue=queue, reason=await visit.reason()))


async def run(visit: Visit) -> Response:
    schedule, queue = visit.path("schedule"), visit.path("queue")
    return visit.applied(await visit.admin.schedules.run(schedule, queue=queue, reason=await visit.reason()))


async def remove(visit: Visit) -> Response:
    schedule, queue = visit.path("schedule"), visit.path("queue")
    applied = await visit.admin.schedules.remove(schedule, queue=queue, reason=await visit.reason())
    return visit.applied(applied, to=visit.link("schedules"))


async def revert(visit: Visit) -> Response:
    schedule, queue = visit.path("schedule"), visit.path("queue")
    return visit.applied(await visit.admin.schedules.revert(schedule, queue=queue, reason=await visit.reason()))


async def edit(visit: Visit) -> Response:
    changes: dict[str, Any] = {}
    for name in EDITABLE_TEXT:
        value = await visit.text(name)
        if value is not None:
            changes[name] = value
    payload = await sent_payload(visit)
    if payload is not None:
        changes["payload"] = payload
    if not changes:
        raise UsageError(f"a change must be given: {', '.join(EDITABLE_TEXT)} or payload")
    schedule, queue = visit.path("schedule"), visit.path("queue")
    applied = await visit.admin.schedules.edit(schedule, queue=queue, reason=await visit.reason(), **changes)
    return visit.applied(applied, to=visit.link("schedules", queue, schedule))


routes = [
    page("/schedules", index),
    page("/schedules/{queue:segment}/{schedule:segment}", show),
    action("/schedules/{queue:segment}/{schedule:segment}/pause", pause),
    action("/schedules/{queue:segment}/{schedule:segment}/resume", resume),
    action("/schedules/{queue:segment}/{schedule:segment}/run", run),
    action("/schedules/{queue:segment}/{schedule:segment}/edit", edit),
    action("/schedules/{queue:segment}/{schedule:segment}/revert", revert),
    action("/schedules/{queue:segment}/{schedule:segment}/remove", remove),
]
