"""A single Redis that restarts, crashes, fills up, turns read-only and forgets its scripts; clocks that jump."""

import asyncio
import time
from pathlib import Path

from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.process import free_port
from qconsole.runtime.client import Client
from tests.faults.stage import Outcome, stage
from tests.faults.worker_faults import all_running, attempts_beyond_the_first, running
from tests.support import server_binary

WORKERS = 2
LOCK_S = 10  # far below the hour by which a clock jumps


async def restarted(folder: Path, jobs: int) -> Outcome:
    """Redis is stopped and started again under load."""
    return await _interrupted(folder, jobs, "Redis restart", crash=False, fsync="everysec")


async def killed(folder: Path, jobs: int, fsync: str = "everysec") -> Outcome:
    """Redis is killed under load and comes back from its append-only file."""
    return await _interrupted(folder, jobs, f"Redis kill -9, AOF {fsync}", crash=True, fsync=fsync)


async def _interrupted(folder: Path, jobs: int, fault: str, *, crash: bool, fsync: str) -> Outcome:
    server = EmbeddedServer(folder, port=free_port(), binary=server_binary(), options={"appendfsync": fsync})
    async with server, stage(server.url, folder) as set_up:
        workers = [set_up.start_worker() for _ in range(WORKERS)]
        await all_running(set_up)
        producing = asyncio.create_task(set_up.produce(jobs, per_s=200, ms=50))
        await set_up.loaded()
        if crash:
            server.process.kill()
        await server.astop()
        await asyncio.sleep(0.5)  # the outage lasts
        await server.astart()
        back_s = time.monotonic()
        await producing
        await set_up.drained(60)
        alive = sum(worker.alive for worker in workers)
        note = f"{alive} of {WORKERS} workers went on, {await attempts_beyond_the_first(set_up)} counted as attempts"
        return await set_up.outcome(fault, since_s=back_s, note=note)


async def out_of_memory(folder: Path, jobs: int) -> Outcome:
    """Redis takes no more writes for a while: producers are told so, and what runs is settled afterwards."""
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        worker = set_up.start_worker()
        await set_up.produce(jobs, per_s=1000, ms=200)
        await running(set_up, worker)
        await set_up.redis.config_set("maxmemory", 1)
        told = ""
        try:
            await set_up.client.enqueue("note", {}, queue="faults", job_id="refused")
        except RedisUnavailable as error:
            told = str(error)
        await asyncio.sleep(0.5)
        await set_up.redis.config_set("maxmemory", 0)
        back_s = time.monotonic()
        await set_up.drained(60)
        said = (
            "producer told: " + told.partition(" at ")[0] + told.partition("/0")[2]
            if told
            else "the producer was told nothing"
        )
        return await set_up.outcome("Redis out of memory", since_s=back_s, note=said)


async def read_only(folder: Path, jobs: int) -> Outcome:
    """Redis is a read-only replica for a while, as after a failover that the clients have not noticed."""
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        set_up.start_worker()
        await all_running(set_up)
        producing = asyncio.create_task(set_up.produce(jobs, per_s=200, ms=20))
        await set_up.loaded()
        operator = connect(server.url)
        await operator.replicaof("127.0.0.1", str(free_port()))
        await asyncio.sleep(0.7)
        await operator.replicaof("NO", "ONE")
        back_s = time.monotonic()
        await operator.aclose()
        await producing
        await set_up.drained(60)
        return await set_up.outcome("Redis read-only for 0.7 s", since_s=back_s)


async def scripts_forgotten(folder: Path, jobs: int) -> Outcome:
    """SCRIPT FLUSH again and again."""
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        worker = set_up.start_worker()
        await set_up.enqueue()
        await running(set_up, worker)
        producing = asyncio.create_task(set_up.produce(jobs, per_s=300, ms=5))
        flushes = 0
        while not producing.done():
            await set_up.redis.script_flush()
            flushes += 1
            await asyncio.sleep(0.01)
        await producing
        await set_up.drained(60)
        return await set_up.outcome("scripts flushed", note=f"{flushes} times")


async def clock_jumped(folder: Path, jobs: int, hours: float) -> Outcome:
    """A worker's host is an hour off, in the middle of its work; delayed jobs still start on time."""
    offset = folder / "offset"
    offset.write_text("0")
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        set_up.start_worker(lock_s=LOCK_S, clock=offset)
        set_up.start_worker(lock_s=LOCK_S)
        await all_running(set_up)
        producing = asyncio.create_task(set_up.produce(jobs, per_s=100, ms=20))
        await set_up.loaded()
        offset.write_text(str(3600 * hours))
        due_s = {}
        for _ in range(5):
            queued_s = time.monotonic()
            due_s[await _delayed(set_up.client, set_up.acknowledged, len(due_s), delay_s=2.0)] = queued_s + 2.0
        await producing
        await set_up.drained(60)
        runs = set_up.ledger.runs()
        late_s = [runs[job_id][0].started_s - at_s for job_id, at_s in due_s.items() if runs[job_id]]
        note = f"delayed jobs started {min(late_s):+.2f} to {max(late_s):+.2f} s from their time" if late_s else "late"
        return await set_up.outcome(f"worker's clock jumps {hours:+.0f} h", note=note)


async def _delayed(client: Client, acknowledged: list[str], number: int, *, delay_s: float) -> str:
    job_id = f"delayed-{number}"
    await client.enqueue("note", {}, queue="faults", job_id=job_id, delay_s=delay_s)
    acknowledged.append(job_id)
    return job_id
