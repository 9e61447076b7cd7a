"""Settings, from flags over QCONSOLE_* variables over qconsole.toml over defaults; secrets are masked when shown.

The file may name environments: `[env.prod]` overrides what stands above it, and `--env prod` or QCONSOLE_ENV chooses
one. Standard library only: every command of the command line reads settings before it does anything.
"""

import os
import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from qconsole.errors import ConfigError

FILE_NAME: Final = "qconsole.toml"
PREFIX: Final = "QCONSOLE_"
ROLES: Final = ("viewer", "operator", "admin")
_CREDENTIALS = re.compile(r"(?<=://)([^/@]*)@")
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. `sources` says where each value that is no default came from."""

    redis_url: str = field(default="redis://127.0.0.1:6379/0", metadata={"url": True})
    production: bool = False  # the red skin, and the queue's name typed before bulk actions
    timeout_s: float = 5.0  # for one answer of Redis
    queues: tuple[str, ...] = ()  # plain arq queues to show although they are empty now
    actor: str | None = None  # name in the audit of the command line and the terminal; default: the login name
    role: str = "admin"  # of the command line and the terminal
    redact_keys: tuple[str, ...] = ()  # further key names whose values are masked, `*` allowed
    redact_patterns: tuple[str, ...] = ()  # further regular expressions of values that are masked
    reveal_keys: tuple[str, ...] = ()  # key names that are never masked
    undo_h: float = 24.0  # how long removals and discards can be undone
    shown_payload_bytes: int = 262_144  # a longer payload is shown cut
    payload_store: str | None = None  # folder of large payloads, or dotted path of what makes their store
    workers: str | None = None  # dotted path of the worker settings that `up` runs
    deploy: str | None = None  # tag of the deployed version, for marks and workers
    web_host: str = "127.0.0.1"
    web_port: int = 8720
    web_auth: str = "users"  # users | proxy | off (off only on loopback)
    web_proxy_header: str | None = None  # header that carries the user's name when web_auth is "proxy"
    web_trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")  # whose headers count: addresses or networks
    web_proxy_role: str = "viewer"  # role of users that the proxy names and `users add` does not know
    web_secret: str | None = field(default=None, metadata={"secret": True})
    web_session_h: float = 12.0
    web_url: str | None = None  # address under which people reach the web console, for links
    env: str = "default"
    path: Path | None = None  # the file that was read
    sources: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value, _ in self.shown())})"

    def shown(self) -> tuple[tuple[str, Any, str], ...]:
        """Return name, value (secrets masked) and source of every setting, as `config show` prints them."""
        rows = []
        for known in fields(self):
            if known.name not in _NOT_SET:
                value = _masked(getattr(self, known.name), known.metadata)
                rows.append((known.name, value, self.sources.get(known.name, "default")))
        return tuple(rows)


_NOT_SET = frozenset({"env", "path", "sources"})
_TYPES = {name: hint for name, hint in get_type_hints(Settings).items() if name not in _NOT_SET}
_CHOICES = {"role": ROLES, "web_proxy_role": ROLES, "web_auth": ("users", "proxy", "off")}
_POSITIVE = ("timeout_s", "undo_h", "shown_payload_bytes", "web_session_h")


def load_settings(
    *,
    env: str | None = None,
    config: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    **flags: Any,
) -> Settings:
    """Return the settings that count.

    Args:
        env: the environment to choose; by default QCONSOLE_ENV, then the file's `env`.
        config: the file; by default QCONSOLE_CONFIG, ./qconsole.toml, then ~/.config/qconsole/qconsole.toml.
        environ: the process's variables by default.
        flags: what the command line said, by setting; `None` means "not said".

    Raises:
        ConfigError: a file, key, environment or value is wrong; it names which, and where.
    """
    environ = os.environ if environ is None else environ
    found = _find(config, environ)
    document = _read(found) if found else {}
    tables = _environments(document, found)
    chosen = env or environ.get(f"{PREFIX}ENV") or document.pop("env", None) or "default"
    if not isinstance(chosen, str):
        raise ConfigError(f"{found}: env must be the name of an environment, got {chosen!r}")
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, layer in _layers(document, tables, chosen, found, environ, flags):
        for name, raw in layer.items():
            if name != "env":
                values[name] = _value(name, raw, source)
                sources[name] = source
    return _checked(Settings(**values, env=chosen, path=found, sources=sources))


def environments(*, config: str | Path | None = None, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the names of the environments in the file, in its order."""
    found = _find(config, os.environ if environ is None else environ)
    return tuple(_environments(_read(found), found)) if found else ()


def _layers(
    document: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Any]],
    chosen: str,
    path: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return where values come from, the weakest first."""
    if chosen != "default" and chosen not in tables:
        known = ", ".join(tables) or "none"
        raise ConfigError(
            f"{path} has no environment {chosen!r}" if path else f"no environment {chosen!r}: there is no {FILE_NAME}",
            f"Known environments: {known}. Add a table [env.{chosen}].",
            env=chosen,
        )
    layers: list[tuple[str, Mapping[str, Any]]] = [(str(path), document)]
    if chosen in tables:
        layers.append((f"{path} [env.{chosen}]", tables[chosen]))
    for name in _TYPES:
        variable = PREFIX + name.upper()
        if variable in environ:
            layers.append((variable, {name: environ[variable]}))
    said = {name: value for name, value in flags.items() if value is not None}
    for name in said:
        if name not in _TYPES:
            raise ConfigError(f"there is no setting {name!r}", f"Settings are {', '.join(_TYPES)}.")
    layers.append(("flag", said))
    return layers


def _find(path: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    asked = path or environ.get(f"{PREFIX}CONFIG")
    if asked:
        if not Path(asked).is_file():
            what = "is no file" if Path(asked).exists() else "does not exist"
            raise ConfigError(f"the configuration file {str(asked)!r} {what}", "Check --config or QCONSOLE_CONFIG.")
        return Path(asked)
    home = environ.get("XDG_CONFIG_HOME") or (Path(environ["HOME"]) / ".config" if "HOME" in environ else None)
    candidates = [Path(FILE_NAME), *([Path(home) / "qconsole" / FILE_NAME] if home else [])]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _environments(document: dict[str, Any], path: Path | None) -> dict[str, dict[str, Any]]:
    """Take the `[env.*]` tables out of the document and refuse keys that do not exist."""
    tables: dict[str, dict[str, Any]] = {}
    if isinstance(document.get("env"), dict):
        tables = document.pop("env")
    for where, layer in (("", document), *((f" [env.{name}]", table) for name, table in tables.items())):
        if not isinstance(layer, dict):
            raise ConfigError(f"{path}{where} must be a table, got {layer!r}")
        unknown = sorted(set(layer) - set(_TYPES) - ({"env"} if not where else set()))
        if unknown:
            raise ConfigError(
                f"{path}{where} has unknown settings: {', '.join(unknown)}", f"Settings are {', '.join(_TYPES)}."
            )
    return tables


def _value(name: str, raw: Any, source: str) -> Any:
    """Return a value in its setting's type; text (of a variable) is converted."""
    wanted = _TYPES[name]
    optional = isinstance(wanted, types.UnionType)
    base = next(part for part in get_args(wanted) if part is not type(None)) if optional else wanted
    if get_args(base):
        entries = [part.strip() for part in raw.split(",") if part.strip()] if isinstance(raw, str) else raw
        if not isinstance(entries, list | tuple) or not all(isinstance(entry, str) for entry in entries):
            raise ConfigError(f"{name} ({source}) must be a list of texts, got {raw!r}")
        return tuple(entries)
    if base is bool:
        value = _BOOLEANS.get(raw.lower()) if isinstance(raw, str) else raw
        if not isinstance(value, bool):
            raise ConfigError(f"{name} ({source}) must be true or false, got {raw!r}")
        return value
    if base in (int, float):
        return _number(name, raw, base, source)
    if not isinstance(raw, str):
        raise ConfigError(f"{name} ({source}) must be a text, got {type(raw).__name__}")
    return raw or None if optional else raw


def _number(name: str, raw: Any, base: type, source: str) -> int | float:
    kind = "a whole number" if base is int else "a number"
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise ConfigError(f"{name} ({source}) must be {kind}, got {raw!r}")
    try:
        value: int | float = base(raw)
    except ValueError as error:
        raise ConfigError(f"{name} ({source}) must be {kind}, got {raw!r}") from error
    if value != value or abs(value) == float("inf") or (base is int and value != float(raw)):
        raise ConfigError(f"{name} ({source}) must be {kind}, got {raw!r}")
    return value


def _checked(settings: Settings) -> Settings:
    """Refuse values of the right type that cannot be meant."""

    def refuse(name: str, must: str) -> None:
        shown = _masked(getattr(settings, name), {})
        raise ConfigError(f"{name} ({settings.sources.get(name, 'default')}) must be {must}, got {shown!r}", field=name)

    for name, choices in _CHOICES.items():
        if getattr(settings, name) not in choices:
            refuse(name, f"one of {', '.join(choices)}")
    for name in _POSITIVE:
        if getattr(settings, name) <= 0:
            refuse(name, "more than 0")
    if not 0 <= settings.web_port <= 65_535:
        refuse("web_port", "between 0 and 65535")
    if not settings.redis_url:
        refuse("redis_url", "a Redis URL such as redis://127.0.0.1:6379/0")
    for pattern in settings.redact_patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ConfigError(f"redact_patterns: {pattern!r} is no regular expression: {error}") from error
    return settings


def _masked(value: Any, metadata: Mapping[str, Any]) -> Any:
    if value is None:
        return None
    if metadata.get("secret"):
        return "***"
    if isinstance(value, str):
        return _CREDENTIALS.sub("***@", value)
    return list(value) if isinstance(value, tuple) else value


def with_values(settings: Settings, **values: Any) -> Settings:
    """Return a copy with some values replaced and checked (for embedding in another program)."""
    return _checked(replace(settings, **values))
