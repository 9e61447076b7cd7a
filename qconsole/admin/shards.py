"""Which queues can be read while a shard of a cluster is down: lists show the rest, and say what is missing and why."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Final

from qconsole.admin.backend import Backend
from qconsole.errors import RedisUnavailable

ANSWERS_FRESH_S: Final = 1.0
SILENCE_FRESH_S: Final = 5.0  # a shard that is down is not waited for again so soon


class Shards:
    """The shards of one Redis, by the queues on them. Outside a cluster every queue can be read."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept: dict[str, tuple[float, str | None]] = {}

    async def readable(self, queues: Iterable[str]) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the queues that can be read, and of the others why not.

        Raises:
            RedisUnavailable: none of them can.
        """
        names = tuple(queues)
        missing = await self.missing(names)
        if names and len(missing) == len(names):
            raise RedisUnavailable(sentence(missing), "See: qconsole doctor", queues=list(names))
        return tuple(name for name in names if name not in missing), missing

    async def missing(self, queues: Iterable[str]) -> dict[str, str]:
        """Return the queues that cannot be read, and why not."""
        if not self._backend.cluster:
            return {}
        names = tuple(queues)
        reasons = zip(names, await asyncio.gather(*map(self._asked, names)), strict=True)
        return {name: reason for name, reason in reasons if reason is not None}

    async def _asked(self, queue: str) -> str | None:
        kept_until_s, reason = self._kept.get(queue, (0.0, None))
        if time.monotonic() < kept_until_s:
            return reason
        reason = None
        try:
            await self._backend.quickly(self._backend.quick.exists(queue))
        except RedisUnavailable as error:
            reason = str(error)
        fresh_s = ANSWERS_FRESH_S if reason is None else SILENCE_FRESH_S
        self._kept[queue] = time.monotonic() + fresh_s, reason
        return reason


def sentence(missing: Mapping[str, str]) -> str:
    """Return which queues cannot be read and why, in one sentence."""
    by_reason: dict[str, list[str]] = {}
    for queue, reason in sorted(missing.items()):
        by_reason.setdefault(reason, []).append(queue)
    return "; ".join(
        f"{'queue' if len(queues) == 1 else 'queues'} {', '.join(queues)} cannot be read: {reason}"
        for reason, queues in by_reason.items()
    )
