"""`admin.transfer`: every queue as JSON lines, and back. A line stands for one thing and is written whole, so a file
that was cut short can be loaded as far as it goes, and loading again skips what is there.

The lines hold everything unredacted: exporting needs the role admin.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from qconsole.admin.job_sources import Entry, Group, ZsetSource
from qconsole.admin.noun import Noun
from qconsole.errors import Conflict, QConsoleError, UsageError
from qconsole.runtime.importing import Importer, StoredJob
from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.queue import Queue
from qconsole.runtime.schedule import from_json
from qconsole.runtime.scheduler import Scheduler

VERSION: Final = 1
BATCH: Final = 200
PROGRESS_EVERY: Final = 200
MAX_LINE: Final = 64 * 2**20
LIMITS: Final = ("concurrency", "rate_max", "rate_ms")


class Transfer(Noun):
    """Moves queues between Redis servers."""

    async def export(self, queues: Sequence[str] | None = None) -> AsyncIterator[str]:
        """Yield lines of JSON: a header, then for each queue its settings, schedules, jobs of all states, dead letters.

        Args:
            queues: which; all by default.
        """
        self._session.require("admin", "exporting")
        names = [await self._session.known_queue(queue) for queue in queues or await self._session.plain_arq.queues()]
        now_ms = self._backend.now_ms()
        command = self._session.command("", "export", queue=list(queues) if queues else None, all=not queues)
        await self._session.record("export", ", ".join(names), matched=len(names), done=len(names), command=command)
        yield _line("export", version=VERSION, at_ms=now_ms, queues=names)
        for queue in names:
            async for line in self._queue_lines(queue):
                yield line

    async def _queue_lines(self, queue: str) -> AsyncIterator[str]:
        keys, redis = self._backend.keys(queue), self._backend.redis
        config = await redis.hgetall(keys.config())  # type: ignore[misc]
        pause = await redis.hgetall(keys.paused())  # type: ignore[misc]
        yield _line("queue", queue=queue, operator=_json(config.get(b"operator")), pause=_texts(pause))
        for name, text in sorted((await redis.hgetall(keys.schedules())).items()):  # type: ignore[misc]
            yield _line("schedule", queue=queue, id=name.decode("utf-8", "replace"), stored=_json(text))
        for state, key in (
            ("queue", queue),
            ("waiting_children", keys.waiting_children()),
            ("failed", keys.failed()),
            ("cancelled", keys.cancelled()),
            ("completed", keys.completed()),
        ):
            async for batch in self._members(queue, key):
                for line in await self._job_lines(queue, state, batch):
                    yield line
        groups = await redis.hgetall(keys.dlq_groups())  # type: ignore[misc]
        for key in (keys.dlq(), keys.dlq_done()):
            async for batch in self._members(queue, key):
                for line in await self._letter_lines(queue, batch, groups):
                    yield line

    async def _members(self, queue: str, key: str) -> AsyncIterator[list[Entry]]:
        """Yield the entries of an index in batches."""
        source, after = ZsetSource(self._backend, key, queue, Group.ENDED, "all"), None
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

    async def load(self, source: Iterable[str]) -> AsyncIterator[tuple[int, int, int]]:
        """Read lines of `export` and yield how many were written, were there already, and failed.

        Raises:
            UsageError: the first line is no header of ours.
        """
        self._session.require("admin", "importing")
        done = skipped = failed = 0
        for number, line in enumerate(source):
            document = _parsed(line, number)
            if number == 0:
                _check_header(document)
                continue
            try:
                written = await self._take(document)
            except (QConsoleError, KeyError, TypeError, ValueError):
                failed += 1
            else:
                done, skipped = done + written, skipped + (not written)
            if number % PROGRESS_EVERY == 0:
                yield done, skipped, failed
        command = self._session.command("", "import")
        await self._session.record(
            "import", "all queues", matched=done + skipped + failed, done=done, failed=failed, command=command
        )
        yield done, skipped, failed

    async def _take(self, document: Mapping[str, Any]) -> bool:
        """Write one line. Returns false when it is there already."""
        queue = document["queue"]
        importer = Importer(queue, redis=self._backend.redis, clock=self._backend.clock, cluster=self._backend.cluster)
        match document["kind"]:
            case "queue":
                return await self._take_queue(self._queue(queue), document)
            case "schedule":
                return await self._take_schedule(queue, document["id"], document["stored"])
            case "job":
                return await importer.job(
                    StoredJob(
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
                )
            case "dead_letter":
                fields = {name.encode(): _decoded(value) for name, value in document["fields"].items()}
                return await importer.dead_letter(document["id"], fields, _decoded(document["group"]))
            case kind:
                raise UsageError(f"a line's kind must be one that export writes, got {kind!r}", field="kind")

    async def _take_queue(self, queue: Queue, document: Mapping[str, Any]) -> bool:
        now_ms = self._backend.now_ms()
        await self._backend.redis.zadd(GLOBAL.queues(), {queue.name: now_ms}, gt=True)
        limits = {name: value for name, value in document["operator"].items() if name in LIMITS}
        if limits:
            await queue.limit(actor=self._session.actor.name, **limits)
        pause = document["pause"]
        if not pause:
            return True
        until = pause.get("until_ms") or ""
        if until and int(float(until)) <= now_ms:
            return True
        return await queue.pause(
            actor=pause.get("actor") or "import",
            reason=pause.get("reason") or None,
            until_ms=int(float(until)) if until else None,
        )

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
        raise UsageError(f"line {number + 1} must have at most {MAX_LINE:,} characters, got {len(line):,}")
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UsageError(
            f"line {number + 1} is no JSON: {error}",
            "The lines before it are imported; load the rest of the file again.",
        ) from error
    if not isinstance(document, dict):
        raise UsageError(f"line {number + 1} must be an object, got {type(document).__name__}")
    return document


def _check_header(document: Mapping[str, Any]) -> None:
    if document.get("kind") != "export":
        raise UsageError("the first line must be the header that qconsole export writes", "Check the file.")
    if document.get("version") != VERSION:
        raise Conflict(
            f"the export must be of version {VERSION}, got {document.get('version')!r}", "Use that qconsole."
        )


def _json(text: bytes | None) -> dict[str, Any]:
    try:
        stored = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) else {}


def _texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
