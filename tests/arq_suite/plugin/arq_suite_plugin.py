"""pytest plugin of the arq suite: a wheel's server in place of a container, and our worker class in place of arq's."""

import os
import sys
import tempfile
from types import ModuleType, TracebackType
from typing import Self

import arq
import arq.worker

from qconsole.redis.embedded import EmbeddedServer


class RedisContainer:
    """What arq's conftest takes from testcontainers."""

    port = 6379

    def __init__(self, image: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="arq-suite-")
        self._server = EmbeddedServer(self._folder.name)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
        self._folder.cleanup()

    def get_container_host_ip(self) -> str:
        """Return where the server listens."""
        return "127.0.0.1"

    def get_exposed_port(self, port: int) -> int:
        """Return the server's port."""
        return self._server.port


_module = ModuleType("testcontainers.redis")
_module.RedisContainer = RedisContainer  # type: ignore[attr-defined]
sys.modules["testcontainers"] = ModuleType("testcontainers")
sys.modules["testcontainers.redis"] = _module

if os.environ.get("QCONSOLE_ARQ_SUITE") != "plain":
    from qconsole.runtime.arq_worker import Worker

    arq.worker.Worker = arq.Worker = Worker  # type: ignore[misc]
