"""`admin.transfer`: every queue as JSON lines, and back. A line stands for one thing, and loading skips what is there
already, so a load that was cut off is run again. The last line counts the others: a file that was cut short is told.

Marks between the lines say how far an export is, so that one that was cut off goes on (`export_place`).
The lines hold everything unredacted: exporting needs the role admin.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from redis.exceptions import RedisError

from qconsole.admin.export_place import PLACE, SETTINGS, VERSION, Place, Unfinished, check_header
from qconsole.admin.job_sources import Entry, Group, ZsetSource
from qconsole.admin.noun import Noun
from qconsole.errors import Conflict, QConsoleError, RedisUnavailable, UsageError
from qconsole.runtime.importing import Importer, StoredJob, Write, write_all
from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.partitions import read_partitions
from qconsole.runtime.policy import MAX_PARTITIONS
from qconsole.runtime.queue import Queue
from qconsole.runtime.schedule import from_json
from qconsole.runtime.scheduler import Scheduler

BATCH: Final = 200
BATCH_CHARACTERS: Final = 4 * 2**20
MAX_LINE: Final = 64 * 2**20
PROBLEMS_TOLD: Final = 20
LIMITS: Final = ("concurrency", "rate_max", "rate_ms")


@dataclass(slots=True)
class Loaded:
    """How far a load is: lines written, there already, and refused; the first few refusals say why.

    `complete` turns true when the file's last line says that nothing is missing before it.
    """

    done: int = 0
    skipped: int = 0
    failed: int = 0
    problems: tuple[str, ...] = ()
    complete: bool = False

    @property
    def seen(self) -> int:
        """Lines that stand for something."""
        return self.done + self.skipped + self.failed

    def refuse(self, number: int, why: object) -> None:
        """Count a line that could not be taken."""
        self.failed += 1
        if len(self.problems) < PROBLEMS_TOLD:
            self.problems += (f"line {number}: {why}",)

    def take(self, written: bool) -> None:
        """Count a line that was taken."""
        self.done, self.skipped = self.done + written, self.skipped + (not written)


class Transfer(Noun):
    """Moves queues between Redis servers."""

    async def export(
        self, queues: Sequence[str] | None = None, *, begun: Unfinished | None = None
    ) -> AsyncIterator[str]:
        """Yield lines of JSON: a header, for each queue its settings, schedules, jobs, dead letters; then their count.

        Jobs of all states are written; those that run as waiting ones, so where they are loaded they run again.

        Args:
            queues: which, a partitioned one with all of its parts; all by default.
            begun: an export of the same queues to go on with, behind its last mark; its header is not yielded again.

        Raises:
            UsageError: `begun` was asked for other queues.
        """
        self._session.require("admin", "exporting")
        if not begun:
            for name in queues or ():
                await self._session.known_queue(name)
        known = await self._session.plain_arq.queues()
        parts_of = self._session.plain_arq.partitions.parts
        names = list(dict.fromkeys(part for name in queues for part in parts_of(name)) if queues else known)
        if begun:
            _check_same(begun, names if queues else None)
            names = list(begun.queues)
        now_ms = self._backend.now_ms()
        command = self._session.command("", "export", queue=list(queues) if queues else None, all=not queues)
        await self._session.record(
            "export",
            ", ".join(names),
            reason="resumed" if begun else None,
            matched=len(names),
            done=len(names),
            command=command,
        )
        if not begun:
            yield _line("export", version=VERSION, at_ms=now_ms, all=not queues, queues=names)
        records, place = (begun.records, begun.place) if begun else (0, None)
        for queue in names[names.index(place.queue) if place else 0 :]:
            async for lines, reached in self._queue_lines(queue, place if place and place.queue == queue else None):
                for line in lines:
                    yield line
                records += len(lines)
                yield reached.line()
        yield _line("end", records=records)

    async def _queue_lines(self, queue: str, after: Place | None) -> AsyncIterator[tuple[list[str], Place]]:
        """Yield a queue's lines behind a place in batches, each with the place it reaches."""
        keys, redis = self._backend.keys(queue), self._backend.redis
        indexes = {
            "queue": queue,
            "waiting_children": keys.waiting_children(),
            "failed": keys.failed(),
            "cancelled": keys.cancelled(),
            "completed": keys.completed(),
            "dlq": keys.dlq(),
            "dlq_done": keys.dlq_done(),
        }
        if after is None:
            yield await self._settings_lines(queue), Place(queue)
        groups = await redis.hgetall(keys.dlq_groups())  # type: ignore[misc]
        parts = list(indexes)
        for part in parts[parts.index(after.part) if after and after.part != SETTINGS else 0 :]:
            reached = after if after and after.part == part else None
            async for batch in self._members(queue, indexes[part], reached):
                if part.startswith("dlq"):
                    lines = await self._letter_lines(queue, batch, groups)
                else:
                    lines = await self._job_lines(queue, part, batch)
                yield lines, Place(queue, part, batch[-1].score, batch[-1].member)

    async def _settings_lines(self, queue: str) -> list[str]:
        keys, redis = self._backend.keys(queue), self._backend.redis
        config = await redis.hgetall(keys.config())  # type: ignore[misc]
        pause = await redis.hgetall(keys.paused())  # type: ignore[misc]
        schedules = sorted((await redis.hgetall(keys.schedules())).items())  # type: ignore[misc]
        operator, parts = _json(config.get(b"operator")), self._session.plain_arq.partitions.parts(queue)
        return [
            _line("queue", queue=queue, operator=operator, pause=_texts(pause), partitions=len(parts)),
            *(
                _line("schedule", queue=queue, id=name.decode("utf-8", "replace"), stored=_json(text))
                for name, text in schedules
            ),
        ]

    async def _members(self, queue: str, key: str, reached: Place | None) -> AsyncIterator[list[Entry]]:
        """Yield the entries of an index behind a place in batches."""
        source = ZsetSource(self._backend, key, queue, Group.ENDED, "all")
        after = Entry(reached.score, reached.member, reached.member) if reached else None
        while batch := await source.fetch("-inf", "+inf", after, BATCH, False):
            yield batch
            after = batch[-1]

    async def _job_lines(self, queue: str, state: str, batch: list[Entry]) -> list[str]:
        keys, now_ms = self._backend.keys(queue), self._backend.now_ms()
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for entry in batch:
                pipe.get(keys.job(entry.id))
                pipe.get(keys.retry(entry.id))
                pipe.get(keys.result(entry.id))
                pipe.pttl(keys.result(entry.id))
                pipe.hgetall(keys.record(entry.id))
                pipe.hgetall(keys.flow(entry.id))
                pipe.lrange(keys.log(entry.id), 0, -1)
                pipe.hget(keys.active(), entry.id)
            answers = await pipe.execute()
        lines = []
        for index, entry in enumerate(batch):
            payload, retries, result, ttl_ms, record, flow, log, active = answers[index * 8 : index * 8 + 8]
            score = float(active.split(b"|")[3]) if active else float(entry.score)
            if state == "queue" and payload is None:
                continue  # an id without a job: nothing is left of it
            queued = "delayed" if score >= now_ms + 1 else "waiting"
            lines.append(
                _line(
                    "job",
                    queue=queue,
                    id=keys.bare_id(entry.id),
                    state=queued if state == "queue" else state,
                    score=score,
                    payload=_encoded(payload),
                    retries=_encoded(retries),
                    result=_encoded(result),
                    result_ttl_ms=max(0, ttl_ms),
                    record={name.decode(): _encoded(value) for name, value in sorted(record.items())},
                    flow={name.decode(): _encoded(value) for name, value in sorted(flow.items())},
                    log=[_encoded(text) for text in log],
                )
            )
        return lines

    async def _letter_lines(self, queue: str, batch: list[Entry], groups: Mapping[bytes, bytes]) -> list[str]:
        keys = self._backend.keys(queue)
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for entry in batch:
                pipe.hgetall(keys.dead_letter(entry.member))
            answers = await pipe.execute()
        return [
            _line(
                "dead_letter",
                queue=queue,
                id=keys.bare_id(entry.member),
                group=_encoded(groups.get(fields.get(b"fp", b""))),
                fields={name.decode(): _encoded(value) for name, value in sorted(fields.items())},
            )
            for entry, fields in zip(batch, answers, strict=True)
            if fields
        ]

    async def load(self, source: Iterable[str]) -> AsyncIterator[Loaded]:
        """Read lines of `export`, write what is not there yet, and yield the same counts after every batch.

        Raises:
            UsageError: the first line is no header of ours, or a line is no JSON; what stands before it is written.
            Conflict: another version wrote it.
            RedisUnavailable: Redis went away; run it again, and it goes on where it was.
        """
        self._session.require("admin", "importing")
        loaded = Loaded()
        batch: list[tuple[int, Write]] = []
        characters = 0
        try:
            for number, line in enumerate(source, 1):
                document = _parsed(line, number)
                if number == 1:
                    check_header(document)
                    await self._note(loaded, "begun")
                elif document.get("kind") == PLACE:
                    continue
                elif document.get("kind") == "end":
                    await self._write(batch, loaded)
                    loaded.complete = document.get("records") == loaded.seen
                else:
                    characters += len(line)
                    await self._take(number, document, batch, loaded)
                if len(batch) >= BATCH or characters >= BATCH_CHARACTERS:
                    await self._write(batch, loaded)
                    characters = 0
                    yield loaded
        except UsageError:
            await self._write(batch, loaded)
            raise
        await self._write(batch, loaded)
        await self._note(loaded, "done")
        yield loaded

    async def _note(self, loaded: Loaded, reason: str) -> None:
        """Write the audit's line: one when a load begins, for it may be cut off, and one when it is done."""
        await self._session.record(
            "import",
            "all queues",
            reason=reason,
            matched=loaded.seen,
            done=loaded.done,
            failed=loaded.failed,
            command=self._session.command("", "import"),
        )

    async def _take(
        self, number: int, document: Mapping[str, Any], batch: list[tuple[int, Write]], loaded: Loaded
    ) -> None:
        """Write one line, or put its write into the batch."""
        try:
            queue = document["queue"]
            match document["kind"]:
                case "queue":
                    loaded.take(await self._take_queue(self._queue(queue), document))
                case "schedule":
                    loaded.take(await self._take_schedule(queue, document["id"], document["stored"]))
                case "job":
                    batch.append((number, self._importer(queue).job(_job_of(document))))
                case "dead_letter":
                    fields = {name.encode(): _decoded(value) for name, value in document["fields"].items()}
                    group = _decoded(document["group"])
                    batch.append((number, self._importer(queue).dead_letter(document["id"], fields, group)))
                case kind:
                    loaded.refuse(number, f"its kind must be one that export writes, got {kind!r}")
        except RedisUnavailable:
            raise
        except KeyError as error:
            loaded.refuse(number, f"{error.args[0]} is missing")
        except (QConsoleError, AttributeError, TypeError, ValueError) as error:
            loaded.refuse(number, error)

    async def _write(self, batch: list[tuple[int, Write]], loaded: Loaded) -> None:
        """Write a batch and empty it."""
        if not batch:
            return
        answers = await write_all(self._backend.redis, [write for _, write in batch])
        for (number, _), answer in zip(batch, answers, strict=True):
            if isinstance(answer, RedisError):
                loaded.refuse(number, answer)
            else:
                loaded.take(answer)
        batch.clear()

    def _importer(self, queue: str) -> Importer:
        return Importer(queue, clock=self._backend.clock, cluster=self._backend.cluster)

    async def _take_queue(self, queue: Queue, document: Mapping[str, Any]) -> bool:
        now_ms, redis = self._backend.now_ms(), self._backend.redis
        limits = {name: value for name, value in document["operator"].items() if name in LIMITS}
        pause = document["pause"]
        new = bool(await redis.zadd(GLOBAL.queues(), {queue.name: now_ms}, gt=True))
        if limits and not await redis.hexists(self._backend.keys(queue.name).config(), "operator"):  # type: ignore[misc]
            await queue.limit(actor=self._session.actor.name, **limits)
            new = True
        until = pause.get("until_ms") or ""
        if pause and not (until and int(float(until)) <= now_ms):
            new |= await queue.pause(
                actor=pause.get("actor") or "import",
                reason=pause.get("reason") or None,
                until_ms=int(float(until)) if until else None,
            )
        return await self._take_partitions(queue.name, int(document.get("partitions", 1))) or new

    async def _take_partitions(self, queue: str, count: int) -> bool:
        """Register a queue's number of partitions where none is; workers that declare another write theirs.

        Raises:
            Conflict: it has fewer here, and nobody would serve the others.
            ValueError: no queue has so many.
        """
        if not 1 <= count <= MAX_PARTITIONS:
            raise ValueError(f"partitions must be 1 to {MAX_PARTITIONS:,}, got {count!r}")
        if count == 1:
            return False
        if await self._backend.redis.hsetnx(GLOBAL.partitions(), queue, str(count)):  # type: ignore[misc]
            self._session.plain_arq.look_again()
            return True
        registry = await self._backend.redis.hgetall(GLOBAL.partitions())  # type: ignore[misc]
        here = read_partitions(registry).get(queue, 1)
        if here < count:
            raise Conflict(
                f"{queue} has {count} partitions in the file and {here} here: nobody serves {queue}:{here} and above; "
                f"start its workers with partitions={count}"
            )
        return False

    async def _take_schedule(self, queue: str, schedule_id: str, stored: Mapping[str, Any]) -> bool:
        backend, actor = self._backend, self._session.actor.name
        scheduler = Scheduler(queue, redis=backend.redis, clock=backend.clock, cluster=backend.cluster)
        if any(state.schedule.id == schedule_id for state in await scheduler.list()):
            return False
        code, operator = stored.get("code"), stored.get("operator")
        if code:
            await scheduler.declare([from_json(orjson.dumps(code))])
            if operator:
                await scheduler.edit(schedule_id, operator, actor=actor)
        elif operator:
            await scheduler.add(from_json(orjson.dumps(operator)), actor=actor)
        if stored.get("pause"):
            pause = stored["pause"]
            await scheduler.pause(schedule_id, actor=pause.get("actor", actor), reason=pause.get("reason"))
        if stored.get("removed"):
            await scheduler.remove(schedule_id, actor=actor)
        return True


def _line(kind: str, **fields: Any) -> str:
    return orjson.dumps({"kind": kind, **fields}).decode()


def _job_of(document: Mapping[str, Any]) -> StoredJob:
    return StoredJob(
        id=document["id"],
        state=document["state"],
        score=float(document["score"]),
        payload=_decoded(document["payload"]),
        retries=_decoded(document["retries"]),
        result=_decoded(document["result"]),
        result_ttl_ms=int(document["result_ttl_ms"]),
        record={name.encode(): _decoded(value) for name, value in document["record"].items()},
        flow={name.encode(): _decoded(value) for name, value in document["flow"].items()},
        log=[_decoded(text) for text in document["log"]],
    )


def _encoded(value: bytes | None) -> Any:
    """Return bytes as text when they are, else in base64."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _decoded(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode()
    try:
        return base64.b64decode(value["b64"], validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from error


def _parsed(line: str, number: int) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise UsageError(f"line {number} must have at most {MAX_LINE:,} characters, got {len(line):,}")
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UsageError(
            f"line {number} is no JSON: {error}",
            "The lines before it are loaded. Load a whole file: what is there already is skipped.",
        ) from error
    if not isinstance(document, dict):
        raise UsageError(f"line {number} must be an object, got {type(document).__name__}")
    return document


def _check_same(begun: Unfinished, queues: Sequence[str] | None) -> None:
    if begun.all == (not queues) and (begun.all or begun.queues == tuple(queues or ())):
        return
    asked = "all queues" if begun.all else ", ".join(begun.queues)
    raise UsageError(
        f"the export that was cut off must be gone on with for the same queues ({asked})",
        "Name these queues, or begin again with --no-resume.",
    )


def _json(text: bytes | None) -> dict[str, Any]:
    try:
        stored = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) else {}


def _texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
