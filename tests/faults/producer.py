"""A producer in a process of its own: python -m tests.faults.producer URL FILE COUNT PER_S DURABILITY.

It queues `<COUNT>` jobs, each under one id until it is acknowledged, and appends that id to FILE then.
"""

import asyncio
import os
import sys
import time

from redis.exceptions import RedisError

from qconsole.errors import RedisUnavailable
from qconsole.runtime.client import Client


async def main(url: str, path: str, count: int, per_s: float, durability: str) -> None:
    """Queue the jobs."""
    acknowledged = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    client = await Client.connect(url, durability=durability, replica_timeout_s=0.3)
    for number in range(count):
        started = time.monotonic()
        job_id = f"far-{number}"
        while True:
            try:
                await client.enqueue("note", {"ms": 5}, queue="faults", job_id=job_id)
            except (RedisUnavailable, RedisError):
                await asyncio.sleep(0.05)
            else:
                break
        os.write(acknowledged, f"{job_id}\n".encode())
        await asyncio.sleep(max(0.0, 1 / per_s - (time.monotonic() - started)))
    await client.aclose()
    os.close(acknowledged)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]))
