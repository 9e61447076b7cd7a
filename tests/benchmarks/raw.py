"""What a benchmark measured, as a JSON file that `tests.benchmarks.tables` reads: figures, machine, load, versions."""

import json
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import redis

PACKAGES: Final = ("qconsole", "arq", "redis", "hiredis", "uvloop")


class Raw:
    """One benchmark's file; made before anything is measured, so that it holds the machine's load at that time.

    Args:
        path: where it is written; None: nowhere.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._begun = datetime.now(UTC)
        self._load = os.getloadavg()[0]
        self._versions = {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}

    def note_server(self, url: str) -> None:
        """Note which server answers."""
        with redis.Redis.from_url(url) as client:
            said: Any = client.info("server")
        name = "valkey" if "valkey_version" in said else "redis"
        self._versions[name] = said[f"{name}_version"]

    def save(self, figures: Any, versions: Mapping[str, str] | None = None) -> None:
        """Write the file, if one is wanted.

        Args:
            figures: what was measured; anything JSON can hold.
            versions: of what else was measured, by name.
        """
        if self._path is None:
            return
        took_s = (datetime.now(UTC) - self._begun).total_seconds()
        text = json.dumps(
            {
                "begun": self._begun.isoformat(timespec="seconds"),
                "minutes": round(took_s / 60, 1),
                "command": " ".join([Path(sys.orig_argv[0]).name, *_arguments()]),
                "machine": machine(),
                "load": [round(self._load, 2), round(os.getloadavg()[0], 2)],
                "versions": {**self._versions, **(versions or {})},
                "figures": figures,
            },
            indent=1,
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(text + "\n", encoding="utf-8")


def _arguments() -> list[str]:
    """Return the arguments of this process, but for where the file is written."""
    given = sys.orig_argv[1:]
    at = given.index("--raw") if "--raw" in given else len(given)
    return given[:at] + given[at + 2 :]


def machine() -> str:
    """Return the processor, its cores and the memory as one line."""
    facts = dict(_facts(Path("/proc/cpuinfo"))), dict(_facts(Path("/proc/meminfo")))
    memory_gib = int(facts[1].get("MemTotal", "0 kB").split()[0]) / 2**20
    model = facts[0].get("model name", platform.machine())
    return f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}"


def _facts(path: Path) -> list[tuple[str, str]]:
    if not path.exists():
        return []
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return [(name.strip(), value.strip()) for name, _, value in lines]
