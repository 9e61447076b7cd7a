"""The audit: every change by any face, newest first."""

from starlette.responses import Response

from qconsole.admin import filter_terms, filters
from qconsole.admin.commands import cli_command
from qconsole.admin.views import AuditRow, Page
from qconsole.errors import FilterError
from qconsole.web.visit import Visit, page


async def index(visit: Visit) -> Response:
    text = visit.query("filter")
    view: Page[AuditRow] = Page(())
    problem = None
    try:
        filters.parse(text, noun=filter_terms.AUDIT)
        view = await visit.admin.audit.page(text, cursor=visit.query("cursor") or None, limit=visit.limit())
    except FilterError as error:
        if visit.wants_json:
            raise
        problem = error
    return visit.answer(
        "audit/list.html",
        view=view,
        schema="audit",
        status=400 if problem else 200,
        title="Audit",
        section="audit",
        problem=problem,
        filter=text,
        filter_text=text,
        search_path=visit.link("audit"),
        search_noun="the audit",
        list_path=("audit",),
        command=cli_command("audit", "list", filter=text or None),
    )


routes = [page("/audit", index)]
