"""Flows in the model: what the end, retry, removal or return of a child means for its parent, in its queue or another.

What goes to another queue stands in an outbox until somebody forwards it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.runtime.model import ALIVE, BACKOFF_MS, LOST, Family, Job, Link, Model, Standing

NOT_STARTED = ("waiting", "delayed", "waiting_children")


@dataclass(slots=True)
class FlowModel(Model):
    """The whole runtime: jobs, and the flows they are in."""

    # flows

    def add_flow(self, root: Job, children: Sequence[Job]) -> str:
        if root.id in self.jobs:
            return "exists"
        root.family = Family({(child.queue, child.id): "pending" for child in children})
        root.state = "waiting_children"
        self.jobs[root.id] = root
        for child in children:
            child.parent = (root.queue, root.id)
        self._add_members([child for child in children if child.queue == root.queue])
        for queue in dict.fromkeys(child.queue for child in children if child.queue != root.queue):
            members = [child for child in children if child.queue == queue]
            self.queues[root.queue].outbox.append(lambda members=members: self._add_members(members))
        return "created"

    def _add_members(self, members: Sequence[Job]) -> None:
        for member in members:
            if self.enqueue(member, 0)[0] == "exists" and member.parent:
                ghost = replace(member)
                self._tell_end(ghost, "failed")

    def add_child(self, parent: Job, child: Job) -> str:
        known = self.jobs.get(parent.id)
        link = (child.queue, child.id)
        if known is not None and known.family and link in known.family.children:
            return "exists"
        if known is None or known.state not in ALIVE:
            return self.state(parent.id)
        if child.queue == known.queue and child.id in self.jobs:
            return "exists"
        known.family = known.family or Family()
        known.family.children[link] = "pending"
        child.parent = (known.queue, known.id)
        shown = self.shown(known)
        if shown in ("waiting", "delayed"):
            self._wait(known, known.due_ms if shown == "delayed" else 0)
        if child.queue == known.queue:
            self._add_members([child])
        else:
            self.queues[known.queue].outbox.append(lambda: self._add_members([child]))
        return "created"

    def _wait(self, job: Job, due_ms: int) -> None:
        job.state, job.token, job.is_dead = "waiting_children", None, False
        if due_ms > self.now_ms:
            job.not_before_ms = due_ms

    def _back(self, job: Job) -> None:
        if job.family and job.family.pending:
            self._wait(job, 0)
        else:
            Model._back(self, job)  # super() cannot: slots make another class of this one

    def forward(self, queue: str) -> None:
        """Apply what stood in an outbox when forwarding began."""
        here = self.queues[queue]
        ready, here.outbox = here.outbox, []
        for effect in ready:
            effect()

    def _send(self, queue: str, to: str, effect: "Effect") -> None:
        if queue == to:
            effect.apply(self)
        else:
            self.queues[queue].outbox.append(lambda: effect.apply(self))

    def _tell_end(self, job: Job, state: str) -> None:
        if job.parent:
            end = Effect("ended", job.parent, (job.queue, job.id), job.on_fail, state)
            self._send(job.queue, job.parent[0], end)

    def note(self, effect: "Effect") -> None:
        """What a parent makes of the news."""
        queue, parent_id = effect.parent
        family, parent = self._family(queue, parent_id)
        if family is None:
            return
        known = family.children.get(effect.child)
        if effect.kind == "ended" and known == "pending":
            self._note_end(family, parent, effect)
        elif effect.kind == "retried" and known not in (None, "pending"):
            family.children[effect.child] = "pending"
            if known in LOST and effect.on_fail != "continue":
                family.fatal -= 1
                if family.fatal == 0:
                    family.failed = False
                    if parent:
                        self._reopen(parent)
        elif effect.kind == "removed" and known == "pending" and parent:
            del family.children[effect.child]
            self._release_when_done(family, parent)
        elif effect.kind == "restored" and known is None and parent and parent.state == "waiting_children":
            family.children[effect.child] = "pending"

    def _family(self, queue: str, parent_id: str) -> tuple[Family | None, Job | None]:
        parent = self.jobs.get(parent_id)
        if parent is not None and parent.family is not None:
            return parent.family, parent
        return self.queues[queue].trashed_families.get(parent_id), None

    def _note_end(self, family: Family, parent: Job | None, effect: "Effect") -> None:
        is_lost = effect.state in LOST
        family.children[effect.child] = "ignored" if is_lost and effect.on_fail == "ignore" else effect.state
        if is_lost and effect.on_fail == "fail_parent":
            family.fatal += 1
            if parent is None:
                family.failed = True
            else:
                parent.child_failed = True
                self._let_run(parent)
        else:
            self._release_when_done(family, parent)

    def _release_when_done(self, family: Family, parent: Job | None) -> None:
        if parent is not None and family.pending == 0:
            self._let_run(parent)

    def _let_run(self, parent: Job) -> None:
        if parent.state == "waiting_children":
            due_ms = self.now_ms if parent.child_failed else max(parent.not_before_ms, self.now_ms)
            parent.not_before_ms = 0
            self.place(parent, due_ms)

    def _reopen(self, parent: Job) -> None:
        parent.child_failed = False
        if parent.state == "failed":
            self.resolve(parent.queue, f"{parent.id}~{parent.ended_ms}", "replayed", parent.id)
            parent.state = "waiting_children"
            if parent.parent:
                news = Effect("retried", parent.parent, (parent.queue, parent.id), parent.on_fail)
                self._send(parent.queue, parent.parent[0], news)
        elif parent.state in ("waiting", "delayed"):
            parent.state = "waiting_children"

    # ends

    def complete(self, job_id: str) -> None:
        self._end(self.jobs[job_id], "completed")

    def fail(self, job_id: str, *, final: bool) -> None:
        job = self.jobs[job_id]
        if final or job.retries + 1 >= self.attempts:
            self.bury(job)
            self._end(job, "failed")
            return
        job.retries += 1
        self.put_off(job_id, BACKOFF_MS)

    def put_off(self, job_id: str, ms: int) -> None:
        job = self.jobs[job_id]
        if job.family and job.family.pending:
            self._wait(job, self.now_ms + ms)
        else:
            self.place(job, self.now_ms + ms)

    def _end(self, job: Job, state: str) -> None:
        job.state, job.ended_ms, job.token, job.is_dead = state, self.now_ms, None, False
        job.not_before_ms = 0
        self.release(job)
        self._tell_end(job, state)

    # operators

    def cancel(self, job_id: str) -> str:
        state = self.state(job_id)
        if state == "active":
            return "requested"
        if state in NOT_STARTED:
            self.jobs[job_id].retries = 0
            self._end(self.jobs[job_id], "cancelled")
            return "done"
        return state

    def remove(self, job_id: str, only: Sequence[str] = ()) -> str:
        state = self.state(job_id)
        if state in ("active", "missing") or (only and state not in only):
            return state
        job = self.jobs.pop(job_id)
        here = self.queues[job.queue]
        here.trash[job_id] = replace(job, family=None, state=state if state in NOT_STARTED else job.state)
        here.trashed_families.pop(job_id, None)
        if job.family is not None:
            here.trashed_families[job_id] = job.family
            here.outbox.append(lambda: self._prune(job.queue, job_id))
        self.release(job, removed=True)
        if job.parent:
            self._send(job.queue, job.parent[0], Effect("removed", job.parent, (job.queue, job_id)))
        return "done"

    def _prune(self, queue: str, parent_id: str) -> None:
        family = self.queues[queue].trashed_families.get(parent_id)
        for _, child_id in self._pending(family):
            self.remove(child_id, only=NOT_STARTED)

    @staticmethod
    def _pending(family: Family | None) -> list[Link]:
        return sorted(link for link, state in family.children.items() if state == "pending") if family else []

    def restore(self, job_id: str, queue: str) -> str:
        here = self.queues[queue]
        if job_id not in here.trash:
            return "missing"
        if job_id in self.jobs:
            return "exists"
        job = self.jobs[job_id] = here.trash.pop(job_id)
        if job.state in ("waiting", "delayed") and job.dedup:
            here.standing.setdefault(job.dedup, Standing(job_id))
        if job.parent and job.state in NOT_STARTED:
            news = Effect("restored", job.parent, (queue, job_id))
            here.outbox.append(lambda: self.note(news))
        job.family = here.trashed_families.pop(job_id, None)
        if job.family:
            if job.family.failed:
                job.family.failed, job.child_failed = False, True
                self._let_run(job)
            elif job.family.pending == 0:
                self._let_run(job)
            here.outbox.append(lambda: self._unprune(queue, job_id))
        return "done"

    def _unprune(self, queue: str, parent_id: str) -> None:
        parent = self.jobs.get(parent_id)
        for child in self._pending(parent.family if parent else None):
            if self.restore(child[1], child[0]) == "missing" and child[1] not in self.jobs:
                self.note(Effect("removed", (queue, parent_id), child))

    def retry(self, job_id: str) -> str:
        state = self.state(job_id)
        if state not in LOST:
            return state
        job = self.jobs[job_id]
        if not self.may_stand(job.queue, job_id, job.dedup):
            return "duplicate"
        self.resolve(job.queue, f"{job_id}~{job.ended_ms}", "replayed", job_id)
        job.retries = job.stalls = 0
        job.child_failed = False
        if job.family and job.family.pending:
            job.state = "waiting_children"
        else:
            self.place(job, self.now_ms)
        if job.parent:
            news = Effect("retried", job.parent, (job.queue, job_id), job.on_fail)
            self._send(job.queue, job.parent[0], news)
        return "done"

    def replay(self, queue: str, entry: str) -> str:
        """Say what a replay comes to: `retry`, when a member of a flow is put back itself, or `new` for a new job."""
        letter = self.queues[queue].letters[entry]
        if letter.state != "open":
            return "resolved"
        job = self.jobs.get(letter.job_id)
        if letter.parent and job is not None and job.state == "failed" and job.ended_ms == letter.buried_ms:
            return "retry"
        dedup = self.carried(letter.dedup)
        standing = self.queues[queue].standing.get(dedup or "")
        return "duplicate" if standing and self.is_alive(standing.id) else "new"

    def carried(self, dedup: str | None) -> str | None:
        """A replay takes the dedup of its job along only when it is until_done."""
        return dedup if dedup and self.modes[dedup] == "until_done" else None

    def replayed(self, queue: str, entry: str, new_id: str) -> None:
        letter = self.queues[queue].letters[entry]
        job = Job(new_id, queue, letter.priority, dedup=self.carried(letter.dedup), replay_of=entry)
        self.place(job, self.now_ms)
        self.jobs[new_id] = job
        self.may_stand(queue, new_id, job.dedup)
        self.resolve(queue, entry, "replayed", new_id)


@dataclass(frozen=True, slots=True)
class Effect:
    """News of a child for its parent: ended, retried, removed, restored."""

    kind: str
    parent: Link
    child: Link
    on_fail: str = "fail_parent"
    state: str = ""

    def apply(self, model: FlowModel) -> None:
        model.note(self)
