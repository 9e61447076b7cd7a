"""What the runtime should do, in plain Python: one queue, without Redis. The state machine holds the two together."""

from dataclasses import dataclass, field, replace

ALIVE = ("waiting", "delayed", "active")
BACKOFF_MS = 1000
DEFAULT_PRIORITY = 5


@dataclass(slots=True)
class Job:
    """One job. `order` is its turn among jobs that were due when placed, None when it was placed as delayed."""

    id: str
    state: str
    priority: int
    due_ms: int
    order: int | None
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


@dataclass(slots=True)
class Letter:
    """One dead letter."""

    job_id: str
    priority: int
    dedup: str | None
    state: str = "open"
    replayed_as: str | None = None


@dataclass(slots=True)
class Model:
    """All that counts."""

    now_ms: int
    attempts: int
    lease_ms: int
    jobs: dict[str, Job] = field(default_factory=dict)
    trash: dict[str, Job] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)
    standing: dict[str, str] = field(default_factory=dict)
    is_paused: bool = False
    turns: int = 0

    def ids(self, *states: str) -> set[str]:
        return {job.id for job in self.jobs.values() if self.shown(job) in states}

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

    def _is_alive(self, job_id: str) -> bool:
        return job_id in self.jobs and self.jobs[job_id].state in ALIVE

    def enqueue(self, job_id: str, priority: int, delay_ms: int, dedup: str | None) -> tuple[str, str]:
        if job_id in self.jobs:
            return "exists", job_id
        if dedup and self._is_alive(self.standing.get(dedup, "")):
            return "duplicate", self.standing[dedup]
        job = Job(job_id, "waiting", priority, 0, None, dedup)
        self.place(job, self.now_ms + delay_ms)
        self.jobs[job_id] = job
        if dedup:
            self.standing[dedup] = job_id
        return "created", job_id

    def release(self, job: Job) -> None:
        if job.dedup and self.standing.get(job.dedup) == job.id:
            del self.standing[job.dedup]

    def recover(self) -> list[Job]:
        """What a claim does first: dead workers' jobs get their old place back, due ones of a band go there."""
        back = [j for j in self.jobs.values() if j.state == "active" and j.is_dead and j.lease_end_ms <= self.now_ms]
        for job in back:
            job.state, job.token, job.is_dead = "waiting", None, False
            job.due_ms, job.order, job.in_band = job.before
            job.stalls += 1
        for job in self.jobs.values():
            if job.priority != DEFAULT_PRIORITY and self.shown(job) == "waiting":
                job.in_band = True
        return back

    def claim(self, job_id: str, token: str) -> None:
        job = self.jobs[job_id]
        job.before = (job.due_ms, job.order, job.in_band)
        job.state, job.token, job.lease_end_ms, job.is_dead = "active", token, self.now_ms + self.lease_ms, False

    def holds(self, job_id: str, token: str) -> bool:
        job = self.jobs.get(job_id)
        return job is not None and job.state == "active" and job.token == token and not job.is_dead

    def complete(self, job_id: str) -> None:
        job = self.jobs[job_id]
        job.state, job.ended_ms, job.token = "completed", self.now_ms, None
        self.release(job)

    def fail(self, job_id: str, *, final: bool) -> None:
        job = self.jobs[job_id]
        if not final and job.retries + 1 < self.attempts:
            job.retries += 1
            self.place(job, self.now_ms + BACKOFF_MS)
            return
        job.state, job.ended_ms, job.token = "failed", self.now_ms, None
        self.letters[f"{job_id}~{self.now_ms}"] = Letter(job_id, job.priority, job.dedup)
        self.release(job)

    def give_back(self, job_id: str) -> None:
        job = self.jobs[job_id]
        job.state, job.token = "waiting", None
        job.due_ms, job.order, job.in_band = job.before

    def let_leases_run_out(self) -> set[str]:
        dead = {j.id for j in self.jobs.values() if j.state == "active" and j.lease_end_ms <= self.now_ms}
        for job_id in dead:
            self.jobs[job_id].is_dead = True
        return dead

    def cancel(self, job_id: str) -> str:
        state = self.state(job_id)
        if state == "active":
            return "requested"
        if state in ("waiting", "delayed"):
            job = self.jobs[job_id]
            job.state, job.ended_ms, job.retries = "cancelled", self.now_ms, 0
            self.release(job)
            return "done"
        return state

    def remove(self, job_id: str) -> str:
        state = self.state(job_id)
        if state in ("active", "missing"):
            return state
        job = self.jobs.pop(job_id)
        self.trash[job_id] = replace(job)
        self.release(job)
        return "done"

    def restore(self, job_id: str) -> str:
        if job_id not in self.trash:
            return "missing"
        if job_id in self.jobs:
            return "exists"
        job = self.jobs[job_id] = self.trash.pop(job_id)
        if job.state in ALIVE and job.dedup:
            self.standing.setdefault(job.dedup, job_id)
        return "done"

    def _may_stand(self, job_id: str, dedup: str | None) -> bool:
        standing = self.standing.get(dedup or "")
        if dedup is None or standing == job_id:
            return True
        if standing is not None and self._is_alive(standing):
            return False
        self.standing.setdefault(dedup, job_id)
        return True

    def _resolve(self, entry: str, state: str, replayed_as: str | None = None) -> None:
        letter = self.letters.get(entry)
        if letter is not None and letter.state == "open":
            letter.state, letter.replayed_as = state, replayed_as

    def retry(self, job_id: str) -> str:
        state = self.state(job_id)
        if state not in ("failed", "cancelled"):
            return state
        job = self.jobs[job_id]
        if not self._may_stand(job_id, job.dedup):
            return "duplicate"
        self._resolve(f"{job_id}~{job.ended_ms}", "replayed", job_id)
        job.retries = job.stalls = 0
        self.place(job, self.now_ms)
        return "done"

    def may_replay(self, entry: str) -> str:
        letter = self.letters[entry]
        if letter.state != "open":
            return "resolved"
        standing = self.standing.get(letter.dedup or "")
        return "duplicate" if letter.dedup and standing and self._is_alive(standing) else "done"

    def replayed(self, entry: str, new_id: str) -> None:
        letter = self.letters[entry]
        job = Job(new_id, "waiting", letter.priority, 0, None, letter.dedup, replay_of=entry)
        self.place(job, self.now_ms)
        self.jobs[new_id] = job
        self._may_stand(new_id, letter.dedup)
        self._resolve(entry, "replayed", new_id)

    def discard(self, entry: str) -> str:
        if self.letters[entry].state != "open":
            return "resolved"
        self._resolve(entry, "discarded")
        return "done"

    def reopen(self, entry: str) -> str:
        letter = self.letters[entry]
        if letter.state == "open":
            return "open"
        if letter.state == "replayed":
            job = self.jobs.get(letter.replayed_as or "")
            if job is not None:
                if job.state not in ("waiting", "delayed") or job.retries or job.replay_of != entry:
                    return "started"
                del self.jobs[job.id]
                self.release(job)
        letter.state, letter.replayed_as = "open", None
        return "done"

    def edit(self, job_id: str, *, due_ms: int | None = None, priority: int | None = None, only: str = "") -> str:
        state = self.state(job_id)
        if state not in ("waiting", "delayed") or (only and state != only):
            return state
        job = self.jobs[job_id]
        if priority is not None:
            job.priority = priority
        self.place(job, job.due_ms if due_ms is None else due_ms)
        return "done"
