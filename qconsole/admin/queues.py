"""`admin.queues`: what each queue holds and how it does, pause, resume, limits, and the first screen of all."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from qconsole.admin.commands import iso_time
from qconsole.admin.counts import COUNTED, QueueCounts, read_counts, read_counts_apart
from qconsole.admin.doctor_server import server_findings
from qconsole.admin.filters import EMPTY
from qconsole.admin.metrics import Metrics, columns_of, sla_of
from qconsole.admin.noun import Noun
from qconsole.admin.partitions import Partitions, sum_of_configs, sum_of_counts, sum_of_tallies
from qconsole.admin.performance import read_tallies, steps_of, total
from qconsole.admin.queue_health import Signs, badness, judge
from qconsole.admin.queue_limits import QueueConfig, read_configs
from qconsole.admin.queue_size import estimate_bytes
from qconsole.admin.views import (
    Applied,
    Finding,
    Health,
    LimitsView,
    Overview,
    PartitionView,
    Plan,
    QueueView,
    Series,
    WorkerView,
)
from qconsole.admin.worker_registry import read_plain_workers, read_workers
from qconsole.errors import CapabilityMissing, RedisUnavailable, Refused, Unconfirmed, UsageError
from qconsole.runtime.changes import CHUNK
from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.metrics import HOUR_MS, Tally
from qconsole.runtime.queue import UNLIMITED

RECENT_MINUTES: Final = 10
RATE_MINUTES: Final = 5
HOUR_MINUTES: Final = 60


class _Unset:
    """Tells "not given" from "clear it"."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


class Queues(Noun):
    """All queues, ours and plain arq's."""

    async def list(self) -> tuple[QueueView, ...]:
        """Return every queue, by name. On a cluster one whose shard is down has an `error`."""
        return await self._views(await self._wholes())

    async def get(self, name: str) -> QueueView:
        """Return one queue, with an estimate of the memory it takes.

        Raises:
            QueueNotFound: there is none of this name.
            RedisUnavailable: its shard of the cluster is down.
        """
        parts = await self._session.parts_of(name)
        (view,) = await self._views((name,))
        if view.error is not None:
            raise RedisUnavailable(f"queue {name} cannot be read: {view.error}", "See: qconsole doctor", queue=name)
        return replace(view, bytes_estimate=await estimate_bytes(self._backend, parts))

    async def _wholes(self) -> tuple[str, ...]:
        names = await self._session.plain_arq.queues()
        return self._partitions.wholes(names)

    @property
    def _partitions(self) -> Partitions:
        return self._session.plain_arq.partitions

    async def are_all_plain(self) -> bool:
        """Tell whether only plain arq uses this Redis: no dead letters, schedules, flows or metrics then."""
        names = await self._session.plain_arq.queues()
        return bool(names) and all(self._session.plain_arq.is_plain(name) for name in names)

    async def _views(self, names: tuple[str, ...]) -> tuple[QueueView, ...]:
        parts = {name: self._partitions.parts(name) for name in names}
        every = [part for of_one in parts.values() for part in of_one]
        ours = await read_workers(self._backend)
        (counts, lost), theirs = await asyncio.gather(
            read_counts_apart(self._backend, every), read_plain_workers(self._backend, every, ours)
        )
        configs, workers = await read_configs(self._backend, list(counts)), ours + theirs
        views = []
        for name in names:
            if errors := [lost[part] for part in parts[name] if part in lost]:
                views.append(_unread(name, errors[0]))
                continue
            hours = [await self._session.performance.last_hour(part) for part in parts[name]]
            config = sum_of_configs([configs[part] for part in parts[name]])
            views.append(self._view(name, [counts[part] for part in parts[name]], config, workers, hours))
        return tuple(views)

    def _view(
        self,
        name: str,
        parts: Sequence[QueueCounts],
        config: QueueConfig,
        workers: tuple[WorkerView, ...],
        hours: Sequence[Sequence[Tally]],
    ) -> QueueView:
        now_ms, hour, counts = self._backend.now_ms(), sum_of_tallies(hours), sum_of_counts(name, parts)
        names = {part.name for part in parts}
        serving = [w for w in workers if names & w.queues.keys() and w.state != "lost"]
        slots = sum(worker.queues.get(part, 0) for worker in serving for part in names)
        summed, recent, lately = total(hour), total(hour[-RECENT_MINUTES:]), total(hour[-RATE_MINUTES - 1 : -1])
        oldest_ms = counts.oldest_wait_ms(now_ms)
        signs = Signs(
            waiting=counts.waiting,
            active=counts.active,
            is_paused=counts.pause is not None,
            is_held=counts.held_until_ms is not None,
            workers=len(serving),
            slots=slots,
            oldest_wait_ms=oldest_ms,
            ended_1h=summed.ended,
            failed_1h=summed.failed,
            failed_recently=recent.failed,
            ended_recently=recent.ended,
            sla_queue_ms=config.sla_queue_ms,
        )
        health, reason = judge(signs)
        is_plain = self._session.plain_arq.is_plain(counts.name)
        if is_plain and health is Health.IDLE:
            reason = "nothing waits or runs"  # what ended is not counted
        return QueueView(
            name=counts.name,
            health=health,
            health_reason=reason,
            native=not is_plain,
            counts=counts.by_state(),
            workers=len(serving),
            slots=slots,
            busy=counts.active,
            oldest_wait_ms=oldest_ms,
            fail_rate_1h=summed.failed / summed.ended if summed.ended else None,
            throughput_per_min=round(lately.ended / RATE_MINUTES, 2),
            p50_wait_ms=summed.wait_ms(0.5),
            p95_wait_ms=summed.wait_ms(0.95),
            p95_run_ms=summed.run_ms(0.95),
            pause=counts.pause,
            limits=config.limits(counts.held_until_ms),
            sla=sla_of(config, summed) if config.has_sla else None,
            series_completed=tuple(point.completed for point in hour),
            series_failed=tuple(point.failed for point in hour),
            partitions=tuple(_partition(part, now_ms) for part in parts) if len(parts) > 1 else (),
        )

    async def overview(self, window_min: int = 60) -> Overview:
        """Return the first screen: key figures, a chart of the window, queues worst first, warnings about Redis."""
        if not isinstance(window_min, int) or not 1 <= window_min <= 90 * 24 * 60:
            raise UsageError(
                f"window_min must be between 1 and {90 * 24 * 60:,}, got {window_min!r}", field="window_min"
            )
        started = time.perf_counter()
        await self._backend.redis.ping()
        redis_ms = (time.perf_counter() - started) * 1000
        queues = sorted(
            await self.list(), key=lambda view: (badness(view.health), -(view.oldest_wait_ms or 0), view.name)
        )
        workers = await read_workers(self._backend)
        oldest = max(queues, key=lambda view: view.oldest_wait_ms or -1, default=None)
        settings = self._backend.settings
        return Overview(
            env=settings.env,
            production=settings.production,
            queued=sum(view.counts["waiting"] for view in queues),
            running=sum(view.counts["active"] for view in queues),
            slots=sum(worker.slots for worker in workers if worker.state != "lost"),
            failed_1h=sum(sum(view.series_failed) for view in queues),
            oldest_wait_ms=oldest.oldest_wait_ms if oldest else None,
            oldest_wait_queue=oldest.name if oldest and oldest.oldest_wait_ms is not None else None,
            sla_compliance=_compliance(queues),
            dead_letters=sum(view.counts["dead_letters"] for view in queues),
            queues=tuple(queues),
            chart=await self._chart([view.name for view in queues if view.error is None], window_min),
            redis_ms=round(redis_ms, 2),
            warnings=await self._warnings(),
            as_of_ms=self._backend.now_ms(),
        )

    async def _chart(self, names: Sequence[str], window_min: int) -> Series:
        steps = steps_of(self._backend.now_ms(), window_min * 60_000)
        points = [Tally() for _ in range(steps.points)]
        for name in self._partitions.with_parts(names):
            cached = window_min * 60_000 == HOUR_MS
            theirs = await (
                self._session.performance.last_hour(name) if cached else read_tallies(self._backend, name, steps)
            )
            for mine, point in zip(points, theirs, strict=True):
                mine.add(point)
        at_ms = steps.at_ms()
        return Series(at_ms, columns_of(points), steps.step_s, await Metrics(self._session).marks(at_ms[0]))

    async def _warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in await server_findings(self._backend) if finding.level != "ok")

    async def pause(self, name: str, *, reason: str | None = None, until_ms: int | None = None) -> Applied:
        """Stop a queue's claims; jobs that run go on.

        Args:
            until_ms: resume by itself at this instant.

        Raises:
            QueueNotFound, UsageError, Forbidden
        """
        self._session.require("operator", "pausing queues")
        reason = self._session.checked_reason(reason)
        await self._ours(name, "be paused")
        actor, changed = self._session.actor.name, False
        async with self._change("queues.pause", name, name, reason=reason, until=iso_time(until_ms)) as entry:
            for part in self._partitions.parts(name):
                changed |= await self._queue(part).pause(actor=actor, reason=reason, until_ms=until_ms)
        said = "is paused" if changed else "was paused already, its reason is updated"
        until = iso_time(until_ms)
        ends = f"; it resumes by itself at {until[:19].replace('T', ' ')} UTC" if until else ""
        return entry.applied(f"Queue {name} {said}{ends}.")

    async def _ours(self, name: str, what: str) -> None:
        """Refuse what only workers of ours heed on a queue that none of them has served.

        Raises:
            QueueNotFound, CapabilityMissing
        """
        await self._session.known_queue(name)
        if await self._backend.redis.zscore(GLOBAL.queues(), name) is None:
            raise CapabilityMissing(
                f"queue {name} cannot {what}: only plain arq uses it",
                "Run its settings with: qconsole worker app.WorkerSettings",
                queue=name,
            )

    async def resume(self, name: str, *, reason: str | None = None) -> Applied:
        """Let a queue's jobs be claimed again."""
        self._session.require("operator", "resuming queues")
        reason = self._session.checked_reason(reason)
        await self._session.known_queue(name)
        changed = False
        async with self._change("queues.resume", name, name, reason=reason) as entry:
            for part in self._partitions.parts(name):
                changed |= await self._queue(part).resume(actor=self._session.actor.name, reason=reason)
        return entry.applied(f"Queue {name} is resumed." if changed else f"Queue {name} was not paused.")

    async def pause_all(self, *, reason: str | None = None, until_ms: int | None = None) -> tuple[Applied, ...]:
        """Pause every queue that workers of ours serve."""
        self._session.require("operator", "pausing queues")
        names = [name for name in await self._wholes() if not self._session.plain_arq.is_plain(name)]
        return tuple([await self.pause(name, reason=reason, until_ms=until_ms) for name in names])

    async def resume_all(self, *, reason: str | None = None) -> tuple[Applied, ...]:
        """Resume every paused queue."""
        self._session.require("operator", "resuming queues")
        counts = await read_counts(self._backend, await self._session.plain_arq.queues())
        paused = self._partitions.wholes(name for name, found in counts.items() if found.pause is not None)
        return tuple([await self.resume(name, reason=reason) for name in paused])

    async def limit(
        self,
        name: str,
        *,
        concurrency: int | _Unset | None = UNSET,
        rate_max: int | _Unset | None = UNSET,
        rate_per_s: float | _Unset | None = UNSET,
        reason: str | None = None,
    ) -> Applied:
        """Set an operator's limits, which count over the code's; `None` goes back to what the code says.

        Args:
            concurrency: jobs that run at once, over all workers. A partitioned queue's limits are divided evenly,
                rounded down, and may not be below the number of its partitions.
            rate_max: starts in any window of `rate_per_s` seconds.
            rate_per_s: length of that window, a second by default.

        Raises:
            QueueNotFound, UsageError, Forbidden
        """
        self._session.require("operator", "setting limits")
        reason = self._session.checked_reason(reason)
        await self._ours(name, "have limits")
        changes, parts = _changes(concurrency, rate_max, rate_per_s), self._partitions.parts(name)
        shares, counts = _shares(changes, len(parts)), dict[str, int]()
        async with self._change("queues.limit", name, name, reason=reason, **_limit_options(changes)) as entry:
            for part in parts:
                of_part = await self._queue(part).limit(actor=self._session.actor.name, **shares)
                for limit, value in of_part.items():
                    counts[limit] = value if limit == "rate_ms" else counts.get(limit, 0) + value
        return entry.applied(f"Queue {name}: {_limits_said(counts, changes)}.")

    async def release_hold(self, name: str, *, reason: str | None = None) -> Applied:
        """End a hold that a rate-limited job put on the queue."""
        self._session.require("operator", "releasing holds")
        reason = self._session.checked_reason(reason)
        await self._session.known_queue(name)
        changed = False
        async with self._change("queues.resume", name, name, reason=reason, hold=True) as entry:
            for part in self._partitions.parts(name):
                changed |= await self._queue(part).release_hold()
        return entry.applied(f"Queue {name} is no longer held." if changed else f"Queue {name} was not held.")

    async def drain(self, name: str, *, delayed: bool = True, reason: str | None = None, **options: Any) -> Plan:
        """Plan the removal of what waits in a queue (and is delayed); start it as any operation."""
        await self._session.known_queue(name)
        states = "waiting,delayed" if delayed else "waiting"
        wanted = EMPTY.and_is("queue", name).and_is("state", *states.split(","))
        from qconsole.admin.operations import Operations

        return await Operations(self._session).plan("drain", wanted, reason=reason, **options)

    async def empty(self, name: str, *, confirm_name: str, reason: str | None = None) -> Applied:
        """Remove every job of a queue that does not run, whatever its state, without a way back.

        Raises:
            Unconfirmed: the queue's name was not typed.
            Refused: jobs are running.
        """
        self._session.require("admin", "emptying a queue")
        reason = self._session.checked_reason(reason, needed=True)
        await self._session.known_queue(name)
        if confirm_name != name:
            raise Unconfirmed(f"emptying {name} must be confirmed by its name, got {confirm_name!r}", f"Type {name}.")
        parts = self._partitions.parts(name)
        counts = sum_of_counts(name, list((await read_counts(self._backend, parts)).values()))
        if counts.active:
            raise Refused(
                f"queue {name} has {counts.active} running jobs and was not emptied",
                f"Pause it (qconsole queues pause {name}) and wait for them, or cancel them.",
                queue=name,
            )
        async with self._change("queues.empty", name, name, reason=reason) as entry:
            removed = sum([await self._remove_everything(part) for part in parts])
        were = "job was" if removed == 1 else "jobs were"
        return entry.applied(f"Queue {name} is empty: {removed:,} {were} removed.")

    async def _remove_everything(self, name: str) -> int:
        keys, queue, removed = self._backend.keys(name), self._queue(name), 0
        indexes = (name, keys.waiting_children(), keys.failed(), keys.completed(), keys.cancelled())
        for index in indexes:
            kept = 0
            while ids := await self._backend.redis.zrange(index, kept, kept + CHUNK - 1):
                bare = [keys.bare_id(job_id.decode("utf-8", "replace")) for job_id in ids]
                changes = await queue.remove(bare, actor=self._session.actor.name, trash_ms=0)
                removed += len(changes.done)
                kept += len(changes.skipped)
        return removed

    async def forget(self, name: str, *, reason: str | None = None) -> Applied:
        """Take an empty queue off the list until somebody uses it again."""
        self._session.require("operator", "forgetting queues")
        view = await self.get(name)
        if any(view.counts.values()):
            raise Refused(f"queue {name} is not empty", f"See what it holds: qconsole queues show {name}", queue=name)
        async with self._change("queues.forget", name, name, reason=reason) as entry:
            await self._backend.redis.zrem(GLOBAL.queues(), *self._partitions.parts(name))
            self._session.plain_arq.look_again()
        return entry.applied(f"Queue {name} is off the list.")


def _unread(name: str, error: str) -> QueueView:
    """Return the view of a queue that cannot be read."""
    return QueueView(
        name=name,
        health=Health.FAILING,
        health_reason=f"cannot be read: {error}",
        native=True,
        counts=dict.fromkeys(COUNTED, 0),
        workers=0,
        slots=0,
        busy=0,
        oldest_wait_ms=None,
        fail_rate_1h=None,
        throughput_per_min=0.0,
        p50_wait_ms=None,
        p95_wait_ms=None,
        p95_run_ms=None,
        pause=None,
        limits=LimitsView(None, None, None, None),
        sla=None,
        series_completed=(0,) * HOUR_MINUTES,
        series_failed=(0,) * HOUR_MINUTES,
        error=error,
    )


def _changes(
    concurrency: int | _Unset | None, rate_max: int | _Unset | None, rate_per_s: float | _Unset | None
) -> dict[str, int | None]:
    changes: dict[str, int | None] = {}
    if not isinstance(concurrency, _Unset):
        changes["concurrency"] = concurrency
    if isinstance(rate_max, _Unset):
        if not isinstance(rate_per_s, _Unset) or not changes:
            raise UsageError("a limit must be given: concurrency, or rate_max with rate_per_s", field="rate_max")
        return changes
    if rate_max is None:
        return changes | {"rate_max": None, "rate_ms": None}
    per_s = 1.0 if isinstance(rate_per_s, _Unset) or rate_per_s is None else rate_per_s
    if not 0.001 <= per_s <= 86_400:
        raise UsageError(f"rate_per_s must be between 0.001 and 86,400 seconds, got {per_s!r}", field="rate_per_s")
    return changes | {"rate_max": rate_max, "rate_ms": round(per_s * 1000)}


def _shares(changes: Mapping[str, int | None], parts: int) -> dict[str, int | None]:
    """Return what each part of a partitioned queue gets of its new limits.

    Raises:
        UsageError: a part would get nothing.
    """
    shares = dict(changes)
    for name in ("concurrency", "rate_max"):
        limit = changes.get(name)
        if limit is not None and limit != UNLIMITED and parts > 1:
            if not isinstance(limit, int) or limit < parts:
                raise UsageError(
                    f"{name} must be a whole number of at least {parts}, one for each partition, got {limit!r}",
                    field=name,
                )
            shares[name] = limit // parts
    return shares


def _partition(counts: QueueCounts, now_ms: int) -> PartitionView:
    return PartitionView(counts.name, counts.by_state(), counts.oldest_wait_ms(now_ms), counts.pause is not None)


def _limits_said(counts: Mapping[str, int], changes: Mapping[str, object]) -> str:
    """Return the limits that were changed, as they count now."""
    said = []
    if "concurrency" in changes:
        said.append(f"concurrency {counts.get('concurrency', 'without limit')}")
    if "rate_max" in changes or "rate_ms" in changes:
        rate = f"{counts['rate_max']:,} per {counts.get('rate_ms', 1000) / 1000:g} s" if "rate_max" in counts else None
        said.append(f"rate {rate or 'without limit'}")
    return ", ".join(said)


def _limit_options(changes: dict[str, int | None]) -> dict[str, str]:
    """Return the changes as the command line's options."""
    options: dict[str, str] = {}
    if "concurrency" in changes:
        options["concurrency"] = str(changes["concurrency"] or 0)
    if "rate_max" in changes:
        window_s = (changes["rate_ms"] or 0) / 1000
        options["rate"] = "none" if changes["rate_max"] is None else f"{changes['rate_max']}/{window_s:g}s"
    return options


def _compliance(queues: Sequence[QueueView]) -> float | None:
    """Return the share of jobs in their targets over all queues that have some."""
    known = [
        (view.sla.compliance, sum(view.series_completed) + sum(view.series_failed))
        for view in queues
        if view.sla is not None and view.sla.compliance is not None
    ]
    jobs = sum(n for _, n in known)
    return sum(share * n for share, n in known) / jobs if jobs else None
