"""Ours against plain arq in one run: python -m tests.benchmarks [--repeats N] [--quick].

Each measurement is a process of its own on one emptied server; subjects take turns, medians and ranges are printed,
and what counts is the ratio.
"""

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import version
from typing import Any

from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer

BASE = "arq-tuned"
PLAN: tuple[tuple[str, str, dict[str, tuple[str, int]]], ...] = (
    # title, figure, subject: (measure and options, jobs)
    (
        "process, concurrency 10 (jobs/s)",
        "rate",
        {
            "arq-tuned": ("process", 2_000),
            "arq": ("process", 400),
            "ours-arq-app": ("process loop=uvloop", 10_000),
            "ours": ("process loop=uvloop", 20_000),
        },
    ),
    (
        "process, default logging on (jobs/s)",
        "rate",
        {"arq-tuned": ("process logging=on", 2_000), "ours": ("process logging=on loop=uvloop", 15_000)},
    ),
    ("enqueue one by one (jobs/s)", "rate", {"arq-tuned": ("enqueue", 2_000), "ours": ("enqueue", 4_000)}),
    ("enqueue in bulk (jobs/s)", "rate", {"arq-tuned": ("bulk", 2_000), "ours": ("bulk", 30_000)}),
    ("enqueue to start, p50 (ms)", "p50", {"arq-tuned": ("pickup", 150), "ours": ("pickup loop=uvloop", 150)}),
    ("enqueue to start, p99 (ms)", "p99", {"arq-tuned": ("pickup", 150), "ours": ("pickup loop=uvloop", 150)}),
)


async def _flush(url: str) -> None:
    client = connect(url)
    await client.flushall()
    await client.aclose()


def measure(url: str, subject: str, what: str, jobs: int) -> dict[str, Any]:
    """Run one measurement in its own process."""
    asyncio.run(_flush(url))
    name, *options = what.split()
    command = [sys.executable, "-m", "tests.benchmarks.subjects", url, subject, name, f"jobs={jobs}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{subject} {what} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def run(url: str, repeats: int, share: float) -> None:
    """Take all measurements and print the table."""
    seen: dict[tuple[str, str, int], list[dict[str, Any]]] = defaultdict(list)
    wanted = dict.fromkeys((subject, *what) for _, _, of in PLAN for subject, what in of.items())
    for _ in range(repeats):
        for subject, what, jobs in wanted:
            seen[subject, what, jobs].append(measure(url, subject, what, max(50, round(jobs * share))))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for title, figure, of in PLAN:
        print(f"\n{title}")
        medians = {}
        for subject, what in of.items():
            values = [taken[figure] for taken in seen[subject, *what]]
            medians[subject] = statistics.median(values)
            ratio = medians[subject] / medians[BASE]
            span = f"{min(values):,.1f} to {max(values):,.1f}"
            print(f"  {subject:14}{medians[subject]:12,.1f}   ({span})   {ratio:6.2f}x of {BASE}")
    _print_costs(seen)


def _print_costs(seen: dict[tuple[str, str, int], list[dict[str, Any]]]) -> None:
    print("\nper job processed: worker CPU µs, server CPU µs, commands, scripts")
    for (subject, what, _), taken in seen.items():
        if what.startswith("process"):
            costs = [statistics.median(t[name] for t in taken) for name in ("worker_us", "server_us")]
            counts = [statistics.median(t[name] for t in taken) for name in ("commands", "scripts")]
            print(f"  {subject:14}{what:30}{costs[0]:8.0f}{costs[1]:8.0f}{counts[0]:8.1f}{counts[1]:8.2f}")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one repeat, a fifth of the jobs")
    asked = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("arq", "redis", "uvloop", "qconsole"))
    print(f"Python {platform.python_version()}, {versions}; {platform.machine()}, {platform.system()}")
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        EmbeddedServer(folder, options={"appendonly": "no"}) as server,
    ):
        run(server.url, 1 if asked.quick else asked.repeats, 0.2 if asked.quick else 1.0)


if __name__ == "__main__":
    main()
