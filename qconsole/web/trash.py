"""The trash: removed jobs that can still be brought back."""

from starlette.responses import Response

from qconsole.admin.commands import cli_command
from qconsole.web.visit import Visit, action, page


async def index(visit: Visit) -> Response:
    view = await visit.admin.trash.page(cursor=visit.query("cursor") or None, limit=visit.limit())
    return visit.answer(
        "trash/list.html",
        view=view,
        schema="trash",
        title="Trash",
        section="trash",
        list_path=("trash",),
        noun="trash",
        filter="",
        command=cli_command("trash", "list"),
    )


async def restore(visit: Visit) -> Response:
    queue, job_id = visit.path("queue"), visit.path("job")
    return visit.applied(await visit.admin.trash.restore(job_id, queue=queue, reason=await visit.reason()))


routes = [page("/trash", index), action("/trash/{queue:segment}/{job:segment}/restore", restore)]
