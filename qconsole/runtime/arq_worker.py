"""The one subclass of `arq.worker.Worker`: the same keywords and behaviour, with this product's guarantees under it.

What leans on arq's internals is here and in `arq_function`. A worker exits when told to, never because Redis is away.
"""

import asyncio
import contextlib
import inspect
import logging
import os
import re
import secrets
import signal
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from signal import Signals
from typing import Any, Final, cast

import arq.worker
from arq.connections import ArqRedis, create_pool, log_redis_info
from arq.jobs import serialize_job
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError

from qconsole.clock import Clock
from qconsole.errors import QConsoleError
from qconsole.redis.connect import connect, is_clustered, once
from qconsole.redis.patience import ONCE
from qconsole.runtime.arq_cron import schedule_of, split_cron_jobs
from qconsole.runtime.attempt import Attempt, CancelReason, dumps
from qconsole.runtime.client import Client
from qconsole.runtime.heartbeat import Heartbeat, resident_bytes
from qconsole.runtime.job_type import JobType, Registry
from qconsole.runtime.keys import Keys
from qconsole.runtime.lane import Lane
from qconsole.runtime.metrics_server import MetricsServer, worker_text
from qconsole.runtime.partitions import served
from qconsole.runtime.payload_store import MakeStore, PayloadStore, open_payload_store
from qconsole.runtime.policy import DAY_S, QueuePolicy, Retention
from qconsole.runtime.runner import Runner
from qconsole.runtime.schedule import Schedule
from qconsole.runtime.server_clock import ServerClock
from qconsole.runtime.serving import Serving
from qconsole.runtime.threads import straggler_entry
from qconsole.runtime.upkeep import Upkeep

logger = logging.getLogger("arq.worker")
own_logger = logging.getLogger("qconsole.worker")

FAILED_KEPT_S: Final = 7 * DAY_S
COMMAND: Final = re.compile("quiet|resume|stop")


async def _no_function(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    """Stands in for arq's at-least-one function when only job types are given."""


class Worker(arq.worker.Worker):
    """Runs arq functions and declared job types.

    Args:
        functions: as for arq.
        job_types: declared job types.
        queues: policies; a queue named here is served, and so are the queues of the job types.
        schedules: made by `cron` or `every`.
        name: shown in front of the process id; the host's name by default.
        deploy: tag of the release, shown and marked on charts.
        lock_s: how long a claim holds when its worker dies; renewed in time while it lives.
        max_stalled: how often a job's worker may die before the job is buried.
        shutdown_s: how long running jobs may go on after SIGTERM; None behaves as arq (`job_completion_wait`).
        records: keep indexes, metrics, events, dead letters and the registry; by default when anything of ours is used.
        redis_url: in place of arq's `redis_settings`.
        payload_store: where claim-checked payloads lie: a store, or what `open_payload_store` takes (and closed).
        metrics_port: serve Prometheus text about this worker here, on loopback; 0 picks a free port.
        clock: where "now" comes from; by default the server's time.
        arq_options: every other keyword arq's worker takes.
    """

    def __init__(
        self,
        functions: Sequence[Any] = (),
        *,
        job_types: Iterable[JobType[Any]] = (),
        queues: Mapping[str, QueuePolicy] | None = None,
        schedules: Iterable[Schedule] = (),
        name: str | None = None,
        deploy: str | None = None,
        lock_s: float = 60.0,
        max_stalled: int = 2,
        shutdown_s: float | None = None,
        records: bool | None = None,
        redis_url: str | None = None,
        payload_store: PayloadStore | MakeStore | str | None = None,
        metrics_port: int | None = None,
        clock: Clock | None = None,
        **arq_options: Any,
    ) -> None:
        self.registry = Registry(job_types)
        self.queues = dict(queues or {})
        given = bool(functions) or bool(arq_options.get("cron_jobs"))
        only_declared = not given and len(self.registry) > 0
        if shutdown_s is not None:
            arq_options["job_completion_wait"] = shutdown_s
        super().__init__([_no_function] if only_declared else functions, **arq_options)
        if only_declared:
            self.functions.clear()
        self.worker_id = f"{name or socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}".replace("|", "-")
        self.deploy = deploy
        self.max_stalled = max_stalled
        self.records = bool(job_types or queues or redis_url) if records is None else records
        self.redis_url = redis_url
        self.payload_store = None if payload_store is None else open_payload_store(payload_store)
        self._owns_store = self.payload_store is not payload_store
        self.clock: Clock = clock or ServerClock()
        self.client: Client | None = None
        self.metrics: MetricsServer | None = None
        if metrics_port is not None:
            self.metrics = MetricsServer(port=metrics_port, text=self._metrics_text)
        self.lanes: list[Lane] = []
        self.started_ms = 0
        self._heard_lag_ms = 0.0
        self._lease_ms = round(lock_s * 1000)
        self._serves_arq_queue = given or not self.registry
        self.heartbeat: Heartbeat
        self.runner: Runner
        self.serving: Serving
        self._upkeep: Upkeep | None = None
        self._schedules = tuple(schedules)
        self._cron_schedules: list[Schedule] = []
        self._told_to_stop = False
        self._stopping = False

    @property
    def honours_abort(self) -> bool:
        """Whether a request to abort counts for arq functions."""
        return self.allow_abort_jobs or self.records

    @property
    def may_claim(self) -> bool:
        """Whether the worker takes further jobs."""
        return self.allow_pick_jobs and not self._stopping

    async def until_settled(self, attempt: Attempt) -> None:
        """Wait until a finished attempt is settled; outside `main` nobody else does it."""
        if self.serving.active:
            await self.runner.until_settled(attempt)
        else:
            await attempt.lane.turn(limit=0)

    # life

    async def main(self) -> None:
        """Serve the queues until stopped; in burst mode until they are empty."""
        await self._open()
        if self.functions or not self.registry:
            logger.info("Starting worker for %d functions: %s", len(self.functions), ", ".join(self.functions))
        if self.registry:
            logger.info(
                "Starting worker for %d job types: %s",
                len(self.registry),
                ", ".join(sorted(t.name for t in self.registry)),
            )
        await log_redis_info(self.pool, logger.info)
        self.ctx["redis"] = self.pool
        if self.on_startup:
            await self.on_startup(self.ctx)
        if self.metrics is not None:
            await self.metrics.start()
        upkeep: asyncio.Task[None] | None = None
        if self._upkeep is not None:
            await self._upkeep.announce()
            upkeep = asyncio.create_task(self._upkeep.run())
            self.heartbeat.start()
        try:
            await self.serving.run()
        finally:
            if self.metrics is not None:
                await self.metrics.stop()
            if upkeep is not None:
                upkeep.cancel()
            if not self.tasks:
                self.heartbeat.stop()

    async def _open(self) -> None:
        """Connect, and make the lanes."""
        if self._pool is None:
            options: dict[str, Any] = {
                "job_serializer": self.job_serializer,
                "job_deserializer": self.job_deserializer,
                "default_queue_name": self.queue_name,
                "expires_extra_ms": self.expires_extra_ms,
            }
            if self.redis_url is not None:
                self._pool = connect(self.redis_url, client_class=ArqRedis, name="worker", **options)
            else:
                self._pool = await create_pool(self.redis_settings, **options)
                _give_deadlines(self._pool)
        if isinstance(self.clock, ServerClock):
            await self.clock.measure(self.pool)
        self.started_ms = self.started_ms or self.clock.now_ms()
        self._make_lanes()

    def _make_lanes(self) -> None:
        if self.lanes:
            return
        cluster = is_clustered(self.pool)
        redis = once(self.pool) if hasattr(self.pool, "run_once") else self.pool
        self.heartbeat = Heartbeat(
            worker_id=self.worker_id,
            make_redis=self._make_second_client,
            listener=self,
            loop=self.loop,
            clock=self.clock,
            lease_ms=self._lease_ms,
            show=self.records,
        )
        self.runner = Runner(self, self.heartbeat)
        for queue, policy, shared in served(self._policies().items()):
            lane = Lane(
                Keys(queue, cluster=cluster),
                slots=policy.concurrency,
                policy=policy,
                redis=redis,
                worker_id=self.worker_id,
                clock=self.clock,
                lease_ms=self._lease_ms,
                records=self.records,
                poll_s=self.poll_delay_s,
                start=self.runner.start,
                settled=self.runner.settled,
                effects=self._forward_soon,
                shared=shared,
            )
            self.lanes.append(lane)
        self.serving = Serving(self, self.lanes, redis)
        if self.records:
            self.client = Client(
                redis=self.pool,
                clock=self.clock,
                job_types=self.registry,
                payload_store=self.payload_store,
                cluster=cluster,
            )
            self._upkeep = self._make_upkeep(self.client)

    def _make_upkeep(self, client: Client) -> Upkeep:
        taken, self.cron_jobs = split_cron_jobs(self.cron_jobs)
        self._cron_schedules += [schedule_of(job, self.queue_name, self.timezone) for job in taken]
        return Upkeep(
            client=client,
            lanes=self.lanes,
            partitions={queue: policy.partitions for queue, policy in self._policies().items()},
            job_types=self.registry,
            schedules=[*self._schedules, *self._cron_schedules],
            encode_arq=lambda schedule, now_ms: serialize_job(
                schedule.job_type, (), {}, None, now_ms, serializer=self.job_serializer
            ),
            worker_id=self.worker_id,
            deploy=self.deploy,
        )

    def _forward_soon(self) -> None:
        if self._upkeep is not None:
            self._upkeep.forward_soon()

    def _policies(self) -> dict[str, QueuePolicy]:
        policies = dict(self.queues)
        for job_type in self.registry:
            policies.setdefault(job_type.queue, QueuePolicy())
        if self._serves_arq_queue:
            unchanged = QueuePolicy(concurrency=self.max_jobs, retention=self._arq_retention())
            policies.setdefault(self.queue_name, unchanged)
        return policies

    def _arq_retention(self) -> Retention:
        """Return what keeps an arq app's ends in their index as long as their results live; none is cut short."""
        kept_s = [self.keep_result_s, *(f.keep_result_s or 0 for f in self.functions.values())]
        if self.keep_result_forever or any(f.keep_result_forever for f in self.functions.values()):
            return Retention(None, None, None, None)
        return Retention(None, max(kept_s) + 1, None, max(*kept_s, FAILED_KEPT_S) + 1)

    def _make_second_client(self) -> Redis:
        """Return a client of its own for the heartbeat's thread."""
        if self.redis_url is not None:
            return connect(self.redis_url, name="heartbeat", patience=ONCE)
        pool = self.pool.connection_pool
        options = {"socket_timeout": 5, "socket_connect_timeout": 2} | pool.connection_kwargs
        return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **options))

    async def close(self) -> None:
        """Give back what runs, settle what has finished, and close the connections; see arq."""
        if not self._handle_signals and not self._stopping:
            self.handle_sig(signal.SIGUSR1)
        if not self._pool:
            return
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        if not self.lanes or await self._leave():
            with contextlib.suppress(RedisError, OSError):
                await self.pool.delete(self.health_check_key)
        if self.on_shutdown:
            await self.on_shutdown(self.ctx)
        if self.payload_store is not None and self._owns_store:
            await self.payload_store.close()
        await self.pool.aclose(close_connection_pool=True)
        self._pool = None
        self.lanes.clear()

    async def _leave(self) -> bool:
        """Settle, give back and sign off; returns whether Redis was there for it."""
        is_there = await self.serving.settle_all()
        if is_there and self._upkeep is not None:
            try:
                await self._upkeep.finish()
            except (RedisError, OSError, QConsoleError) as error:
                own_logger.warning("effects on other queues stay in their outbox: %s", error)
                is_there = False
        self.runner.close()
        await asyncio.to_thread(self.heartbeat.stop)
        return is_there

    # what the heartbeat says, on the worker's own loop

    def hear_word(self, queue: str, job_id: str, word: str) -> None:
        """A running job is lost, or somebody wants it cancelled."""
        for lane in self.lanes:
            if lane.keys.queue == queue and (attempt := lane.running.get(job_id)) is not None:
                self.runner.cancel(attempt, word)

    def hear_command(self, command: bytes) -> None:
        """An operator sent quiet, resume or stop."""
        text = command.decode("utf-8", "replace")
        own_logger.warning("worker %s: an operator says %s", self.worker_id, text)
        word = COMMAND.search(text)
        match word and word[0]:
            case "quiet":
                self.allow_pick_jobs = False
            case "resume":
                self.allow_pick_jobs = not self._told_to_stop
            case "stop":
                self.handle_sig_wait_for_completion(signal.SIGTERM)
            case _:
                own_logger.error("worker %s: there is no command %s", self.worker_id, text)
        for lane in self.lanes:
            lane.wake()

    def hear_ping(self, sent_s: float) -> None:
        """Measure how late the event loop is."""
        self._heard_lag_ms = (time.monotonic() - sent_s) * 1000

    @property
    def lag_ms(self) -> float:
        """How late the event loop is, also while something blocks it."""
        return max(self._heard_lag_ms, self.heartbeat.silence_s * 1000)

    def describe(self) -> dict[str, str | int | float]:
        """Return the worker's entry in the registry."""
        running = [
            {"id": a.id, "queue": lane.keys.queue, "job_type": a.name, "started_ms": a.started_ms, "attempt": a.number}
            for lane in self.lanes
            for a in list(lane.running.values())
        ]
        running += [straggler_entry(straggler.attempt) for straggler in list(self.runner.threads.stragglers)]
        return {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": version("qconsole"),
            "deploy": self.deploy or "",
            "started_ms": self.started_ms,
            "queues": dumps({lane.keys.queue: lane.slots for lane in self.lanes}),
            "slots": sum(lane.slots for lane in self.lanes),
            "running": dumps(running),
            "done": self.jobs_complete,
            "failed": self.jobs_failed,
            "retried": self.jobs_retried,
            "lost": self.runner.lost,
            "lag_ms": round(self.lag_ms, 1),
            "rss": resident_bytes(),
            "state": "stopping" if self._stopping else "running" if self.allow_pick_jobs else "quiet",
        }

    def _metrics_text(self) -> str:
        figures = {
            "jobs_completed_total": self.jobs_complete,
            "jobs_failed_total": self.jobs_failed,
            "jobs_retried_total": self.jobs_retried,
            "leases_lost_total": self.runner.lost,
            "jobs_running": sum(len(lane.running) for lane in self.lanes),
            "stragglers": len(self.runner.threads.stragglers),
            "slots": sum(lane.slots for lane in self.lanes),
            "loop_lag_seconds": self.lag_ms / 1000,
            "resident_bytes": resident_bytes(),
        }
        return worker_text(self.worker_id, figures)

    # signals

    def handle_sig(self, signum: Signals) -> None:
        """Stop at once: running jobs are given back."""
        self._begin_stop()
        super().handle_sig(signum)

    def handle_sig_wait_for_completion(self, signum: Signals) -> None:
        """Stop after the running jobs, or when their time is over; a second signal stops at once."""
        if self._told_to_stop:
            self.handle_sig(signum)
            return
        self._told_to_stop = True
        super().handle_sig_wait_for_completion(signum)

    async def _wait_for_tasks_to_complete(self, signum: Signals) -> None:
        await super()._wait_for_tasks_to_complete(signum)
        # the tasks were told to cancel and have not run since
        self._begin_stop()

    def _begin_stop(self) -> None:
        self._stopping = True
        for lane in self.lanes:
            lane.may_claim = False
            for attempt in lane.running.values():
                attempt.cancelled_by = attempt.cancelled_by or CancelReason.SHUTDOWN

    # arq's own entry points

    async def _poll_iteration(self) -> None:
        self._make_lanes()
        for lane in self.lanes:
            await self._turn_alone(lane, self.queue_read_limit)
        await self.heart_beat()

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """Claim and start up to as many jobs as there are ids, in the queue's order."""
        self._make_lanes()
        await self._turn_alone(self.lanes[0], len(job_ids))

    async def _turn_alone(self, lane: Lane, limit: int) -> None:
        """Take one turn outside `main`: each task settles its own job."""
        before = set(self.tasks)
        await self.serving.turn(lane, limit)
        for job_id in self.tasks.keys() - before:
            self.tasks[job_id] = self.loop.create_task(self._settle_after(lane, job_id, self.tasks[job_id]))

    async def _settle_after(self, lane: Lane, job_id: str, run: asyncio.Task[Any]) -> None:
        await run
        await lane.turn(limit=0)
        self.tasks.pop(job_id, None)


def _give_deadlines(pool: Redis) -> None:
    """Bound the calls of a pool that arq made: without a time-out a dropped network hangs them for ever."""
    for name, value in (("socket_timeout", 5.0), ("socket_keepalive", True), ("health_check_interval", 15)):
        pool.connection_pool.connection_kwargs.setdefault(name, value)


def _merged_signature() -> inspect.Signature:
    own = inspect.signature(Worker.__init__).parameters
    base = inspect.signature(arq.worker.Worker.__init__).parameters
    merged = [p for p in base.values() if p.name != "self"]
    merged += [p for p in own.values() if p.name not in base and p.kind is not p.VAR_KEYWORD]
    return inspect.Signature(merged)


# arq picks a settings class's attributes by the worker's signature
cast(Any, Worker).__signature__ = _merged_signature()

__all__ = ["Worker"]
