"""Handlers in processes of their own, for work that holds the interpreter or may have to be killed.

A process runs one job at a time and is used again; a job that is cancelled or runs too long takes its process with it.
A process ends with its worker, whatever happens to that.
"""

import asyncio
import ctypes
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from qconsole.errors import JobError, JobFailed, QConsoleError, RateLimited, RetryLater, Unrecoverable
from qconsole.runtime.job_type import Context, JobType
from qconsole.runtime.json_codec import decode_value, encode_value

logger = logging.getLogger("qconsole.worker")

_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is told to run: the handler by the module that declares it."""

    module: str
    qualname: str
    payload: bytes
    fields: dict[str, Any]


class ProcessDied(JobError):
    """The process that ran the handler ended without an answer."""

    code = "process_died"


class ProcessPool:
    """Processes, started when needed."""

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()

    async def run(self, job_type: JobType[Any], context: Context, payload: bytes) -> bytes:
        """Run a handler and return its result as JSON.

        Args:
            job_type: its handler must be importable by its module and name.
            context: its progress and log lines are passed on.
            payload: JSON.

        Raises:
            asyncio.CancelledError: the process was killed.
            Exception: what the handler raised, as `JobFailed` or the control error it is.
        """
        child = self._idle.pop() if self._idle else _Child()
        self._busy.add(child)
        done = False
        try:
            value = await child.run(_order(job_type, context, payload), context)
            done = True
            return value
        except QConsoleError:
            done = child.is_alive
            raise
        finally:
            self._busy.discard(child)
            if done:
                self._idle.append(child)
            else:
                child.kill()

    def close(self) -> None:
        """Kill every process."""
        for child in (*self._idle, *self._busy):
            child.kill()
        self._idle.clear()
        self._busy.clear()


def _order(job_type: JobType[Any], context: Context, payload: bytes) -> Order:
    handler = job_type.handler
    fields = {name: getattr(context, name) for name in ("id", "queue", "job_type", "attempt", "attempts", "trace")}
    return Order(handler.__module__, handler.__qualname__, payload, fields)


class _Child:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        start = multiprocessing.get_context("spawn")
        self._pipe, theirs = start.Pipe()
        self._process = start.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    async def run(self, order: Order, context: Context) -> bytes:
        self._pipe.send(order)
        while True:
            kind, *said = await self._receive()
            match kind:
                case "progress":
                    context.progress(decode_value(said[0]))
                case "log":
                    context.log(said[0])
                case "children":
                    await self._answer_children(context)
                case "value":
                    value: bytes = said[0]
                    return value
                case _:
                    raise _error(*said)

    async def _answer_children(self, context: Context) -> None:
        """Send the children's results; an error of that is the attempt's own, and ends its process."""
        self._pipe.send(encode_value(await context.children_results()))

    async def _receive(self) -> Any:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._pipe.fileno(), readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._pipe.fileno())
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(1)
            raise ProcessDied(
                f"the process of the handler ended without an answer (exit code {self._process.exitcode})"
            ) from None

    def kill(self) -> None:
        self._process.kill()
        self._process.join(5)
        self._pipe.close()


def _error(kind: str, name: str, message: str, trace: str, after_s: float | None) -> BaseException:
    """Return a handler's error as this process raises it; the original class may not be importable here."""
    error: JobError
    if kind == "rate_limited":
        error = RateLimited(after_s or 0, message)
    elif kind == "retry_later":
        error = RetryLater(after_s or 0, message)
    elif kind == "unrecoverable":
        error = Unrecoverable(message)
    else:
        error = JobFailed(message, name)
    error.add_note(trace)
    return error


# in the process


class _Pipe:
    """The reporter of a context on the other side."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def progress(self, value: Any) -> None:
        self._pipe.send(("progress", encode_value(value)))

    def log(self, line: str) -> None:
        self._pipe.send(("log", str(line)))

    async def children_results(self) -> dict[str, Any]:
        return self.read_children_results()

    def read_children_results(self) -> dict[str, Any]:
        self._pipe.send(("children",))
        results: dict[str, Any] = decode_value(self._pipe.recv())
        return results


class _NoResources(dict[str, Any]):
    """The resources of a context in a process: none, and asking for one says so."""

    def __missing__(self, name: str) -> Any:
        raise Unrecoverable(
            f"the resource {name!r} is the worker's own and cannot be had in a process; open what the handler needs "
            "in its module (functools.cache keeps it), or use executor='thread'"
        )


def _serve(pipe: Connection, parent: int) -> None:
    """Run one order after another until the worker closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent(parent)
    while True:
        try:
            order: Order = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_answer(order, pipe))


def _answer(order: Order, pipe: Connection) -> tuple[Any, ...]:
    try:
        job_type = _find(order)
        context = Context(resources=_NoResources(), reporter=_Pipe(pipe), **order.fields)
        return "value", encode_value(job_type.handler(context, job_type.decode(order.payload)))
    except (Exception, SystemExit) as error:  # the edge of a process; the worker decides
        trace = "".join(traceback.format_exception(error))
        kind = getattr(error, "code", "") if isinstance(error, Unrecoverable | RetryLater) else ""
        return "error", kind, type(error).__qualname__, str(error), trace, getattr(error, "after_s", None)


def _find(order: Order) -> JobType[Any]:
    found: Any = importlib.import_module(order.module)
    for part in order.qualname.split("."):
        found = getattr(found, part)
    if not isinstance(found, JobType):
        raise Unrecoverable(f"{order.module}.{order.qualname} is no declared job type")
    return found


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
