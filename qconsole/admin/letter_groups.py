"""Error groups: open dead letters of one fingerprint over all queues, with their trend by hours."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from qconsole.admin.backend import Backend
from qconsole.admin.marks import StoredMark, read_mark
from qconsole.admin.views import DeadLetterGroup
from qconsole.runtime.keys import GLOBAL

TREND_HOURS: Final = 24
HOUR_MS: Final = 3_600_000
SAMPLES: Final = 3
AT_ONCE: Final = 50  # groups in one call


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
    trend: list[int] = field(default_factory=lambda: [0] * TREND_HOURS)
    samples: list[str] = field(default_factory=list)
    note: str | None = None


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
    await asyncio.gather(
        *(_read_facts(backend, q, {fp: g for fp, g in gathered.items() if q in g.queues}) for q in queues)
    )
    ordered = sorted(gathered.items(), key=lambda pair: (-pair[1].count, -pair[1].last_ms, pair[0]))
    deploys = await _deploys(backend)
    return [_view(backend, fp, group, deploys) for fp, group in ordered]


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


def _view(backend: Backend, fp: str, group: _Group, deploys: list[StoredMark]) -> DeadLetterGroup:
    since = [mark.label for mark in deploys if mark.ms <= group.first_ms]
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
        trend=tuple(group.trend),
        sample_ids=tuple(group.samples[:SAMPLES]),
        since_deploy=backend.redaction.text(since[-1]) if since else None,
        note=backend.redaction.text(group.note) if group.note else None,
    )


async def _read_facts(backend: Backend, queue: str, groups: dict[str, _Group]) -> None:
    """Add one queue's part: entries by the hour they were buried in, the newest few, and a note on one of them."""
    first_hour = backend.now_ms() // HOUR_MS - TREND_HOURS + 1
    names = list(groups)
    for start in range(0, len(names), AT_ONCE):
        asked = names[start : start + AT_ONCE]
        answers = await backend.read("groups", [queue], [first_hour, TREND_HOURS, SAMPLES, *asked])
        for name, (counts, entries, notes) in zip(asked, answers, strict=True):
            group = groups[name]
            group.trend = [mine + theirs for mine, theirs in zip(group.trend, counts, strict=True)]
            group.samples += [backend.keys(queue).bare_id(entry.decode("utf-8", "replace")) for entry in entries]
            said = [note.decode("utf-8", "replace") for note in notes if note]
            group.note = group.note or (said[0] if said else None)


async def _deploys(backend: Backend) -> list[StoredMark]:
    stored = await backend.redis.zrange(GLOBAL.marks(), -200, -1, withscores=True)
    return [mark for mark in (read_mark(text, ms) for text, ms in stored) if mark.kind == "deploy"]


def _json(text: bytes) -> dict[str, Any]:
    try:
        stored = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) else {}


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
