"""A Redis that means ill: text that steers browsers and terminals in every field, bombs, huge, deep and broken data."""

import pickle
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.clock import SystemClock
from qconsole.errors import QConsoleError, Unrecoverable
from qconsole.runtime.client import Client
from qconsole.runtime.codec import encode_call
from qconsole.runtime.flow import Flow
from qconsole.runtime.keys import GLOBAL, Keys
from tests.admin.test_hostile import DATA
from tests.runtime.hand import Hand

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\x1b]0;pwned\x07\x9b31m[bold red]x[/] [@click=quit]"
    "\u202egpj.exe\u2066 {{7*7}} \x00\r\b\"'"
)
SECRET = "hunter2-c0ffee"
QUEUE = "<b>\x1b[31mq\u202e[red]"
BOMB_MODULE = "qconsole_bomb"


def plant_bomb(folder: Path) -> Path:
    """Write a module that leaves a mark when it is imported, and return where the mark would be."""
    mark = folder / "exploded"
    (folder / f"{BOMB_MODULE}.py").write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).touch()\ndef explode(*_): Path({str(mark)!r}).touch()\n"
    )
    return mark


class _Bomb:
    """Pickles as a call of the bomb's function."""

    def __reduce__(self) -> Any:
        return eval, (f"__import__({BOMB_MODULE!r}).explode()",)


def bombs() -> tuple[bytes, bytes]:
    """A stored call and a stored result of plain arq that run code in whoever unpickles them."""
    call = {"t": 1, "f": "works", "a": (_Bomb(),), "k": {"n": HOSTILE}, "et": 1}
    result = {**call, "a": (), "s": True, "r": _Bomb(), "st": 2, "ft": 3, "q": "arq:queue", "id": "spent"}
    return pickle.dumps(call), pickle.dumps(result)


async def poison(redis: Redis, url: str) -> None:
    """Fill an empty server."""
    clock = SystemClock()
    now_ms = clock.now_ms()
    client = Client(redis=redis)
    for number, queue in enumerate((QUEUE, "email")):
        keys = Keys(queue)
        await redis.zadd(GLOBAL.queues(), {queue: now_ms})
        payload = orjson.dumps({HOSTILE: HOSTILE, "password": SECRET, "deep": [{HOSTILE: [HOSTILE]}]})
        for state in ("waits", "fails", "ends", "thrown"):
            job_id = f"{state}{HOSTILE}"
            await redis.set(keys.job(job_id), encode_call(HOSTILE, payload, now_ms))
            await redis.zadd(queue, {job_id: now_ms - 1000 + number})
            line = orjson.dumps({"ms": now_ms, "attempt": 1, "line": f"{HOSTILE} password={SECRET}"})
            await redis.rpush(keys.log(job_id), line)  # type: ignore[misc]
            await redis.hset(keys.record(job_id), mapping={"progress": orjson.dumps({HOSTILE: HOSTILE})})  # type: ignore[misc]
        hand = Hand(redis, clock, queue, name=f"worker{HOSTILE}")
        for claimed in await hand.claim():
            if claimed.id.startswith("fails"):
                await hand.fail(claimed, Unrecoverable(f"{HOSTILE} password={SECRET}"))
            elif claimed.id.startswith("ends"):
                await hand.complete(claimed, {HOSTILE: HOSTILE, "token": SECRET})
    worker = {"host": HOSTILE, "version": HOSTILE, "deploy": HOSTILE, "queues": orjson.dumps({QUEUE: 1}), "pid": "1"}
    worker["running"] = orjson.dumps([{"id": HOSTILE, "queue": QUEUE, "job_type": HOSTILE, "progress": HOSTILE}])
    await redis.zadd(GLOBAL.workers(), {f"worker{HOSTILE}": now_ms})
    await redis.hset(GLOBAL.worker(f"worker{HOSTILE}"), mapping=worker)  # type: ignore[misc,arg-type]
    schedule = {"id": f"s{HOSTILE}", "job_type": HOSTILE, "queue": "email", "kind": "cron", "pattern": "0 2 * * *"}
    stored = orjson.dumps({"operator": schedule, "pause": {"actor": HOSTILE, "reason": HOSTILE}})
    await redis.hset(Keys("email").schedules(), f"s{HOSTILE}", stored)  # type: ignore[misc,arg-type]
    await redis.zadd(GLOBAL.marks(), {orjson.dumps({"kind": "deploy", "label": HOSTILE, "actor": HOSTILE, "ms": 1}): 1})
    children = [Flow("send", {HOSTILE: HOSTILE}, queue="email", job_id="child")]
    await client.add_flow(Flow("report", {}, queue="email", job_id="root", children=children))
    call, result = bombs()
    await redis.set("arq:job:bomb", call)
    await redis.zadd("arq:queue", {"bomb": now_ms})
    await redis.set("arq:result:spent", result)
    for name, data in DATA.items():
        await redis.zadd(GLOBAL.queues(), {"big": now_ms})
        await redis.set(Keys("big").job(name), data)
        await redis.zadd("big", {name: now_ms - 5})
    await _act(url)


async def _act(url: str) -> None:
    """Leave what operators write: reasons, notes, plans, audit, trash."""
    async with await Admin.open(url, actor=Actor(HOSTILE, "admin", "cli")) as admin:
        letter = (await admin.dead_letters.page()).rows[0]
        acts: tuple[Awaitable[object], ...] = (
            admin.queues.pause("email", reason=HOSTILE),
            admin.metrics.mark("deploy", HOSTILE),
            admin.dead_letters.note(letter.id, HOSTILE, queue=letter.queue),
            admin.jobs.remove(f"thrown{HOSTILE}", queue="email", reason=HOSTILE),
            admin.operations.plan("remove", ids=[f"waits{HOSTILE}"], reason=HOSTILE),
        )
        for act in acts:
            with suppress(QConsoleError):  # what is refused is not stored
                await act
