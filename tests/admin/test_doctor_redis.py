"""The doctor and the overview name what is wrong with Redis itself, in words, with the mend: each on a real server."""

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin, doctor_server
from qconsole.admin.doctor_server import server_findings
from qconsole.admin.views import Finding
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.slots import slot_of
from qconsole.redis.topology import ClusterFleet, SentinelFleet
from qconsole.runtime.client import Client
from tests.support import eventually, server_binary

BUSY = "for _ = 1, ARGV[1] do end return ARGV[2]"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Admin]:
    async with await Admin.open(url, actor=Actor("ann", "admin", "cli")) as admin:
        yield admin


async def found(admin: Admin) -> dict[str, Finding]:
    """What is not as it should be, by its code; each says how to mend it."""
    findings = {finding.code: finding for finding in await admin.doctor.examine() if finding.level != "ok"}
    assert all(finding.text.endswith((".", ")")) and finding.mend for finding in findings.values())
    return findings


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    options = {"repl-diskless-sync-delay": "0"}
    async with EmbeddedServer(tmp_path / "redis", options=options, binary=server_binary()) as server:
        yield server


@pytest.fixture
async def operator(server: EmbeddedServer) -> AsyncIterator[Redis]:
    client = connect(server.url, name="operator")
    yield client
    await client.aclose()


async def test_a_sound_server_is_told_to_be_sound(server: EmbeddedServer) -> None:
    async with opened(server.url) as admin:
        assert await found(admin) == {}
        assert {finding.code for finding in await admin.doctor.examine()} >= {"eviction", "memory", "persistence"}
        assert (await admin.queues.overview()).warnings == ()


async def test_an_eviction_policy_is_worse_with_a_limit(server: EmbeddedServer, operator: Redis) -> None:
    await operator.config_set("maxmemory-policy", "allkeys-lru")
    async with opened(server.url) as admin:
        assert (await found(admin))["eviction"].level == "warn"
        await operator.config_set("maxmemory", "1gb")
        finding = (await found(admin))["eviction"]
        assert finding.text == "Redis may throw jobs away (allkeys-lru) once 1,024 MiB are used."
        assert "CONFIG SET maxmemory-policy noeviction" in finding.mend
        assert [one.code for one in (await admin.queues.overview()).warnings] == ["eviction"]


async def test_a_server_that_keeps_nothing_or_only_snapshots(server: EmbeddedServer, operator: Redis) -> None:
    await operator.config_set("appendonly", "no")
    await operator.config_set("save", "")
    async with opened(server.url) as admin:
        finding = (await found(admin))["persistence"]
        assert (finding.level, finding.text) == ("bad", "Redis keeps nothing on disk: a restart loses every job.")
        assert "appendonly yes" in finding.mend
        await operator.config_set("save", "3600 1")
        finding = (await found(admin))["persistence"]
        assert (finding.level, "snapshots only" in finding.text) == ("warn", True)
        assert "persistence" in {one.code for one in (await admin.queues.overview()).warnings}


async def test_memory_that_runs_out(server: EmbeddedServer, operator: Redis) -> None:
    await operator.setrange("ballast", 50_000_000, b"x")  # beside it connections weigh nothing
    used = int((await operator.info("memory"))["used_memory"])
    async with opened(server.url) as admin:
        for share, level in ((0.87, "warn"), (0.97, "bad")):
            await operator.config_set("maxmemory", round(used / share))
            finding = (await found(admin))["memory"]
            assert finding.level == level and finding.text.startswith("Redis uses ")


async def test_a_slow_command_is_named_without_its_arguments(server: EmbeddedServer, operator: Redis) -> None:
    rounds = 10_000_000
    while not any(entry["duration"] > 100_000 for entry in await operator.slowlog_get()):
        rounds *= 2
        await operator.eval(BUSY, 0, rounds, "hunter2")
    async with opened(server.url) as admin:
        finding = (await found(admin))["slow_commands"]
        assert finding.text.startswith("Redis stood still for ") and " ms in one EVAL;" in finding.text
        assert "hunter2" not in finding.text
        await operator.slowlog_reset()
        assert "slow_commands" not in await found(admin)


async def test_a_rewrite_that_hangs_or_failed(
    server: EmbeddedServer, operator: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_server, "REWRITE_WARN_S", 0)
    await operator.mset({f"k{n}": n for n in range(100)})
    await operator.config_set("rdb-key-save-delay", 1_000_000)
    await operator.bgrewriteaof()
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    child = int(await eventually(lambda: children.read_text().strip()))
    async with opened(server.url) as admin:
        assert "has been rewriting its append-only file for 0 min" in (await found(admin))["rewrite"].text
        os.kill(child, signal.SIGKILL)

        async def failed() -> Finding | None:
            finding = (await found(admin)).get("rewrite")
            return finding if finding and finding.level == "bad" else None

        assert "could not rewrite its append-only file" in (await eventually(failed)).text


async def test_connections_that_run_out_and_a_clock_that_is_off(
    server: EmbeddedServer, operator: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server.url) as admin:
        monkeypatch.setattr(doctor_server, "CONNECTIONS_WARN", 0.5)
        open_now = int((await operator.info("clients"))["connected_clients"])
        await operator.config_set("maxclients", open_now + 1)
        right = time.time
        monkeypatch.setattr(time, "time", lambda: right() + 60)
        findings = await found(admin)
        assert f"of the {open_now + 1} connections" in findings["connections"].text
        assert findings["clock"].text == "This host's clock is 60.0 s ahead of Redis."


async def test_a_read_only_replica(server: EmbeddedServer, operator: Redis, tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path / "replica", binary=server_binary()) as other, opened(other.url) as admin:
        client = connect(other.url)
        await client.replicaof("127.0.0.1", str(server.port))
        await eventually(lambda: operator.execute_command("WAIT", 1, 100))
        finding = (await admin.queues.overview()).warnings[0]
        assert (finding.code, finding.level, "primary" in finding.mend) == ("replica", "bad", True)
        await client.aclose()


async def test_a_replica_that_falls_behind_is_named(server: EmbeddedServer, operator: Redis, tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path / "replica", binary=server_binary()) as other, opened(server.url) as admin:
        client = connect(other.url)
        await client.replicaof("127.0.0.1", str(server.port))
        await client.aclose()
        await eventually(lambda: operator.execute_command("WAIT", 1, 100))
        assert "replica_lag" not in await found(admin)
        other.process.freeze()
        await operator.set("much", b"x" * 17 * 2**20)
        finding = (await found(admin))["replica_lag"]
        assert f"127.0.0.1:{other.port}" in finding.text and "bytes behind" in finding.text
        await operator.config_set("min-replicas-to-write", 1)
        await operator.config_set("min-replicas-max-lag", 1)

        async def refuses() -> Finding | None:
            return (await found(admin)).get("writes_refused")

        refused = await eventually(refuses)
        assert refused.level == "bad" and "0 of the 1 replicas" in refused.text
        other.process.resume()


async def test_a_service_whose_sentinels_and_replicas_go(tmp_path: Path) -> None:
    with SentinelFleet(tmp_path, replicas=2, binary=server_binary()) as fleet:
        async with opened(fleet.url) as admin:
            assert await found(admin) == {}
            fleet["replica-2"].process.kill()

            async def short_of_one() -> Finding | None:
                return (await found(admin)).get("replica_missing")

            assert "1 of the 2 replicas" in (await eventually(short_of_one)).text
            fleet["sentinel-3"].process.kill()
            some = (await found(admin))["sentinels"]
            assert (some.level, "can still agree" in some.text) == ("warn", True)
            assert f"127.0.0.1:{fleet['sentinel-3'].port}" in some.text
            fleet["sentinel-2"].process.freeze()
            fleet["replica-1"].process.kill()

            async def alone() -> bool:
                return {"sentinels": "bad", "no_replica": "warn"}.items() <= {
                    code: finding.level for code, finding in (await found(admin)).items()
                }.items()

            await eventually(alone)


@pytest.mark.slow
async def test_a_cluster_with_a_shard_down_is_described_and_not_only_refused(tmp_path: Path) -> None:
    with ClusterFleet(tmp_path, binary=server_binary()) as fleet:
        client = await Client.connect(fleet.url)
        await client.enqueue("send", {}, queue="email")
        async with opened(fleet.url) as admin:
            assert set(await found(admin)) == {"no_worker"}
            shard = fleet.owner_of(slot_of("email")).name
            fleet[f"{shard}-replica-1"].process.kill()

            async def without_replica() -> Finding | None:
                return (await found(admin)).get("no_replica")

            finding = await eventually(without_replica)
            assert f"127.0.0.1:{fleet[shard].port}" in finding.text
            fleet[shard].process.kill()

            async def down() -> dict[str, Finding]:
                findings = await found(admin)
                return findings if "cluster" in findings else {}

            findings = await eventually(down)
            assert "slots does not answer; it serves nothing" in findings["cluster"].text
            assert findings["unreachable"].text.startswith(f"Redis at 127.0.0.1:{fleet[shard].port} does not answer")
            assert findings["unexamined"].level == "bad"
            assert not any("redis+cluster://" in finding.text for finding in findings.values())
        await client.aclose()


async def test_slots_that_nobody_owns(tmp_path: Path) -> None:
    with ClusterFleet(tmp_path, replicas=0, binary=server_binary()) as fleet:
        async with opened(fleet.url) as admin:
            for node in fleet.nodes.values():
                node.ask("CLUSTER", "DELSLOTS", "16383")

            async def uncovered() -> Finding | None:
                said = await server_findings(admin.doctor._backend)  # the queues cannot be asked, which takes a while
                return next((finding for finding in said if finding.code == "cluster" and finding.level != "ok"), None)

            finding = await eventually(uncovered)
            assert "1 of 16,384 slots belong to no node; it serves nothing" in finding.text
            assert "--cluster fix" in finding.mend
