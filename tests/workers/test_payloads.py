"""The claim check in the platform's database."""

import hashlib

from redis.asyncio import Redis

from qconsole.runtime import Client, Context
from qconsole.runtime.payload_store import PayloadStore
from tests.runtime.running import run_burst
from tests.support import ManualClock
from tests.workers.support import every_database
from workers.payloads import DatabasePayloadStore, open_payloads
from workers.platform import Platform
from workers.policies import Queue, declare
from workers.settings import WorkerSettings

NOW = 1_764_000_000_000


def reference(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


@every_database
async def test_a_payload_is_kept_once_and_only_old_ones_are_removed(platform: Platform) -> None:
    clock = ManualClock(NOW)
    store: PayloadStore = DatabasePayloadStore(platform.database, clock=clock)
    for payload in (b"first", b"second"):
        await store.put(reference(payload), payload)
    clock.advance(s=100)
    await store.put(reference(b"second"), b"second")
    assert await store.get(reference(b"first")) == b"first"
    assert await store.get(reference(b"third")) is None
    assert await store.older_than(60) == {reference(b"first")}
    assert await store.remove([reference(b"first"), reference(b"second")], 60) == 1
    assert await store.get(reference(b"first")) is None
    assert await store.get(reference(b"second")) == b"second"


async def test_the_platforms_worker_finds_what_a_producer_put(platform: Platform, redis: Redis, redis_url: str) -> None:
    seen: list[int] = []

    @declare("measure", queue=Queue.EXPORTS)
    async def measure(ctx: Context, payload: dict[str, str]) -> None:
        seen.append(len(payload["text"]))

    store = DatabasePayloadStore(platform.database)
    await Client(redis=redis, payload_store=store).enqueue(measure, {"text": "x" * 200_000})
    await run_burst(job_types=[measure], redis_url=redis_url, payload_store=store)
    assert seen == [200_000]
    assert WorkerSettings.payload_store is open_payloads
