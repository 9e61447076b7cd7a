"""Clients outlast a restart, end at their deadline, and never take a lost connection for something else."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from arq import ArqRedis
from redis.asyncio import Redis
from redis.exceptions import ConnectionError, ResponseError

from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect, once
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.patience import ENDLESS, Patience
from qconsole.redis.process import free_port
from tests.support import eventually, server_binary

SHORT = Patience(deadline_s=0.5)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(tmp_path, port=free_port(), binary=server_binary()) as server:
        yield server


async def test_answers_are_bytes_and_the_connection_has_a_name(redis_url: str) -> None:
    client = connect(redis_url, name="console:1")
    await client.set("a", "1")
    assert await client.get("a") == b"1"
    assert await client.client_getname() == "console:1"
    await client.aclose()


async def test_the_client_class_is_kept_and_works_as_arqs_pool(redis_url: str) -> None:
    client = connect(redis_url, client_class=ArqRedis, default_queue_name="email")
    assert isinstance(client, ArqRedis)
    job = await client.enqueue_job("send", 1, _job_id="one")
    assert job is not None
    assert await client.zrange("email", 0, -1) == [b"one"]
    assert await client.enqueue_job("send", 1, _job_id="one") is None
    await client.aclose()


async def test_nobody_there_ends_at_the_deadline_with_a_sentence_and_a_masked_url() -> None:
    port = free_port()
    client = connect(f"redis://:hunter2@127.0.0.1:{port}", patience=SHORT)
    started = time.monotonic()
    with pytest.raises(RedisUnavailable, match=f":\\*\\*\\*@127.0.0.1:{port}/0 cannot be used") as caught:
        await client.ping()
    assert time.monotonic() - started < 8
    assert isinstance(caught.value, ConnectionError)
    assert "hunter2" not in str(caught.value) + repr(client) + repr(client.connection_pool)
    pipe = client.pipeline()
    pipe.get("a")
    with pytest.raises(RedisUnavailable):
        await pipe.execute()
    await client.aclose()


async def test_a_wrong_password_is_not_tried_again(server: EmbeddedServer) -> None:
    admin = connect(server.url)
    await admin.config_set("requirepass", "right")
    client = connect(server.url.replace("redis://", "redis://:wrong@"), patience=ENDLESS)
    with pytest.raises(RedisUnavailable, match="refused the user name or password"):
        await client.ping()
    good = connect(server.url.replace("redis://", "redis://:right@"))
    assert await good.ping()
    for each in (admin, client, good):
        await each.aclose()


async def test_a_frozen_server_holds_no_call_above_its_deadline(server: EmbeddedServer) -> None:
    client = connect(server.url, patience=Patience(deadline_s=1.0), timeout_s=0.3, connect_timeout_s=0.3)
    await client.ping()
    server.process.freeze()
    started = time.monotonic()
    results = await asyncio.gather(*(client.get("a") for _ in range(50)), return_exceptions=True)
    took_s = time.monotonic() - started
    server.process.resume()
    assert all(isinstance(result, RedisUnavailable) for result in results)
    assert took_s < 20
    assert await client.ping()
    await client.aclose()


async def test_calls_wait_out_a_restart(server: EmbeddedServer, caplog: pytest.LogCaptureFixture) -> None:
    client = connect(server.url, patience=ENDLESS)
    await client.set("a", "1")
    await client.get("a")
    server.process.kill()
    reading = asyncio.create_task(client.get("a"))
    pipe = client.pipeline()
    pipe.set("b", "2")
    pipe.get("b")
    piping = asyncio.create_task(pipe.execute())
    with caplog.at_level(logging.WARNING, "qconsole.redis"):
        await eventually(lambda: any("cannot" in line or "try" in line for line in caplog.messages))
    server.stop()
    await server.astart()
    assert await asyncio.wait_for(reading, 60) in (b"1", None)
    assert await asyncio.wait_for(piping, 60) == [True, b"2"]
    await client.aclose()


async def test_a_lost_connection_between_watch_and_exec_is_not_a_changed_key(server: EmbeddedServer) -> None:
    client = connect(server.url, patience=SHORT)
    async with client.pipeline(transaction=True) as pipe:
        await pipe.watch("a")
        pipe.multi()
        pipe.set("a", "1")
        server.process.kill()
        with pytest.raises(ConnectionError):
            await pipe.execute()
    await client.aclose()


async def test_a_read_only_server_is_waited_for(
    server: EmbeddedServer, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    writer = connect(server.url, patience=ENDLESS)
    host_port = redis_url.removeprefix("redis://").removesuffix("/0").split(":")
    await writer.replicaof(*host_port)
    setting = asyncio.create_task(writer.set("a", "1"))
    evaluating = asyncio.create_task(writer.eval("return redis.call('set', KEYS[1], '1')", 1, "b"))
    pipe = writer.pipeline(transaction=True)
    pipe.set("c", "1")
    piping = asyncio.create_task(pipe.execute())
    await eventually(lambda: "read-only replica" in caplog.text)
    assert not (setting.done() or evaluating.done() or piping.done())
    observer = connect(server.url)
    await observer.replicaof("NO", "ONE")
    assert await asyncio.wait_for(setting, 60) is True
    assert await asyncio.wait_for(evaluating, 60) == b"OK"
    assert await asyncio.wait_for(piping, 60) == [True]
    await writer.aclose()
    await observer.aclose()


async def test_a_call_that_must_not_be_repeated_is_not(server: EmbeddedServer) -> None:
    client = connect(server.url, patience=ENDLESS)
    single = once(client)
    await single.incr("n")
    killer = connect(server.url, name="killer")
    script = "redis.call('incr', 'n') local t = redis.call('time')[1] while redis.call('time')[1] - t < 2 do end"
    running = asyncio.create_task(single.eval(script, 0))
    await asyncio.sleep(0)
    await eventually(lambda: client.connection_pool._in_use_connections)
    for connection in client.connection_pool._in_use_connections:
        await connection.disconnect(nowait=True)
    with pytest.raises(RedisUnavailable):
        await running
    assert int(await killer.get("n") or 0) <= 2
    assert await client.ping()
    for each in (client, killer):
        await each.aclose()


async def test_a_full_redis_is_said_at_once(server: EmbeddedServer) -> None:
    client = connect(server.url, patience=ENDLESS)
    await client.config_set("maxmemory", 1)
    with pytest.raises(RedisUnavailable, match="takes no more data: it has reached its memory limit"):
        await client.set("a", "1")
    with pytest.raises(RedisUnavailable, match="memory limit"):
        await client.eval("return redis.call('set', KEYS[1], '1')", 1, "b")
    pipe = client.pipeline(transaction=True)
    pipe.set("c", "1")
    with pytest.raises(RedisUnavailable, match="memory limit"):
        await pipe.execute()
    await client.config_set("maxmemory", 0)
    assert await client.exists("a", "b", "c") == 0
    await client.aclose()


async def test_a_callers_own_errors_come_through_untouched(redis: Redis) -> None:
    await redis.set("a", "text")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await redis.lpush("a", "1")
    pipe = redis.pipeline(transaction=False)
    pipe.lpush("a", "a secret payload")
    with pytest.raises(ResponseError, match="WRONGTYPE") as caught:
        await pipe.execute()
    assert "secret" not in str(caught.value)
    assert "LPUSH, command 1" in str(caught.value)


async def test_calls_wait_for_a_free_connection(redis_url: str) -> None:
    client = connect(redis_url, max_connections=3)
    await asyncio.gather(*(client.incr("n") for _ in range(100)))
    assert await client.get("n") == b"100"
    assert len(client.connection_pool._available_connections) <= 3
    await client.aclose()
