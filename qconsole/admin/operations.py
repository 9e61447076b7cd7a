"""`admin.operations`: whatever touches more than one job. Planned, confirmed, run, paused, resumed, undone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

from qconsole.admin.filter_terms import DEAD_LETTERS, JOBS
from qconsole.admin.filters import EMPTY, Filter, as_filter
from qconsole.admin.fingerprints import with_whole_fingerprints
from qconsole.admin.jobs import checked_delay_s
from qconsole.admin.letter_search import LetterSearch
from qconsole.admin.noun import Noun, checked_id
from qconsole.admin.operation_plan import Planner, Selection
from qconsole.admin.operation_record import Operation, OperationStore
from qconsole.admin.operation_runner import Runner
from qconsole.admin.operation_targets import Targets
from qconsole.admin.operation_verbs import UNDOABLE, Verbs
from qconsole.admin.session import Session
from qconsole.admin.views import OperationState, OperationView, Page, Plan, Verb
from qconsole.errors import Conflict, Refused, Unconfirmed, UsageError
from qconsole.runtime.job_id import JobIds
from qconsole.runtime.keys import GLOBAL

NOUNS: Final = {"jobs": JOBS, "dlq": DEAD_LETTERS, "dead_letters": DEAD_LETTERS, "trash": "trash"}
VERBS_OF: Final = {
    "jobs": (Verb.RETRY, Verb.REMOVE, Verb.PROMOTE, Verb.CANCEL, Verb.DRAIN),
    "dlq": (Verb.REPLAY, Verb.DISCARD),
    "trash": (Verb.RESTORE,),
}


class Operations(Noun):
    """Bulk actions as objects."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        backend = session.backend
        letters = LetterSearch(backend, session.listing)
        self._store = OperationStore(backend)
        self._targets = Targets(backend, session.listing, session.reader, session.search, letters)
        self._verbs = Verbs(backend, session.reader, session.job_types)
        self._planner = Planner(session, letters, self._targets)
        self._ids = JobIds()

    async def plan(
        self,
        verb: Verb | str,
        filter: str | Filter = "",
        *,
        noun: str = "jobs",
        ids: Sequence[str] | None = None,
        rate_per_s: float | None = None,
        spread_s: float | None = None,
        limit: int | None = None,
        max_affected: int | None = None,
        delay_s: float = 0,
        payload_edit: dict[str, Any] | None = None,
        reason: str | None = None,
    ) -> Plan:
        """Freeze a selection and say what the verb would do to it. Nothing is changed until it is started.

        Args:
            verb: retry, remove, promote, cancel, drain (jobs); replay, discard (dlq); restore (trash).
            filter: which; with `ids` it must be empty.
            noun: `jobs`, `dlq` or `trash`.
            ids: exactly these, by bare id or `queue/id`.
            rate_per_s: at most so many a second.
            spread_s: retried and replayed jobs become due spread over this long.
            limit: at most so many, the oldest first.
            max_affected: refuse when more would be touched.
            delay_s: when retried and replayed jobs become due.
            payload_edit: fields to replace in every payload.
            reason: needed for discard.

        Raises:
            FilterError, UsageError, Refused, Forbidden
        """
        chosen, noun = self._checked_verb(verb, noun)
        self._session.require("operator", "bulk actions")
        reason = self._session.checked_reason(reason, needed=chosen is Verb.DISCARD)
        given = EMPTY if noun == "trash" else await self._given(noun, filter)
        if ids and str(filter):
            raise UsageError("ids and a filter exclude each other", "Give ids, or a filter.", field="ids")
        operation = self._drafted(
            chosen,
            noun,
            filter="" if ids or noun == "trash" else str(self._planner.effective(chosen, noun, given)),
            reason=reason,
            rate_per_s=_positive("rate_per_s", rate_per_s),
            spread_s=_positive("spread_s", spread_s),
            limit=_count("limit", limit),
            delay_s=checked_delay_s(delay_s),
            payload_edit=_checked_edit(chosen, payload_edit),
            has_ids=bool(ids) or noun == "trash",
        )
        is_named = bool(ids) or (ids is not None and noun == "trash")  # where a filter was looked up it may name none
        named = [checked_id(one) for one in ids or ()] if is_named else None
        selection = await self._planner.select(operation, named, given)
        if max_affected is not None and selection.count.value > max_affected:
            raise Refused(
                f"{chosen.value} would touch {selection.count.value:,}, more than {max_affected:,} allowed",
                "Narrow the filter, or raise --max-affected.",
                matched=selection.count.value,
            )
        return await self._planned(operation, selection, ids)

    def _drafted(self, verb: Verb, noun: str, **asked: Any) -> Operation:
        """Return a new operation in the actor's name, bound to this instant."""
        actor, now_ms = self._session.actor, self._backend.now_ms()
        return Operation(
            id=self._ids.next(now_ms),
            verb=verb,
            noun=noun,
            actor=actor.name,
            role=actor.role,
            face=actor.face,
            bound_ms=now_ms,
            created_ms=now_ms,
            updated_ms=now_ms,
            **asked,
        )

    async def _planned(self, operation: Operation, selection: Selection, ids: Sequence[str] | None) -> Plan:
        confirm, confirm_text = self._planner.friction(selection)
        operation = replace(
            operation,
            matched=selection.count.value,
            exact=selection.count.exact,
            confirm=confirm,
            confirm_text=confirm_text,
        )
        command = self._session.command(
            operation.noun,
            # a drain is a removal of what waits; its own command names a queue
            "remove" if operation.verb is Verb.DRAIN else operation.verb.value,
            *(ids or ())[:20],
            filter=operation.filter or None,
            rate=operation.rate_per_s,
            spread=f"{operation.spread_s:g}s" if operation.spread_s else None,
            limit=operation.limit,
            delay=f"{operation.delay_s:g}s" if operation.delay_s else None,
            reason=operation.reason,
        )
        view = operation.view(is_held=False, now_ms=operation.created_ms)
        plan = Plan(
            view,
            selection.count,
            selection.samples,
            selection.exclusions,
            confirm,
            confirm_text,
            command,
            selection.left_out,
        )
        await self._store.add(operation, selection.ids, plan)
        return plan

    @staticmethod
    def _checked_verb(verb: Verb | str, noun: str) -> tuple[Verb, str]:
        noun = "dlq" if noun == "dead_letters" else noun
        if noun not in VERBS_OF:
            raise UsageError(f"noun must be one of {', '.join(VERBS_OF)}, got {noun!r}", field="noun")
        allowed = [known.value for known in VERBS_OF[noun]]
        if str(verb) not in allowed:
            raise UsageError(
                f"the verb for {noun} must be one of {', '.join(allowed)}, got {str(verb)!r}", field="verb"
            )
        return Verb(str(verb)), noun

    async def _given(self, noun: str, filter: str | Filter) -> Filter:
        queues = await self._session.plain_arq.queues()
        return await with_whole_fingerprints(self._backend, as_filter(filter, noun=NOUNS[noun]), queues)

    async def start(self, operation_id: str, *, confirm: str | None = None) -> OperationView:
        """Start a planned operation; `run` then drives it.

        Args:
            confirm: what `Plan.confirm_text` asks to be typed.

        Raises:
            Unconfirmed: something else was typed, or nothing.
            OperationNotFound, Conflict, Forbidden
        """
        self._session.require("operator", "bulk actions")
        operation, _ = await self._store.read(operation_id)
        if operation.state is not OperationState.PLANNED:
            raise Conflict(
                f"operation {operation_id} was started already: it is {operation.state}", operation=operation_id
            )
        wanted = operation.confirm_text
        if wanted is not None and _typed(confirm) != _typed(wanted):
            raise Unconfirmed(
                f"{operation.verb.value} of {operation.matched:,} must be confirmed by typing {wanted!r}"
                + (f", got {confirm!r}" if confirm else ", got nothing"),
                "Nothing was changed.",
                operation=operation_id,
                confirm=wanted,
            )
        now_ms = self._backend.now_ms()
        undo_ms = now_ms + round(self._backend.settings.undo_h * 3_600_000)
        facts = {"started_ms": now_ms} | ({"undo_until_ms": undo_ms} if operation.verb in UNDOABLE else {})
        entry = self._entry("start", operation)
        was = await self._store.move(operation_id, OperationState.RUNNING, (OperationState.PLANNED,), entry, **facts)
        if was != OperationState.PLANNED:
            raise Conflict(f"operation {operation_id} was started already: it is {was}", operation=operation_id)
        return await self._store.view(operation_id)

    async def run(self, operation_id: str) -> AsyncIterator[OperationView]:
        """Drive a started operation to its end, yielding its progress; if somebody else drives it, follow.

        Raises:
            OperationNotFound, Conflict, RedisUnavailable
        """
        self._session.require("operator", "bulk actions")
        queues = await self._session.plain_arq.queues()
        runner = Runner(self._backend, self._store, self._targets, self._verbs, queues, self._end_entry)
        async for view in runner.run(operation_id):
            yield view

    async def list(self, active: bool = False, *, limit: int = 100) -> tuple[OperationView, ...]:
        """Return operations, the newest first; only those that have not ended when asked."""
        return tuple(await (self._store.active() if active else self._store.newest(limit)))

    async def page(self, cursor: str | None = None, limit: int = 50) -> Page[OperationView]:
        """Return one page of operations, the newest first."""
        return await self._store.page(cursor, limit)

    async def get(self, operation_id: str) -> OperationView:
        """Return one operation.

        Raises:
            OperationNotFound: there is none.
        """
        return await self._store.view(operation_id)

    async def planned(self, operation_id: str) -> Plan | None:
        """Return the preview of an operation as it was planned, by whatever face; `None` when it had none."""
        return await self._store.planned(operation_id)

    async def pause(self, operation_id: str, *, reason: str | None = None) -> OperationView:
        """Stop after the current chunk; it can be resumed."""
        return await self._move(operation_id, "pause", OperationState.PAUSED, (OperationState.RUNNING,), reason)

    async def resume(
        self, operation_id: str, *, rate_per_s: float | None = None, reason: str | None = None
    ) -> OperationView:
        """Let a paused or interrupted operation go on; `run` then drives it.

        Args:
            rate_per_s: at most so many a second from here on, 0 for as fast as it goes; `None` keeps what it had.

        Raises:
            Conflict: it has ended, was never started, or somebody runs it, who would not see another rate.
        """
        self._session.require("operator", "bulk actions")
        operation, held = await self._store.read(operation_id)
        if operation.state is OperationState.PLANNED:
            raise Conflict(f"operation {operation_id} is planned and not started", "Start it with its confirmation.")
        origins = (OperationState.PAUSED, OperationState.RUNNING)
        facts: dict[str, Any] = {}
        if rate_per_s is not None:
            if held and operation.state is OperationState.RUNNING:
                raise Conflict(f"operation {operation_id} is running", "Pause it first.", operation=operation_id)
            facts["rate_per_s"] = _positive("rate_per_s", rate_per_s) if rate_per_s else ""
        return await self._move(operation_id, "resume", OperationState.RUNNING, origins, reason, **facts)

    async def abort(self, operation_id: str, *, reason: str | None = None) -> OperationView:
        """End an operation; what it did stays done."""
        origins = (OperationState.PLANNED, OperationState.RUNNING, OperationState.PAUSED)
        now_ms = self._backend.now_ms()
        return await self._move(operation_id, "abort", OperationState.ABORTED, origins, reason, finished_ms=now_ms)

    async def _move(
        self,
        operation_id: str,
        action: str,
        to: OperationState,
        origins: tuple[OperationState, ...],
        reason: str | None,
        **facts: Any,
    ) -> OperationView:
        self._session.require("operator", "bulk actions")
        operation, _ = await self._store.read(operation_id)
        was = await self._store.move(operation_id, to, origins, self._entry(action, operation, reason), **facts)
        if was not in origins:
            raise Conflict(f"operation {operation_id} cannot be {_past(action)}: it is {was}", operation=operation_id)
        return await self._store.view(operation_id)

    async def undo(self, operation_id: str, *, reason: str | None = None) -> OperationView:
        """Undo what a remove, drain, discard or replay did, as far as it can be, within its window.

        Returns:
            The operation that undid it; what could not be undone is counted as skipped, with why.

        Raises:
            Refused: it cannot be undone, or no longer.
            OperationNotFound, Conflict, Forbidden
        """
        self._session.require("operator", "bulk actions")
        operation, held = await self._store.read(operation_id)
        now_ms = self._backend.now_ms()
        self._check_undo(operation, held, now_ms)
        stored = await self._backend.redis.lrange(GLOBAL.operation_done(operation_id), 0, -1)  # type: ignore[misc]
        ids = [text.decode("utf-8", "replace") for text in stored]
        noun = "dlq" if operation.noun == "dlq" else "trash"
        undo = self._drafted(
            Verb.RESTORE, noun, filter="", reason=reason or f"undo {operation_id}", matched=len(ids), has_ids=True
        )
        await self._store.add(undo, ids)
        claimed = await self._backend.redis.hsetnx(GLOBAL.operation(operation_id), "undone_by", undo.id)  # type: ignore[misc]
        if not claimed:
            raise Conflict(f"operation {operation_id} was undone already", operation=operation_id)
        entry = self._entry("undo", operation, reason)
        await self._store.move(undo.id, OperationState.RUNNING, (OperationState.PLANNED,), entry, started_ms=now_ms)
        async for _ in self.run(undo.id):
            pass
        return await self._store.view(undo.id)

    def _check_undo(self, operation: Operation, held: bool, now_ms: int) -> None:
        if operation.verb not in UNDOABLE:
            raise Refused(f"{operation.verb.value} cannot be undone", operation=operation.id)
        if operation.undone_by is not None:
            raise Conflict(f"operation {operation.id} was undone already", operation=operation.id)
        if held or operation.state is OperationState.RUNNING:
            raise Conflict(f"operation {operation.id} is running", "Pause or abort it first.", operation=operation.id)
        if operation.undo_until_ms is None or operation.undo_until_ms < now_ms:
            raise Refused(f"the time to undo operation {operation.id} is over", operation=operation.id)

    def _entry(self, action: str, operation: Operation, reason: str | None = None) -> Sequence[str]:
        """Return the audit's entry about an operation; it is added in the same step that changes its state."""
        bulk = f"{operation.noun}.{operation.verb.value}"
        return self._audited(
            operation,
            bulk if action == "start" else f"operations.{action}",
            operation.id,
            reason=reason or operation.reason,
            done=operation.done,
            failed=operation.failed,
        )

    def _end_entry(self, operation: Operation) -> Sequence[str]:
        bulk = f"{operation.noun}.{operation.verb.value}"
        return self._audited(operation, bulk, f"{operation.id} ended", reason=operation.reason)

    def _audited(self, operation: Operation, action: str, target: str, **facts: Any) -> Sequence[str]:
        return self._session.shared.audit.entry(
            self._session.actor,
            action,
            target,
            filter=operation.filter or None,
            matched=operation.matched,
            operation=operation.id,
            command=self._session.command("operations", "show", operation.id),
            **facts,
        )


def _typed(text: str | None) -> str:
    """Return what was typed without what people put into numbers."""
    text = (text or "").strip()
    bare = text.replace(",", "").replace("_", "").replace(" ", "")
    return bare if bare.isdigit() else text


def _past(action: str) -> str:
    return {"pause": "paused", "resume": "resumed", "abort": "aborted"}[action]


def _positive(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**9:
        raise UsageError(f"{name} must be a number above 0, got {value!r}", field=name)
    return float(value)


def _count(name: str, value: int | None) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{name} must be a whole number of at least 1, got {value!r}", field=name)
    return value


def _checked_edit(verb: Verb, edit: dict[str, Any] | None) -> dict[str, Any] | None:
    if edit is None:
        return None
    if verb not in (Verb.RETRY, Verb.REPLAY):
        raise UsageError(f"{verb.value} takes no edited payload", field="payload_edit")
    if not isinstance(edit, dict) or not edit or not all(isinstance(key, str) for key in edit):
        raise UsageError(
            f"payload_edit must be an object with the fields to replace, got {edit!r}", field="payload_edit"
        )
    return edit
