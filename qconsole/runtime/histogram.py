"""Logarithmic histogram buckets of durations: four to a doubling, so a percentile is at most a fifth off. Pure."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

_LAST_MS: Final = 40 * 86_400_000

BOUNDS_MS: Final = tuple(sorted({round(2 ** (i / 4)) for i in range(128) if 2 ** (i / 4) <= _LAST_MS}))
"""Bucket i holds durations from BOUNDS_MS[i - 1] up to, and not including, BOUNDS_MS[i]."""


def bucket_of(ms: float) -> int:
    """Return the bucket of a duration; a negative one counts as nothing."""
    return bisect_right(BOUNDS_MS, ms)


def bucket_bounds_ms(bucket: int) -> tuple[int, int]:
    """Return the bucket's lower and upper bound; the last bucket's upper bound is its lower one doubled."""
    low = BOUNDS_MS[bucket - 1] if bucket else 0
    return low, BOUNDS_MS[bucket] if bucket < len(BOUNDS_MS) else 2 * low


def percentile_ms(counts: Iterable[tuple[int, int]], fraction: float) -> float | None:
    """Return the duration below which `fraction` of all lie, None without any.

    Args:
        counts: (bucket, how many).
        fraction: 0…1.
    """
    ordered = sorted(counts)
    total = sum(n for _, n in ordered)
    if total == 0:
        return None
    wanted, seen = fraction * total, 0
    for bucket, n in ordered:
        if seen + n >= wanted:
            low, high = bucket_bounds_ms(bucket)
            return low + (high - low) * max(0.0, wanted - seen) / n
        seen += n
    return float(bucket_bounds_ms(ordered[-1][0])[1])
