"""Reads the workers' registry: ours by their heartbeats, plain arq's by the health-check text of their queue."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from qconsole.admin.backend import Backend
from qconsole.admin.views import RunningJob, WorkerView
from qconsole.errors import RedisUnavailable
from qconsole.runtime.keys import GLOBAL, HEALTH_CHECK_SUFFIX

LOST_MS: Final = 20_000
_COUNTS = re.compile(r"j_(complete|failed|ongoing)=(\d+)")


async def read_workers(backend: Backend) -> tuple[WorkerView, ...]:
    """Return the workers that have a heartbeat, those without a recent one as lost."""
    now_ms = backend.now_ms()
    beats = await backend.redis.zrange(GLOBAL.workers(), 0, -1, withscores=True)
    async with backend.redis.pipeline(transaction=False) as pipe:
        for worker_id, _ in beats:
            pipe.hgetall(GLOBAL.worker(worker_id.decode("utf-8", "replace")))
        stored = await pipe.execute() if beats else []
    views = [
        _worker(backend, worker_id.decode("utf-8", "replace"), int(beat), fields, now_ms)
        for (worker_id, beat), fields in zip(beats, stored, strict=True)
        if fields or now_ms - beat < 3_600_000
    ]
    return tuple(sorted(views, key=lambda view: view.id))


async def read_plain_workers(
    backend: Backend, queues: Iterable[str], known: Iterable[WorkerView]
) -> tuple[WorkerView, ...]:
    """Return one entry for each queue that plain arq workers say they serve and none of ours does."""
    served = {queue for worker in known for queue in worker.queues}
    wanted = [queue for queue in queues if queue not in served]
    if not wanted:
        return ()
    groups = [[queue] for queue in wanted] if backend.cluster else [wanted]
    answers = [answer for group in await asyncio.gather(*(_health(backend, g) for g in groups)) for answer in group]
    views = []
    for queue, text, ttl_ms in zip(wanted, answers[::2], answers[1::2], strict=True):
        if text:
            counts = {name: int(number) for name, number in _COUNTS.findall(text.decode("utf-8", "replace"))}
            views.append(_plain_worker(queue, counts, backend.now_ms() if ttl_ms > 0 else 0))
    return tuple(views)


async def _health(backend: Backend, queues: Sequence[str]) -> Sequence[Any]:
    """Return text and remaining ms of the health-check key of each queue; on a cluster it may lie on another shard than
    the queue, and none is known while that is down.
    """
    async with backend.quick.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.get(queue + HEALTH_CHECK_SUFFIX)
            pipe.pttl(queue + HEALTH_CHECK_SUFFIX)
        try:
            return await backend.quickly(pipe.execute())
        except RedisUnavailable:
            if not backend.cluster:
                raise
            return [None, 0] * len(queues)


def _plain_worker(queue: str, counts: dict[str, int], heartbeat_ms: int) -> WorkerView:
    return WorkerView(
        id=f"arq:{queue}",
        host="?",
        pid=0,
        version="arq",
        deploy=None,
        state="plain arq",
        queues={queue: 0},
        slots=0,
        running=(),
        started_ms=0,
        heartbeat_ms=heartbeat_ms,
        done=counts.get("complete", 0),
        failed=counts.get("failed", 0),
        rate_per_min=0.0,
        loop_lag_ms=None,
        rss_bytes=None,
    )


def _worker(backend: Backend, worker_id: str, heartbeat_ms: int, fields: dict[bytes, bytes], now_ms: int) -> WorkerView:
    texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    queues = _json(texts.get("queues"))
    started_ms = _whole(texts.get("started_ms"))
    done = _whole(texts.get("done"))
    minutes = max(1.0, (now_ms - started_ms) / 60_000) if started_ms else 1.0
    is_lost = not fields or now_ms - heartbeat_ms > LOST_MS
    return WorkerView(
        id=worker_id,
        host=texts.get("host", "?"),
        pid=_whole(texts.get("pid")),
        version=texts.get("version", "?"),
        deploy=texts.get("deploy") or None,
        state="lost" if is_lost else texts.get("state") or "running",
        queues=_slots(queues),
        slots=_whole(texts.get("slots")),
        running=tuple(_running(backend, _json(texts.get("running")))),
        started_ms=started_ms,
        heartbeat_ms=heartbeat_ms,
        done=done,
        failed=_whole(texts.get("failed")),
        rate_per_min=round(float(texts["rate"]), 2) if _is_number(texts.get("rate")) else round(done / minutes, 2),
        loop_lag_ms=float(texts["lag_ms"]) if _is_number(texts.get("lag_ms")) else None,
        rss_bytes=_whole(texts.get("rss")) or None,
    )


def _slots(stored: Any) -> dict[str, int]:
    if isinstance(stored, dict):
        return {str(queue): slots if isinstance(slots, int) else 0 for queue, slots in stored.items()}
    return {str(queue): 0 for queue in stored} if isinstance(stored, list) else {}


def _running(backend: Backend, stored: Any) -> Iterable[RunningJob]:
    for entry in stored if isinstance(stored, list) else ():
        if isinstance(entry, dict) and entry.get("id"):
            queue = str(entry.get("queue") or "")
            job_id = str(entry["id"])
            yield RunningJob(
                id=job_id.removeprefix(f"{{{queue}}}") if backend.cluster else job_id,
                queue=queue,
                job_type=str(entry.get("job_type") or "?"),
                started_ms=entry["started_ms"] if isinstance(entry.get("started_ms"), int) else 0,
                attempt=entry["attempt"] if isinstance(entry.get("attempt"), int) else 0,
                progress=backend.redaction.value(entry.get("progress"), characters=1_000).value,
            )


def _json(text: str | None) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def _whole(text: str | None) -> int:
    return int(float(text)) if text is not None and _is_number(text) else 0


def _is_number(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"-?\d{1,18}(\.\d+)?", text) is not None
