"""Workers that crash, stop and freeze."""

import asyncio
import random
import signal
import time
from pathlib import Path

from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime.codec import decode_result
from tests.faults.app import DEATHS
from tests.faults.stage import Outcome, Stage, WorkerProcess, stage
from tests.support import server_binary

LOCK_S = 1.0
BUSY_LOCK_S = 2.0  # a machine that starts many workers may hold a healthy one up for a second


async def killed_at_every_step(folder: Path, deaths_per_step: int) -> Outcome:
    """Workers kill themselves at each step of a job, several at once, while a producer goes on."""
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        over = asyncio.Event()
        producing = asyncio.create_task(set_up.feed(over, per_s=40, ms=5))
        for _ in range(deaths_per_step):
            doomed = [
                set_up.start_worker(lock_s=BUSY_LOCK_S, concurrency=4, die=step, die_after=random.randint(0, 4))
                for step in DEATHS
            ]
            await asyncio.gather(*(worker.stopped(120) for worker in doomed))
        set_up.died_s |= set_up.ledger.deaths_s()
        over.set()
        await producing
        set_up.start_worker(lock_s=BUSY_LOCK_S)
        await set_up.drained(60)
        note = f"{len(DEATHS) * deaths_per_step} crashes, {await attempts_beyond_the_first(set_up)} counted as attempts"
        return await set_up.outcome("worker kill -9 at every step of a job", note=note)


async def stopped_under_load(folder: Path, jobs: int) -> Outcome:
    """SIGTERM: what runs is finished in time, and nothing is counted against any job."""
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        first, second = set_up.start_worker(), set_up.start_worker()
        await all_running(set_up)
        producing = asyncio.create_task(set_up.produce(jobs, per_s=100, ms=100))
        await set_up.loaded()
        first.signal(signal.SIGTERM)
        status = await first.stopped(60)
        await producing
        await set_up.drained(60)
        second.signal(signal.SIGTERM)
        await second.stopped(60)
        note = f"exit {status}, {await attempts_beyond_the_first(set_up)} counted as attempts"
        return await set_up.outcome("worker SIGTERM under load", note=note)


async def stopped_twice(folder: Path, jobs: int) -> Outcome:
    """A second SIGTERM: jobs that would run for a minute are given back at once, uncounted."""
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        first = set_up.start_worker(shutdown_s=60, slow_ms=60_000)
        await set_up.produce(jobs, per_s=1000)
        await running(set_up, first)
        first.signal(signal.SIGTERM)
        await asyncio.sleep(0.1)  # a person presses Ctrl-C twice; the two are not one signal
        first.signal(signal.SIGTERM)
        told_s = time.monotonic()
        await first.stopped(60)
        took_s = time.monotonic() - told_s
        set_up.died_s[first.pid] = time.monotonic()
        set_up.start_worker()
        await set_up.drained(60)
        note = f"gone in {took_s:.1f} s, {await attempts_beyond_the_first(set_up)} counted as attempts"
        return await set_up.outcome("worker SIGTERM twice", note=note)


async def loop_blocked(folder: Path, jobs: int) -> Outcome:
    """Handlers block the event loop for three leases: the leases are renewed beside it."""
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        set_up.start_worker(lock_s=LOCK_S, concurrency=2)
        set_up.start_worker(lock_s=LOCK_S, concurrency=2)
        for _ in range(jobs):
            await set_up.enqueue(ms=int(3000 * LOCK_S), block=True)
        await set_up.drained(20 + 6 * jobs)
        return await set_up.outcome("event loop blocked for 3 leases", note="renewed on its own thread")


async def frozen(folder: Path, jobs: int) -> Outcome:
    """A worker stands still for longer than its leases, and comes back with results nobody wants any more."""
    async with EmbeddedServer(folder, binary=server_binary()) as server, stage(server.url, folder) as set_up:
        worker = set_up.start_worker(lock_s=LOCK_S)
        await set_up.produce(jobs, per_s=1000, ms=300)
        await running(set_up, worker)
        worker.signal(signal.SIGSTOP)
        set_up.died_s[worker.pid] = time.monotonic()
        set_up.start_worker(lock_s=LOCK_S)
        await set_up.drained(60)
        worker.signal(signal.SIGCONT)
        await set_up.enqueue()
        await set_up.drained(60)
        held = sum(run.pid == worker.pid for runs in set_up.ledger.runs().values() for run in runs)
        dropped = await results_dropped(worker, held)
        return await set_up.outcome("worker frozen longer than its lease", note=f"{dropped} results dropped")


async def all_running(set_up: Stage) -> None:
    """Feed the workers until each of them runs jobs: one that starts late would otherwise find nothing left to do."""
    over = asyncio.Event()
    feeding = asyncio.create_task(set_up.feed(over, per_s=20, ms=20))
    for worker in set_up.workers:
        await running(set_up, worker)
    over.set()
    await feeding


async def running(set_up: Stage, worker: WorkerProcess, deadline_s: float = 60.0) -> None:
    """Wait until a worker runs jobs, and note how long it took from its start."""
    end = time.monotonic() + deadline_s
    while not any(mark == "S" and by == worker.pid for mark, _, by, _ in set_up.ledger.lines()):
        if time.monotonic() > end:
            logs = "".join(each.log_path.read_text() for each in set_up.workers)
            raise AssertionError(f"worker {worker.pid} ran nothing within {deadline_s:g} s: {logs[-3000:]}")
        await asyncio.sleep(0.01)
    set_up.start_s = max(set_up.start_s, time.monotonic() - worker.spawned_s)


async def results_dropped(worker: WorkerProcess, expected: int, deadline_s: float = 10.0) -> int:
    """Return how many results a worker said it dropped, once it has said as much as expected."""
    end = time.monotonic() + deadline_s
    while (said := worker.log_path.read_text().count("lease")) < expected and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return said


async def attempts_beyond_the_first(set_up: Stage) -> int:
    """Return how many attempts were counted that were no failures of a job."""
    extra = 0
    for job_id in await set_up.completed():
        stored = await set_up.redis.get(set_up.keys.result(set_up.keys.wire_id(job_id)))
        result = decode_result(stored) if stored else None
        extra += result.attempt - 1 if result else 0
    return extra
