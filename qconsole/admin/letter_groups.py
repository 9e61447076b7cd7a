"""Error groups: open dead letters of one fingerprint over all queues, with their trend by hours."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from qconsole.admin.backend import Backend
from qconsole.admin.views import DeadLetterGroup
from qconsole.runtime.keys import GLOBAL

TREND_HOURS: Final = 24
HOUR_MS: Final = 3_600_000
SAMPLES: Final = 3


@dataclass(slots=True)
class _Group:
    """One fingerprint being gathered over queues."""

    said: dict[str, Any]
    queues: list[str] = field(default_factory=list)
    job_types: list[str] = field(default_factory=list)
    count: int = 0
    total: int = 0
    first_ms: int = 2**62
    last_ms: int = 0


async def read_groups(backend: Backend, queues: Sequence[str], fingerprint: str | None = None) -> list[DeadLetterGroup]:
    """Return the groups that have open entries, the largest first.

    Args:
        queues: where to look.
        fingerprint: only this one.
    """
    gathered: dict[str, _Group] = {}
    parts = await asyncio.gather(*(_read_queue(backend, queue, fingerprint) for queue in queues))
    for queue, part in zip(queues, parts, strict=True):
        for fp, (said, count) in part.items():
            _add(gathered, fp, queue, said, count)
    ordered = sorted(gathered.items(), key=lambda pair: (-pair[1].count, -pair[1].last_ms, pair[0]))
    deploys = await _deploys(backend)
    return [await _view(backend, fp, group, deploys) for fp, group in ordered]


async def _read_queue(backend: Backend, queue: str, fingerprint: str | None) -> dict[str, tuple[dict[str, Any], int]]:
    keys = backend.keys(queue)
    if fingerprint is None:
        stored = await backend.redis.hgetall(keys.dlq_groups())  # type: ignore[misc]
    else:
        text = await backend.redis.hget(keys.dlq_groups(), fingerprint)  # type: ignore[misc]
        stored = {fingerprint.encode(): text} if text else {}
    names = [name.decode("utf-8", "replace") for name in stored]
    async with backend.redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.zcard(keys.dlq_fingerprint(name))
        counts = await pipe.execute() if names else []
    return {
        name: (_json(text), count) for name, text, count in zip(names, stored.values(), counts, strict=True) if count
    }


def _add(gathered: dict[str, _Group], fp: str, queue: str, said: dict[str, Any], count: int) -> None:
    group = gathered.setdefault(fp, _Group(said))
    last_ms = _whole(said.get("last_ms"))
    if last_ms >= group.last_ms:
        group.said, group.last_ms = said, last_ms
    group.queues.append(queue)
    job_type = str(said.get("job_type") or "")
    if job_type and job_type not in group.job_types:
        group.job_types.append(job_type)
    group.count += count
    group.total += _whole(said.get("total"))
    group.first_ms = min(group.first_ms, _whole(said.get("first_ms")))


async def _view(backend: Backend, fp: str, group: _Group, deploys: list[tuple[int, str]]) -> DeadLetterGroup:
    trend, samples, note = await _trend(backend, fp, group.queues)
    since = [label for ms, label in deploys if ms <= group.first_ms]
    message = backend.redaction.text(str(group.said.get("message") or "")[:2_000])
    return DeadLetterGroup(
        fingerprint=fp,
        error_type=str(group.said.get("error_type") or "Exception"),
        message=message,
        frame=str(group.said["frame"]) if group.said.get("frame") else None,
        queues=tuple(group.queues),
        job_types=tuple(group.job_types),
        count=group.count,
        total=group.total,
        first_ms=group.first_ms,
        last_ms=group.last_ms,
        trend=trend,
        sample_ids=samples,
        since_deploy=since[-1] if since else None,
        note=backend.redaction.text(note) if note else None,
    )


async def _trend(
    backend: Backend, fp: str, queues: Sequence[str]
) -> tuple[tuple[int, ...], tuple[str, ...], str | None]:
    """Count the open entries by the hour they were buried in, name the newest few, and read a note on one of them."""
    last_hour = backend.now_ms() // HOUR_MS
    hours = range(last_hour - TREND_HOURS + 1, last_hour + 1)
    trend = [0] * TREND_HOURS
    samples: list[str] = []
    note: str | None = None
    for queue in queues:
        keys = backend.keys(queue)
        async with backend.redis.pipeline(transaction=False) as pipe:
            for hour in hours:
                pipe.zcount(keys.dlq_fingerprint(fp), hour * HOUR_MS, f"({(hour + 1) * HOUR_MS}")
            pipe.zrevrange(keys.dlq_fingerprint(fp), 0, SAMPLES - 1)
            *counts, newest = await pipe.execute()
        trend = [mine + theirs for mine, theirs in zip(trend, counts, strict=True)]
        entries = [entry.decode("utf-8", "replace") for entry in newest]
        samples += [keys.bare_id(entry) for entry in entries]
        for entry in entries:
            text = await backend.redis.hget(keys.dead_letter(entry), "note")  # type: ignore[misc]
            note = note or (text.decode("utf-8", "replace") if text else None)
    return tuple(trend), tuple(samples[:SAMPLES]), note


async def _deploys(backend: Backend) -> list[tuple[int, str]]:
    stored = await backend.redis.zrange(GLOBAL.marks(), -200, -1, withscores=True)
    marks = [(int(ms), _json(text)) for text, ms in stored]
    return [(ms, str(said.get("label") or "")) for ms, said in marks if said.get("kind") == "deploy"]


def _json(text: bytes) -> dict[str, Any]:
    try:
        stored = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) else {}


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
