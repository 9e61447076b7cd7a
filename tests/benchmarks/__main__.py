"""Ours against plain arq and its peers in one run: python -m tests.benchmarks [--repeats N] [--quick] [--only WORD].

Each measurement is a process of its own on one emptied server; subjects take turns, medians and ranges are printed,
and what counts is the ratio.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from tests.benchmarks.environments import command_of, environ, peer_versions, prepare
from tests.benchmarks.raw import Raw, machine

BASE: Final = "arq-tuned"
DEADLINE_S: Final = 120
UV: Final = " loop=uvloop"
Cell = tuple[str, str, int]
"""Subject, measure with its options, jobs."""


@dataclass(frozen=True, slots=True)
class Row:
    """One table: a title, the figure it shows, and for each subject the measure and the number of jobs."""

    title: str
    figure: str
    of: dict[str, tuple[str, int]]


ENQUEUE_PEERS: Final = ("saq", "taskiq", "dramatiq", "streaq", "celery", "rq")
PICKUP: Final = {
    "arq-tuned": ("pickup", 150),
    "arq": ("pickup", 30),
    "bullmq": ("pickup", 150),
    **{peer: ("pickup", 150) for peer in ENQUEUE_PEERS},
    "ours": ("pickup" + UV, 150),
}
PLAN: Final = (
    Row(
        "process, concurrency 10 (jobs/s)",
        "rate",
        {
            "arq-tuned": ("process", 2_000),
            "arq": ("process", 400),
            "bullmq": ("process", 20_000),
            **{peer: ("process", 3_000) for peer in ENQUEUE_PEERS},
            "ours-arq-app": ("process" + UV, 10_000),
            "ours": ("process" + UV, 20_000),
            "bare": ("process" + UV, 20_000),
        },
    ),
    *(
        Row(
            f"process, concurrency {many} (jobs/s)",
            "rate",
            {
                "arq-tuned": (f"process concurrency={many}", 1_500),
                "bullmq": (f"process concurrency={many}", 8_000),
                "ours": (f"process concurrency={many}{UV}", 15_000 if many > 1 else 4_000),
                "bare": (f"process concurrency={many}{UV}", 15_000 if many > 1 else 4_000),
            },
        )
        for many in (1, 100)
    ),
    Row(
        "two processes, concurrency 10 each (jobs/s)",
        "rate",
        {"arq-tuned": ("pair", 2_000), "bullmq": ("pair", 20_000), "ours": ("pair" + UV, 30_000)},
    ),
    Row(
        "process, default logging on; BullMQ logs nothing (jobs/s)",
        "rate",
        {
            "arq-tuned": ("process logging=arq", 2_000),
            "bullmq": ("process", 20_000),
            "ours": ("process logging=ours" + UV, 15_000),
        },
    ),
    Row(
        "process, append-only file synced every second (jobs/s)",
        "rate",
        {
            "arq-tuned": ("process aof=everysec", 2_000),
            "bullmq": ("process aof=everysec", 20_000),
            "ours": ("process aof=everysec" + UV, 20_000),
        },
    ),
    Row(
        "enqueue one by one (jobs/s)",
        "rate",
        {
            "arq-tuned": ("enqueue", 2_000),
            "bullmq": ("enqueue", 4_000),
            **{peer: ("enqueue", 2_000) for peer in ENQUEUE_PEERS},
            "ours": ("enqueue", 4_000),
        },
    ),
    Row(
        "enqueue in bulk (jobs/s)",
        "rate",
        {
            "arq-tuned": ("bulk", 2_000),
            "bullmq": ("bulk", 20_000),
            **{peer: ("bulk", 4_000) for peer in ("saq", "taskiq", "streaq", "rq")},
            "ours": ("bulk", 30_000),
        },
    ),
    Row("idle worker, enqueue to start, p50 (ms)", "p50", PICKUP),
    Row("idle worker, enqueue to start, p99 (ms)", "p99", PICKUP),
)


async def _flush(url: str, aof: str) -> None:
    client: Any = connect(url)
    await client.execute_command("FLUSHALL", "SYNC")  # freed in the background it would blur the memory figures
    await client.config_set("appendonly", "yes" if aof == "everysec" else "no")
    while (await client.info("persistence"))["aof_rewrite_in_progress"]:
        await asyncio.sleep(0.05)
    await client.aclose()


async def _used_bytes(url: str) -> int:
    client = connect(url)
    used = int((await client.info("memory"))["used_memory_dataset"])
    await client.aclose()
    return used


def measure(url: str, subject: str, what: str, jobs: int, peers: list[str]) -> dict[str, Any]:
    """Run one measurement in its own process."""
    name, *options = what.split()
    chosen = dict(option.split("=", 1) for option in options)
    asyncio.run(_flush(url, chosen.get("aof", "no")))
    if subject in peers:
        return _measure_peer(url, subject, name, jobs, chosen)
    command = [sys.executable, "-m", "tests.benchmarks.subjects", url, subject, name, f"jobs={jobs}", *options]
    figures: dict[str, Any] = json.loads(_output(command))
    return figures


def _measure_peer(url: str, peer: str, name: str, jobs: int, chosen: dict[str, str]) -> dict[str, Any]:
    mode, processes = ("process", "2") if name == "pair" else (name, "1")
    empty = asyncio.run(_used_bytes(url))
    command = [*command_of(peer), mode, url, str(jobs), chosen.get("concurrency", "10"), processes]
    told = json.loads(_output(command))
    waits = told["latencies_ms"]
    figures = {"rate": jobs / told["seconds"]} if told["seconds"] else {}
    if waits:
        figures |= {"p50": statistics.median(waits), "p99": waits[int(len(waits) * 0.99)]}
    if mode == "pickup":
        return figures
    kept = (asyncio.run(_used_bytes(url)) - empty) / jobs
    return figures | {"completed_bytes" if mode == "process" else "waiting_bytes": kept}


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=DEADLINE_S, env=environ(), errors="replace"
        )
    except subprocess.TimeoutExpired as late:
        raise RuntimeError(f"{' '.join(command)} took longer than {DEADLINE_S} s") from late
    if done.returncode or not done.stdout.strip():
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]


def run(url: str, plan: list[Row], peers: list[str], repeats: int, share: float) -> dict[Cell, list[dict[str, Any]]]:
    """Take all measurements and print the tables; a peer that fails is named and its cell left out.

    Returns:
        What each repeat of each cell gave.
    """
    seen: dict[Cell, list[dict[str, Any]]] = defaultdict(list)
    wanted: list[Cell] = list(dict.fromkeys((subject, *what) for row in plan for subject, what in row.of.items()))
    try:
        for _ in range(repeats):
            for cell in list(wanted):
                _take(url, cell, peers, share, seen, wanted)
    except KeyboardInterrupt:
        print("interrupted: this is what was measured so far", file=sys.stderr)
    for row in plan:
        _print_row(row, seen)
    _print_costs(seen)
    return seen


def _take(
    url: str, cell: Cell, peers: list[str], share: float, seen: dict[Cell, list[dict[str, Any]]], wanted: list[Cell]
) -> None:
    subject, what, jobs = cell
    begun_s = time.monotonic()
    try:
        many = jobs if what.startswith("pickup") else max(30, round(jobs * share))
        seen[cell].append(measure(url, subject, what, many, peers))
    except RuntimeError as broken:
        if subject not in peers:
            raise
        print(f"left out: {subject}, {what}: {broken}", file=sys.stderr)
        wanted.remove(cell)
        seen.pop(cell, None)
    print(f"{subject} {what}: {time.monotonic() - begun_s:.1f} s", file=sys.stderr, flush=True)


def _print_row(row: Row, seen: dict[Cell, list[dict[str, Any]]]) -> None:
    print(f"\n{row.title}")
    medians: dict[str, float] = {}
    for subject, what in row.of.items():
        values = [taken[row.figure] for taken in seen.get((subject, *what), ())]
        if not values:
            print(f"  {subject:14}{'left out':>12}")
            continue
        medians[subject] = statistics.median(values)
        ratio = f"{medians[subject] / medians[BASE]:6.2f}x of {BASE}" if BASE in medians else ""
        print(f"  {subject:14}{medians[subject]:12,.1f}   ({min(values):,.1f} to {max(values):,.1f})   {ratio}")


def _print_costs(seen: dict[Cell, list[dict[str, Any]]]) -> None:
    columns = ("worker_us", "server_us", "commands", "scripts", "waiting_bytes", "completed_bytes")
    print("\nper job: CPU µs of worker and server, commands, scripts; bytes of Redis memory waiting and completed")
    for (subject, what, _), taken in seen.items():
        figures = {name: statistics.median(values) for name in columns if (values := _all(taken, name))}
        if figures:
            shown = "".join(f"{figures[name]:9.2f}" if name in figures else f"{'':9}" for name in columns)
            print(f"  {subject:14}{what:34}{shown}")


def _all(taken: list[dict[str, Any]], name: str) -> list[float]:
    return [figures[name] for figures in taken if name in figures]


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one repeat, a fifth of the jobs")
    parser.add_argument("--share", type=float, default=1.0, help="part of the jobs of each measurement but pick-up")
    parser.add_argument("--only", default="", help="tables whose title holds this")
    parser.add_argument("--no-peers", action="store_true", help="ours and plain arq only")
    parser.add_argument("--raw", type=Path, help="also write the figures to this JSON file")
    asked = parser.parse_args()
    raw = Raw(asked.raw)
    peers, missing = ([], {}) if asked.no_peers else prepare()
    print(machine())
    for peer, why in missing.items():
        print(f"left out: {peer}: {why}")
    ours = {"arq", "arq-tuned", "ours", "ours-arq-app", "bare"}
    plan = [
        Row(row.title, row.figure, {name: what for name, what in row.of.items() if name in ours or name in peers})
        for row in PLAN
        if asked.only in row.title
    ]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        EmbeddedServer(folder, options={"appendonly": "no"}) as server,
    ):
        raw.note_server(server.url)
        seen = run(server.url, plan, peers, 1 if asked.quick else asked.repeats, 0.2 if asked.quick else asked.share)
    cells = [{"subject": cell[0], "what": cell[1], "taken": taken} for cell, taken in seen.items()]
    raw.save({"cells": cells, "left out": missing}, peer_versions(peers))


if __name__ == "__main__":
    main()
