"""What really ran: every attempt writes its start and its end to one file, outside Redis, in one atomic append each."""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Run:
    """One attempt as the handler saw it; instants are the machine's monotonic clock in seconds."""

    job_id: str
    pid: int
    started_s: float
    ended_s: float | None = None


@dataclass(slots=True)
class Ledger:
    """The file; shared by the workers that write it and the scenario that reads it."""

    path: Path
    _fd: int = field(default=-1, repr=False)

    def write(self, mark: str, job_id: str) -> None:
        """Note a start (`S`) or an end (`E`) of a job, or that this process dies now (`D`)."""
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._fd, f"{mark} {job_id} {os.getpid()} {time.monotonic():.6f}\n".encode())

    def lines(self) -> Iterator[tuple[str, str, int, float]]:
        """Yield (mark, job id, process id, instant)."""
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                mark, job_id, pid, at_s = line.split(" ")
                yield mark, job_id, int(pid), float(at_s)

    def runs(self) -> dict[str, list[Run]]:
        """Return every job's attempts, in the order of their starts."""
        runs: dict[str, list[Run]] = defaultdict(list)
        for mark, job_id, pid, at_s in self.lines():
            if mark == "S":
                runs[job_id].append(Run(job_id, pid, at_s))
            elif mark == "E":
                next(run for run in reversed(runs[job_id]) if run.pid == pid and run.ended_s is None).ended_s = at_s
        return runs

    def ended(self) -> set[str]:
        """Return the jobs whose handler ran to its end at least once."""
        return {job_id for mark, job_id, _, _ in self.lines() if mark == "E"}

    def deaths_s(self) -> dict[int, float]:
        """Return when processes that killed themselves died, by process id."""
        return {pid: at_s for mark, _, pid, at_s in self.lines() if mark == "D"}

    def starts_s(self) -> list[float]:
        """Return the instants of all starts, in order."""
        return sorted(at_s for mark, _, _, at_s in self.lines() if mark == "S")


def overlaps(runs: list[Run], died_s: dict[int, float]) -> int:
    """Return how many attempts of one job started while an earlier one still ran.

    Args:
        runs: in the order of their starts.
        died_s: when processes were killed or frozen; they ran nothing after that.
    """
    count, busy_until = 0, float("-inf")
    for run in runs:
        count += run.started_s < busy_until
        ends_s = [at_s for at_s in (run.ended_s, died_s.get(run.pid)) if at_s is not None]
        busy_until = max(busy_until, min(ends_s, default=run.started_s))
    return count
