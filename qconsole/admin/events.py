"""`admin.events`: what happened in the queues (burials, stalls, pauses, firings), newest first or as it comes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson

from qconsole.admin.cursors import decode_cursor, encode_cursor, is_stream_id, is_text
from qconsole.admin.limits import checked_limit
from qconsole.admin.noun import Noun
from qconsole.admin.views import EventRow, Page

TAIL_POLL_S: Final = 0.5
_SENTENCES: Final = {
    "buried": "failed for good: {error_type}: {message}",
    "attempt_failed": "attempt {attempt} of {attempts} failed and is made again: {error_type}: {message}",
    "stalled": "stalled on {worker}, {stalls} so far",
    "breach": "took {total_ms} ms, its target is {target_ms} ms",
    "held": "holds the queue for {ms} ms",
    "paused": "was paused by {actor}: {reason}",
    "resumed": "was resumed by {actor}",
    "limited": "limits were changed by {actor}",
    "cancelled": "was cancelled before it ran ({count} in one go)",
    "progress": "is at {progress}",
    "schedule_fired": "schedule {schedule} fired",
    "schedule_skipped": "schedule {schedule} was skipped: its run before has not ended",
    "schedule_passed": "schedule {schedule} passed an instant over that no worker was there for",
}


class Events(Noun):
    """The event streams of all queues, as one."""

    async def page(self, cursor: str | None = None, limit: int = 50, *, queue: str | None = None) -> Page[EventRow]:
        """Return one page of events, the newest first."""
        limit = checked_limit(limit)
        listing = f"events:{queue or ''}"
        queues, missing = await self._session.shards.readable(await self._session.parts_of(queue))
        before: list[str] | None = decode_cursor(listing, cursor, is_stream_id, is_text) if cursor else None
        end = before[0] if before else "+"
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for name in queues:
                pipe.xrevrange(self._backend.keys(name).events(), end, "-", count=limit + 2)
            answers = await pipe.execute()
        found = [
            (_order(entry_id), name, entry_id, fields)
            for name, entries in zip(queues, answers, strict=True)
            for entry_id, fields in entries
        ]
        if before:
            place = (_order(before[0].encode()), before[1])
            found = [entry for entry in found if (entry[0], entry[1]) < place]
        found.sort(key=lambda entry: (entry[0], entry[1]), reverse=True)
        rows = tuple(self._row(name, entry_id, fields) for _, name, entry_id, fields in found[:limit])
        more = len(found) > limit
        return Page(
            rows=rows,
            next=encode_cursor(listing, [rows[-1].id, rows[-1].queue]) if more else None,
            as_of_ms=self._backend.now_ms(),
            missing=missing,
        )

    async def tail(self, queue: str | None = None) -> AsyncIterator[EventRow]:
        """Yield events as they come, from now on; those of a queue that cannot be read when it can be again."""
        seen: dict[str, str] = {}
        since = f"{self._backend.now_ms()}-0"
        while True:
            queues, _ = await self._session.shards.readable(await self._session.parts_of(queue))
            async with self._backend.redis.pipeline(transaction=False) as pipe:
                for name in queues:
                    pipe.xrange(self._backend.keys(name).events(), f"({seen.get(name, since)}", "+", count=1_000)
                answers = await pipe.execute()
            rows = []
            for name, entries in zip(queues, answers, strict=True):
                for entry_id, fields in entries:
                    rows.append(self._row(name, entry_id, fields))
                    seen[name] = entry_id.decode()
            for row in sorted(rows, key=lambda row: row.ms):
                yield row
            await asyncio.sleep(TAIL_POLL_S)

    def _row(self, queue: str, entry_id: bytes, fields: dict[bytes, bytes]) -> EventRow:
        texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
        data = self._backend.redaction.value(_json(texts.get("data")), characters=4_000, entries=200).value
        stream_id = entry_id.decode()
        kind = texts.get("kind", "?")
        job_id = texts.get("job") or None
        ms = texts.get("ms", "")
        return EventRow(
            id=stream_id,
            ms=int(float(ms)) if ms.replace(".", "", 1).isdigit() else int(stream_id.partition("-")[0]),
            queue=queue,
            kind=kind,
            job_id=self._backend.keys(queue).bare_id(job_id) if job_id else None,
            text=_sentence(kind, data),
            data=data,
        )


def _sentence(kind: str, data: dict[str, Any]) -> str:
    form = _SENTENCES.get(kind)
    if form is None:
        return kind.replace("_", " ")
    known = {name: "" if value is None else str(value)[:300] for name, value in data.items()}
    return form.format_map(_Blank(known)).rstrip(": ")


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _order(entry_id: bytes) -> tuple[int, int]:
    ms, _, number = entry_id.decode().partition("-")
    return int(ms), int(number or 0)


def _json(text: str | None) -> dict[str, Any]:
    try:
        stored = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) else {}
