"""rq: its SimpleWorker (one job at a time, in the worker's own process: its fastest)."""

import logging
import threading
import time

from _meter import PICKUP_EVERY_S, Meter, arguments
from redis import Redis
from rq import Queue, SimpleWorker

mode, url, jobs, concurrency = arguments()
meter = Meter(jobs)
logging.disable(logging.CRITICAL)


def noop(n, sent_s=0.0):
    import __main__

    __main__.meter.tick(sent_s)


def work(connection, queue):
    SimpleWorker([queue], connection=connection).work(burst=False, logging_level="CRITICAL")


def send_at_intervals(queue):
    time.sleep(2)
    for n in range(jobs):
        time.sleep(PICKUP_EVERY_S)
        queue.enqueue("__main__.noop", n, time.time())


if __name__ == "__main__":
    connection = Redis.from_url(url)
    queue = Queue(connection=connection)
    if mode == "pickup":
        threading.Thread(target=send_at_intervals, args=(Queue(connection=Redis.from_url(url)),), daemon=True).start()
        work(connection, queue)
    start = time.perf_counter()
    if mode == "bulk" or mode == "process":
        for at in range(0, jobs, 1000):
            queue.enqueue_many(
                [Queue.prepare_data("__main__.noop", args=(n,)) for n in range(at, min(at + 1000, jobs))]
            )
    else:
        for n in range(jobs):
            queue.enqueue("__main__.noop", n)
    if mode != "process":
        meter.finish(time.perf_counter() - start)
    work(connection, queue)
