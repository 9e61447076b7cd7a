"""Removes claim-checked payloads that nothing in Redis refers to any more.

A payload is removed when it is old, and two sweeps in a row found no key that mentions it: a job that changes its state
while one sweep looks is found by the other. A store without old payloads costs nothing but the question.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from qconsole.runtime.keys import JOB_PREFIX, RESULT_PREFIX
from qconsole.runtime.payload_store import PayloadStore, references_in

logger = logging.getLogger("qconsole.leader")

AGE_S: Final = 86_400.0
"""How long a payload is kept at least after it was last put: its job may not be queued yet, or be on its way between
two queues."""

_AT_ONCE: Final = 500
# A reference ends a call, and stands within a result's beginning, in front of its value.
_END_OF_CALL: Final = 256
_START_OF_RESULT: Final = 2_048
_OURS: Final = re.compile(rb"qc:\{[^}]*\}:(dl:|job:|dedup:|trash:|outbox$)")


class PayloadSweep:
    """Sweeps one payload store.

    Args:
        store: the store.
        redis: the connection; on a cluster it walks every node.
    """

    def __init__(self, store: PayloadStore, *, redis: Redis) -> None:
        self._store = store
        self._redis = redis
        self._unmentioned: frozenset[str] = frozenset()

    async def sweep(self, *, age_s: float = AGE_S) -> int:
        """Remove what this sweep and the one before found no mention of; returns how many payloads went."""
        old = await self._store.older_than(age_s)
        unmentioned = old - await self._mentioned() if old else frozenset()
        gone = unmentioned & self._unmentioned
        self._unmentioned = unmentioned - gone
        removed = await self._store.remove(gone, age_s) if gone else 0
        if removed:
            logger.info("%d payloads that no job refers to were removed from the payload store", removed)
        return removed

    async def _mentioned(self) -> frozenset[str]:
        """Return the references that any key mentions."""
        found: set[str] = set()
        batch: list[bytes] = []
        async for key in self._redis.scan_iter(count=_AT_ONCE):
            batch.append(key)
            if len(batch) >= _AT_ONCE:
                found |= await self._read(batch)
                batch = []
        return frozenset(found | await self._read(batch))

    async def _read(self, keys: Sequence[bytes]) -> set[str]:
        pipe = self._redis.pipeline(transaction=False)
        for key in keys:
            _ask(pipe, key)
        answers = await pipe.execute(raise_on_error=False) if len(pipe) else []
        found: set[str] = set()
        for stored in _texts(answers):
            found |= references_in(stored)
        return found


def _ask(pipe: Any, key: bytes) -> None:
    """Ask for the parts of a key that may mention a payload, when it is of a kind that may."""
    if key.startswith(JOB_PREFIX.encode()):
        pipe.getrange(key, -_END_OF_CALL, -1)
    elif key.startswith(RESULT_PREFIX.encode()):
        pipe.getrange(key, 0, _START_OF_RESULT - 1)
    elif ours := _OURS.match(key):
        match ours[1]:
            case b"dl:" | b"job:":
                pipe.hget(key, "payload")
            case b"dedup:":
                pipe.hget(key, "next_payload")
            case b"trash:":
                pipe.hvals(key)
            case _:
                pipe.xrange(key)


def _texts(answer: Any) -> Iterator[bytes]:
    """Yield every text of an answer, however it is nested."""
    if isinstance(answer, bytes):
        yield answer
    elif isinstance(answer, dict):
        yield from _texts(list(answer.values()))
    elif isinstance(answer, list | tuple):
        for member in answer:
            yield from _texts(member)
