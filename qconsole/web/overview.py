"""The first screen: five key figures, the last hour, the queues worst first, and what is wrong with Redis."""

from starlette.responses import Response

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
        watch="queues",
        period_ms=20_000,
    )


async def pause_all(visit: Visit) -> Response:
    return visit.applied(await visit.admin.queues.pause_all(reason=await visit.reason()))


async def resume_all(visit: Visit) -> Response:
    return visit.applied(await visit.admin.queues.resume_all(reason=await visit.reason()))


routes = [page("/", show), action("/queues/pause-all", pause_all), action("/queues/resume-all", resume_all)]
