"""Completion: of commands, options and what is in Redis; and what bash makes of it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from qconsole.cli.completion import split_line
from qconsole.runtime.client import Client
from tests.admin.stock import failed_jobs
from tests.cli.conftest import Shell


@pytest.fixture
async def stocked(redis: Redis) -> None:
    await failed_jobs(redis, 3)
    await Client(redis=redis).enqueue("send", {}, queue="email-bulk", job_id="waits")


@pytest.mark.usefixtures("stocked")
def test_what_may_follow(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    (tmp_path / "qconsole.toml").write_text(f'[env.prod]\nredis_url = "{redis_url}"\n[env.test]\n')
    monkeypatch.setenv("QCONSOLE_REDIS_URL", redis_url)

    def follows(line: str) -> list[str]:
        return shell("completion", "--line", f"qconsole {line}").out.split("\n")[:-1]

    assert follows("jo") == ["jobs"]
    assert follows("jobs re") == ["reschedule", "retry", "remove"]
    assert follows("dlq replay --dr") == ["--dry-run"]
    assert follows("queues pause ") == ["email", "email-bulk"]
    assert follows("jobs show wa") == ["waits"]
    assert follows("jobs show x --queue email-") == ["email-bulk"]
    assert follows("jobs list -o js") == ["json", "jsonl"]
    assert follows("queues list --env ") == ["prod", "test"]
    assert follows("jobs list sta") == ["state:", "started:"]
    assert follows("jobs list state:w") == ["state:waiting", "state:waiting_children"]
    assert follows("jobs list queue:email-") == ["queue:email-bulk"]
    assert follows("jobs retry --filter 'state:failed queue:email-") == ["state:failed queue:email-bulk"]
    assert follows("dlq groups fp:fp1") == ["fp:fp1"]
    assert follows("dlq show job0000001") == ["job0000001~1763999999998"]
    assert follows("audit list ac") == ["actor:", "action:"]
    assert follows("schema job") == ["job", "jobs"]
    assert follows("users role bob ") == []
    assert follows("schedules edit s --missed o") == ["once"]
    assert follows("nothing ") == follows("jobs nothing ") == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("qconsole ", [""]),
        ("qconsole jobs", ["jobs"]),
        ("qconsole jobs ", ["jobs", ""]),
        ("qconsole jobs list 'a b", ["jobs", "list", "a b"]),
        ('qconsole jobs list "a ', ["jobs", "list", "a "]),
        ("", []),
    ],
)
def test_a_half_written_line_has_words(line: str, words: list[str]) -> None:
    assert split_line(line) == words


async def test_without_redis_nothing_is_offered_and_nothing_said(
    detached: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qconsole.cli.completion._ASKING_S", 0.2)
    answer = await asyncio.to_thread(
        detached, "completion", "--words", "--", "queues", "show", "--redis", "redis://127.0.0.1:1/0", ""
    )
    assert (answer.code, answer.out) == (0, "")


@pytest.mark.usefixtures("stocked")
def test_bash_puts_the_answer_behind_what_it_takes_for_the_words_start(redis_url: str) -> None:
    answer = subprocess.run(
        ["bash", "-c", """eval "$(qconsole completion bash)"
try() { COMP_LINE=$1 COMP_POINT=${#1}; _qconsole; echo "${COMPREPLY[*]}"; }
try 'qconsole jobs list state:w'
try 'qconsole queues show email-'"""],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "QCONSOLE_REDIS_URL": redis_url},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert answer.stdout == "waiting waiting_children\nemail-bulk\n", answer.stderr
