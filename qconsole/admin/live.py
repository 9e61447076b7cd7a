"""The cheap snapshot behind every live screen: two calls to Redis, whatever the number of queues and viewers."""

from typing import Any, Final

from qconsole.admin.session import Session
from qconsole.runtime.keys import GLOBAL

WORKER_LOST_MS: Final = 60_000


class Live:
    """`admin.live`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def snapshot(self) -> dict[str, Any]:
        """Return counts: `at_ms`, `totals`, `queues` by name, and in `missing` why others cannot be read."""
        backend = self._session.backend
        now_ms = backend.now_ms()
        names = await self._session.plain_arq.queues()
        counts, missing = await self._session.whole_counts(names)
        async with backend.redis.pipeline(transaction=False) as pipe:
            pipe.zcount(GLOBAL.workers(), now_ms - WORKER_LOST_MS, "+inf")
            pipe.scard(GLOBAL.operations_active())
            workers, operations = await pipe.execute()
        queues = {
            name: {
                **found.by_state(),
                "paused": found.pause is not None,
                "oldest_wait_ms": found.oldest_wait_ms(now_ms),
                "completed_minute": found.completed_minute,
                "failed_minute": found.failed_minute,
            }
            for name, found in counts.items()
        }
        totals = {
            "queues": len(queues) + len(missing),
            "queued": sum(found.waiting for found in counts.values()),
            "delayed": sum(found.delayed for found in counts.values()),
            "running": sum(found.active for found in counts.values()),
            "failed": sum(found.failed for found in counts.values()),
            "dead_letters": sum(found.dead_letters for found in counts.values()),
            "workers": workers,
            "operations": operations,
        }
        return {"at_ms": now_ms, "totals": totals, "queues": queues, "missing": missing}
