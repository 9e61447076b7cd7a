"""Workers: what runs where, since when and how well; quiet, resume, stop."""

from starlette.responses import Response

from qconsole.admin.commands import cli_command
from qconsole.web.visit import Visit, action, page


async def index(visit: Visit) -> Response:
    view = await visit.admin.workers.list()
    alive = [worker for worker in view if worker.state != "lost"]
    return visit.answer(
        "workers/list.html",
        view=view,
        schema="workers",
        title="Workers",
        section="workers",
        slots=sum(worker.slots for worker in alive),
        alive=len(alive),
        lost=len(view) - len(alive),
        busy=sum(len(worker.running) for worker in alive),
        command=cli_command("workers", "list"),
        watch="queues",
        period_ms=5_000,
    )


async def show(visit: Visit) -> Response:
    view = await visit.admin.workers.get(visit.path("worker"))
    return visit.answer(
        "workers/page.html",
        view=view,
        schema="worker",
        title=view.id,
        section="workers",
        command=cli_command("workers", "show", view.id),
        watch="queues",
        period_ms=3_000,
    )


async def quiet(visit: Visit) -> Response:
    return visit.applied(await visit.admin.workers.quiet(visit.path("worker"), reason=await visit.reason()))


async def resume(visit: Visit) -> Response:
    return visit.applied(await visit.admin.workers.resume(visit.path("worker"), reason=await visit.reason()))


async def stop(visit: Visit) -> Response:
    return visit.applied(await visit.admin.workers.stop(visit.path("worker"), reason=await visit.reason()))


routes = [
    page("/workers", index),
    page("/workers/{worker:segment}", show),
    action("/workers/{worker:segment}/quiet", quiet),
    action("/workers/{worker:segment}/resume", resume),
    action("/workers/{worker:segment}/stop", stop),
]
