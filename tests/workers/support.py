"""A context for handlers that are called without a queue, and a platform in a folder of its own."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qconsole.runtime import Client, Context, JobType
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.outbox import Outbox
from workers.config import PlatformSettings
from workers.platform import RESOURCE, Platform
from workers.policies import QUEUES

every_database = pytest.mark.parametrize(
    "database_kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
"""Runs a test on SQLite and on PostgreSQL."""


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


async def work(platform: Platform, redis_url: str, *job_types: JobType[Any]) -> None:
    """Runs a real worker with the platform's policies until the job types' queues and outboxes are empty."""
    async with await Client.connect(redis_url) as client:
        while True:
            await _work_once(platform, redis_url, job_types)
            queues = {member.queue for member in job_types}
            for queue in queues:
                await Outbox(queue, client=client).forward()
            if not sum([await client.redis.zcard(queue) for queue in queues]):
                return


async def _work_once(platform: Platform, redis_url: str, job_types: Sequence[JobType[Any]]) -> None:
    async def open_platform(resources: dict[str, Any]) -> None:
        resources[RESOURCE] = platform

    worker = Worker(
        job_types=job_types,
        queues={member.queue: QUEUES[member.queue] for member in job_types},
        redis_url=redis_url,
        burst=True,
        on_startup=open_platform,
        handle_signals=False,
        poll_delay=0.01,
    )
    try:
        await worker.main()
    finally:
        with warnings.catch_warnings():
            # arq closes its pool by redis-py's old name.
            warnings.simplefilter("ignore", DeprecationWarning)
            await worker.close()


def settings_in(folder: Path, **more: Any) -> PlatformSettings:
    """Returns settings that keep everything in the folder, but for a database that the test was given."""
    url = os.environ.get("PLATFORM_DATABASE_URL", f"sqlite:///{folder / 'platform.db'}")
    kept = {"database_url": url, "storage_dir": folder / "files", **more}
    return PlatformSettings(**kept)
