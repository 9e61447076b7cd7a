"""Flows: jobs that wait for other jobs, as a picture and as an outline."""

from starlette.responses import Response

from qconsole.admin.commands import cli_command
from qconsole.web import flow_graph
from qconsole.web.visit import Visit, action, page

MAX_NODES = 300


async def index(visit: Visit) -> Response:
    view = await visit.admin.flows.page(cursor=visit.query("cursor") or None, limit=visit.limit())
    return visit.answer(
        "flows/list.html",
        view=view,
        schema="flows",
        title="Flows",
        section="flows",
        list_path=("flows",),
        only_plain=await visit.only_plain(view.rows),
        command=cli_command("flows", "list"),
        watch="queues",
        period_ms=5_000,
    )


async def show(visit: Visit) -> Response:
    job_id, queue = visit.path("job"), visit.path("queue")
    view = await visit.admin.flows.tree(job_id, queue=queue, max_nodes=MAX_NODES)
    if visit.wants_json:
        return visit.answer("", view=view, schema="flow", title=job_id)
    return visit.answer(
        "flows/page.html",
        view=view,
        schema="flow",
        title=f"Flow {job_id}",
        section="flows",
        drawing=flow_graph.layout(view),
        outline=tuple(flow_graph.outline(view)),
        tally=flow_graph.tally(view),
        box=(flow_graph.BOX_WIDTH, flow_graph.BOX_HEIGHT),
        command=cli_command("flows", "show", job_id),
        watch="queues",
        period_ms=3_000,
    )


async def retry(visit: Visit) -> Response:
    job_id, queue = visit.path("job"), visit.path("queue")
    answer = await visit.admin.flows.retry_failed(job_id, queue=queue, reason=await visit.reason())
    return visit.applied(answer)


routes = [
    page("/flows", index),
    page("/flows/{queue:segment}/{job:segment}", show),
    action("/flows/{queue:segment}/{job:segment}/retry", retry),
]
