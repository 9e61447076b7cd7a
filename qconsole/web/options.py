"""How the console is served: who may come in, from where, and its limits."""

import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from qconsole.admin.views import Actor
from qconsole.config import Settings
from qconsole.errors import ConfigError

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Auth(StrEnum):
    """Where the identity of a visitor comes from."""

    OFF = "off"  # everybody on this machine is the local admin
    USERS = "users"  # sign-in page and API tokens
    PROXY = "proxy"  # a trusted proxy names the user in a header; API tokens too
    HOST = "host"  # the application that mounts the console names the user (`identify`); API tokens too


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleOptions:
    """Settings of the web console; the defaults are the safe ones for a machine of one's own.

    Args:
        auth: where identities come from.
        identify: with `Auth.HOST`, who a request is from; `None` for nobody. Its role counts, its face is "web".
        hosts: names this console answers to; empty means any (a proxy in front checks it).
        secret: signs notices, and form tokens of visitors without a session; by default a new one per process.
        proxy_user_header: the header in which a trusted proxy names the user.
        proxy_default_role: the role of a proxied user that the console does not know.
        trusted_proxies: addresses or networks whose headers count.
        session_hours, idle_minutes: how long a session lives at most, and without use.
        body_limit_bytes: requests with a larger body are refused.
        poll_ms: how often the one poller looks at Redis while somebody watches.
        refresh_commands_per_s: what live refreshes of all viewers together may ask of Redis, beside the one poller.
    """

    auth: Auth = Auth.OFF
    identify: Callable[[HTTPConnection], Awaitable[Actor | None]] | None = None
    hosts: frozenset[str] = LOOPBACK_HOSTS
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    proxy_user_header: str = "x-forwarded-user"
    proxy_default_role: str = "viewer"
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    session_hours: float = 12.0
    idle_minutes: float = 60.0
    body_limit_bytes: int = 2_000_000
    poll_ms: int = 1_000
    refresh_commands_per_s: float = 15.0

    def __post_init__(self) -> None:
        if (self.auth is Auth.HOST) != (self.identify is not None):
            raise ConfigError(
                f"identify must be given with Auth.HOST and with nothing else, got auth {self.auth.value!r}",
                "Write ConsoleOptions(auth=Auth.HOST, identify=who).",
                field="identify",
            )

    @classmethod
    def of(cls, settings: Settings) -> "ConsoleOptions":
        """Return the options that the settings ask for."""
        named = urlsplit(settings.web_url).hostname if settings.web_url else None
        own = frozenset({named}) if named else frozenset()
        auth = Auth(settings.web_auth)
        local = is_loopback(settings.web_host)
        return cls(
            auth=auth,
            hosts=LOOPBACK_HOSTS | own if local else own,
            secret=settings.web_secret or secrets.token_urlsafe(32),
            proxy_user_header=(settings.web_proxy_header or "x-forwarded-user").lower(),
            proxy_default_role=settings.web_proxy_role,
            trusted_proxies=settings.web_trusted_proxies,
            session_hours=settings.web_session_h,
        )

    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """Return the trusted proxies as networks.

        Raises:
            ConfigError: for text that is neither an address nor a network.
        """
        try:
            return tuple(ipaddress.ip_network(text, strict=False) for text in self.trusted_proxies)
        except ValueError as error:
            raise ConfigError(
                f"web_trusted_proxies must be addresses or networks: {error}",
                "Write them like 10.0.0.7 or 10.0.0.0/8.",
                field="web_trusted_proxies",
            ) from error

    def refuse_unsafe(self, host: str) -> None:
        """Refuse to listen on an address that others reach while everybody who connects would be admin.

        Raises:
            ConfigError: when `auth` is off and `host` is not a loopback address.
        """
        if self.auth is Auth.OFF and not is_loopback(host):
            raise ConfigError(
                f"without sign-in the console must listen on a loopback address, got {host!r}",
                "Set auth to users (then `qconsole users add NAME`) or proxy, or listen on 127.0.0.1.",
                field="host",
            )
        if self.auth is Auth.PROXY and not self.trusted_proxies:
            raise ConfigError(
                "proxy sign-in needs the addresses of the proxies that are trusted, got none",
                "Set web_trusted_proxies, for example 127.0.0.1.",
                field="web_trusted_proxies",
            )


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address stays on this machine."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
