"""Signing in and out: failures wait longer each time and do not say what was wrong; no session id is used twice."""

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from qconsole.errors import Refused, Unauthenticated
from qconsole.web.identity import COOKIE
from qconsole.web.options import Auth
from qconsole.web.problems import problem
from qconsole.web.throttle import network_of
from qconsole.web.visit import Visit, action, answering, inside, link, over_https, read_fields

if TYPE_CHECKING:
    from qconsole.web.app import Console

log = logging.getLogger(__name__)

MAX_PASSWORD = 1_024


class Throttled(Refused):
    """Too many failed tries; `retry_after_s` says when the next may come."""

    code = "throttled"


def _console(request: Request) -> "Console":
    console: Console = request.app.state.console
    return console


def ask(visit: Visit, error: Unauthenticated) -> Response:
    """Send a person to the sign-in page and tell a program that it must sign in."""
    request = visit.request
    if visit.wants_json or visit.is_fragment or visit.console.options.auth is not Auth.USERS:
        response = problem(visit, error)
        response.headers["WWW-Authenticate"] = 'Bearer realm="qconsole"'
        if visit.is_fragment:
            response.headers["HX-Redirect"] = visit.link("sign-in")
        return response
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = visit.link("sign-in")
    if request.method == "GET" and wanted != visit.link():
        target += f"?next={quote(wanted, safe='/')}"
    return RedirectResponse(target, 303)


async def show(request: Request) -> Response:
    visit = _console(request).anonymous(request)
    return visit.console.pages.respond(
        visit, "sign_in/page.html", title="Sign in", next=request.query_params.get("next", ""), error=None, name=""
    )


async def enter(request: Request) -> Response:
    """Check name and password, and start a session."""
    console = _console(request)
    visit: Visit = console.anonymous(request)
    fields = await read_fields(request)
    name, password = str(fields.get("name", "")).strip()[:200], str(fields.get("password", ""))
    client = console.identities.client_of(request)
    by_name, by_client = f"name:{name.casefold()}", f"client:{network_of(client)}"
    wait_ms = console.throttle.wait_ms((by_name, by_client), console.clock.now_ms())
    if wait_ms:
        seconds = -(-wait_ms // 1_000)
        return _again(
            visit, name, Throttled(f"too many failed tries, the next in {seconds} s", retry_after_s=seconds), 429
        )
    admin = await console.admin()
    with console.throttle.attempt(by_name, by_client, console.clock.now_ms()) as attempt:
        user = await admin.users.verify(name, password) if len(password) <= MAX_PASSWORD else None
        attempt.right = user is not None
    if user is None:
        log.warning("sign-in failed for %r from %s", name, client)
        return _again(visit, name, Unauthenticated("name or password is wrong"), 401)
    old = await admin.sessions.find(request.cookies.get(COOKIE))
    if old is not None:
        await admin.sessions.end(old)
    session_id = await admin.sessions.begin(
        user.name,
        origin=client,
        lifetime_ms=int(console.options.session_hours * 3_600_000),
        idle_ms=int(console.options.idle_minutes * 60_000),
    )
    response = RedirectResponse(inside(request, str(fields.get("next", ""))), 303)
    response.set_cookie(
        COOKIE,
        session_id,
        path=link(request),
        httponly=True,
        samesite="lax",
        secure=over_https(request),
    )
    return response


def _again(visit: Visit, name: str, error: Refused, status: int) -> Response:
    if visit.wants_json:
        return problem(visit, error)
    response = visit.console.pages.respond(
        visit,
        "sign_in/page.html",
        status=status,
        title="Sign in",
        next=visit.query("next"),
        error=error,
        name=name,
    )
    if "retry_after_s" in error.fields:
        response.headers["Retry-After"] = str(error.fields["retry_after_s"])
    return response


async def leave(visit: Visit) -> Response:
    session = visit.identity.session
    if session is not None:
        await visit.admin.sessions.end(session)
    response = RedirectResponse(visit.link("sign-in"), 303)
    response.delete_cookie(COOKIE, path=visit.link())
    return response


async def leave_everywhere(visit: Visit) -> Response:
    """End every session of this user, this one too."""
    if visit.identity.session is not None:
        await visit.admin.sessions.end_all(visit.identity.session.user)
    return await leave(visit)


routes = [
    Route("/sign-in", answering(show), methods=["GET"], name="sign_in.show"),
    Route("/sign-in", answering(enter), methods=["POST"], name="sign_in.enter"),
    action("/sign-out", leave, role="viewer"),
    action("/sign-out/everywhere", leave_everywhere, role="viewer"),
]
