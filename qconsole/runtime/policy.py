"""What an author or operator may ask of jobs and queues: frozen, checked when made, the same words everywhere."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

DAY_S: Final = 86_400
MAX_PARTITIONS: Final = 16_384
"""The hash slots of a Redis Cluster: more partitions than slots spread no further."""


def _at_least(name: str, value: float | None, bound: float) -> None:
    if value is not None and not (isinstance(value, int | float) and value >= bound):
        raise ValueError(f"{name} must be at least {bound:g}, got {value!r}")


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same pause before every further attempt."""

    s: float
    jitter: float = 0.0  # 0…1: how much of the pause is drawn at random

    def __post_init__(self) -> None:
        _at_least("the pause", self.s, 0)
        _check_jitter(self.jitter)


@dataclass(frozen=True, slots=True)
class Exponential:
    """A pause that doubles with every attempt, up to `max_s`."""

    s: float
    max_s: float | None = None
    jitter: float = 0.0
    factor: float = 2.0

    def __post_init__(self) -> None:
        _at_least("the first pause", self.s, 0)
        _at_least("max_s", self.max_s, 0)
        _at_least("factor", self.factor, 1)
        _check_jitter(self.jitter)


def _check_jitter(jitter: float) -> None:
    if not 0 <= jitter <= 1:
        raise ValueError(f"jitter must be between 0 and 1, got {jitter!r}")


Backoff = Fixed | Exponential | Callable[[int, BaseException], float]
"""The callable gets the attempt that failed (from 1) and its error, and returns seconds."""


class DedupMode(StrEnum):
    """What happens to a job whose dedup id is already standing."""

    UNTIL_DONE = "until_done"
    THROTTLE = "throttle"
    DEBOUNCE = "debounce"
    KEEP_LAST = "keep_last"


@dataclass(frozen=True, slots=True)
class Dedup:
    """Jobs with the same id are one.

    Args:
        id: what makes two jobs the same.
        mode: `until_done` ignores a second one while the first is not finished, `throttle` for the window, `debounce`
            lets the last one within the window win, `keep_last` runs the newest after the one that runs.
        window_s: for throttle and debounce; with until_done the id is free after it at the latest.
    """

    id: str
    mode: DedupMode | str = DedupMode.UNTIL_DONE
    window_s: float | None = None

    def __post_init__(self) -> None:
        if not self.id or len(self.id) > 512:
            raise ValueError(f"the dedup id must be 1 to 512 characters long, got {self.id[:40]!r}")
        object.__setattr__(self, "mode", DedupMode(self.mode))
        _at_least("window_s", self.window_s, 0.001)
        if self.mode in (DedupMode.THROTTLE, DedupMode.DEBOUNCE) and self.window_s is None:
            raise ValueError(f"dedup mode {self.mode} needs window_s")


@dataclass(frozen=True, slots=True)
class Retention:
    """How many ended jobs are kept, and for how long; None means without bound. Both bounds are exact."""

    completed: int | None = 1_000
    completed_age_s: float | None = DAY_S
    failed: int | None = 10_000
    failed_age_s: float | None = 7 * DAY_S

    def __post_init__(self) -> None:
        for name in ("completed", "completed_age_s", "failed", "failed_age_s"):
            _at_least(name, getattr(self, name), 0)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `max` starts in any window of `per_s` seconds, over all workers."""

    max: int
    per_s: float = 1.0

    def __post_init__(self) -> None:
        _at_least("max", self.max, 1)
        _at_least("per_s", self.per_s, 0.001)

    @property
    def per_ms(self) -> int:
        """The window in milliseconds."""
        return round(self.per_s * 1000)


@dataclass(frozen=True, slots=True)
class Sla:
    """Targets: seconds waiting, running, and both together."""

    queue_s: float | None = None
    run_s: float | None = None
    total_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("queue_s", "run_s", "total_s"):
            _at_least(name, getattr(self, name), 0)


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """What holds for one queue.

    Args:
        concurrency: jobs one worker process runs at once from this queue.
        partitions: how many hash slots the queue is spread over; see `runtime/partitions.py`. Limits and retention are
            divided evenly among them, and `concurrency` is shared.
        global_concurrency: jobs all workers together run at once.
        rate: starts over all workers.
        retention: of ended jobs.
        sla: targets; a job over `total_s` makes a breach event.
        attempts, backoff: for job types that do not say.
    """

    concurrency: int = 10
    partitions: int = 1
    global_concurrency: int | None = None
    rate: Rate | None = None
    retention: Retention = field(default_factory=Retention)
    sla: Sla = field(default_factory=Sla)
    attempts: int = 5
    backoff: Backoff = Exponential(1.0, max_s=3600.0, jitter=0.2)

    def __post_init__(self) -> None:
        _at_least("concurrency", self.concurrency, 1)
        if not 1 <= self.partitions <= MAX_PARTITIONS:
            raise ValueError(f"partitions must be 1 to {MAX_PARTITIONS:,}, got {self.partitions!r}")
        _at_least("global_concurrency", self.global_concurrency, self.partitions)
        if self.rate is not None:
            _at_least("rate.max", self.rate.max, self.partitions)
        _at_least("attempts", self.attempts, 1)
