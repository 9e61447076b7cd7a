"""Counters and durations of queues over time, summed by the server; what every screen asks for is kept for seconds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from qconsole.admin.backend import Backend
from qconsole.runtime.metrics import HOUR_MS, MINUTE_MS, Tally

FRESH_S: Final = 5.0
DAY_MINUTES: Final = 24 * 60


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


async def read_tallies(backend: Backend, queue: str, steps: Steps, job_type: str | None = None) -> list[Tally]:
    """Return what happened in a queue in each step."""
    tallies = await _read(backend, queue, steps, job_type)
    if steps.unit == "h":
        await _add_open_minutes(backend, queue, steps, job_type, tallies)
    return tallies


async def _read(backend: Backend, queue: str, steps: Steps, job_type: str | None) -> list[Tally]:
    args = [steps.unit, steps.first, steps.points, steps.per_point, job_type or ""]
    return [_tally(answer) for answer in await backend.read("series", [queue], args)]


async def _add_open_minutes(
    backend: Backend, queue: str, steps: Steps, job_type: str | None, tallies: list[Tally]
) -> None:
    """Add the minutes that nobody has rolled up into hours yet."""
    last = backend.now_ms() // MINUTE_MS
    rolled = int(await backend.redis.get(backend.keys(queue).rolled()) or 0)
    first = max(rolled + 1, last - DAY_MINUTES)
    minutes = await _read(backend, queue, Steps("m", first, last - first + 1, 1), job_type)
    for minute, tally in enumerate(minutes, first):
        at = (minute // 60 - steps.first) // steps.per_point
        if 0 <= at < len(tallies):
            tallies[at].add(tally)


def _tally(answer: list[Any]) -> Tally:
    wait, run = (dict(zip(flat[::2], flat[1::2], strict=True)) for flat in answer[6:8])
    completed, failed, retried, stalled, cancelled, breaches = answer[:6]
    return Tally(completed, failed, retried, stalled, cancelled, breaches, wait, run)


class PerformanceCache:
    """The last hour of each queue, by minutes."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept: dict[str, tuple[float, list[Tally]]] = {}

    async def last_hour(self, queue: str) -> list[Tally]:
        """Return 60 points, oldest first."""
        kept = self._kept.get(queue)
        if kept is not None and time.monotonic() - kept[0] < FRESH_S:
            return kept[1]
        steps = steps_of(self._backend.now_ms(), HOUR_MS)
        points = await read_tallies(self._backend, queue, steps)
        if len(self._kept) > 1_000:
            self._kept.clear()
        self._kept[queue] = (time.monotonic(), points)
        return points


def total(points: Sequence[Tally]) -> Tally:
    """Return the sum of some tallies."""
    summed = Tally()
    for point in points:
        summed.add(point)
    return summed
