"""A worker run by hand: claims and settles when told to, so that tests decide what happens between."""

from typing import Any, cast

from redis.asyncio import Redis

from qconsole.clock import Clock
from qconsole.runtime.attempt import Attempt, Endings, place_of
from qconsole.runtime.codec import decode_call
from qconsole.runtime.job_type import JobType
from qconsole.runtime.json_codec import encode_value
from qconsole.runtime.keys import Keys
from qconsole.runtime.lane import Claimed, Entry, Lane, claimed_jobs, turn_limits
from qconsole.runtime.policy import QueuePolicy
from qconsole.runtime.scripts import script


class Hand:
    """A worker's slots on one queue, as far as `attempt.py` and `turn.lua` need them."""

    def __init__(
        self,
        redis: Redis,
        clock: Clock,
        queue: str,
        *,
        slots: int = 100,
        policy: QueuePolicy | None = None,
        lease_ms: int = 60_000,
        name: str = "hand",
    ) -> None:
        self.clock = clock
        self.keys = Keys(queue)
        self.policy = policy or QueuePolicy()
        self.worker_id = name
        self.lost: list[tuple[str, str]] = []
        self._redis, self._slots, self._lease_ms = redis, slots, lease_ms
        self._finished: list[Entry] = []
        self._claims = 0

    def finish(self, entry: Entry, result: bytes | None) -> None:
        """Take an attempt's end; `settle` sends it."""
        entry.result = result or b""
        self._finished.append(entry)

    async def _turn(self, free: int) -> list[Claimed]:
        finished, self._finished = self._finished, []
        self._claims += 1
        token, now_ms = f"{self.worker_id}.{self._claims}", self.clock.now_ms()
        entries = [arg for entry in finished for arg in entry.args()]
        args = (now_ms, self.worker_id, token, free, self._lease_ms, 1, 0, *turn_limits(self.policy), *entries)
        words, claimed, _, _, _ = await script("turn").run(self._redis, (self.keys.queue, self.keys.abort), args)
        for entry, word in zip(finished, words, strict=True):
            if word != b"ok":
                self.lost.append((entry.id, word.decode()))
        return claimed_jobs(token, now_ms, *claimed) if claimed else []

    async def claim(self, limit: int | None = None) -> list[Claimed]:
        """Claim up to `limit` jobs."""
        return await self._turn(self._slots if limit is None else limit)

    async def claim_ids(self, limit: int | None = None) -> list[str]:
        return [claimed.id for claimed in await self.claim(limit)]

    def endings(self, claimed: Claimed, job_type: JobType[Any] | None = None) -> Endings:
        call = decode_call(claimed.payload or b"")
        assert call is not None
        due_ms, priority = place_of(claimed, call.enqueued_ms)
        record = claimed.record or {}
        attempt = Attempt(
            claimed=claimed,
            lane=cast(Lane, self),
            name=call.job_type,
            number=claimed.retries + 1,
            attempts=int(record.get("attempts", self.policy.attempts)),
            enqueued_ms=call.enqueued_ms,
            started_ms=claimed.claimed_ms,
            due_ms=due_ms,
            priority=priority,
            payload=call.payload,
        )
        return Endings(attempt, job_type, self.clock.now_ms())

    async def settle(self) -> None:
        """Send what was finished, claim nothing."""
        await self._turn(0)

    async def complete(self, claimed: Claimed, value: Any = None) -> None:
        self.endings(claimed).completed(encode_value(value))
        await self.settle()

    async def fail(self, claimed: Claimed, error: BaseException) -> None:
        self.endings(claimed).failed(error)
        await self.settle()

    async def run_all(self, value: Any = None) -> list[str]:
        """Claim and complete until nothing is due; return the ids in the order of their claims."""
        ran: list[str] = []
        while claimed := await self.claim():
            for one in claimed:
                await self.complete(one, value)
                ran.append(one.id)
        return ran

    async def fail_all(self, error: BaseException) -> list[str]:
        """Claim once and fail every job; return their ids."""
        claimed = await self.claim()
        for one in claimed:
            await self.fail(one, error)
        return [one.id for one in claimed]
