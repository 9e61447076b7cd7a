"""Forwards effects on other queues, in the order they were written. An effect stays in the outbox of the queue that
caused it until it was applied where it belongs; applying it again changes nothing, so anybody may forward at any time.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import orjson
from redis.exceptions import RedisError

from qconsole.redis.patience import is_passing
from qconsole.runtime.codec import decode_call
from qconsole.runtime.dead_letter import OPEN, DeadLetter, DeadLetters
from qconsole.runtime.flow import read_children
from qconsole.runtime.job import JobState
from qconsole.runtime.keys import DEAD_LETTER_QUEUE, GLOBAL
from qconsole.runtime.queue import Queue
from qconsole.runtime.scripts import script

if TYPE_CHECKING:
    from qconsole.runtime.client import Client

logger = logging.getLogger("qconsole.outbox")

AT_ONCE: Final = 100
DEAD_LETTER_TYPE: Final = "dead_letter"
MAX_PAYLOAD_SHOWN: Final = 16_384
_NOT_STARTED: Final = (JobState.WAITING, JobState.DELAYED, JobState.WAITING_CHILDREN)


@dataclass(frozen=True, slots=True)
class Effect:
    """One entry of an outbox; `said` holds what its kind needs."""

    entry: bytes
    id: str
    kind: str
    to: str
    said: dict[bytes, bytes]


class Outbox:
    """The outbox of one queue.

    Args:
        queue: the queue whose effects are forwarded.
        client: applies them.
    """

    def __init__(self, queue: str, *, client: "Client") -> None:
        self._client = client
        self._redis = client.redis
        self._keys = client.keys(queue)

    async def forward(self) -> int:
        """Forward what is there and return how much that was; what fails stays for the next time, and is logged."""
        forwarded, start = 0, "-"
        while effects := await self._read(start):
            for (kind, _), run in groupby(effects, key=lambda effect: (effect.kind, effect.to)):
                forwarded += await self._apply(kind, list(run))
            if len(effects) < AT_ONCE:
                break
            start = f"({effects[-1].entry.decode()}"
        return forwarded

    async def _read(self, start: str) -> list[Effect]:
        entries = await self._redis.xrange(self._keys.outbox(), min=start, count=AT_ONCE)
        # the same may happen to a job twice within a millisecond: only with its entry an effect's name is unique
        return [
            Effect(
                entry,
                f"{said[b'effect'].decode()}#{entry.decode()}",
                said[b"kind"].decode(),
                said[b"to"].decode(),
                said,
            )
            for entry, said in entries
        ]

    async def _apply(self, kind: str, effects: list[Effect]) -> int:
        try:
            match kind:
                case "dead_letter":
                    await self._announce(effects)
                case "prune":
                    await self._prune(effects)
                case "unprune":
                    await self._unprune(effects)
                case _:
                    await self._send(effects)
        except RedisError as error:
            if is_passing(error):
                raise
            logger.warning("queue %s: %d effects (%s) stay: %s", self._keys.queue, len(effects), kind, error)
            return 0
        await self._redis.xdel(self._keys.outbox(), *(effect.entry for effect in effects))
        return len(effects)

    async def _send(self, effects: list[Effect]) -> None:
        """Apply effects on one queue by its script."""
        if not effects:
            return
        apply, now_ms = script("apply_effect"), self._client.clock.now_ms()
        keys = self._client.keys(effects[0].to)
        await apply.load(self._redis)
        pipe = self._redis.pipeline(transaction=False)
        for effect in effects:
            said = [part for pair in effect.said.items() for part in pair]
            pipe.execute_command("EVALSHA", apply.sha, 2, keys.queue, keys.abort, now_ms, effect.id, effect.kind, *said)
        await pipe.execute()

    async def _announce(self, effects: list[Effect]) -> None:
        """Queue a job for each burial, when some worker has declared what to do with it."""
        if not await self._is_declared(DEAD_LETTER_TYPE):
            return
        letters = DeadLetters(
            self._keys.queue, redis=self._redis, clock=self._client.clock, cluster=self._client.cluster
        )
        found = await letters.read(effect.said[b"entry"].decode() for effect in effects)
        still_open = [letter for letter in found if letter.state == OPEN]
        await self._client.enqueue_many(
            DEAD_LETTER_TYPE,
            [notice_of(letter) for letter in still_open],
            queue=DEAD_LETTER_QUEUE,
            job_ids=[f"{letter.queue}:{letter.id.replace('~', '@')}" for letter in still_open],
        )

    async def _is_declared(self, job_type: str) -> bool:
        pipe = self._redis.pipeline(transaction=False)
        pipe.hexists(GLOBAL.job_types(), job_type)
        (declared,) = await pipe.execute()
        return bool(declared)

    async def _prune(self, effects: list[Effect]) -> None:
        """Remove the children of removed parents that have not started."""
        for effect in effects:
            for queue, ids in await self._children(self._keys.trashed_flow(effect.said[b"parent"].decode())):
                await self._queue(queue).remove(
                    ids,
                    actor=effect.said[b"actor"].decode(),
                    trash_ms=int(effect.said[b"keep_ms"]),
                    states=_NOT_STARTED,
                )

    async def _unprune(self, effects: list[Effect]) -> None:
        """Bring back the children of restored parents; those that are gone for good are no longer waited for."""
        for effect in effects:
            for queue, ids in await self._children(self._keys.flow(effect.said[b"parent"].decode())):
                restored = await self._queue(queue).restore(ids)
                lost = await self._unknown(queue, [job_id for job_id, word in restored.skipped if word == "missing"])
                await self._send([self._removal(effect, queue, job_id) for job_id in lost])

    async def _unknown(self, queue: str, job_ids: list[str]) -> list[str]:
        """Return those of the jobs that a queue has in no state."""
        keys, lost = self._client.keys(queue), []
        for job_id in job_ids:
            wire_id = keys.wire_id(job_id)
            pipe = self._redis.pipeline(transaction=False)
            pipe.exists(keys.job(wire_id))
            for index in (keys.completed(), keys.failed(), keys.cancelled()):
                pipe.zscore(index, wire_id)
            if not any(answer not in (0, None) for answer in await pipe.execute()):
                lost.append(job_id)
        return lost

    def _removal(self, effect: Effect, queue: str, job_id: str) -> Effect:
        child = f"{queue}\n{self._client.keys(queue).wire_id(job_id)}".encode()
        said = {b"parent": effect.said[b"parent"], b"child": child}
        return Effect(effect.entry, f"{effect.id}/{job_id}", "child_removed", self._keys.queue, said)

    async def _children(self, flow_key: str) -> Iterator[tuple[str, list[str]]]:
        children = sorted(
            (child.queue, child.id)
            for child in await read_children(self._redis, self._keys, flow_key)
            if child.state == "pending"
        )
        return ((queue, [i for _, i in run]) for queue, run in groupby(children, key=lambda child: child[0]))

    def _queue(self, name: str) -> Queue:
        return Queue(name, redis=self._redis, clock=self._client.clock, cluster=self._client.cluster)


def notice_of(letter: DeadLetter) -> dict[str, Any]:
    """Return the payload of the `dead_letter` job that announces a burial."""
    call = decode_call(letter.payload)
    shown = call is not None and len(call.payload) <= MAX_PAYLOAD_SHOWN
    return {
        "queue": letter.queue,
        "dead_letter": letter.id,
        "job_id": letter.job_id,
        "job_type": letter.job_type,
        "severity": letter.severity,
        "cause": letter.cause,
        "error_type": letter.error.get("type", ""),
        "message": letter.error.get("message", ""),
        "traceback": letter.error.get("traceback"),
        "fingerprint": letter.fingerprint,
        "attempts": letter.attempts,
        "stalls": letter.stalls,
        "created_ms": letter.created_ms,
        "buried_ms": letter.buried_ms,
        "payload": orjson.loads(call.payload) if call is not None and shown else None,
        "payload_bytes": len(letter.payload),
    }
