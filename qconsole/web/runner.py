"""Drives started operations in the background of this process; what is cut short can be resumed from any face."""

import asyncio
import logging

from qconsole.admin.admin import Admin
from qconsole.errors import QConsoleError

log = logging.getLogger(__name__)


class OperationRunner:
    """The operations this process drives, by id."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[None]] = {}

    def drive(self, operation_id: str, admin: Admin) -> None:
        """Drive an operation to its end, unless this process does so already."""
        if operation_id in self._running:
            return
        task = asyncio.create_task(self._run(operation_id, admin), name=f"operation {operation_id}")
        self._running[operation_id] = task
        task.add_done_callback(lambda _: self._running.pop(operation_id, None))

    async def _run(self, operation_id: str, admin: Admin) -> None:
        try:
            async for _ in admin.operations.run(operation_id):
                pass
        except QConsoleError as error:
            log.warning("operation %s stopped: %s", operation_id, error.message)
        except Exception:
            log.exception("operation %s stopped", operation_id)

    async def close(self) -> None:
        """Stop driving; each operation is left as it is, to be resumed."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
