"""`qconsole operations` and `doctor --fix`: rates, reasons, mends; what a closed pipe and Ctrl-C leave behind."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from redis.asyncio import Redis

from qconsole.runtime.keys import GLOBAL
from tests.admin.stock import failed_jobs
from tests.cli.conftest import Shell
from tests.support import eventually

COMMAND = [sys.executable, "-m", "qconsole.cli"]


@pytest.fixture
async def stocked(redis: Redis) -> None:
    await failed_jobs(redis, 300)


@pytest.mark.usefixtures("stocked")
def test_a_resumed_operation_goes_on_at_another_rate(shell: Shell) -> None:
    slow = shell("jobs", "retry", "--filter", "queue:email", "--yes", "--rate", "0.1", "--no-wait", "-o", "json").json()
    assert slow["rate_per_s"] == 0.1
    assert shell("operations", "pause", slow["id"], "--reason", "too slow").code == 0
    done = shell("operations", "resume", slow["id"], "--rate", "0", "--reason", "hurry", "-o", "json").json()
    assert (done["state"], done["done"], done["rate_per_s"]) == ("done", 300, None)
    said = {row["action"]: row["reason"] for row in shell("audit", "list", "-o", "json").json()["items"]}
    assert (said["operations.pause"], said["operations.resume"]) == ("too slow", "hurry")
    again = shell("operations", "resume", slow["id"], "--rate", "5")
    assert (again.code, f"operation {slow['id']} cannot be resumed: it is done" in again.err) == (4, True)


@pytest.mark.usefixtures("stocked")
async def test_the_rate_of_an_operation_that_somebody_runs_is_not_changed(shell: Shell, redis: Redis) -> None:
    asked = ("jobs", "remove", "--filter", "queue:email", "--yes", "--no-wait", "-o", "json")
    operation_id = (await asyncio.to_thread(shell, *asked)).json()["id"]
    await redis.set(GLOBAL.operation_lease(operation_id), "somebody")
    answer = await asyncio.to_thread(shell, "operations", "resume", operation_id, "--rate", "5")
    assert (answer.code, f"operation {operation_id} is running" in answer.err) == (4, True)


@pytest.mark.usefixtures("stocked")
def test_operations_are_paged(shell: Shell) -> None:
    for _ in range(3):
        assert shell("jobs", "retry", "--filter", "queue:email", "--dry-run").code == 0
    first = shell("operations", "list", "--limit", "2", "-o", "json").json()
    rest = shell("operations", "list", "--limit", "2", "--cursor", first["next"], "-o", "json").json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)


async def test_ctrl_c_leaves_an_operation_paused_and_resumable(shell: Shell, redis: Redis, redis_url: str) -> None:
    await failed_jobs(redis, 300)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "dlq", "replay", "--filter", "queue:email", "--yes", "--rate", "20", "--redis", redis_url,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    await eventually(lambda: redis.zcard("email"))
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (130, b"")
    (operation,) = (await asyncio.to_thread(shell, "operations", "list", "--active", "-o", "json")).json()["items"]
    assert f"Go on with: qconsole operations resume {operation['id']}" in err.decode()
    assert operation["state"] == "paused" and 0 < operation["done"] < 300
    resumed = await asyncio.to_thread(shell, "operations", "resume", operation["id"], "--rate", "0", "-o", "json")
    assert (resumed.code, resumed.json()["done"]) == (0, 300)


@pytest.mark.usefixtures("stocked")
def test_a_reader_that_stops_in_the_middle_is_exit_141(redis_url: str) -> None:
    listing = subprocess.Popen(
        [*COMMAND, "jobs", "list", "--all", "--limit", "10", "-o", "jsonl", "--redis", redis_url],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert listing.stdout is not None and listing.stderr is not None
    assert listing.stdout.readline().startswith(b'{"id":')
    listing.stdout.close()
    with listing.stderr as said:
        assert (said.read(), listing.wait(60)) == (b"", 141)


async def test_the_doctor_says_what_it_mended(shell: Shell, redis: Redis) -> None:
    await asyncio.to_thread(shell, "jobs", "add", "send", "--queue", "email", "--payload", "{}")
    await redis.zadd("email", {"gone": 1})
    assert "1 id in email has no job any more" in (await asyncio.to_thread(shell, "doctor")).out
    mended = await asyncio.to_thread(shell, "doctor", "--fix")
    assert "Mended: 1 id in email has no job any more" in mended.err
    assert "email has no job" not in mended.out
    assert await redis.zcard("email") == 1
    assert "Nothing was there to mend." in (await asyncio.to_thread(shell, "doctor", "--fix")).err
