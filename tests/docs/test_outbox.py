"""The outbox example keeps its promise: both or neither, and never twice, whatever breaks in between."""

import importlib.util
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from redis.asyncio import Redis

from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect
from qconsole.redis.patience import Patience
from qconsole.redis.process import free_port
from qconsole.runtime.client import Client

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "outbox.py"


@pytest.fixture(scope="module")
def outbox() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outbox_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(database: sqlite3.Connection, table: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def test_an_order_and_its_job_are_stored_together_and_relayed_once(outbox, tmp_path: Path, redis: Redis):
    database = outbox.open_database(str(tmp_path / "shop.db"))
    for n in range(150):
        outbox.place_order(database, f"customer {n}")
    client = Client(redis=redis)
    assert [await outbox.relay(database, client) for _ in range(3)] == [100, 50, 0]
    assert await redis.zcard("email") == 150
    database.close()


async def test_a_rolled_back_order_leaves_no_job(outbox, tmp_path: Path) -> None:
    database = outbox.open_database(str(tmp_path / "shop.db"))
    with pytest.raises(sqlite3.IntegrityError):
        outbox.place_order(database, None)
    assert (rows(database, "orders"), rows(database, "outbox")) == (0, 0)
    database.close()


async def test_a_crash_between_queueing_and_deleting_queues_no_second_job(outbox, tmp_path: Path, redis: Redis):
    database = outbox.open_database(str(tmp_path / "shop.db"))
    outbox.place_order(database, "Ada")
    database.execute("CREATE TRIGGER crash BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'crash'); END")
    client = Client(redis=redis)
    for _ in range(3):
        with pytest.raises(sqlite3.IntegrityError, match="crash"):
            await outbox.relay(database, client)
    database.execute("DROP TRIGGER crash")
    assert await outbox.relay(database, client) == 1
    assert await redis.zcard("email") == 1
    assert rows(database, "outbox") == 0
    database.close()


async def test_an_unreachable_redis_leaves_the_row(outbox, tmp_path: Path) -> None:
    database = outbox.open_database(str(tmp_path / "shop.db"))
    outbox.place_order(database, "Ada")
    brief = Patience(deadline_s=0.2)
    nobody = connect(f"redis://127.0.0.1:{free_port()}", patience=brief)
    with pytest.raises(RedisUnavailable):
        await outbox.relay(database, Client(redis=nobody, patience=brief))
    assert rows(database, "outbox") == 1
    await nobody.aclose()
    database.close()


async def test_without_a_replica_a_durable_relay_keeps_the_row(outbox, tmp_path: Path, redis: Redis) -> None:
    database = outbox.open_database(str(tmp_path / "shop.db"))
    outbox.place_order(database, "Ada")
    durable = Client(redis=redis, durability="wait", replica_timeout_s=0.05)
    with pytest.raises(RedisUnavailable, match="no replica confirmed"):
        await outbox.relay(database, durable)
    assert rows(database, "outbox") == 1
    assert await outbox.relay(database, Client(redis=redis)) == 1
    assert await redis.zcard("email") == 1
    database.close()


def test_it_runs_as_a_program(tmp_path: Path, redis_url: str) -> None:
    command = [sys.executable, str(EXAMPLE), str(tmp_path / "shop.db"), redis_url]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("order 1, 1 job queued\n", "")
