"""The worker that faults happen to: python -m tests.faults.app URL LEDGER [key=value …].

Options: lock_s, concurrency, shutdown_s, queues (comma separated); slow_ms: what every job takes here at least; clock:
a file that holds an offset in seconds by which this host's clock is wrong, read at every look at the clock; die: the
step at which the process kills itself (see DEATHS), `die_after` such steps later.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qconsole.runtime import Context, Fixed, QueuePolicy, Retention, job_type
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.lane import Lane
from tests.faults.ledger import Ledger

DEATHS = ("claimed", "running", "ended", "sent", "settled")
"""Claimed: the claim was answered, no handler started. Running: in the handler. Ended: the handler returned, nobody
knows. Sent: what ended is on its way to Redis. Settled: Redis has answered."""

KEEP_ALL = Retention(None, None, None, None)


class Note(BaseModel):
    """How a job behaves: sleeps `ms`; blocks the event loop instead with `block`; fails its first `fail` attempts."""

    ms: int = 0
    block: bool = False
    fail: int = 0


class Death:
    """Kills this very process at the chosen step; nothing is flushed, closed or said."""

    def __init__(self, ledger: Ledger, step: str = "", after: int = 0) -> None:
        self.ledger = ledger
        self.step = step
        self.left = after

    def at(self, step: str) -> bool:
        """Say whether this is the step and the moment to die."""
        if step == self.step:
            self.left -= 1
        return step == self.step and self.left < 0

    def die_at(self, step: str) -> None:
        """Die, when this is the step and the moment."""
        if self.at(step):
            self.die()

    def die(self) -> None:
        """Die now; only the ledger, which is no part of the worker, is told."""
        self.ledger.write("D", "-")
        os.kill(os.getpid(), signal.SIGKILL)

    def watch_turns(self) -> None:
        """Make the steps between a worker and Redis deadly."""
        call = Lane._call
        death = self

        async def deadly_call(self: Lane, token: str, finished: Any, *rest: Any) -> Any:
            if finished and death.at("sent"):  # runs once the request is written, before its answer is read
                asyncio.get_running_loop().call_soon(death.die)
            answer = await call(self, token, finished, *rest)
            if finished:
                death.die_at("settled")
            if answer[1]:
                death.die_at("claimed")
            return answer

        Lane._call = deadly_call  # type: ignore[method-assign]


def job_types(ledger: Ledger, death: Death, slow_ms: int) -> list[Any]:
    """Return the job types, writing to this ledger."""

    @job_type("note", queue="faults", attempts=5, backoff=Fixed(0.1), timeout_s=60)
    async def note(ctx: Context, payload: Note) -> str:
        ledger.write("S", ctx.id)
        death.die_at("running")
        if payload.block:
            time.sleep(payload.ms / 1000)
        else:
            await asyncio.sleep(max(payload.ms, slow_ms) / 1000)
        if ctx.attempt <= payload.fail:
            raise RuntimeError(f"attempt {ctx.attempt} was to fail")
        ledger.write("E", ctx.id)
        death.die_at("ended")
        return "done"

    return [note]


def skew_clock(path: Path) -> None:
    """Make this process's wall clock wrong by what the file says."""
    right_ns = time.time_ns

    def wrong_ns() -> int:
        return right_ns() + round(float(path.read_text() or 0) * 1e9)

    time.time_ns = wrong_ns
    time.time = lambda: wrong_ns() / 1e9


def main(url: str, ledger: str, *words: str) -> None:
    """Run one worker until it is told to stop."""
    options = dict(word.split("=", 1) for word in words)
    if "clock" in options:
        skew_clock(Path(options["clock"]))
    logging.basicConfig(level=options.get("log", "WARNING"), format="%(asctime)s %(process)d %(name)s %(message)s")
    written = Ledger(Path(ledger))
    death = Death(written, options.get("die", ""), int(options.get("die_after", "0")))
    death.watch_turns()
    policy = QueuePolicy(concurrency=int(options.get("concurrency", "10")), retention=KEEP_ALL)
    worker = Worker(
        job_types=job_types(written, death, int(options.get("slow_ms", "0"))),
        queues={queue: policy for queue in options.get("queues", "faults").split(",")},
        redis_url=url,
        lock_s=float(options.get("lock_s", "60")),
        shutdown_s=float(options.get("shutdown_s", "5")),
        max_stalled=int(options.get("max_stalled", "1000")),
    )
    worker.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
