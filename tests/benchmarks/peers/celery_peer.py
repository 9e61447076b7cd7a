"""celery on Redis with the threads pool and results off (`ignore_result`), prefetching its default."""

import threading
import time

from _meter import PICKUP_EVERY_S, Meter, arguments
from celery import Celery

mode, url, jobs, concurrency = arguments()
meter = Meter(jobs)
lock = threading.Lock()
app = Celery("peer", broker=url)
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)


@app.task(name="noop")
def noop(n, sent_s=0.0):
    with lock:
        meter.tick(sent_s)


def work():
    app.Worker(
        pool="threads", concurrency=concurrency, loglevel="ERROR", without_mingle=True, without_gossip=True, quiet=True
    ).start()


def send_at_intervals():
    time.sleep(3)
    for n in range(jobs):
        time.sleep(PICKUP_EVERY_S)
        noop.delay(n, time.time())


if mode == "pickup":
    threading.Thread(target=send_at_intervals, daemon=True).start()
    work()
else:
    start = time.perf_counter()
    for n in range(jobs):
        noop.delay(n)
    if mode != "process":
        meter.finish(time.perf_counter() - start)
    work()
