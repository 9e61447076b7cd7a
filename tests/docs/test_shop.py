"""The shop example does what it and the guide to writing job types say."""

import importlib.util
from pathlib import Path

import pytest
from redis.asyncio import Redis

from qconsole.runtime.client import Client
from qconsole.runtime.keys import Keys
from tests.runtime.running import run_burst

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "shop.py"


async def test_every_order_is_charged_once_and_packed_after_its_items(
    redis: Redis, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("shop_example", EXAMPLE)
    assert spec is not None and spec.loader is not None
    shop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shop)

    await shop.place_orders(Client(redis=redis))
    said = capsys.readouterr().out
    assert "asked for twice, it is duplicate: True" in said
    assert await redis.zcard("payments") == 12

    worker = await run_burst(
        redis_url=redis_url,
        job_types=shop.WorkerSettings.job_types,
        queues=shop.WorkerSettings.queues,
        schedules=shop.WorkerSettings.schedules,
    )
    assert (worker.jobs_complete, worker.jobs_failed, worker.jobs_retried) == (15, 1, 2)
    assert await redis.zcard(Keys("payments").dlq()) == 1  # the test order
    assert await redis.hlen(Keys("warehouse").schedules()) == 2
