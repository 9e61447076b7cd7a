"""A partitioned queue on a cluster: python -m tests.benchmarks.cluster [--jobs N] [--repeats N] [--workers N].

Three primaries with a replica each; the queue has one, two or three partitions, each on a primary of its own. Prints
the jobs a second from the first job to the last, and the CPU time of workers and primaries for each job.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import uvloop

from qconsole.redis.connect import connect, primaries
from qconsole.redis.slots import SLOTS, slot_of
from qconsole.redis.topology import ClusterFleet
from qconsole.runtime import Client, QueuePolicy
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.partitions import partition_names
from tests.benchmarks.raw import Raw
from tests.benchmarks.subjects import METER, PAYLOAD, nothing_declared

PRIMARIES: Final = 3
CONCURRENCY: Final = 60


def spread_name() -> str:
    """Return the first queue name whose partitions lie on primaries of their own; each has a third of the slots."""
    part = SLOTS // PRIMARIES + 1
    for number in range(1_000):
        name = f"bench{number}"
        if len({slot_of(f"{{{queue}}}") // part for queue in partition_names(name, PRIMARIES)}) == PRIMARIES:
            return name
    raise RuntimeError("no such name among a thousand")


def _work(url: str, queue: str, count: int, start: Any, meters: Any) -> None:
    async def work() -> None:
        policy = QueuePolicy(partitions=count, concurrency=CONCURRENCY)
        start.wait()
        worker = Worker(
            job_types=[nothing_declared], queues={queue: policy}, redis_url=url, burst=True, handle_signals=False
        )
        await worker.main()
        await worker.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
    meters.put((METER.first_s, METER.last_s, time.process_time() - METER.first_cpu_s, METER.done))


async def _server_s(url: str) -> float:
    client = connect(url)
    used = [await primary.info("cpu") for primary in await primaries(client)]
    await client.aclose()
    return sum(float(cpu[name]) for cpu in used for name in ("used_cpu_user", "used_cpu_sys"))


async def measure(url: str, queue: str, count: int, jobs: int, workers: int) -> dict[str, float]:
    """Queue and work jobs on `count` partitions."""
    client = connect(url)
    await client.flushall()
    await client.hset("qc:{@}:partitions", queue, str(count))
    await client.aclose()
    async with await Client.connect(url) as producer:
        await producer.enqueue_many(nothing_declared, [PAYLOAD] * jobs, queue=queue)
    before_s = await _server_s(url)
    context = multiprocessing.get_context("spawn")
    start, meters = context.Barrier(workers), context.Queue()
    processes = [
        context.Process(target=_work, args=(url, queue, count, start, meters), daemon=True) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    first_s, last_s, cpu_s, done = zip(
        *[await asyncio.to_thread(meters.get, True, 120) for _ in processes], strict=True
    )
    for process in processes:
        process.join()
    if sum(done) != jobs:
        raise RuntimeError(f"{sum(done)} of {jobs} jobs ran")
    return {
        "rate": jobs / (max(last_s) - min(first_s)),
        "worker_us": sum(cpu_s) / jobs * 1e6,
        "server_us": (await _server_s(url) - before_s) / jobs * 1e6,
    }


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cluster", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="worker processes")
    parser.add_argument("--raw", type=Path, help="also write the figures to this JSON file")
    asked = parser.parse_args()
    raw = Raw(asked.raw)
    queue, seen = spread_name(), {count: list[dict[str, float]]() for count in range(1, PRIMARIES + 1)}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ClusterFleet(Path(folder)) as fleet:
        for _ in range(asked.repeats):
            for count, taken in seen.items():
                taken.append(asyncio.run(measure(fleet.url, queue, count, asked.jobs, asked.workers)))
    for count, taken in seen.items():
        rates = [figures["rate"] for figures in taken]
        worker, server = (statistics.median(f[name] for f in taken) for name in ("worker_us", "server_us"))
        print(f"{count} partitions  {statistics.median(rates):,.0f} jobs/s ({min(rates):,.0f} to {max(rates):,.0f})")
        print(f"  CPU µs a job: workers {worker:.0f}, primaries {server:.0f}")
    raw.save({"workers": asked.workers, "concurrency": CONCURRENCY, "partitions": seen})


if __name__ == "__main__":
    main()
