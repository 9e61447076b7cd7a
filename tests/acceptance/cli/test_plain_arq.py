"""The console over a Redis that only plain arq has used, as a shell script."""

import sys
from pathlib import Path

import pytest
from arq import create_pool
from arq.connections import RedisSettings

from tests.acceptance.cli.test_incident import environment, run, script


@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param(40, id="short", marks=pytest.mark.timeout(400)),
        pytest.param(2_000, id="long", marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
async def test_plain_arq_by_command_line(redis_url: str, tmp_path: Path, jobs: int) -> None:
    pool = await create_pool(RedisSettings.from_dsn(redis_url))
    for number in range(jobs):
        await pool.enqueue_job("resize", number, _job_id=f"image-{number}")
        await pool.enqueue_job("send", to=f"user{number}@example.com", _job_id=f"mail-{number}")
    env = environment(redis_url, JOBS=str(jobs))
    run([sys.executable, "-m", "tests.acceptance.cli.plain_app", redis_url], cwd=tmp_path, env=env, timeout_s=300)
    for number in range(20):
        await pool.enqueue_job("resize", number, _job_id=f"later-{number}", _defer_by=3_600)
    await pool.aclose(close_connection_pool=True)
    script("plain_arq.sh", cwd=tmp_path, env=env)
