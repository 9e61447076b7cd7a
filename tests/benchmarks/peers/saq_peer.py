"""saq: one event loop, its default Redis queue."""

import asyncio
import time

import uvloop
from _meter import PICKUP_EVERY_S, Meter, arguments
from saq import Queue, Worker

mode, url, jobs, concurrency = arguments()
meter = Meter(jobs)


async def noop(ctx, *, n, sent_s=0.0):
    meter.tick(sent_s)


async def send_at_intervals(queue):
    for n in range(jobs):
        await asyncio.sleep(PICKUP_EVERY_S)
        await queue.enqueue("noop", n=n, sent_s=time.time())


async def main():
    queue = Queue.from_url(url)
    await queue.connect()
    if mode == "pickup":
        sender = asyncio.create_task(send_at_intervals(queue))
        await asyncio.gather(sender, Worker(queue, functions=[noop], concurrency=concurrency).start())
    start = time.perf_counter()
    if mode == "bulk":
        for at in range(0, jobs, 100):
            await asyncio.gather(*(queue.enqueue("noop", n=n) for n in range(at, min(at + 100, jobs))))
    else:
        for n in range(jobs):
            await queue.enqueue("noop", n=n)
    if mode != "process":
        meter.finish(time.perf_counter() - start)
    await Worker(queue, functions=[noop], concurrency=concurrency).start()


uvloop.run(main())
