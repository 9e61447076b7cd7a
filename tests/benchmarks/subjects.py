"""One measurement in a process of its own: python -m tests.benchmarks.subjects URL SUBJECT MEASURE [key=value …].

Prints one JSON object. Every subject runs no-op jobs with its fastest documented settings.
"""

import asyncio
import contextlib
import json
import logging
import multiprocessing
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Worker as ArqWorker
from arq.worker import func

from qconsole.redis.connect import connect
from qconsole.runtime import QueuePolicy, job_type
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.client import Client
from qconsole.runtime.log_lines import lines_to_stderr
from qconsole.runtime.scripts import Script

PAYLOAD: dict[str, Any] = {"document_id": "doc-1", "tags": ["a", "b"], "note": "x" * 120}


class Meter:
    """Notes when the first and the last job of this process started, as the peers' runners do: no start-up counts."""

    def __init__(self) -> None:
        self.done = 0
        self.first_s = self.last_s = self.first_cpu_s = 0.0

    def tick(self) -> None:
        """Count a job that runs."""
        self.last_s = time.monotonic()
        if not self.done:
            self.first_s, self.first_cpu_s = self.last_s, time.process_time()
        self.done += 1


METER = Meter()


async def nothing(ctx: dict[Any, Any], **kwargs: Any) -> None:
    """The no-op of arq."""
    METER.tick()


@job_type("nothing", queue="bench")
async def nothing_declared(ctx: Any, payload: dict[str, Any]) -> None:
    """The no-op of ours."""
    METER.tick()


class Subject:
    """A queue system under measurement; `keeps` is how many completed jobs its retention leaves."""

    keeps = sys.maxsize

    def __init__(self, url: str, options: dict[str, str]) -> None:
        self.url = url
        self.options = options
        self.name = next(name for name, kind in SUBJECTS.items() if kind is type(self))
        self.concurrency = int(options.get("concurrency", "10"))
        self.jobs = int(options.get("jobs", "5000"))

    async def open(self) -> None: ...

    async def enqueue_one(self) -> None: ...

    async def enqueue_all(self, jobs: int) -> None: ...

    async def work(self) -> None:
        """Work until the queue is empty."""

    def worker(self, on_start: Callable[[], None]) -> Coroutine[Any, Any, None]:
        """Return an idle worker that calls back when a job starts."""
        raise NotImplementedError


class Arq(Subject):
    """arq 0.28: `tuned` does not wait between polls."""

    poll_delay = 0.5

    async def open(self) -> None:
        self.pool: ArqRedis = await create_pool(RedisSettings.from_dsn(self.url))

    async def enqueue_one(self) -> None:
        await self.pool.enqueue_job("nothing", **PAYLOAD)

    async def enqueue_all(self, jobs: int) -> None:
        for start in range(0, jobs, 100):
            await asyncio.gather(*(self.enqueue_one() for _ in range(min(100, jobs - start))))

    def _worker(self, functions: list[Any], burst: bool) -> ArqWorker:
        return ArqWorker(
            functions,
            redis_settings=RedisSettings.from_dsn(self.url),
            burst=burst,
            poll_delay=self.poll_delay,
            max_jobs=self.concurrency,
            handle_signals=False,
        )

    async def work(self) -> None:
        await self._worker([nothing], True).main()

    def worker(self, on_start: Callable[[], None]) -> Coroutine[Any, Any, None]:
        async def started(ctx: dict[Any, Any], **kwargs: Any) -> None:
            on_start()

        return self._worker([func(started, name="nothing")], False).main()


class ArqTuned(Arq):
    """arq without its pause between polls."""

    poll_delay = 0.0


class OursPlain(Arq):
    """Our worker with an unchanged arq app's functions, records on."""

    keeps = QueuePolicy().retention.completed or sys.maxsize

    def _worker(self, functions: list[Any], burst: bool) -> ArqWorker:
        return Worker(
            functions, redis_url=self.url, records=True, burst=burst, max_jobs=self.concurrency, handle_signals=False
        )


class Ours(Subject):
    """Declared job types, records on."""

    keeps = OursPlain.keeps

    async def open(self) -> None:
        self.client = await Client.connect(self.url)

    async def enqueue_one(self) -> None:
        await self.client.enqueue(nothing_declared, PAYLOAD)

    async def enqueue_all(self, jobs: int) -> None:
        await self.client.enqueue_many(nothing_declared, [PAYLOAD] * jobs)

    def _worker(self, declared: Any, burst: bool) -> Worker:
        return Worker(
            job_types=[declared],
            queues={"bench": QueuePolicy(concurrency=self.concurrency)},
            redis_url=self.url,
            burst=burst,
            handle_signals=False,
        )

    async def work(self) -> None:
        await self._worker(nothing_declared, True).main()

    def worker(self, on_start: Callable[[], None]) -> Coroutine[Any, Any, None]:
        @job_type("nothing", queue="bench")
        async def started(ctx: Any, payload: dict[str, Any]) -> None:
            on_start()

        return self._worker(started, False).main()


class Bare(Ours):
    """The limit: the same jobs moved by the smallest script that claims and settles ids, over the same connection.

    No lease, payload, result, record, counter or event; nothing is run.
    """

    turn = Script(
        "bare",
        """
        if #ARGV > 1 then
          redis.call('ZREM', KEYS[2], unpack(ARGV, 2))
          redis.call('SADD', KEYS[3], unpack(ARGV, 2))
        end
        local found = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
        local ids, places = {}, {}
        for i = 1, #found, 2 do
          ids[#ids + 1], places[i], places[i + 1] = found[i], found[i + 1], found[i]
        end
        if #ids > 0 then
          redis.call('ZADD', KEYS[2], unpack(places))
        end
        return ids
        """,
    )

    async def work(self) -> None:
        claimed: list[bytes] = []
        keys = ("bench", "bench-active", "bench-ended")
        while claimed := await self.turn.run(self.client.redis, keys, (self.concurrency, *claimed)):
            for _ in claimed:
                METER.tick()


SUBJECTS: dict[str, type[Subject]] = {
    "arq": Arq,
    "arq-tuned": ArqTuned,
    "ours": Ours,
    "ours-arq-app": OursPlain,
    "bare": Bare,
}


async def process(subject: Subject) -> dict[str, Any]:
    """Jobs a second, worker's CPU, what the server did per job, and the memory that jobs take."""
    redis = connect(subject.url)
    await subject.enqueue_one()
    empty = await _used_bytes(redis)
    await subject.enqueue_all(subject.jobs - 1)
    waiting = await _used_bytes(redis)
    await redis.config_resetstat()
    before = await redis.info("cpu")
    await subject.work()
    cpu_s = time.process_time() - METER.first_cpu_s
    if METER.done != subject.jobs:
        raise RuntimeError(f"{METER.done} of {subject.jobs} jobs ran")
    return {
        "rate": subject.jobs / (METER.last_s - METER.first_s),
        "worker_us": cpu_s / subject.jobs * 1e6,
        **await _server_costs(redis, before, subject.jobs),
        "waiting_bytes": (waiting - empty) / subject.jobs,
        "completed_bytes": (await _used_bytes(redis) - empty) / min(subject.jobs, subject.keeps),
    }


async def _server_costs(redis: Any, before: dict[str, float], jobs: int) -> dict[str, float]:
    """Return the server's CPU time, commands and scripts for each job since CONFIG RESETSTAT and INFO CPU."""
    after, stats = await redis.info("cpu"), await redis.info("commandstats")
    server_s = sum(after[k] - before[k] for k in ("used_cpu_user", "used_cpu_sys"))
    calls = {k.removeprefix("cmdstat_"): v["calls"] for k, v in stats.items()}
    scripts = calls.get("evalsha", 0) + calls.get("eval", 0)
    return {
        "server_us": server_s / jobs * 1e6,
        "commands": sum(calls.values()) / jobs,
        "scripts": scripts / jobs,
    }


async def _used_bytes(redis: Any) -> int:
    """Return the data set's bytes, without the clients' buffers and the append-only file's."""
    return int((await redis.info("memory"))["used_memory_dataset"])


def _work_in_process(url: str, name: str, options: dict[str, str], start: Any, meters: Any) -> None:
    subject = SUBJECTS[name](url, options)

    async def work() -> None:
        await subject.open()
        start.wait()
        await subject.work()
        meters.put((METER.first_s, METER.last_s, time.process_time() - METER.first_cpu_s))

    with asyncio.Runner(loop_factory=_loop_factory(options)) as runner:
        runner.run(work())


async def pair(subject: Subject) -> dict[str, Any]:
    """Jobs a second of two worker processes together, from the first job that either starts to the last."""
    redis = connect(subject.url)
    await subject.enqueue_all(subject.jobs)
    await redis.config_resetstat()
    before = await redis.info("cpu")
    context = multiprocessing.get_context("spawn")
    start, meters = context.Barrier(2), context.Queue()
    arguments = (subject.url, subject.name, subject.options, start, meters)
    workers = [context.Process(target=_work_in_process, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    first_s, last_s, cpu_s = zip(*(meters.get(timeout=120) for _ in workers), strict=True)
    for worker in workers:
        worker.join()
    return {
        "rate": subject.jobs / (max(last_s) - min(first_s)),
        "worker_us": sum(cpu_s) / subject.jobs * 1e6,
        **await _server_costs(redis, before, subject.jobs),
    }


async def enqueue(subject: Subject) -> dict[str, Any]:
    """Jobs queued a second, one call after the other."""
    await subject.enqueue_one()
    start = time.perf_counter()
    for _ in range(subject.jobs):
        await subject.enqueue_one()
    return {"rate": subject.jobs / (time.perf_counter() - start)}


async def bulk(subject: Subject) -> dict[str, Any]:
    """Jobs queued a second, as many at once as the client can."""
    await subject.enqueue_one()
    start = time.perf_counter()
    await subject.enqueue_all(subject.jobs)
    return {"rate": subject.jobs / (time.perf_counter() - start)}


async def pickup(subject: Subject) -> dict[str, Any]:
    """Milliseconds from the call to enqueue until an idle worker's handler runs."""
    started = asyncio.Event()
    worker = asyncio.create_task(subject.worker(started.set))
    waits = []
    await asyncio.sleep(1.0)
    for i in range(subject.jobs):
        await asyncio.sleep(0.02 + 0.0007 * (i % 23))
        started.clear()
        start = time.perf_counter()
        await subject.enqueue_one()
        await started.wait()
        waits.append((time.perf_counter() - start) * 1000)
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker
    waits.sort()
    return {"p50": waits[len(waits) // 2], "p99": waits[int(len(waits) * 0.99)]}


MEASURES = {"process": process, "enqueue": enqueue, "bulk": bulk, "pickup": pickup, "pair": pair}


def _loop_factory(options: dict[str, str]) -> Any:
    return uvloop.new_event_loop if options.get("loop") == "uvloop" else None


async def main(url: str, name: str, measure: str, options: dict[str, str]) -> None:
    """Measure and print."""
    subject = SUBJECTS[name](url, options)
    await subject.open()
    print(json.dumps(await MEASURES[measure](subject)))


if __name__ == "__main__":
    url, name, measure, *rest = sys.argv[1:]
    options = dict(part.split("=", 1) for part in rest)
    if options.get("logging") == "arq":
        logging.basicConfig(level=logging.INFO, format="%(asctime)s: %(message)s")
    with (
        lines_to_stderr() if options.get("logging") == "ours" else contextlib.nullcontext(),
        asyncio.Runner(loop_factory=_loop_factory(options)) as runner,
    ):
        runner.run(main(url, name, measure, options))
