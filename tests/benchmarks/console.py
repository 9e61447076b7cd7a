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
from tests.benchmarks.raw import Raw

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


Figures = dict[str, dict[str, float]]
"""What was measured, by title."""


async def timed(figures: Figures, title: str, call: Callable[[], Awaitable[Any]], samples: int = SAMPLES) -> None:
    """Note and print p50, p95 and the first call's time in milliseconds."""
    times = []
    for _ in range(samples):
        start = time.perf_counter()
        await call()
        times.append((time.perf_counter() - start) * 1000)
    first, ordered = times[0], sorted(times)
    p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    figures[title] = {"p50": p50, "p95": p95, "first": first}
    print(f"  {title:44} p50 {p50:8.1f}  p95 {p95:8.1f}  first {first:8.1f} ms", flush=True)


async def pages(admin: Admin, jobs: int, figures: Figures) -> None:
    """Time pages, filters and counts."""
    print("\npages of 50 jobs")
    for filter in ("", "state:waiting", "state:failed", "state:completed"):
        title, page = filter or "all", partial(admin.jobs.page, filter)
        await timed(figures, f"{title}, start", page)
        end = await page(reverse=True)
        await timed(figures, f"{title}, end", partial(page, reverse=True))
        if end.next:
            await timed(figures, f"{title}, before the end", partial(page, reverse=True, cursor=end.next))
    cursor, walked = None, 0
    while walked < jobs // 6:
        walk = await admin.jobs.page("state:waiting", cursor=cursor, limit=500)
        cursor, walked = walk.next, walked + len(walk.rows)
    await timed(figures, "state:waiting, middle", partial(admin.jobs.page, "state:waiting", cursor=cursor))
    print("\nfilters, to the first page, and counts")
    for filter in ("state:failed fp:fp7", "state:failed type:send", "state:failed wrong", "user77@example.com"):
        await timed(figures, filter, partial(admin.jobs.page, filter), 10)
        await timed(figures, f"count {filter}", partial(admin.jobs.count, filter), 5)
    await timed(figures, "dead letters by group", lambda: admin.dead_letters.groups(), 10)
    await timed(figures, "dead letters of one group", lambda: admin.dead_letters.page("fp:fp7"), 10)


async def snapshot(admin: Admin, redis: Redis, figures: Figures) -> None:
    """Time a live snapshot and count its commands."""
    await admin.live.snapshot()
    await redis.config_resetstat()
    await admin.live.snapshot()
    stats = await redis.info("commandstats")
    commands = sum(of["calls"] for name, of in stats.items() if "resetstat" not in name and not name.endswith("info"))
    print(f"\nlive snapshot: {commands} commands")
    await timed(figures, "live snapshot", admin.live.snapshot)
    figures["live snapshot"]["commands"] = commands


async def bulk(admin: Admin, url: str, verb: Any, filter: str) -> dict[str, float]:
    """Run an operation on 100,000 jobs at most; returns and prints its time and another client's worst ping."""
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
    return {"jobs": done[0], "seconds": seconds, "worst_ms": worst_ms}


def start_ups() -> dict[str, float]:
    """Return and print the medians of the command line's start-up in ms, beside bare Python's."""
    commands = {
        "bare Python": ["-c", "pass"],
        "qconsole --help": ["-m", "qconsole.cli", "--help"],
        "qconsole --version": ["-m", "qconsole.cli", "--version"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(15):
        for name, arguments in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
            times[name].append(time.perf_counter() - start)
    print("\nstart-up")
    medians = {name: statistics.median(taken) * 1000 for name, taken in times.items()}
    for name, median in medians.items():
        print(f"  {name:20}{median:8.0f} ms  {median / medians['bare Python']:5.1f}x of bare Python")
    return medians


async def measure(url: str, jobs: int) -> dict[str, Any]:
    """Fill the server; prints and returns everything."""
    start, figures = time.perf_counter(), Figures()
    await fill(url, jobs)
    redis = connect(url)
    size = (await redis.info("memory"))["used_memory_dataset"]
    filled = {"jobs": jobs, "seconds": time.perf_counter() - start, "mib": size / 2**20}
    print(f"{jobs:,} jobs written in {filled['seconds']:.0f} s; {filled['mib']:,.0f} MiB of data")
    async with await Admin.open(url, actor=ACTOR) as admin:
        await pages(admin, jobs, figures)
        await snapshot(admin, redis, figures)
        print("\nbulk")
        seconds, worst_ms = await pinged(url, asyncio.sleep(3))
        print(f"  nothing for {seconds:.0f} s: worst ping {worst_ms:.1f} ms")
        figures["nothing"] = {"seconds": seconds, "worst_ms": worst_ms}
        figures["retry"] = await bulk(admin, url, "retry", "state:failed queue:email")
        figures["remove"] = await bulk(admin, url, "remove", "state:waiting queue:outbox")
    await redis.aclose()
    return {"filled": filled, "times": figures}


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.console", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--raw", type=Path, help="also write the figures to this JSON file")
    asked = parser.parse_args()
    raw = Raw(asked.raw)
    started = start_ups()
    with (
        tempfile.TemporaryDirectory(prefix="bench-console-") as folder,
        EmbeddedServer(Path(folder), options={"appendonly": "no"}) as server,
    ):
        raw.note_server(server.url)
        figures = asyncio.run(measure(server.url, asked.jobs))
    raw.save({**figures, "start_ups": started})


if __name__ == "__main__":
    main()
