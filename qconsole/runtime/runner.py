"""Starts claimed jobs, knows what runs, and cancels it. One task per job; what ends goes to the job's lane."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from qconsole.errors import QConsoleError
from qconsole.runtime.arq_function import ArqRun, read_plain_call
from qconsole.runtime.attempt import Attempt, CancelReason
from qconsole.runtime.codec import Call, decode_call
from qconsole.runtime.declared import DeclaredRun, call_of_plain
from qconsole.runtime.heartbeat import Heartbeat
from qconsole.runtime.job_type import Context, Executor, JobType
from qconsole.runtime.json_codec import encode_value
from qconsole.runtime.lane import Claimed, Lane
from qconsole.runtime.process_pool import ProcessPool
from qconsole.runtime.safe_pickle import load_pickle
from qconsole.runtime.threads import Threads

if TYPE_CHECKING:
    from qconsole.runtime.arq_worker import Worker

logger = logging.getLogger("qconsole.worker")


class Runner:
    """What one worker runs.

    Args:
        worker: whose functions, job types and hooks count.
        heartbeat: keeps the leases.
    """

    def __init__(self, worker: "Worker", heartbeat: Heartbeat) -> None:
        self._worker = worker
        self._heartbeat = heartbeat
        self._processes = ProcessPool()
        self.threads = Threads()
        self._unarmed: list[Attempt] = []
        self._waiters: dict[tuple[str, str], asyncio.Future[None]] = {}
        self.lost = 0

    def start(self, lane: Lane, claimed: Claimed) -> None:
        """Start a claimed job, or end it at once when it cannot run."""
        worker, refused = self._worker, None
        call = decode_call(claimed.payload) if claimed.payload else None
        if call is None and claimed.payload and len(worker.registry):
            call, refused = self._call_of_plain(claimed.payload)
        if call is not None:
            job_type = worker.registry.get(call.job_type)
            if job_type is not None or call.job_type not in worker.functions:
                run = DeclaredRun(worker, lane, claimed, call, job_type)
                refused = refused or run.refusal()
                if refused is None:
                    self._launch(run.attempt, run.run())
                else:
                    run.refuse(refused)
                return
        function_run = ArqRun(worker, lane, claimed)
        refused = function_run.read(call)
        attempt = function_run.attempt()
        if refused is None:
            self._launch(attempt, function_run.run(attempt))
        else:
            function_run.refuse(attempt, refused)

    def _call_of_plain(self, payload: bytes) -> tuple[Call | None, BaseException | None]:
        """Return the call when a plain arq producer queued a job type declared here.

        Only a worker of somebody's own arq app unpickles; one that has none reads without importing anything.
        """
        worker = self._worker
        try:
            if worker.functions or worker.job_deserializer:
                name, args, kwargs, enqueued_ms = read_plain_call(payload, worker.job_deserializer)
            else:
                stored = load_pickle(payload)
                name, args, kwargs, enqueued_ms = stored["f"], tuple(stored["a"]), dict(stored["k"]), int(stored["et"])
        except (QConsoleError, KeyError, TypeError, ValueError):
            return None, None
        if not isinstance(name, str) or (worker.registry.get(name) is None and worker.functions):
            return None, None
        try:
            return call_of_plain(name, args, kwargs, enqueued_ms), None
        except QConsoleError as error:
            return Call(name, b"{}", enqueued_ms), error

    def _launch(self, attempt: Attempt, run: Coroutine[Any, Any, None]) -> None:
        lane, claimed, worker = attempt.lane, attempt.claimed, self._worker
        lane.running[claimed.id] = attempt
        self._heartbeat.hold(lane.keys, claimed.id, claimed.token, attempt.timeout_s)
        attempt.task = task = worker.loop.create_task(self._run(attempt, run))
        worker.tasks[claimed.id] = worker.job_tasks[claimed.id] = task

    async def _run(self, attempt: Attempt, run: Coroutine[Any, Any, None]) -> None:
        worker, job_id = self._worker, attempt.claimed.id
        try:
            await run
        except Exception:  # a defect of ours must cost this attempt, not the worker
            logger.exception("job %s: its attempt could not be ended; its lease runs out", job_id)
            self.forget(attempt)
        finally:
            if attempt.timer is not None:
                attempt.timer.cancel()
            if worker.tasks.get(job_id) is attempt.task:
                del worker.tasks[job_id]
            if worker.job_tasks.get(job_id) is attempt.task:
                del worker.job_tasks[job_id]

    def arm_soon(self, attempt: Attempt) -> None:
        """Start the timeout's clock, unless the handler returns without ever waiting: a timer costs more than it."""
        if not self._unarmed:
            self._worker.loop.call_soon(self._arm)
        self._unarmed.append(attempt)

    def _arm(self) -> None:
        attempts, self._unarmed = self._unarmed, []
        for attempt in attempts:
            if attempt.in_handler:
                attempt.arm(self._worker.loop)

    async def run_aside(self, attempt: Attempt, job_type: JobType[Any], context: Context, text: bytes) -> bytes:
        """Run a handler in a thread or a process; returns its result as JSON."""
        if job_type.executor is Executor.PROCESS:
            return await self._processes.run(job_type, context, text)
        return await self.threads.run(attempt, lambda: encode_value(job_type.handler(context, job_type.decode(text))))

    def forget(self, attempt: Attempt) -> None:
        """Drop an attempt whose lease is lost."""
        attempt.lane.running.pop(attempt.id, None)
        self._heartbeat.drop(attempt.lane.keys.queue, attempt.id, attempt.claimed.token)
        attempt.lane.attention.set()

    def cancel(self, attempt: Attempt, word: str) -> None:
        """Cancel a running job: the word is `lost`, or the ms of somebody's request."""
        worker = self._worker
        is_function = attempt.name in worker.functions
        if word == "lost":
            attempt.cancel(CancelReason.LOST)
        elif float(word) >= attempt.enqueued_ms and (worker.honours_abort or not is_function):
            if is_function:
                worker.aborting_tasks.add(attempt.id)
            attempt.cancel(CancelReason.ABORT)

    async def until_settled(self, attempt: Attempt) -> None:
        """Wait until a finished attempt is settled."""
        waiter = asyncio.get_running_loop().create_future()
        await self._waiters.setdefault((attempt.claimed.token, attempt.id), waiter)

    def settled(self, lane: Lane, job_id: str, token: str, word: str) -> None:
        """Hear what became of an attempt's end."""
        self._heartbeat.drop(lane.keys.queue, job_id, token)
        if self._waiters and (waiter := self._waiters.pop((token, job_id), None)) is not None:
            waiter.set_result(None)
        if word != "ok":
            self.lost += 1
            logger.warning(
                "job %s: its lease was lost (%s) before it was settled; its outcome is dropped", job_id, word
            )

    def close(self) -> None:
        """End the processes."""
        self._processes.close()
