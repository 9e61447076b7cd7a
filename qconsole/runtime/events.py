"""The capped streams of what happens: failures, stalls, burials, pauses, firings, operator actions. Plain traffic is in
the counters instead, so that watching costs the same at any rate.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from redis.asyncio import Redis

from qconsole.runtime.keys import Keys

POLL_S: Final = 0.5
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `id` is its place in the queue's stream."""

    id: str
    queue: str
    ms: int
    kind: str
    job_id: str | None
    data: dict[str, Any]


class Events:
    """The events of some queues.

    Args:
        queues: their names.
        redis: the connection.
        cluster: job ids carry the queue's hash tag.
    """

    def __init__(self, queues: Iterable[str], *, redis: Redis, cluster: bool = False) -> None:
        self._keys = [Keys(queue, cluster=cluster) for queue in queues]
        self._redis = redis

    async def newest(self, limit: int = 50, *, before: dict[str, str] | None = None) -> tuple[Event, ...]:
        """Return the newest events, newest first.

        Args:
            limit: how many.
            before: queue → id; only events of that queue before it (the last ids of a page give the next one).
        """
        pipe = self._redis.pipeline(transaction=False)
        for keys in self._keys:
            bound = (before or {}).get(keys.queue)
            pipe.xrevrange(keys.events(), max=f"({bound}" if bound else "+", count=limit)
        found = [
            _read(keys, *entry)
            for keys, entries in zip(self._keys, await pipe.execute(), strict=True)
            for entry in entries
        ]
        return tuple(sorted(found, key=_order, reverse=True)[:limit])

    async def tail(self, since: dict[str, str] | None = None) -> AsyncIterator[Event]:
        """Yield events as they come, from now on or from the ids given; never ends by itself."""
        last = dict(since or {})
        for event in await self._newest_of_each():
            last.setdefault(event.queue, event.id)
        while True:
            found = await self._after(last)
            for event in found:
                last[event.queue] = event.id
                yield event
            if not found:
                await asyncio.sleep(POLL_S)

    async def _newest_of_each(self) -> Sequence[Event]:
        pipe = self._redis.pipeline(transaction=False)
        for keys in self._keys:
            pipe.xrevrange(keys.events(), count=1)
        answers = zip(self._keys, await pipe.execute(), strict=True)
        return [_read(keys, *entry) for keys, entries in answers for entry in entries]

    async def _after(self, last: dict[str, str]) -> Sequence[Event]:
        pipe = self._redis.pipeline(transaction=False)
        for keys in self._keys:
            bound = last.get(keys.queue)
            pipe.xrange(keys.events(), min=f"({bound}" if bound else "-", count=_AT_ONCE)
        answers = zip(self._keys, await pipe.execute(), strict=True)
        return sorted((_read(keys, *entry) for keys, entries in answers for entry in entries), key=_order)


def _order(event: Event) -> tuple[int, int, str]:
    at, _, turn = event.id.partition("-")
    return int(at), int(turn), event.queue


def _read(keys: Keys, entry: bytes, said: dict[bytes, bytes]) -> Event:
    job_id, data = said.get(b"job", b""), said.get(b"data", b"")
    return Event(
        id=entry.decode(),
        queue=keys.queue,
        ms=int(said[b"ms"]),
        kind=said[b"kind"].decode(),
        job_id=keys.bare_id(job_id.decode()) if job_id else None,
        data=orjson.loads(data) if data else {},
    )
