"""A failover to watch: python docs/examples/ha_demo.py [sentinel|cluster] [--once]   (`make ha-demo`).

Starts a primary with two replicas and three sentinels (or a cluster of three primaries and three replicas), the
platform's workers, a trickle of jobs and the web console; kills the primary every half minute and brings it back.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qconsole.admin import Actor, Admin
from qconsole.cli.processes import Processes
from qconsole.errors import QConsoleError
from qconsole.redis.slots import slot_of
from qconsole.redis.topology import ClusterFleet, Node, SentinelFleet

SETTINGS = "workers.demo.WorkerSettings"
QUEUE = "document-processing"
EVERY_S = 30.0
BACK_AFTER_S = 8.0


def say(sentence: str) -> None:
    """Tell what happens, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {sentence}", flush=True)


def leader_of(fleet: SentinelFleet | ClusterFleet) -> Node | None:
    """Return the primary that holds the documents' queue; None while nobody can say."""
    try:
        return fleet.primary() if isinstance(fleet, SentinelFleet) else fleet.owner_of(slot_of(QUEUE))
    except (OSError, QConsoleError):
        return None


async def until_changed(ask: Callable[[], Node | None], old: Node) -> Node:
    """Wait until another server leads."""
    while (leader := await asyncio.to_thread(ask)) in (None, old):
        await asyncio.sleep(0.05)
    assert leader is not None  # noqa: S101
    return leader


async def fail_over(fleet: SentinelFleet | ClusterFleet, admin: Admin) -> None:
    """Kill the primary, tell who takes over and when work goes on, and bring the old one back as a replica."""
    old = leader_of(fleet)
    if old is None:
        return
    done = await completed(admin)
    say(f"kill -9 of {old.name} (port {old.port}), the primary of {QUEUE}; {done} jobs are completed")
    killed_s = time.monotonic()
    old.process.kill()
    new = await until_changed(lambda: leader_of(fleet), old)
    say(f"{new.name} (port {new.port}) was promoted after {time.monotonic() - killed_s:.1f} s")
    while await completed(admin) <= done:
        await asyncio.sleep(0.1)
    say(f"work goes on, {time.monotonic() - killed_s:.1f} s after the kill")
    await asyncio.sleep(BACK_AFTER_S)
    old.process.spawn()
    await asyncio.to_thread(old.process.wait_ready)
    say(f"{old.name} is back, as a replica")


async def completed(admin: Admin) -> int:
    """Return how many jobs are completed in all queues."""
    return sum(queue.counts["completed"] for queue in await admin.queues.list())


async def main(kind: str, *, once: bool) -> int:
    """Run the demo until Ctrl-C, or until one failover is over."""
    folder = Path(tempfile.mkdtemp(prefix="qconsole-ha-"))
    fleet = ClusterFleet(folder) if kind == "cluster" else SentinelFleet(folder)
    environment = {
        "PLATFORM_DATABASE_URL": f"sqlite:///{folder / 'platform.db'}",
        "PLATFORM_STORAGE_DIR": str(folder / "files"),
    }
    with await asyncio.to_thread(fleet.__enter__):
        say(f"{len(fleet.nodes)} servers run in {folder}: export QCONSOLE_REDIS_URL={fleet.url}")
        async with Processes(say=say, environment=environment) as processes:
            feeder = [sys.executable, "-m", "workers.demo"]
            await processes.run([*feeder, "prepare"], label="preparing the database")
            for name in ("ha-1", "ha-2"):
                await processes.start_worker([SETTINGS], redis_url=fleet.url, name=name, log=folder / f"{name}.log")
            await processes.run([*feeder, "feed", "--documents", "--redis", fleet.url], label="feeding")
            trickle = await asyncio.create_subprocess_exec(
                *feeder, "trickle", "--documents", "--redis", fleet.url, env={**os.environ, **environment}
            )
            if not once:
                await processes.start_web(redis_url=fleet.url, host="127.0.0.1", port=8383, log=folder / "web.log")
                say("the console: http://127.0.0.1:8383/   Ctrl-C ends everything")
            try:
                async with await Admin.open(fleet.url, actor=Actor("demo", "viewer", "cli")) as admin:
                    await watch(fleet, admin, processes, once=once)
            finally:
                if trickle.returncode is None:
                    trickle.terminate()
                await trickle.wait()
    return 0


async def watch(fleet: SentinelFleet | ClusterFleet, admin: Admin, processes: Processes, *, once: bool) -> None:
    """Let it run, and fail over again and again."""
    pause_s = 5.0 if once else EVERY_S
    while not processes.stopping.is_set():
        try:
            async with asyncio.timeout(pause_s):
                await processes.stopping.wait()
        except TimeoutError:
            await fail_over(fleet, admin)
            if once:
                return


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", nargs="?", choices=["sentinel", "cluster"], default="sentinel")
    parser.add_argument("--once", action="store_true", help="end after one failover")
    chosen = parser.parse_args()
    logging.getLogger("qconsole.redis").setLevel(logging.ERROR)  # what its warnings say is the story told here
    sys.exit(asyncio.run(main(chosen.kind, once=chosen.once)))
