"""The console on very many jobs: python -m tests.benchmarks.console [--jobs N].

A third of the jobs wait, a third have failed with 50 fingerprints, a third are completed. Prints the time of pages at
the start, middle and end, of filters and counts, of bulk operations with the worst ping of another client meanwhile,
of a live snapshot, and of the command line beside bare Python.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import redis as blocking_redis
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime.client import Client
from qconsole.runtime.codec import Result, encode_result
from qconsole.runtime.keys import GLOBAL, Keys
from tests.admin.stock import failed_jobs

FINGERPRINTS: Final = 50
SAMPLES: Final = 20
STEP: Final = 2_000
ACTOR: Final = Actor("bench", "admin", "cli")


async def completed_jobs(redis: Redis, count: int, queue: str, now_ms: int) -> None:
    """Write completed jobs, one a millisecond, by the keys a worker would write."""
    keys = Keys(queue)
    await redis.zadd(GLOBAL.queues(), {queue: now_ms})
    for start in range(0, count, STEP):
        async with redis.pipeline(transaction=False) as pipe:
            index = {f"done{n:07}": now_ms - count + n for n in range(start, min(start + STEP, count))}
            for job_id, at_ms in index.items():
                pipe.set(keys.result(job_id), _completed(job_id, queue, at_ms))
            pipe.zadd(keys.completed(), index)
            await pipe.execute()


def _completed(job_id: str, queue: str, at_ms: int) -> bytes:
    return encode_result(
        Result(
            job_type="digest",
            payload=b'{"to":"a@example.com"}',
            enqueued_ms=at_ms - 1_000,
            due_ms=at_ms - 1_000,
            started_ms=at_ms - 10,
            finished_ms=at_ms,
            attempt=1,
            priority=5,
            success=True,
            queue=queue,
            job_id=job_id,
            worker="w1",
            value=None,
            error=None,
        )
    )


async def fill(url: str, jobs: int) -> None:
    """Write the three thirds."""
    redis, third, now_ms = connect(url), jobs // 3, round(time.time() * 1000)
    async with await Client.connect(url) as client:
        for start in range(0, third, 50_000):
            payloads = [{"to": f"user{n}@example.com", "n": n} for n in range(start, min(third, start + 50_000))]
            await client.enqueue_many("send", payloads, queue="outbox")
    await failed_jobs(redis, third, errors=FINGERPRINTS, now_ms=now_ms)
    await completed_jobs(redis, third, "digests", now_ms)
    await redis.aclose()


def ping_until(url: str, stop: Any, worst_ms: Any) -> None:
    """Ping like another client and note the longest wait."""
    client = blocking_redis.Redis.from_url(url)
    while not stop.is_set():
        start = time.perf_counter()
        client.ping()
        worst_ms.value = max(worst_ms.value, (time.perf_counter() - start) * 1000)
        time.sleep(0.0005)


async def pinged(url: str, work: Awaitable[Any]) -> tuple[float, float]:
    """Return the seconds some work takes and another client's worst ping meanwhile, in ms."""
    context = multiprocessing.get_context("spawn")
    stop, worst_ms = context.Event(), context.Value("d", 0.0)
    pinger = context.Process(target=ping_until, args=(url, stop, worst_ms))
    pinger.start()
    await asyncio.sleep(1)
    worst_ms.value = 0.0
    start = time.perf_counter()
    await work
    seconds = time.perf_counter() - start
    stop.set()
    await asyncio.to_thread(pinger.join)
    return seconds, worst_ms.value


async def timed(title: str, call: Callable[[], Awaitable[Any]], samples: int = SAMPLES) -> None:
    """Print p50, p95 and the first call's time."""
    times = []
    for _ in range(samples):
        start = time.perf_counter()
        await call()
        times.append((time.perf_counter() - start) * 1000)
    first, ordered = times[0], sorted(times)
    late = ordered[int(len(ordered) * 0.95)]
    print(f"  {title:44} p50 {statistics.median(ordered):8.1f}  p95 {late:8.1f}  first {first:8.1f} ms", flush=True)


async def pages(admin: Admin, jobs: int) -> None:
    """Time pages, filters and counts."""
    print("\npages of 50 jobs")
    for filter in ("", "state:waiting", "state:failed", "state:completed"):
        await timed(f"{filter or 'all'}, start", partial(admin.jobs.page, filter))
        end = await admin.jobs.page(filter, reverse=True)
        await timed(f"{filter or 'all'}, end", partial(admin.jobs.page, filter, reverse=True))
        if end.next:
            await timed(
                f"{filter or 'all'}, before the end", partial(admin.jobs.page, filter, reverse=True, cursor=end.next)
            )
    cursor, walked = None, 0
    while walked < jobs // 6:
        page = await admin.jobs.page("state:waiting", cursor=cursor, limit=500)
        cursor, walked = page.next, walked + len(page.rows)
    await timed("state:waiting, middle", partial(admin.jobs.page, "state:waiting", cursor=cursor))
    print("\nfilters, to the first page, and counts")
    for filter in ("state:failed fp:fp7", "state:failed type:send", "state:failed wrong", "user77@example.com"):
        await timed(filter, partial(admin.jobs.page, filter), 10)
        await timed(f"count {filter}", partial(admin.jobs.count, filter), 5)
    await timed("dead letters by group", lambda: admin.dead_letters.groups(), 10)
    await timed("dead letters of one group", lambda: admin.dead_letters.page("fp:fp7"), 10)


async def snapshot(admin: Admin, redis: Redis) -> None:
    """Time a live snapshot and count its commands."""
    await admin.live.snapshot()
    await redis.config_resetstat()
    await admin.live.snapshot()
    stats = await redis.info("commandstats")
    commands = sum(of["calls"] for name, of in stats.items() if "resetstat" not in name and not name.endswith("info"))
    print(f"\nlive snapshot: {commands} commands")
    await timed("live snapshot", admin.live.snapshot)


async def bulk(admin: Admin, url: str, verb: Any, filter: str) -> None:
    """Run an operation on 100,000 jobs at most and print its time and the worst ping of another client."""
    start = time.perf_counter()
    plan = await admin.operations.plan(verb, filter, limit=100_000)
    planned_ms = (time.perf_counter() - start) * 1000
    await admin.operations.start(plan.operation.id, confirm=plan.confirm_text)

    async def drive() -> None:
        async for view in admin.operations.run(plan.operation.id):
            done[0] = view.done

    done = [0]
    seconds, worst_ms = await pinged(url, drive())
    print(
        f"  {verb} {filter}: plan {planned_ms:.0f} ms; {done[0]:,} in {seconds:.2f} s; worst ping {worst_ms:.1f} ms",
        flush=True,
    )


def start_ups() -> None:
    """Print the command line's start-up beside bare Python."""
    commands = {
        "bare Python": ["-c", "pass"],
        "qconsole --help": ["-m", "qconsole.cli", "--help"],
        "qconsole version": ["-m", "qconsole.cli", "--version"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(15):
        for name, arguments in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
            times[name].append(time.perf_counter() - start)
    print("\nstart-up")
    bare = statistics.median(times["bare Python"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"  {name:20}{median * 1000:8.0f} ms  {median / bare:5.1f}x of bare Python")


async def measure(url: str, jobs: int) -> None:
    """Fill the server and print everything."""
    start = time.perf_counter()
    await fill(url, jobs)
    redis = connect(url)
    size = (await redis.info("memory"))["used_memory_dataset"]
    print(f"{jobs:,} jobs written in {time.perf_counter() - start:.0f} s; {size / 2**20:,.0f} MiB of data")
    async with await Admin.open(url, actor=ACTOR) as admin:
        await pages(admin, jobs)
        await snapshot(admin, redis)
        print("\nbulk")
        seconds, worst_ms = await pinged(url, asyncio.sleep(3))
        print(f"  nothing for {seconds:.0f} s: worst ping {worst_ms:.1f} ms")
        await bulk(admin, url, "retry", "state:failed queue:email")
        await bulk(admin, url, "remove", "state:waiting queue:outbox")
    await redis.aclose()


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.console", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    asked = parser.parse_args()
    start_ups()
    with (
        tempfile.TemporaryDirectory(prefix="bench-console-") as folder,
        EmbeddedServer(Path(folder), options={"appendonly": "no"}) as server,
    ):
        asyncio.run(measure(server.url, asked.jobs))


if __name__ == "__main__":
    main()
