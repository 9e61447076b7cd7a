"""The incident as a shell script against a real server and a real worker, as a runbook would be followed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qconsole.runtime import Client
from tests.acceptance.cli.shop import Order, charge

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def environment(redis_url: str, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "QCONSOLE_REDIS_URL": redis_url,
        **more,
    }


def script(name: str, *, cwd: Path, env: dict[str, str]) -> None:
    print(run(["bash", str(HERE / name)], cwd=cwd, env=env, timeout_s=540).stdout)


def run(command: list[str], *, cwd: Path, env: dict[str, str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


async def fill(redis_url: str, jobs: int) -> None:
    async with await Client.connect(redis_url) as client:
        await client.enqueue_many(charge, (Order(number=number) for number in range(jobs)))


@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param(1_500, id="short", marks=pytest.mark.timeout(400)),
        pytest.param(99_999, id="long", marks=[pytest.mark.slow, pytest.mark.timeout(1_200)]),
    ],
)
async def test_the_incident_by_command_line(redis_url: str, tmp_path: Path, jobs: int) -> None:
    await fill(redis_url, jobs)
    env = environment(redis_url, JOBS=str(jobs))
    worker = [sys.executable, "-m", "qconsole.cli", "worker", "tests.acceptance.cli.shop.WorkerSettings", "--burst"]
    run([*worker, "--quiet"], cwd=tmp_path, env=env, timeout_s=400)
    script("incident.sh", cwd=tmp_path, env=env)
    (tmp_path / "mended").touch()
    run([*worker, "--quiet"], cwd=tmp_path, env=env, timeout_s=400)
    shown = run(["qconsole", "queues", "show", "shop", "-o", "json"], cwd=tmp_path, env=env, timeout_s=60)
    assert '"waiting":0' in shown.stdout
