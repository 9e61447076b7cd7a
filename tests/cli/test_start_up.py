"""A command starts in a few times what bare Python takes: compared by CPU time, which a busy machine hardly changes."""

import os
import subprocess
import sys

import pytest

TRIES = 7
BARE = ["-c", "pass"]


def cpu_s(arguments: list[str], redis_url: str) -> float:
    """Return the least CPU time that a run of Python with these arguments took, in seconds."""
    taken = []
    for _ in range(TRIES):
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, "QCONSOLE_REDIS_URL": redis_url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        taken.append(usage.ru_utime + usage.ru_stime)
    return min(taken)


@pytest.mark.slow
def test_a_command_starts_in_a_few_times_what_bare_python_takes(
    redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bare_s = cpu_s(BARE, redis_url)
    times = {
        command: cpu_s(["-m", "qconsole.cli", *command.split()], redis_url) / bare_s
        for command in ("--help", "--version", "config path", "queues list")
    }
    with capsys.disabled():
        for command, ratio in times.items():
            print(f"\nqconsole {command}: {ratio:.1f} times bare Python", end="")
    assert times["--help"] <= 6
    assert times["--version"] <= 10
