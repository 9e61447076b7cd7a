"""Dead letters: what a job's last failure left, and its resolution. An entry stays whole until somebody resolves it;
`replay` makes a new job and links both, `discard` needs a reason, and either can be undone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from redis.asyncio import Redis

from qconsole.clock import Clock
from qconsole.errors import UsageError
from qconsole.runtime.changes import CHUNK, Changes, chunks, read_words
from qconsole.runtime.job_id import JobIds
from qconsole.runtime.keys import Keys
from qconsole.runtime.scripts import script

OPEN: Final = "open"
REPLAYED: Final = "replayed"
DISCARDED: Final = "discarded"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One entry. `error` and `history` are as stored; `payload` is the call's own bytes."""

    id: str
    queue: str
    job_id: str
    job_type: str
    payload: bytes
    options: dict[str, str]
    error: dict[str, Any]
    history: tuple[dict[str, Any], ...]
    attempts: int
    stalls: int
    severity: str
    fingerprint: str
    cause: str
    state: str
    buried_ms: int
    created_ms: int | None
    due_ms: int | None
    resolved_ms: int | None
    actor: str | None
    reason: str | None
    note: str | None
    replayed_as: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one queue with one fingerprint: `open` now, `total` ever."""

    fingerprint: str
    error_type: str
    message: str
    frame: str | None
    job_type: str
    first_ms: int
    last_ms: int
    open: int
    total: int


@dataclass(frozen=True, slots=True)
class Replays:
    """What a replay came to: entry → new job id, and why the others were not replayed."""

    done: dict[str, str]
    skipped: dict[str, str]


class DeadLetters:
    """The dead letters of one queue.

    Args:
        queue: the queue's name.
        redis: the connection; of the slot's owner on a cluster.
        clock: where "now" comes from.
        cluster: ids carry the queue's hash tag.
    """

    def __init__(self, queue: str, *, redis: Redis, clock: Clock, cluster: bool = False) -> None:
        self.keys = Keys(queue, cluster=cluster)
        self._redis = redis
        self._clock = clock
        self._ids = JobIds()

    async def get(self, entry: str) -> DeadLetter | None:
        """Return an entry, or None."""
        return next(iter(await self.read([entry])), None)

    async def read(self, entries: Iterable[str]) -> tuple[DeadLetter, ...]:
        """Return those of the entries that exist, in one round trip."""
        wanted = [self.keys.wire_id(entry) for entry in entries]
        pipe = self._redis.pipeline(transaction=False)
        for entry in wanted:
            pipe.hgetall(self.keys.dead_letter(entry))
        found = zip(wanted, await pipe.execute(), strict=True)
        return tuple(letter for entry, fields in found if (letter := _read(self.keys, entry, fields)))

    async def list(
        self, *, fingerprint: str | None = None, job_type: str | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[DeadLetter, ...]:
        """Return open entries, newest first, of one fingerprint or job type when asked."""
        index = self.keys.dlq()
        if fingerprint is not None:
            index = self.keys.dlq_fingerprint(fingerprint)
        elif job_type is not None:
            index = self.keys.dlq_type(job_type)
        entries = await self._redis.zrevrange(index, offset, offset + limit - 1)
        return await self.read(entry.decode() for entry in entries)

    async def groups(self) -> tuple[Group, ...]:
        """Return the fingerprints that have open entries, the largest first."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hgetall(self.keys.dlq_groups())
        (stored,) = await pipe.execute()
        for fingerprint in stored:
            pipe.zcard(self.keys.dlq_fingerprint(fingerprint.decode()))
        counts = await pipe.execute() if stored else []
        groups = []
        for (fingerprint, text), count in zip(stored.items(), counts, strict=True):
            if count:
                said = orjson.loads(text)
                frame = said.pop("frame") or None
                groups.append(Group(fingerprint=fingerprint.decode(), open=count, frame=frame, **said))
        return tuple(sorted(groups, key=lambda g: (-g.open, -g.last_ms)))

    async def replay(
        self,
        entries: Iterable[str],
        *,
        actor: str,
        reason: str | None = None,
        delay_ms: int = 0,
        spread_ms: int = 0,
        payload: bytes | None = None,
    ) -> Replays:
        """Make new jobs of dead letters, with the stored bytes and options; the entries are kept as replayed.

        Args:
            entries: any number.
            actor, reason: noted in the entries.
            delay_ms: when the first job is due.
            spread_ms: over how long the others follow it.
            payload: another call in place of the stored one (the bytes of `arq:job:<id>`).
        """
        wanted = [self.keys.wire_id(entry) for entry in entries]
        start_ms = self._clock.now_ms()
        done: dict[str, str] = {}
        skipped: dict[str, str] = {}
        for start in range(0, len(wanted), CHUNK):
            chunk, now_ms = wanted[start : start + CHUNK], self._clock.now_ms()
            args: list[Any] = []
            for i, entry in enumerate(chunk, start):
                offset_ms = delay_ms + i * spread_ms // len(wanted)
                due_ms = start_ms + offset_ms if offset_ms else 0
                args += (entry, self.keys.wire_id(self._ids.next(now_ms)), due_ms, payload or b"")
            words = await self._run("replay", now_ms, actor, reason or "", *args)
            for entry, word, job_id in zip(chunk, words[0::2], words[1::2], strict=True):
                if word == b"done":
                    done[self.keys.bare_id(entry)] = self.keys.bare_id(job_id.decode())
                else:
                    skipped[self.keys.bare_id(entry)] = word.decode()
        return Replays(done, skipped)

    async def discard(self, entries: Iterable[str], *, actor: str, reason: str) -> Changes:
        """Resolve entries without a replay.

        Raises:
            UsageError: no reason was given.
        """
        if not reason.strip():
            raise UsageError("discarding dead letters needs a reason", field="reason")
        changed = Changes()
        for chunk in chunks(entries):
            wanted = [self.keys.wire_id(entry) for entry in chunk]
            changed += read_words(chunk, await self._run("discard", self._clock.now_ms(), actor, reason, *wanted))
        return changed

    async def reopen(self, entries: Iterable[str]) -> Changes:
        """Undo a discard, or a replay whose job has not started (it is taken back)."""
        changed = Changes()
        for chunk in chunks(entries):
            wanted = [self.keys.wire_id(entry) for entry in chunk]
            changed += read_words(chunk, await self._run("reopen", self._clock.now_ms(), *wanted))
        return changed

    async def note(self, entry: str, text: str) -> bool:
        """Write an operator's note on an entry. Returns false when there is no such entry."""
        return bool(await self._run("note", self.keys.wire_id(entry), text))

    async def _run(self, name: str, *args: Any) -> Any:
        return await script(name).run(self._redis, (self.keys.queue, self.keys.abort), args)


def _read(keys: Keys, entry: str, fields: Mapping[bytes, bytes]) -> DeadLetter | None:
    if not fields:
        return None

    def text(name: str) -> str | None:
        value = fields.get(name.encode())
        return value.decode("utf-8", "replace") if value else None

    def number(name: str) -> int | None:
        value = fields.get(name.encode())
        return int(value) if value else None

    return DeadLetter(
        id=keys.bare_id(entry),
        queue=keys.queue,
        job_id=keys.bare_id(text("job_id") or ""),
        job_type=text("job_type") or "",
        payload=fields.get(b"payload", b""),
        options=orjson.loads(fields.get(b"options") or b"{}"),
        error=orjson.loads(fields.get(b"error") or b"{}"),
        history=tuple(orjson.loads(fields.get(b"history") or b"[]")),
        attempts=number("attempts") or 0,
        stalls=number("stalls") or 0,
        severity=text("severity") or "normal",
        fingerprint=text("fp") or "",
        cause=text("cause") or "",
        state=text("state") or OPEN,
        buried_ms=number("buried_ms") or 0,
        created_ms=number("created_ms"),
        due_ms=number("due_ms"),
        resolved_ms=number("resolved_ms"),
        actor=text("actor"),
        reason=text("reason"),
        note=text("note"),
        replayed_as=keys.bare_id(found) if (found := text("replayed_as")) else None,
    )
