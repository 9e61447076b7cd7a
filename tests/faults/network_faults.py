"""Networks that drop every packet. Needs root: `run` starts each fault in a network namespace of its own."""

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect
from qconsole.redis.patience import Patience
from qconsole.redis.process import die_with
from qconsole.redis.topology import SentinelFleet
from tests.faults.network import TwoHosts
from tests.faults.stage import ROOT, Outcome, stage
from tests.faults.worker_faults import all_running, attempts_beyond_the_first
from tests.support import server_binary

LOCK_S = 8
DEADLINE_S = 1.5
MAX_LAG_S = 2  # what `min_replicas` of SentinelFleet sets


async def run(name: str, folder: Path, jobs: int, *words: str) -> Outcome:
    """Run one of the faults below."""
    argv = ["unshare", "--net", sys.executable, "-m", "tests.faults.network_faults", name, str(folder), str(jobs)]
    ran = await asyncio.to_thread(
        subprocess.run, [*argv, *words], capture_output=True, text=True, cwd=ROOT, preexec_fn=die_with(os.getpid())
    )
    if ran.returncode != 0:
        raise AssertionError(ran.stderr[-4000:])
    return Outcome(**json.loads(ran.stdout))


async def partitioned(folder: Path, jobs: int, durability: str, cut_for_s: str = "6") -> Outcome:
    """The primary, a worker and a producer are cut off from the replicas, the sentinels and everybody else."""
    with TwoHosts() as hosts:
        names = ["replica-1", "replica-2", "sentinel-1", "sentinel-2", "sentinel-3"]
        places = {name: hosts.here for name in names} | {"primary": hosts.there}
        with SentinelFleet(folder, down_after_ms=2000, min_replicas=1, places=places, binary=server_binary()) as fleet:
            async with stage(fleet.url, folder, durability=durability, replica_timeout_s=0.3) as set_up:
                far = set_up.start_worker(lock_s=LOCK_S, prefix=hosts.there.prefix)
                near = set_up.start_worker(lock_s=LOCK_S)
                await all_running(set_up)
                noted = folder / "acknowledged"
                producer = subprocess.Popen(
                    [*hosts.there.prefix, sys.executable, "-m", "tests.faults.producer", fleet.url, str(noted),
                     str(jobs), "50", durability],
                    cwd=ROOT, preexec_fn=die_with(os.getpid()),
                )  # fmt: skip
                producing = asyncio.create_task(set_up.produce(jobs, per_s=50, ms=5))
                await set_up.loaded()
                await asyncio.to_thread(_until_written, noted)
                hosts.cut()
                cut_s = time.monotonic()
                while await asyncio.to_thread(fleet.primary) is fleet["primary"]:
                    await asyncio.sleep(0.02)
                promoted_s = time.monotonic()
                await asyncio.sleep(max(0.0, cut_s + float(cut_for_s) - promoted_s))
                hosts.mend()
                await producing
                await asyncio.to_thread(producer.wait, 60)
                set_up.acknowledged += noted.read_text().split()
                if durability == "wait":
                    await set_up.drained(60)
                else:  # what is missing may still be leased to the worker that was cut off
                    await set_up.quiet(LOCK_S + 3, 60)
                outcome = await set_up.outcome(f"Sentinel: primary partitioned, durability {durability}")
                runs = [run for each in set_up.ledger.runs().values() for run in each if run.pid == near.pid]
                outcome.resume_s = min(r.started_s for r in runs if r.started_s > promoted_s) - promoted_s
                outcome.note = f"cut for {cut_for_s} s, {far.alive + near.alive} of 2 workers went on"
                return outcome


async def dropped(folder: Path, jobs: int) -> Outcome:
    """Every packet to Redis is dropped for three seconds: no call outlasts its deadline."""
    with (
        TwoHosts() as hosts,
        SentinelFleet(
            folder, replicas=0, sentinels=0, places={"primary": hosts.there}, binary=server_binary()
        ) as fleet,
    ):
        url = fleet["primary"].url
        async with stage(url, folder) as set_up:
            set_up.start_worker(lock_s=LOCK_S)
            await all_running(set_up)
            producing = asyncio.create_task(set_up.produce(jobs, per_s=100, ms=20))
            await set_up.loaded()
            caller = connect(url, patience=Patience(deadline_s=DEADLINE_S), timeout_s=1.0, connect_timeout_s=1.0)
            await caller.ping()
            hosts.cut()
            worst_s = max(await asyncio.gather(*(_failed_call_s(caller, n) for n in range(100))))
            await asyncio.sleep(1)
            hosts.mend()
            mended_s = time.monotonic()
            await producing
            await set_up.drained(60)
            await caller.aclose()
            note = (
                f"100 calls with a deadline of {DEADLINE_S} s: the longest took {worst_s:.2f} s, "
                f"{await attempts_beyond_the_first(set_up)} counted as attempts"
            )
            return await set_up.outcome("network drop of 3 s", since_s=mended_s, note=note)


def _until_written(path: Path, deadline_s: float = 60.0) -> None:
    """Wait until the producer on the other side has had its first job acknowledged."""
    end = time.monotonic() + deadline_s
    while not path.exists() or not path.stat().st_size:
        if time.monotonic() > end:
            raise AssertionError(f"{path} is empty after {deadline_s:g} s")
        time.sleep(0.01)


async def _failed_call_s(caller: Any, number: int) -> float:
    started = time.monotonic()
    try:
        await caller.get(f"k{number}")
    except RedisUnavailable:
        return time.monotonic() - started
    raise AssertionError("the network is cut, and a call was answered")


if __name__ == "__main__":
    fault = {"partitioned": partitioned, "dropped": dropped}[sys.argv[1]]
    found: Outcome = asyncio.run(fault(Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
    print(json.dumps(dataclasses.asdict(found)))
