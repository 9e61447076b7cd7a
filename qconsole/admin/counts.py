"""Counts of all queues in one call: what the overview, the queue list, the live feed and `why` stand on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from qconsole.admin.backend import Backend
from qconsole.admin.lua_scripts import read_script
from qconsole.admin.views import PauseView
from qconsole.errors import RedisUnavailable

HELD_LOOKED_AT: Final = 50
COUNTED: Final = (
    *("waiting", "delayed", "active", "waiting_children", "completed", "failed", "cancelled"),
    "dead_letters",
)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """One queue's numbers at one instant."""

    name: str
    waiting: int
    delayed: int
    active: int
    waiting_children: int
    completed: int
    failed: int
    cancelled: int
    dead_letters: int
    pause: PauseView | None
    held_until_ms: int | None
    oldest_due_ms: int | None
    completed_minute: int
    failed_minute: int
    completed_minute_before: int
    failed_minute_before: int

    def by_state(self) -> dict[str, int]:
        """Return the count of every job state, and of open dead letters."""
        return {name: getattr(self, name) for name in COUNTED}

    def oldest_wait_ms(self, now_ms: int) -> int | None:
        """Return how long the oldest waiting job has waited."""
        if self.oldest_due_ms is None or not self.waiting:
            return None
        return max(0, now_ms - self.oldest_due_ms)


async def read_counts_apart(backend: Backend, queues: Sequence[str]) -> tuple[dict[str, QueueCounts], dict[str, str]]:
    """Return the counts of the queues that can be read, and of the others why not.

    Only on a cluster can some be read and others not: each is asked for its own, all at once.
    """
    if not backend.cluster:
        return await read_counts(backend, queues), {}
    now_ms = backend.now_ms()
    args = [now_ms, now_ms // 60_000, HELD_LOOKED_AT]

    async def asked(queue: str) -> QueueCounts | str:
        try:
            (answer,) = await backend.quickly(read_script("counts").run(backend.quick, [queue], args))
        except RedisUnavailable as error:
            return str(error)
        return _counts(queue, answer, now_ms)

    found: dict[str, QueueCounts] = {}
    lost: dict[str, str] = {}
    for queue, answer in zip(queues, await asyncio.gather(*map(asked, queues)), strict=True):
        if isinstance(answer, str):
            lost[queue] = answer
        else:
            found[queue] = answer
    return found, lost


async def read_counts(backend: Backend, queues: Sequence[str]) -> dict[str, QueueCounts]:
    """Return the counts of some queues: one call, or one a queue on a cluster."""
    now_ms = backend.now_ms()
    args = [now_ms, now_ms // 60_000, HELD_LOOKED_AT]
    found: dict[str, QueueCounts] = {}
    for group in [[queue] for queue in queues] if backend.cluster else [list(queues)] if queues else []:
        for queue, answer in zip(group, await backend.read("counts", group, args), strict=True):
            found[queue] = _counts(queue, answer, now_ms)
    return found


def _counts(queue: str, answer: list[Any], now_ms: int) -> QueueCounts:
    waiting, delayed, active, children, completed, failed, cancelled, dead = answer[:8]
    pause, hold_ms, oldest, oldest_band, *minutes = answer[8:]
    due = [int(float(score)) for score in (oldest, oldest_band) if score is not None]
    return QueueCounts(
        queue,
        waiting,
        delayed,
        active,
        children,
        completed,
        failed,
        cancelled,
        dead,
        pause=pause_view(pause),
        held_until_ms=now_ms + hold_ms if hold_ms > 0 else None,
        oldest_due_ms=min(due, default=None),
        completed_minute=minutes[0],
        failed_minute=minutes[1],
        completed_minute_before=minutes[2],
        failed_minute_before=minutes[3],
    )


def pause_view(values: list[bytes | None] | None) -> PauseView | None:
    """Return a pause from its fields reason, actor, since_ms, until_ms."""
    if not values:
        return None
    reason, actor, since, until = (None if value is None else value.decode("utf-8", "replace") for value in values)
    return PauseView(
        reason=reason or None,
        actor=actor or None,
        since_ms=int(float(since)) if since else 0,
        until_ms=int(float(until)) if until else None,
    )
