"""Large payloads: kept beside Redis, fetched by whoever runs the job, removed when nothing refers to them any more."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from qconsole.errors import ConfigError, Unrecoverable
from qconsole.runtime import Client, Context, Dedup, job_type
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.job_type import JobType
from qconsole.runtime.keys import Keys
from qconsole.runtime.payload_store import FilePayloadStore, open_payload_store
from qconsole.runtime.payload_sweep import AGE_S, PayloadSweep
from qconsole.runtime.queue import Queue
from tests.runtime.hand import Hand
from tests.runtime.running import run_burst
from tests.support import ManualClock

NOW = 1_764_000_000_000
WORK = Keys("work")
LARGE = "x" * 100_000


@pytest.fixture
def store(tmp_path: Path) -> FilePayloadStore:
    return FilePayloadStore(tmp_path / "payloads")


@pytest.fixture
async def client(redis: Redis, store: FilePayloadStore) -> AsyncIterator[Client]:
    yield Client(redis=redis, clock=ManualClock(NOW), payload_store=store)


def taking(seen: list[str]) -> JobType[Any]:
    @job_type("take", queue="work", attempts=1)
    async def take(ctx: Context, payload: dict[str, Any]) -> None:
        seen.append(payload["text"])
        if payload["text"] == LARGE and ctx.client is not None:
            await ctx.client.enqueue("take", {"text": LARGE + "again"}, queue="work")

    declared: JobType[Any] = take
    return declared


def age(folder: Path) -> int:
    """Make every stored payload old; returns how many there are."""
    long_ago = time.time() - 2 * AGE_S
    files = list(folder.glob("??/*"))
    for path in files:
        os.utime(path, (long_ago, long_ago))
    return len(files)


async def test_a_worker_fetches_a_large_payload_and_its_handlers_may_queue_one(
    client: Client, redis_url: str, store: FilePayloadStore
) -> None:
    seen: list[str] = []
    await client.enqueue("take", {"text": LARGE}, queue="work")
    await run_burst(job_types=[taking(seen)], redis_url=redis_url, payload_store=lambda: store)
    assert seen == [LARGE, LARGE + "again"]


async def test_only_payloads_that_nothing_refers_to_are_swept(client: Client, redis: Redis, tmp_path: Path) -> None:
    """A job that waits, a dead letter, the trash, a cancelled job and what keep_last holds back all keep theirs."""
    queue, clock = Queue("work", redis=redis, clock=client.clock), client.clock
    hand = Hand(redis, clock, "work")
    for name in ("waits", "dead", "trashed", "cancelled", "done", "gone", "held"):
        await client.enqueue(
            "take", {"text": LARGE + name}, queue="work", job_id=name, delay_s=0 if name != "waits" else 9
        )
    await queue.remove(["trashed"], actor="ops")
    await queue.remove(["gone"], actor="ops", trash_ms=0)
    await queue.cancel(["cancelled"])
    for claimed in await hand.claim():
        if claimed.id == "dead":
            await hand.fail(claimed, Unrecoverable("x"))
        else:
            await hand.complete(claimed)
    await queue.remove(["done"], actor="ops", trash_ms=0)
    for name in ("first", "second"):
        await client.enqueue(
            "take", {"text": LARGE + name}, queue="work", job_id=name, dedup=Dedup("d", mode="keep_last")
        )
        await hand.claim()
    await queue.remove(["held"], actor="ops", trash_ms=0)
    assert age(tmp_path / "payloads") == 9
    sweep = PayloadSweep(client.payload_store, redis=redis)  # type: ignore[arg-type]
    assert await sweep.sweep() == 0, "a payload must be found unmentioned twice"
    assert await sweep.sweep() == 3, "those of gone, done and held"
    assert len(list((tmp_path / "payloads").glob("??/*"))) == 6
    await DeadLetters("work", redis=redis, clock=clock).discard([f"dead~{NOW}"], actor="ops", reason="no")
    assert await sweep.sweep() + await sweep.sweep() == 0, "a discarded dead letter is kept, and can be opened again"


async def test_a_payload_put_again_is_young_again(client: Client, redis: Redis, tmp_path: Path) -> None:
    queued = await client.enqueue("take", {"text": LARGE}, queue="work")
    await Queue("work", redis=redis, clock=client.clock).remove([queued.id], actor="ops", trash_ms=0)
    age(tmp_path / "payloads")
    sweep = PayloadSweep(client.payload_store, redis=redis)  # type: ignore[arg-type]
    await sweep.sweep()
    await client.enqueue("take", {"text": LARGE}, queue="work")
    assert await sweep.sweep() == 0


async def test_a_file_whose_writer_died_is_removed(store: FilePayloadStore, redis: Redis, tmp_path: Path) -> None:
    half = tmp_path / "payloads" / "ab" / "abc.1.part"
    half.parent.mkdir()
    half.write_bytes(b"half")
    age(tmp_path / "payloads")
    await PayloadSweep(store, redis=redis).sweep()
    assert not half.exists()


def test_a_store_is_named_by_a_folder_or_by_what_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_payload_store(str(tmp_path / "here")), FilePayloadStore)
    assert isinstance(open_payload_store(f"{__name__}.make_store"), FilePayloadStore)
    with pytest.raises(ConfigError, match=r"no_such_module.make"):
        open_payload_store("no_such_module.make")
    with pytest.raises(ConfigError, match="must be a function, got str"):
        open_payload_store(f"{__name__}.LARGE")


def make_store() -> FilePayloadStore:
    return FilePayloadStore(Path("made"))
