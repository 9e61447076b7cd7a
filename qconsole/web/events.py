"""Events: failures, stalls, burials, pauses and firings as they happened, newest first."""

from starlette.responses import Response

from qconsole.admin.commands import cli_command
from qconsole.web.visit import Visit, page


async def index(visit: Visit) -> Response:
    queue = visit.query("queue") or None
    view = await visit.admin.events.page(queue=queue, cursor=visit.query("cursor") or None, limit=visit.limit())
    return visit.answer(
        "events/list.html",
        view=view,
        schema="events",
        title="Events",
        section="events",
        queue_name=queue or "",
        list_path=("events",),
        command=cli_command("events", "tail", queue=queue),
        watch="queues",
        period_ms=4_000,
    )


routes = [page("/events", index)]
