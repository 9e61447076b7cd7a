"""A PostgreSQL cluster of the test process: on loopback, without durability, gone with the process."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB -c max_connections=200"
_NEWEST = "newest"


@dataclass(slots=True)
class Postgres:
    """The cluster; `fresh` makes a database at the newest version of the schema."""

    programs: Path
    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        return f"postgresql://platform@127.0.0.1:{self.port}/{name}"

    def _tell(self, program: str, *words: str) -> None:
        _run([str(self.programs / program), "-h", "127.0.0.1", "-p", str(self.port), "-U", "platform", *words])

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Gives a database of its own, dropped afterwards: hundreds of them would fill a disk."""
        number = next(self._numbers)
        if number == 0:
            self._tell("createdb", _NEWEST)
            _run([sys.executable, "-m", "workers.db.migrate", self.url(_NEWEST)])
        name = f"test_{number}"
        self._tell("createdb", "-T", _NEWEST, name)
        yield self.url(name)
        self._tell("dropdb", "--force", name)


def programs() -> Path | None:
    """Returns the folder of the newest server's programs; None when there is no server."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    folders = [*reversed(debian), *([Path(found).resolve().parent] if found else [])]
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@contextmanager
def postgres_server(found: Path) -> Iterator[Postgres]:
    """Runs a new cluster, as the user `postgres` when the tests run as root, which the server refuses to be."""
    owner = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="qconsole-postgres-"))
    shutil.chown(folder, owner)
    data, control = str(folder / "data"), str(found / "pg_ctl")
    port = _free_port()
    try:
        _run([str(found / "initdb"), "-D", data, "-U", "platform", "--auth=trust", "-E", "UTF8", "-N"], owner)
        options = f"-h 127.0.0.1 -p {port} -k '' {_FAST}"
        _run([control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start"], owner)
        try:
            yield Postgres(found, port)
        finally:
            _run([control, "-D", data, "-m", "immediate", "stop"], owner)
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _run(command: list[str], owner: str | None = None) -> None:
    user = owner if os.geteuid() == 0 else None
    # Not captured: the server keeps the pipe open as long as it runs.
    with tempfile.TemporaryFile() as said:
        ended = subprocess.run(
            command, stdout=said, stderr=said, user=user, group=user, extra_groups=[] if user else None,
            cwd=tempfile.gettempdir() if user else None,
        )  # fmt: skip
        said.seek(0)
        assert ended.returncode == 0, f"{command[0]}: {said.read().decode(errors='replace')}"
