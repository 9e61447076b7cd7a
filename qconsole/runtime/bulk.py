"""Cuts a bulk into chunks for the script, and gathers what became of its jobs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from qconsole.errors import Refused, UsageError
from qconsole.runtime.codec import encode_call
from qconsole.runtime.enqueued import Check, Duplicate, EnqueuedMany, Verdict
from qconsole.runtime.job_type import JobType
from qconsole.runtime.json_codec import encode_value
from qconsole.runtime.keys import Keys
from qconsole.runtime.options import Options, check_job_id, dedup_of, dedup_text, plain_fields, priority_of
from qconsole.runtime.policy import Dedup

if TYPE_CHECKING:
    from qconsole.runtime.client import Client

CHUNK_JOBS: Final = 500
CHUNK_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Chunk:
    start: int
    ids: list[str]
    args: list[Any]


class Bulk:
    """Makes chunks of a bulk's payloads, and gathers what became of them."""

    def __init__(
        self,
        client: "Client",
        name: str,
        declared: JobType[Any] | None,
        keys: Keys,
        options: Options,
        dedup: Callable[[Any], Dedup | None] | None,
        stagger_ms: int,
    ) -> None:
        self._client, self._name, self._declared, self.keys = client, name, declared, keys
        self._options, self._stagger_ms = options, stagger_ms
        self._dedup = dedup
        self._start_ms = client.clock.now_ms()
        self._count = 0
        self._ids: list[str] = []
        self._duplicates: list[Duplicate] = []

    async def next_chunk(self, source: Iterator[Any], own_ids: Iterator[str] | None) -> Chunk | None:
        """Return the next chunk of the source, None at its end."""
        client, now_ms, start = self._client, self._client.clock.now_ms(), self._count
        due_ms = self._options.due_ms(self._start_ms)
        jobs: list[Any] = []
        ids: list[str] = []
        size = 0
        for payload in islice(source, CHUNK_JOBS):
            try:
                call = await self._call(payload, now_ms)
                dedup = self.dedup_of(payload)
            except (UsageError, Refused) as error:
                error.fields.setdefault("index", self._count)
                raise
            ids.append(self.keys.wire_id(client.new_id(now_ms) if own_ids is None else self.own(own_ids)))
            jobs += (ids[-1], call, self._due_ms(due_ms), dedup_text(dedup))
            size += len(call)
            self._count += 1
            if size >= CHUNK_BYTES:
                break
        if not ids:
            return None
        fields = self._options.fields(self._start_ms)
        head = [
            now_ms,
            priority_of(self._options, self._declared),
            Check.FRESH if own_ids is None else Check.OWN,
            f"bulk:{ids[0]}",
        ]
        return Chunk(start, ids, [*head, len(fields) // 2, *fields, *jobs])

    def dedup_of(self, payload: Any) -> Dedup | None:
        """Return what makes a payload's job the same as others."""
        return self._dedup(payload) if self._dedup else dedup_of(self._declared, payload)

    async def _call(self, payload: Any, now_ms: int) -> bytes:
        text = self._declared.encode(payload) if self._declared else encode_value(plain_fields(payload))
        if len(text) > self._client.large_bytes or (self._declared and self._declared.max_payload_bytes):
            text = await self._client.stored(self._name, self._declared, text)
        return encode_call(self._name, text, now_ms)

    def _due_ms(self, due_ms: int) -> int:
        if not self._stagger_ms:
            return due_ms
        return (due_ms or self._start_ms) + self._count * self._stagger_ms

    @staticmethod
    def own(own_ids: Iterator[str]) -> str:
        """Return the caller's next own id."""
        own = next(own_ids, None)
        if own is None:
            raise UsageError("job_ids must have one id for each payload, got fewer", field="job_ids")
        return check_job_id(own)

    def note(self, chunks: list[Chunk], answers: list[Any]) -> None:
        """Take in what the script said about some chunks."""
        for chunk, refused in zip(chunks, answers, strict=True):
            ids = [self.keys.bare_id(wire_id) for wire_id in chunk.ids]
            for position, verdict, standing in zip(refused[0::3], refused[1::3], refused[2::3], strict=True):
                index = int(position) - 1
                ids[index] = self.keys.bare_id(standing.decode())
                self._duplicates.append(Duplicate(chunk.start + index, ids[index], Verdict(verdict.decode())))
            self._ids += ids

    def answer(self) -> EnqueuedMany:
        """Return what the whole bulk came to."""
        return EnqueuedMany(tuple(self._ids), tuple(self._duplicates))
