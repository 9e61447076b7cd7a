"""Settings: who you are, how this console is served, what the doctor finds, the job types; the theme."""

import asyncio

from starlette.responses import RedirectResponse, Response

from qconsole.web.pages import THEME_COOKIE, THEMES
from qconsole.web.visit import Visit, action, page


async def show(visit: Visit) -> Response:
    session = visit.identity.session
    findings, job_types = await asyncio.gather(visit.admin.doctor.examine(), visit.admin.jobs.job_types())
    return visit.answer(
        "settings/page.html",
        view=findings,
        schema="findings",
        title="Settings",
        section="settings",
        findings=findings,
        job_types=job_types,
        sessions=await visit.admin.sessions.of(session.user) if session else (),
        session=session,
        shown=visit.console.settings.shown() if visit.identity.actor.role == "admin" else (),
    )


async def theme(visit: Visit) -> Response:
    """Remember a theme; an unknown one means what the browser prefers."""
    chosen = await visit.text("theme", "") or ""
    response = RedirectResponse(visit.came_from(), 303)
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=31_536_000, path=visit.link(), samesite="lax")
    else:
        response.delete_cookie(THEME_COOKIE, path=visit.link())
    return response


async def fix(visit: Visit) -> Response:
    """Mend what the doctor can mend."""
    codes = await visit.list("codes")
    findings = await visit.admin.doctor.fix(codes or None)
    if visit.wants_json:
        return visit.answer("", view=findings, schema="findings", title="Findings")
    return visit.go(visit.link("settings"))


routes = [
    page("/settings", show),
    action("/settings/theme", theme, role="viewer"),
    action("/settings/doctor", fix),
]
