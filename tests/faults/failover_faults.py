"""Primaries that are killed or stand still, under Sentinel and in a Cluster, and a replica that is killed and comes
back, while workers and a producer go on.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from qconsole.admin import Actor, Admin
from qconsole.errors import QConsoleError
from qconsole.redis.slots import slot_of
from qconsole.redis.topology import ClusterFleet, Node, SentinelFleet
from tests.faults.stage import QUEUE, Outcome, Stage, stage
from tests.faults.worker_faults import all_running, attempts_beyond_the_first
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


async def replica_killed(folder: Path, jobs: int) -> Outcome:
    """One of two replicas is killed while every write waits for a replica, and started again; the doctor says so."""
    fleet = SentinelFleet(folder, down_after_ms=DOWN_AFTER_MS, min_replicas=1, binary=server_binary())
    with await asyncio.to_thread(fleet.__enter__):
        async with (
            stage(fleet.url, folder, durability="wait", replica_timeout_s=1) as set_up,
            await Admin.open(fleet.url, actor=Actor(name="operator", role="admin", face="cli")) as admin,
        ):
            workers = [set_up.start_worker(lock_s=LOCK_S) for _ in range(2)]
            await all_running(set_up)
            producing = asyncio.create_task(set_up.produce(jobs, per_s=100, ms=20))
            await set_up.loaded()
            await asyncio.to_thread(fleet["replica-1"].process.kill)
            lost_s = time.monotonic()
            told_s = await _until_told(admin, lost_s, there=True)
            await asyncio.to_thread(fleet["replica-1"].process.spawn)
            back_s = time.monotonic()
            whole_s = await _until_told(admin, back_s, there=False)
            await producing
            await set_up.drained(60)
            alive, counted = sum(worker.alive for worker in workers), await attempts_beyond_the_first(set_up)
            note = (
                f"told by the doctor after {told_s:.1f} s, whole {whole_s:.1f} s after its return, "
                f"{alive} of {len(workers)} workers went on, {counted} counted as attempts"
            )
            return await set_up.outcome("Sentinel: replica killed", since_s=lost_s, note=note)


async def _until_told(admin: Admin, since_s: float, *, there: bool, deadline_s: float = 60.0) -> float:
    """Return after how many seconds the doctor began, or ceased, to complain of a replica."""
    while any(finding.code.startswith("replica_") for finding in await admin.doctor.examine()) is not there:
        if time.monotonic() > since_s + deadline_s:
            raise AssertionError(f"within {deadline_s:g} s the doctor did not {'' if there else 'stop to '}complain")
        await asyncio.sleep(0.05)
    return time.monotonic() - since_s


async def _primary_lost(
    set_up: Stage, jobs: int, how: str, victim: Node, who_leads: Callable[[], Node], fault: str
) -> Outcome:
    workers = [set_up.start_worker(lock_s=LOCK_S) for _ in range(2)]
    await all_running(set_up)
    producing = asyncio.create_task(set_up.produce(jobs, per_s=100, ms=20))
    await set_up.loaded()
    getattr(victim.process, how)()
    lost_s = time.monotonic()
    while await asyncio.to_thread(_leader, who_leads) in (victim, None):
        await asyncio.sleep(0.02)
    promoted_s = time.monotonic()
    await set_up.enqueue()
    await producing
    await set_up.drained(60)
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
