"""Who is asking: a session's user, an API token's, one whom a proxy or the application around names, or
this machine's admin.

Roles are read anew for every request, so a removed user or a revoked token is out at once.
"""

import hmac
import ipaddress
from dataclasses import dataclass, replace

from starlette.requests import HTTPConnection

from qconsole.admin.admin import Admin
from qconsole.admin.sessions import SessionView
from qconsole.admin.views import Actor
from qconsole.errors import Forbidden, Unauthenticated, UserNotFound
from qconsole.web.form_tokens import FormTokens
from qconsole.web.options import Auth, ConsoleOptions

COOKIE = "qconsole_session"


@dataclass(frozen=True, slots=True)
class Identity:
    """A visitor: the actor for the audit, how they were recognised, and the token their forms carry."""

    actor: Actor
    how: str  # off | session | token | proxy | host
    form_token: str
    session: SessionView | None = None


class Identities:
    """Finds the identity behind a request.

    Args:
        options: where identities come from.
    """

    def __init__(self, *, options: ConsoleOptions) -> None:
        self._options = options
        self._networks = options.networks()
        self._tokens = FormTokens(secret=options.secret)

    async def of(self, request: HTTPConnection, admin: Admin) -> Identity:
        """Return the visitor.

        Raises:
            Unauthenticated: nobody is signed in, or no longer.
        """
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            actor = await admin.tokens.verify(credential.strip())
            if actor is None:
                raise Unauthenticated("this API token is not valid", "Create one with `qconsole tokens create NAME`.")
            return Identity(Actor(actor.name, actor.role, "api"), "token", "")
        if self._options.auth is Auth.OFF:
            return Identity(Actor("local", "admin", "web"), "off", self._tokens.of_visitor("local"))
        if self._options.identify is not None:
            found = await self._options.identify(request)
            if found is None:
                raise Unauthenticated("the application around this console knows nobody here", "Sign in there first.")
            return Identity(replace(found, face="web"), "host", self._tokens.of_visitor(f"host:{found.name}"))
        if self._options.auth is Auth.PROXY:
            return await self._proxied(request, admin)
        cookie = request.cookies.get(COOKIE, "")
        session = await admin.sessions.find(cookie)
        if session is None:
            raise Unauthenticated("nobody is signed in, or the session has ended", "Sign in again.")
        try:
            user = await admin.users.get(session.user)
        except UserNotFound as error:
            await admin.sessions.end(session)
            raise Unauthenticated("this user no longer exists", "Ask an admin.") from error
        if session.created_ms < user.changed_ms:
            await admin.sessions.end(session)
            raise Unauthenticated("the password was changed since", "Sign in again.")
        return Identity(Actor(user.name, user.role, "web"), "session", FormTokens.of_session(cookie), session)

    async def _proxied(self, request: HTTPConnection, admin: Admin) -> Identity:
        client = request.client.host if request.client else ""
        if not self._is_trusted(client):
            raise Unauthenticated(f"{client or 'this client'} is no trusted proxy", "Come through the proxy.")
        names = request.headers.getlist(self._options.proxy_user_header)
        if len(names) > 1:
            raise Unauthenticated(
                f"the header {self._options.proxy_user_header} came {len(names)} times",
                "Let the proxy replace what a client sends of it.",
            )
        name = names[0].strip() if names else ""
        if not name:
            raise Unauthenticated(
                f"the proxy sent no {self._options.proxy_user_header} header", "Sign in at the proxy."
            )
        try:
            role = (await admin.users.get(name)).role
        except UserNotFound:
            role = self._options.proxy_default_role
        return Identity(Actor(name, role, "web"), "proxy", self._tokens.of_visitor(f"proxy:{name}"))

    def client_of(self, request: HTTPConnection) -> str:
        """Return the address a request comes from: the last one that no trusted proxy vouches for."""
        sent = ",".join(request.headers.getlist("x-forwarded-for"))  # some proxies add a header of their own
        hops = [hop.strip() for hop in sent.split(",") if hop.strip()]
        found = request.client.host if request.client else "unknown"
        while hops and self._is_trusted(found):
            found = hops.pop()
        return found[:100]

    def _is_trusted(self, client: str) -> bool:
        try:
            address = ipaddress.ip_address(client)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def require_form_token(identity: Identity, token: str) -> None:
    """Refuse a change whose origin the headers could not tell and whose form lacks this visitor's token.

    Raises:
        Forbidden: the token is missing or not this visitor's.
    """
    if not hmac.compare_digest(identity.form_token.encode(), token.encode("utf-8", "replace")):
        raise Forbidden("the form has no valid token", "Reload the page and try again.")
