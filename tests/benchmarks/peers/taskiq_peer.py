"""taskiq with taskiq-redis' list broker and its Redis result backend."""

import asyncio
import time

import uvloop
from _meter import PICKUP_EVERY_S, Meter, arguments
from taskiq.api import run_receiver_task
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

mode, url, jobs, concurrency = arguments()
meter = Meter(jobs)
broker = ListQueueBroker(url, max_connection_pool_size=200).with_result_backend(
    RedisAsyncResultBackend(url, result_ex_time=3600, max_connection_pool_size=200)
)


@broker.task(task_name="noop")
async def noop(n, sent_s=0.0):
    meter.tick(sent_s)


async def send_at_intervals():
    for n in range(jobs):
        await asyncio.sleep(PICKUP_EVERY_S)
        await noop.kiq(n, time.time())


async def main():
    await broker.startup()
    if mode == "pickup":
        sender = asyncio.create_task(send_at_intervals())
        await asyncio.gather(sender, run_receiver_task(broker, max_async_tasks=concurrency))
    start = time.perf_counter()
    if mode == "bulk":
        for at in range(0, jobs, 100):
            await asyncio.gather(*(noop.kiq(n) for n in range(at, min(at + 100, jobs))))
    else:
        for n in range(jobs):
            await noop.kiq(n)
    if mode != "process":
        meter.finish(time.perf_counter() - start)
    await run_receiver_task(broker, max_async_tasks=concurrency)


uvloop.run(main())
