"""One request as the pages see it: who asks, what was asked, and one way to answer with a page, a fragment or JSON."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from qconsole.admin.admin import Admin
from qconsole.admin.schema import to_json
from qconsole.admin.views import Applied
from qconsole.errors import QConsoleError, Unauthenticated, UsageError
from qconsole.web.identity import Identity
from qconsole.web.paths import segment

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from qconsole.web.app import Console

MAX_LIMIT = 200
MAX_FIELDS = 5_000


class Visit:
    """A request of a recognised visitor."""

    def __init__(self, *, request: Request, console: "Console", identity: Identity, admin: Admin | None) -> None:
        self.request = request
        self.console = console
        self.identity = identity
        self._admin = admin
        self._fields: dict[str, Any] | None = None

    @property
    def admin(self) -> Admin:
        """Return the service in the visitor's name.

        Raises:
            Unauthenticated: nobody has one.
        """
        if self._admin is None:
            raise Unauthenticated("nobody is signed in", "Sign in.")
        return self._admin

    # -- what was asked

    @property
    def now_ms(self) -> int:
        """Return the server's time, which is what jobs are stamped with."""
        clock = self._admin.clock if self._admin is not None else self.console.clock
        return clock.now_ms()

    @property
    def wants_json(self) -> bool:
        return wants_json(self.request)

    @property
    def is_fragment(self) -> bool:
        return self.request.headers.get("hx-request") == "true"

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default).strip()

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def limit(self, default: int = 50) -> int:
        """Return the page size asked for.

        Raises:
            UsageError: when it is no number from 1 to 200.
        """
        text = self.query("limit") or str(default)
        if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= MAX_LIMIT:
            raise UsageError(f"limit must be a number from 1 to {MAX_LIMIT}, got {text[:40]!r}", field="limit")
        return int(text)

    async def fields(self) -> dict[str, Any]:
        """Return what was sent: a form's fields (lists for repeated ones) or a JSON object.

        Raises:
            UsageError: the body is neither.
        """
        if self._fields is None:
            self._fields = await read_fields(self.request)
        return self._fields

    async def text(self, name: str, default: str | None = None) -> str | None:
        """Return one field's text, `default` when it is absent or empty.

        Raises:
            UsageError: the field is an object or a list.
        """
        value = (await self.fields()).get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float):
            return str(value).strip() or default
        raise UsageError(f"{name} must be one value, got {type(value).__name__}", field=name)

    async def number(self, name: str) -> float | None:
        """Return one field as a finite number, `None` when it is absent.

        Raises:
            UsageError: it is no number.
        """
        text = await self.text(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < 1e15:
            raise UsageError(f"{name} must be a number, got {text[:40]!r}", field=name)
        return value

    async def whole(self, name: str) -> int | None:
        """Return one field as a whole number, `None` when it is absent."""
        value = await self.number(name)
        if value is None:
            return None
        if value != int(value):
            raise UsageError(f"{name} must be a whole number, got {value:g}", field=name)
        return int(value)

    async def flag(self, name: str) -> bool:
        return (await self.text(name, "")) in {"1", "true", "on", "yes"}

    async def list(self, name: str) -> tuple[str, ...]:
        """Return a field that may repeat."""
        value = (await self.fields()).get(name)
        if value is None:
            return ()
        entries = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, str) for entry in entries):
            raise UsageError(f"{name} must be a list of texts", field=name)
        return tuple(entries)

    async def only_plain(self, view: Any) -> bool:
        """Tell whether a list is empty because only plain arq, which keeps no such thing, uses this Redis."""
        return not view and await self.admin.queues.are_all_plain()

    async def reason(self) -> str | None:
        return await self.text("reason")

    # -- links

    def link(self, *parts: str, **query: Any) -> str:
        """Return a path inside the console; parts are names, escaped here."""
        return link(self.request, *parts, **query)

    # -- answers

    def answer(
        self,
        template: str,
        *,
        view: Any,
        schema: str,
        title: str,
        status: int = 200,
        block: str = "main",
        **context: Any,
    ) -> Response:
        """Answer with JSON, the page's main block (a live refresh) or the whole page, as the client asks."""
        if self.wants_json:
            return json_response(to_json(view, schema), status)
        return self.console.pages.respond(
            self, template, status=status, block=block if self.is_fragment else None, view=view, title=title, **context
        )

    def applied(self, applied: Applied, *, to: str | None = None) -> Response:
        """Answer a change of one thing.

        Args:
            to: where a browser goes next; by default back to the page it came from.
        """
        if self.wants_json:
            return json_response(to_json(applied, "applied"), 200)
        if self.is_fragment:
            response = self.console.pages.respond(self, "_applied.html", block="notice", applied=applied)
            if to is not None:
                response = Response(status_code=204, headers={"HX-Redirect": to})
                self._leave_notice(response, applied)
            else:
                response.headers["HX-Trigger"] = "qconsole:changed"
            return response
        response = RedirectResponse(to or self.came_from(), 303)
        self._leave_notice(response, applied)
        return response

    def _leave_notice(self, response: Response, applied: Applied) -> None:
        self.console.notices.leave(response, applied, path=self.link(), secure=over_https(self.request))

    def go(self, to: str) -> Response:
        """Send the browser to another page of the console after a change."""
        if self.is_fragment:
            return Response(status_code=204, headers={"HX-Redirect": to})
        return RedirectResponse(to, 303)

    def came_from(self) -> str:
        """Return the page the visitor was on, when it is one of ours."""
        try:
            referer = urlsplit(self.request.headers.get("referer", ""))
        except ValueError:
            return self.link()
        if referer.netloc != self.request.headers.get("host"):
            return self.link()
        return inside(self.request, referer.path + (f"?{referer.query}" if referer.query else ""))


def link(request: Request, *parts: str, **query: Any) -> str:
    """Return a path inside the console under whatever prefix it is mounted."""
    base = request.scope.get("root_path", "").rstrip("/")
    path = base + "/" + "/".join(segment(part) for part in parts)
    pairs = {name: value for name, value in query.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path


def inside(request: Request, wanted: str) -> str:
    """Return a path inside the console, whatever was asked for: a browser reads `//` and `\\` as another host."""
    base = link(request)
    stays = wanted.startswith(base) and not wanted.startswith("//") and "\\" not in wanted
    return wanted if stays and wanted.isprintable() else base


def over_https(request: Request) -> bool:
    """Tell whether people reach this console over HTTPS: directly, or by what `web_url` says of the proxy in front."""
    console: Console = request.app.state.console
    return "https" in (request.url.scheme, urlsplit(console.settings.web_url or "").scheme)


def wants_json(request: Request) -> bool:
    """Tell whether JSON is preferred over HTML; browsers always name text/html."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def json_response(content: Any, status: int = 200) -> Response:
    """Answer a document; text that is no valid Unicode travels escaped."""
    try:
        body = orjson.dumps(content)
    except TypeError:
        body = json.dumps(content, ensure_ascii=True).encode()
    return Response(body, status, media_type="application/json", headers={"Vary": "Accept"})


async def read_fields(request: Request) -> dict[str, Any]:
    """Return a request's form fields or JSON object.

    Raises:
        UsageError: neither, or not readable.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        body = await request.body()
        try:
            value = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError as error:
            raise UsageError(f"the body must be JSON: {error}", "Send an object.") from error
        if not isinstance(value, dict):
            raise UsageError(f"the body must be a JSON object, got {type(value).__name__}")
        return value
    if kind == "application/x-www-form-urlencoded":
        found: dict[str, Any] = {}
        try:
            form = await request.form(max_fields=MAX_FIELDS)
        except HTTPException as error:
            raise UsageError(f"the form cannot be read: {error.detail}", "Send less at once.") from error
        for name, text in form.multi_items():
            if name in found:
                earlier = found[name]
                found[name] = [*earlier, text] if isinstance(earlier, list) else [earlier, text]
            else:
                found[name] = text
        return found
    if await request.body():
        raise UsageError(
            f"the body must be a form or JSON, got {kind or 'no content type'!r}", "Set Content-Type: application/json."
        )
    return {}


Handler = Callable[[Visit], Awaitable[Response]]


def page(path: str, handler: Handler) -> Route:
    """Route a page that only reads."""
    return Route(path, _endpoint(handler, None), methods=["GET"], name=_name(handler))


def action(path: str, handler: Handler, *, role: str = "operator") -> Route:
    """Route a change; a visitor below `role` is refused before the handler runs."""
    return Route(path, _endpoint(handler, role), methods=["POST"], name=_name(handler))


def _name(handler: Handler) -> str:
    return f"{handler.__module__.rpartition('.')[2]}.{handler.__name__}"


def _endpoint(handler: Handler, role: str | None) -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        console: Console = request.app.state.console
        return await console.receive(request, handler, role)

    return answering(receive)


def answering(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers what `work` raises in the form the client asked for."""

    async def endpoint(request: Request) -> Response:
        console: Console = request.app.state.console
        try:
            return await work(request)
        except QConsoleError as error:
            return console.refused(request, error)
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            return console.refused(request, QConsoleError("the console could not do this", "Its log says why."))

    return endpoint
