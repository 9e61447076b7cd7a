"""The embedded Redis: a real Valkey in a data folder, with its append-only file on.

One server per folder: the server itself holds the folder's lock, so the lock lives exactly as long as the
server, and whoever comes second joins the first. Loopback (and a socket file) only.
"""

import asyncio
import atexit
import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from qconsole.errors import ConfigError, RedisUnavailable
from qconsole.redis.process import LOOPBACK, PortTaken, ServerProcess, answers, free_port, port_is_taken, valkey_binary

_SOCKET_PATH_MAX_BYTES = 107  # sun_path of sockaddr_un, without its NUL
_PORT_TRIES = 5

_OPTIONS = {
    "bind": LOOPBACK,
    "protected-mode": "yes",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
}


class EmbeddedServer:
    """A Valkey in `folder`: start it, or join the one that runs there.

    Args:
        folder: data folder, made when missing, readable by its owner only.
        port: fixed TCP port; None picks a free one.
        socket: also listen on `folder/redis.sock`.
        options: further server settings, each as in the server's configuration file.
        binary: another server program (tests run on several).

    The server ends with the process that started it; one that only joined leaves it running.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        port: int | None = None,
        socket: bool = False,
        options: Mapping[str, str] | None = None,
        binary: Path | None = None,
    ) -> None:
        if port is not None and not 1 <= port <= 65535:
            raise ConfigError(f"the port must be between 1 and 65535, got {port}")
        self.folder = Path(folder).expanduser().resolve()
        self.joined = False
        self.port = 0
        self.pid = 0
        self._wanted_port = port
        self._socket_path = self.folder / "redis.sock" if socket else None
        self._options = {**_OPTIONS, **(options or {})}
        self._binary = binary
        self._process: ServerProcess | None = None
        if self._socket_path and len(os.fsencode(self._socket_path)) > _SOCKET_PATH_MAX_BYTES:
            raise ConfigError(
                f"the socket path {self._socket_path} must be at most {_SOCKET_PATH_MAX_BYTES} bytes long",
                "Choose a data folder with a shorter path.",
            )

    @property
    def url(self) -> str:
        """The server's URL over TCP."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def socket_url(self) -> str:
        """The server's URL over its socket file.

        Raises:
            ConfigError: the server has no socket.
        """
        if self._socket_path is None or not self._socket_path.exists():
            raise ConfigError(f"the Redis server in {self.folder} has no socket file", "Start it with socket=True.")
        return f"unix://{self._socket_path}?db=0"

    @property
    def process(self) -> ServerProcess:
        """The process behind the server, for whoever started it.

        Raises:
            ConfigError: it belongs to somebody else, or has not been started.
        """
        if self._process is None:
            raise ConfigError(f"the Redis server in {self.folder} was not started by this process")
        return self._process

    def start(self, deadline_s: float = 30.0) -> Self:
        """Start the server, or join the one that runs in this folder, and wait until it answers.

        Args:
            deadline_s: how long to wait; a large append-only file takes its time to load.

        Raises:
            ConfigError: the folder cannot be written, the port is taken, or there is no server program.
            RedisUnavailable: the server does not come up; the message quotes its log.
        """
        end = time.monotonic() + deadline_s
        lock_fd = self._open_lock()
        try:
            while True:
                if self._try_lock(lock_fd):
                    self._launch(lock_fd, end)
                    return self
                if self._join():
                    return self
                if time.monotonic() > end:
                    raise RedisUnavailable(
                        f"the Redis server in {self.folder} holds its lock but does not answer",
                        "Another process of yours may be frozen or still loading; look at server.log there.",
                    )
                time.sleep(0.02)  # it is starting up or shutting down
        finally:
            os.close(lock_fd)

    async def astart(self, deadline_s: float = 30.0) -> Self:
        """Like `start`, without blocking the event loop."""
        return await asyncio.to_thread(self.start, deadline_s)

    def stop(self) -> None:
        """End the server when this process started it; otherwise leave it to its owner."""
        if self._process is not None:
            self._process.stop()
            atexit.unregister(self.stop)
            self._process = None

    async def astop(self) -> None:
        """Like `stop`, without blocking the event loop."""
        await asyncio.to_thread(self.stop)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.astart()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.astop()

    def _open_lock(self) -> int:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self.folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(
                f"the data folder {self.folder} cannot be used: {error.strerror}",
                "Choose a folder that you may write to.",
            ) from error

    @staticmethod
    def _try_lock(lock_fd: int) -> bool:
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @property
    def _state_path(self) -> Path:
        return self.folder / "server.json"

    def _join(self) -> bool:
        """Take over the address of the server that holds the lock; False when it does not answer yet."""
        try:
            state = json.loads(self._state_path.read_bytes())
            port, pid = int(state["port"]), int(state["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if not answers((LOOPBACK, port), pid=pid):
            return False
        if self._wanted_port not in (None, port):
            raise ConfigError(
                f"the Redis server in {self.folder} already runs on port {port}, not on {self._wanted_port}",
                "Leave the port out to join it, or choose another data folder.",
                port=port,
            )
        self.port, self.pid, self.joined = port, pid, True
        return True

    def _launch(self, lock_fd: int, end: float) -> None:
        if self._wanted_port is not None and port_is_taken(self._wanted_port):
            raise PortTaken(self._wanted_port)
        for tries_left in reversed(range(_PORT_TRIES)):
            port = self._wanted_port or free_port()
            process = ServerProcess(
                self._argv(port), folder=self.folder, address=(LOOPBACK, port), inherit_fds=(lock_fd,)
            )
            self._state_path.unlink(missing_ok=True)
            process.spawn()
            try:
                process.wait_ready(max(0.1, end - time.monotonic()))
            except PortTaken:
                if self._wanted_port is not None or not tries_left:
                    raise
                continue
            except BaseException:
                process.stop()
                raise
            break
        self._process, self.port, self.pid, self.joined = process, port, process.pid, False
        atexit.register(self.stop)
        draft = self._state_path.with_suffix(".new")
        draft.write_text(json.dumps({"port": port, "pid": process.pid}))
        draft.replace(self._state_path)

    def _argv(self, port: int) -> list[str]:
        options = {"port": str(port), "dir": str(self.folder), **self._options}
        if self._socket_path is not None:
            options |= {"unixsocket": str(self._socket_path), "unixsocketperm": "600"}
        argv = [str(self._binary or valkey_binary())]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return argv
