"""Random commands, crashes and clock jumps against the runtime and a plain model: they must never part."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from qconsole.errors import Conflict, JobNotFound, RateLimited, RetryLater, Unrecoverable
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime.attempt import ChildFailed
from qconsole.runtime.changes import Changes
from qconsole.runtime.client import Client
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.enqueued import Enqueued
from qconsole.runtime.flow import Flow
from qconsole.runtime.invariants import Invariants
from qconsole.runtime.keys import Keys
from qconsole.runtime.lane import Claimed
from qconsole.runtime.outbox import Outbox
from qconsole.runtime.policy import Dedup, Fixed, QueuePolicy, Retention
from qconsole.runtime.queue import UNLIMITED, Queue
from qconsole.runtime.schedule import every
from qconsole.runtime.scheduler import Scheduler
from tests.runtime.hand import Hand
from tests.runtime.model import BACKOFF_MS, Job, QueueModel
from tests.runtime.model_flows import FlowModel
from tests.runtime.model_schedules import ScheduleModel
from tests.support import ManualClock

NOW = 1_764_000_000_000
LEASE_MS = 60_000
RATE_MS = 600_000
MAX_STALLS = 2
WINDOW_S = 2.0
QUEUES = ("q", "r")
KEYS = {queue: Keys(queue) for queue in QUEUES}
NAMES = {"a": "q", "b": "q", "c": "q", "d": "q", "x": "r", "y": "r", "z": "r"}
DEDUPS = {
    "until": Dedup("until"),
    "window": Dedup("window", window_s=WINDOW_S),
    "throttle": Dedup("throttle", mode="throttle", window_s=WINDOW_S),
    "debounce": Dedup("debounce", mode="debounce", window_s=WINDOW_S),
    "last": Dedup("last", mode="keep_last"),
}
POLICY = QueuePolicy(
    attempts=2,
    backoff=Fixed(BACKOFF_MS / 1000),
    retention=Retention(completed=None, completed_age_s=None, failed=None, failed_age_s=None),
)

names = st.sampled_from(list(NAMES))
queues = st.sampled_from(QUEUES)
priorities = st.sampled_from([0, 1, 5, 5, 5, 10, 100])
policies = st.sampled_from(["fail_parent", "fail_parent", "continue", "ignore"])
picks = st.integers(0, 50)
endings = st.sampled_from(["complete", "complete", "fail", "unrecoverable", "give_back", "later", "rate_limited"])
Answer = TypeVar("Answer")


def command(**given: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that is counted; one that calls others counts once."""

    def declare(run: Callable[..., None]) -> Any:
        @functools.wraps(run)
        def counted(self: "Runtime", **values: Any) -> None:
            self.depth += 1
            try:
                run(self, **values)
            finally:
                self.depth -= 1
            if not self.depth:
                type(self).steps += 1

        return rule(**given)(counted)

    return declare


def word_of(changes: Changes, name: str) -> str:
    return "done" if name in changes.done else dict(changes.skipped)[name]


class Runtime(RuleBasedStateMachine):
    """The commands."""

    url: ClassVar[str] = ""
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.loop = asyncio.new_event_loop()
        self.redis = connect(self.url, name="model")
        self.do(self.redis.flushall())
        self.clock = clock = ManualClock(NOW)
        redis = self.redis
        self.client = Client(redis=redis, clock=clock)
        self.queues = {name: Queue(name, redis=redis, clock=clock) for name in QUEUES}
        self.letters = {name: DeadLetters(name, redis=redis, clock=clock) for name in QUEUES}
        self.scheduler = Scheduler("q", redis=redis, clock=clock)
        self.workers = [
            {q: Hand(redis, clock, q, policy=POLICY, lease_ms=LEASE_MS, name=f"w{n}") for q in QUEUES} for n in range(2)
        ]
        self.held: list[tuple[Hand, Claimed]] = []
        self.model = FlowModel(
            NOW,
            POLICY.attempts,
            LEASE_MS,
            RATE_MS,
            modes={name: str(dedup.mode) for name, dedup in DEDUPS.items()},
            windows={name: round((dedup.window_s or 0) * 1000) for name, dedup in DEDUPS.items()},
            queues={name: QueueModel(name) for name in QUEUES},
        )
        self.schedules = [
            ScheduleModel("each", 1_800_000, "all", "allow"),
            ScheduleModel("latest", 1_200_000, "once", "skip"),
            ScheduleModel("timely", 1_500_000, "skip", "skip"),
        ]
        self.clock_went_back = False

    def do(self, what: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run_until_complete(what)

    def teardown(self) -> None:
        lost = self.do(Invariants(redis=self.redis, clock=self.clock).unreachable(QUEUES))
        self.do(self.redis.aclose())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        assert lost == ()

    # producers

    @command(
        name=names,
        priority=priorities,
        delay=st.sampled_from([0, 0, 0, 5, 1500]),
        dedup=st.sampled_from([None, None, *DEDUPS]),
    )
    def enqueue(self, name: str, priority: int, delay: int, dedup: str | None) -> None:
        options = {"job_id": name, "priority": priority, "delay_s": delay / 1000}
        asked = self.client.enqueue("work", {}, queue=NAMES[name], dedup=DEDUPS[dedup] if dedup else None, **options)
        queued = self.do(asked)
        expected = self.model.enqueue(Job(name, NAMES[name], priority, dedup=dedup), delay)
        assert (queued.verdict, queued.id) == expected

    @command(
        root=names,
        priority=priorities,
        children=st.dictionaries(names, st.tuples(policies, priorities), min_size=1, max_size=4),
    )
    def add_flow(self, root: str, priority: int, children: dict[str, tuple[str, int]]) -> None:
        children.pop(root, None)
        if not children:
            return
        members = [
            Flow("work", {}, queue=NAMES[name], job_id=name, on_fail=on_fail, priority=pri)
            for name, (on_fail, pri) in children.items()
        ]
        known = [Job(name, NAMES[name], pri, on_fail=on_fail) for name, (on_fail, pri) in children.items()]
        flow = Flow("work", {}, members, queue=NAMES[root], job_id=root, priority=priority)
        queued = self.do(self.client.add_flow(flow))
        expected = self.model.add_flow(Job(root, NAMES[root], priority), known)
        assert queued.verdict == expected
        if any(child.queue != NAMES[root] for child in known):
            self.model.forward(NAMES[root])  # as the client does

    @command(parent=names, name=names, on_fail=policies)
    def add_child(self, parent: str, name: str, on_fail: str) -> None:
        above = Enqueued(parent, NAMES[parent], True)
        asked = self.client.enqueue("work", {}, queue=NAMES[name], job_id=name, parent=above, on_fail=on_fail)
        try:
            word = str(self.do(asked).verdict)
        except JobNotFound:
            word = "missing"
        except Conflict as refused:
            word = refused.fields["state"]
        expected = self.model.add_child(Job(parent, NAMES[parent]), Job(name, NAMES[name], on_fail=on_fail))
        assert word == expected
        if word in ("created", "exists") and NAMES[name] != NAMES[parent]:
            self.model.forward(NAMES[parent])

    # workers

    @command(worker=st.integers(0, 1), queue=queues, slots=st.integers(1, 3))
    def claim(self, worker: int, queue: str, slots: int) -> None:
        hand, model = self.workers[worker][queue], self.model
        claimed = self.do(hand.claim(slots))
        model.recover(queue)
        ready = [job for job in model.of(queue) if model.shown(job) == "waiting"]
        assert len(claimed) == min(model.claimable(queue, slots), len(ready))
        taken = [model.jobs[one.id] for one in claimed]
        assert all(job in ready for job in taken)
        self.check_order(taken, [job for job in ready if job not in taken])
        first = len(self.held)
        for one in claimed:
            job = model.jobs[one.id]
            assert one.retries == job.retries
            assert int((one.record or {}).get("stalls", 0)) == job.stalls
            assert ("child_failed" in (one.record or {})) == job.child_failed
            model.claim(one.id, one.token)
            self.held.append((hand, one))
        for at in reversed(range(first, len(self.held))):
            job = model.jobs[self.held[at][1].id]
            if job.stalls > MAX_STALLS:
                self.end(at, "unrecoverable")
            elif job.child_failed:
                self.end(at, "child")

    def check_order(self, taken: Sequence[Job], left: Sequence[Job]) -> None:
        if self.clock_went_back:
            ranks = [(job.priority,) for job in taken]
            behind = [(job.priority,) for job in left]
        else:
            ranks = [(job.priority, job.due_ms) for job in taken]
            behind = [(job.priority, job.due_ms) for job in left]
            turns = [((*r, job.order), job.id) for r, job in zip(ranks, taken, strict=True) if job.order is not None]
            assert turns == sorted(turns)
        assert ranks == sorted(ranks)
        assert not ranks or not behind or max(ranks) <= min(behind)

    def end(self, at: int, how: str) -> None:
        hand, claimed = self.held.pop(at)
        job_id, model = claimed.id, self.model
        holds, before = model.holds(job_id, claimed.token), len(hand.lost)
        errors = {
            "fail": ValueError("x"),
            "unrecoverable": Unrecoverable("x"),
            "child": ChildFailed("x"),
            "later": RetryLater(3),
            "rate_limited": RateLimited(600),
        }
        if how == "complete":
            self.do(hand.complete(claimed))
        elif how == "give_back":
            hand.endings(claimed).given_back()
            self.do(hand.settle())
        else:
            self.do(hand.fail(claimed, errors[how]))
        assert (len(hand.lost) == before) == holds
        if not holds:
            return
        match how:
            case "complete":
                model.complete(job_id)
            case "give_back":
                model.give_back(job_id)
            case "later":
                model.put_off(job_id, 3000)
            case "rate_limited":
                model.put_off(job_id, 600_000)
                model.queues[hand.keys.queue].is_held = True
            case _:
                model.fail(job_id, final=how != "fail")

    @precondition(lambda self: self.held)
    @command(pick=picks, how=endings)
    def settle(self, pick: int, how: str) -> None:
        """Also by workers that lost their lease long ago."""
        self.end(pick % len(self.held), how)

    def work(self, queue: str, how: str) -> None:
        first = len(self.held)
        self.claim(worker=0, queue=queue, slots=3)
        for at in reversed(range(first, len(self.held))):
            self.end(at, how)
        self.forward(queue=queue)

    @command(queue=queues, how=st.sampled_from(["complete", "fail", "unrecoverable"]))
    def work_once(self, queue: str, how: str) -> None:
        """What single random steps seldom come to: everything that may run does, whatever came of it before."""
        self.work(queue, how)

    @command(how=st.sampled_from(["complete", "complete", "unrecoverable"]))
    def work_off(self, how: str) -> None:
        """All queues, until the parents have heard of their children, and run themselves."""
        for queue in (*QUEUES, *QUEUES):
            self.work(queue, how)
            self.pass_time(ms=1000)

    @command(worker=st.integers(0, 1))
    def crash(self, worker: int) -> None:
        gone = list(self.workers[worker].values())
        self.held = [(hand, one) for hand, one in self.held if hand not in gone]

    @command(worker=st.integers(0, 1), name=names, priority=priorities)
    def die_at_work(self, worker: int, name: str, priority: int) -> None:
        """A job is claimed, its worker dies, another one takes it over."""
        self.enqueue(name=name, priority=priority, delay=0, dedup=None)
        self.claim(worker=worker, queue=NAMES[name], slots=3)
        self.crash(worker=worker)
        self.pass_time(ms=LEASE_MS)
        self.claim(worker=1 - worker, queue=NAMES[name], slots=3)

    @command(queue=queues)
    def forward(self, queue: str) -> None:
        self.do(Outbox(queue, client=self.client).forward())
        self.model.forward(queue)

    # time

    @command(ms=st.sampled_from([1, 7, 999, 1000, 2000, LEASE_MS, RATE_MS + 1, 3_600_000, -5_000, -3_600_000]))
    def pass_time(self, ms: int) -> None:
        """Also backwards, as clocks do that are set right."""
        self.clock.advance(ms=ms)
        self.model.now_ms = self.clock.now_ms()
        self.clock_went_back |= ms < 0
        for job in self.model.let_leases_run_out():
            self.do(self.redis.delete(KEYS[job.queue].in_progress(job.id)))

    # schedules

    @command(verb=st.sampled_from(["declare", "tick", "tick", "tick", "pause", "resume"]), pick=st.integers(0, 2))
    def schedule(self, verb: str, pick: int) -> None:
        schedule = self.schedules[pick]
        if verb == "tick":
            self.tick()
        elif verb == "declare":
            self.declare_schedules()
        elif self.do(self.redis.hexists(KEYS["q"].schedules(), schedule.id)):  # type: ignore[arg-type]
            if verb == "pause":
                self.do(self.scheduler.pause(schedule.id, actor="ops"))
                schedule.pause()
            else:
                self.do(self.scheduler.resume(schedule.id, actor="ops"))
                schedule.resume(self.model.now_ms)

    def declare_schedules(self) -> None:
        """What every worker does when it starts."""
        options = {"job_type": "work", "queue": "q"}
        declared = [
            every(s.id, s.every_ms / 1000, missed=s.missed, overlap=s.overlap, **options) for s in self.schedules
        ]
        self.do(self.scheduler.declare(declared))
        for schedule in self.schedules:
            schedule.declare(self.model.now_ms)

    def tick(self) -> None:
        fired = [(one.schedule_id, one.word, one.instant) for one in self.do(self.scheduler.tick())]
        expected = []
        for schedule in sorted(self.schedules, key=lambda s: (s.due_ms or 0, s.id)):
            for word, instant in schedule.tick(self.model.now_ms, self.model.is_alive, self.fire):
                expected.append((schedule.id, word, instant))
        assert fired == expected

    def fire(self, job_id: str, instant: int) -> None:
        self.model.enqueue(Job(job_id, "q"), instant - self.model.now_ms)

    # operators

    def word(self, changes: Any, name: str) -> str:
        return "done" if name in changes.done else dict(changes.skipped)[name]

    @command(
        queue=queues,
        verb=st.sampled_from(["pause", "resume", "resume", "limit", "unlimit", "unlimit", "release"]),
        concurrency=st.sampled_from([None, 1, 2]),
        rate=st.sampled_from([None, 1, 3, 5]),
    )
    def control(self, queue: str, verb: str, concurrency: int | None, rate: int | None) -> None:
        here, known = self.queues[queue], self.model.queues[queue]
        if verb in ("pause", "resume"):
            changed = self.do(here.pause(actor="ops") if verb == "pause" else here.resume(actor="ops"))
            assert changed == ((verb == "pause") != known.is_paused)
            known.is_paused = verb == "pause"
        elif verb == "release":
            assert self.do(here.release_hold()) == known.is_held
            known.is_held = False
        else:
            if verb == "unlimit":
                concurrency = rate = None
            limits = {"concurrency": concurrency or UNLIMITED, "rate_max": rate or UNLIMITED, "rate_ms": RATE_MS}
            self.do(here.limit(actor="ops", **limits))
            known.concurrency, known.rate_max = concurrency, rate

    @command(
        name=names,
        verb=st.sampled_from(["cancel", "remove", "restore", "restore", "retry", "retry", "promote", "edit", "delay"]),
        priority=priorities,
        ms=st.sampled_from([0, 500, 4000]),
    )
    def operate(self, name: str, verb: str, priority: int, ms: int) -> None:
        queue, here, model = NAMES[name], self.queues[NAMES[name]], self.model
        match verb:
            case "cancel":
                changes, expected = here.cancel([name]), model.cancel(name)
                expected = "done" if expected == "requested" else expected
            case "remove":
                changes, expected = here.remove([name], actor="ops"), model.remove(name)
            case "restore":
                changes, expected = here.restore([name]), model.restore(name, queue)
            case "retry":
                changes, expected = here.retry([name], actor="ops"), model.retry(name)
            case "promote":
                changes, expected = here.promote([name]), model.edit(name, due_ms=model.now_ms, only="delayed")
            case "edit":
                changes, expected = here.reprioritise([name], priority), model.edit(name, priority=priority)
            case _:
                due_ms = model.now_ms + ms
                changes, expected = here.reschedule([name], due_ms), model.edit(name, due_ms=due_ms)
        assert word_of(self.do(changes), name) == expected
        if verb == "remove" and model.state(name) == "missing":
            keys = KEYS[queue]
            left = (keys.job(name), keys.retry(name), keys.result(name), keys.record(name), keys.flow(name))
            assert self.do(self.redis.exists(*left, keys.in_progress(name), keys.log(name))) == 0

    @command(queue=queues, verb=st.sampled_from(["replay", "replay", "discard", "reopen"]), pick=picks)
    def resolve(self, queue: str, verb: str, pick: int) -> None:
        letters = self.model.queues[queue].letters
        if not letters:
            return
        entry = list(letters)[pick % len(letters)]
        match verb:
            case "replay":
                self.replay(queue, entry)
            case "discard":
                changes = self.do(self.letters[queue].discard([entry], actor="ops", reason="so"))
                assert word_of(changes, entry) == self.model.discard(queue, entry)
            case _:
                assert word_of(self.do(self.letters[queue].reopen([entry])), entry) == self.model.reopen(queue, entry)

    def replay(self, queue: str, entry: str) -> None:
        expected = self.model.replay(queue, entry)
        if expected == "retry":
            expected = self.model.retry(self.model.queues[queue].letters[entry].job_id)
        replays = self.do(self.letters[queue].replay([entry], actor="ops"))
        if expected == "new":
            self.model.replayed(queue, entry, replays.done[entry])
        elif expected == "done":
            assert set(replays.done) == {entry}
        else:
            assert replays.skipped == {entry: expected}

    # what must hold after every step

    async def look(self) -> dict[str, Any]:
        pipe = self.redis.pipeline(transaction=True)
        for queue, keys in KEYS.items():
            pipe.zrange(queue, 0, -1)
            pipe.hkeys(keys.active())
            for index in (keys.waiting_children(), keys.completed(), keys.failed(), keys.cancelled()):
                pipe.zrange(index, 0, -1)
            pipe.zrange(keys.dlq(), 0, -1)
            pipe.zrange(keys.trash(), 0, -1)
        pipe.zrange(KEYS["q"].schedules_due(), 0, -1, withscores=True)
        *sets, due = await pipe.execute()
        indexes = ("queue", "active", "waiting_children", "completed", "failed", "cancelled", "dlq", "trash")
        found = iter(sets)
        shown: dict[str, Any] = {
            queue: {index: {member.decode() for member in next(found)} for index in indexes} for queue in QUEUES
        }
        shown["calls"] = {key.decode().removeprefix("arq:job:") async for key in self.redis.scan_iter("arq:job:*")}
        shown["due"] = {name.decode(): int(score) for name, score in due}
        return shown

    @invariant()
    def both_agree(self) -> None:
        model, shown = self.model, self.do(self.look())
        for queue in QUEUES:
            assert shown[queue] == model.look(queue)
        assert shown["calls"] == {job.id for job in model.jobs.values() if model.is_alive(job.id)}
        assert shown["due"] == {s.id: s.due_ms for s in self.schedules if s.due_ms is not None}

    @invariant()
    def the_server_is_sound(self) -> None:
        for queue in QUEUES:
            assert self.do(Invariants(redis=self.redis, clock=self.clock).check(queue)) == ()


@pytest.fixture
def machine(redis_server: EmbeddedServer) -> Iterator[type[Runtime]]:
    yield type("Runtime", (Runtime,), {"url": redis_server.url, "steps": 0})


def play(machine: type[Runtime], games: int, steps: int, *, same: bool = False) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=games,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=same,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_runtime_and_its_model_never_part(machine: type[Runtime]) -> None:
    """The same games each time, so that an unlucky draw stops nobody who changed something else."""
    play(machine, games=20, steps=40, same=True)
    assert machine.steps >= 400


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_runtime_and_its_model_never_part_in_ten_thousand_steps(machine: type[Runtime]) -> None:
    while machine.steps < 10_000:
        play(machine, games=50, steps=80)
