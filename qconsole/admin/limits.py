"""Bounds on what may be asked for at once, and the sentences that say so. Pure."""

from typing import Final

from qconsole.errors import UsageError

MAX_LIMIT: Final = 1_000


def checked_limit(limit: int) -> int:
    """Return the size of a page.

    Raises:
        UsageError: it is no whole number between 1 and 1,000.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_LIMIT:
        raise UsageError(f"limit must be a whole number from 1 to {MAX_LIMIT:,}, got {limit!r}", field="limit")
    return limit
