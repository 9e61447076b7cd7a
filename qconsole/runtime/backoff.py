"""How long until the next attempt. Pure: chance comes in."""

import math
from typing import Any

from qconsole.runtime.policy import Backoff, Exponential, Fixed


def pause_ms(backoff: Backoff, attempt: int, error: BaseException, chance: float) -> int:
    """Return the pause before the next attempt.

    Args:
        backoff: the policy; a callable that does not return a number of seconds ≥ 0 is refused.
        attempt: the attempt that failed, from 1.
        error: what it failed with.
        chance: 0…1, drawn by the caller.

    Raises:
        ValueError: a callable returned something else.
    """
    if isinstance(backoff, Fixed):
        seconds, jitter = backoff.s, backoff.jitter
    elif isinstance(backoff, Exponential):
        # 2^1000 overflows; no bound that matters is that far away
        seconds, jitter = backoff.s * backoff.factor ** min(attempt - 1, 64), backoff.jitter
        if backoff.max_s is not None:
            seconds = min(seconds, backoff.max_s)
    else:
        seconds, jitter = backoff(attempt, error), 0.0
        if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"a backoff must return seconds, a number of at least 0, got {seconds!r}")
    return round(seconds * (1 - jitter * chance) * 1000)


def backoff_to_plain(backoff: Fixed | Exponential) -> dict[str, Any]:
    """Return the policy as stored in a job's record."""
    if isinstance(backoff, Fixed):
        return {"kind": "fixed", "s": backoff.s, "jitter": backoff.jitter}
    return {
        "kind": "exponential",
        "s": backoff.s,
        "max_s": backoff.max_s,
        "jitter": backoff.jitter,
        "factor": backoff.factor,
    }


def backoff_from_plain(plain: dict[str, Any]) -> Fixed | Exponential:
    """Return the policy of a job's record.

    Raises:
        ValueError: it is not one.
    """
    fields = {name: value for name, value in plain.items() if name != "kind"}
    try:
        return Fixed(**fields) if plain["kind"] == "fixed" else Exponential(**fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"a backoff must be fixed or exponential, got {plain!r}") from error
