"""A night on call, frozen: the answers of the admin service at 03:12 UTC, the same in every run.

For pictures, and for tests of how the terminal draws; what verbs do is tested on a real server.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from qconsole.admin.views import (
    AuditRow,
    Count,
    DeadLetterGroup,
    DeadLetterRow,
    DeadLetterView,
    EventRow,
    Finding,
    FlowNode,
    FlowRow,
    JobRow,
    JobView,
    LogLine,
    OperationState,
    OperationView,
    Overview,
    Page,
    Plan,
    QueueView,
    ScheduleView,
    Series,
    SlaView,
    TrashRow,
    Verb,
    Why,
    WorkerView,
)
from tests.tui.stage_clock import NOW_MS, FrozenClock
from tests.tui.stage_dead_letters import group_views, letter_row, letter_view
from tests.tui.stage_deeds import AUDIT, EVENTS, FINDINGS, TRASH, operation_views
from tests.tui.stage_fleet import FLOWS, flow_node, schedule_views, worker_views
from tests.tui.stage_jobs import LOGS, TYPES, job_row, job_view
from tests.tui.stage_queues import HISTOGRAM, queue_views, series


def slice_page(make: Any, total: int, cursor: str | None, limit: int, reverse: bool) -> Page[Any]:
    """Return a page of a listing whose rows are made by place."""
    start = int(cursor) if cursor else 0
    places = [total - 1 - n if reverse else n for n in range(start, min(total, start + limit))]
    following = str(start + limit) if start + limit < total else None
    return Page(
        tuple(make(place) for place in places), next=following, total=Count(total), scanned=len(places), as_of_ms=NOW_MS
    )


def whole(rows: Sequence[Any]) -> Page[Any]:
    return Page(tuple(rows), total=Count(len(rows)), scanned=len(rows), as_of_ms=NOW_MS)


@dataclass
class Stage:
    """Answers as `Admin` does; notes in `asked` what is asked. Only what is added to `passed_s` passes."""

    jobs_total: int = 1_000_000
    make_job: Any = job_row
    view_of: Any = job_view
    asked: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    fail: Exception | None = None
    passed_s: float = 0.0

    def __post_init__(self) -> None:
        self.clock = FrozenClock()
        self.queues = SimpleNamespace(overview=self._overview, list=self._queues, get=self._queue)
        self.jobs = SimpleNamespace(
            page=self._jobs,
            get=self._job,
            why=self._why,
            logs=self._logs,
            similar=self._similar,
            job_types=self._job_types,
            schema=self._schema,
        )
        self.dead_letters = SimpleNamespace(groups=self._groups, page=self._letters, get=self._letter)
        self.schedules = SimpleNamespace(list=self._schedules, get=self._schedule)
        self.flows = SimpleNamespace(page=self._flows, tree=self._tree)
        self.workers = SimpleNamespace(list=self._workers, get=self._worker)
        self.metrics = SimpleNamespace(series=self._series, sla=self._sla, histogram=self._histogram)
        self.operations = SimpleNamespace(
            list=self._operations, get=self._operation, plan=self._plan, run=self._run, start=self._start
        )
        self.audit = SimpleNamespace(page=self._audit)
        self.events = SimpleNamespace(page=self._events)
        self.trash = SimpleNamespace(page=self._trash)
        self.doctor = SimpleNamespace(examine=self._findings)
        self.live = SimpleNamespace(snapshot=self._snapshot)

    async def close(self) -> None:
        self._note("close")

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.fail is not None:
            raise self.fail

    async def _snapshot(self) -> dict[str, Any]:
        self._note("snapshot")
        queues = {q.name: dict(q.counts) for q in queue_views()}
        totals = {
            "queued": 11_269,
            "running": 38,
            "failed": 40_731,
            "dead_letters": 40_152,
            "workers": 5,
            "queues": len(queues),
            "operations": 1,
        }
        return {"at_ms": NOW_MS, "totals": totals, "queues": queues}

    async def _overview(self, **_: Any) -> Overview:
        self._note("overview")
        return Overview(
            "default",
            False,
            11_269,
            38,
            40,
            5_204,
            1_160_000,
            "data-import",
            0.971,
            40_152,
            queue_views(),
            series(),
            0.4,
            (Finding("memory", "warn", "dead letters hold 38 MiB", "Replay or discard them."),),
            NOW_MS,
        )

    async def _queues(self) -> tuple[QueueView, ...]:
        self._note("queues")
        return queue_views()

    async def _queue(self, name: str) -> QueueView:
        return next(q for q in queue_views() if q.name == name)

    async def _jobs(
        self, filter: str = "", *, cursor: str | None = None, limit: int = 50, reverse: bool = False, **_: Any
    ) -> Page[JobRow]:
        self._note(f"jobs {filter} {cursor} {limit} {reverse}")
        every = 10 if "state:failed" in filter else 1
        made = slice_page(lambda place: self.make_job(place * every), self.jobs_total // every, cursor, limit, reverse)
        return replace(made, missing=self.missing)

    async def _job(self, id: str, **_: Any) -> JobView:
        return self.view_of(
            replace(self.make_job(0), id=id) if not id.startswith("invoice-41799") else replace(job_row(0), id=id)
        )

    async def _why(self, id: str, **_: Any) -> Why:
        return Why(
            "It failed for good: all 3 attempts are used up.",
            "ended",
            (("state", "failed"), ("attempts", "3 of 3")),
            f"qconsole jobs retry {id}",
        )

    async def _logs(self, id: str, **_: Any) -> tuple[LogLine, ...]:
        return LOGS

    async def _similar(self, id: str, **_: Any) -> tuple[JobRow, ...]:
        return tuple(job_row(n) for n in (8, 10, 18))

    async def _job_types(self) -> tuple[dict[str, str], ...]:
        return tuple({"name": name} for name in TYPES)

    async def _schema(self, _job_type: str) -> dict[str, Any]:
        return {"properties": {"invoice": {"type": "integer"}, "amount": {"type": "string"}}, "required": ["invoice"]}

    async def _groups(self, filter: str = "") -> tuple[DeadLetterGroup, ...]:
        self._note("groups")
        return group_views()

    async def _letters(
        self, filter: str = "", *, cursor: str | None = None, limit: int = 50, reverse: bool = False
    ) -> Page[DeadLetterRow]:
        return slice_page(letter_row, 40_112, cursor, limit, reverse)

    async def _letter(self, id: str, **_: Any) -> DeadLetterView:
        return letter_view(replace(letter_row(0), id=id, job_id=id.partition("~")[0]))

    async def _schedules(self, **_: Any) -> tuple[ScheduleView, ...]:
        return schedule_views()

    async def _schedule(self, id: str, **_: Any) -> ScheduleView:
        return next(s for s in schedule_views() if s.id == id)

    async def _flows(self, **_: Any) -> Page[FlowRow]:
        return whole(FLOWS)

    async def _tree(self, id: str, **_: Any) -> FlowNode:
        return flow_node()

    async def _workers(self) -> tuple[WorkerView, ...]:
        return worker_views()

    async def _worker(self, id: str) -> WorkerView:
        return next(w for w in worker_views() if w.id == id)

    async def _series(self, **_: Any) -> Series:
        return series()

    async def _sla(self, **_: Any) -> tuple[tuple[str, SlaView], ...]:
        return tuple((q.name, q.sla) for q in queue_views() if q.sla is not None)

    async def _histogram(self, queue: str, **_: Any) -> tuple[tuple[float, int], ...]:
        return HISTOGRAM

    async def _operations(self, **_: Any) -> tuple[OperationView, ...]:
        return operation_views()

    async def _operation(self, id: str) -> OperationView:
        return next(o for o in operation_views() if o.id == id)

    async def _plan(self, verb: Verb, filter: str, **options: Any) -> Plan:
        operation = replace(
            operation_views()[0],
            state=OperationState.PLANNED,
            done=0,
            skipped=0,
            filter=filter,
            reason=options.get("reason"),
        )
        return Plan(
            operation,
            Count(40_112),
            tuple(job_row(n) for n in (0, 8, 10, 18, 20)),
            (("resolved meanwhile", 4),),
            "count",
            "40112",
            f"qconsole dlq replay --filter '{filter}'",
        )

    async def _start(self, id: str, **_: Any) -> OperationView:
        return operation_views()[0]

    async def _run(self, id: str) -> AsyncIterator[OperationView]:
        operation = operation_views()[0]
        yield operation
        yield replace(operation, state=OperationState.DONE, done=40_108)

    async def _audit(self, *_: Any, **__: Any) -> Page[AuditRow]:
        return whole(AUDIT)

    async def _events(self, **_: Any) -> Page[EventRow]:
        return whole(EVENTS)

    async def _trash(self, **_: Any) -> Page[TrashRow]:
        return whole(TRASH)

    async def _findings(self) -> tuple[Finding, ...]:
        return FINDINGS
