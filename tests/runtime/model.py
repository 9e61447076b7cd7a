"""What the runtime should do, in plain Python, without Redis: several queues, their order, limits, deduplication,
dead letters, trash. Flows are in `model_flows`, schedules in `model_schedules`; the state machine holds all together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

ALIVE = ("waiting", "delayed", "active", "waiting_children")
QUEUED = ("waiting", "delayed", "active")
LOST = ("failed", "cancelled")
BACKOFF_MS = 1000
DEFAULT_PRIORITY = 5

Link = tuple[str, str]
"""A job as others name it: queue and id."""


@dataclass(slots=True)
class Family:
    """What a parent knows of its children."""

    children: dict[Link, str] = field(default_factory=dict)
    fatal: int = 0
    failed: bool = False  # while the parent is in the trash: a child failed that takes it along

    @property
    def pending(self) -> int:
        return list(self.children.values()).count("pending")


@dataclass(slots=True)
class Job:
    """One job. `order` is its turn among jobs that were due when placed, None when it was placed as delayed."""

    id: str
    queue: str
    priority: int = DEFAULT_PRIORITY
    state: str = "waiting"
    due_ms: int = 0
    order: int | None = None
    dedup: str | None = None
    retries: int = 0
    stalls: int = 0
    ended_ms: int = 0
    token: str | None = None
    lease_end_ms: int = 0
    is_dead: bool = False
    replay_of: str | None = None
    in_band: bool = False  # once in its priority's band it waits, also when the clock goes back
    before: tuple[int, int | None, bool] = (0, None, False)
    parent: Link | None = None
    on_fail: str = "fail_parent"
    child_failed: bool = False
    not_before_ms: int = 0
    family: Family | None = None


@dataclass(slots=True)
class Letter:
    """One dead letter."""

    job_id: str
    buried_ms: int
    priority: int
    dedup: str | None
    parent: Link | None = None
    state: str = "open"
    replayed_as: str | None = None


@dataclass(slots=True)
class Standing:
    """The job that stands for a dedup id, and what keep_last holds back."""

    id: str
    until_ms: int = 0
    next: Job | None = None


@dataclass(slots=True)
class QueueModel:
    """One queue."""

    name: str
    trash: dict[str, Job] = field(default_factory=dict)
    trashed_families: dict[str, Family] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    is_paused: bool = False
    is_held: bool = False
    concurrency: int | None = None
    rate_max: int | None = None
    starts: list[int] = field(default_factory=list)
    outbox: list[Callable[[], None]] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """All that counts. `windows` has the window of each dedup id, `modes` its mode."""

    now_ms: int
    attempts: int
    lease_ms: int
    rate_ms: int
    modes: dict[str, str]
    windows: dict[str, int]
    queues: dict[str, QueueModel]
    jobs: dict[str, Job] = field(default_factory=dict)
    turns: int = 0

    def of(self, queue: str) -> Iterator[Job]:
        return (job for job in self.jobs.values() if job.queue == queue)

    def ids(self, queue: str, *states: str) -> set[str]:
        return {job.id for job in self.of(queue) if self.shown(job) in states}

    def shown(self, job: Job) -> str:
        """A delayed job that is due waits, whether or not somebody has looked."""
        if job.state in ("waiting", "delayed"):
            return "delayed" if job.due_ms > self.now_ms and not job.in_band else "waiting"
        return job.state

    def state(self, job_id: str) -> str:
        return self.shown(self.jobs[job_id]) if job_id in self.jobs else "missing"

    def place(self, job: Job, due_ms: int) -> None:
        job.due_ms, job.token, job.is_dead = due_ms, None, False
        job.state = "delayed" if due_ms > self.now_ms else "waiting"
        job.in_band = job.state == "waiting" and job.priority != DEFAULT_PRIORITY
        self.turns += 1
        job.order = self.turns if due_ms == self.now_ms else None

    def is_alive(self, job_id: str) -> bool:
        return job_id in self.jobs and self.jobs[job_id].state in ALIVE

    # deduplication

    def enqueue(self, new: Job, delay_ms: int) -> tuple[str, str]:
        if new.id in self.jobs:
            return "exists", new.id
        due_ms = self.now_ms + delay_ms
        if new.dedup:
            if self.modes[new.dedup] == "debounce":
                due_ms = max(due_ms, self.now_ms + self.windows[new.dedup])
            answer = self._meet(new, due_ms)
            if answer:
                return answer
            self._stand(new, self.windows[new.dedup])
        self.place(new, due_ms)
        self.jobs[new.id] = new
        return "created", new.id

    def _stand(self, job: Job, window_ms: int) -> None:
        until_ms = self.now_ms + window_ms if window_ms else 0
        self.queues[job.queue].standing[job.dedup or ""] = Standing(job.id, until_ms)

    def _meet(self, new: Job, due_ms: int) -> tuple[str, str] | None:
        found, mode = self.queues[new.queue].standing.get(new.dedup or ""), self.modes[new.dedup or ""]
        if found is None or found.id == new.id:
            return None
        if mode == "throttle":
            return ("duplicate", found.id) if self.now_ms < found.until_ms else None
        if not self.is_alive(found.id):
            return None
        job = self.jobs[found.id]
        if mode == "until_done":
            is_over = found.until_ms and self.now_ms >= found.until_ms
            return None if is_over else ("duplicate", found.id)
        if mode == "debounce":
            if job.state == "active" or job.retries:
                return None
            job.priority = new.priority
            self.place(job, due_ms)
            found.until_ms = due_ms
            return "replaced", found.id
        if job.state != "active":
            return "replaced", found.id
        first = found.next.id if found.next else new.id
        found.next = replace(new, id=first)
        return ("follows" if first == new.id else "replaced"), first

    def release(self, job: Job, *, removed: bool = False) -> None:
        standing = self.queues[job.queue].standing
        found = standing.get(job.dedup or "")
        if found is None or found.id != job.id or (self.modes[job.dedup or ""] == "throttle" and not removed):
            return
        del standing[job.dedup or ""]
        if found.next:
            following = found.next
            if following.id in self.jobs:
                following.id = f"{following.id}.{self.now_ms}"
            self.place(following, self.now_ms)
            self.jobs[following.id] = following
            self._stand(following, 0)

    def may_stand(self, queue: str, job_id: str, dedup: str | None) -> bool:
        """Take a dedup id again, after a retry or replay; false when another job stands for it."""
        if dedup is None:
            return True
        found = self.queues[queue].standing.get(dedup)
        if found is not None and found.id != job_id and self.is_alive(found.id):
            return False
        if found is None:
            self.queues[queue].standing[dedup] = Standing(job_id)
        return True

    # claims

    def recover(self, queue: str) -> None:
        """What a claim does first: dead workers' jobs get their old place back, due ones of a band go there."""
        for job in self.of(queue):
            if job.state == "active" and job.is_dead and job.lease_end_ms <= self.now_ms:
                self._back(job)
                job.stalls += 1
            if job.priority != DEFAULT_PRIORITY and self.shown(job) == "waiting":
                job.in_band = True

    def _back(self, job: Job) -> None:
        job.state, job.token, job.is_dead = "waiting", None, False
        job.due_ms, job.order, job.in_band = job.before

    def claimable(self, queue: str, slots: int) -> int:
        """How many of those that wait may start."""
        here = self.queues[queue]
        if here.is_paused or here.is_held:
            return 0
        if here.concurrency is not None:
            slots = min(slots, here.concurrency - len([job for job in self.of(queue) if job.state == "active"]))
        if here.rate_max is not None:
            recent = [start for start in here.starts if start >= self.now_ms - self.rate_ms]
            slots = min(slots, here.rate_max - len(recent))
        return max(0, slots)

    def claim(self, job_id: str, token: str) -> None:
        job = self.jobs[job_id]
        job.before = (job.due_ms, job.order, job.in_band)
        job.state, job.token, job.lease_end_ms, job.is_dead = "active", token, self.now_ms + self.lease_ms, False
        here = self.queues[job.queue]
        if here.rate_max is not None:
            here.starts.append(self.now_ms)
            del here.starts[: -here.rate_max]

    def holds(self, job_id: str, token: str) -> bool:
        job = self.jobs.get(job_id)
        return job is not None and job.state == "active" and job.token == token and not job.is_dead

    def give_back(self, job_id: str) -> None:
        self._back(self.jobs[job_id])

    def let_leases_run_out(self) -> list[Job]:
        dead = [j for j in self.jobs.values() if j.state == "active" and j.lease_end_ms <= self.now_ms]
        for job in dead:
            job.is_dead = True
        return dead

    # dead letters

    def bury(self, job: Job) -> None:
        entry = f"{job.id}~{self.now_ms}"
        letter = Letter(job.id, self.now_ms, job.priority, job.dedup, job.parent)
        self.queues[job.queue].letters[entry] = letter

    def resolve(self, queue: str, entry: str, state: str, replayed_as: str | None = None) -> None:
        letter = self.queues[queue].letters.get(entry)
        if letter is not None and letter.state == "open":
            letter.state, letter.replayed_as = state, replayed_as

    def discard(self, queue: str, entry: str) -> str:
        if self.queues[queue].letters[entry].state != "open":
            return "resolved"
        self.resolve(queue, entry, "discarded")
        return "done"

    def reopen(self, queue: str, entry: str) -> str:
        letter = self.queues[queue].letters[entry]
        if letter.state == "open":
            return "open"
        if letter.state == "replayed":
            job = self.jobs.get(letter.replayed_as or "")
            if job is not None:
                if job.state not in ("waiting", "delayed") or job.retries or job.replay_of != entry:
                    return "started"
                del self.jobs[job.id]
                self.release(job, removed=True)
        letter.state, letter.replayed_as = "open", None
        return "done"

    # operators

    def edit(self, job_id: str, *, due_ms: int | None = None, priority: int | None = None, only: str = "") -> str:
        state = self.state(job_id)
        if state not in ("waiting", "delayed") or (only and state != only):
            return state
        job = self.jobs[job_id]
        if priority is not None:
            job.priority = priority
        self.place(job, job.due_ms if due_ms is None else due_ms)
        return "done"

    def look(self, queue: str) -> dict[str, Any]:
        """What a queue's indexes must hold."""
        here = self.queues[queue]
        shown: dict[str, Any] = {
            "queue": self.ids(queue, *QUEUED),
            "active": self.ids(queue, "active"),
            "dlq": {entry for entry, letter in here.letters.items() if letter.state == "open"},
            "trash": set(here.trash),
        }
        for state in ("waiting_children", "completed", "failed", "cancelled"):
            shown[state] = self.ids(queue, state)
        return shown
