"""How costs grow: python -m tests.benchmarks.growth [--only WORD] [--repeats N] [--share PART] [--images FOLDER].

Every figure that can be is CPU time, of the worker's process and of the server's, so that a busy machine hardly
matters. Prints a table for each study and draws it.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client, Flow, QueuePolicy, Retention, job_type
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.heartbeat import Heartbeat, resident_bytes
from qconsole.runtime.server_clock import ServerClock
from tests.benchmarks.console import ACTOR, completed_jobs, pinged
from tests.benchmarks.raw import Raw
from tests.benchmarks.subjects import PAYLOAD, Ours, nothing_declared

WORKED: Final = 10_000
"""Jobs that are worked for one figure."""
IMAGES: Final = Path(__file__).parents[2] / "docs/images"


@job_type("gather", queue="bench")
async def gather(ctx: Any, payload: dict[str, Any]) -> None:
    """The parent of a flow: does nothing."""


@dataclass(slots=True)
class Chart:
    """One study: lines of (x, y) by name, y the median of the repeats."""

    name: str
    title: str
    x: str
    y: str
    log: bool = True
    lines: dict[str, dict[float, list[float]]] = field(default_factory=dict)

    def note(self, x: float, values: dict[str, float]) -> None:
        """Take in one measurement."""
        for name, value in values.items():
            self.lines.setdefault(name, {}).setdefault(x, []).append(value)
        print(f"  {self.name} {x:>12,.0f}  " + "  ".join(f"{n} {v:,.2f}" for n, v in values.items()), flush=True)

    def points(self, name: str) -> list[tuple[float, float]]:
        """Return a line's medians by x."""
        return [(x, statistics.median(values)) for x, values in sorted(self.lines[name].items())]

    def table(self) -> str:
        """Return the medians as text."""
        names = list(self.lines)
        rows = [f"\n{self.title}", f"  {self.x:>20}" + "".join(f"{name:>30}" for name in names)]
        for x in sorted({x for line in self.lines.values() for x in line}):
            cells = (dict(self.points(name)).get(x) for name in names)
            rows.append(f"  {x:>20,.0f}" + "".join(f"{'' if c is None else format(c, ',.2f'):>30}" for c in cells))
        return "\n".join(rows)

    def draw(self, folder: Path) -> None:
        """Save the chart as `growth-<name>.png`."""
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(6, 3.2), dpi=110, layout="constrained")
        for name in self.lines:
            axes.plot(*zip(*self.points(name), strict=True), marker="o", markersize=3.5, label=name)
        axes.set(title=self.title, xlabel=self.x, ylabel=self.y)
        if self.log:
            axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(folder / f"growth-{self.name}.png")
        pyplot.close(figure)


class Bench:
    """A server, and what the studies share."""

    def __init__(self, url: str, share: float) -> None:
        self.url = url
        self.share = share
        self.redis: Redis = connect(url)

    def many(self, jobs: int) -> int:
        """Return a share of a number of jobs."""
        return max(10, round(jobs * self.share))

    async def spent(self, work: Awaitable[Any]) -> tuple[float, float]:
        """Return the CPU microseconds that some work takes: this process', and the server's."""
        server_s, own_s = await self._server_s(), time.process_time()
        await work
        own_s = time.process_time() - own_s
        return own_s * 1e6, (await self._server_s() - server_s) * 1e6

    async def _server_s(self) -> float:
        cpu = await self.redis.info("cpu")
        return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])

    async def flush(self) -> None:
        """Empty the server."""
        await self.redis.execute_command("FLUSHALL", "SYNC")  # type: ignore[no-untyped-call]

    async def fill(self, jobs: int, queue: str = "bench") -> None:
        """Queue no-op jobs."""
        async with await Client.connect(self.url) as client:
            for start in range(0, jobs, 50_000):
                payloads = [PAYLOAD] * min(50_000, jobs - start)
                await client.enqueue_many(nothing_declared, payloads, queue=queue)

    async def work(self, **options: Any) -> None:
        """Work until the queues are empty, or as long as the options say."""
        queues = options.pop("queues", {"bench": QueuePolicy()})
        worker = Worker(
            job_types=[nothing_declared, gather],
            queues=queues,
            redis_url=self.url,
            burst=True,
            handle_signals=False,
            **options,
        )
        try:
            await worker.main()
        finally:
            await worker.close()


async def depth(bench: Bench, chart: Chart) -> None:
    """Cost of working and of queueing a job while many wait."""
    jobs = bench.many(WORKED)
    for queued in map(bench.many, (1_000, 10_000, 100_000, 1_000_000)):
        await bench.flush()
        await bench.fill(queued)
        filling = await bench.spent(bench.fill(jobs))
        working = await bench.spent(bench.work(max_burst_jobs=jobs))
        figures = [cost / jobs for cost in (*working, *filling)]
        chart.note(
            queued,
            {"worker": figures[0], "server": figures[1], "producer": figures[2], "server when queueing": figures[3]},
        )


async def retained(bench: Bench, chart: Chart) -> None:
    """Cost of working a job while many completed ones are kept, and each pushes one out."""
    jobs = bench.many(WORKED)
    for kept in map(bench.many, (1_000, 10_000, 50_000, 200_000)):
        await bench.flush()
        await completed_jobs(bench.redis, kept, "bench", round(time.time() * 1000))
        await bench.fill(jobs)
        policy = QueuePolicy(retention=Retention(completed=kept))
        worker, server = await bench.spent(bench.work(queues={"bench": policy}))
        assert await bench.redis.zcard("qc:{bench}:completed") == kept
        chart.note(kept, {"worker": worker / jobs, "server": server / jobs})


def feed(url: str, jobs: int, ahead: int) -> None:
    """Keep the queue filled until all jobs are queued; runs in a process of its own."""

    async def run() -> None:
        bench, fed = Bench(url, 1.0), 0
        while fed < jobs:
            if await bench.redis.zcard("bench") < ahead:
                await bench.fill(part := min(ahead, jobs - fed))
                fed += part
            else:
                await asyncio.sleep(0.05)

    asyncio.run(run())


async def memory(bench: Bench, chart: Chart) -> None:
    """A worker's memory and cost over a million jobs."""
    await bench.flush()
    jobs = bench.many(1_000_000)
    step = jobs // 20
    feeder = multiprocessing.get_context("spawn").Process(target=feed, args=(bench.url, jobs, step // 2))
    subject = Ours(bench.url, {})
    worker = subject._worker(nothing_declared, burst=False)
    feeder.start()
    main = asyncio.create_task(worker.main())
    done, cpu_s = 0, time.process_time()
    try:
        for wanted in range(step, jobs + 1, step):
            while worker.jobs_complete < wanted:
                if main.done():
                    await main
                await asyncio.sleep(0.02)
            cost = (time.process_time() - cpu_s) / (worker.jobs_complete - done) * 1e6
            done, cpu_s = worker.jobs_complete, time.process_time()
            chart.note(done, {"resident MiB": resident_bytes() / 2**20, "worker µs a job": cost})
    finally:
        main.cancel()
        await asyncio.gather(main, return_exceptions=True)
        await worker.close()
        feeder.join()


async def queues(bench: Bench, chart: Chart) -> None:
    """Cost of working a job, and of standing idle, with one worker on many queues."""
    jobs = bench.many(WORKED)
    for count in (1, 10, 50, 200):
        await bench.flush()
        names = {f"bench-{n}": QueuePolicy() for n in range(count)}
        for name in names:
            await bench.fill(max(1, jobs // count), name)
        worker, server = await bench.spent(bench.work(queues=names))
        jobs_done = max(1, jobs // count) * count
        idle = await _idle(bench, names)
        async with await Admin.open(bench.url, actor=ACTOR) as admin:
            await admin.live.snapshot()
            _, snapshot = await bench.spent(admin.live.snapshot())
        chart.note(
            count,
            {
                "worker": worker / jobs_done,
                "server": server / jobs_done,
                "idle worker ms a second": idle[0],
                "idle server ms a second": idle[1],
                "snapshot server ms": snapshot / 1000,
            },
        )


async def _idle(bench: Bench, names: dict[str, QueuePolicy], seconds: float = 5.0) -> tuple[float, float]:
    """Return the CPU milliseconds a second of an idle worker and of the server."""
    worker = Worker(job_types=[nothing_declared], queues=names, redis_url=bench.url, handle_signals=False)
    main = asyncio.create_task(worker.main())
    try:
        await asyncio.sleep(2)
        own, server = await bench.spent(asyncio.sleep(seconds))
    finally:
        main.cancel()
        await asyncio.gather(main, return_exceptions=True)
        await worker.close()
    return own / seconds / 1000, server / seconds / 1000


class Silent:
    """The worker a simulated heartbeat speaks for."""

    def __init__(self, number: int) -> None:
        self.number = number

    def hear_word(self, queue: str, job_id: str, word: str) -> None: ...

    def hear_command(self, command: bytes) -> None: ...

    def hear_ping(self, sent_s: float) -> None: ...

    def describe(self) -> dict[str, str | int | float]:
        """Return what a real worker of one queue writes."""
        queues = '{"bench":{"slots":10,"running":0}}'
        return {"host": "bench", "pid": self.number, "queues": queues, "running": 0, "state": "running", "lag_ms": 0.1}


@asynccontextmanager
async def heartbeats(bench: Bench, count: int) -> AsyncIterator[None]:
    """Let many workers' heartbeats beat in this process, each by the real one's commands."""
    loop, clock = asyncio.get_running_loop(), ServerClock()
    beats = [
        Heartbeat(
            worker_id=f"bench-{n}",
            make_redis=lambda: bench.redis,
            listener=Silent(n),
            loop=loop,
            clock=clock,
            lease_ms=60_000,
            show=True,
        )
        for n in range(count)
    ]

    async def beat(heartbeat: Heartbeat, late_s: float) -> None:
        await asyncio.sleep(late_s)
        while True:
            await heartbeat._tick(bench.redis)
            await asyncio.sleep(0.5)

    tasks = [asyncio.create_task(beat(heartbeat, 0.5 * n / count)) for n, heartbeat in enumerate(beats)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def workers(bench: Bench, chart: Chart) -> None:
    """What registered workers cost the server, and reading the registry."""
    for count in (1, 50, 200, 500):
        await bench.flush()
        async with heartbeats(bench, count), await Admin.open(bench.url, actor=ACTOR) as admin:
            await asyncio.sleep(2)
            _, server = await bench.spent(asyncio.sleep(5.5))
            assert len(await admin.workers.list()) == count
            own, _ = await bench.spent(admin.workers.list())
        chart.note(count, {"heartbeats server ms a second": server / 5_500, "list console ms": own / 1000})


async def flows(bench: Bench, chart: Chart) -> None:
    """Cost of a member of a flow: adding it, and working it."""
    for children in map(bench.many, (10, 100, 1_000, 10_000)):
        await bench.flush()
        count = max(1, 1_000 // children)
        async with await Client.connect(bench.url) as client:
            flow = Flow(gather, PAYLOAD, children=[Flow(nothing_declared, PAYLOAD) for _ in range(children)])

            costs: list[float] = []
            _, worst_ms = await pinged(bench.url, _noted(bench, _add(client, flow, count), costs))
        worker, server = await bench.spent(bench.work())
        members = count * (children + 1)
        assert await bench.redis.zcard("qc:{bench}:waiting_children") == 0
        chart.note(
            children,
            {
                "worker": worker / members,
                "server": server / members,
                "producer": costs[0] / members,
                "server when adding": costs[1] / members,
                "worst ping ms when adding": worst_ms,
            },
        )


async def _add(client: Client, flow: Flow, count: int) -> None:
    for _ in range(count):
        await client.add_flow(flow)


async def _noted(bench: Bench, work: Awaitable[Any], costs: list[float]) -> None:
    costs += await bench.spent(work)


Study = Callable[[Bench, Chart], Awaitable[None]]
PER_JOB: Final = "CPU µs a job"
STUDIES: Final[tuple[tuple[Study, Chart, bool], ...]] = (
    (depth, Chart("depth", "Cost of a job while many wait", "waiting jobs", PER_JOB), True),
    (retained, Chart("retained", "Cost of a job while many are kept", "completed jobs kept", PER_JOB), True),
    (memory, Chart("memory", "A worker over a million jobs", "jobs done", "MiB, CPU µs", log=False), False),
    (queues, Chart("queues", "One worker on many queues", "queues", "CPU µs a job, ms"), True),
    (workers, Chart("workers", "Registered workers", "workers", "CPU ms", log=False), True),
    (flows, Chart("flows", "Flows", "children", "CPU µs a member, ms"), True),
)
"""Each study, its chart, and whether it is repeated."""


async def run(
    url: str, chosen: Iterable[tuple[Study, Chart, bool]], repeats: int, share: float, images: Path
) -> list[Chart]:
    """Make the studies, print them and draw them; returns their charts."""
    charts = []
    for study, chart, repeated in chosen:
        bench = Bench(url, share)
        for _ in range(repeats if repeated else 1):
            await study(bench, chart)
        await bench.flush()
        await bench.redis.aclose()
        chart.draw(images)
        charts.append(chart)
    for chart in charts:
        print(chart.table())
    return charts


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description=__doc__)
    parser.add_argument("--only", default="", help="studies whose name holds this")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="part of the jobs of each study")
    parser.add_argument("--images", type=Path, default=IMAGES, help="folder for the charts")
    parser.add_argument("--raw", type=Path, help="also write the figures to this JSON file")
    asked = parser.parse_args()
    raw = Raw(asked.raw)
    asked.images.mkdir(parents=True, exist_ok=True)
    chosen = [study for study in STUDIES if asked.only in study[1].name]
    with (
        tempfile.TemporaryDirectory(prefix="growth-") as folder,
        EmbeddedServer(Path(folder), options={"appendonly": "no"}) as server,
    ):
        raw.note_server(server.url)
        charts = asyncio.run(run(server.url, chosen, asked.repeats, asked.share, asked.images))
    raw.save(
        {chart.name: {"x": chart.x, "lines": {name: chart.points(name) for name in chart.lines}} for chart in charts}
    )


if __name__ == "__main__":
    main()
