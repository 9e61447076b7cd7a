"""What is risky about the Redis behind the queues: eviction, its disk, memory, connections, slow commands, clocks."""

import asyncio
import time
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from qconsole.admin.backend import QUICK_TRIES, Backend
from qconsole.admin.doctor_replication import cluster_findings, replica_findings, replicas_known, sentinel_findings
from qconsole.admin.views import Finding
from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import once, primaries, sentinels
from qconsole.redis.patience import reason_of

MEMORY_WARN: Final = 0.80
MEMORY_BAD: Final = 0.92
CONNECTIONS_WARN: Final = 0.80
REWRITE_WARN_S: Final = 1_800
OLDEST: Final = (6, 2)
SKEW_WARN_MS: Final = 2_000
SLOW_MS: Final = 100
SLOW_WITHIN_S: Final = 3_600
SLOW_ENTRIES: Final = 128  # what Redis keeps by default


async def server_findings(backend: Backend) -> list[Finding]:
    """Return findings about every server that holds data, its replicas and its sentinels."""
    answers = await sentinels(backend.redis)
    watched = sentinel_findings(answers)
    expected = max(replicas_known(answers), int(backend.cluster or bool(answers)))
    clients = await primaries(backend.redis)
    found = await asyncio.gather(*(_of_server(client, backend, expected) for client in clients))
    findings = [finding for each in found for finding in each] + watched
    if backend.cluster:
        findings += await cluster_findings(backend.redis)
    return findings + await _of_clock(backend.redis)


async def _of_server(client: Redis, backend: Backend, replicas_expected: int) -> list[Finding]:
    cluster = backend.cluster
    where = client.connection_pool.connection_kwargs
    who = f"Redis at {where['host']}:{where['port']}" if cluster else "Redis"
    try:
        info: dict[str, Any] = await backend.quickly((once(client, QUICK_TRIES) if backend.cluster else client).info())
        findings = [
            *_version(info, who),
            *_role(info),
            *_eviction(info, who),
            *_memory(info, who),
            *_connections(info, who),
        ]
        findings += await _persistence(client, info, who)
        findings += await _slow_commands(client, who)
        return findings + await replica_findings(client, info, who, expected=replicas_expected)
    except RedisUnavailable as error:
        if not cluster:
            raise
        return [
            Finding(
                "unreachable", "bad", f"{who} does not answer: {short_reason(error)}.", "Start it again; see its log."
            )
        ]


def short_reason(error: RedisUnavailable) -> str:
    """Return why a server cannot be used, without the whole URL, which in a cluster is longer than the reason."""
    return reason_of(error.__cause__).rstrip(".") if isinstance(error.__cause__, RedisError) else str(error)


def _version(info: dict[str, Any], who: str) -> list[Finding]:
    text = str(info.get("redis_version", "0"))
    parts = text.split(".")
    version = (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else (0, 0)
    if version >= OLDEST:
        return []
    mend = "Use Redis 6.2 or newer, or Valkey."
    return [Finding("server_version", "bad", f"{who} is of version {text}: too old.", mend)]


def _role(info: dict[str, Any]) -> list[Finding]:
    if info.get("role") not in ("slave", "replica"):
        return []
    mend = "Point the URL at the primary, or at the sentinels."
    return [Finding("replica", "bad", "This server is a read-only replica.", mend)]


def _eviction(info: dict[str, Any], who: str) -> list[Finding]:
    policy, limit = str(info.get("maxmemory_policy", "noeviction")), int(info.get("maxmemory", 0))
    if policy == "noeviction":
        return [Finding("eviction", "ok", f"{who} evicts nothing.", "")]
    level = "bad" if limit else "warn"
    when = f"once {limit >> 20:,} MiB are used" if limit else "as soon as maxmemory is set"
    return [
        Finding(
            "eviction",
            level,
            f"{who} may throw jobs away ({policy}) {when}.",
            "Set it: redis-cli CONFIG SET maxmemory-policy noeviction, and in its configuration file.",
        )
    ]


def _memory(info: dict[str, Any], who: str) -> list[Finding]:
    limit, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    total = limit or int(info.get("total_system_memory", 0))
    if not total:
        return []
    share = used / total
    text = f"{who} uses {used >> 20:,} of {total >> 20:,} MiB ({share:.0%})."
    if share < MEMORY_WARN:
        return [Finding("memory", "ok", text, "")]
    mend = "Raise maxmemory, drain what is not needed, or shorten retention (docs: runbook “Redis is full”)."
    return [Finding("memory", "bad" if share >= MEMORY_BAD else "warn", text, mend)]


def _connections(info: dict[str, Any], who: str) -> list[Finding]:
    limit, open_now = int(info.get("maxclients", 0)), int(info.get("connected_clients", 0))
    if not limit or open_now / limit < CONNECTIONS_WARN:
        return []
    text = f"{who} has {open_now:,} of the {limit:,} connections it may have: the next ones are refused."
    mend = "See who holds them: redis-cli CLIENT LIST. Close what is not needed, or raise maxclients."
    return [Finding("connections", "warn", text, mend, count=open_now)]


def _rewrite(info: dict[str, Any], who: str) -> list[Finding]:
    """Return whether the append-only file can still be made smaller; otherwise it grows until the disk is full."""
    running_s = int(info.get("aof_current_rewrite_time_sec", -1))
    if info.get("aof_rewrite_in_progress") and running_s >= REWRITE_WARN_S:
        text = f"{who} has been rewriting its append-only file for {running_s // 60:,} min."
        return [Finding("rewrite", "warn", text, "See its log and the load of its disk.")]
    if info.get("aof_last_bgrewrite_status", "ok") == "ok":
        return []
    text = f"{who} could not rewrite its append-only file the last time, so the file grows."
    mend = "See its log; free memory (a rewrite forks) or disk space, then: redis-cli BGREWRITEAOF"
    return [Finding("rewrite", "bad", text, mend)]


async def _persistence(client: Redis, info: dict[str, Any], who: str) -> list[Finding]:
    findings = []
    if info.get("aof_last_write_status", "ok") != "ok" or info.get("rdb_last_bgsave_status", "ok") != "ok":
        findings.append(
            Finding("persistence_failing", "bad", f"{who} cannot write to its disk.", "See its log; free disk space.")
        )
    if info.get("aof_enabled"):
        return [
            *findings,
            *_rewrite(info, who),
            Finding("persistence", "ok", f"The append-only file of {who} is on.", ""),
        ]
    try:
        stored = await client.config_get("save")
    except ResponseError:  # a provider that hides CONFIG
        stored = {}
    match stored.get("save"):
        case None:
            level, text = "warn", f"The append-only file of {who} is off; whether it keeps snapshots is hidden."
        case "":
            level, text = "bad", f"{who} keeps nothing on disk: a restart loses every job."
        case _:
            level, text = "warn", f"{who} keeps snapshots only: a crash loses the jobs since the last one."
    mend = "Turn the append-only file on: redis-cli CONFIG SET appendonly yes, and in its configuration file."
    return [*findings, Finding("persistence", level, text, mend)]


async def _slow_commands(client: Redis, who: str) -> list[Finding]:
    """Name the slowest command of the last hour; its arguments may be payloads, so they stay where they are."""
    try:
        entries = await client.slowlog_get(SLOW_ENTRIES)
    except ResponseError as error:
        text = f"The slow log of {who} cannot be read: {error}."
        return [Finding("slow_commands", "warn", text, "Give the user of the URL +slowlog|get.")]
    since_s = time.time() - SLOW_WITHIN_S
    slow = [entry for entry in entries if entry["duration"] >= SLOW_MS * 1000 and entry["start_time"] >= since_s]
    if not slow:
        return []
    worst = max(slow, key=lambda entry: int(entry["duration"]))
    name = bytes(worst["command"]).split(b" ", 1)[0].decode("utf-8", "replace").upper()
    text = (
        f"{who} stood still for {worst['duration'] // 1000:,} ms in one {name}; "
        f"{len(slow):,} commands of the last hour took longer than {SLOW_MS} ms, and everybody waited."
    )
    mend = "See who sends them: redis-cli SLOWLOG GET. Usual are KEYS, FLUSHALL and whole reads of big keys."
    return [Finding("slow_commands", "warn", text, mend, count=len(slow))]


async def _of_clock(client: Redis) -> list[Finding]:
    before = time.time()
    seconds, micros = await client.time()
    skew_ms = round((seconds + micros / 1_000_000 - (before + time.time()) / 2) * 1000)
    if abs(skew_ms) < SKEW_WARN_MS:
        return []
    text = f"This host's clock is {abs(skew_ms) / 1000:.1f} s {'behind' if skew_ms > 0 else 'ahead of'} Redis."
    return [Finding("clock", "warn", text, "Synchronise the clocks (NTP).")]
