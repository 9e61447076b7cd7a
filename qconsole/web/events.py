"""Events: failures, stalls, burials, pauses and firings as they happened, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import Response

from qconsole.admin.commands import cli_command
from qconsole.admin.views import EventRow
from qconsole.web.visit import Visit, page


@dataclass(slots=True)
class Line:
    """A line of the list: an event, or the newest of ``count`` reports of one job's progress in a row."""

    event: EventRow
    count: int = 1


async def index(visit: Visit) -> Response:
    queue = visit.query("queue") or None
    view = await visit.admin.events.page(queue=queue, cursor=visit.query("cursor") or None, limit=visit.limit())
    return visit.answer(
        "events/list.html",
        view=view,
        schema="events",
        title="Events",
        section="events",
        lines=lines(view.rows),
        queue_name=queue or "",
        list_path=("events",),
        only_plain=await visit.only_plain(view.rows),
        command=cli_command("events", "tail", queue=queue),
        watch="queues",
        period_ms=4_000,
    )


def lines(events: Iterable[EventRow]) -> list[Line]:
    """Return events with each job's reports of progress as one line, as long as nothing else happens to that job.

    Args:
        events: newest first.
    """
    found: list[Line] = []
    reports: dict[tuple[str, str], Line] = {}
    for event in events:
        job = (event.queue, event.job_id or "")
        if event.kind != "progress":
            reports.pop(job, None)
        elif job in reports:
            reports[job].count += 1
            continue
        found.append(Line(event))
        if event.kind == "progress":
            reports[job] = found[-1]
    return found


routes = [page("/events", index)]
