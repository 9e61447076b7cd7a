"""Reads the counters and histograms that the settle script writes: rates, percentiles, SLA.

A minute's hash has `c f r s x b` (completed, failed, retried, stalled, cancelled, breaches) per job type, and buckets
of wait (`w`) and run (`d`) times; hours and totals have the same fields, of closed minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from redis.asyncio import Redis

from qconsole.clock import Clock
from qconsole.runtime.histogram import bucket_bounds_ms, bucket_of, percentile_ms
from qconsole.runtime.keys import Keys

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
MINUTES_WINDOW_MS: Final = 25 * HOUR_MS
OBJECTIVE: Final = 0.99
"""Share of jobs within their target that an SLA promises; what is left of the rest is the error budget."""

COUNTERS: Final = {
    "c": "completed",
    "f": "failed",
    "r": "retried",
    "s": "stalled",
    "x": "cancelled",
    "b": "breaches",
}


@dataclass(slots=True)
class Tally:
    """What happened to one job type, or all, in some time. `wait` and `run` are bucket → how many."""

    completed: int = 0
    failed: int = 0
    retried: int = 0
    stalled: int = 0
    cancelled: int = 0
    breaches: int = 0
    wait: dict[int, int] = field(default_factory=dict)
    run: dict[int, int] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """Jobs that ran to an end."""
        return self.completed + self.failed

    def add(self, other: "Tally") -> None:
        """Take in another tally."""
        for name in COUNTERS.values():
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, others in ((self.wait, other.wait), (self.run, other.run)):
            for bucket, n in others.items():
                mine[bucket] = mine.get(bucket, 0) + n

    def wait_ms(self, fraction: float) -> float | None:
        """Return a percentile of due → start."""
        return percentile_ms(self.wait.items(), fraction)

    def run_ms(self, fraction: float) -> float | None:
        """Return a percentile of start → end."""
        return percentile_ms(self.run.items(), fraction)


def read_tallies(fields: Mapping[bytes, bytes]) -> dict[str, Tally]:
    """Return the tallies of one hash by job type."""
    tallies: dict[str, Tally] = {}
    for name, value in fields.items():
        kind, _, rest = name.decode("utf-8", "replace").partition(":")
        if kind in COUNTERS:
            tally = tallies.setdefault(rest, Tally())
            setattr(tally, COUNTERS[kind], int(value))
        elif kind in ("w", "d"):
            job_type, _, bucket = rest.rpartition(":")
            tally = tallies.setdefault(job_type, Tally())
            (tally.wait if kind == "w" else tally.run)[int(bucket)] = int(value)
    return tallies


@dataclass(frozen=True, slots=True)
class Slice:
    """One step of a series: what happened from `at_ms` for `step_ms`, by job type."""

    at_ms: int
    step_ms: int
    tallies: dict[str, Tally]

    def total(self, job_type: str | None = None) -> Tally:
        """Return the tally of one job type, or of all."""
        total = Tally()
        for name, tally in self.tallies.items():
            if job_type in (None, name):
                total.add(tally)
        return total


@dataclass(frozen=True, slots=True)
class SlaReport:
    """How a window kept a queue's targets. Ratios 0…1, None without traffic or target; the budget may be overdrawn."""

    queue_ms: int | None
    run_ms: int | None
    total_ms: int | None
    ended: int
    breaches: int
    compliance: float | None
    queue_compliance: float | None
    run_compliance: float | None
    budget_left: float | None


def share_within(counts: Mapping[int, int], target_ms: int) -> float | None:
    """Return the share of a histogram at or below a duration; inside a bucket its values are taken as spread evenly."""
    total = sum(counts.values())
    if not total:
        return None
    last, within = bucket_of(target_ms), 0.0
    for bucket, n in counts.items():
        if bucket < last:
            within += n
        elif bucket == last:
            low, high = bucket_bounds_ms(bucket)
            within += n * (target_ms - low) / max(1, high - low)
    return within / total


def sla_report(total: Tally, targets: Mapping[str, int], objective: float = OBJECTIVE) -> SlaReport:
    """Return how a tally kept the targets `sla_queue_ms`, `sla_run_ms` and `sla_total_ms`, those there are."""
    queue_ms, run_ms, total_ms = (targets.get(f"sla_{name}_ms") for name in ("queue", "run", "total"))
    judged = total.ended + total.cancelled
    compliance = 1 - total.breaches / judged if total_ms is not None and judged else None
    return SlaReport(
        queue_ms=queue_ms,
        run_ms=run_ms,
        total_ms=total_ms,
        ended=judged,
        breaches=total.breaches,
        compliance=compliance,
        queue_compliance=share_within(total.wait, queue_ms) if queue_ms is not None else None,
        run_compliance=share_within(total.run, run_ms) if run_ms is not None else None,
        budget_left=None if compliance is None else 1 - (1 - compliance) / (1 - objective),
    )


class Metrics:
    """The metrics of one queue.

    Args:
        queue: the queue's name.
        redis: the connection; of the slot's owner on a cluster.
        clock: where "now" comes from.
    """

    def __init__(self, queue: str, *, redis: Redis, clock: Clock) -> None:
        self.keys = Keys(queue)
        self._redis = redis
        self._clock = clock

    async def slices(self, window_ms: int, step_ms: int | None = None) -> tuple[Slice, ...]:
        """Return the window until now in steps, oldest first, all in one round trip.

        Args:
            window_ms: how far back; up to a day from minutes, further from hours.
            step_ms: a multiple of a minute, or of an hour for windows over a day; by default that.
        """
        by_hour = window_ms > MINUTES_WINDOW_MS
        unit_ms = HOUR_MS if by_hour else MINUTE_MS
        step = max(1, (step_ms or unit_ms) // unit_ms)
        last = self._clock.now_ms() // unit_ms
        first = last - max(1, -(-window_ms // unit_ms)) + 1
        first -= first % step
        stored = await self._read(first, last, by_hour=by_hour)
        slices = []
        for start in range(0, len(stored), step):
            tallies: dict[str, Tally] = {}
            for part in stored[start : start + step]:
                for job_type, tally in part.items():
                    tallies.setdefault(job_type, Tally()).add(tally)
            slices.append(Slice((first + start) * unit_ms, step * unit_ms, tallies))
        return tuple(slices)

    async def _read(self, first: int, last: int, *, by_hour: bool) -> list[dict[str, Tally]]:
        """Return the units from first to last; open minutes are added to the hours that do not hold them yet."""
        pipe = self._redis.pipeline(transaction=False)
        for unit in range(first, last + 1):
            pipe.hgetall(self.keys.hour(unit) if by_hour else self.keys.minute(unit))
        pipe.get(self.keys.rolled())
        *found, rolled = await pipe.execute()
        units = [read_tallies(fields) for fields in found]
        if by_hour:
            for minute, tallies in (await self._open_minutes(int(rolled or 0))).items():
                unit = minute // 60 - first
                if 0 <= unit < len(units):
                    for job_type, tally in tallies.items():
                        units[unit].setdefault(job_type, Tally()).add(tally)
        return units

    async def _open_minutes(self, rolled: int) -> dict[int, dict[str, Tally]]:
        """Return the minutes that no hour holds yet; an hour's worth when nobody rolls up."""
        now = self._clock.now_ms() // MINUTE_MS
        minutes = range(max(rolled + 1, now - 60), now + 1)
        pipe = self._redis.pipeline(transaction=False)
        for minute in minutes:
            pipe.hgetall(self.keys.minute(minute))
        found = await pipe.execute() if minutes else []
        return {minute: read_tallies(fields) for minute, fields in zip(minutes, found, strict=True)}

    async def total(self, window_ms: int, job_type: str | None = None) -> Tally:
        """Return the window's tally of one job type, or of all."""
        total = Tally()
        for part in await self.slices(window_ms):
            total.add(part.total(job_type))
        return total

    async def targets(self) -> dict[str, int]:
        """Return the queue's SLA targets: `sla_queue_ms`, `sla_run_ms`, `sla_total_ms`, those there are."""
        names = ["sla_queue_ms", "sla_run_ms", "sla_total_ms"]
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(self.keys.config(), names)
        (values,) = await pipe.execute()
        return {name: int(float(value)) for name, value in zip(names, values, strict=True) if value is not None}

    async def sla(self, window_ms: int = 24 * HOUR_MS) -> SlaReport:
        """Return how the window kept the queue's targets."""
        return sla_report(await self.total(window_ms), await self.targets())

    async def ever(self) -> dict[str, Tally]:
        """Return everything counted since the queue exists, by job type; grows only."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hgetall(self.keys.totals())
        pipe.get(self.keys.rolled())
        fields, rolled = await pipe.execute()
        totals = read_tallies(fields)
        for tallies in (await self._open_minutes(int(rolled or 0))).values():
            for job_type, tally in tallies.items():
                totals.setdefault(job_type, Tally()).add(tally)
        return totals
