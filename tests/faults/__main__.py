"""python -m tests.faults [NAME…]: runs the faults in their long form and prints the table of `make faults`."""

import asyncio
import platform
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from tests.faults import failover_faults, line_faults, network_faults, server_faults, worker_faults
from tests.faults.network import why_not
from tests.faults.stage import Outcome
from tests.support import server_binary

Fault = Callable[[Path], Awaitable[Outcome]]

FAULTS: dict[str, Fault] = {
    "worker-killed": lambda folder: worker_faults.killed_at_every_step(folder, 20),
    "worker-stopped": lambda folder: worker_faults.stopped_under_load(folder, 1000),
    "worker-stopped-twice": lambda folder: worker_faults.stopped_twice(folder, 20),
    "loop-blocked": lambda folder: worker_faults.loop_blocked(folder, 4),
    "worker-frozen": lambda folder: worker_faults.frozen(folder, 30),
    "redis-restarted": lambda folder: server_faults.restarted(folder, 2000),
    "redis-killed-everysec": lambda folder: server_faults.killed(folder, 2000, "everysec"),
    "redis-killed-always": lambda folder: server_faults.killed(folder, 2000, "always"),
    "redis-full": lambda folder: server_faults.out_of_memory(folder, 50),
    "redis-read-only": lambda folder: server_faults.read_only(folder, 1000),
    "scripts-forgotten": lambda folder: server_faults.scripts_forgotten(folder, 2000),
    "clock-ahead": lambda folder: server_faults.clock_jumped(folder, 500, +1),
    "clock-behind": lambda folder: server_faults.clock_jumped(folder, 500, -1),
    "poor-line": lambda folder: line_faults.poor_line(folder, 500, delay_ms=100),
    "sentinel-killed": lambda folder: failover_faults.sentinel_primary(folder, 2000, "kill"),
    "sentinel-stopped": lambda folder: failover_faults.sentinel_primary(folder, 2000, "freeze"),
    "replica-killed": lambda folder: failover_faults.replica_killed(folder, 2000),
    "cluster-killed": lambda folder: failover_faults.cluster_primary(folder, 2000, "kill"),
    "cluster-stopped": lambda folder: failover_faults.cluster_primary(folder, 2000, "freeze"),
}
NETWORK_FAULTS: dict[str, Fault] = {
    "network-dropped": lambda folder: network_faults.run("dropped", folder, 1000),
    "partition-default": lambda folder: network_faults.run("partitioned", folder, 800, "default"),
    "partition-wait": lambda folder: network_faults.run("partitioned", folder, 800, "wait"),
}
MAY_LOSE = {"partition-default"}

HEADER = "| fault | acknowledged | lost | run twice | at the same time | settled twice | stalls | resumed after | |"


def row(outcome: Outcome) -> str:
    """Return one line of the table."""
    resume = "" if outcome.resume_s is None else f"{outcome.resume_s:.1f} s"
    return (
        f"| {outcome.fault} | {outcome.acknowledged} | {outcome.lost} | {outcome.run_twice} | {outcome.overlapped} "
        f"| {outcome.settled_twice} | {outcome.stalls} | {resume} | {outcome.note} |"
    )


def versions() -> str:
    """Return what the table was measured with."""
    server = subprocess.run([str(server_binary()), "--version"], capture_output=True, text=True, check=True).stdout
    words = [f"{name} {version(name)}" for name in ("qconsole", "arq", "redis", "hiredis")]
    return ", ".join([server.strip(), *words, f"Python {platform.python_version()}, {platform.machine()}"])


async def main(names: list[str]) -> int:
    """Run the named faults, or all; returns the exit status: 1 when something was lost or settled twice."""
    reason = why_not()
    known = FAULTS | ({} if reason else NETWORK_FAULTS)
    if unknown := [name for name in names if name not in FAULTS | NETWORK_FAULTS]:
        print(f"no such fault: {', '.join(unknown)}; known are {', '.join(FAULTS | NETWORK_FAULTS)}", file=sys.stderr)
        return 2
    print(versions(), "", HEADER, "|" + "---|" * 9, sep="\n", flush=True)
    bad = 0
    for name in names or known:
        if name not in known:
            print(f"{name} left out: {reason}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            outcome = await known[name](Path(folder))
        bad += outcome.settled_twice + outcome.overlapped + (0 if name in MAY_LOSE else outcome.lost)
        print(row(outcome), flush=True)
    if reason and not names:
        print(f"the network's faults are left out: {reason}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
