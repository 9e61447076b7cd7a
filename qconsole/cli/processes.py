"""The processes that `up` and `demo` start: an embedded Redis, workers, the web console. All end with us."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from qconsole.errors import ConfigError, ExitCode, QConsoleError
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.process import die_with

STOP_S = 10.0
MODULE = (sys.executable, "-P", "-m")  # -P: a file in the folder one stands in takes no module's place
T = TypeVar("T")


class Stopped(QConsoleError):
    """A signal asked us to end, or a part failed, before the work was done."""

    code = "stopped"
    exit_code = ExitCode.INTERRUPTED


@dataclass(slots=True)
class _Child:
    label: str
    command: list[str]
    process: asyncio.subprocess.Process
    restart: bool


class Processes:
    """Starts, watches and stops the parts of a running system.

    Args:
        say: called with each sentence worth telling.
        environment: variables for the children, over our own.
    """

    def __init__(self, *, say: Callable[[str], None], environment: Mapping[str, str] | None = None) -> None:
        self._say = say
        self._environment = {**os.environ, **(environment or {})}
        self._redis: EmbeddedServer | None = None
        self._children: list[_Child] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def stopping(self) -> asyncio.Event:
        """Set once a signal asked us to end."""
        return self._stopping

    async def start_redis(self, folder: Path) -> str:
        """Start the embedded Redis in `folder`, or join the one there; return its URL."""
        self._redis = EmbeddedServer(folder)
        await self._redis.astart()
        how = "Joined the Redis" if self._redis.joined else "Started an embedded Valkey"
        self._say(f"{how} in {folder}: {self._redis.url}")
        return self._redis.url

    async def start_worker(
        self, settings: Sequence[str], *, redis_url: str, name: str, log: Path | None = None, restart: bool = True
    ) -> int:
        """Start a worker process; it is started again when it dies by a signal.

        Returns:
            Its process id.
        """
        command = [*MODULE, "qconsole.cli", "worker", *settings, "--redis", redis_url, "--name", name]
        return await self._start(f"worker {name}", command, log=log, restart=restart)

    async def start_web(self, *, redis_url: str, host: str, port: int, log: Path | None = None) -> int:
        """Start the web console, without sign-in (it refuses that on any address but loopback)."""
        command = [
            *MODULE,
            "qconsole.cli",
            "serve",
            "--redis",
            redis_url,
            "--host",
            host,
            "--port",
            str(port),
        ]
        self._environment.setdefault("QCONSOLE_WEB_AUTH", "off")
        return await self._start("web console", command, log=log, restart=True)

    async def start_command(self, command: Sequence[str], *, label: str, log: Path | None = None) -> int:
        """Start any other program beside the rest; return its process id."""
        return await self._start(label, list(command), log=log, restart=False)

    def set_environment(self, environment: Mapping[str, str]) -> None:
        """Give further variables to the children started from now on."""
        self._environment.update(environment)

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work; drop it when we are to end meanwhile.

        Raises:
            Stopped: it was dropped.
        """
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise Stopped("stopped before the end")
        finally:
            for one in (working, stopping):
                one.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    async def run(self, command: Sequence[str], *, label: str) -> None:
        """Run a command to its end.

        Raises:
            ConfigError: it did not end with 0.
        """
        process = await asyncio.create_subprocess_exec(
            *command, env=self._environment, start_new_session=True, preexec_fn=die_with(os.getpid())
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if code:
            raise ConfigError(f"{label} ended with {code}", hint="What it wrote above says why.")

    async def _start(self, label: str, command: list[str], *, log: Path | None, restart: bool) -> int:
        child = _Child(label, command, await self._spawn(command, log), restart)
        self._children.append(child)
        self._watchers.append(asyncio.create_task(self._watch(child, log)))
        return child.process.pid

    async def _spawn(self, command: list[str], log: Path | None) -> asyncio.subprocess.Process:
        if log is None:
            output: int | None = None
        else:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )
        finally:
            if output is not None:
                os.close(output)

    async def _watch(self, child: _Child, log: Path | None) -> None:
        while True:
            code = await child.process.wait()
            if self._stopping.is_set():
                return
            if not (child.restart and code < 0):
                self._say(f"The {child.label} ended with {code}" + (f"; see {log}" if log else ""))
                if code:
                    self._stopping.set()
                return
            self._say(
                f"The {child.label} (pid {child.process.pid}) died of {signal.Signals(-code).name}; starting it again"
            )
            child.process = await self._spawn(child.command, log)

    async def wait(self) -> int:
        """Wait for a signal, or for a part to fail; return the exit code."""
        await self._stopping.wait()
        return 1 if any(child.process.returncode for child in self._children) else 0

    async def stop(self) -> None:
        """End the children, then the Redis that we started."""
        self._stopping.set()
        for child in self._children:
            if child.process.returncode is None:
                child.process.terminate()
        for child in self._children:
            try:
                await asyncio.wait_for(child.process.wait(), STOP_S)
            except TimeoutError:
                child.process.kill()
                await child.process.wait()
        await asyncio.gather(*self._watchers)
        if self._redis is not None and not self._redis.joined:
            await self._redis.astop()
