"""One actor at one backend: who may do what, and what is written down about it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from qconsole.admin.audit_log import FAILED, AuditLog, Change
from qconsole.admin.backend import Backend
from qconsole.admin.commands import cli_command
from qconsole.admin.counts import QueueCounts, read_counts_apart
from qconsole.admin.job_listing import JobListing
from qconsole.admin.job_reader import JobReader
from qconsole.admin.job_types import JobTypes
from qconsole.admin.jobs_page import JobSearch
from qconsole.admin.performance import PerformanceCache
from qconsole.admin.plain_arq import PlainArq
from qconsole.admin.retrying import Retrying
from qconsole.admin.shards import Shards
from qconsole.admin.views import Actor
from qconsole.config import ROLES
from qconsole.errors import Forbidden, QConsoleError, QueueNotFound, RedisUnavailable, UsageError

MAX_REASON: Final = 500


class Shared:
    """What all actors of a process share: the backend and the readers on it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.plain_arq = PlainArq(backend)
        self.shards = Shards(backend)
        self.listing = JobListing(backend, self.plain_arq)
        self.reader = JobReader(backend)
        self.search = JobSearch(backend, self.listing, self.reader)
        self.job_types = JobTypes(backend)
        self.performance = PerformanceCache(backend)
        self.audit = AuditLog(backend)


class Session:
    """What every noun works with.

    Args:
        shared: the backend and its readers.
        actor: in whose name.
    """

    def __init__(self, shared: Shared, actor: Actor) -> None:
        if actor.role not in ROLES:
            raise UsageError(f"a role must be one of {', '.join(ROLES)}, got {actor.role!r}", field="role")
        self.shared = shared
        self.actor = actor
        self.backend = shared.backend
        self.plain_arq = shared.plain_arq
        self.shards = shared.shards
        self.reader = shared.reader
        self.search = shared.search
        self.listing = shared.listing
        self.job_types = shared.job_types
        self.performance = shared.performance
        self.retrying = Retrying(shared.backend)

    def require(self, role: str, what: str) -> None:
        """Refuse an actor whose role is below the one needed.

        Raises:
            Forbidden: it is.
        """
        if ROLES.index(self.actor.role) < ROLES.index(role):
            raise Forbidden(
                f"{what} needs the role {role}, {self.actor.name} has {self.actor.role}",
                "Ask an admin for the role, or for the action.",
                role=self.actor.role,
                needed=role,
            )

    def command(self, noun: str, verb: str, *arguments: str, **options: object) -> str:
        """Return the command line that does the same in this environment."""
        return cli_command(noun, verb, *arguments, env=self.backend.settings.env, **options)  # type: ignore[arg-type]

    def checked_reason(self, reason: str | None, *, needed: bool = False) -> str | None:
        """Return a reason fit to be kept.

        Raises:
            UsageError: it is missing where one is needed, or too long.
        """
        reason = (reason or "").strip() or None
        if needed and reason is None:
            raise UsageError("a reason must be given, got none", "Say why in a few words (--reason).", field="reason")
        if reason is not None and len(reason) > MAX_REASON:
            raise UsageError(f"a reason must have at most {MAX_REASON} characters, got {len(reason)}", field="reason")
        return reason

    @asynccontextmanager
    async def change(
        self, action: str, target: str, *, command: str, reason: str | None = None, matched: int = 1
    ) -> AsyncIterator[Change]:
        """Enter a change in the audit, let the block make it, and take down how it ended.

        A block that raises failed. Its outcome stays unknown when Redis went away, or the block was cut off: it may
        have been made or not.
        """
        log, entry = self.shared.audit, Change(target, command, matched)
        entry_id = await log.begin(
            self.actor, action, target, reason=reason, matched=matched, done=matched, failed=0, command=command
        )
        try:
            yield entry
        except RedisUnavailable:
            raise
        except QConsoleError:
            done = entry.facts.get("done", 0)
            await log.end(entry_id, entry.facts | {"outcome": FAILED, "done": done, "failed": matched - done})
            raise
        said = {"target": target, "done": matched, "failed": 0}
        await log.end(entry_id, {name: fact for name, fact in entry.facts.items() if said.get(name) != fact})

    async def record(
        self,
        action: str,
        target: str,
        *,
        reason: str | None = None,
        filter: str | None = None,
        matched: int = 1,
        done: int = 1,
        failed: int = 0,
        operation: str | None = None,
        command: str | None = None,
    ) -> None:
        """Write one line of the audit about something that changes nothing in a queue: revealing, exporting."""
        await self.shared.audit.append(
            self.actor,
            action,
            target,
            reason=reason,
            filter=filter,
            matched=matched,
            done=done,
            failed=failed,
            operation=operation,
            command=command,
        )

    async def parts_of(self, queue: str | None = None) -> tuple[str, ...]:
        """Return a queue's parts (see `partitions.py`), or every queue when none is named.

        Raises:
            QueueNotFound: there is none of this name.
        """
        if queue is None:
            return await self.plain_arq.queues()
        await self.known_queue(queue)
        return self.plain_arq.partitions.parts(queue)

    async def whole_counts(self, queues: Sequence[str]) -> tuple[dict[str, QueueCounts], dict[str, str]]:
        """Return the counts of queues, partitioned ones as one, and why others, whole or in part, cannot be read."""
        lost = await self.shards.missing(queues)
        counts, lost_since = await read_counts_apart(self.backend, [name for name in queues if name not in lost])
        whole = self.plain_arq.partitions.whole
        missing = {whole(part): reason for part, reason in (lost | lost_since).items()}
        known = {part: found for part, found in counts.items() if whole(part) not in missing}
        return self.plain_arq.partitions.merged(known), missing

    async def known_queue(self, queue: str) -> str:
        """Return a queue's name when there is such a queue.

        Raises:
            QueueNotFound: there is none.
        """
        self.backend.keys(queue)
        if queue not in await self.plain_arq.queues() and not await self.backend.redis.exists(queue):
            raise QueueNotFound(f"there is no queue {queue!r}", "List them with: qconsole queues list", queue=queue)
        return queue
