"""A queue's limits and targets as they count now, and where an operator's differ from the code's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from qconsole.admin.backend import Backend
from qconsole.admin.views import LimitsView


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """One queue's config; `None` means without a limit."""

    concurrency: int | None = None
    rate_max: int | None = None
    rate_ms: int | None = None
    sla_queue_ms: int | None = None
    sla_run_ms: int | None = None
    sla_total_ms: int | None = None
    dead_letters_dropped: int = 0
    differs_from_code: bool = False

    @property
    def has_sla(self) -> bool:
        """Whether the queue has any target."""
        return not (self.sla_queue_ms is None and self.sla_run_ms is None and self.sla_total_ms is None)

    def limits(self, held_until_ms: int | None) -> LimitsView:
        """Return the limits as faces show them."""
        window_s = self.rate_ms / 1000 if self.rate_max is not None and self.rate_ms else None
        return LimitsView(self.concurrency, self.rate_max, window_s, held_until_ms, self.differs_from_code)


async def read_configs(backend: Backend, queues: Sequence[str]) -> dict[str, QueueConfig]:
    """Return the config of each queue."""
    if not queues:
        return {}
    async with backend.redis.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.hgetall(backend.keys(queue).config())
        stored = await pipe.execute()
    return {queue: _config(fields) for queue, fields in zip(queues, stored, strict=True)}


def _config(fields: dict[bytes, bytes]) -> QueueConfig:
    code, operator = _json(fields.get(b"code")), _json(fields.get(b"operator"))
    return QueueConfig(
        concurrency=_limit(fields, b"concurrency"),
        rate_max=_limit(fields, b"rate_max"),
        rate_ms=_limit(fields, b"rate_ms"),
        sla_queue_ms=_limit(fields, b"sla_queue_ms"),
        sla_run_ms=_limit(fields, b"sla_run_ms"),
        sla_total_ms=_limit(fields, b"sla_total_ms"),
        dead_letters_dropped=_limit(fields, b"dead_letters_dropped") or 0,
        differs_from_code=any(value is not None and value != code.get(name) for name, value in operator.items()),
    )


def _limit(fields: dict[bytes, bytes], name: bytes) -> int | None:
    try:
        value = int(float(fields[name]))
    except (KeyError, ValueError, OverflowError):
        return None
    return value if value >= 0 else None


def _json(text: bytes | None) -> dict[str, Any]:
    try:
        stored = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) else {}
