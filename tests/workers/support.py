"""A context for handlers that are called without a queue, and a platform in a folder of its own."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qconsole.runtime import Context
from workers.config import PlatformSettings
from workers.platform import RESOURCE, Platform


@dataclass(slots=True)
class Recorder:
    """Keeps what a handler reports."""

    steps: list[Any] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)

    def progress(self, value: Any) -> None:
        self.steps.append(value)

    def log(self, line: str) -> None:
        self.lines.append(line)

    async def children_results(self) -> dict[str, Any]:
        return self.results


def context(platform: Platform, *, job_id: str = "j1", attempt: int = 1, **more: Any) -> tuple[Context, Recorder]:
    """Returns a handler's context and what it will report."""
    recorder = Recorder()
    known = {"queue": "test", "job_type": "test", "attempts": 3, **more}
    return Context(id=job_id, attempt=attempt, resources={RESOURCE: platform}, reporter=recorder, **known), recorder


def settings_in(folder: Path, **more: Any) -> PlatformSettings:
    """Returns settings that keep everything in the folder."""
    kept = {"database_url": f"sqlite:///{folder / 'platform.db'}", "storage_dir": folder / "files", **more}
    return PlatformSettings(**kept)
