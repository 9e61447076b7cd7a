"""An operation as it is kept in Redis: what was asked for, how far it is, who runs it.

The filter, the bound and the ids are frozen when it is planned; only counts, place and state change afterwards.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson

from qconsole.admin.audit_log import KEPT as AUDIT_KEPT
from qconsole.admin.backend import Backend
from qconsole.admin.cursors import decode_cursor, encode_cursor, is_score, is_text
from qconsole.admin.limits import checked_limit
from qconsole.admin.views import Count, JobRow, OperationState, OperationView, Page, Plan, Verb
from qconsole.errors import OperationNotFound
from qconsole.runtime.keys import GLOBAL

KEPT_MS: Final = 30 * 86_400_000
PLANNED_KEPT_MS: Final = 86_400_000
LEASE_MS: Final = 30_000
SILENT_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. Times are UTC epoch ms."""

    id: str
    verb: Verb
    noun: str
    filter: str
    actor: str
    role: str
    face: str
    bound_ms: int
    created_ms: int
    state: OperationState = OperationState.PLANNED
    reason: str | None = None
    started_ms: int | None = None
    finished_ms: int | None = None
    updated_ms: int = 0
    matched: int = 0
    exact: bool = True
    done: int = 0
    skipped: int = 0
    failed: int = 0
    skips: dict[str, int] = field(default_factory=dict)
    failures: tuple[tuple[str, str], ...] = ()
    rate_per_s: float | None = None
    spread_s: float | None = None
    delay_s: float = 0
    limit: int | None = None
    payload_edit: dict[str, Any] | None = None
    has_ids: bool = False
    confirm: str = "none"
    confirm_text: str | None = None
    place: Any = None
    taken: tuple[tuple[str, str, bool], ...] = ()
    undo_until_ms: int | None = None
    undone_by: str | None = None
    rate_now: float | None = None

    @property
    def processed(self) -> int:
        """How many it has dealt with."""
        return self.done + self.skipped + self.failed

    def view(self, *, is_held: bool, now_ms: int) -> OperationView:
        """Return the view; one that should run and has no runner is interrupted."""
        state = self.state
        if state is OperationState.RUNNING and not is_held and now_ms - self.updated_ms > SILENT_MS:
            state = OperationState.INTERRUPTED
        return OperationView(
            id=self.id,
            verb=self.verb,
            noun=self.noun,
            state=state,
            filter=self.filter,
            actor=self.actor,
            face=self.face,
            reason=self.reason,
            created_ms=self.created_ms,
            started_ms=self.started_ms,
            finished_ms=self.finished_ms,
            bound_ms=self.bound_ms,
            matched=self.matched,
            done=self.done,
            skipped=self.skipped,
            failed=self.failed,
            skips=self.skips,
            failures=self.failures,
            rate_per_s=self.rate_per_s,
            spread_s=self.spread_s,
            undo_until_ms=self.undo_until_ms if self.undone_by is None else None,
            undone_by=self.undone_by,
            current_rate_per_s=self.rate_now if is_held else None,
            confirm=self.confirm if state is OperationState.PLANNED else "none",
            confirm_text=self.confirm_text if state is OperationState.PLANNED else None,
        )


_TEXTS: Final = ("noun", "filter", "actor", "role", "face", "reason", "confirm", "confirm_text", "undone_by")
_WHOLE: Final = [
    "bound_ms",
    "created_ms",
    "started_ms",
    "finished_ms",
    "updated_ms",
    "matched",
    "done",
    "skipped",
    "failed",
    "limit",
    "undo_until_ms",
]
_NUMBERS: Final = ("rate_per_s", "spread_s", "delay_s", "rate_now")


def fields_of(operation: Operation) -> dict[str, str | bytes]:
    """Return an operation as the fields of its hash."""
    fields: dict[str, str | bytes] = {
        "verb": operation.verb.value,
        "state": operation.state.value,
        "exact": str(int(operation.exact)),
        "has_ids": str(int(operation.has_ids)),
        "skips": orjson.dumps(operation.skips),
        "failures": orjson.dumps(operation.failures),
        "place": orjson.dumps(operation.place),
        "taken": orjson.dumps(operation.taken),
        "payload_edit": orjson.dumps(operation.payload_edit),
    }
    for name in (*_TEXTS, *_WHOLE, *_NUMBERS):
        value = getattr(operation, name)
        if value is not None:
            fields[name] = str(value)
    return fields


def operation_of(operation_id: str, fields: dict[bytes, bytes]) -> Operation:
    """Return the operation of a hash."""
    texts = {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}
    values: dict[str, Any] = {name: texts[name] for name in _TEXTS if name in texts}
    values |= {name: int(float(texts[name])) for name in _WHOLE if texts.get(name)}
    values |= {name: float(texts[name]) for name in _NUMBERS if texts.get(name)}
    return Operation(
        id=operation_id,
        verb=Verb(texts["verb"]),
        state=OperationState(texts["state"]),
        exact=texts.get("exact") != "0",
        has_ids=texts.get("has_ids") == "1",
        skips=orjson.loads(texts.get("skips") or "{}"),
        failures=tuple((str(job), str(why)) for job, why in orjson.loads(texts.get("failures") or "[]")),
        place=orjson.loads(texts.get("place") or "null"),
        taken=tuple(
            (str(queue), str(job), bool(is_result))
            for queue, job, is_result in orjson.loads(texts.get("taken") or "[]")
        ),
        payload_edit=orjson.loads(texts.get("payload_edit") or "null"),
        **values,
    )


def _preview_of(plan: Plan) -> str:
    samples = [asdict(row) for row in plan.samples]
    # not orjson, which refuses what jobs may hold: integers of any length, text that is no Unicode
    said = {"exclusions": plan.exclusions, "left_out": plan.left_out, "command": plan.command}
    return json.dumps({"samples": samples, **said}, default=str)


class OperationStore:
    """Keeps operations."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def add(self, operation: Operation, ids: list[str], plan: Plan | None = None) -> None:
        """Write a planned operation, with the ids it was given and what its preview says."""
        redis = self._backend.redis
        async with redis.pipeline(transaction=True) as pipe:
            pipe.hset(GLOBAL.operation(operation.id), mapping=fields_of(operation))
            if plan is not None:
                pipe.hset(GLOBAL.operation(operation.id), "preview", _preview_of(plan))
            pipe.pexpire(GLOBAL.operation(operation.id), PLANNED_KEPT_MS)
            pipe.zadd(GLOBAL.operations(), {operation.id: operation.created_ms})
            pipe.zremrangebyscore(GLOBAL.operations(), "-inf", operation.created_ms - KEPT_MS)
            for start in range(0, len(ids), 1_000):
                pipe.rpush(GLOBAL.operation_ids(operation.id), *ids[start : start + 1_000])
            if ids:
                pipe.pexpire(GLOBAL.operation_ids(operation.id), KEPT_MS)
            await pipe.execute()

    async def planned(self, operation_id: str) -> Plan | None:
        """Return what the preview of an operation said, `None` when there was none or the operation is gone."""
        fields = await self._backend.redis.hgetall(GLOBAL.operation(operation_id))  # type: ignore[misc]
        if b"preview" not in fields:
            return None
        operation, preview = operation_of(operation_id, fields), json.loads(fields[b"preview"])
        return Plan(
            operation=operation.view(is_held=False, now_ms=self._backend.now_ms()),
            count=Count(operation.matched, operation.exact),
            samples=tuple(JobRow(**row) for row in preview["samples"]),
            exclusions=tuple((str(why), int(number)) for why, number in preview["exclusions"]),
            confirm=operation.confirm,
            confirm_text=operation.confirm_text,
            command=preview["command"],
            left_out=tuple((str(named), str(why)) for named, why in preview.get("left_out", ())),
        )

    async def read(self, operation_id: str) -> tuple[Operation, bool]:
        """Return an operation, and whether somebody runs it.

        Raises:
            OperationNotFound: there is none.
        """
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(GLOBAL.operation(operation_id))
            pipe.exists(GLOBAL.operation_lease(operation_id))
            fields, held = await pipe.execute()
        if b"verb" not in fields:
            raise OperationNotFound(
                f"there is no operation {operation_id!r}",
                "List them with: qconsole operations list",
                operation=operation_id,
            )
        return operation_of(operation_id, fields), bool(held)

    async def view(self, operation_id: str) -> OperationView:
        """Return an operation's view."""
        operation, held = await self.read(operation_id)
        return operation.view(is_held=held, now_ms=self._backend.now_ms())

    async def newest(self, limit: int) -> list[OperationView]:
        """Return operations, the newest first."""
        ids = await self._backend.redis.zrevrange(GLOBAL.operations(), 0, limit - 1)
        return await self.views(operation_id.decode() for operation_id in ids)

    async def active(self) -> list[OperationView]:
        """Return those that have not ended, the newest first."""
        ids = await self._backend.redis.smembers(GLOBAL.operations_active())  # type: ignore[misc]
        views = await self.views(operation_id.decode() for operation_id in ids)
        return sorted(views, key=lambda view: -view.created_ms)

    async def views(self, ids: Any) -> list[OperationView]:
        """Return the views of those that are still kept."""
        views = []
        for operation_id in ids:
            try:
                views.append(await self.view(operation_id))
            except OperationNotFound:
                await self._backend.redis.srem(GLOBAL.operations_active(), operation_id)  # type: ignore[misc]
        return views

    async def page(self, cursor: str | None, limit: int) -> Page[OperationView]:
        """Return one page of operations, the newest first."""
        limit = checked_limit(limit)
        behind = decode_cursor("operations", cursor, is_score, is_text) if cursor else ["", ""]
        args = ["desc", "-inf", "+inf", limit + 1, *behind]
        found = await self._backend.read("range", [GLOBAL.operations()], args)
        places = [(score.decode(), member.decode()) for member, score in zip(found[::2], found[1::2], strict=True)]
        views = await self.views(member for _, member in places[:limit])
        return Page(tuple(views), next=encode_cursor("operations", places[limit - 1]) if len(places) > limit else None)

    async def move(
        self,
        operation_id: str,
        to: OperationState,
        origins: tuple[OperationState, ...],
        entry: Sequence[str],
        **facts: Any,
    ) -> str:
        """Change the state if it is one of `origins`, with the audit's entry in the same step; return what it was."""
        pairs = [part for name, value in facts.items() for part in (name, str(value))]
        keys = [GLOBAL.operation(operation_id), GLOBAL.operations_active(), GLOBAL.audit()]
        args = [
            operation_id,
            self._backend.now_ms(),
            to.value,
            ",".join(origins),
            AUDIT_KEPT,
            orjson.dumps(entry),
            *pairs,
        ]
        was = await self._backend.read("operation_state", keys, args)
        return was.decode() if was else ""

    async def take_lease(self, operation_id: str, token: str) -> bool:
        """Become the one runner; false when there is another."""
        key = GLOBAL.operation_lease(operation_id)
        return bool(await self._backend.redis.set(key, token, nx=True, px=LEASE_MS))
