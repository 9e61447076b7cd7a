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
    return visit.applied(await visit.admin.trash.restore(visit.path("entry")))


routes = [page("/trash", index), action("/trash/{entry:segment}/restore", restore)]
