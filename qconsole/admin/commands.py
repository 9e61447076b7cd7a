"""Writes the command line that does what a screen does, quoted for a POSIX shell. Pure.

Control and bidi characters are written as `$'…'`, so that a terminal shows them and does not obey them.
"""

import re
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_NOUNS = {"jobs": "jobs", "dlq": "dlq", "dead_letters": "dlq", "trash": "trash"}


def quote(text: str) -> str:
    """Return one argument quoted; text with such characters is written so that a terminal shows them harmless."""
    if not _CONTROL.search(text):
        return shlex.quote(text)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", escaped) + "'"


def cli_command(
    noun: str,
    verb: str,
    *arguments: str,
    filter: str | None = None,
    env: str | None = None,
    **options: object,
) -> str:
    """Return a `qconsole` command line.

    Args:
        noun: `jobs`, `dlq`, `queues`, …, or "" for commands of no noun.
        verb: `retry`, `show`, …
        arguments: ids or names.
        filter: becomes `--filter`.
        env: becomes `--env`, unless it is the default one.
        options: flags by name; `None`, `False` and empty lists are left out, `True` is a bare flag.
    """
    words = ["qconsole", *([_NOUNS.get(noun, noun)] if noun else []), verb]
    if any(argument.startswith("-") for argument in arguments):
        arguments = ("--", *arguments)
    flags: list[str] = []
    if filter:
        flags += ["--filter", quote(filter)]
    for name, value in options.items():
        flags += _option("--" + name.replace("_", "-"), value)
    if env and env != "default":
        flags += ["--env", quote(env)]
    return " ".join([*words, *flags, *(quote(argument) for argument in arguments)])


def _option(flag: str, value: object) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [flag]
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [word for entry in value for word in _option(flag, entry)]
    if isinstance(value, float):
        return [flag, format(value, "g")]
    return [flag, quote(str(value))]


def iso_time(ms: int | None) -> str | None:
    """Return an instant as commands take it: ISO 8601 in UTC, to the millisecond."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat(timespec="milliseconds")
