"""The documented Redis user is enough for everything the product does, and for nothing else."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from arq import ArqRedis
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from qconsole.admin import Actor, Admin
from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime.client import Client
from qconsole.runtime.flow import Flow
from tests.faults.stage import QUEUE, ROOT, Stage, stage
from tests.support import eventually, server_binary

USERS = ROOT / "docs" / "examples" / "redis-users.acl"
QUEUES = ("email", "reports")


def url_for(server: EmbeddedServer, user: str) -> str:
    return server.url.replace("redis://", f"redis://{user}:{user}-password@")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    lines = []
    for line in USERS.read_text().splitlines():
        user = line.split()[1]
        digest = hashlib.sha256(f"{user}-password".encode()).hexdigest()
        lines.append(line.replace("#" + "0" * 64, f"#{digest}").replace("~email", f"~email ~{QUEUE}"))
    users = tmp_path / "users.acl"
    users.write_text("\n".join(lines) + "\n")
    async with EmbeddedServer(tmp_path / "redis", options={"aclfile": str(users)}, binary=server_binary()) as server:
        yield server


@pytest.fixture
async def operator(server: EmbeddedServer) -> AsyncIterator[Redis]:
    client = connect(url_for(server, "operator"))
    yield client
    await client.aclose()


async def work(set_up: Stage) -> None:
    """Let a worker do one of everything."""
    set_up.start_worker(queues=",".join(QUEUES))
    await set_up.client.enqueue_many("note", [{}] * 20, queue="email")
    await set_up.client.add_flow(Flow("note", {}, queue="email", children=[Flow("note", {}, queue="reports")]))
    await set_up.client.enqueue("note", {"fail": 9}, queue="email", job_id="sick", attempts=2, priority=1)
    await set_up.client.enqueue("note", {}, queue="email", delay_s=0.1)
    await set_up.client.enqueue("note", {"ms": 60_000}, queue="email", job_id="long")
    await eventually(lambda: len(set_up.ledger.ended()) >= 23 and "long" in set_up.ledger.runs())


async def look_and_steer(admin: Admin) -> None:
    """Let an operator look at everything and change a little."""
    await eventually(admin.dead_letters.groups)
    (letter,) = (await admin.dead_letters.page()).rows
    await admin.dead_letters.replay(letter.id, reason="mended")
    await admin.jobs.cancel("long", queue="email", reason="too long")
    await admin.queues.pause("reports", reason="test")
    await admin.queues.resume("reports")
    await admin.queues.limit("email", concurrency=3)
    await admin.jobs.page("queue:email", limit=5)
    await admin.jobs.why("sick", queue="email")
    await admin.jobs.logs("sick", queue="email")
    await admin.queues.overview()
    await admin.queues.list()
    await admin.workers.list()
    await admin.flows.page()
    await admin.schedules.list()
    await admin.audit.page()
    await admin.events.page()
    await admin.doctor.examine()


async def test_the_documented_user_is_enough(server: EmbeddedServer, operator: Redis, tmp_path: Path) -> None:
    url = url_for(server, "qconsole")
    async with stage(url, tmp_path) as set_up:
        await work(set_up)
        async with await Admin.open(url, actor=Actor(name="operator", role="admin", face="cli")) as admin:
            await look_and_steer(admin)
    plain = connect(url, client_class=ArqRedis, default_queue_name="email")
    job = await plain.enqueue_job("note", _job_id="plain")
    assert job is not None
    await job.status()
    await job.info()
    with pytest.raises(TimeoutError):
        await job.abort(timeout=0.05)
    await plain.aclose()
    refused = [(entry["object"], entry["reason"]) for entry in await operator.acl_log()]
    assert refused == []


@pytest.fixture
async def limited(server: EmbeddedServer) -> AsyncIterator[Redis]:
    client = connect(url_for(server, "qconsole"))
    yield client
    await client.aclose()


async def test_the_documented_user_may_do_nothing_else(limited: Redis) -> None:
    for command in (
        ("FLUSHALL",), ("KEYS", "*"), ("CONFIG", "SET", "maxmemory", "1"), ("ACL", "LIST"), ("SHUTDOWN",), ("MONITOR",),
        ("REPLICAOF", "127.0.0.1", "1"), ("CLIENT", "KILL", "TYPE", "normal"),
        ("SCRIPT", "FLUSH"), ("GET", "sessions:17"), ("SET", "other", "1"), ("SAVE",),
    ):  # fmt: skip
        with pytest.raises(NoPermissionError):
            await limited.execute_command(*command)
    with pytest.raises(Exception, match=r"(?i)permission|can't"):
        await limited.eval("return redis.call('flushall')", 0)


async def test_a_queue_that_the_user_may_not_touch_is_told(server: EmbeddedServer) -> None:
    async with await Client.connect(url_for(server, "qconsole")) as client:
        with pytest.raises(RedisUnavailable, match=r"does not let user 'qconsole' do that: .*key"):
            await client.enqueue("note", {}, queue="secret")
