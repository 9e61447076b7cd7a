"""`admin.metrics`: series, histograms and targets from the counters that workers write; marks; Prometheus text."""

from typing import Final

import orjson

from qconsole.admin.filter_parse import duration_ms
from qconsole.admin.marks import read_mark
from qconsole.admin.noun import Noun
from qconsole.admin.performance import Steps, read_tallies, steps_of, total
from qconsole.admin.prometheus import gauges
from qconsole.admin.queue_limits import QueueConfig, read_configs
from qconsole.admin.views import Applied, Mark, Rows, Series, SlaView
from qconsole.admin.worker_registry import read_workers
from qconsole.errors import FilterError, UsageError
from qconsole.runtime.histogram import bucket_bounds_ms
from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.metrics import Metrics as QueueMetrics
from qconsole.runtime.metrics import Tally, sla_report
from qconsole.runtime.prometheus import QueueCounts, prometheus_text

MAX_WINDOW_MS: Final = 90 * 86_400_000
MARKS_KEPT: Final = 2_000
MARK_KINDS: Final = ("deploy", "operator")


class Metrics(Noun):
    """Numbers over time."""

    async def series(
        self,
        queue: str | None = None,
        job_type: str | None = None,
        window: str = "1h",
        step: str | None = None,
    ) -> Series:
        """Return columns over a window: completed, failed, retried, wait and run percentiles in ms.

        Raises:
            QueueNotFound, UsageError
        """
        steps = self._steps(window, step)
        points = [Tally() for _ in range(steps.points)]
        names, missing = await self._session.shards.readable(await self._session.parts_of(queue))
        for name in names:
            for mine, theirs in zip(points, await read_tallies(self._backend, name, steps, job_type), strict=True):
                mine.add(theirs)
        at_ms = steps.at_ms()
        return Series(at_ms, columns_of(points), steps.step_s, await self.marks(at_ms[0]), missing)

    def _steps(self, window: str, step: str | None) -> Steps:
        window_ms = checked_window_ms(window, "window")
        step_ms = checked_window_ms(step, "step") if step else None
        return steps_of(self._backend.now_ms(), window_ms, step_ms)

    async def histogram(self, queue: str, kind: str = "wait", window: str = "1h") -> tuple[tuple[int, int], ...]:
        """Return how many jobs waited or ran up to each bound: (bound in ms, how many in its bucket)."""
        if kind not in ("wait", "run"):
            raise UsageError(f"kind must be wait or run, got {kind!r}", field="kind")
        steps = self._steps(window, None)
        parts, _ = await self._session.shards.readable(await self._session.parts_of(queue))
        summed = total([point for name in parts for point in await read_tallies(self._backend, name, steps)])
        buckets = summed.wait if kind == "wait" else summed.run
        return tuple((bucket_bounds_ms(bucket)[1], count) for bucket, count in sorted(buckets.items()))

    async def sla(self, window: str = "24h") -> Rows[tuple[str, SlaView]]:
        """Return how each queue with targets kept them."""
        steps = self._steps(window, None)
        partitions = self._session.plain_arq.partitions
        queues, lost = await self._session.shards.readable(await self._session.plain_arq.queues())
        missing = {partitions.whole(part): reason for part, reason in lost.items()}
        configs = await read_configs(self._backend, queues)
        found = []
        for name in partitions.wholes(queues):
            if name not in missing and configs[name].has_sla:
                parts = partitions.parts(name)
                summed = total([point for part in parts for point in await read_tallies(self._backend, part, steps)])
                found.append((name, sla_of(configs[name], summed)))
        return Rows(found, missing)

    async def marks(self, since_ms: int) -> tuple[Mark, ...]:
        """Return deploy and operator marks since an instant, oldest first."""
        stored = await self._backend.redis.zrangebyscore(GLOBAL.marks(), since_ms, "+inf", withscores=True)
        marks = [read_mark(text, ms) for text, ms in stored]
        return tuple(Mark(mark.ms, mark.kind, self._backend.redaction.text(mark.label)) for mark in marks)

    async def mark(self, kind: str, label: str) -> Applied:
        """Put a mark on the charts, now."""
        self._session.require("operator", "marks")
        if kind not in MARK_KINDS:
            raise UsageError(f"a mark's kind must be one of {', '.join(MARK_KINDS)}, got {kind!r}", field="kind")
        label = label.strip()
        if not 1 <= len(label) <= 200:
            raise UsageError(f"a mark's label must have 1 to 200 characters, got {len(label)}", field="label")
        now_ms = self._backend.now_ms()
        text = orjson.dumps({"kind": kind, "label": label, "actor": self._session.actor.name, "ms": now_ms})
        command = self._session.command("metrics", "mark", label, kind=kind)
        async with (
            self._session.change("metrics.mark", kind, reason=label, command=command) as entry,
            self._backend.redis.pipeline(transaction=True) as pipe,
        ):
            pipe.zadd(GLOBAL.marks(), {text: now_ms})
            pipe.zremrangebyrank(GLOBAL.marks(), 0, -MARKS_KEPT - 1)
            await pipe.execute()
        return entry.applied(f"Marked: {label}.")

    async def prometheus(self) -> str:
        """Return the state of all queues in Prometheus' text format; a partitioned one's is that of all its parts.

        Of a queue that cannot be read, as its shard of a cluster is down, there is `qconsole_queue_up 0` alone.
        """
        backend = self._backend
        counts, missing = await self._session.whole_counts(await self._session.plain_arq.queues())
        queues = []
        for name, found in counts.items():
            ever: dict[str, Tally] = {}
            for part in self._session.plain_arq.partitions.parts(name):
                metrics = QueueMetrics(part, redis=backend.redis, clock=backend.clock)
                for job_type, tally in (await metrics.ever()).items():
                    ever.setdefault(job_type, Tally()).add(tally)
            queues.append(QueueCounts(name, found.by_state(), ever))
        return prometheus_text(queues) + gauges(counts, missing, await read_workers(backend), backend.now_ms())


def columns_of(points: list[Tally]) -> dict[str, tuple[float | None, ...]]:
    """Return the columns of a series."""
    return {
        "completed": tuple(float(point.completed) for point in points),
        "failed": tuple(float(point.failed) for point in points),
        "retried": tuple(float(point.retried) for point in points),
        "wait_p50_ms": tuple(point.wait_ms(0.5) for point in points),
        "wait_p95_ms": tuple(point.wait_ms(0.95) for point in points),
        "run_p50_ms": tuple(point.run_ms(0.5) for point in points),
        "run_p95_ms": tuple(point.run_ms(0.95) for point in points),
    }


def sla_of(config: QueueConfig, summed: Tally) -> SlaView:
    """Return how a queue kept its targets; an overdrawn budget shows as used up."""
    targets = {
        "sla_queue_ms": config.sla_queue_ms,
        "sla_run_ms": config.sla_run_ms,
        "sla_total_ms": config.sla_total_ms,
    }
    report = sla_report(summed, {name: ms for name, ms in targets.items() if ms is not None})
    return SlaView(
        queue_s=_seconds(report.queue_ms),
        run_s=_seconds(report.run_ms),
        total_s=_seconds(report.total_ms),
        compliance=report.compliance,
        budget_left=None if report.budget_left is None else max(0.0, report.budget_left),
        breaches=report.breaches,
    )


def checked_window_ms(text: str, name: str) -> int:
    """Return a window or step in ms.

    Raises:
        UsageError: it is no duration between a minute and 90 days.
    """
    try:
        ms = duration_ms(text)
    except FilterError as error:
        raise UsageError(f"{name} must be a duration such as 1h, 24h or 7d, got {text!r}", field=name) from error
    if not 60_000 <= ms <= MAX_WINDOW_MS:
        raise UsageError(f"{name} must be between 1m and 90d, got {text!r}", field=name)
    return ms


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
