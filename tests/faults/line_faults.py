"""A line between Redis and everybody that is slow and breaks all the time; needs no rights, unlike `network_faults`."""

import asyncio
from pathlib import Path

from qconsole.admin import Actor, Admin
from qconsole.errors import RedisUnavailable
from qconsole.redis.embedded import EmbeddedServer
from tests.faults.line import PoorLine
from tests.faults.stage import Outcome, stage
from tests.faults.worker_faults import all_running, attempts_beyond_the_first
from tests.support import server_binary

BREAK_SHARE = 0.02
PRODUCERS = 10
LOCK_S = 5  # what a claim whose answer was lost waits for


async def poor_line(folder: Path, jobs: int, *, delay_ms: float) -> Outcome:
    """Every answer takes twice the delay, one chunk in fifty breaks its connection; for everybody."""
    async with (
        EmbeddedServer(folder, binary=server_binary()) as server,
        PoorLine(server.port, delay_ms=delay_ms, break_share=BREAK_SHARE) as line,
        stage(f"redis://127.0.0.1:{line.port}/0", folder) as set_up,
    ):
        set_up.start_worker(lock_s=LOCK_S)
        await all_running(set_up)
        async with await Admin.open(set_up.url, actor=Actor("operator", "admin", "cli")) as admin:
            over = asyncio.Event()
            watching = asyncio.create_task(_watched(admin, over))
            await asyncio.gather(*(set_up.produce(jobs // PRODUCERS, per_s=100, ms=5) for _ in range(PRODUCERS)))
            drained = await set_up.drained(120)
            over.set()
            seen, refused = await watching
        note = (
            f"{line.broken} connections broke, {seen} lists of queues read and {refused} refused, "
            f"{await attempts_beyond_the_first(set_up)} counted as attempts{'' if drained else ', not drained'}"
        )
        return await set_up.outcome(f"answers take {2 * delay_ms:.0f} ms, connections break", note=note)


async def _watched(admin: Admin, over: asyncio.Event) -> tuple[int, int]:
    """Read the list of queues until it is over; return how often it came and how often it was refused."""
    seen = refused = 0
    while not over.is_set():
        try:
            await admin.queues.list()
            seen += 1
        except RedisUnavailable:
            refused += 1
    return seen, refused
