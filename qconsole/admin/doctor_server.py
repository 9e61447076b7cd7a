"""What is risky about the Redis behind the queues: eviction, persistence, memory, replication, cluster, clocks."""

import time
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from qconsole.admin.backend import Backend
from qconsole.admin.views import Finding
from qconsole.redis.connect import primaries

MEMORY_WARN: Final = 0.80
MEMORY_BAD: Final = 0.92
LAG_WARN_S: Final = 10
OLDEST: Final = (6, 2)
SKEW_WARN_MS: Final = 2_000


async def server_findings(backend: Backend) -> list[Finding]:
    """Return findings about every server that holds data."""
    findings: list[Finding] = []
    for client in await primaries(backend.redis):
        findings += await _of_server(client)
    if backend.cluster:
        findings += await _of_cluster(backend.redis)
    return findings + await _of_clock(backend.redis)


async def _of_server(client: Redis) -> list[Finding]:
    info: dict[str, Any] = await client.info()
    policy = str(info.get("maxmemory_policy", "noeviction"))
    limit, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    findings = [_version(info), _role(info), *_eviction(policy, limit), *_memory(limit, used, info)]
    findings += await _persistence(client, info)
    findings += _replicas(info)
    return [finding for finding in findings if finding is not None]


def _version(info: dict[str, Any]) -> Finding | None:
    text = str(info.get("redis_version", "0"))
    parts = text.split(".")
    version = (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else (0, 0)
    if version < OLDEST:
        return Finding("server_version", "bad", f"Redis {text} is too old.", "Use Redis 6.2 or newer, or Valkey.")
    return None


def _role(info: dict[str, Any]) -> Finding | None:
    if info.get("role") in ("slave", "replica"):
        return Finding(
            "replica",
            "bad",
            "This server is a read-only replica.",
            "Point the URL at the primary, or at the sentinels.",
        )
    return None


def _eviction(policy: str, limit: int) -> list[Finding]:
    if policy == "noeviction":
        return [Finding("eviction", "ok", "Redis evicts nothing.", "")]
    level = "bad" if limit else "warn"
    when = f"once {limit >> 20:,} MiB are used" if limit else "as soon as maxmemory is set"
    return [
        Finding(
            "eviction",
            level,
            f"Redis may throw jobs away ({policy}) {when}.",
            "Set it: redis-cli CONFIG SET maxmemory-policy noeviction, and in its configuration file.",
        )
    ]


def _memory(limit: int, used: int, info: dict[str, Any]) -> list[Finding]:
    total = limit or int(info.get("total_system_memory", 0))
    if not total:
        return []
    share = used / total
    text = f"Redis uses {used >> 20:,} of {total >> 20:,} MiB ({share:.0%})."
    if share < MEMORY_WARN:
        return [Finding("memory", "ok", text, "")]
    mend = "Raise maxmemory, drain what is not needed, or shorten retention (docs: runbook “Redis is full”)."
    return [Finding("memory", "bad" if share >= MEMORY_BAD else "warn", text, mend)]


async def _persistence(client: Redis, info: dict[str, Any]) -> list[Finding]:
    findings = []
    if info.get("aof_last_write_status", "ok") != "ok" or info.get("rdb_last_bgsave_status", "ok") != "ok":
        findings.append(
            Finding("persistence_failing", "bad", "Redis cannot write to its disk.", "See its log; free disk space.")
        )
    if info.get("aof_enabled"):
        return [*findings, Finding("persistence", "ok", "The append-only file is on.", "")]
    try:
        stored = await client.config_get("save")
    except ResponseError:
        return findings
    saves = bool(stored.get("save"))
    text = (
        "Redis keeps snapshots only: a crash loses the jobs since the last one."
        if saves
        else "Redis keeps nothing on disk."
    )
    mend = "Turn the append-only file on: redis-cli CONFIG SET appendonly yes, and in its configuration file."
    return [*findings, Finding("persistence", "warn" if saves else "bad", text, mend)]


def _replicas(info: dict[str, Any]) -> list[Finding]:
    findings = []
    for number in range(int(info.get("connected_slaves", 0))):
        replica = info.get(f"slave{number}")
        if isinstance(replica, dict) and int(replica.get("lag", 0)) > LAG_WARN_S:
            name = f"{replica.get('ip')}:{replica.get('port')}"
            text = f"Replica {name} lags {replica['lag']} s behind."
            findings.append(Finding("replica_lag", "warn", text, "Check its network and load before a failover."))
    return findings


async def _of_cluster(client: Redis) -> list[Finding]:
    said: dict[str, str] = await client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    if said.get("cluster_state") != "ok" or said.get("cluster_slots_assigned") != "16384":
        slots = said.get("cluster_slots_assigned", "?")
        text = f"The cluster is {said.get('cluster_state', '?')}: {slots} of 16384 slots are assigned."
        return [Finding("cluster", "bad", text, "See: redis-cli --cluster check")]
    return [Finding("cluster", "ok", "All slots of the cluster are assigned.", "")]


async def _of_clock(client: Redis) -> list[Finding]:
    before = time.time()
    seconds, micros = await client.time()
    skew_ms = round((seconds + micros / 1_000_000 - (before + time.time()) / 2) * 1000)
    if abs(skew_ms) < SKEW_WARN_MS:
        return []
    text = f"This host's clock is {abs(skew_ms) / 1000:.1f} s {'behind' if skew_ms > 0 else 'ahead of'} Redis."
    return [Finding("clock", "warn", text, "Synchronise the clocks (NTP).")]
