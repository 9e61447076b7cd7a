"""How producers queue jobs. One script per call under an id chosen here, so that a call sent again after a lost
connection changes nothing: it never queues twice, and never answers "queued" with nothing queued.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Self, TypeVar, Unpack

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from qconsole.clock import Clock
from qconsole.errors import Conflict, JobNotFound, JobTypeNotFound, PayloadTooLarge, RedisUnavailable, UsageError
from qconsole.redis.client import Patient
from qconsole.redis.connect import connect, is_clustered, once
from qconsole.redis.patience import BOUNDED, Patience, is_passing, reason_of
from qconsole.runtime.bulk import Bulk
from qconsole.runtime.changes import chunks
from qconsole.runtime.codec import encode_call
from qconsole.runtime.enqueued import Check, Enqueued, EnqueuedMany, Verdict
from qconsole.runtime.flow import Flow, JobRef, OnFail, Prepared, checked_on_fail, member_args, plan_flow
from qconsole.runtime.job_id import JobIds
from qconsole.runtime.job_type import JobType, Registry
from qconsole.runtime.json_codec import encode_value
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.options import OptionNames, Options, check_job_id, dedup_of, dedup_text, plain_fields, priority_of
from qconsole.runtime.outbox import Outbox
from qconsole.runtime.partitions import Router, partition_names
from qconsole.runtime.payload_store import LARGE_BYTES, PayloadStore, claim_check
from qconsole.runtime.policy import Dedup
from qconsole.runtime.scripts import Executor, Script, script
from qconsole.runtime.server_clock import ServerClock
from qconsole.runtime.spread import Spread

CHUNKS_IN_FLIGHT: Final = 4
_SEEN_EVERY_MS: Final = 30_000
_STAGED_AT_ONCE: Final = 500
_STAGED_MS: Final = 600_000
_NO_OPTIONS: Final = Options()
_VERDICTS: Final = {verdict.encode(): verdict for verdict in Verdict}

Answer = TypeVar("Answer")
Target = JobType[Any] | str


class NotReplicated(RedisUnavailable):
    """The primary has what was written, and no replica confirmed it in time."""

    code = "not_replicated"


class LargePayloads(StrEnum):
    """What happens to a payload over the limit."""

    REFUSE = "refuse"
    CLAIM_CHECK = "claim_check"


class Durability(StrEnum):
    """When a call answers: once the primary has the job, or once a replica has it too."""

    DEFAULT = "default"
    WAIT = "wait"


class Client:
    """Queues jobs.

    Args:
        redis: the connection; the caller closes it.
        clock: where "now" comes from.
        job_types: those that may be named by their name.
        large_payloads: what to do above `large_bytes` (or a job type's own limit); by default `claim_check` with a
            payload store, `refuse` without.
        payload_store: where claim-checked payloads lie.
        durability: when a call answers; `wait` asks for one replica within `replica_timeout_s`.
        patience: how long a call is tried again.
        cluster: job ids carry their queue's hash tag; by default as the connection says.
    """

    def __init__(
        self,
        *,
        redis: Redis,
        clock: Clock | None = None,
        job_types: Iterable[JobType[Any]] = (),
        large_payloads: LargePayloads | str | None = None,
        large_bytes: int = LARGE_BYTES,
        payload_store: PayloadStore | None = None,
        durability: Durability | str = Durability.DEFAULT,
        replica_timeout_s: float = 1.0,
        patience: Patience = BOUNDED,
        cluster: bool | None = None,
    ) -> None:
        self.redis = redis
        self._once = once(redis) if isinstance(redis, Patient) else redis
        self.clock: Clock = clock or ServerClock()
        self.registry = Registry(job_types)
        self.payload_store = payload_store
        self.cluster = is_clustered(redis) if cluster is None else cluster
        if large_payloads is None:
            large_payloads = LargePayloads.CLAIM_CHECK if payload_store else LargePayloads.REFUSE
        self._large_payloads = LargePayloads(large_payloads)
        self.large_bytes = large_bytes
        self._durability = Durability(durability)
        self._replica_timeout_s = replica_timeout_s
        self._patience = patience
        self._ids = JobIds()
        self._router = Router(lambda *command: self._insist(lambda _: _execute(self._once, *command)))
        self._seen_ms: dict[str, int] = {}
        self._owns_redis = False
        if self._large_payloads is LargePayloads.CLAIM_CHECK and payload_store is None:
            raise UsageError("large_payloads='claim_check' needs a payload_store", field="payload_store")

    @classmethod
    async def connect(cls, url: str, **options: Any) -> Self:
        """Return a client with its own connection, its clock set to the server's; options as for the constructor."""
        client = cls(redis=connect(url, name="producer"), **options)
        client._owns_redis = True
        if isinstance(client.clock, ServerClock):
            await client.clock.measure(client.redis)
        return client

    async def read_clock(self) -> int:
        """Return the current instant; a clock that is the server's is set again from time to time."""
        clock = self.clock
        if isinstance(clock, ServerClock) and clock.is_stale:
            await self._insist(lambda _: clock.measure(self._once))
        return clock.now_ms()

    async def aclose(self) -> None:
        """Close the connection that `connect` opened."""
        if self._owns_redis:
            await self.redis.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def enqueue(
        self,
        job_type: Target,
        payload: Any = None,
        *,
        queue: str | None = None,
        job_id: str | None = None,
        key: str | None = None,
        dedup: Dedup | None = None,
        parent: JobRef | None = None,
        on_fail: OnFail | str = OnFail.FAIL_PARENT,
        **options: Unpack[OptionNames],
    ) -> Enqueued:
        """Queue one job.

        Args:
            job_type: a declared job type, or a name.
            payload: the job type's payload model, or a mapping of its fields.
            queue: another queue than the job type's.
            job_id: the caller's own id; a job or kept result of that id answers in its place.
            key: of a partitioned queue: jobs of one key go to one partition, in order. Without one the dedup id chooses
                the partition, else `job_id`, else they take turns. Dedup holds within a partition.
            dedup: another dedup than the job type's.
            parent: a job that has not ended; from now on this one is its child, and no dedup applies to it.
            on_fail: what this job's failure means for the parent.
            options: see `Options`.

        Returns:
            The job that stands for the call; `created` is false when it was there already.

        Raises:
            PayloadInvalid, PayloadTooLarge, UsageError: nothing was queued.
            JobNotFound, Conflict: the parent does not exist, or has ended; nothing was queued.
            RedisUnavailable: Redis did not answer within the deadline; the same call with the same `job_id` is safe.
        """
        wanted = Options(**options) if options else _NO_OPTIONS
        job = await self.prepare(job_type, payload, wanted, queue=queue, job_id=job_id, key=key, dedup=dedup)
        if parent is not None:
            check = Check.FRESH if job_id is None else Check.OWN
            return await self._add_child(job, parent, checked_on_fail(on_fail), check, dedup)
        args: list[Any] = [
            job.now_ms,
            job.id,
            job.call,
            job.priority,
            job.due_ms,
            Check.FRESH if job_id is None else Check.OWN,
            dedup_text(dedup or dedup_of(job.declared, payload)),
            *job.fields,
        ]
        await self._note_queue(job.keys.queue, job.now_ms)
        (answer,) = await self.run_script(script("enqueue"), job.keys, [args], check_at=5)
        return _enqueued(job.keys, answer)

    async def _add_child(
        self, job: Prepared, parent: JobRef, on_fail: OnFail, check: Check, dedup: Dedup | None
    ) -> Enqueued:
        if dedup is not None:
            raise UsageError("a job with a parent cannot have a dedup", field="dedup")
        above = self.keys(parent.queue)
        parent_id = above.wire_id(parent.id)
        member = member_args(job, f"{above.queue}\n{parent_id}", on_fail)
        await self._note_queue(job.keys.queue, job.now_ms)
        args = [job.now_ms, parent_id, check, job.keys.queue, *member]
        (answer,) = await self.run_script(script("add_child"), above, [args], check_at=2)
        word = answer[0].decode()
        if word == "missing":
            raise JobNotFound(
                f"there is no job {parent.id!r} in queue {parent.queue!r} to be a parent", job_id=parent.id
            )
        if word not in list(Verdict):
            raise Conflict(
                f"job {parent.id!r} of queue {parent.queue!r} can have no further child: it is {word}",
                "Add children before their parent ends.",
                job_id=parent.id,
                state=word,
            )
        if above.queue != job.keys.queue:
            await Outbox(above.queue, client=self).forward()
        return _enqueued(job.keys, answer)

    async def add_flow(self, flow: Flow) -> Enqueued:
        """Queue a tree of jobs: a parent waits until its children have ended. All of it is queued, or nothing.

        Args:
            flow: the root. Job types' dedups do not apply in a flow.

        Returns:
            The root; `created` is false, and nothing was added, when its id is taken.

        Raises:
            PayloadInvalid, PayloadTooLarge, UsageError: nothing was queued.
            RedisUnavailable: Redis did not answer within the deadline.
        """
        plan = await plan_flow(flow, self.prepare)
        for queue in {part.keys.queue for part in plan.parts}:
            await self._note_queue(queue, self.clock.now_ms())
        root = plan.parts[0].keys
        staged = await self._stage(root, plan.staged) if plan.staged else ""
        args = [self.clock.now_ms(), Check.OWN, staged, len(plan.staged), *plan.args()]
        (answer,) = await self.run_script(script("add_flow"), root, [args], check_at=1)
        if answer[0] == b"unstaged":
            raise RedisUnavailable("the names of the flow's children expired before the flow was added; nothing was")
        if len(plan.parts) > 1:
            await Outbox(root.queue, client=self).forward()
        return _enqueued(root, answer)

    async def _stage(self, root: Keys, children: list[str]) -> str:
        """Write the names of a flow's children where the script that adds it finds them; returns where."""
        staged = root.staged_flow(self.new_id(self.clock.now_ms()))

        async def send(_: bool) -> None:
            for some in chunks(children, _STAGED_AT_ONCE):
                pipe = self._once.pipeline(transaction=False)
                pipe.hset(staged, mapping=dict.fromkeys(some, "pending"))
                pipe.pexpire(staged, _STAGED_MS)
                await pipe.execute()

        await self._insist(send)
        return staged

    async def enqueue_many(
        self,
        job_type: Target,
        payloads: Iterable[Any],
        *,
        queue: str | None = None,
        job_ids: Iterable[str] | None = None,
        key: Callable[[Any], str] | None = None,
        dedup: Callable[[Any], Dedup | None] | None = None,
        stagger_ms: int = 0,
        **options: Unpack[OptionNames],
    ) -> EnqueuedMany:
        """Queue many jobs of one type with the same options, in chunks.

        Args:
            job_type: a declared job type, or a name.
            payloads: of any length; read as it goes.
            queue: another queue than the job type's.
            job_ids: the callers' own ids, one for each payload.
            key: from a payload; as for `enqueue`.
            dedup: from a payload; by default the job type's.
            stagger_ms: how much later each job is due than the one before; on a partitioned queue on average.
            options: see `Options`.

        Returns:
            The ids that stand for the payloads, in their order, and which of them are no new jobs.

        Raises:
            PayloadInvalid, PayloadTooLarge, UsageError: `index` names the payload; those of earlier chunks are queued.
            RedisUnavailable: Redis did not answer within the deadline.
        """
        if not isinstance(stagger_ms, int) or stagger_ms < 0:
            raise UsageError(f"stagger_ms must be a whole number ≥ 0, got {stagger_ms!r}", field="stagger_ms")
        name, declared, keys = await self._resolve(job_type, queue)
        wanted, now_ms = Options(**options), await self.read_clock()
        own_ids = iter(job_ids) if job_ids is not None else None
        await self._note_queue(keys.queue, now_ms)
        source = iter(payloads)
        if (count := await self._router.count(keys.queue, now_ms)) > 1:
            parts = [self.keys(part) for part in partition_names(keys.queue, count)]
            bulks = [Bulk(self, name, declared, part, wanted, dedup, stagger_ms * count) for part in parts]

            def choose(payload: Any, own_id: str | None) -> int:
                same = bulks[0].dedup_of(payload)
                return self._router.pick(count, key(payload) if key else None, same.id if same else None, own_id)

            answer = await Spread(self, bulks, choose).send(source, own_ids)
            _no_more_ids(own_ids)
            return answer
        bulk = Bulk(self, name, declared, keys, wanted, dedup, stagger_ms)
        while chunks := [c for _ in range(CHUNKS_IN_FLIGHT) if (c := await bulk.next_chunk(source, own_ids))]:
            bulk.note(chunks, await self.run_script(script("enqueue_many"), keys, [chunk.args for chunk in chunks]))
        _no_more_ids(own_ids)
        return bulk.answer()

    async def prepare(
        self,
        job_type: Target,
        payload: Any,
        options: Options,
        *,
        queue: str | None = None,
        job_id: str | None = None,
        key: str | None = None,
        dedup: Dedup | None = None,
    ) -> Prepared:
        """Return a job as the scripts take it, checked; a large payload is put in the store.

        Raises:
            PayloadInvalid, PayloadTooLarge, UsageError: it cannot be queued.
        """
        name, declared, keys = await self._resolve(job_type, queue)
        now_ms = await self.read_clock()
        if (count := await self._router.count(keys.queue, now_ms)) > 1:
            dedup = dedup or dedup_of(declared, payload)
            number = self._router.pick(count, key, dedup.id if dedup else None, job_id)
            keys = self.keys(partition_names(keys.queue, count)[number])
        text = declared.encode(payload) if declared else encode_value(plain_fields(payload))
        return Prepared(
            keys=keys,
            id=keys.wire_id(check_job_id(job_id) if job_id is not None else self.new_id(now_ms)),
            call=encode_call(name, await self.stored(name, declared, text), now_ms),
            priority=priority_of(options, declared),
            due_ms=options.due_ms(now_ms),
            fields=options.fields(now_ms),
            declared=declared,
            now_ms=now_ms,
        )

    async def _resolve(self, job_type: Target, queue: str | None) -> tuple[str, JobType[Any] | None, Keys]:
        """Return a job type's name, its declaration when this process has it, and the keys of its queue."""
        if isinstance(job_type, JobType):
            return job_type.name, job_type, self.keys(queue or job_type.queue)
        if not isinstance(job_type, str) or not job_type:
            raise UsageError(f"job_type must be a declared job type or a name, got {job_type!r}", field="job_type")
        declared = self.registry.get(job_type)
        if queue is None and declared is not None:
            queue = declared.queue
        if queue is None:
            queue = await self._queue_of(job_type)
        return job_type, declared, self.keys(queue)

    async def _queue_of(self, name: str) -> str:
        described = await self._insist(lambda _: _execute(self._once, "HGET", GLOBAL.job_types(), name))
        if described is None:
            raise JobTypeNotFound(
                f"no worker has declared the job type {name!r}",
                "Give queue=… to enqueue it by name anyway.",
                job_type=name,
            )
        return str(orjson.loads(described)["queue"])

    def new_id(self, now_ms: int) -> str:
        """Return an id that no job has."""
        return self._ids.next(now_ms)

    def keys(self, queue: str) -> Keys:
        """Return the keys of a queue as they are on this deployment."""
        return _keys(queue, self.cluster)

    async def stored(self, name: str, declared: JobType[Any] | None, text: bytes) -> bytes:
        """Return what the job carries: its payload, or the reference to it."""
        limit = declared.max_payload_bytes if declared and declared.max_payload_bytes else self.large_bytes
        if len(text) <= limit:
            return text
        if self._large_payloads is LargePayloads.REFUSE or self.payload_store is None:
            raise PayloadTooLarge(
                f"the payload of {name} must be at most {limit:,} bytes of JSON, got {len(text):,}",
                "Store the data elsewhere and send a reference, or configure a payload store.",
                job_type=name,
                bytes=len(text),
            )
        reference, carried = claim_check(text)
        await self.payload_store.put(reference, text)
        return carried

    async def _note_queue(self, queue: str, now_ms: int) -> None:
        if abs(now_ms - self._seen_ms.get(queue, 0)) >= _SEEN_EVERY_MS:
            await self._insist(lambda _: _execute(self._once, "ZADD", GLOBAL.queues(), now_ms, queue))
            self._seen_ms[queue] = now_ms

    async def run_script(
        self, what: Script, keys: Keys, calls: list[list[Any]], *, check_at: int | None = None
    ) -> list[Any]:
        """Run a script of one queue once for each argument list, in one round trip.

        Args:
            what, keys: the script and its queue.
            calls: argument lists.
            check_at: which argument says that the call is sent again; without it the script finds out by itself.
        """

        async def send(again: bool) -> list[Any]:
            if again and check_at is not None:
                for args in calls:
                    args[check_at] = Check.AGAIN
            if len(calls) == 1 and self._durability is Durability.DEFAULT:
                return [await what.run(self._once, (keys.queue, keys.abort), calls[0])]
            return await self._send(what, keys, calls)

        return await self._insist(send)

    async def _send(self, what: Script, keys: Keys, calls: list[list[Any]]) -> list[Any]:
        pipe = self._once.pipeline(transaction=False)
        for args in calls:
            pipe.execute_command("EVALSHA", what.sha, 2, keys.queue, keys.abort, *args)
        if self._durability is Durability.WAIT:
            pipe.execute_command("WAIT", 1, round(self._replica_timeout_s * 1000))
        try:
            answers: list[Any] = await pipe.execute()
        except NoScriptError:
            await what.load(self._once)
            return await self._send(what, keys, calls)
        if self._durability is Durability.WAIT and answers.pop() < 1:
            raise NotReplicated(
                f"no replica confirmed the jobs within {self._replica_timeout_s:g} s; the primary has them",
                "Send the same call with the same job_id again, or use durability='default'.",
                queue=keys.queue,
            )
        return answers

    async def _insist(self, call: Callable[[bool], Awaitable[Answer]]) -> Answer:
        """Make a call that bears repeating until it succeeds; it is told when it is sent again."""
        started, failures = time.monotonic(), 0
        while True:
            try:
                return await call(failures > 0)
            except RedisError as error:
                reason = error.__cause__ if isinstance(error, RedisUnavailable) else error
                if reason is None or not is_passing(reason):
                    raise
                failures += 1
                pause_s, deadline_s = self._patience.pause_s(failures), self._patience.deadline_s
                if deadline_s is not None and time.monotonic() - started + pause_s > deadline_s:
                    if isinstance(error, RedisUnavailable):
                        raise
                    raise RedisUnavailable(f"Redis cannot be used: {reason_of(error)}") from error
            await asyncio.sleep(pause_s)


def _no_more_ids(own_ids: Iterator[str] | None) -> None:
    if own_ids is not None and next(own_ids, None) is not None:
        raise UsageError("job_ids must have one id for each payload, got more", field="job_ids")


@lru_cache(maxsize=1024)
def _keys(queue: str, cluster: bool) -> Keys:
    return Keys(queue, cluster=cluster)


def _enqueued(keys: Keys, answer: list[bytes]) -> Enqueued:
    verdict = _VERDICTS[answer[0]]
    return Enqueued(keys.bare_id(answer[1].decode()), keys.queue, verdict is Verdict.CREATED, verdict)


def _execute(redis: Executor, *command: Any) -> Awaitable[Any]:
    return redis.execute_command(*command)
