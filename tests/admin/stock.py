"""Fills queues fast: through the client and a hand-run worker, or, for very many, by the keys a worker would write."""

import asyncio
import signal
import subprocess
import sys
from typing import Any

import orjson
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.admin.views import OperationView
from qconsole.runtime.codec import Result, encode_call, encode_result
from qconsole.runtime.keys import GLOBAL, Keys
from tests.support import eventually

NOW = 1_764_000_000_000
KILLED = """
import asyncio, sys
from qconsole.admin import Actor, Admin
from tests.support import ManualClock
async def main(url, operation_id, now_ms):
    async with await Admin.open(url, actor=Actor("ann", "admin", "cli"), clock=ManualClock(now_ms)) as admin:
        async for view in admin.operations.run(operation_id):
            print(view.done, flush=True)
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def failed_jobs(
    redis: Redis, count: int, *, queue: str = "email", errors: int = 3, now_ms: int = NOW, job_type: str = "send"
) -> None:
    """Write `count` failed jobs with their dead letters, `errors` fingerprints in turn, one a millisecond."""
    keys = Keys(queue)
    await redis.zadd(GLOBAL.queues(), {queue: now_ms})
    for start in range(0, count, 2_000):
        async with redis.pipeline(transaction=False) as pipe:
            index: dict[str, int] = {}
            by_error: dict[str, dict[str, int]] = {}
            for n in range(start, min(start + 2_000, count)):
                _failed_job(pipe, keys, n, n % errors, now_ms - count + n, job_type, index, by_error)
            pipe.zadd(keys.failed(), index)
            entries = {f"{job_id}~{ms}": ms for job_id, ms in index.items()}
            pipe.zadd(keys.dlq(), entries)
            pipe.zadd(keys.dlq_type(job_type), entries)
            for fp, members in by_error.items():
                pipe.zadd(keys.dlq_fingerprint(fp), members)
            await pipe.execute()
    for n in range(errors):
        group = {"error_type": f"Error{n}", "message": f"went wrong {n}", "frame": "app.py:f", "job_type": job_type}
        group |= {"first_ms": now_ms - count, "last_ms": now_ms, "total": count // errors}
        await redis.hset(keys.dlq_groups(), f"fp{n}", orjson.dumps(group))  # type: ignore[misc,arg-type]


def _failed_job(
    pipe: Any,
    keys: Keys,
    n: int,
    error: int,
    at_ms: int,
    job_type: str,
    index: dict[str, int],
    by_error: dict[str, dict[str, int]],
) -> None:
    job_id, payload = f"job{n:07}", orjson.dumps({"to": f"user{n}@example.com", "n": n})
    fault = orjson.dumps(
        {
            "type": f"Error{error}",
            "message": f"went wrong {error} with {n}",
            "traceback": "",
            "fp": f"fp{error}",
            "at_ms": at_ms,
        }
    )
    index[job_id] = at_ms
    by_error.setdefault(f"fp{error}", {})[f"{job_id}~{at_ms}"] = at_ms
    pipe.hset(keys.record(job_id), mapping={"error": fault, "created_ms": at_ms - 1_000})
    pipe.hset(
        keys.dead_letter(f"{job_id}~{at_ms}"),
        mapping={
            "job_id": job_id,
            "job_type": job_type,
            "payload": encode_call(job_type, payload, at_ms - 1_000),
            "error": fault,
            "fp": f"fp{error}",
            "cause": "attempts",
            "severity": "error",
            "state": "open",
            "attempts": 3,
            "buried_ms": at_ms,
            "created_ms": at_ms - 1_000,
            "options": b"{}",
            "history": b"",
        },
    )
    pipe.set(
        keys.result(job_id),
        encode_result(
            Result(
                job_type=job_type,
                payload=payload,
                enqueued_ms=at_ms - 1_000,
                due_ms=at_ms - 1_000,
                started_ms=at_ms - 10,
                finished_ms=at_ms,
                attempt=3,
                priority=5,
                success=False,
                queue=keys.queue,
                job_id=job_id,
                worker="w1",
                value=None,
                error=(f"Error{error}", f"went wrong {error} with {n}"),
            )
        ),
    )


async def driven(admin: Admin, operation_id: str) -> OperationView:
    """Run a started operation to its end and return its last view."""
    views = [view async for view in admin.operations.run(operation_id)]
    return views[-1]


async def kill_a_runner(redis: Redis, redis_url: str, operation_id: str, now_ms: int = NOW) -> None:
    """Let another process run the operation and kill it in the middle; its lease is over then."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, redis_url, operation_id, str(now_ms), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    while int(await process.stdout.readline() or b"1") == 0:
        pass
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert await redis.pexpire(GLOBAL.operation_lease(operation_id), 1)
    await eventually(lambda: _gone(redis, GLOBAL.operation_lease(operation_id)))


async def _gone(redis: Redis, key: str) -> bool:
    return await redis.exists(key) == 0
