"""Names a queue's health in one word, with the reason in a few. Pure."""

from dataclasses import dataclass
from typing import Final

from qconsole.admin.views import Health

FAIL_RATE: Final = 0.1
FAIL_COUNT: Final = 5
FEW_ENDED: Final = 20  # below that, ten minutes say little and the hour is judged
FEW_FAIL_RATE: Final = 0.25
FEW_FAIL_COUNT: Final = 2
STALLED_MS: Final = 60_000
SATURATED_MS: Final = 30_000
_ORDER: Final = tuple(Health)


@dataclass(frozen=True, slots=True)
class Signs:
    """What health is judged by."""

    waiting: int
    active: int
    is_paused: bool
    is_held: bool
    workers: int
    slots: int
    oldest_wait_ms: int | None
    ended_1h: int
    failed_1h: int
    failed_recently: int  # last ten minutes
    ended_recently: int
    sla_queue_ms: int | None = None


def judge(signs: Signs) -> tuple[Health, str]:
    """Return the worst that is true."""
    if signs.is_paused:
        return Health.PAUSED, "paused by an operator"
    if signs.failed_recently >= FAIL_COUNT and signs.failed_recently >= FAIL_RATE * max(1, signs.ended_recently):
        return Health.FAILING, f"{signs.failed_recently:,} of {signs.ended_recently:,} failed in ten minutes"
    if signs.ended_recently < FEW_ENDED and signs.failed_1h >= max(FEW_FAIL_COUNT, FEW_FAIL_RATE * signs.ended_1h):
        return Health.FAILING, f"{signs.failed_1h:,} of {signs.ended_1h:,} failed in the last hour"
    if signs.waiting and not signs.workers:
        return Health.NO_WORKERS, "jobs wait and no worker serves the queue"
    oldest_ms = signs.oldest_wait_ms or 0
    if signs.waiting and not signs.active and not signs.is_held and oldest_ms > STALLED_MS:
        return Health.STALLED, f"workers are there, and nothing has been claimed for {oldest_ms // 1000:,} s"
    limit_ms = signs.sla_queue_ms or SATURATED_MS
    if signs.waiting and signs.slots and signs.active >= signs.slots and oldest_ms > limit_ms:
        return (
            Health.SATURATED,
            f"all {signs.slots} slots are busy and the oldest job has waited {oldest_ms // 1000:,} s",
        )
    if not signs.waiting and not signs.active and not signs.ended_1h:
        return Health.IDLE, "nothing to do in the last hour"
    return Health.OK, "held for a rate limit" if signs.is_held else "jobs are worked in time"


def badness(health: Health) -> int:
    """Return a sort key, the worst first."""
    return _ORDER.index(health)
