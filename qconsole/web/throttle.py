"""Slows down guessing: after a few failures a name or an address waits, longer each time. In memory, bounded."""

from collections import OrderedDict
from dataclasses import dataclass

FREE_FAILURES = 5
FIRST_WAIT_MS = 2_000
LONGEST_WAIT_MS = 300_000
MAX_KEYS = 10_000


@dataclass(slots=True)
class _Record:
    failures: int
    last_ms: int


class Throttle:
    """Counts failures by key; a key is forgotten after a quiet `LONGEST_WAIT_MS`."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_ms(self, keys: tuple[str, ...], now_ms: int) -> int:
        """Return how long the next try must wait, by the worst of the keys."""
        return max(self._wait(key, now_ms) for key in keys)

    def _wait(self, key: str, now_ms: int) -> int:
        record = self._records.get(key)
        if record is None or record.failures < FREE_FAILURES:
            return 0
        pause = min(FIRST_WAIT_MS << min(record.failures - FREE_FAILURES, 16), LONGEST_WAIT_MS)
        return max(record.last_ms + pause - now_ms, 0)

    def failed(self, keys: tuple[str, ...], now_ms: int) -> None:
        """Note a failure for every key."""
        for key in keys:
            record = self._records.pop(key, None)
            fresh = record is None or now_ms - record.last_ms > LONGEST_WAIT_MS
            self._records[key] = _Record(1 if fresh or record is None else record.failures + 1, now_ms)
        while len(self._records) > MAX_KEYS:
            self._records.popitem(last=False)

    def succeeded(self, keys: tuple[str, ...]) -> None:
        """Forget the failures of these keys."""
        for key in keys:
            self._records.pop(key, None)
