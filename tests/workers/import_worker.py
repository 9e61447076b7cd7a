"""An import worker in its own process: `python -m tests.workers.import_worker REDIS_URL`, settings by `PLATFORM_*`."""

import sys

from qconsole.runtime.arq_worker import Worker
from workers.imports import sync_catalogue
from workers.policies import QUEUES, Queue
from workers.settings import close_platform, open_platform

if __name__ == "__main__":
    Worker(
        job_types=[sync_catalogue],
        queues={Queue.IMPORTS: QUEUES[Queue.IMPORTS]},
        redis_url=sys.argv[1],
        on_startup=open_platform,
        on_shutdown=close_platform,
        poll_delay=0.05,
        lock_s=1,
    ).run()
