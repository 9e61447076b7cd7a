"""Every command line that the console prints must be one that the command line takes."""

import shlex
from importlib import import_module
from typing import Any

import pytest
from typer.main import get_group

from qconsole.admin.commands import cli_command, iso_time
from qconsole.cli.__main__ import GROUPS, SINGLE

PRINTED = [
    cli_command("queues", "pause", "a", "b", reason="x", until=iso_time(1_800_000_000_000)),
    cli_command("queues", "resume", "a", hold=True, reason="x"),
    cli_command("queues", "limit", "a", concurrency=0, rate="10/1s"),
    cli_command("queues", "limit", "a", rate="none"),
    cli_command("queues", "forget", "a"),
    cli_command("queues", "empty", "a", reason="x"),
    cli_command("jobs", "add", "t", payload="{}", queue="q", reason="x"),
    cli_command("jobs", "edit", "j", queue="q", priority=1, attempts=3),
    cli_command("jobs", "reschedule", "j", queue="q", at=iso_time(1_800_000_000_123)),
    cli_command("jobs", "promote", "j", queue="q"),
    cli_command("jobs", "cancel", "-j-", queue="q"),
    cli_command("jobs", "retry", filter="state:failed", rate=10.0, spread="60s", limit=5, max_affected=9, reason="x"),
    cli_command("jobs", "show", "j", queue="q", reveal=True),
    cli_command("jobs", "logs", "j"),
    cli_command("jobs", "list", filter="state:failed"),
    cli_command("dlq", "groups", filter="queue:a"),
    cli_command("dlq", "list", filter="fp:ab12"),
    cli_command("dlq", "show", "e", reveal=True),
    cli_command("dlq", "replay", "e", reason="x"),
    cli_command("dlq", "note", "e", "text"),
    cli_command("schedules", "edit", "s", queue="q", pattern="* * * * *", tz="UTC", overlap="skip", missed="once"),
    cli_command("schedules", "revert", "s", queue="q"),
    cli_command("flows", "retry", "f", queue="q", reason="x"),
    cli_command("flows", "show", "f"),
    cli_command("workers", "quiet", "w", reason="x"),
    cli_command("metrics", "show", queue=None, window="1h"),
    cli_command("metrics", "mark", "v1", kind="deploy"),
    cli_command("operations", "show", "o"),
    cli_command("trash", "restore", "j", reason="x"),
    cli_command("users", "add", "u", role="viewer"),
    cli_command("users", "role", "u", "viewer"),
    cli_command("tokens", "create", "t", role="viewer"),
    cli_command("tokens", "revoke", "t"),
    cli_command("events", "tail", queue="q"),
    cli_command("audit", "list", filter="actor:a"),
    cli_command("", "doctor", fix=True),
    cli_command("", "export", queue=["a", "b"]),
    cli_command("", "export", all=True),
    cli_command("", "import"),
    cli_command("jobs", "list", env="prod"),
]


@pytest.mark.parametrize("line", PRINTED)
def test_the_command_line_takes_what_the_console_prints(line: str) -> None:
    program, name, *rest = shlex.split(line)
    assert program == "qconsole"
    group: Any = get_group(import_module(f"qconsole.cli.{GROUPS[name][0]}").app)
    command = group.commands[name] if name in SINGLE else group.commands[rest.pop(0)]
    command.make_context(name, rest)
