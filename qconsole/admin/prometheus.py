"""What the service adds to the runtime's Prometheus text: gauges that need a look at the queues. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from qconsole.admin.counts import QueueCounts
from qconsole.admin.views import WorkerView
from qconsole.runtime.prometheus import quoted


def gauges(
    counts: Mapping[str, QueueCounts], missing: Iterable[str], workers: Iterable[WorkerView], now_ms: int
) -> str:
    """Return the text of waits, pauses and workers, and which queues can be read and which are `missing`."""
    by_state: dict[str, int] = {}
    for worker in workers:
        by_state[worker.state] = by_state.get(worker.state, 0) + 1
    up = dict.fromkeys(counts, 1) | dict.fromkeys(missing, 0)
    lines = [
        *_gauge(
            "qconsole_queue_up",
            "1 when the queue can be read, 0 when its shard of the cluster is down.",
            [("queue", name, up[name]) for name in sorted(up)],
        ),
        *_gauge(
            "qconsole_oldest_wait_seconds",
            "How long the oldest waiting job has waited.",
            [("queue", name, (found.oldest_wait_ms(now_ms) or 0) / 1000) for name, found in counts.items()],
        ),
        *_gauge(
            "qconsole_queue_paused",
            "1 when the queue is paused.",
            [("queue", name, int(found.pause is not None)) for name, found in counts.items()],
        ),
        *_gauge("qconsole_workers", "Workers by state.", [("state", s, n) for s, n in sorted(by_state.items())]),
    ]
    return "\n".join(lines) + "\n"


def _gauge(name: str, text: str, samples: list[tuple[str, str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"
    for label, value, number in samples:
        yield f"{name}{{{label}={quoted(value)}}} {number:g}"
