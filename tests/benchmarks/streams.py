"""What open live streams cost: python -m tests.benchmarks.streams [--seconds N].

The web console is a process of its own, on six queues; one gets a job every 1.1 seconds. With 0, 1, 10 and 100
streams open, prints the commands a second that Redis is sent for them, the CPU share of the console's process, and how
long after a job was queued each stream says so; the console looks once a second.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client
from tests.benchmarks.bull_board.__main__ import QUEUES, Meter, fill
from tests.screenshots import served

EVERY_S: Final = 1.1
SETTLE_S: Final = 3.0


def _serve(redis_url: str, said: Any, stop: Any) -> None:
    with served(redis_url) as url:
        said.put(url)
        while not stop.wait(0.2):
            said.put(time.process_time())


class Console:
    """The web console in its own process."""

    def __init__(self, redis_url: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._said, self._stop = context.Queue(), context.Event()
        self._process = context.Process(target=_serve, args=(redis_url, self._said, self._stop))
        self._cpu_s = 0.0

    def __enter__(self) -> "Console":
        self._process.start()
        self.url: str = self._said.get(timeout=60)
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._process.join()

    def cpu_s(self) -> float:
        """Return the CPU time the process has taken, a fifth of a second old at most."""
        while not self._said.empty():
            self._cpu_s = self._said.get()
        return self._cpu_s


class Streams:
    """Open streams, and when each of them said something."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.heard_s: list[float] = []

    async def listen(self) -> None:
        """Read one stream until cancelled."""
        reader, writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        writer.write(f"GET {self._parts.path}/live HTTP/1.1\r\nHost: {self._parts.netloc}\r\n\r\n".encode())
        try:
            if b" 200 " not in await reader.readline():
                raise RuntimeError("the console refuses the stream")
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    self.heard_s.append(time.perf_counter())
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def opened(streams: Streams, count: int) -> AsyncIterator[None]:
    """Keep some streams open."""
    tasks = [asyncio.create_task(streams.listen()) for _ in range(count)]
    try:
        await asyncio.sleep(SETTLE_S)
        for task in tasks:
            if task.done():
                task.result()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure(redis_url: str, console: Console, count: int, seconds: float) -> dict[str, float]:
    """Measure with some streams open."""
    streams, meter = Streams(console.url), Meter(redis_url)
    waits: list[float] = []
    async with await Client.connect(redis_url) as client, opened(streams, count):
        await client.enqueue("work", {}, queue=QUEUES[0])
        await asyncio.sleep(1)
        meter.take()
        before_s, begun_s, own = console.cpu_s(), time.perf_counter(), 0
        while time.perf_counter() - begun_s < seconds:
            streams.heard_s.clear()
            queued_s = time.perf_counter()
            await client.enqueue("work", {}, queue=QUEUES[0])
            own += 1
            await asyncio.sleep(EVERY_S)
            waits += [(heard_s - queued_s) * 1000 for heard_s in streams.heard_s[:count]]
        took_s = time.perf_counter() - begun_s
        figures = {
            "commands/s": (meter.take() - own) / took_s,
            "console's CPU %": (console.cpu_s() - before_s) / took_s * 100,
        }
    await meter.close()
    if waits:
        waits.sort()
        figures |= {"p50 ms": statistics.median(waits), "p99 ms": waits[int(len(waits) * 0.99)]}
    return figures


async def run(seconds: float) -> None:
    """Measure all and print."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, EmbeddedServer(Path(folder)) as server:
        await fill(server.url)
        with Console(server.url) as console:
            for count in (0, 1, 10, 100):
                figures = await measure(server.url, console, count, seconds)
                shown = "  ".join(f"{name} {value:,.1f}" for name, value in figures.items())
                print(f"{count:4} streams  {shown}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.streams", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    asyncio.run(run(parser.parse_args().seconds))
