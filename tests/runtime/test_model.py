"""Random commands, crashes and clock jumps against the runtime and a plain model: they must never part."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from qconsole.errors import Unrecoverable
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime.client import Client
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.invariants import Invariants
from qconsole.runtime.keys import Keys
from qconsole.runtime.lane import Claimed
from qconsole.runtime.policy import Dedup, Fixed, QueuePolicy, Retention
from qconsole.runtime.queue import Queue
from tests.runtime.hand import Hand
from tests.runtime.model import BACKOFF_MS, Model
from tests.support import ManualClock

NOW = 1_764_000_000_000
LEASE_MS = 60_000
MAX_STALLS = 2
KEYS = Keys("q")
POLICY = QueuePolicy(
    attempts=2,
    backoff=Fixed(BACKOFF_MS / 1000),
    retention=Retention(completed=None, completed_age_s=None, failed=None, failed_age_s=None),
)

names = st.sampled_from(["a", "b", "c", "d", "e", "f"])
priorities = st.sampled_from([0, 1, 5, 5, 5, 10, 100])
delays = st.sampled_from([0, 0, 0, 5, 1500])
picks = st.integers(0, 50)
Answer = TypeVar("Answer")


class Runtime(RuleBasedStateMachine):
    """The commands."""

    url: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.redis = connect(self.url, name="model")
        self.do(self.redis.flushall())
        self.clock = ManualClock(NOW)
        self.client = Client(redis=self.redis, clock=self.clock)
        self.queue = Queue("q", redis=self.redis, clock=self.clock)
        self.letters = DeadLetters("q", redis=self.redis, clock=self.clock)
        self.workers = [
            Hand(self.redis, self.clock, "q", policy=POLICY, lease_ms=LEASE_MS, name=f"w{n}") for n in range(2)
        ]
        self.held: list[tuple[Hand, Claimed]] = []
        self.model = Model(NOW, POLICY.attempts, LEASE_MS)
        self.clock_went_back = False

    def do(self, what: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run_until_complete(what)

    def teardown(self) -> None:
        lost = self.do(Invariants(redis=self.redis, clock=self.clock).unreachable(["q"]))
        self.do(self.redis.aclose())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        assert lost == ()

    # producers

    @rule(
        name=names, priority=priorities, delay=st.sampled_from([0, 0, 0, 5, 1500]), dedup=st.sampled_from([None, "d"])
    )
    def enqueue(self, name: str, priority: int, delay: int, dedup: str | None) -> None:
        queued = self.do(
            self.client.enqueue(
                "work",
                {},
                queue="q",
                job_id=name,
                priority=priority,
                delay_s=delay / 1000,
                dedup=Dedup(dedup) if dedup else None,
            )
        )
        assert (queued.verdict, queued.id) == self.model.enqueue(name, priority, delay, dedup)

    # workers

    @rule(worker=st.integers(0, 1), slots=st.integers(1, 3))
    def claim(self, worker: int, slots: int) -> None:
        hand, model = self.workers[worker], self.model
        claimed = self.do(hand.claim(slots))
        model.recover()
        ready = [] if model.is_paused else [job for job in model.jobs.values() if model.shown(job) == "waiting"]
        assert len(claimed) == min(slots, len(ready))
        taken = [model.jobs[one.id] for one in claimed]
        assert all(job in ready for job in taken)
        if self.clock_went_back:
            ranks = [(job.priority,) for job in taken]
            left = [(job.priority,) for job in ready if job not in taken]
        else:
            ranks = [(job.priority, job.due_ms) for job in taken]
            left = [(job.priority, job.due_ms) for job in ready if job not in taken]
            turns = [((*r, job.order), job.id) for r, job in zip(ranks, taken, strict=True) if job.order is not None]
            assert turns == sorted(turns)
        assert ranks == sorted(ranks)
        assert not ranks or not left or max(ranks) <= min(left)
        for one in claimed:
            assert one.retries == model.jobs[one.id].retries
            assert int((one.record or {}).get("stalls", 0)) == model.jobs[one.id].stalls
            model.claim(one.id, one.token)
            self.held.append((hand, one))
            if model.jobs[one.id].stalls > MAX_STALLS:
                self.end(len(self.held) - 1, "unrecoverable")

    def end(self, at: int, how: str) -> None:
        hand, claimed = self.held.pop(at)
        holds = self.model.holds(claimed.id, claimed.token)
        before = len(hand.lost)
        if how == "complete":
            self.do(hand.complete(claimed))
        elif how == "give_back":
            hand.endings(claimed).given_back()
            self.do(hand.settle())
        else:
            self.do(hand.fail(claimed, Unrecoverable("x") if how == "unrecoverable" else ValueError("x")))
        assert (len(hand.lost) == before) == holds
        if not holds:
            return
        if how == "complete":
            self.model.complete(claimed.id)
        elif how == "give_back":
            self.model.give_back(claimed.id)
        else:
            self.model.fail(claimed.id, final=how == "unrecoverable")

    @precondition(lambda self: self.held)
    @rule(pick=picks, how=st.sampled_from(["complete", "fail", "unrecoverable", "give_back"]))
    def settle(self, pick: int, how: str) -> None:
        """Also by workers that lost their lease long ago."""
        self.end(pick % len(self.held), how)

    @rule(worker=st.integers(0, 1))
    def crash(self, worker: int) -> None:
        self.held = [(hand, one) for hand, one in self.held if hand is not self.workers[worker]]

    @rule(worker=st.integers(0, 1), name=names, priority=priorities)
    def die_at_work(self, worker: int, name: str, priority: int) -> None:
        """What single random steps seldom come to: a job is claimed, its worker dies, another one takes it over."""
        self.enqueue(name, priority, 0, None)
        self.claim(worker, 3)
        self.crash(worker)
        self.pass_time(LEASE_MS)
        self.claim(1 - worker, 3)

    # time

    @rule(ms=st.sampled_from([1, 7, 999, 1000, LEASE_MS, 3_600_000]))
    def pass_time(self, ms: int) -> None:
        self.clock.advance(ms=ms)
        self.model.now_ms = self.clock.now_ms()
        for job_id in self.model.let_leases_run_out():
            self.do(self.redis.delete(KEYS.in_progress(job_id)))

    @rule(ms=st.sampled_from([5_000, 3_600_000]))
    def go_back(self, ms: int) -> None:
        self.clock.advance(ms=-ms)
        self.model.now_ms = self.clock.now_ms()
        self.clock_went_back = True

    # operators

    def word(self, changes: Any, name: str) -> str:
        return "done" if name in changes.done else dict(changes.skipped)[name]

    @rule(pause=st.booleans())
    def pause(self, pause: bool) -> None:
        changed = self.do(self.queue.pause(actor="ops") if pause else self.queue.resume(actor="ops"))
        assert changed == (pause != self.model.is_paused)
        self.model.is_paused = pause

    @rule(name=names)
    def cancel(self, name: str) -> None:
        word = self.word(self.do(self.queue.cancel([name])), name)
        expected = self.model.cancel(name)
        assert word == ("done" if expected == "requested" else expected)

    @rule(name=names)
    def remove(self, name: str) -> None:
        assert self.word(self.do(self.queue.remove([name], actor="ops")), name) == self.model.remove(name)

    @rule(name=names)
    def restore(self, name: str) -> None:
        assert self.word(self.do(self.queue.restore([name])), name) == self.model.restore(name)

    @rule(name=names)
    def retry(self, name: str) -> None:
        assert self.word(self.do(self.queue.retry([name], actor="ops")), name) == self.model.retry(name)

    @rule(name=names)
    def promote(self, name: str) -> None:
        expected = self.model.edit(name, due_ms=self.model.now_ms, only="delayed")
        assert self.word(self.do(self.queue.promote([name])), name) == expected

    @rule(name=names, priority=priorities)
    def reprioritise(self, name: str, priority: int) -> None:
        expected = self.model.edit(name, priority=priority)
        assert self.word(self.do(self.queue.reprioritise([name], priority)), name) == expected

    @rule(name=names, ms=st.sampled_from([0, 500, 4000]))
    def reschedule(self, name: str, ms: int) -> None:
        due_ms = self.model.now_ms + ms
        assert self.word(self.do(self.queue.reschedule([name], due_ms)), name) == self.model.edit(name, due_ms=due_ms)

    @precondition(lambda self: self.model.letters)
    @rule(pick=picks)
    def replay(self, pick: int) -> None:
        entry = list(self.model.letters)[pick % len(self.model.letters)]
        expected = self.model.may_replay(entry)
        replays = self.do(self.letters.replay([entry], actor="ops"))
        if expected == "done":
            self.model.replayed(entry, replays.done[entry])
        else:
            assert replays.skipped == {entry: expected}

    @precondition(lambda self: self.model.letters)
    @rule(pick=picks)
    def discard(self, pick: int) -> None:
        entry = list(self.model.letters)[pick % len(self.model.letters)]
        changes = self.do(self.letters.discard([entry], actor="ops", reason="so"))
        assert self.word(changes, entry) == self.model.discard(entry)

    @precondition(lambda self: self.model.letters)
    @rule(pick=picks)
    def reopen(self, pick: int) -> None:
        entry = list(self.model.letters)[pick % len(self.model.letters)]
        assert self.word(self.do(self.letters.reopen([entry])), entry) == self.model.reopen(entry)

    # what must hold after every step

    async def look(self) -> dict[str, set[str]]:
        pipe = self.redis.pipeline(transaction=True)
        pipe.zrange("q", 0, -1)
        pipe.hkeys(KEYS.active())
        for index in (KEYS.completed(), KEYS.failed(), KEYS.cancelled(), KEYS.dlq(), KEYS.trash()):
            pipe.zrange(index, 0, -1)
        sets = [{member.decode() for member in answer} for answer in await pipe.execute()]
        shown = dict(zip(("queue", "active", "completed", "failed", "cancelled", "dlq", "trash"), sets, strict=True))
        shown["calls"] = {key.decode().removeprefix("arq:job:") async for key in self.redis.scan_iter("arq:job:*")}
        return shown

    @invariant()
    def both_agree(self) -> None:
        model, shown = self.model, self.do(self.look())
        alive = model.ids("waiting", "delayed", "active")
        assert shown["queue"] == shown["calls"] == alive
        assert shown["active"] == model.ids("active")
        for state in ("completed", "failed", "cancelled"):
            assert shown[state] == model.ids(state)
        assert shown["dlq"] == {entry for entry, letter in model.letters.items() if letter.state == "open"}
        assert shown["trash"] == set(model.trash)

    @invariant()
    def the_server_is_sound(self) -> None:
        assert self.do(Invariants(redis=self.redis, clock=self.clock).check("q")) == ()


@pytest.fixture
def machine(redis_server: EmbeddedServer) -> Iterator[type[Runtime]]:
    yield type("Runtime", (Runtime,), {"url": redis_server.url})


def play(machine: type[Runtime], games: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=games,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_runtime_and_its_model_never_part(machine: type[Runtime]) -> None:
    play(machine, games=20, steps=40)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_runtime_and_its_model_never_part_in_ten_thousand_steps(machine: type[Runtime]) -> None:
    play(machine, games=150, steps=80)
