"""The outermost layer: what is refused before any page looks at a request, and the headers every answer carries.

Order: host, size of the body, forged requests. A request that changes something must come from a page of this console
(`Sec-Fetch-Site`, else `Origin`, else the session's token) or carry an API token, which no browser adds by itself.
"""

import logging
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qconsole.errors import Forbidden, QConsoleError, UsageError
from qconsole.web.options import ConsoleOptions

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class BodyTooLarge(UsageError):
    """The request's body is over the limit."""

    code = "body_too_large"


class WrongHost(Forbidden):
    """The request named a host this console does not answer to (a rebound DNS name, perhaps)."""

    code = "wrong_host"


class Forged(Forbidden):
    """A change was asked for by a page that is not ours."""

    code = "forged"


def is_forged(headers: Headers, scheme: str) -> bool | None:
    """Tell whether a change comes from elsewhere; `None` when the headers cannot say and the token must."""
    if headers.get("authorization", "").lower().startswith("bearer "):
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is not None:
        if origin == "null":
            return True
        return origin.partition("://")[2].lower() != headers.get("host", "").lower()
    if headers.get("content-type", "").partition(";")[0].strip() == "application/json":
        return False  # no form and no simple request can send it
    return None


def host_name(headers: Headers) -> str:
    """Return the host a request names, without its port."""
    host = headers.get("host", "")
    return host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]


class Guard:
    """ASGI middleware; `refuse` renders an error in the form the client asked for."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        options: ConsoleOptions,
        refuse: Callable[[Request, QConsoleError], ASGIApp],
    ) -> None:
        self._app = app
        self._options = options
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        decorated = self._decorate(scope, send)
        refusal = self._refusal(request)
        if refusal is not None:
            log.warning("refused %s %s: %s", request.method, request.url.path, refusal.code)
            await self._refuse(request, refusal)(scope, receive, decorated)
            return
        await self._app(scope, self._limited(receive), decorated)

    def _refusal(self, request: Request) -> QConsoleError | None:
        headers = request.headers
        hosts = self._options.hosts
        if hosts and host_name(headers).lower() not in hosts:
            return WrongHost(
                f"this console does not answer to the host {host_name(headers)!r}",
                "Set web_url to the address people open, or open it by a name it knows.",
            )
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > self._options.body_limit_bytes:
            return self._too_large()
        if request.method not in SAFE_METHODS:
            forged = is_forged(headers, request.url.scheme)
            if forged:
                return Forged("the request does not come from a page of this console", "Reload the page and try again.")
            request.scope["qconsole.needs_token"] = forged is None
        return None

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"a request may hold at most {self._options.body_limit_bytes:,} bytes", "Send less at once."
        )

    def _limited(self, receive: Receive) -> Receive:
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._options.body_limit_bytes:
                raise self._too_large()
            return message

        return limited

    @staticmethod
    def _decorate(scope: Scope, send: Send) -> Send:
        async def decorated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return decorated
