"""The console as an ASGI application: mount it in another one, or serve it alone.

Nothing happens before the first request, because a mounted application's lifespan does not run.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qconsole.admin.admin import Admin
from qconsole.admin.views import Actor
from qconsole.clock import Clock, SystemClock
from qconsole.config import Settings, load_settings
from qconsole.errors import Forbidden, NotFound, QConsoleError, RedisUnavailable, Unauthenticated, UsageError
from qconsole.web import (
    audit,
    dead_letters,
    events,
    flows,
    jobs,
    metrics,
    operations,
    overview,
    queues,
    schedules,
    search,
    sign_in,
    stream,
    trash,
    workers,
)
from qconsole.web import (
    settings as settings_page,
)
from qconsole.web.assets import Assets
from qconsole.web.guard import Guard
from qconsole.web.identity import Identities, Identity, require_form_token
from qconsole.web.live import LiveFeed, RefreshBudget, cost_of
from qconsole.web.notices import Notices
from qconsole.web.options import ConsoleOptions
from qconsole.web.pages import Pages
from qconsole.web.problems import problem
from qconsole.web.runner import OperationRunner
from qconsole.web.throttle import Throttle
from qconsole.web.visit import Handler, Visit

log = logging.getLogger(__name__)

ROLES = ("viewer", "operator", "admin")
NOBODY = Actor("nobody", "viewer", "web")
LIVE_ACTOR = Actor("live feed", "viewer", "web")


class Console:
    """What all requests share.

    Args:
        settings: Redis and the console's own settings.
        options: how it is served.
        admin: an open service to use; without one, it is opened at the first request and closed with the application.
        clock: where "now" comes from; by default this machine's for throttling, the server's for jobs and sessions.
    """

    def __init__(
        self, *, settings: Settings, options: ConsoleOptions, admin: Admin | None = None, clock: Clock | None = None
    ) -> None:
        self.clock = clock or SystemClock()
        self._given_clock = clock
        self.settings = settings
        self.options = options
        self.environment = settings.env
        self.production = settings.production
        self.assets = Assets()
        self.pages = Pages(assets=dict(self.assets.names))
        self.notices = Notices(secret=options.secret)
        self.identities = Identities(options=options)
        self.throttle = Throttle()
        self.budget = RefreshBudget(per_s=options.refresh_commands_per_s)
        self.feed = LiveFeed(snapshot=self._snapshot, clock=self.clock, interval_ms=options.poll_ms)
        self.runner = OperationRunner()
        self._admin = admin
        self._owns_admin = admin is None
        self._opening = asyncio.Lock()

    async def admin(self) -> Admin:
        """Return the service, opened on first use."""
        if self._admin is None:
            async with self._opening:
                if self._admin is None:
                    async with self._deadline():
                        self._admin = await Admin.open(self.settings, actor=NOBODY, clock=self._given_clock)
        return self._admin

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        """End what takes longer than Redis may take to answer; only for reading, which can be cut anywhere.

        Raises:
            RedisUnavailable: the time is over.
        """
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                yield
        except TimeoutError as error:
            raise RedisUnavailable(
                f"Redis did not answer within {self.settings.timeout_s:g} s", "Try again in a moment."
            ) from error

    async def _snapshot(self) -> dict[str, object]:
        async with self._deadline():
            return await (await self.admin()).as_actor(LIVE_ACTOR).live.snapshot()

    async def recognise(self, request: Request) -> Visit:
        """Return the visit of whoever asks.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        admin = await self.admin()
        identity = await self.identities.of(request, admin)
        visit = Visit(request=request, console=self, identity=identity, admin=admin.as_actor(identity.actor))
        request.state.visit = visit
        return visit

    async def receive(self, request: Request, handler: Handler, role: str | None) -> Response:
        """Recognise the visitor, refuse what their role does not allow, and run the handler.

        Args:
            role: the least role of a change; `None` for pages that only read.
        """
        visit = await self.recognise(request)
        identity = visit.identity
        if role is not None:
            if request.scope.get("qconsole.needs_token"):
                token = request.headers.get("x-csrf-token") or await visit.text("form_token", "") or ""
                require_form_token(identity, token)
            if ROLES.index(identity.actor.role) < ROLES.index(role):
                raise Forbidden(
                    f"a {identity.actor.role} may not do this, it needs the role {role}", "Ask an admin.", role=role
                )
        elif request.headers.get("qconsole-live"):
            path = request.url.path.removeprefix(request.scope.get("root_path", ""))
            if not self.budget.take(cost_of(path), self.clock.now_ms()):
                return Response(status_code=204, headers={"Retry-After": "1"})
        if role is not None:
            return await handler(visit)
        async with self._deadline():
            return await handler(visit)

    def anonymous(self, request: Request) -> Visit:
        """Return a visit of nobody, for the pages that need no identity (sign-in, errors)."""
        known = getattr(request.state, "visit", None)
        if isinstance(known, Visit):
            return known
        return Visit(request=request, console=self, identity=Identity(NOBODY, "nobody", ""), admin=None)

    def refused(self, request: Request, error: QConsoleError) -> Response:
        """Answer an error; who is not signed in is asked to."""
        visit = self.anonymous(request)
        return sign_in.ask(visit, error) if isinstance(error, Unauthenticated) else problem(visit, error)

    async def close(self) -> None:
        """Stop the feed and the operations that run here (they can be resumed), and close what this opened."""
        await self.feed.stop()
        await self.runner.close()
        if self._owns_admin and self._admin is not None:
            await self._admin.close()
            self._admin = None


def console(
    source: Admin | Settings | str | None = None, *, options: ConsoleOptions | None = None, clock: Clock | None = None
) -> Starlette:
    """Return the console as an application to mount: `app.mount("/admin/queues", console("redis://…"))`.

    Args:
        source: an open `Admin`, settings, or a Redis URL; by default the settings of file and environment.
        options: how it is served; by default what the settings say (sign-in required).
    """
    if isinstance(source, Admin):
        return create_app(load_settings(), admin=source, options=options, clock=clock)
    if isinstance(source, str):
        return create_app(load_settings(redis_url=source), options=options, clock=clock)
    return create_app(source or load_settings(), options=options, clock=clock)


def create_app(
    settings: Settings,
    *,
    admin: Admin | None = None,
    options: ConsoleOptions | None = None,
    clock: Clock | None = None,
) -> Starlette:
    """Return the console's application; `app.state.console` holds what its requests share."""
    shared = Console(settings=settings, options=options or ConsoleOptions.of(settings), admin=admin, clock=clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await shared.close()

    async def on_http_error(request: Request, error: Exception) -> Response:
        with contextlib.suppress(QConsoleError):  # who is known sees the error within the console
            await shared.recognise(request)
        return shared.refused(request, _http_error(error))

    app = Starlette(
        routes=_routes(shared),
        middleware=[
            Middleware(Guard, options=shared.options, refuse=shared.refused),
            Middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5),
        ],
        exception_handlers={HTTPException: on_http_error},
        lifespan=lifespan,
    )
    app.state.console = shared
    return app


def _routes(shared: Console) -> list[Route]:
    return [
        Route("/static/{digest}/{name}", shared.assets.serve, methods=["GET"], name="static"),
        *sign_in.routes,
        *stream.routes,
        *overview.routes,
        *queues.routes,
        *jobs.routes,
        *search.routes,
        *dead_letters.routes,
        *schedules.routes,
        *flows.routes,
        *workers.routes,
        *metrics.routes,
        *operations.routes,
        *trash.routes,
        *audit.routes,
        *events.routes,
        *settings_page.routes,
    ]


def _http_error(error: Exception) -> QConsoleError:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return NotFound("there is no such page", "Use the side bar.")
    if error.status_code == 405:
        return MethodNotAllowed("this page does not take that method")
    return UsageError(str(error.detail))


class MethodNotAllowed(UsageError):
    """The path exists, and not for this method."""

    code = "method_not_allowed"
