"""`admin.doctor`: looks for what is wrong and would stay wrong, says how to mend it, and mends what is safe to mend."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Final

from qconsole.admin.audit_log import Change
from qconsole.admin.counts import QueueCounts, read_counts
from qconsole.admin.doctor_server import server_findings, short_reason
from qconsole.admin.noun import Noun
from qconsole.admin.operation_record import OperationStore
from qconsole.admin.partitions import Partitions, sum_of_counts
from qconsole.admin.queue_limits import read_configs
from qconsole.admin.views import Finding, OperationState
from qconsole.admin.worker_registry import read_plain_workers, read_workers
from qconsole.errors import RedisUnavailable, UsageError
from qconsole.runtime.keys import ABORT, JOB_PREFIX

LOOKED_AT: Final = 10_000
BATCH: Final = 500
STUCK_MS: Final = 60_000
OVERDUE_MS: Final = 120_000
ABORT_OLD_MS: Final = 86_400_000
DEAD_BYTES_WARN: Final = 64 * 2**20
SAMPLE: Final = 20
OUTBOX_WARN_MS: Final = 60_000
FIXABLE: Final = ("lost_jobs", "stale_aborts")


class Doctor(Noun):
    """Findings about Redis, the queues and the workers; a partitioned queue's are one."""

    @property
    def _partitions(self) -> Partitions:
        return self._session.plain_arq.partitions

    async def examine(self) -> tuple[Finding, ...]:
        """Return what was found, the worst first."""
        findings = list(await server_findings(self._backend))
        try:
            findings += await self._contents()
        except RedisUnavailable as error:  # a shard is down: what its servers said is worth more than an error
            text = f"The queues cannot be examined: {short_reason(error)}."
            findings.append(Finding("unexamined", "bad", text, "Mend what is wrong with Redis first."))
        order = ("bad", "warn", "ok")
        return tuple(sorted(findings, key=lambda finding: order.index(finding.level)))

    async def _contents(self) -> list[Finding]:
        queues = await self._session.plain_arq.queues()
        counts = await read_counts(self._backend, queues)
        findings = await self._workers(counts)
        for whole in self._partitions.wholes(queues):
            findings += await self._queue_findings(whole)
        findings += await self._aborts(queues)
        findings += await self._dead_letters_found(counts)
        return findings + await self._operations()

    async def _workers(self, counts: dict[str, QueueCounts]) -> list[Finding]:
        ours = await read_workers(self._backend)
        findings = [
            Finding(
                "lost_worker",
                "warn",
                f"Worker {worker.id}{f' on {worker.host}' if worker.pid else ''} has sent no heartbeat lately.",
                "Its jobs run again by themselves when their leases end; start another worker.",
            )
            for worker in ours
            if worker.state == "lost"
        ]
        serving = ours + await read_plain_workers(self._backend, counts, ours)
        served = {queue for worker in serving if worker.state != "lost" for queue in worker.queues}
        unserved = {queue: found for queue, found in counts.items() if queue not in served}
        for queue, found in self._whole_where_all(unserved).items():
            if found.waiting:
                text = f"{found.waiting:,} jobs wait in {queue} and no worker serves it."
                mend = "Start one: qconsole worker SETTINGS"
                findings.append(Finding("no_worker", "warn", text, mend, count=found.waiting, queue=queue))
        return findings

    def _whole_where_all(self, counts: dict[str, QueueCounts]) -> dict[str, QueueCounts]:
        """Return counts with the parts of a queue summed where all of them are there."""
        found = dict(counts)
        for whole in self._partitions.wholes(counts):
            parts = self._partitions.parts(whole)
            if counts.keys() >= set(parts):
                found[whole] = sum_of_counts(whole, [found.pop(part) for part in parts])
        return found

    async def _queue_findings(self, queue: str) -> list[Finding]:
        """Return what is wrong with a queue, with that of all its parts as one; its schedules lie in the first."""
        findings, parts = [], self._partitions.parts(queue)
        keys, now_ms, redis = self._backend.keys(queue), self._backend.now_ms(), self._backend.redis
        stuck = 0
        for part in parts:
            stuck += int(await redis.zcount(self._backend.keys(part).leases(), "-inf", now_ms - STUCK_MS))
        if stuck:
            text = f"The leases of {stuck:,} jobs of {queue} ran out and nobody has taken them up."
            mend = "Start a worker for the queue, or resume it: the next claim takes them up."
            findings.append(Finding("stuck_leases", "bad", text, mend, count=stuck, queue=queue))
        lost = [job_id for part in parts for job_id in await self._lost(part)]
        if lost:
            many = f"{len(lost):,}{' or more' if len(lost) >= LOOKED_AT else ''} ids in {queue} have no job"
            one = f"1 id in {queue} has no job"
            text = f"{one if len(lost) == 1 else many} any more (the payload expired)."
            mend = "Remove the ids: qconsole doctor --fix"
            findings.append(Finding("lost_jobs", "warn", text, mend, True, len(lost), queue))
        due = await redis.zrange(keys.schedules_due(), 0, 0, withscores=True)
        if due and now_ms - due[0][1] > OVERDUE_MS:
            text = f"Schedule {due[0][0].decode('utf-8', 'replace')} of {queue} should have fired and did not."
            findings.append(Finding("overdue", "warn", text, "Start a worker for the queue.", count=1, queue=queue))
        waiting = 0
        for part in parts:
            outbox = self._backend.keys(part).outbox()
            first = await redis.xrange(outbox, count=1)
            if first and now_ms - int(first[0][0].partition(b"-")[0]) > OUTBOX_WARN_MS:
                waiting += int(await redis.xlen(outbox))
        if waiting:
            text = f"{waiting:,} effects of {queue} on other queues have not been forwarded."
            mend = "Start a worker for the queue; its leader forwards them."
            findings.append(Finding("outbox", "warn", text, mend, count=waiting, queue=queue))
        return findings

    async def _lost(self, queue: str) -> list[str]:
        """Return ids of the queue that have neither a job nor a lease, of the first so many."""
        lost: list[str] = []
        for start in range(0, LOOKED_AT, BATCH):
            ids = await self._backend.redis.zrange(queue, start, start + BATCH - 1)
            texts = [job_id.decode("utf-8", "replace") for job_id in ids]
            async with self._backend.redis.pipeline(transaction=False) as pipe:
                for text in texts:
                    pipe.exists(JOB_PREFIX + text)
                kept = await pipe.execute() if texts else []
            lost += [text for text, is_kept in zip(texts, kept, strict=True) if not is_kept]
            if len(ids) < BATCH:
                break
        return lost

    def _abort_keys(self, queues: Iterable[str]) -> list[str]:
        return sorted({self._backend.keys(queue).abort for queue in queues} or {ABORT})

    async def _aborts(self, queues: tuple[str, ...]) -> list[Finding]:
        """Find abort requests for jobs that are long gone: arq would cancel a new job of the same id."""
        old = 0
        for key in self._abort_keys(queues):
            old += len(await self._stale(key))
        if not old:
            return []
        aborts = (
            "1 abort request is older than a day and stands"
            if old == 1
            else f"{old:,} abort requests are older than a day and stand"
        )
        text = f"{aborts} for no job; a new one of that id would end."
        return [Finding("stale_aborts", "warn", text, "Forget them: qconsole doctor --fix", True, old)]

    async def _stale(self, key: str) -> list[bytes]:
        limit_ms = self._backend.now_ms() - ABORT_OLD_MS
        members: list[bytes] = await self._backend.redis.zrangebyscore(key, "-inf", limit_ms, start=0, num=LOOKED_AT)
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for member in members:
                pipe.exists(JOB_PREFIX.encode() + member)
            kept = await pipe.execute() if members else []
        return [member for member, is_kept in zip(members, kept, strict=True) if not is_kept]

    async def _dead_letters_found(self, counts: dict[str, QueueCounts]) -> list[Finding]:
        findings = []
        configs = await read_configs(self._backend, list(counts))
        for queue, found in self._partitions.merged(counts).items():
            parts = self._partitions.parts(queue)
            dropped = sum(configs[part].dead_letters_dropped for part in parts)
            if dropped:
                text = f"{dropped:,} dead letters of {queue} were dropped: there were more than 100,000."
                findings.append(
                    Finding("dead_letters_dropped", "warn", text, "Drain them sooner.", count=dropped, queue=queue)
                )
            size = 0
            for part in parts:
                size += await self._dead_letter_bytes(part, counts[part].dead_letters)
            if size > DEAD_BYTES_WARN:
                text = f"{found.dead_letters:,} dead letters of {queue} take about {size >> 20:,} MiB."
                mend = f"Replay or discard them: qconsole dlq groups --filter queue:{queue}"
                findings.append(Finding("dead_letter_bytes", "warn", text, mend, count=found.dead_letters, queue=queue))
        return findings

    async def _dead_letter_bytes(self, queue: str, count: int) -> int:
        """Estimate by the newest few."""
        keys = self._backend.keys(queue)
        entries = await self._backend.redis.zrevrange(keys.dlq(), 0, SAMPLE - 1) if count else []
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for entry in entries:
                pipe.memory_usage(keys.dead_letter(entry.decode("utf-8", "replace")))
            sizes = [size or 0 for size in await pipe.execute()] if entries else []
        return sum(sizes) * count // len(sizes) if sizes else 0

    async def _operations(self) -> list[Finding]:
        active = await OperationStore(self._backend).active()
        return [
            Finding(
                "interrupted",
                "warn",
                f"Operation {view.id} ({view.verb.value} {view.noun}) stopped at {view.done:,} of {view.matched:,}.",
                f"Go on with it: qconsole operations resume {view.id}",
            )
            for view in active
            if view.state is OperationState.INTERRUPTED
        ]

    async def fix(self, codes: Iterable[str] | None = None) -> tuple[Finding, ...]:
        """Mend what is fixable, and return what is found afterwards.

        Args:
            codes: which findings; all that are fixable by default.

        Raises:
            UsageError: one of them cannot be mended here.
        """
        self._session.require("operator", "mending")
        chosen = tuple(codes) if codes is not None else FIXABLE
        wrong = [code for code in chosen if code not in FIXABLE]
        if wrong:
            raise UsageError(f"{wrong[0]!r} cannot be mended here", f"Fixable are {', '.join(FIXABLE)}.", field="codes")
        queues = await self._session.plain_arq.queues()
        if "lost_jobs" in chosen:
            for queue in queues:
                await self._remove_lost(queue)
        if "stale_aborts" in chosen:
            await self._forget_aborts(queues)
        return await self.examine()

    async def _remove_lost(self, queue: str) -> None:
        lost = await self._lost(queue)
        if lost:
            keys = self._backend.keys(queue)
            async with self._mending("doctor.lost_jobs", queue, len(lost)) as entry:
                changes = await self._queue(queue).remove(
                    [keys.bare_id(job_id) for job_id in lost], actor=self._session.actor.name, trash_ms=0
                )
                entry.note(done=len(changes.done))

    def _mending(self, action: str, target: str, matched: int) -> AbstractAsyncContextManager[Change]:
        command = self._session.command("", "doctor", fix=True)
        return self._session.change(action, target, command=command, matched=matched)

    async def _forget_aborts(self, queues: tuple[str, ...]) -> None:
        for key in self._abort_keys(queues):
            stale = await self._stale(key)
            if stale:
                async with self._mending("doctor.stale_aborts", key, len(stale)):
                    await self._backend.redis.zrem(key, *stale)
