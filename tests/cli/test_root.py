"""The root: help, unknown commands, usage errors, completion; each as a process, as a shell sees it."""

import json
import os
import subprocess
import sys

import pytest

from qconsole.cli.__main__ import GROUPS
from qconsole.cli.command import read_duration_s, read_json
from qconsole.errors import UsageError


def qconsole(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qconsole.cli", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command() -> None:
    answer = qconsole("--help")
    assert answer.returncode == 0
    assert all(f"\n  {name} " in answer.stdout for name in GROUPS)


@pytest.mark.parametrize("name", ["serve", "jobs"])
def test_every_command_has_help(name: str) -> None:
    answer = qconsole(name, "--help")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith(f"Usage: qconsole {name}")


def test_no_argument_shows_help_as_a_usage_error() -> None:
    assert qconsole().returncode == 2


def test_an_unknown_command_suggests_the_nearest() -> None:
    answer = qconsole("jobz")
    assert answer.returncode == 2
    assert "did you mean 'jobs'?" in answer.stderr
    assert answer.stdout == ""


@pytest.mark.parametrize(
    "arguments", [("jobs", "list", "--nope"), ("queues", "limit"), ("jobs", "add", "x", "--priority", "101")]
)
def test_a_wrong_option_is_a_sentence_and_exit_2(arguments: tuple[str, ...]) -> None:
    answer = qconsole(*arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("qconsole: ")
    assert "Traceback" not in answer.stderr


def test_a_usage_error_under_json_is_json() -> None:
    answer = qconsole("jobs", "list", "--nope", "-o", "json")
    assert answer.returncode == 2
    assert json.loads(answer.stderr)["error"]["code"] == "usage"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--redis", "x://", "queues", "list"),
        ("--redis=x://", "-q", "queues", "list"),
        ("--json", "check", "--redis", "x://", "--dlq-max", "0"),
    ],
)
def test_the_options_of_every_command_may_stand_before_it(arguments: tuple[str, ...]) -> None:
    answer = qconsole(*arguments)
    assert (answer.returncode, "the Redis URL must start with a known scheme" in answer.stderr) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str) -> None:
    answer = qconsole("completion", shell)
    assert answer.returncode == 0
    assert "qconsole completion --" in answer.stdout


def test_bash_accepts_the_completion_script() -> None:
    script = qconsole("completion", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("250ms", 0.25)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert read_duration_s(text, option="--x") == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "-3s", "1h-"])
def test_a_wrong_duration_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(UsageError, match="must be a duration such as"):
        read_duration_s(text, option="--x")


def test_a_wrong_payload_names_the_position() -> None:
    with pytest.raises(UsageError, match="at character 5") as caught:
        read_json('{"a":}', option="--payload")
    assert caught.value.position == 5


@pytest.mark.parametrize("arguments", [("--help",), ("schema",)])
def test_a_closed_pipe_is_exit_141_without_a_word(arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "qconsole.cli", *arguments]
    answer = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writer)
    assert (answer.returncode, answer.stderr) == (141, "")


HEAVY = {"pydantic", "rich", "textual", "starlette", "jinja2", "cryptography.hazmat", "qconsole.web", "workers"}


@pytest.mark.parametrize(
    ("arguments", "further"),
    [(["--help"], {"typer", "redis", "asyncio", "json"}), (["config", "path"], {"redis"}), (["queues", "list"], set())],
)
def test_a_command_imports_only_what_it_needs(arguments: list[str], further: set[str], redis_url: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", f"""import sys, qconsole.cli.__main__ as cli
try:
    cli.main({arguments!r})
finally:
    print(*sys.modules, file=sys.stderr)"""],
        env={**os.environ, "QCONSOLE_REDIS_URL": redis_url}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert set(answer.stderr.splitlines()[-1].split()) & (HEAVY | further) == set()
