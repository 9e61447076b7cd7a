"""Sentinels that ask for a password of their own, and the documented rights of sentinels and replicas."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect
from qconsole.redis.patience import Patience
from qconsole.redis.topology import Node, SentinelFleet
from tests.support import eventually, server_binary

PATIENT, SHORT = Patience(deadline_s=20.0), Patience(deadline_s=1.0)
USERS = Path(__file__).parents[2] / "docs" / "examples" / "sentinel-users.acl"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[SentinelFleet]:
    with SentinelFleet(tmp_path, binary=server_binary()) as fleet:
        yield fleet


@asynccontextmanager
async def talking_to(node: Node) -> AsyncIterator[Redis]:
    async with Redis(host=node.host, port=node.port, decode_responses=True) as client:
        yield client


async def close_the_sentinels(fleet: SentinelFleet, password: str) -> None:
    for name in ("sentinel-1", "sentinel-2", "sentinel-3"):
        async with talking_to(fleet[name]) as sentinel:
            await sentinel.execute_command("SENTINEL", "CONFIG", "SET", "sentinel-pass", password)
            await sentinel.execute_command("ACL", "SETUSER", "default", "resetpass", f">{password}")


async def give_documented_rights(fleet: SentinelFleet) -> None:
    """Let replicas and sentinels log in with what the documents say, and everybody else with a password."""
    rules = {}
    for line in USERS.read_text().splitlines():
        _, name, *words = line.split()
        digest = hashlib.sha256(f"{name}-password".encode()).hexdigest()
        rules[name] = [f"#{digest}" if word.startswith("#") else word for word in words]
    for name in ("primary", "replica-1", "replica-2"):
        async with talking_to(fleet[name]) as server:
            for user, words in rules.items():
                await server.execute_command("ACL", "SETUSER", user, *words)
            await server.config_set("masteruser", "replica")
            await server.config_set("masterauth", "replica-password")
            await server.execute_command("ACL", "SETUSER", "default", "resetpass", ">secret")
    for name in ("sentinel-1", "sentinel-2", "sentinel-3"):
        async with talking_to(fleet[name]) as sentinel:
            for option, value in (("auth-user", "sentinel"), ("auth-pass", "sentinel-password")):
                await sentinel.execute_command("SENTINEL", "SET", fleet.service, option, value)
    for name in ("primary", "replica-1", "replica-2"):
        async with Redis(host=fleet[name].host, port=fleet[name].port, password="secret") as server:
            for kind in ("normal", "pubsub"):  # Redis 6 keeps links that were made without a password
                await server.execute_command("CLIENT", "KILL", "TYPE", kind)


async def test_sentinels_with_a_password_of_their_own(fleet: SentinelFleet) -> None:
    await close_the_sentinels(fleet, "s3cret")
    for url in (fleet.url, f"{fleet.url}?sentinel_password=wrong"):
        client = connect(url, patience=SHORT)
        with pytest.raises(RedisUnavailable, match=r"(?i)auth|password") as caught:
            await client.ping()
        assert "wrong" not in str(caught.value)
        await client.aclose()
    client = connect(f"{fleet.url}?sentinel_password=s3cret", patience=PATIENT)
    await client.set("a", "1")
    assert "s3cret" not in repr(client) + repr(client.connection_pool)
    fleet["primary"].process.kill()
    await client.set("a", "2")
    assert await client.get("a") == b"2"
    await client.aclose()


async def test_the_documented_rights_are_enough_for_a_failover(fleet: SentinelFleet) -> None:
    await give_documented_rights(fleet)
    client = connect(fleet.url.replace("redis+sentinel://", "redis+sentinel://:secret@"), patience=PATIENT)
    await client.set("a", "1")
    async with Redis(host=fleet["primary"].host, port=fleet["primary"].port, password="secret") as primary:

        async def only_sentinels_that_logged_in() -> bool:
            clients = await primary.client_list()
            return {one["user"] for one in clients if one["name"].startswith("sentinel-")} == {"sentinel"}

        await eventually(only_sentinels_that_logged_in)
    survivors = [Redis(host=node.host, port=node.port, password="secret", decode_responses=True)
                 for node in (fleet["replica-1"], fleet["replica-2"])]  # fmt: skip
    fleet["primary"].process.kill()
    await client.set("a", "2")

    async def follows() -> bool:
        seen = [await survivor.info("replication") for survivor in survivors]
        links = sorted(each.get("master_link_status", each["role"]) for each in seen)
        return links == ["master", "up"]

    await eventually(follows)
    for survivor in survivors:
        assert [(entry["username"], entry["object"]) for entry in await survivor.acl_log()] == []
        await survivor.aclose()
    await client.aclose()
