"""Slows down guessing: after a few failures a name or an address waits, longer each time. In memory, bounded."""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

FREE_FAILURES = 5
FIRST_WAIT_MS = 2_000
LONGEST_WAIT_MS = 300_000
MAX_KEYS = 10_000


@dataclass(slots=True)
class _Record:
    failures: int
    last_ms: int


@dataclass(slots=True)
class Attempt:
    """One try; `right` is set when the password was."""

    right: bool = False


def network_of(address: str) -> str:
    """Return what one guesser can choose addresses from: of IPv6 the /64, of IPv4 the address; other text as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


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

    @contextmanager
    def attempt(self, name: str, client: str, now_ms: int) -> Iterator[Attempt]:
        """Count a try as failed while it runs, so that tries at the same time count too.

        One that was right forgets the failures of the name, and of the client only itself: who may sign in has no more
        guesses at other names. One that could not be checked was none.
        """
        self.failed((name, client), now_ms)
        attempt = Attempt()
        try:
            yield attempt
        except BaseException:
            self._take_back(name)
            self._take_back(client)
            raise
        if attempt.right:
            self._records.pop(name, None)
            self._take_back(client)

    def _take_back(self, key: str) -> None:
        record = self._records.get(key)
        if record is not None:
            record.failures -= 1

    def failed(self, keys: tuple[str, ...], now_ms: int) -> None:
        """Note a failure for every key."""
        for key in keys:
            record = self._records.pop(key, None)
            fresh = record is None or now_ms - record.last_ms > LONGEST_WAIT_MS
            self._records[key] = _Record(1 if fresh or record is None else record.failures + 1, now_ms)
        while len(self._records) > MAX_KEYS:
            self._records.popitem(last=False)
