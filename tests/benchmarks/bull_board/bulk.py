"""Bulk actions beside Bull Board: python -m tests.benchmarks.bull_board.bulk [--jobs N].

Retries as many failed jobs and removes as many waiting ones, ours through the admin service with audit, progress and
trash, Bull Board's through its own HTTP routes, and notes another client's worst ping meanwhile. Each side has an
embedded server of its own; they run one after the other.
"""

import argparse
import asyncio
import os
import tempfile
import urllib.request
from pathlib import Path

from qconsole.admin import Actor, Admin
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.process import die_with
from tests.benchmarks.bull_board.__main__ import FOLDER, install
from tests.benchmarks.console import bulk, fill, pinged

FILL_S = 300


async def ours(url: str, jobs: int) -> None:
    """Fill, retry and remove with the console's library."""
    print("qconsole", flush=True)
    await fill(url, 3 * jobs)
    async with await Admin.open(url, actor=Actor("bench", "admin", "cli")) as admin:
        await bulk(admin, url, "retry", "state:failed queue:email")
        await bulk(admin, url, "remove", "state:waiting queue:outbox")


async def theirs(url: str, jobs: int) -> None:
    """Fill with BullMQ, and have Bull Board retry and empty."""
    print("Bull Board", flush=True)
    script = str(Path(__file__).with_name("bulk.mjs").resolve())
    port = url.rpartition(":")[2].partition("/")[0]
    process = await asyncio.create_subprocess_exec(
        "node", script, port, str(jobs), cwd=FOLDER, stdout=asyncio.subprocess.PIPE, preexec_fn=die_with(os.getpid())
    )
    assert process.stdout is not None
    own = int(await asyncio.wait_for(process.stdout.readline(), FILL_S))
    for title, route in (("retry failed", "failing/retry/failed"), ("remove waiting", "outbox/empty")):
        request = urllib.request.Request(f"http://127.0.0.1:{own}/api/queues/{route}", method="PUT")
        seconds, worst_ms = await pinged(url, asyncio.to_thread(lambda r=request: urllib.request.urlopen(r).read()))
        print(f"  {title}: {seconds:.2f} s; worst ping {worst_ms:.1f} ms", flush=True)
    process.terminate()
    await process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bull_board.bulk", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    asked = parser.parse_args()
    install()
    for side in (ours, theirs):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, EmbeddedServer(Path(folder)) as server:
            asyncio.run(side(server.url, asked.jobs))
