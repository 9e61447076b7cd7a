"""The platform's worker in a process of its own; settings by `PLATFORM_*`.

`python -m tests.workers.platform_worker REDIS_URL JOB_TYPE... [--die MODULE:FUNCTION:COUNT]` serves the queues of these
job types with a lease of two seconds. With `--die`, the call of that number of the function kills the process by
SIGKILL, so that it dies at the moment that a test is about.
"""

import argparse
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qconsole.runtime.arq_worker import Worker
from workers.config import PlatformSettings
from workers.policies import QUEUES
from workers.settings import WorkerSettings, close_platform, open_platform

ROOT = Path(__file__).parents[2]


@contextmanager
def worker_process(
    settings: PlatformSettings, redis_url: str, *job_types: str, die: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs such a process on the database and the storage of these settings; kills it at the end."""
    told = {
        "PLATFORM_DATABASE_URL": settings.database_url,
        "PLATFORM_STORAGE_DIR": str(settings.storage_dir),
        "PLATFORM_READER_PROCESSES": "1",
        "PLATFORM_SMTP_PORT": str(settings.smtp_port),
        "PLATFORM_SMTP_USER": settings.smtp_user,
        "PLATFORM_SMTP_PASSWORD": settings.smtp_password.get_secret_value(),
    }
    if settings.smtp_ca_file is not None:
        told["PLATFORM_SMTP_CA_FILE"] = str(settings.smtp_ca_file)
    words = [sys.executable, "-m", "tests.workers.platform_worker", redis_url, *job_types]
    if die:
        words += ["--die", die]
    environment = {**os.environ, **told}
    with subprocess.Popen(words, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _die_in(where: str) -> None:
    module_name, name, count = where.split(":")
    module = importlib.import_module(module_name)
    function, left = getattr(module, name), int(count)

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return await function(*args, **more)

    setattr(module, name, counted)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("redis_url")
    parser.add_argument("job_types", nargs="+")
    parser.add_argument("--die", default="")
    options = parser.parse_args()
    if options.die:
        _die_in(options.die)
    served = [declared for declared in WorkerSettings.job_types if declared.name in options.job_types]
    Worker(
        job_types=served,
        queues={declared.queue: QUEUES[declared.queue] for declared in served},
        redis_url=options.redis_url,
        on_startup=open_platform,
        on_shutdown=close_platform,
        poll_delay=0.05,
        lock_s=2,
        max_stalled=20,
    ).run()


if __name__ == "__main__":
    _main()
