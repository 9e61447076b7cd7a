"""Turns an async function into a command: common options, one session, one error renderer, one exit code.

A command's first parameter is the `Session`; the rest are its own arguments. It holds no rule: it parses, calls the
admin service and renders.
"""

import asyncio
import functools
import getpass
import inspect
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import Field, fields, is_dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from qconsole.cli.deferred import defer
from qconsole.cli.output import Format, Output, pipe_closed
from qconsole.errors import ExitCode, QConsoleError, UsageError

if TYPE_CHECKING:
    from qconsole.admin import Admin
    from qconsole.admin.views import Actor
    from qconsole.config import Settings


class _Command(TyperCommand):
    """A command whose usage line writes what is needed bare, and only what is not in brackets."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


CommandFunction = Callable[..., Any]

_COMMON: tuple[tuple[str, Any, Any], ...] = (
    ("output", Annotated[Format, typer.Option("--output", "-o", help="How to print the answer.")], Format.TABLE),
    ("json", Annotated[bool, typer.Option("--json", help="The same as -o json.")], False),
    ("quiet", Annotated[bool, typer.Option("--quiet", "-q", help="No talk on standard error.")], False),
    (
        "redis",
        Annotated[str | None, typer.Option("--redis", metavar="URL", help="Redis, e.g. redis://127.0.0.1:6379/0.")],
        None,
    ),
    (
        "env",
        Annotated[str | None, typer.Option("--env", metavar="NAME", help="An environment named in qconsole.toml.")],
        None,
    ),
    ("config", Annotated[str | None, typer.Option("--config", metavar="FILE", help="Another qconsole.toml.")], None),
)


class Session:
    """What one command works with: the output, the settings and, once asked for, the admin service."""

    def __init__(self, *, output: Output, redis: str | None, env: str | None, config: str | None) -> None:
        self.output = output
        self._overrides = (redis, env, config)
        self._settings: Settings | None = None
        self._admin: Admin | None = None
        self._missing: dict[str, str] = {}

    @property
    def settings(self) -> "Settings":
        """The settings: flags over `QCONSOLE_*` over `qconsole.toml`.

        Raises:
            ConfigError: a value is wrong; the message names it.
        """
        if self._settings is None:
            from qconsole.config import load_settings

            redis, env, config = self._overrides
            self._settings = load_settings(redis_url=redis, env=env, config=config)
        return self._settings

    async def admin(self) -> "Admin":
        """Open the admin service as the person at this terminal, once."""
        if self._admin is None:
            defer("jwt")  # redis-py's token login: it brings all of cryptography
            from qconsole.admin import Admin

            self._admin = await Admin.open(self.settings, actor=await self._actor())
        return self._admin

    async def _actor(self) -> "Actor":
        from qconsole.admin.views import Actor

        token = os.environ.get("QCONSOLE_TOKEN")
        if token:
            from qconsole.admin import authenticate_token

            return await authenticate_token(self.settings, token, face="cli")
        # Whoever reaches Redis itself can do anything to it: a lower `role` in the settings guards against slips.
        name = self.settings.actor or f"{getpass.getuser()}@{socket.gethostname()}"
        return Actor(name=name, role=self.settings.role, face="cli")

    async def close(self) -> None:
        if self._admin is not None:
            await self._admin.close()

    async def nothing(self, text: str) -> str:
        """Return what to say where a list is empty, and why it must be on a Redis that only plain arq uses."""
        if await (await self.admin()).queues.are_all_plain():
            return (
                f"{text} Only plain arq uses this Redis; it keeps none. Run its settings with: qconsole worker SETTINGS"
            )
        return text

    def show(self, answer: object, name: str, table: Callable[[], None], **extra: Any) -> None:
        """Write an answer: as the schema `name` for programs, by calling `table` for people."""
        self.note_missing(answer)
        if self.output.format is Format.TABLE:
            table()
            return
        from qconsole.admin.schema import to_json

        self.output.data({**to_json(answer, name), **extra})

    def note_missing(self, answer: object) -> None:
        """Note which queues an answer is without, to say so at the end."""
        self._missing |= getattr(answer, "missing", {})

    def end(self, code: int) -> int:
        """Say which queues are not in what was shown; return the exit code, which tells it too."""
        if not self._missing:
            return code
        from qconsole.admin.shards import sentence

        self.output.say(f"Incomplete: {sentence(self._missing)}. See: qconsole doctor")
        return code or ExitCode.PARTIAL_FAILURE


def command(app: typer.Typer, name: str, **settings: Any) -> Callable[[CommandFunction], CommandFunction]:
    """Register a function as the command `name` of `app`, with the common options added to its own.

    An async function runs in an event loop of its own; a plain one (which brings its own loop) is just called. A
    parameter whose type is a dataclass of options stands for all of them.
    """

    def register(function: CommandFunction) -> CommandFunction:
        signature = inspect.signature(function)
        own = list(signature.parameters.values())[1:]
        common = [
            inspect.Parameter(f"common_{key}", inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for key, annotation, default in _COMMON
        ]
        groups: dict[str, Any] = {p.name: p.annotation for p in own if is_dataclass(p.annotation)}
        keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own if p.name not in groups]
        keyword += [_parameter(option) for group in groups.values() for option in _selection_first(group)]

        @functools.wraps(function)
        def run(**values: Any) -> int:
            chosen = {key: values.pop(f"common_{key}") for key, _, _ in _COMMON}
            format_ = Format.JSON if chosen["json"] else chosen["output"]
            output = Output(format=format_, quiet=chosen["quiet"])
            session = Session(output=output, redis=chosen["redis"], env=chosen["env"], config=chosen["config"])
            for key, group in groups.items():
                values[key] = group(**{option.name: values.pop(option.name) for option in fields(group)})
            return _run(function, session, values)

        run.__signature__ = inspect.Signature([*keyword, *common])  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in [*keyword, *common]}
        app.command(name, cls=_Command, help=inspect.getdoc(function), **settings)(run)
        return function

    return register


def _selection_first(group: Any) -> list[Field[Any]]:
    return sorted(fields(group), key=lambda option: option.name != "filter")


def _parameter(option: Field[Any]) -> inspect.Parameter:
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=option.type
    )


def _run(function: CommandFunction, session: Session, values: dict[str, Any]) -> int:
    async def body() -> int:
        try:
            return session.end(int(await function(session, **values) or 0))
        finally:
            await session.close()

    try:
        code = asyncio.run(body()) if inspect.iscoroutinefunction(function) else int(function(session, **values) or 0)
        session.output.stdout.flush()
        return code
    except QConsoleError as error:
        session.output.error(error.as_dict())
        return int(error.exit_code)
    except BrokenPipeError:  # here, as Typer would answer it with exit code 1
        return pipe_closed()
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


def at_terminal() -> bool:
    """Say whether there is somebody to ask: standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_stdin(*, lines: int | None = None) -> str:
    """Return standard input as text.

    Args:
        lines: stop after so many.

    Raises:
        UsageError: it is closed, or is no UTF-8 text.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed", hint="Give it by a pipe or a file: … < FILE")
    try:
        return "".join(islice(sys.stdin, lines))
    except UnicodeDecodeError as error:
        raise UsageError(
            f"standard input must be UTF-8 text, got the byte {error.object[error.start]:#04x}",
            hint="Nothing was changed.",
        ) from error


_IDS_READ = 100_001  # one more than an operation takes, so that it says so


def read_ids(ids: list[str] | None, filter_text: str | None, *, noun: str) -> list[str]:
    """Return the ids to act on: from the arguments, or one a line from standard input when asked by `-`.

    Raises:
        UsageError: neither ids nor a filter, both, or a filter that is blank.
    """
    checked_filter(filter_text)
    found = list(ids or [])
    if found == ["-"] or (not found and not filter_text and not at_terminal()):
        text = read_stdin(lines=_IDS_READ)
        found = [line.strip() for line in text.split("\n") if line.strip()]
        if not found:
            raise UsageError("no id on standard input", hint=f"Give {noun} ids one a line, as arguments, or --filter.")
    if found and filter_text:
        raise UsageError("ids and --filter exclude each other", hint="Give ids, or a filter.")
    if not found and not filter_text:
        raise UsageError(
            "nothing selected", hint=f"Give {noun} ids, --filter FILTER, or ids on standard input with `-`."
        )
    return found


def checked_filter(text: str | None) -> str | None:
    """Return the filter of a verb that changes jobs. A blank one, as from a variable that is not set, would take all.

    Raises:
        UsageError: it is blank.
    """
    if text is not None and not text.strip():
        raise UsageError(
            "--filter is blank, and would select everything",
            hint="Name what you mean, e.g. --filter state:failed, or --filter queue:NAME for a whole queue.",
            field="--filter",
        )
    return text


def read_json(text: str | None, *, option: str) -> Any:
    """Return the value of a JSON option: the text itself, `@FILE`, or `-` for standard input; `None` when not given.

    Raises:
        UsageError: it is not JSON, with the position, or null, or the file cannot be read.
    """
    if text is None:
        return None
    import orjson

    source: str | bytes = text
    if text == "-":
        source = read_stdin()
    elif text.startswith("@"):
        from pathlib import Path

        try:
            source = Path(text[1:]).read_bytes()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"{option}: cannot read {text[1:]}: {why}", field=option) from error
    try:
        value = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        raise UsageError(
            f"{option} must be JSON, got an error at character {error.pos}: {error.msg}",
            hint="""Quote it for the shell: --payload '{"to": "a@b.c"}', or use @FILE.""",
            field=option,
            position=error.pos,
        ) from error
    if value is None:
        raise UsageError(f"{option} must be a JSON object, got null", field=option)
    return value


def joined(words: list[str] | None, option: str | None) -> str:
    """Return the filter that was given as words, as an option, or as both (which narrow each other)."""
    return " ".join([*(words or []), option or ""]).strip()


_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def read_duration_s(text: str | None, *, option: str) -> float | None:
    """Return a duration such as `90`, `30s`, `5m`, `1h30m` in seconds.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    import re

    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)?", text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise UsageError(f"{option} must be a duration such as 30s, 5m or 1h30m, got {text!r}", field=option)
    return sum(float(number) * _UNITS_S[unit or "s"] for number, unit in parts)


def read_instant_ms(*, in_: str | None, at: str | None, options: tuple[str, str]) -> int:
    """Return an instant given as a duration from now or as an ISO time, in epoch ms.

    Args:
        options: names of the two options, for the error.

    Raises:
        UsageError: neither, both, or no such duration or time.
    """
    if (in_ is None) == (at is None):
        raise UsageError("say when, once", hint=f"Use {options[0]} 5m or {options[1]} 2026-11-25T08:00+01:00.")
    seconds = read_duration_s(in_, option=options[0])
    if seconds is not None:
        return int(time.time() * 1000 + seconds * 1000)
    from datetime import datetime

    try:
        return int(datetime.fromisoformat(at or "").astimezone().timestamp() * 1000)
    except ValueError as error:
        message = f"{options[1]} must be an ISO time such as 2026-11-25T08:00+01:00, got {at!r}"
        raise UsageError(message, field=options[1]) from error
