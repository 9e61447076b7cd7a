"""Handlers in threads, for work that blocks but lets go of the interpreter. A thread cannot be ended from outside.

A handler whose attempt ended before it did (timeout, cancellation) goes on as a straggler: it keeps its slot until it
returns, whatever it returns is dropped, and the worker shows it. Threads do not keep a process from ending.
"""

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qconsole.runtime.attempt import Attempt

logger = logging.getLogger("qconsole.worker")


@dataclass(slots=True, eq=False)
class Straggler:
    """A thread that outlives its attempt."""

    attempt: "Attempt"
    since_s: float


class Threads:
    """The threads of one worker; used on its event loop only."""

    def __init__(self) -> None:
        self.stragglers: list[Straggler] = []

    async def run(self, attempt: "Attempt", call: Callable[[], bytes]) -> bytes:
        """Run a handler in a thread of its own and return its result as JSON.

        Args:
            attempt: whose lane gives the slot.
            call: runs the handler.

        Raises:
            asyncio.CancelledError: the attempt was cancelled; the thread goes on.
            BaseException: what the handler raised.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        context = contextvars.copy_context()

        def deliver(value: bytes | None, error: BaseException | None) -> None:
            if answer.cancelled():
                self._let_go(attempt)
            elif error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(value or b"null")

        def work() -> None:
            value: bytes | None = None
            error: BaseException | None = None
            try:
                value = context.run(call)
            except StopIteration as stopped:  # no future can carry it
                error = RuntimeError(f"the handler raised StopIteration({stopped.value!r})")
            except BaseException as raised:  # it belongs to the attempt, on the worker's loop
                error = raised
            try:
                loop.call_soon_threadsafe(deliver, value, error)
            except RuntimeError:
                logger.debug("job %s: its thread ended after its worker", attempt.id)

        threading.Thread(target=work, name=f"job {attempt.id}", daemon=True).start()
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.cancelled():
                self._keep(attempt)
            raise

    def _keep(self, attempt: "Attempt") -> None:
        """Note that the thread goes on after its attempt; its slot stays taken."""
        attempt.lane.stragglers += 1
        self.stragglers.append(Straggler(attempt, time.monotonic()))
        logger.warning(
            "job %s:%s has ended (%s), but its thread goes on and keeps its slot until it returns; handlers in threads "
            "should look at ctx.cancelled, or run with executor='process'",
            attempt.id,
            attempt.name,
            attempt.cancelled_by,
        )

    def _let_go(self, attempt: "Attempt") -> None:
        found = next((straggler for straggler in self.stragglers if straggler.attempt is attempt), None)
        if found is None:
            return
        self.stragglers.remove(found)
        attempt.lane.stragglers -= 1
        attempt.lane.wake()
        late_s = time.monotonic() - found.since_s
        logger.warning(
            "job %s:%s: its thread returned %.1f s after its attempt ended", attempt.id, attempt.name, late_s
        )


def straggler_entry(attempt: "Attempt") -> dict[str, Any]:
    """Return what the worker's registry entry says about a thread that outlives its attempt."""
    return {
        "id": attempt.id,
        "queue": attempt.lane.keys.queue,
        "job_type": attempt.name,
        "started_ms": attempt.started_ms,
        "attempt": attempt.number,
        "progress": f"ended ({attempt.cancelled_by}), its thread goes on",
    }
