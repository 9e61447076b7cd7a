"""Counts no-op jobs and ends the process with one JSON line when the last is done; standard library only."""

import json
import os
import sys
import time


class Meter:
    """Notes when jobs end; after `jobs` of them it prints the figures and ends the process at once."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.done = 0
        self.first_s = 0.0
        self.latencies_ms: list[float] = []

    def tick(self, sent_s: float = 0.0) -> None:
        """Count a job that ran; `sent_s` is the wall time at which it was enqueued, 0 when nobody asks."""
        now_s = time.perf_counter()
        if sent_s:
            self.latencies_ms.append((time.time() - sent_s) * 1000)
        if not self.done:
            self.first_s = now_s
        self.done += 1
        if self.done == self.jobs:
            self.finish(now_s - self.first_s)

    def finish(self, seconds: float) -> None:
        """Print the figures and end."""
        answer = {"jobs": self.jobs, "seconds": seconds, "latencies_ms": sorted(self.latencies_ms)}
        os.write(1, json.dumps(answer).encode() + b"\n")  # celery puts a logger in the place of sys.stdout
        os._exit(0)


def arguments() -> tuple[str, str, int, int]:
    """Return mode (`process`, `enqueue`, `bulk`, `pickup`), Redis URL, number of jobs, concurrency."""
    mode, url, jobs, concurrency = sys.argv[1:5]
    return mode, url, int(jobs), int(concurrency)


PICKUP_EVERY_S = 0.02
