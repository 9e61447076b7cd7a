"""A bulk over the partitions of one queue: each partition's part is a bulk of its own, sent side by side."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from qconsole.errors import Refused, UsageError
from qconsole.runtime.bulk import CHUNK_JOBS, Bulk
from qconsole.runtime.enqueued import Duplicate, EnqueuedMany
from qconsole.runtime.scripts import script

if TYPE_CHECKING:
    from qconsole.runtime.client import Client

_CHUNKS_AT_ONCE: Final = 4


class Spread:
    """Deals payloads out to the bulks of a queue's partitions, and puts their answers together again.

    Args:
        client: sends the chunks.
        bulks: one for each partition.
        choose: the partition of a payload with the caller's own id for it, if there is one.
    """

    def __init__(self, client: "Client", bulks: list[Bulk], choose: Callable[[Any, str | None], int]) -> None:
        self._client = client
        self._bulks = bulks
        self._choose = choose
        self._places: list[list[int]] = [[] for _ in bulks]
        self._count = 0

    async def send(self, source: Iterator[Any], own_ids: Iterator[str] | None) -> EnqueuedMany:
        """Queue everything; the arguments and errors are those of `Client.enqueue_many`."""
        while payloads := list(islice(source, CHUNK_JOBS * len(self._bulks))):
            parts: list[tuple[list[Any], list[str]]] = [([], []) for _ in self._bulks]
            for payload in payloads:
                try:
                    own = None if own_ids is None else Bulk.own(own_ids)
                    number = self._choose(payload, own)
                except (UsageError, Refused) as error:
                    error.fields.setdefault("index", self._count)
                    raise
                parts[number][0].append(payload)
                if own is not None:
                    parts[number][1].append(own)
                self._places[number].append(self._count)
                self._count += 1
            await asyncio.gather(
                *(
                    self._send_part(number, iter(part), None if own_ids is None else iter(ids))
                    for number, (part, ids) in enumerate(parts)
                    if part
                )
            )
        return self._answer()

    async def _send_part(self, number: int, source: Iterator[Any], own_ids: Iterator[str] | None) -> None:
        bulk = self._bulks[number]
        try:
            while chunks := [c for _ in range(_CHUNKS_AT_ONCE) if (c := await bulk.next_chunk(source, own_ids))]:
                args = [chunk.args for chunk in chunks]
                bulk.note(chunks, await self._client.run_script(script("enqueue_many"), bulk.keys, args))
        except (UsageError, Refused) as error:
            if (index := error.fields.get("index")) is not None:
                error.fields["index"] = self._places[number][index]
            raise

    def _answer(self) -> EnqueuedMany:
        ids = [""] * self._count
        duplicates: list[Duplicate] = []
        for bulk, places in zip(self._bulks, self._places, strict=True):
            part = bulk.answer()
            for place, job_id in zip(places, part.ids, strict=True):
                ids[place] = job_id
            duplicates += (Duplicate(places[d.index], d.id, d.verdict) for d in part.duplicates)
        return EnqueuedMany(tuple(ids), tuple(sorted(duplicates, key=lambda duplicate: duplicate.index)))
