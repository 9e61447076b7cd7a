"""An arq application that has never heard of us: unchanged functions, and arq's own worker until all is worked off."""

import asyncio
import sys

from arq import func
from arq.connections import RedisSettings
from arq.worker import Worker


async def resize(ctx: dict[str, object], image: int) -> int:
    return image


async def send(ctx: dict[str, object], *, to: str) -> None:
    raise ConnectionError(f"mail host refused {to}")


async def main(redis_url: str) -> None:
    settings = RedisSettings.from_dsn(redis_url)
    functions = [resize, func(send, max_tries=1)]
    worker = Worker(functions, redis_settings=settings, poll_delay=0, max_jobs=100, handle_signals=False, burst=True)
    await worker.main()
    await worker.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
