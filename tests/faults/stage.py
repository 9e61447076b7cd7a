"""What every fault scenario is made of: workers, a producer that never gives up, and the count afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect, is_clustered
from qconsole.redis.process import die_with
from qconsole.runtime.client import Client
from qconsole.runtime.keys import Keys
from tests.faults.ledger import Ledger, overlaps

QUEUE = "faults"
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Outcome:
    """One row of the table; `start_s` is what a worker took from its start to its first job, which tells how busy the
    machine was.
    """

    fault: str
    acknowledged: int = 0
    completed: int = 0
    lost: int = 0
    run_twice: int = 0
    overlapped: int = 0
    settled_twice: int = 0
    stalls: int = 0
    resume_s: float | None = None
    start_s: float = 0.0
    note: str = ""


class WorkerProcess:
    """One worker in a process of its own."""

    def __init__(self, url: str, ledger: Ledger, *, prefix: Sequence[str] = (), **options: Any) -> None:
        words = [f"{name}={value}" for name, value in options.items()]
        self.spawned_s = time.monotonic()
        self.log_path = ledger.path.with_suffix(f".{time.monotonic_ns()}.log")
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "tests.faults.app", url, str(ledger.path), *words],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                preexec_fn=die_with(os.getpid()),
            )

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def kill(self) -> float:
        """End it as a crash would, and return when that was."""
        self.process.kill()
        self.process.wait()
        return time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def stopped(self, deadline_s: float) -> int:
        """Wait until it has ended by itself, and return its exit status."""
        return await asyncio.to_thread(self.process.wait, deadline_s)


@dataclass(slots=True)
class Stage:
    """A Redis by URL, its workers, and what was promised to producers."""

    url: str
    ledger: Ledger
    redis: Redis
    client: Client
    acknowledged: list[str] = field(default_factory=list)
    workers: list[WorkerProcess] = field(default_factory=list)
    died_s: dict[int, float] = field(default_factory=dict)
    refused: int = 0
    next_number: int = 0
    start_s: float = 0.0

    @property
    def keys(self) -> Keys:
        """The queue's keys."""
        return Keys(QUEUE, cluster=is_clustered(self.redis))

    def start_worker(self, **options: Any) -> WorkerProcess:
        """Start a worker."""
        worker = WorkerProcess(self.url, self.ledger, **options)
        self.workers.append(worker)
        return worker

    def crash(self, worker: WorkerProcess) -> None:
        """Kill a worker."""
        self.died_s[worker.pid] = worker.kill()

    async def enqueue(self, deadline_s: float = 30.0, **payload: Any) -> str:
        """Queue one job: the same id again and again until it is acknowledged or the deadline passes."""
        self.next_number += 1
        job_id = f"job-{self.next_number}"
        end = time.monotonic() + deadline_s
        while True:
            try:
                await self.client.enqueue("note", payload, queue=QUEUE, job_id=job_id)
            except (RedisUnavailable, RedisError):
                self.refused += 1
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.05)
            else:
                self.acknowledged.append(job_id)
                return job_id

    async def produce(self, count: int, *, per_s: float = 200.0, **payload: Any) -> None:
        """Queue jobs at a steady rate, one after the other."""
        for _ in range(count):
            started = time.monotonic()
            await self.enqueue(**payload)
            await asyncio.sleep(max(0.0, 1 / per_s - (time.monotonic() - started)))

    async def feed(self, over: asyncio.Event, *, per_s: float, **payload: Any) -> None:
        """Queue jobs at a steady rate until it is over."""
        while not over.is_set():
            await self.produce(1, per_s=per_s, **payload)

    async def loaded(self, more: int = 20) -> None:
        """Wait until so many more jobs have been acknowledged."""
        wanted = len(self.acknowledged) + more
        while len(self.acknowledged) < wanted:
            await asyncio.sleep(0.01)

    async def completed(self) -> set[str]:
        """Return the jobs that Redis calls completed."""
        keys = self.keys
        return {keys.bare_id(wire.decode()) for wire in await self.redis.zrange(keys.completed(), 0, -1)}

    async def drained(self, deadline_s: float) -> bool:
        """Wait until every acknowledged job is completed; false when the deadline passes."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if set(self.acknowledged) <= await self.completed():
                return True
            await asyncio.sleep(0.05)
        return False

    async def quiet(self, quiet_s: float, deadline_s: float) -> None:
        """Wait until nothing has been completed for a while."""
        end = time.monotonic() + deadline_s
        count, changed_s = -1, time.monotonic()
        while time.monotonic() < min(end, changed_s + quiet_s):
            now = len(await self.completed())
            if now != count:
                count, changed_s = now, time.monotonic()
            await asyncio.sleep(0.1)

    async def outcome(self, fault: str, *, since_s: float | None = None, note: str = "") -> Outcome:
        """Count what became of the acknowledged jobs.

        Args:
            since_s: when service was possible again; the time to resume counts from there to the first start after.
        """
        completed, runs = await self.completed(), self.ledger.runs()
        settled = await self._counter("c")
        resume_s = None
        if since_s is not None:
            resume_s = next((at - since_s for at in self.ledger.starts_s() if at > since_s), None)
        return Outcome(
            fault=fault,
            acknowledged=len(self.acknowledged),
            completed=len(completed),
            lost=len(set(self.acknowledged) - completed),
            run_twice=sum(sum(run.ended_s is not None for run in each) > 1 for each in runs.values()),
            overlapped=sum(overlaps(each, self.died_s) for each in runs.values()),
            settled_twice=max(0, settled - len(completed)),
            stalls=await self._counter("s"),
            resume_s=resume_s,
            start_s=self.start_s,
            note=note,
        )

    async def _counter(self, name: str) -> int:
        total = 0
        async for key in self.redis.scan_iter(match=self.keys.minute("*"), count=1000):
            for field_name, value in (await self.redis.hgetall(key)).items():
                if field_name.startswith(f"{name}:".encode()):
                    total += int(value)
        return total


@asynccontextmanager
async def stage(url: str, folder: Path, **client_options: Any) -> AsyncIterator[Stage]:
    """Set a stage on a Redis, and end its workers afterwards."""
    redis = connect(url, name="faults")
    client = await Client.connect(url, **client_options)
    set_up = Stage(url, Ledger(folder / "ledger"), redis, client)
    try:
        yield set_up
    finally:
        for worker in set_up.workers:
            if worker.alive:
                worker.kill()
        await client.aclose()
        await redis.aclose()
