"""How often the screen asks Redis: once a second, less over a slow line, hardly when nobody is there."""

from dataclasses import dataclass

BASE_S = 1.0
REMOTE_S = 3.0
SLOWEST_S = 5.0
IDLE_AFTER_S = 120.0
PAUSED_AFTER_S = 900.0
IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The pause until the next refresh, None for never, and the word that the header shows."""

    every_s: float | None
    word: str


def pace(*, paused: bool, idle_s: float, remote: bool, answer_ms: float, lost: bool = False) -> Pace:
    """Decide the pace.

    Args:
        idle_s: since the last key or mouse event.
        remote: over ssh.
        answer_ms: how long the last refresh took; a slow Redis is asked less often.
    """
    if lost:
        return Pace(2.0, "reconnecting")
    if paused:
        return Pace(None, "paused")
    if idle_s >= PAUSED_AFTER_S:
        return Pace(None, "asleep")
    if idle_s >= IDLE_AFTER_S:
        return Pace(IDLE_S, f"idle {IDLE_S:.0f} s")
    every_s = REMOTE_S if remote else BASE_S
    every_s = min(SLOWEST_S, max(every_s, answer_ms / 1000 * 4))
    return Pace(every_s, f"live {every_s:.0f} s")
