"""streaq: one event loop, its default settings."""

import time

import anyio
from _meter import PICKUP_EVERY_S, Meter, arguments
from streaq import Worker

mode, url, jobs, concurrency = arguments()
meter = Meter(jobs)
worker = Worker(redis_url=url, concurrency=concurrency)


@worker.task()
async def noop(n: int, sent_s: float = 0.0) -> None:
    meter.tick(sent_s)


async def send_at_intervals():
    for n in range(jobs):
        await anyio.sleep(PICKUP_EVERY_S)
        await noop.enqueue(n, time.time())


async def main():
    if mode == "pickup":
        async with anyio.create_task_group() as group:
            await group.start(worker.run_async)
            await send_at_intervals()
    async with worker:
        start = time.perf_counter()
        if mode in ("bulk", "process"):
            for at in range(0, jobs, 1000):
                await worker.enqueue_many([noop.enqueue(n) for n in range(at, min(at + 1000, jobs))])
        else:
            for n in range(jobs):
                await noop.enqueue(n)
        if mode != "process":
            meter.finish(time.perf_counter() - start)
    await worker.run_async()


anyio.run(main, backend_options={"use_uvloop": True})
