"""The frozen answers of the admin service: what every face renders, nothing that can be acted on.

Times are UTC epoch milliseconds, durations say their unit, text from jobs is untrusted and already redacted.
A field that plain arq cannot know is ``None``; a count that stopped at its cap says so with ``Count.exact``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, Self, TypeVar

T = TypeVar("T")


class Health(StrEnum):
    """A queue's state in one word, worst first."""

    FAILING = "failing"
    NO_WORKERS = "no workers"
    STALLED = "stalled"
    SATURATED = "saturated"
    PAUSED = "paused"
    OK = "ok"
    IDLE = "idle"


class Verb(StrEnum):
    """What an operation does to each job or dead letter it selects."""

    RETRY = "retry"
    REPLAY = "replay"
    DISCARD = "discard"
    REMOVE = "remove"
    PROMOTE = "promote"
    CANCEL = "cancel"
    DRAIN = "drain"
    RESTORE = "restore"


class OperationState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Count:
    """A number that may have stopped at a cap."""

    value: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a keyset-paged list.

    ``next`` and ``previous`` are opaque cursors or ``None``; ``scanned`` of ``total`` were looked at to fill the page,
    ``complete`` is false when the scan's budget ended first (``next`` then goes on from there). ``missing`` has the
    queues that cannot be read, as their shard of a cluster is down, and why: the rows and the total are without them.
    """

    rows: tuple[T, ...]
    next: str | None = None
    previous: str | None = None
    total: Count | None = None
    scanned: int = 0
    complete: bool = True
    as_of_ms: int = 0
    missing: dict[str, str] = field(default_factory=dict)


class Rows(tuple[T, ...]):
    """A list that is not paged; ``missing`` as in `Page`."""

    missing: dict[str, str]

    def __new__(cls, rows: Iterable[T] = (), missing: dict[str, str] | None = None) -> Self:
        made = super().__new__(cls, rows)
        made.missing = missing or {}
        return made


@dataclass(frozen=True, slots=True)
class ErrorView:
    type: str
    message: str
    traceback: str | None = None
    fingerprint: str | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One run of a job: ``outcome`` is ``ok``, ``failed``, ``retry``, ``stalled``, ``cancelled`` or ``given back``."""

    attempt: int
    start_ms: int
    end_ms: int | None
    worker: str | None
    outcome: str
    error: ErrorView | None = None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in a list."""

    id: str
    queue: str
    state: str
    job_type: str
    priority: int
    attempts_made: int
    attempts_allowed: int | None
    created_ms: int | None
    due_ms: int | None
    started_ms: int | None
    finished_ms: int | None
    worker: str | None
    error_type: str | None
    error_message: str | None
    fingerprint: str | None
    progress: Any = None
    summary: str = ""  # the payload in one line of at most 200 characters


@dataclass(frozen=True, slots=True)
class JobView:
    """Everything known about one job. ``payload`` is ``{"args": […], "kwargs": {…}}`` of plain values, redacted."""

    row: JobRow
    payload: Any
    payload_format: str  # json | pickle | msgpack | opaque
    payload_bytes: int
    payload_truncated: bool
    editable: bool
    result: Any
    error: ErrorView | None
    attempts: tuple[AttemptView, ...]
    logs_total: int
    stalls: int
    timeout_ms: int | None
    expires_ms: int | None
    dedup_id: str | None
    parent: tuple[str, str] | None  # queue, id
    children: int
    schedule: str | None
    replay_of: str | None
    dead_letter: str | None
    trace: str | None
    redacted: tuple[str, ...] = ()  # paths of values that were masked
    raw_hint: str | None = None  # why a payload could not be decoded


@dataclass(frozen=True, slots=True)
class LogLine:
    ms: int
    attempt: int
    line: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why a job is (not) running: one sentence, the facts it rests on, and a command that helps, if any does."""

    sentence: str
    # paused | no_worker | delayed | rate_limited | concurrency | held | waiting_children | lease_lost | running | ended
    # | ready | unknown_type
    code: str
    evidence: tuple[tuple[str, str], ...]
    command: str | None = None


@dataclass(frozen=True, slots=True)
class PauseView:
    reason: str | None
    actor: str | None
    since_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class LimitsView:
    concurrency: int | None
    rate_max: int | None
    rate_per_s: float | None
    held_until_ms: int | None
    differs_from_code: bool = False


@dataclass(frozen=True, slots=True)
class SlaView:
    """A queue's targets and how the window kept them. Ratios 0…1, ``None`` without traffic."""

    queue_s: float | None
    run_s: float | None
    total_s: float | None
    compliance: float | None
    budget_left: float | None
    breaches: int


@dataclass(frozen=True, slots=True)
class PartitionView:
    """One part of a partitioned queue; ``counts`` as those of its queue."""

    name: str
    counts: dict[str, int]
    oldest_wait_ms: int | None
    paused: bool


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue's counts and rates.

    ``counts`` has every job state plus ``dead_letters``; series have one value a minute, oldest first, 60 values.
    ``partitions`` has two or more when the queue is partitioned, else none; all numbers are those of them together.
    ``error`` says why a queue whose shard of a cluster is down cannot be read: its numbers are 0 and mean nothing.
    """

    name: str
    health: Health
    health_reason: str
    native: bool  # false: only plain arq has used it
    counts: dict[str, int]
    workers: int
    slots: int
    busy: int
    oldest_wait_ms: int | None
    fail_rate_1h: float | None
    throughput_per_min: float
    p50_wait_ms: float | None
    p95_wait_ms: float | None
    p95_run_ms: float | None
    pause: PauseView | None
    limits: LimitsView
    sla: SlaView | None
    series_completed: tuple[int, ...] = ()
    series_failed: tuple[int, ...] = ()
    bytes_estimate: int | None = None  # about what its keys take; only when one queue was asked for
    partitions: tuple[PartitionView, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen: five key figures, a chart of the window, the queues worst first, what is wrong with Redis.

    The figures are of the queues that can be read; the others have an ``error`` in ``queues``.
    """

    env: str
    production: bool
    queued: int
    running: int
    slots: int
    failed_1h: int
    oldest_wait_ms: int | None
    oldest_wait_queue: str | None
    sla_compliance: float | None
    dead_letters: int
    queues: tuple[QueueView, ...]
    chart: "Series"
    redis_ms: float
    warnings: tuple["Finding", ...]
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line on a chart: ``kind`` is ``deploy`` or ``operator``."""

    ms: int
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Series:
    """Columns over time; every list is as long as ``at_ms``. ``missing`` as in `Page`."""

    at_ms: tuple[int, ...]
    columns: dict[str, tuple[float | None, ...]]
    step_s: int
    marks: tuple[Mark, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    id: str
    job_id: str
    queue: str
    job_type: str
    cause: str  # attempts | unrecoverable | stalled | expired | undecodable | cancelled | child
    severity: str
    state: str  # open | replayed | discarded
    error_type: str
    error_message: str
    fingerprint: str
    attempts: int
    buried_ms: int
    note: str | None = None
    replayed_as: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetterView:
    row: DeadLetterRow
    payload: Any
    payload_format: str
    editable: bool
    error: ErrorView
    attempts: tuple[AttemptView, ...]
    stalls: int
    created_ms: int | None
    resolved_ms: int | None
    actor: str | None
    reason: str | None
    redacted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadLetterGroup:
    """Open dead letters with one fingerprint. ``trend`` has one count an hour, oldest first, 24 values."""

    fingerprint: str
    error_type: str
    message: str
    frame: str | None
    queues: tuple[str, ...]
    job_types: tuple[str, ...]
    count: int
    total: int
    first_ms: int
    last_ms: int
    trend: tuple[int, ...]
    sample_ids: tuple[str, ...]
    since_deploy: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleView:
    id: str
    queue: str
    job_type: str
    kind: str  # cron | interval
    pattern: str
    plain: str  # in words
    tz: str
    payload: Any
    paused: bool
    pause: PauseView | None
    next_ms: tuple[int, ...]  # the next five instants
    last_ms: int | None
    last_job_id: str | None
    last_state: str | None
    missed: int
    overlap: str
    missed_policy: str
    start_ms: int | None
    end_ms: int | None
    limit: int | None
    fired: int
    jitter_s: float
    source: str  # code | operator | arq
    differs: tuple[str, ...]  # fields where the operator's edit differs from the code


@dataclass(frozen=True, slots=True)
class FlowNode:
    id: str
    queue: str
    job_type: str
    state: str
    on_fail: str
    children: tuple["FlowNode", ...] = ()
    hidden_children: int = 0
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class FlowRow:
    root_id: str
    queue: str
    job_type: str
    state: str
    created_ms: int | None
    children_total: int
    children_done: int
    children_failed: int


@dataclass(frozen=True, slots=True)
class RunningJob:
    id: str
    queue: str
    job_type: str
    started_ms: int
    attempt: int
    progress: Any = None


@dataclass(frozen=True, slots=True)
class WorkerView:
    id: str
    host: str
    pid: int
    version: str
    deploy: str | None
    state: str  # running | quiet | stopping | lost | plain arq
    queues: dict[str, int]  # queue -> slots
    slots: int
    running: tuple[RunningJob, ...]
    started_ms: int
    heartbeat_ms: int
    done: int
    failed: int
    rate_per_min: float
    loop_lag_ms: float | None
    rss_bytes: int | None


@dataclass(frozen=True, slots=True)
class OperationView:
    id: str
    verb: Verb
    noun: str  # jobs | dlq | trash
    state: OperationState
    filter: str
    actor: str
    face: str
    reason: str | None
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    bound_ms: int
    matched: int
    done: int
    skipped: int
    failed: int
    skips: dict[str, int] = field(default_factory=dict)  # why -> how many
    failures: tuple[tuple[str, str], ...] = ()  # job id, why; the first 100
    rate_per_s: float | None = None
    spread_s: float | None = None
    undo_until_ms: int | None = None
    undone_by: str | None = None
    current_rate_per_s: float | None = None
    confirm: str = "none"  # while it is planned: none | click | count | queue, as in Plan
    confirm_text: str | None = None


NOT_FOUND: Final = "not found"  # why a plan leaves out an id that no queue has


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run: what an operation would touch, with the friction it asks for before it runs."""

    operation: OperationView
    count: Count
    samples: tuple[JobRow, ...]
    exclusions: tuple[tuple[str, int], ...]  # why, how many
    confirm: str  # none | click | count | queue
    confirm_text: str | None  # what must be typed
    command: str
    left_out: tuple[tuple[str, str], ...] = ()  # of ids that were named: id, why; the first 100


@dataclass(frozen=True, slots=True)
class TrashRow:
    id: str
    queue: str
    job_type: str
    state_before: str
    removed_ms: int
    until_ms: int
    actor: str
    operation: str | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    id: str
    ms: int
    actor: str
    role: str
    face: str
    action: str
    target: str
    filter: str | None
    matched: int
    done: int
    failed: int
    reason: str | None
    operation: str | None
    command: str | None
    outcome: str = "done"  # done | failed | unknown: it has not ended, or what asked for it died before it told


@dataclass(frozen=True, slots=True)
class EventRow:
    id: str
    ms: int
    queue: str
    kind: str
    job_id: str | None
    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the doctor found.

    ``level`` is ``ok``, ``warn`` or ``bad``; ``mend`` says what to do, ``fixable`` whether ``--fix`` does it.
    """

    code: str
    level: str
    text: str
    mend: str
    fixable: bool = False
    count: int = 0
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, with which role, through which face."""

    name: str
    role: str  # viewer | operator | admin
    face: str  # cli | tui | web | api


@dataclass(frozen=True, slots=True)
class UserView:
    """Somebody who may sign in; sessions older than ``changed_ms`` are void."""

    name: str
    role: str
    created_ms: int
    changed_ms: int = 0


@dataclass(frozen=True, slots=True)
class TokenView:
    """An API token; its secret is not kept."""

    id: str
    name: str
    role: str
    created_ms: int
    last_used_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CreatedToken:
    """A token just made, with its secret."""

    id: str
    name: str
    role: str
    created_ms: int
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to a change of one thing: what it did, in a sentence, and its CLI command."""

    sentence: str
    target: str
    command: str
    undo_until_ms: int | None = None
    job_id: str | None = None
