"""Lua scripts by name: read once from `lua/`, run by EVALSHA, loaded again when the server forgot them.

A script's first lines say its purpose, KEYS, ARGV and answer. A line `--!include name` puts `lua/lib_name.lua` in
its place, so that rules shared by scripts are written once.
"""

import hashlib
import re
from collections.abc import Awaitable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol

from redis.exceptions import NoScriptError

_INCLUDE: Final = re.compile(r"^--!include (\w+)$", re.MULTILINE)

Arg = str | bytes | int | float


class Executor(Protocol):
    """An asyncio Redis client, as far as scripts need one."""

    def execute_command(self, *args: Any, **options: Any) -> Awaitable[Any]: ...


class SyncExecutor(Protocol):
    """A blocking Redis client, as far as scripts need one."""

    def execute_command(self, *args: Any, **options: Any) -> Any: ...


class Script:
    """One Lua script.

    Args:
        name: its file's name in `lua/`, without the ending.
        text: the whole text, includes resolved.
    """

    __slots__ = ("name", "sha", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def __repr__(self) -> str:
        return f"Script({self.name!r})"

    async def run(self, redis: Executor, keys: Sequence[str], args: Sequence[Arg]) -> Any:
        """Run the script and return its answer; a server that does not know it is given the text."""
        try:
            return await redis.execute_command("EVALSHA", self.sha, len(keys), *keys, *args)
        except NoScriptError:
            return await redis.execute_command("EVAL", self.text, len(keys), *keys, *args)

    def run_sync(self, redis: SyncExecutor, keys: Sequence[str], args: Sequence[Arg]) -> Any:
        """The same over a blocking client."""
        try:
            return redis.execute_command("EVALSHA", self.sha, len(keys), *keys, *args)
        except NoScriptError:
            return redis.execute_command("EVAL", self.text, len(keys), *keys, *args)

    async def load(self, redis: Executor) -> None:
        """Make the server know the script, before it is used in a pipeline."""
        await redis.execute_command("SCRIPT LOAD", self.text)


@cache
def script(name: str) -> Script:
    """Return the script of this name.

    Raises:
        FileNotFoundError: there is no `lua/<name>.lua`, or an include it names does not exist.
    """
    return Script(name, _text(name))


def _text(name: str) -> str:
    folder = files("qconsole.runtime") / "lua"
    text = (folder / f"{name}.lua").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: (folder / f"lib_{found[1]}.lua").read_text(encoding="utf-8"), text)
