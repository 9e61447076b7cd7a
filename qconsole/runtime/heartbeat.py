"""A worker's heartbeat on a thread of its own: renews leases, hears cancellations and commands, shows the worker.

It goes on while a job blocks the worker's event loop. Invariant: a lease is renewed as long as the worker holds the
job, and no longer than the job may run.
"""

import asyncio
import logging
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from qconsole.clock import Clock
from qconsole.errors import QConsoleError
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.scripts import Executor, script
from qconsole.runtime.server_clock import ServerClock

logger = logging.getLogger("qconsole.worker")

TICK_S: Final = 0.5
SHOW_EVERY_S: Final = 5.0
SHOWN_FOR_S: Final = 60
_LOG_EVERY_S: Final = 5.0


class Listener(Protocol):
    """What the heartbeat tells its worker; called on the heartbeat's thread."""

    def hear_word(self, queue: str, job_id: str, word: str) -> None:
        """A held job is `lost`, or to be cancelled (the word is the request's ms)."""

    def hear_command(self, command: bytes) -> None:
        """An operator sent a command."""

    def describe(self) -> dict[str, str | int | float]:
        """Return the worker's entry in the registry."""

    def hear_ping(self, sent_s: float) -> None:
        """Called on the worker's loop, to measure how late it is."""


@dataclass(slots=True)
class Held:
    """The leases a worker holds on one queue: id → (token, monotonic end of renewal)."""

    keys: Keys
    leases: dict[str, tuple[str, float]] = field(default_factory=dict)


class Heartbeat:
    """Starts its thread with the first lease; `stop` ends it.

    Args:
        worker_id: as in the registry.
        make_redis: makes the thread's own client; called on the thread.
        listener: the worker.
        loop: the worker's event loop.
        clock: where "now" comes from.
        lease_ms: what a renewal grants.
        show: keep the worker's entry in the registry, and take commands.
    """

    def __init__(
        self,
        *,
        worker_id: str,
        make_redis: Callable[[], Redis],
        listener: Listener,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        lease_ms: int,
        show: bool,
    ) -> None:
        self.worker_id = worker_id
        self.held: dict[str, Held] = {}
        self._make_redis = make_redis
        self._listener = listener
        self._worker_loop = loop
        self._clock = clock
        self._lease_ms = lease_ms
        self._show = show
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started = threading.Event()
        self._renewed_s = 0.0
        self._shown_s = 0.0
        self._logged_s = 0.0
        self._unheard_s: float | None = None  # since when the worker's loop owes an answer

    @property
    def silence_s(self) -> float:
        """How long the worker's event loop has not answered: what blocks it blocks its answer."""
        unheard_s = self._unheard_s
        return 0.0 if unheard_s is None else time.monotonic() - unheard_s

    def hold(self, keys: Keys, job_id: str, token: str, run_s: float | None) -> None:
        """Renew a lease until it is dropped, or for `run_s` seconds and one lease."""
        held = self.held.get(keys.queue)
        if held is None:
            held = self.held[keys.queue] = Held(keys)
        end = float("inf") if run_s is None else time.monotonic() + run_s + self._lease_ms / 1000
        held.leases[job_id] = (token, end)
        if self._thread is None:
            self.start()

    def drop(self, queue: str, job_id: str, token: str) -> None:
        """Stop renewing a lease, unless it is another claim's by now."""
        held = self.held.get(queue)
        if held is not None and (lease := held.leases.get(job_id)) is not None and lease[0] == token:
            del held.leases[job_id]

    def start(self) -> None:
        """Start the thread when it does not run."""
        if self._thread is None:
            self._started.clear()
            self._renewed_s = time.monotonic()
            self._thread = threading.Thread(target=self._run, name=f"heartbeat {self.worker_id}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it; the registry forgets the worker."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._started.wait(5)
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            loop.call_soon_threadsafe(stop.set)
        thread.join(5)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._beat())

    async def _beat(self) -> None:
        redis = self._make_redis()
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        stop = self._stop
        self._started.set()
        try:
            while not stop.is_set():
                try:
                    await self._tick(redis)
                except (RedisError, OSError, QConsoleError) as error:
                    self._complain(error)
                except Exception:  # leases must be renewed whatever is wrong with the rest
                    logger.exception("worker %s: a beat failed", self.worker_id)
                try:
                    async with asyncio.timeout(TICK_S):
                        await stop.wait()
                except TimeoutError:
                    continue
            if self._show:
                await self._leave(redis)
        finally:
            await redis.aclose()

    async def _tick(self, redis: Redis) -> None:
        now_s = time.monotonic()
        renew = (now_s - self._renewed_s) * 3000 >= self._lease_ms
        for held in list(self.held.values()):
            await self._renew(redis, held, now_s, self._lease_ms if renew else 0)
        if renew:
            self._renewed_s = now_s
        if self._unheard_s is None:
            self._unheard_s = time.monotonic()
            self._tell(self._answer, self._unheard_s)
        if self._show:
            await self._appear(redis, now_s)

    def _answer(self, sent_s: float) -> None:
        self._unheard_s = None
        self._listener.hear_ping(sent_s)

    async def _renew(self, redis: Redis, held: Held, now_s: float, lease_ms: int) -> None:
        args: list[Any] = [self._clock.now_ms(), lease_ms]
        for job_id, (token, end_s) in list(held.leases.items()):
            if now_s <= end_s:
                args += (job_id, token)
        if len(args) == 2:
            return
        answers = await script("renew").run(redis, (held.keys.queue, held.keys.abort), args)
        for job_id, word in zip(answers[0::2], answers[1::2], strict=True):
            self._tell(self._listener.hear_word, held.keys.queue, job_id.decode(), word.decode())

    async def _appear(self, redis: Redis, now_s: float) -> None:
        if now_s - self._shown_s >= SHOW_EVERY_S:
            self._shown_s = now_s
            if isinstance(self._clock, ServerClock):
                await self._clock.measure(redis)
            now_ms, key = self._clock.now_ms(), GLOBAL.worker(self.worker_id)
            pipe = redis.pipeline(transaction=False)
            pipe.hset(key, mapping=self._listener.describe())
            pipe.expire(key, SHOWN_FOR_S)
            pipe.zadd(GLOBAL.workers(), {self.worker_id: now_ms})
            await pipe.execute()
        executor: Executor = redis
        command = await executor.execute_command("LPOP", GLOBAL.commands(self.worker_id))
        if command is not None:
            self._tell(self._listener.hear_command, command)

    def _tell(self, hear: Callable[..., None], *said: Any) -> None:
        """Call the worker on its own loop; a loop that was closed under it ends the heartbeat."""
        try:
            self._worker_loop.call_soon_threadsafe(hear, *said)
        except RuntimeError:
            if self._stop is not None:
                self._stop.set()

    async def _leave(self, redis: Redis) -> None:
        try:
            pipe = redis.pipeline(transaction=False)
            pipe.delete(GLOBAL.worker(self.worker_id))
            pipe.zrem(GLOBAL.workers(), self.worker_id)
            await pipe.execute()
        except (RedisError, OSError) as error:
            logger.warning("worker %s could not leave the registry: %s", self.worker_id, error)

    def _complain(self, error: Exception) -> None:
        now_s = time.monotonic()
        if now_s - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now_s
            logger.warning("worker %s cannot renew its leases: %s", self.worker_id, error)


def resident_bytes() -> int:
    """Return how much memory this process holds; the most it ever held where the kernel does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()
