"""A worker that runs beside a test, in the test's own loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from arq.connections import ArqRedis, RedisSettings

from qconsole.runtime.arq_worker import Worker


@contextlib.asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Worker]:
    """Run a worker until the block ends."""
    worker = Worker(**{"handle_signals": False, "poll_delay": 0.05, **options})
    main = asyncio.create_task(worker.main())
    try:
        yield worker
    finally:
        main.cancel()
        await asyncio.gather(main, return_exceptions=True)
        await worker.close()


async def run_burst(**options: Any) -> Worker:
    """Run a worker until its queues are empty."""
    worker = Worker(**{"handle_signals": False, "poll_delay": 0.02, "burst": True, **options})
    try:
        await worker.main()
    finally:
        await worker.close()
    return worker


@contextlib.asynccontextmanager
async def plain_arq(url: str, **options: Any) -> AsyncIterator[ArqRedis]:
    """A plain arq producer."""
    settings = RedisSettings.from_dsn(url)
    client = ArqRedis(host=str(settings.host), port=settings.port, **options)
    try:
        yield client
    finally:
        await client.aclose(close_connection_pool=True)
