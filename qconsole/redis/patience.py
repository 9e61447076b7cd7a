"""How long, and for which errors, a call to Redis is tried again. Pure: no clock, no Redis."""

import random
import re
import ssl
from dataclasses import dataclass

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

# Answers of a server that is starting, changing roles, or busy: the same call succeeds a little later, often elsewhere.
# Redis 6 wraps what a script ran into: "Error running script (…): @user_script: 1: -READONLY You can't …".
_PASSING = re.compile(
    r"(?:Error running script .*-)?"
    r"(?:BUSY |(?P<elsewhere>CLUSTERDOWN|MASTERDOWN|NOREPLICAS|READONLY|TRYAGAIN|UNBLOCKED))"
)
_FULL_IN_SCRIPT = re.compile(r"Error running script .*-OOM ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Capped exponential backoff with full jitter.

    Args:
        deadline_s: total time for one call, its retries included; None tries for ever.
        first_pause_s: upper bound of the first pause; doubled for each further one.
        max_pause_s: upper bound of any pause.
    """

    deadline_s: float | None
    first_pause_s: float = 0.05
    max_pause_s: float = 1.0

    def pause_s(self, failures: int, chance: float | None = None) -> float:
        """Return how long to wait after this many failures (from 1), drawn between nothing and the bound."""
        bound = min(self.max_pause_s, self.first_pause_s * 2.0 ** min(failures - 1, 32))
        return bound * (random.random() if chance is None else chance)  # noqa: S311


BOUNDED = Patience(deadline_s=10.0)
"""For a person or a script that waits: the CLI, a web request, a producer."""

ENDLESS = Patience(deadline_s=None)
"""For a worker: a lost Redis is never a reason to exit."""

ONCE = Patience(deadline_s=0.0)
"""For a caller that has to know that an answer was lost, and goes on by itself."""


def is_passing(error: BaseException) -> bool:
    """Say whether the same call may succeed a little later."""
    if isinstance(error, AuthenticationError | AuthorizationError):
        return False
    if isinstance(error, ConnectionError):
        return not isinstance(error.__context__, ssl.SSLCertVerificationError)
    if isinstance(error, TimeoutError | BusyLoadingError | ReadOnlyError):
        return True
    return isinstance(error, ResponseError) and _PASSING.match(str(error)) is not None


def is_moved_away(error: BaseException) -> bool:
    """Say whether the error means that another server may be in charge now."""
    if isinstance(error, ReadOnlyError):
        return True
    if isinstance(error, ResponseError):
        found = _PASSING.match(str(error))
        return found is not None and found["elsewhere"] is not None
    return isinstance(error, ConnectionError | TimeoutError)


def is_full(error: BaseException) -> bool:
    """Say whether Redis refused to write because it has reached its memory limit."""
    return isinstance(error, OutOfMemoryError) or (
        isinstance(error, ResponseError) and _FULL_IN_SCRIPT.match(str(error)) is not None
    )


def reason_of(error: RedisError) -> str:
    """Return the error as the second half of a sentence."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, BusyLoadingError):
        return "it is still loading its data"
    if isinstance(error, ReadOnlyError):
        return "it is a read-only replica"
    return str(error).strip().rstrip(".") or type(error).__name__
