"""`qconsole demo` and `up` as processes: the story on all nine queues, and that nothing of them stays behind."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from qconsole.redis.connect import connect
from workers.policies import QUEUES

COMMAND = [sys.executable, "-m", "qconsole.cli"]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def started(folder: Path, *words: str, name: str = "demo", **environment: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QCONSOLE_", "PLATFORM_"))}
    return subprocess.Popen(
        [*COMMAND, name, "--port", "0", "--data", str(folder), *words],
        env=kept | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the living processes that were started for the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            known = command + (process / "environ").read_bytes()
        except OSError:
            continue
        if command and str(folder).encode() in known:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def assert_all_ended(folder: Path) -> None:
    end = time.monotonic() + 60  # a worker whose Redis is gone tries for a while to hand in what it has finished
    while left := processes_of(folder):
        assert time.monotonic() < end, left
        time.sleep(0.1)


def play_to_the_end(folder: Path, **environment: str) -> None:
    """Run the whole story, and check that each part of it went as it should."""
    with started(folder, "--once", **environment) as demo:
        table, story = demo.communicate(timeout=150)
    assert demo.returncode == 0, story
    for line in (
        "doc-large_order lost its worker: completed after 1 attempt and 1 stall.",
        "doc-late came too early for its file: completed after 2 attempts.",
        "mail-later was put off by the mail server: completed after 2 attempts.",
        "report-today waited for three documents: completed after 1 attempt.",
    ):
        assert line in story.splitlines(), story
    for buried in ("doc-broken", "mail-refused", "notify-left", "import-shrunken"):
        assert any(line.startswith(buried) and ": failed after" in line for line in story.splitlines()), story

    rows = {cells[0]: cells for line in table.splitlines() if (cells := line.split()) and cells[0] in QUEUES}
    assert set(rows) == set(QUEUES)
    waiting = {name: (cells[2], cells[3], cells[4]) for name, cells in rows.items()}
    assert waiting == {name: ("0", "1" if name == "email" else "0", "0") for name in QUEUES}

    outside = {
        kind: [json.loads(line) for line in (folder / "outside" / f"{kind}.jsonl").read_text().splitlines()]
        for kind in ("mails", "webhooks", "pager")
    }
    to = [address for mail in outside["mails"] for address in mail["to"]]
    assert "later@lapwing.example" in to
    assert "nobody@lapwing.example" not in to
    assert len([address for address in to if address.startswith("crew")]) == 30
    assert [hook["status"] for hook in outside["webhooks"] if hook["to"] == "warehouse"] == [500, 500, 200]
    assert [hook["status"] for hook in outside["webhooks"] if hook["to"] == "gone"] == [410]
    assert outside["pager"]
    with closing(sqlite3.connect(folder / "platform.db")) as database:
        delivered = "SELECT count(*) FROM documents WHERE id LIKE 'doc-enquiry-%' AND processed_ms IS NOT NULL"
        assert database.execute(delivered).fetchone() == (12,)
    assert_all_ended(folder)


def test_the_story_ends_with_every_queue_drained(tmp_path: Path) -> None:
    play_to_the_end(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("topology", ["sentinel", "cluster"])
async def test_the_story_is_the_same_on_a_given_sentinel_service_or_cluster(
    request: pytest.FixtureRequest, tmp_path: Path, topology: str
) -> None:
    url = request.getfixturevalue(f"{topology}_fleet").url
    redis = connect(url)
    await redis.flushall()
    await asyncio.to_thread(play_to_the_end, tmp_path, QCONSOLE_REDIS_URL=url)
    assert not (tmp_path / "redis").exists()
    await redis.flushall()
    await redis.aclose()


def end_when_the_console_answers(started: subprocess.Popen[str], folder: Path, number: int) -> int:
    """Return the status of the command that was sent this signal, after all it started has ended."""
    with started:
        assert started.stderr is not None
        web = next(line.split()[-1] for line in started.stderr if line.startswith("The web console is at "))
        with urllib.request.urlopen(web, timeout=60) as answer:
            assert "qconsole" in answer.read().decode()
        started.send_signal(number)
        rest = started.stderr.read()
        status = started.wait(60)
    assert status in (0, 130, -number), rest
    assert_all_ended(folder)
    return status


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_up_starts_redis_workers_and_console_and_leaves_nothing(tmp_path: Path, number: int, status: int) -> None:
    up = started(tmp_path, "shop.WorkerSettings", name="up", PYTHONPATH=str(EXAMPLES))
    assert end_when_the_console_answers(up, tmp_path, number) == status


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_nothing_stays_when_the_demo_ends_in_the_middle(tmp_path: Path, number: int, status: int) -> None:
    assert end_when_the_console_answers(started(tmp_path), tmp_path, number) == status


def test_a_given_redis_with_queues_is_left_alone(tmp_path: Path, redis_url: str) -> None:
    environment = {**os.environ, "QCONSOLE_REDIS_URL": redis_url}
    subprocess.run(
        [sys.executable, "-m", "qconsole.cli", "jobs", "add", "send_email", "--queue", "email", "--payload", "{}"],
        env=environment, check=True, timeout=60, capture_output=True,
    )  # fmt: skip
    with started(tmp_path, QCONSOLE_REDIS_URL=redis_url) as demo:
        _, said = demo.communicate(timeout=60)
    assert "the given Redis has queues already (email)" in said
    assert demo.returncode not in (0, 1)
