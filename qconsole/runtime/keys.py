"""Every Redis key this product touches, by name: its type, who writes it, and when it expires.

`Keys` holds the keys of one queue, `GLOBAL` those of none. No other module spells a key. The key table of
docs/runtime.md is generated from `key_table()`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, ParamSpec

from qconsole.errors import UsageError

JOB_PREFIX: Final = "arq:job:"
IN_PROGRESS_PREFIX: Final = "arq:in-progress:"
RETRY_PREFIX: Final = "arq:retry:"
RESULT_PREFIX: Final = "arq:result:"
ABORT: Final = "arq:abort"
HEALTH_CHECK_SUFFIX: Final = ":health-check"
DEAD_LETTER_QUEUE: Final = "dead-letter"

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One row of the key table."""

    name: str
    pattern: str
    type: str
    writer: str
    expiry: str
    holds: str


_rows: dict[tuple[str, str], KeyInfo] = {}


def _key(
    type: str, pattern: str, *, writer: str, expiry: str = "none", holds: str
) -> Callable[[Callable[P, str]], Callable[P, str]]:
    def note(method: Callable[P, str]) -> Callable[P, str]:
        owner, _, name = method.__qualname__.rpartition(".")
        _rows[owner, name] = KeyInfo(name, pattern, type, writer, expiry, holds)
        method.__doc__ = holds
        return method

    return note


def key_table() -> tuple[KeyInfo, ...]:
    """Return every key there is, in the order of this file."""
    return tuple(_rows.values())


def check_queue_name(queue: str) -> str:
    """Return the name when it can be a queue's.

    Raises:
        UsageError: empty, too long, the reserved `@`, or it holds `{`, `}` or NUL.
    """
    if not queue or queue == "@" or len(queue) > 200 or any(c in queue for c in "{}\0"):
        raise UsageError(
            f"a queue's name must be 1 to 200 characters without '{{', '}}' and NUL, and not '@', got {queue!r}",
            field="queue",
        )
    return queue


class Keys:
    """The keys of one queue.

    Args:
        queue: the queue's name, which is the key of arq's ZSET.
        cluster: job ids carry the queue's hash tag, and so does the abort set.
    """

    __slots__ = ("_id_prefix", "abort", "cluster", "prefix", "queue", "tag")

    def __init__(self, queue: str, *, cluster: bool = False) -> None:
        self.queue = check_queue_name(queue)
        self.cluster = cluster
        self.tag = f"{{{queue}}}"
        self.prefix = f"qc:{self.tag}:"
        self.abort = f"{ABORT}:{self.tag}" if cluster else ABORT
        self._id_prefix = self.tag if cluster else ""

    def __repr__(self) -> str:
        return f"Keys({self.queue!r}, cluster={self.cluster})"

    def wire_id(self, job_id: str) -> str:
        """Return the id as it stands in Redis for an id as faces show it (either form is accepted)."""
        return job_id if job_id.startswith(self._id_prefix) else self._id_prefix + job_id

    def bare_id(self, wire_id: str) -> str:
        """Return the id as faces show it."""
        return wire_id.removeprefix(self._id_prefix)

    # arq's own keys; the id is the wire id

    @_key(
        "STRING",
        "arq:job:<id>",
        writer="enqueue, plain arq producers",
        expiry="none, or the producer's",
        holds="the call",
    )
    def job(self, job_id: str) -> str:
        return JOB_PREFIX + job_id

    @_key(
        "STRING",
        "arq:in-progress:<id>",
        writer="claim, renew, settle",
        expiry="end of the lease",
        holds="the lease: the claim's token (plain arq writes 1); the truth about who runs a job",
    )
    def in_progress(self, job_id: str) -> str:
        return IN_PROGRESS_PREFIX + job_id

    @_key(
        "STRING",
        "arq:retry:<id>",
        writer="settle",
        expiry="88,400 s for arq functions, else none",
        holds="attempts that ended without success",
    )
    def retry(self, job_id: str) -> str:
        return RETRY_PREFIX + job_id

    @_key("STRING", "arq:result:<id>", writer="settle", expiry="as the job type's retention says", holds="the result")
    def result(self, job_id: str) -> str:
        return RESULT_PREFIX + job_id

    # ours, one queue

    @_key(
        "HASH",
        "qc:{q}:job:<id>",
        writer="enqueue, claim, settle",
        expiry="with the job",
        holds="what differs from the defaults; a default job that waits has none",
    )
    def record(self, job_id: str) -> str:
        return f"{self.prefix}job:{job_id}"

    @_key(
        "HASH",
        "qc:{q}:active",
        writer="claim, settle, release",
        holds="id → token|worker|started_ms|score|attempt|due_ms|job_type, one per job claimed by us",
    )
    def active(self) -> str:
        return self.prefix + "active"

    @_key(
        "ZSET", "qc:{q}:leases", writer="claim, renew, settle, release", holds="id → lease end ms: the alarm for stalls"
    )
    def leases(self) -> str:
        return self.prefix + "leases"

    @_key(
        "ZSET",
        "qc:{q}:due",
        writer="enqueue, settle, claim",
        holds="id → due ms of delayed jobs with a priority other than the default",
    )
    def due(self) -> str:
        return self.prefix + "due"

    @_key(
        "STRING",
        "qc:{q}:last",
        writer="enqueue, settle",
        holds="the last score handed out, so that scores grow strictly",
    )
    def last(self) -> str:
        return self.prefix + "last"

    @_key(
        "STRING",
        "qc:{q}:last:<priority>",
        writer="enqueue, settle",
        holds="the same for a priority other than the default",
    )
    def last_of(self, priority: int) -> str:
        return f"{self.prefix}last:{priority}"

    @_key("LIST", "qc:{q}:wake", writer="enqueue, claim", holds="one element per burst of work; idle workers pop it")
    def wake(self) -> str:
        return self.prefix + "wake"

    @_key(
        "ZSET", "qc:{q}:completed", writer="settle, retention", expiry="trimmed by retention", holds="id → finished ms"
    )
    def completed(self) -> str:
        return self.prefix + "completed"

    @_key("ZSET", "qc:{q}:failed", writer="settle, retention", expiry="trimmed by retention", holds="id → finished ms")
    def failed(self) -> str:
        return self.prefix + "failed"

    @_key(
        "ZSET",
        "qc:{q}:cancelled",
        writer="settle, cancel, retention",
        expiry="trimmed by retention",
        holds="id → finished ms",
    )
    def cancelled(self) -> str:
        return self.prefix + "cancelled"

    @_key(
        "LIST",
        "qc:{q}:log:<id>",
        writer="workers",
        expiry="with the job",
        holds="log lines as JSON {ms, attempt, line}, the newest 1,000",
    )
    def log(self, job_id: str) -> str:
        return f"{self.prefix}log:{job_id}"

    @_key("ZSET", "qc:{q}:dlq", writer="bury, replay, discard", holds="dead letter → buried ms, the open ones")
    def dlq(self) -> str:
        return self.prefix + "dlq"

    @_key(
        "ZSET",
        "qc:{q}:dlq:done",
        writer="replay, discard",
        expiry="trimmed by retention",
        holds="dead letter → resolved ms",
    )
    def dlq_done(self) -> str:
        return self.prefix + "dlq:done"

    @_key(
        "ZSET",
        "qc:{q}:dlq:fp:<fingerprint>",
        writer="bury, replay, discard",
        holds="dead letter → buried ms, the open ones of one fingerprint",
    )
    def dlq_fingerprint(self, fingerprint: str) -> str:
        return f"{self.prefix}dlq:fp:{fingerprint}"

    @_key(
        "ZSET",
        "qc:{q}:dlq:type:<job type>",
        writer="bury, replay, discard",
        holds="dead letter → buried ms, the open ones of one job type",
    )
    def dlq_type(self, job_type: str) -> str:
        return f"{self.prefix}dlq:type:{job_type}"

    @_key(
        "HASH",
        "qc:{q}:dlq:groups",
        writer="bury",
        holds="fingerprint → JSON {error_type, message, frame, job_type, first_ms, last_ms, total}",
    )
    def dlq_groups(self) -> str:
        return self.prefix + "dlq:groups"

    @_key(
        "HASH",
        "qc:{q}:dl:<dead letter>",
        writer="bury, replay, discard",
        expiry="none while open",
        holds="the dead letter: payload, error, history, state",
    )
    def dead_letter(self, entry: str) -> str:
        return f"{self.prefix}dl:{entry}"

    @_key(
        "HASH",
        "qc:{q}:dedup:<dedup id>",
        writer="enqueue, settle, remove",
        expiry="the window, if there is one",
        holds="the standing job's id and the mode",
    )
    def dedup(self, dedup_id: str) -> str:
        return f"{self.prefix}dedup:{dedup_id}"

    @_key(
        "HASH",
        "qc:{q}:paused",
        writer="pause, resume",
        expiry="none, or the end of the pause",
        holds="reason, actor, since_ms, until_ms; exists = paused",
    )
    def paused(self) -> str:
        return self.prefix + "paused"

    @_key(
        "HASH",
        "qc:{q}:config",
        writer="workers at start, limit, pause",
        holds="code and operator (JSON), and what counts: concurrency, rate_max, rate_ms, sla_total_ms; pause_ends_ms",
    )
    def config(self) -> str:
        return self.prefix + "config"

    @_key("STRING", "qc:{q}:hold", writer="settle", expiry="end of the hold", holds="exists = no claims (RateLimited)")
    def hold(self) -> str:
        return self.prefix + "hold"

    @_key("LIST", "qc:{q}:starts", writer="claim", expiry="the rate's window", holds="the last rate_max start times")
    def starts(self) -> str:
        return self.prefix + "starts"

    @_key(
        "HASH",
        "qc:{q}:flow:<parent id>",
        writer="add_flow, settle",
        expiry="with the parent",
        holds="child → its state, and the counters",
    )
    def flow(self, parent_id: str) -> str:
        return f"{self.prefix}flow:{parent_id}"

    @_key(
        "HASH",
        "qc:{q}:staged-flow:<random>",
        writer="add_flow",
        expiry="10 minutes, or it becomes the flow",
        holds="children of a flow about to be added",
    )
    def staged_flow(self, name: str) -> str:
        return f"{self.prefix}staged-flow:{name}"

    @_key("ZSET", "qc:{q}:flows", writer="add_flow", expiry="the newest 100,000", holds="root job → created ms")
    def flows(self) -> str:
        return self.prefix + "flows"

    @_key("ZSET", "qc:{q}:waiting_children", writer="add_flow, settle", holds="id → created ms of parents that wait")
    def waiting_children(self) -> str:
        return self.prefix + "waiting_children"

    @_key("HASH", "qc:{q}:schedules", writer="workers at start, scheduler, operators", holds="schedule → JSON")
    def schedules(self) -> str:
        return self.prefix + "schedules"

    @_key(
        "HASH",
        "qc:{q}:schedule:<id>",
        writer="scheduler",
        expiry="with the schedule",
        holds="its runs: fired, missed, skipped, last_ms, last_job_id",
    )
    def schedule_runs(self, schedule_id: str) -> str:
        return f"{self.prefix}schedule:{schedule_id}"

    @_key("ZSET", "qc:{q}:schedules:due", writer="scheduler", holds="schedule → next instant ms")
    def schedules_due(self) -> str:
        return self.prefix + "schedules:due"

    @_key(
        "STREAM",
        "qc:{q}:outbox",
        writer="settle, outbox",
        expiry="deleted when forwarded",
        holds="effects on other queues not yet forwarded",
    )
    def outbox(self) -> str:
        return self.prefix + "outbox"

    @_key("STRING", "qc:{q}:seen:<effect>", writer="outbox", expiry="7 days", holds="an effect that was applied here")
    def seen(self, effect: str) -> str:
        return f"{self.prefix}seen:{effect}"

    @_key(
        "STREAM",
        "qc:{q}:events",
        writer="every script",
        expiry="the newest ~10,000",
        holds="failures, stalls, burials, pauses, firings, operator actions",
    )
    def events(self) -> str:
        return self.prefix + "events"

    @_key(
        "HASH",
        "qc:{q}:m:<minute>",
        writer="settle",
        expiry="26 hours",
        holds="counters and histogram buckets of one minute (epoch ms // 60,000)",
    )
    def minute(self, minute: int | str) -> str:
        return f"{self.prefix}m:{minute}"

    @_key(
        "HASH",
        "qc:{q}:h:<hour>",
        writer="leader",
        expiry="90 days",
        holds="the same, of one hour (epoch ms // 3,600,000)",
    )
    def hour(self, hour: int | str) -> str:
        return f"{self.prefix}h:{hour}"

    @_key("HASH", "qc:{q}:totals", writer="leader", holds="the same, of all closed minutes ever")
    def totals(self) -> str:
        return self.prefix + "totals"

    @_key("STRING", "qc:{q}:rolled", writer="leader", holds="the last minute that hours and totals hold")
    def rolled(self) -> str:
        return self.prefix + "rolled"

    @_key("ZSET", "qc:{q}:trash", writer="remove, restore", holds="id → end of the undo window ms")
    def trash(self) -> str:
        return self.prefix + "trash"

    @_key(
        "HASH",
        "qc:{q}:trash:<until ms>",
        writer="remove, restore",
        expiry="end of the undo window",
        holds="id → msgpack of a removed job: payload, result, record, place",
    )
    def trashed(self, until_ms: int) -> str:
        return f"{self.prefix}trash:{until_ms}"

    @_key("LIST", "qc:{q}:trash-log:<id>", writer="remove, restore", expiry="end of the undo window", holds="its log")
    def trashed_log(self, job_id: str) -> str:
        return f"{self.prefix}trash-log:{job_id}"

    @_key(
        "HASH",
        "qc:{q}:trash-flow:<id>",
        writer="remove, restore",
        expiry="end of the undo window",
        holds="its children: those that have not started are removed with it",
    )
    def trashed_flow(self, job_id: str) -> str:
        return f"{self.prefix}trash-flow:{job_id}"


class GlobalKeys:
    """The keys of no queue; all carry the tag `{@}`."""

    __slots__ = ()

    @_key("ZSET", "qc:{@}:queues", writer="workers, producers", holds="queue → last seen ms")
    def queues(self) -> str:
        return "qc:{@}:queues"

    @_key("HASH", "qc:{@}:partitions", writer="workers at start", holds="queue → number of its partitions, from 2")
    def partitions(self) -> str:
        return "qc:{@}:partitions"

    @_key("ZSET", "qc:{@}:workers", writer="workers", holds="worker → heartbeat ms")
    def workers(self) -> str:
        return "qc:{@}:workers"

    @_key(
        "HASH",
        "qc:{@}:worker:<id>",
        writer="workers",
        expiry="60 s after the last heartbeat",
        holds="host, pid, version, deploy, queues, slots, running, counts, lag, state",
    )
    def worker(self, worker_id: str) -> str:
        return f"qc:{{@}}:worker:{worker_id}"

    @_key("LIST", "qc:{@}:commands:<worker id>", writer="operators", expiry="60 s", holds="quiet, resume, stop as JSON")
    def commands(self, worker_id: str) -> str:
        return f"qc:{{@}}:commands:{worker_id}"

    @_key("HASH", "qc:{@}:job_types", writer="workers at start", holds="job type → JSON {queue, schema, policy}")
    def job_types(self) -> str:
        return "qc:{@}:job_types"

    @_key("STREAM", "qc:{@}:audit", writer="every change by a face", holds="who did what, why and with what outcome")
    def audit(self) -> str:
        return "qc:{@}:audit"

    @_key(
        "ZSET",
        "qc:{@}:audit:outcomes",
        writer="every change by a face",
        expiry="with the audit's entries",
        holds="audit entry → ms: `<id>` has not ended, `<id> {facts}` ended otherwise than its entry says",
    )
    def audit_outcomes(self) -> str:
        return "qc:{@}:audit:outcomes"

    @_key("ZSET", "qc:{@}:operations", writer="operations", holds="operation → created ms")
    def operations(self) -> str:
        return "qc:{@}:operations"

    @_key("HASH", "qc:{@}:op:<id>", writer="operations", expiry="30 days after its end", holds="an operation")
    def operation(self, operation_id: str) -> str:
        return f"qc:{{@}}:op:{operation_id}"

    @_key("SET", "qc:{@}:operations:active", writer="operations", holds="operations that have not ended")
    def operations_active(self) -> str:
        return "qc:{@}:operations:active"

    @_key("LIST", "qc:{@}:op:<id>:ids", writer="operations", expiry="30 days", holds="the ids an operation was given")
    def operation_ids(self, operation_id: str) -> str:
        return f"qc:{{@}}:op:{operation_id}:ids"

    @_key("LIST", "qc:{@}:op:<id>:done", writer="operations", expiry="the undo window", holds="what it did, for undo")
    def operation_done(self, operation_id: str) -> str:
        return f"qc:{{@}}:op:{operation_id}:done"

    @_key("STRING", "qc:{@}:op:<id>:lease", writer="operations", expiry="30 s", holds="who runs the operation")
    def operation_lease(self, operation_id: str) -> str:
        return f"qc:{{@}}:op:{operation_id}:lease"

    @_key("HASH", "qc:{@}:users", writer="users", holds="user → JSON {role, hash (argon2), created_ms}")
    def users(self) -> str:
        return "qc:{@}:users"

    @_key(
        "HASH", "qc:{@}:tokens", writer="tokens", holds="API token → JSON {name, role, hash, created_ms, last_used_ms}"
    )
    def tokens(self) -> str:
        return "qc:{@}:tokens"

    @_key(
        "STRING",
        "qc:{@}:session:<hash>",
        writer="web console",
        expiry="its idle time or its age",
        holds="signed-in browser: JSON {user, origin, created_ms, seen_ms, ends_ms, idle_ms}",
    )
    def session(self, hashed_id: str) -> str:
        return f"qc:{{@}}:session:{hashed_id}"

    @_key("ZSET", "qc:{@}:sessions:<user>", writer="web console", expiry="its longest session", holds="hash → ends ms")
    def sessions(self, user: str) -> str:
        return f"qc:{{@}}:sessions:{user}"

    @_key("ZSET", "qc:{@}:marks", writer="workers, operators", holds="deploy and operator marks for charts")
    def marks(self) -> str:
        return "qc:{@}:marks"

    @_key("STRING", "qc:{@}:leader", writer="workers", expiry="30 s", holds="who does the periodic upkeep")
    def leader(self) -> str:
        return "qc:{@}:leader"


GLOBAL: Final = GlobalKeys()
