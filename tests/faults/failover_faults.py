"""Primaries that are killed or stand still, under Sentinel and in a Cluster, while workers and a producer go on."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from qconsole.errors import QConsoleError
from qconsole.redis.slots import slot_of
from qconsole.redis.topology import ClusterFleet, Node, SentinelFleet
from tests.faults.stage import QUEUE, Outcome, Stage, stage
from tests.faults.worker_faults import attempts_beyond_the_first, running
from tests.support import server_binary

DOWN_AFTER_MS = 1000
NODE_TIMEOUT_MS = 1000
LOCK_S = 15.0  # outlasts a failover, as the 60 s of production do


async def sentinel_primary(folder: Path, jobs: int, how: str) -> Outcome:
    """The primary is killed or frozen; the sentinels promote a replica."""
    fleet = SentinelFleet(folder, down_after_ms=DOWN_AFTER_MS, binary=server_binary())
    with await asyncio.to_thread(fleet.__enter__):
        async with stage(fleet.url, folder) as set_up:
            word = {"kill": "killed", "freeze": "stopped"}[how]
            return await _primary_lost(set_up, jobs, how, fleet["primary"], fleet.primary, f"Sentinel: primary {word}")


async def cluster_primary(folder: Path, jobs: int, how: str) -> Outcome:
    """The primary of the queue's slot is killed or frozen; the cluster promotes its replica."""
    fleet = ClusterFleet(folder, node_timeout_ms=NODE_TIMEOUT_MS, binary=server_binary())
    with await asyncio.to_thread(fleet.__enter__):
        async with stage(fleet.url, folder) as set_up:
            word = {"kill": "killed", "freeze": "stopped"}[how]
            slot = slot_of(QUEUE)
            return await _primary_lost(
                set_up, jobs, how, fleet.owner_of(slot), lambda: fleet.owner_of(slot), f"Cluster 3+3: primary {word}"
            )


async def _primary_lost(
    set_up: Stage, jobs: int, how: str, victim: Node, who_leads: Callable[[], Node], fault: str
) -> Outcome:
    workers = [set_up.start_worker(lock_s=LOCK_S) for _ in range(2)]
    producing = asyncio.create_task(set_up.produce(jobs, per_s=100, ms=20))
    for worker in workers:
        await running(set_up, worker.pid)
    getattr(victim.process, how)()
    lost_s = time.monotonic()
    while await asyncio.to_thread(_leader, who_leads) in (victim, None):
        await asyncio.sleep(0.02)
    promoted_s = time.monotonic()
    await set_up.enqueue()
    await producing
    await set_up.drained(40)
    alive = sum(worker.alive for worker in workers)
    note = (
        f"promoted after {promoted_s - lost_s:.1f} s, {alive} of {len(workers)} workers went on, "
        f"{await attempts_beyond_the_first(set_up)} counted as attempts"
    )
    return await set_up.outcome(fault, since_s=promoted_s, note=note)


def _leader(who_leads: Callable[[], Node]) -> Node | None:
    """Return who leads; None while nobody can say."""
    try:
        return who_leads()
    except (OSError, QConsoleError):
        return None
