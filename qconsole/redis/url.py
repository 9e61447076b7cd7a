"""Redis URLs: which server, how to get in, with the secrets masked in everything that is shown.

redis://user:password@host:6379/0                  one server; rediss:// over TLS
unix://user:password@/path/redis.sock?db=0         one server, socket file
redis+sentinel://user:password@h1:26379,h2/name/0  the primary that the sentinels name; rediss+sentinel://
redis+cluster://user:password@h1:7000,h2:7001      a cluster, any of its nodes; rediss+cluster://
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from qconsole.errors import ConfigError

_FORMS = "redis://host:6379/0, rediss://…, unix:///path.sock, redis+sentinel://h1,h2/name/0 or redis+cluster://h1,h2"
_SENTINEL_OPTIONS = {"sentinel_user": "sentinel_username", "sentinel_password": "sentinel_password"}
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_BOOLEANS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Topology(StrEnum):
    """How the servers behind a URL hang together."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to trust the far side; the host name is checked unless the URL says otherwise."""

    ca_certs: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    check_hostname: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """A parsed URL. `str()` and `repr()` never show a password."""

    topology: Topology
    hosts: tuple[tuple[str, int], ...] = ()
    socket_path: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    db: int = 0
    service: str | None = None
    tls: Tls | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    timeout_s: float | None = None

    @property
    def brief(self) -> str:
        """The URL for a sentence: of a cluster's nodes the first, as a list of all hides what is said after it."""
        others = len(self.hosts) - 1
        if self.topology is not Topology.CLUSTER or others < 2:
            return str(self)
        return f"{replace(self, hosts=self.hosts[:1])} and {others} others"

    def __str__(self) -> str:
        scheme = "rediss" if self.tls else "redis"
        user = "" if not (self.username or self.password) else f"{self.username or ''}:***@"
        if self.socket_path is not None:
            return f"unix://{user}{self.socket_path}?db={self.db}"
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        match self.topology:
            case Topology.SENTINEL:
                return f"{scheme}+sentinel://{user}{hosts}/{self.service}/{self.db}"
            case Topology.CLUSTER:
                return f"{scheme}+cluster://{user}{hosts}"
            case Topology.SINGLE:
                return f"{scheme}://{user}{hosts}/{self.db}"


def parse_url(url: str) -> RedisUrl:
    """Parse a Redis URL.

    Raises:
        ConfigError: with the part that is wrong named, and never with the password in it.
    """
    try:
        parts = urlsplit(url.strip())
        scheme, _, flavour = parts.scheme.partition("+")
    except ValueError as error:
        raise ConfigError(f"the Redis URL cannot be read: {error}", f"Write it as {_FORMS}.") from error
    if scheme not in ("redis", "rediss", "unix") or flavour not in ("", "sentinel", "cluster"):
        raise ConfigError(f"the Redis URL must start with a known scheme, got {parts.scheme!r}", f"Write {_FORMS}.")
    if parts.fragment:
        raise ConfigError("the Redis URL must not hold a bare '#'", "Write # inside a password as %23.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    username, password, hosts_text = _credentials(parts)
    common = {
        "username": username,
        "password": password,
        "timeout_s": _timeout(options.pop("timeout_s", None)),
    }
    if scheme == "unix":
        parsed = _unix(parts, hosts_text, flavour, options, common)
    else:
        parsed = _tcp(parts, hosts_text, flavour, options, common)
    if options:
        raise ConfigError(
            f"the Redis URL has an unknown option {min(options)!r}",
            "Known are db, timeout_s, ssl_ca_certs, ssl_certfile, ssl_keyfile and ssl_check_hostname (rediss), "
            "sentinel_user and sentinel_password (sentinel).",
        )
    return parsed


def _credentials(parts: SplitResult) -> tuple[str | None, str | None, str]:
    credentials, at, hosts_text = parts.netloc.rpartition("@")
    if not at:
        return None, None, hosts_text
    username, _, password = credentials.partition(":")
    return unquote(username) or None, unquote(password) or None, hosts_text


def _unix(
    parts: SplitResult, hosts_text: str, flavour: str, options: dict[str, str], common: Mapping[str, object]
) -> RedisUrl:
    path = unquote(parts.path)
    if flavour:
        raise ConfigError("a unix:// URL names one server", f"Write {_FORMS}.")
    if hosts_text or not path.startswith("/"):
        raise ConfigError(
            f"a unix:// URL must have an absolute path, got {hosts_text + path!r}", "Write unix:///run/redis.sock."
        )
    return RedisUrl(topology=Topology.SINGLE, socket_path=path, db=_db(options.pop("db", "0")), **common)  # type: ignore[arg-type]


def _tcp(
    parts: SplitResult, hosts_text: str, flavour: str, options: dict[str, str], common: Mapping[str, object]
) -> RedisUrl:
    topology = Topology(flavour or "single")
    default_port = 26379 if topology is Topology.SENTINEL else 6379
    hosts = tuple(_host(text, default_port) for text in hosts_text.split(",")) if hosts_text else ()
    if not hosts:
        raise ConfigError("the Redis URL names no host", f"Write {_FORMS}.")
    if topology is Topology.SINGLE and len(hosts) > 1:
        raise ConfigError(
            f"a {parts.scheme}:// URL names one server, got {len(hosts)}",
            f"For several write {parts.scheme}+sentinel://… or {parts.scheme}+cluster://….",
        )
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    service = None
    if topology is Topology.SENTINEL:
        if not segments:
            raise ConfigError(
                "a sentinel URL must name the service that the sentinels watch",
                "Write redis+sentinel://h1:26379,h2:26379/mymaster/0.",
            )
        service = segments.pop(0)
    db_text = options.pop("db", None) or (segments.pop(0) if segments else "0")
    if segments:
        raise ConfigError(f"the Redis URL has a path part too many: {segments[0]!r}", f"Write {_FORMS}.")
    db = _db(db_text)
    if topology is Topology.CLUSTER and db:
        raise ConfigError(f"a Redis cluster has only database 0, got {db}", "Leave the database out.")
    sentinel = {
        attribute: options.pop(name)
        for name, attribute in _SENTINEL_OPTIONS.items()
        if topology is Topology.SENTINEL and name in options
    }
    tls = _tls(options) if parts.scheme.startswith("rediss") else None
    return RedisUrl(topology=topology, hosts=hosts, db=db, service=service, tls=tls, **sentinel, **common)  # type: ignore[arg-type]


def _host(text: str, default_port: int) -> tuple[str, int]:
    host, port_text = text, ""
    if text.startswith("["):
        host, _, port_text = text[1:].partition("]")
        port_text = port_text.removeprefix(":")
    elif ":" in text:
        host, _, port_text = text.rpartition(":")
    if not host:
        raise ConfigError(f"the Redis URL must name a host before the port, got {text!r}")
    if not port_text:
        return host, default_port
    if not port_text.isascii() or not port_text.isdigit() or not 1 <= int(port_text) <= 65535:
        raise ConfigError(f"the Redis port must be a number from 1 to 65535, got {port_text!r}")
    return host, int(port_text)


def _db(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ConfigError(f"the Redis database must be a number, got {text!r}")
    return int(text)


def _timeout(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        timeout_s = float(text)
    except ValueError:
        timeout_s = 0.0
    if not 0 < timeout_s < 3600:
        raise ConfigError(f"timeout_s must be a number of seconds between 0 and 3600, got {text!r}")
    return timeout_s


def _tls(options: dict[str, str]) -> Tls:
    files = {name: options.pop(name, None) for name in _TLS_FILES}
    for name, path in files.items():
        if path is not None and not Path(path).is_file():
            raise ConfigError(f"{name} must name a file, got {path!r}, which does not exist")
    check = options.pop("ssl_check_hostname", "true").lower()
    if check not in _BOOLEANS:
        raise ConfigError(f"ssl_check_hostname must be true or false, got {check!r}")
    return Tls(
        ca_certs=files["ssl_ca_certs"],
        certfile=files["ssl_certfile"],
        keyfile=files["ssl_keyfile"],
        check_hostname=_BOOLEANS[check],
    )
