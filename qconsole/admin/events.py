"""`admin.events`: what happened in the queues (burials, stalls, pauses, firings), newest first or as it comes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from qconsole.admin.cursors import decode_cursor, encode_cursor, is_stream_id, is_text
from qconsole.admin.filter_terms import EVENTS
from qconsole.admin.filters import Filter, as_filter
from qconsole.admin.limits import checked_limit
from qconsole.admin.noun import Noun
from qconsole.admin.views import EventRow, Page

TAIL_POLL_S: Final = 0.5
CHUNK: Final = 500
TIME_BUDGET_S: Final = 1.0
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
KINDS: Final = tuple(_SENTENCES)


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What a filter may ask of an event."""

    row: EventRow

    def texts(self, field: str) -> tuple[str, ...]:
        row = self.row
        job = (row.job_id,) if row.job_id else ()
        known = {"queue": (row.queue,), "kind": (row.kind,), "id": job, "text": (row.kind, row.text, *job)}
        return known.get(field, ())

    def number(self, field: str) -> int | None:
        return self.row.ms if field == "at" else None

    def payload(self) -> None:
        """An event has none."""


class Events(Noun):
    """The event streams of all queues, as one."""

    async def page(
        self, cursor: str | None = None, limit: int = 50, *, queue: str | None = None, filter: str | Filter = ""
    ) -> Page[EventRow]:
        """Return one page of events, the newest first.

        Raises:
            FilterError, CursorError: what was asked for cannot be understood.
        """
        limit = checked_limit(limit)
        wanted = as_filter(filter, noun=EVENTS)
        listing = f"events:{queue or ''}:{wanted}" if wanted else f"events:{queue or ''}"
        queues, missing = await self._session.shards.readable(await self._session.parts_of(queue))
        before: list[str] | None = decode_cursor(listing, cursor, is_stream_id, is_text) if cursor else None
        place = (before[0], before[1]) if before else None
        now_ms = self._backend.now_ms()
        rows: list[EventRow] = []
        scanned, at_end = 0, False
        size = CHUNK if wanted else limit + 1
        deadline = time.monotonic() + TIME_BUDGET_S
        while len(rows) <= limit and not at_end and time.monotonic() < deadline:
            found = await self._before(queues, place, size)
            at_end = len(found) <= size
            for name, entry_id, fields in found[:size]:
                row = self._row(name, entry_id, fields)
                if wanted.fits(EventFacts(row), now_ms):
                    rows.append(row)
                    if len(rows) > limit:
                        break
                place = (row.id, name)
                scanned += 1
        more = len(rows) > limit or not at_end
        return Page(
            rows=tuple(rows[:limit]),
            next=encode_cursor(listing, [*place]) if more and place else None,
            scanned=scanned,
            complete=at_end or len(rows) >= limit,
            as_of_ms=now_ms,
            missing=missing,
        )

    async def _before(
        self, queues: Sequence[str], place: tuple[str, str] | None, size: int
    ) -> list[tuple[str, bytes, dict[bytes, bytes]]]:
        """Return the queues' entries before a place, the newest first: more than `size` of them unless these are all.

        Only the first `size` are without a gap.
        """
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for name in queues:
                pipe.xrevrange(self._backend.keys(name).events(), place[0] if place else "+", "-", count=size + 2)
            answers = await pipe.execute()
        found = [
            (name, entry_id, fields)
            for name, entries in zip(queues, answers, strict=True)
            for entry_id, fields in entries
        ]
        if place:
            end = (_order(place[0].encode()), place[1])
            found = [entry for entry in found if (_order(entry[1]), entry[0]) < end]
        return sorted(found, key=lambda entry: (_order(entry[1]), entry[0]), reverse=True)

    async def tail(self, queue: str | None = None, *, filter: str | Filter = "") -> AsyncIterator[EventRow]:
        """Yield events as they come, from now on; those of a queue that cannot be read when it can be again.

        Raises:
            FilterError
        """
        wanted = as_filter(filter, noun=EVENTS)
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
                if wanted.fits(EventFacts(row), self._backend.now_ms()):
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
