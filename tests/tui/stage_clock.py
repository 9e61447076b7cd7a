"""The frozen night's clock, and series that look like traffic."""

from dataclasses import dataclass

NOW_MS = 1_795_489_920_000  # 2026-11-24 03:12:00 UTC
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


@dataclass
class FrozenClock:
    """A clock that stands still unless it is moved."""

    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms


def wave(length: int, *, base: int, swing: int, seed: int = 7) -> tuple[int, ...]:
    """Return a repeatable series that looks like traffic."""
    state, values = seed, []
    for place in range(length):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        values.append(max(0, base + (place * swing // length) - swing // 2 + state % (swing or 1)))
    return tuple(values)
