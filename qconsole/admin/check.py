"""`admin.check`: limits for monitors. Each rule is compared with all queues, or with one."""

from collections.abc import Iterable
from typing import Final

from qconsole.admin.counts import read_counts
from qconsole.admin.performance import total
from qconsole.admin.session import Session
from qconsole.admin.worker_registry import read_plain_workers, read_workers
from qconsole.errors import UsageError

RULES: Final = ("max_failed", "max_waiting", "max_wait", "dlq_max", "min_workers")
Rule = tuple[str, str | None, float]


async def check(session: Session, rules: Iterable[Rule]) -> tuple[tuple[str, bool, str], ...]:
    """Return for each rule its text, whether it holds, and what was found.

    Args:
        rules: (name, queue or None for all, limit): `max_failed` in the last hour, `max_waiting`, `max_wait` in
            seconds, `dlq_max`, `min_workers`.

    Raises:
        QueueNotFound, UsageError
    """
    results = []
    for name, queue, limit in rules:
        if name not in RULES:
            raise UsageError(f"a rule must be one of {', '.join(RULES)}, got {name!r}", field="rule")
        queues = await session.parts_of(queue)
        found, where = await _found(session, name, queues)
        ok = found >= limit if name == "min_workers" else found <= limit
        unit = " s" if name == "max_wait" else ""
        text = f"{name.replace('_', '-')} {f'{queue}=' if queue else ''}{limit:g}{unit}"
        results.append((text, ok, f"{found:,.10g}{unit}{f' in {where}' if where else ''}"))
    return tuple(results)


async def _found(session: Session, name: str, queues: tuple[str, ...]) -> tuple[float, str]:
    """Return the number a rule is about, and the queue it stands for when it is one queue's."""
    backend = session.backend
    if name == "min_workers":
        ours = await read_workers(backend)
        alive = [w for w in ours + await read_plain_workers(backend, queues, ours) if w.state != "lost"]
        return float(sum(1 for worker in alive if any(queue in worker.queues for queue in queues))), ""
    if name == "max_failed":
        failed = {queue: total(await session.performance.last_hour(queue)).failed for queue in queues}
        return float(sum(failed.values())), ""
    counts = await read_counts(backend, queues)
    if name == "max_waiting":
        return float(sum(found.waiting for found in counts.values())), ""
    if name == "dlq_max":
        return float(sum(found.dead_letters for found in counts.values())), ""
    now_ms = backend.now_ms()
    waits = {queue: (found.oldest_wait_ms(now_ms) or 0) / 1000 for queue, found in counts.items()}
    oldest = max(waits, key=lambda queue: waits[queue], default="")
    return waits.get(oldest, 0.0), oldest
