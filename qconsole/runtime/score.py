"""Scores of a queue's ZSET: how a place in the queue is written as one number, and read back. Pure.

The layout is drawn in docs/wire-format.md; `lua/lib_score.lua` writes the same numbers, and a test holds the two
together. Every score of a waiting job is at most "now", so that a plain arq worker may take it.
"""

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_PRIORITY = 5
LOWEST_PRIORITY = 100

EPOCH_MS = 1_704_067_200_000  # 2024-01-01: orders inside a band count from here
BAND_WIDTH = 2**45
BAND_FLOOR = -(2**52)
TICKS_PER_MS = 4096  # places inside one millisecond at the default priority
BAND_TICKS_PER_MS = 32
ABORTED = 1.0  # arq's `Job.abort` moves a future job here


class Place(StrEnum):
    """Which region of the queue a score lies in."""

    BAND = "band"
    DUE = "due"
    FUTURE = "future"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a score says: its region, the job's priority as far as the score knows it, and when the job is due.

    A job in `FUTURE` is active when it is among the queue's leases, else delayed; the score alone cannot tell.
    """

    place: Place
    priority: int
    due_ms: int


def waiting_score(due_ms: int, priority: int = DEFAULT_PRIORITY, tick: int = 0) -> float:
    """Return the score of a job that waits since `due_ms`.

    Args:
        due_ms: UTC epoch milliseconds.
        priority: 0…100, lower first.
        tick: order inside the millisecond: 0…4095 at the default priority, else 0…31.
    """
    check_priority(priority)
    if priority == DEFAULT_PRIORITY:
        return due_ms + tick / TICKS_PER_MS
    return float(BAND_FLOOR + priority * BAND_WIDTH + max(0, due_ms - EPOCH_MS) * BAND_TICKS_PER_MS + tick)


def band(priority: int) -> tuple[int, int]:
    """Return the first and last score of a priority's band; the default priority has none.

    Raises:
        ValueError: the priority is the default, or out of range.
    """
    check_priority(priority)
    if priority == DEFAULT_PRIORITY:
        raise ValueError(f"priority {DEFAULT_PRIORITY} waits by its due time and has no band")
    start = BAND_FLOOR + priority * BAND_WIDTH
    return start, start + BAND_WIDTH - 1


def decode_score(score: float, now_ms: int) -> Decoded:
    """Return what a score of the queue says at `now_ms`."""
    if score < 0:
        priority, order = divmod(int(score) - BAND_FLOOR, BAND_WIDTH)
        return Decoded(Place.BAND, priority, EPOCH_MS + order // BAND_TICKS_PER_MS)
    if score == ABORTED:
        return Decoded(Place.ABORTED, DEFAULT_PRIORITY, int(score))
    return Decoded(Place.DUE if score <= now_ms else Place.FUTURE, DEFAULT_PRIORITY, int(score))


def check_priority(priority: int) -> None:
    """Refuse what is no priority.

    Raises:
        ValueError: not an integer between 0 and 100.
    """
    if not isinstance(priority, int) or isinstance(priority, bool) or not 0 <= priority <= LOWEST_PRIORITY:
        raise ValueError(
            f"priority must be an integer between 0 (first) and {LOWEST_PRIORITY} (last), got {priority!r}"
        )
