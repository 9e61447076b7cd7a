"""`admin.workers`: who serves which queues, and remote quiet, resume and stop."""

import orjson

from qconsole.admin.noun import Noun
from qconsole.admin.views import Applied, WorkerView
from qconsole.admin.worker_registry import read_plain_workers, read_workers
from qconsole.errors import CapabilityMissing, WorkerNotFound
from qconsole.runtime.keys import GLOBAL

COMMAND_KEPT_S = 60


class Workers(Noun):
    """The registry of workers."""

    async def list(self) -> tuple[WorkerView, ...]:
        """Return all workers, plain arq's as one entry a queue."""
        ours = await read_workers(self._backend)
        return ours + await read_plain_workers(self._backend, await self._session.plain_arq.queues(), ours)

    async def get(self, worker_id: str) -> WorkerView:
        """Return one worker.

        Raises:
            WorkerNotFound: none of this id has a heartbeat.
        """
        for view in await self.list():
            if view.id == worker_id:
                return view
        raise WorkerNotFound(
            f"there is no worker {worker_id!r}", "List them with: qconsole workers list", worker=worker_id
        )

    async def quiet(self, worker_id: str, *, reason: str | None = None) -> Applied:
        """Let a worker finish what it runs and claim nothing more."""
        return await self._command(worker_id, "quiet", "told to claim nothing more", reason)

    async def resume(self, worker_id: str, *, reason: str | None = None) -> Applied:
        """Let a quiet worker claim again."""
        return await self._command(worker_id, "resume", "told to claim again", reason)

    async def stop(self, worker_id: str, *, reason: str | None = None) -> Applied:
        """Let a worker finish what it runs, as long as its patience lasts, and exit."""
        return await self._command(worker_id, "stop", "told to stop", reason)

    async def _command(self, worker_id: str, verb: str, done: str, reason: str | None) -> Applied:
        self._session.require("operator", f"the command {verb} for workers")
        reason = self._session.checked_reason(reason)
        worker = await self.get(worker_id)
        if worker.state == "plain arq":
            raise CapabilityMissing(
                f"workers of plain arq take no commands, and {worker_id!r} is one", "Send its process a signal."
            )
        key = GLOBAL.commands(worker_id)
        async with (
            self._change(f"workers.{verb}", worker_id, worker_id, reason=reason) as entry,
            self._backend.redis.pipeline(transaction=True) as pipe,
        ):
            pipe.rpush(key, orjson.dumps({"command": verb}))
            pipe.expire(key, COMMAND_KEPT_S)
            await pipe.execute()
        return entry.applied(f"Worker {worker_id} was {done}.")
