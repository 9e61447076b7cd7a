"""The first screen: five key figures, the last hour, the queues worst first, and what is wrong with Redis."""

from collections.abc import Sequence

from starlette.responses import Response

from qconsole.admin.commands import cli_command
from qconsole.admin.views import Applied
from qconsole.web.formats import plural
from qconsole.web.visit import Visit, action, page

CHART_COLUMNS = ("completed", "failed")


async def show(visit: Visit) -> Response:
    view = await visit.admin.queues.overview()
    return visit.answer(
        "overview/page.html",
        view=view,
        schema="overview",
        title="Overview",
        section="",
        columns=CHART_COLUMNS,
        only_plain=bool(view.queues) and not any(queue.native for queue in view.queues),
        watch="queues",
        period_ms=10_000,
    )


async def pause_all(visit: Visit) -> Response:
    done = await visit.admin.queues.pause_all(reason=await visit.reason())
    return visit.applied(_together(done, "paused", cli_command("queues", "pause", *(one.target for one in done))))


async def resume_all(visit: Visit) -> Response:
    done = await visit.admin.queues.resume_all(reason=await visit.reason())
    return visit.applied(_together(done, "resumed", cli_command("queues", "resume", *(one.target for one in done))))


def _together(done: Sequence[Applied], word: str, command: str) -> Applied:
    """Return one answer for the same change of several queues."""
    return Applied(f"{plural(len(done), 'queue')} {'is' if len(done) == 1 else 'are'} {word}.", "queues", command)


routes = [page("/", show), action("/queues/pause-all", pause_all), action("/queues/resume-all", resume_all)]
