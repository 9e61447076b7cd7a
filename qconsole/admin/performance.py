"""Counters and durations of queues over time, summed by the server; what every screen asks for is kept for seconds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from qconsole.admin.backend import Backend
from qconsole.runtime.histogram import percentile_ms

FRESH_S: Final = 5.0
HOUR_MINUTES: Final = 60
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000


@dataclass(slots=True)
class Point:
    """What happened in one step of time."""

    completed: int = 0
    failed: int = 0
    retried: int = 0
    stalled: int = 0
    cancelled: int = 0
    breaches: int = 0
    wait: dict[int, int] = field(default_factory=dict)
    run: dict[int, int] = field(default_factory=dict)

    def add(self, other: "Point") -> None:
        """Add another point's numbers to this one's."""
        for name in ("completed", "failed", "retried", "stalled", "cancelled", "breaches"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("wait", "run"):
            mine: dict[int, int] = getattr(self, name)
            for bucket, count in getattr(other, name).items():
                mine[bucket] = mine.get(bucket, 0) + count

    @property
    def ended(self) -> int:
        """How many jobs ended with success or failure."""
        return self.completed + self.failed

    def wait_ms(self, fraction: float) -> float | None:
        """Return a percentile of the waiting time."""
        return percentile_ms(self.wait.items(), fraction)

    def run_ms(self, fraction: float) -> float | None:
        """Return a percentile of the running time."""
        return percentile_ms(self.run.items(), fraction)


@dataclass(frozen=True, slots=True)
class Steps:
    """A stretch of time cut into points: `unit` is `m` or `h`, `per_point` of them make a point."""

    unit: str
    first: int
    points: int
    per_point: int

    @property
    def unit_ms(self) -> int:
        """Length of one unit."""
        return MINUTE_MS if self.unit == "m" else HOUR_MS

    @property
    def step_s(self) -> int:
        """Length of one point."""
        return self.unit_ms * self.per_point // 1000

    def at_ms(self) -> tuple[int, ...]:
        """Return the beginning of each point."""
        return tuple((self.first + index * self.per_point) * self.unit_ms for index in range(self.points))


def steps_of(now_ms: int, window_ms: int, step_ms: int | None = None, *, max_points: int = 240) -> Steps:
    """Cut the time up to now into points: by minutes up to 24 hours, by hours beyond."""
    unit = "m" if window_ms <= 24 * HOUR_MS else "h"
    unit_ms = MINUTE_MS if unit == "m" else HOUR_MS
    units = max(1, -(-window_ms // unit_ms))
    wanted = max(1, -(-step_ms // unit_ms)) if step_ms else 1
    per_point = max(wanted, -(-units // max_points))
    points = -(-units // per_point)
    last = now_ms // unit_ms
    return Steps(unit, last + 1 - points * per_point, points, per_point)


async def read_points(backend: Backend, queue: str, steps: Steps, job_type: str | None = None) -> list[Point]:
    """Return a queue's points."""
    args = [steps.unit, steps.first, steps.points, steps.per_point, job_type or ""]
    answers = await backend.read("series", [queue], args)
    return [_point(answer) for answer in answers]


def _point(answer: list[Any]) -> Point:
    wait, run = (dict(zip(flat[::2], flat[1::2], strict=True)) for flat in answer[6:8])
    completed, failed, retried, stalled, cancelled, breaches = answer[:6]
    return Point(completed, failed, retried, stalled, cancelled, breaches, wait, run)


class PerformanceCache:
    """The last hour of each queue, by minutes."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept: dict[str, tuple[float, list[Point]]] = {}

    async def last_hour(self, queue: str) -> list[Point]:
        """Return 60 points, oldest first."""
        kept = self._kept.get(queue)
        if kept is not None and time.monotonic() - kept[0] < FRESH_S:
            return kept[1]
        steps = steps_of(self._backend.now_ms(), HOUR_MS)
        points = await read_points(self._backend, queue, steps)
        if len(self._kept) > 1_000:
            self._kept.clear()
        self._kept[queue] = (time.monotonic(), points)
        return points


def total(points: Sequence[Point]) -> Point:
    """Return the sum of some points."""
    summed = Point()
    for point in points:
        summed.add(point)
    return summed
