"""dramatiq: a worker with `concurrency` threads, no results (its default)."""

import threading
import time

import dramatiq
from _meter import PICKUP_EVERY_S, Meter, arguments
from dramatiq.brokers.redis import RedisBroker
from dramatiq.worker import Worker

mode, url, jobs, concurrency = arguments()
meter = Meter(jobs)
lock = threading.Lock()
broker = RedisBroker(url=url)
dramatiq.set_broker(broker)


@dramatiq.actor
def noop(n, sent_s=0.0):
    with lock:
        meter.tick(sent_s)


def work():
    worker = Worker(broker, worker_threads=concurrency)
    worker.start()
    return worker


if mode == "pickup":
    work()
    for n in range(jobs):
        time.sleep(PICKUP_EVERY_S)
        noop.send(n, time.time())
    time.sleep(30)
else:
    start = time.perf_counter()
    for n in range(jobs):
        noop.send(n)
    if mode != "process":
        meter.finish(time.perf_counter() - start)
    work()
    time.sleep(600)
