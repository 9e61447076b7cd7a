"""A client by sentinels: finds the primary, follows a failover, and says what is wrong when it cannot."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from arq import ArqRedis

from qconsole.errors import ConfigError, RedisUnavailable
from qconsole.redis.connect import connect
from qconsole.redis.patience import ENDLESS, Patience
from qconsole.redis.topology import SentinelFleet
from tests.support import eventually, server_binary

SHORT = Patience(deadline_s=1.0)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelFleet]:
    with SentinelFleet(tmp_path_factory.mktemp("sentinel"), password="hunter2", binary=server_binary()) as fleet:
        yield fleet


async def test_the_primary_is_found_and_the_password_used(fleet: SentinelFleet) -> None:
    client = connect(fleet.url, client_class=ArqRedis)
    assert await client.enqueue_job("send") is not None
    assert (await client.info("replication"))["role"] == "master"
    assert "hunter2" not in repr(client) + repr(client.connection_pool)
    await client.aclose()


async def test_an_unknown_service_is_said(fleet: SentinelFleet) -> None:
    client = connect(fleet.url.replace("/qconsole/", "/nonsense/"))
    with pytest.raises(ConfigError, match="watch no service named 'nonsense'"):
        await client.ping()
    await client.aclose()


async def test_one_sentinel_of_the_list_is_enough(fleet: SentinelFleet) -> None:
    url = f"redis+sentinel://:hunter2@127.0.0.1:1,127.0.0.1:{fleet['sentinel-1'].port}/qconsole"
    client = connect(url)
    assert await client.ping()
    await client.aclose()


async def test_no_sentinel_is_said_in_time() -> None:
    client = connect("redis+sentinel://:hunter2@127.0.0.1:1,127.0.0.1:2/qconsole", patience=SHORT)
    with pytest.raises(RedisUnavailable, match=r"cannot be used: .*(refused|connect)") as caught:
        await client.ping()
    assert "hunter2" not in str(caught.value)
    await client.aclose()


async def test_a_client_keeps_working_when_the_sentinels_are_gone(tmp_path: Path) -> None:
    with SentinelFleet(tmp_path, replicas=1, sentinels=1, binary=server_binary()) as fleet:
        client = connect(fleet.url, patience=SHORT)
        await client.set("a", "1")
        fleet["sentinel-1"].process.kill()
        await client.connection_pool.disconnect()
        assert await client.get("a") == b"1"
        await client.aclose()


async def test_a_blocked_pop_on_a_frozen_primary_moves_to_the_new_one(tmp_path: Path) -> None:
    with SentinelFleet(tmp_path, down_after_ms=700, binary=server_binary()) as fleet:
        client, producer = connect(fleet.url, patience=ENDLESS), connect(fleet.url, patience=ENDLESS)
        popping = asyncio.create_task(client.blpop(["wake"], timeout=0))
        await eventually(lambda: client.connection_pool._in_use_connections)
        fleet["primary"].process.freeze()
        await producer.set("a", "1")
        await producer.rpush("wake", "up")
        assert await asyncio.wait_for(popping, 60) == (b"wake", b"up")
        await client.aclose()
        await producer.aclose()
