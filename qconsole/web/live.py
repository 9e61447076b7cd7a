"""One poller for all viewers: counts are read at most twice a second, compared, encoded once, handed to every stream.

It starts with the first viewer and ends with the last. A viewer that reads too slowly loses its backlog and gets the
whole state again (`resync`), so nothing grows. While Redis is away viewers are told so, and since when.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import orjson

from qconsole.clock import Clock
from qconsole.errors import QConsoleError

log = logging.getLogger(__name__)

BACKLOG = 16
LONGEST_PAUSE_S = 5.0
Flat = dict[str, Any]


def flatten(value: Mapping[str, Any], prefix: str = "") -> Flat:
    """Return nested counts under paths joined by `|`, which no key of ours contains."""
    flat: Flat = {}
    for key, inner in value.items():
        path = f"{prefix}|{key}" if prefix else str(key)
        if isinstance(inner, Mapping):
            flat.update(flatten(inner, path))
        else:
            flat[path] = inner
    return flat


def changed(before: Flat, after: Flat) -> Flat:
    """Return what is new or different, and `None` for what is gone."""
    difference = {key: value for key, value in after.items() if before.get(key, _MISSING) != value}
    difference.update({key: None for key in before if key not in after})
    return difference


_MISSING = object()
_ALWAYS = ("at_ms", "redis_ms")


def encode(event: str, data: Mapping[str, Any]) -> bytes:
    """Return one server-sent event."""
    return b"event: " + event.encode() + b"\ndata: " + orjson.dumps(data, default=str) + b"\n\n"


class LiveFeed:
    """Broadcasts changes of a snapshot to any number of subscribers."""

    def __init__(self, *, snapshot: Callable[[], Awaitable[Mapping[str, Any]]], clock: Clock, interval_ms: int) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._interval_s = max(interval_ms, 500) / 1_000
        self._viewers: dict[asyncio.Queue[bytes | None], str] = {}
        self._poller: asyncio.Task[None] | None = None
        self._state: Flat = {}
        self._down: dict[str, Any] | None = None

    @property
    def viewers(self) -> int:
        """Return how many streams are open."""
        return len(self._viewers)

    def viewers_named(self, name: str) -> int:
        """Return how many streams one visitor has open."""
        return sum(other == name for other in self._viewers.values())

    async def subscribe(self, name: str = "") -> AsyncIterator[bytes]:
        """Yield encoded events, the whole state first.

        Args:
            name: of the visitor, to be counted by.
        """
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(BACKLOG)
        self._viewers[queue] = name
        if self._poller is None or self._poller.done():
            self._state, self._down = {}, None
            self._poller = asyncio.create_task(self._poll(), name="qconsole live poller")
        else:
            queue.put_nowait(encode("full", self._state))
        if self._down is not None:
            queue.put_nowait(encode("down", self._down))
        try:
            while True:
                event = await queue.get()
                if event is None:
                    event = encode("resync", self._state)
                yield event
        finally:
            self._viewers.pop(queue, None)
            if not self._viewers:
                await self.stop()

    async def stop(self) -> None:
        """Stop polling; open streams get nothing more."""
        poller, self._poller = self._poller, None
        if poller is not None and poller is not asyncio.current_task():
            poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await poller

    def _broadcast(self, event: bytes) -> None:
        for queue in self._viewers:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    async def _poll(self) -> None:
        pause_s = self._interval_s
        while True:
            try:
                flat = flatten(await self._snapshot())
            except QConsoleError as error:
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                if self._down is None:
                    log.warning("the live feed lost Redis: %s", error.message)
                    self._down = {"message": error.message, "since_ms": self._clock.now_ms()}
                self._broadcast(encode("down", self._down))
            except Exception:
                log.exception("the live feed cannot read its counts")
                pause_s = LONGEST_PAUSE_S
                self._down = self._down or {"message": "the counts cannot be read", "since_ms": self._clock.now_ms()}
                self._broadcast(encode("down", self._down))
            else:
                pause_s = self._interval_s
                first = not self._state or self._down is not None
                difference = flat if first else changed(self._state, flat)
                self._state, self._down = flat, None
                self._broadcast(encode("full" if first else "diff", difference))
            await asyncio.sleep(pause_s)


# About how many commands a live refresh of a page sends to Redis, by the first part of its path.
COSTS: Final[dict[str, int]] = {"": 60, "queues": 50, "jobs": 50, "dlq": 100, "flows": 60}
USUAL_COST: Final = 20


def cost_of(path: str) -> int:
    """Return what a live refresh of a path inside the console costs."""
    return COSTS.get(path.strip("/").partition("/")[0], USUAL_COST)


class RefreshBudget:
    """Bounds what live refreshes of all viewers together ask of Redis; who finds it spent is told to wait.

    A refresh may start while anything is left and then owes its whole cost, so the mean never exceeds `per_s`.
    """

    def __init__(self, *, per_s: float) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at_ms: int | None = None

    def take(self, cost: int, now_ms: int) -> bool:
        """Start a refresh of this many commands, if there is anything left."""
        if self._at_ms is not None:
            self._left = min(self._left + (now_ms - self._at_ms) / 1_000 * self._per_s, self._per_s)
        self._at_ms = now_ms
        if self._left <= 0:
            return False
        self._left -= cost
        return True
