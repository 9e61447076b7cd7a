"""The one subclass of `arq.worker.Worker`: the same keywords and behaviour, with this product's guarantees under it.

What leans on arq's internals is here and in `arq_function`. A worker exits when told to, never because Redis is away.
"""

import asyncio
import contextlib
import inspect
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from importlib.metadata import version
from signal import Signals
from typing import Any, Final, cast

import arq.worker
from arq.connections import ArqRedis, create_pool, log_redis_info
from arq.jobs import SerializationError, deserialize_job_raw
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError

from qconsole.clock import Clock
from qconsole.errors import PayloadInvalid, QConsoleError, RedisUnavailable
from qconsole.redis.connect import connect, is_clustered, once
from qconsole.redis.patience import BOUNDED, Patience
from qconsole.runtime.arq_function import ArqRun
from qconsole.runtime.attempt import Attempt, CancelReason, dumps
from qconsole.runtime.client import Client
from qconsole.runtime.codec import Call, decode_call
from qconsole.runtime.declared import DeclaredRun, call_of_plain
from qconsole.runtime.heartbeat import Heartbeat, resident_bytes
from qconsole.runtime.job_type import Context, JobType, Registry
from qconsole.runtime.json_codec import encode_value
from qconsole.runtime.keys import Keys
from qconsole.runtime.lane import Claimed, Lane
from qconsole.runtime.payload_store import PayloadStore
from qconsole.runtime.policy import QueuePolicy, Retention
from qconsole.runtime.scripts import Executor
from qconsole.runtime.server_clock import ServerClock

logger = logging.getLogger("arq.worker")
own_logger = logging.getLogger("qconsole.worker")

BEAT_S: Final = 0.25
POP_S: Final = 2
_RECONNECT: Final = Patience(deadline_s=None, first_pause_s=0.1, max_pause_s=1.0)
_DRAIN_TRIES: Final = 20


async def _no_function(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    """Stands in for arq's at-least-one function when only job types are given."""


class Worker(arq.worker.Worker):
    """Runs arq functions and declared job types.

    Args:
        functions: as for arq.
        job_types: declared job types.
        queues: policies; a queue named here is served, and so are the queues of the job types.
        name: shown in front of the process id; the host's name by default.
        deploy: tag of the release, shown and marked on charts.
        lock_s: how long a claim holds when its worker dies; renewed in time while it lives.
        max_stalled: how often a job's worker may die before the job is buried.
        shutdown_s: how long running jobs may go on after SIGTERM; None behaves as arq (`job_completion_wait`).
        records: keep indexes, metrics, events, dead letters and the registry; by default when anything of ours is used.
        redis_url: in place of arq's `redis_settings`.
        payload_store: where claim-checked payloads lie.
        clock: where "now" comes from; by default the server's time.
        arq_options: every other keyword arq's worker takes.
    """

    def __init__(
        self,
        functions: Sequence[Any] = (),
        *,
        job_types: Iterable[JobType[Any]] = (),
        queues: Mapping[str, QueuePolicy] | None = None,
        name: str | None = None,
        deploy: str | None = None,
        lock_s: float = 60.0,
        max_stalled: int = 2,
        shutdown_s: float | None = None,
        records: bool | None = None,
        redis_url: str | None = None,
        payload_store: PayloadStore | None = None,
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
        self.payload_store = payload_store
        self.clock: Clock = clock or ServerClock()
        self.client: Client | None = None
        self.lanes: list[Lane] = []
        self.started_ms = 0
        self.lost = 0
        self.lag_ms = 0.0
        self._lease_ms = round(lock_s * 1000)
        self._serves_arq_queue = given or not self.registry
        self._heartbeat: Heartbeat | None = None
        self._listeners: list[asyncio.Task[None]] = []
        self._idle = asyncio.Event()
        self._waiters: dict[str, asyncio.Future[None]] = {}
        self._beat_at = 0.0
        self._told_to_stop = False
        self._stopping = False
        self._serving = False

    @property
    def honours_abort(self) -> bool:
        """Whether a request to abort counts for arq functions."""
        return self.allow_abort_jobs or self.records

    # life

    async def main(self) -> None:
        """Serve the queues until stopped; in burst mode until they are empty."""
        await self._open()
        logger.info("Starting worker for %d functions: %s", len(self.functions), ", ".join(self.functions))
        await log_redis_info(self.pool, logger.info)
        self.ctx["redis"] = self.pool
        if self.on_startup:
            await self.on_startup(self.ctx)
        heartbeat = self._beating()
        if self.records:
            heartbeat.start()
        if not self.burst:
            self._listeners = [self.loop.create_task(self._listen(lane)) for lane in self.lanes]
        self._serving = True
        try:
            if len(self.lanes) == 1:
                await self._serve(self.lanes[0])
            else:
                async with asyncio.TaskGroup() as group:
                    for lane in self.lanes:
                        group.create_task(self._serve(lane))
        finally:
            self._serving = False
            for listener in self._listeners:
                listener.cancel()
            if not self.tasks:
                heartbeat.stop()

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
        if self.records:
            self.client = Client(redis=self.pool, clock=self.clock, job_types=self.registry, cluster=cluster)
        for queue, policy in self._policies().items():
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
                start=self._start,
                settled=self._settled,
            )
            self.lanes.append(lane)

    def _policies(self) -> dict[str, QueuePolicy]:
        policies = dict(self.queues)
        for job_type in self.registry:
            policies.setdefault(job_type.queue, QueuePolicy())
        if self._serves_arq_queue:
            unchanged = QueuePolicy(concurrency=self.max_jobs, retention=Retention(None, None, None, None))
            policies.setdefault(self.queue_name, unchanged)
        return policies

    def _beating(self) -> Heartbeat:
        if self._heartbeat is None:
            self._heartbeat = Heartbeat(
                worker_id=self.worker_id,
                make_redis=self._make_second_client,
                listener=self,
                loop=self.loop,
                clock=self.clock,
                lease_ms=self._lease_ms,
                show=self.records,
            )
        return self._heartbeat

    def _make_second_client(self) -> Redis:
        """Return a client of its own for the heartbeat's thread."""
        if self.redis_url is not None:
            return connect(self.redis_url, name="heartbeat", patience=BOUNDED)
        pool = self.pool.connection_pool
        options = {"socket_timeout": 5, "socket_connect_timeout": 2} | pool.connection_kwargs
        return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **options))

    async def close(self) -> None:
        """Give back what runs, settle what has finished, and close the connections; see arq."""
        if not self._handle_signals:
            self.handle_sig(signal.SIGUSR1)
        if not self._pool:
            return
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        await self._settle_all()
        if self._heartbeat is not None:
            await asyncio.to_thread(self._heartbeat.stop)
        with contextlib.suppress(RedisError, OSError):
            await self.pool.delete(self.health_check_key)
        if self.on_shutdown:
            await self.on_shutdown(self.ctx)
        await self.pool.close(close_connection_pool=True)
        self._pool = None
        self.lanes.clear()

    async def _settle_all(self) -> None:
        """Settle what has finished, for as long as that makes sense when Redis is away."""
        for lane in self.lanes:
            lane.may_claim = False
            for tried in range(_DRAIN_TRIES):
                if not lane.has_work_for_redis:
                    break
                try:
                    await lane.turn()
                except (RedisError, OSError) as error:
                    own_logger.warning("queue %s: settling at shutdown: %s", lane.keys.queue, error)
                    await asyncio.sleep(_RECONNECT.pause_s(tried + 1))

    # the loop of one lane

    async def _serve(self, lane: Lane) -> None:
        failures = 0
        while True:
            try:
                if lane is self.lanes[0]:
                    await self._beat_when_due()
                await self._turn(lane, self.queue_read_limit)
                failures = 0
            except (AuthenticationError, AuthorizationError):
                raise
            except (RedisError, OSError, RedisUnavailable) as error:
                failures += 1
                await self._wait_for_redis(error, failures)
                continue
            if self.burst and await self._burst_is_over(lane):
                return
            await self._rest(lane)

    async def _turn(self, lane: Lane, limit: int) -> int:
        if self.burst and self.max_burst_jobs >= 0:
            limit = min(limit, self.max_burst_jobs - self._jobs_started())
        lane.may_claim = self.allow_pick_jobs and not self._stopping and limit > 0
        return await lane.turn(limit=limit, want_size=self.burst)

    async def _rest(self, lane: Lane) -> None:
        """Wait until the lane has something to do."""
        if lane.attention.is_set():
            await asyncio.sleep(0)
            return
        pause_s = lane.pause_s()
        if pause_s != 0.0 and not self.burst:
            self._idle.set()
        if lane is self.lanes[0]:
            pause_s = BEAT_S if pause_s is None else min(pause_s, BEAT_S)
        timer = None if pause_s is None else self.loop.call_later(pause_s, lane.attention.set)
        try:
            await lane.attention.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _burst_is_over(self, lane: Lane) -> bool:
        if 0 <= self.max_burst_jobs <= self._jobs_started():
            await asyncio.gather(*self.tasks.values())
            await lane.turn(limit=0)
            return True
        if lane.size == 0:
            await asyncio.gather(*self.tasks.values())
        return lane.size == 0

    async def _beat_when_due(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._beat_at:
            self._beat_at = now_s + min(BEAT_S, self.poll_delay_s)
            await self.heart_beat()

    async def _wait_for_redis(self, error: Exception, failures: int) -> None:
        pause_s = _RECONNECT.pause_s(failures)
        held = sum(len(lane.running) for lane in self.lanes)
        own_logger.error(
            "Redis cannot be used (%s: %s); try %d again in %.1f s, %d jobs go on", type(error).__name__, error,
            failures, pause_s, held,
        )  # fmt: skip
        await asyncio.sleep(pause_s)

    async def _listen(self, lane: Lane) -> None:
        """Wake the lane when a producer says that there is work."""
        redis: Executor = self.pool
        while True:
            await self._idle.wait()
            if lane.pause_s() in (None, 0.0):
                self._idle.clear()
                continue
            try:
                woken = await redis.execute_command("BLPOP", lane.keys.wake(), POP_S)
            except (RedisError, OSError, RedisUnavailable) as error:
                own_logger.debug("queue %s: waiting for work: %s", lane.keys.queue, error)
                await asyncio.sleep(_RECONNECT.pause_s(5))
                continue
            if woken is None:
                continue
            if lane.free <= 0 or not lane.may_claim:
                await redis.execute_command("RPUSH", lane.keys.wake(), "1")
                self._idle.clear()
            lane.wake()

    # jobs

    def _start(self, lane: Lane, claimed: Claimed) -> None:
        """Start a claimed job, or end it at once when it cannot run."""
        call = decode_call(claimed.payload) if claimed.payload else None
        refused: BaseException | None = None
        if call is None and len(self.registry) and claimed.payload:
            call, refused = self._call_of_plain(claimed.payload)
        if call is not None and (call.job_type not in self.functions or self.registry.get(call.job_type)):
            run = DeclaredRun(self, lane, claimed, call, self.registry.get(call.job_type))
            refused = refused or run.refusal()
            if refused is not None:
                lane.running[claimed.id] = run.attempt
                run.refuse(refused)
            else:
                self._launch(run.attempt, run.run())
            return
        function_run = ArqRun(self, lane, claimed)
        refused = function_run.read(call)
        attempt = function_run.attempt()
        if refused is not None:
            lane.running[claimed.id] = attempt
            function_run.refuse(attempt, refused)
        else:
            self._launch(attempt, function_run.run(attempt))

    def _call_of_plain(self, payload: bytes) -> tuple[Call | None, BaseException | None]:
        """Return the call when a plain arq producer queued a job type declared here."""
        try:
            name, args, kwargs, _, enqueued_ms = deserialize_job_raw(payload, deserializer=self.job_deserializer)
        except SerializationError:
            return None, None
        if self.registry.get(name) is None:
            return None, None
        try:
            return call_of_plain(name, args, kwargs, enqueued_ms), None
        except (PayloadInvalid, QConsoleError) as error:
            return Call(name, b"{}", enqueued_ms), error

    def _launch(self, attempt: Attempt, run: Coroutine[Any, Any, None]) -> None:
        lane, claimed = attempt.lane, attempt.claimed
        lane.running[claimed.id] = attempt
        self._beating().hold(lane.keys, claimed.id, claimed.token, attempt.timeout_s)
        attempt.task = task = self.loop.create_task(self._run(attempt, run))
        self.tasks[claimed.id] = self.job_tasks[claimed.id] = task

    async def _run(self, attempt: Attempt, run: Coroutine[Any, Any, None]) -> None:
        job_id = attempt.claimed.id
        try:
            await run
        except Exception:  # a defect of ours must cost this attempt, not the worker
            own_logger.exception("job %s: its attempt could not be ended; its lease runs out", job_id)
            self.forget(attempt)
        finally:
            if attempt.timer is not None:
                attempt.timer.cancel()
            if self.tasks.get(job_id) is attempt.task:
                del self.tasks[job_id]
            if self.job_tasks.get(job_id) is attempt.task:
                del self.job_tasks[job_id]

    def forget(self, attempt: Attempt) -> None:
        """Drop an attempt whose lease is lost."""
        attempt.lane.running.pop(attempt.id, None)
        self._beating().drop(attempt.lane.keys.queue, attempt.id, attempt.claimed.token)
        attempt.lane.attention.set()

    async def settled(self, attempt: Attempt) -> None:
        """Wait until a finished attempt is settled."""
        if not self._serving:
            await attempt.lane.turn(limit=0)
            return
        await self._waiters.setdefault(attempt.claimed.token + attempt.id, self.loop.create_future())

    def _settled(self, lane: Lane, job_id: str, token: str, word: str) -> None:
        """Hear what became of an attempt's end."""
        self._beating().drop(lane.keys.queue, job_id, token)
        if self._waiters and (waiter := self._waiters.pop(token + job_id, None)) is not None:
            waiter.set_result(None)
        if word != "ok":
            self.lost += 1
            own_logger.warning(
                "job %s: its lease was lost (%s) before it was settled; its outcome is dropped", job_id, word
            )

    async def run_aside(self, attempt: Attempt, job_type: JobType[Any], context: Context, text: bytes) -> bytes:
        """Run a handler in a thread or process; returns its result as JSON."""
        return await self.loop.run_in_executor(
            None, lambda: encode_value(job_type.handler(context, job_type.decode(text)))
        )

    async def children_results(self, keys: Keys, job_id: str) -> dict[str, Any]:
        """Return the results of a job's children."""
        return {}

    # what the heartbeat says, on the worker's own loop

    def hear_word(self, queue: str, job_id: str, word: str) -> None:
        """A running job is lost, or somebody wants it cancelled."""
        for lane in self.lanes:
            if lane.keys.queue == queue and (attempt := lane.running.get(job_id)) is not None:
                self._cancel(attempt, word)

    def _cancel(self, attempt: Attempt, word: str) -> None:
        if word == "lost":
            attempt.cancel(CancelReason.LOST)
        elif float(word) >= attempt.enqueued_ms and (attempt.name not in self.functions or self.honours_abort):
            if attempt.name in self.functions:
                self.aborting_tasks.add(attempt.id)
            attempt.cancel(CancelReason.ABORT)

    def hear_command(self, command: bytes) -> None:
        """An operator sent quiet, resume or stop."""
        own_logger.warning("worker %s: an operator says %s", self.worker_id, command.decode("utf-8", "replace"))
        word = command.decode("utf-8", "replace")
        if "quiet" in word:
            self.allow_pick_jobs = False
        elif "resume" in word:
            self.allow_pick_jobs = True
        elif "stop" in word:
            self.handle_sig_wait_for_completion(signal.SIGTERM)
        for lane in self.lanes:
            lane.wake()

    def hear_ping(self, sent_s: float) -> None:
        """Measure how late the event loop is."""
        self.lag_ms = (time.monotonic() - sent_s) * 1000

    def describe(self) -> dict[str, str | int | float]:
        """Return the worker's entry in the registry."""
        running = [
            {"id": a.id, "queue": lane.keys.queue, "job_type": a.name, "started_ms": a.started_ms, "attempt": a.number}
            for lane in self.lanes
            for a in list(lane.running.values())
        ]
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
            "lost": self.lost,
            "lag_ms": round(self.lag_ms, 1),
            "rss": resident_bytes(),
            "state": "stopping" if self._stopping else "running" if self.allow_pick_jobs else "quiet",
        }

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
        await self._turn(lane, limit)
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
