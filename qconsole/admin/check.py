"""`admin.check`: limits for monitors. Each rule is compared with all queues, or with one."""

from collections.abc import Iterable
from typing import Final

from qconsole.admin.counts import read_counts
from qconsole.admin.performance import total
from qconsole.admin.session import Session
from qconsole.admin.shards import sentence
from qconsole.admin.worker_registry import read_plain_workers, read_workers
from qconsole.errors import UsageError

RULES: Final = ("max_failed", "max_waiting", "max_wait", "dlq_max", "min_workers")
Rule = tuple[str, str | None, float]


async def check(session: Session, rules: Iterable[Rule]) -> tuple[tuple[str, bool, str], ...]:
    """Return for each rule its text, whether it holds, and what was found.

    A rule about queues of which one cannot be read, as its shard of a cluster is down, does not hold.

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
        missing = {} if name == "min_workers" else await session.shards.missing(queues)  # workers stand in a registry
        readable = tuple(part for part in queues if part not in missing)
        ok, said = not missing, []
        if readable or not missing:
            found, words = await _found(session, name, readable)
            ok &= found >= limit if name == "min_workers" else found <= limit
            said.append(words)
        if missing:
            said.append(sentence(missing))
        results.append((_rule_text(name, queue, limit), ok, "; ".join(said)))
    return tuple(results)


def _rule_text(name: str, queue: str | None, limit: float) -> str:
    return f"{name.replace('_', '-')} {f'{queue}=' if queue else ''}{limit:g}{' s' if name == 'max_wait' else ''}"


async def _found(session: Session, name: str, queues: tuple[str, ...]) -> tuple[float, str]:
    """Return the number a rule is about, and it in words."""
    if name == "max_wait":
        return await _oldest_wait(session, queues)
    number = await _number(session, name, queues)
    return number, f"{number:,}"


async def _number(session: Session, name: str, queues: tuple[str, ...]) -> int:
    backend = session.backend
    if name == "min_workers":
        ours = await read_workers(backend)
        alive = [w for w in ours + await read_plain_workers(backend, queues, ours) if w.state != "lost"]
        return sum(1 for worker in alive if any(queue in worker.queues for queue in queues))
    if name == "max_failed":
        return sum([total(await session.performance.last_hour(queue)).failed for queue in queues])
    counts = (await read_counts(backend, queues)).values()
    return sum(found.waiting if name == "max_waiting" else found.dead_letters for found in counts)


async def _oldest_wait(session: Session, queues: tuple[str, ...]) -> tuple[float, str]:
    """Return in seconds how long the oldest waiting job of all has waited, and that with its queue."""
    now_ms = session.backend.now_ms()
    counts = await read_counts(session.backend, queues)
    waits = [(wait, queue) for queue, found in counts.items() if (wait := found.oldest_wait_ms(now_ms)) is not None]
    if not waits:
        return 0.0, "nothing waits"
    wait_ms, queue = max(waits)
    return wait_ms / 1000, f"{wait_ms / 1000:,.10g} s in {queue}"
