"""Prometheus' text format of what the service knows about queues and workers. Pure."""

from collections.abc import Iterable, Mapping

from qconsole.admin.counts import QueueCounts
from qconsole.admin.performance import Point
from qconsole.admin.views import WorkerView


def exposition(
    counts: Mapping[str, QueueCounts], hours: Mapping[str, Point], workers: Iterable[WorkerView], now_ms: int
) -> str:
    """Return the text.

    Args:
        counts: by queue.
        hours: what happened in the last hour, by queue.
        workers: all known.
    """
    lines: list[str] = []

    def gauge(name: str, text: str, samples: Iterable[tuple[dict[str, str], float | None]]) -> None:
        lines.append(f"# HELP qconsole_{name} {text}")
        lines.append(f"# TYPE qconsole_{name} gauge")
        for labels, value in samples:
            if value is not None:
                inside = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
                lines.append(f"qconsole_{name}{{{inside}}} {value:g}")

    states = ("waiting", "delayed", "active", "waiting_children", "completed", "failed", "cancelled")
    gauge(
        "jobs",
        "Jobs by state.",
        [({"queue": q, "state": s}, found.by_state()[s]) for q, found in counts.items() for s in states],
    )
    gauge("dead_letters", "Open dead letters.", [({"queue": q}, c.dead_letters) for q, c in counts.items()])
    gauge(
        "paused", "1 when the queue is paused.", [({"queue": q}, int(c.pause is not None)) for q, c in counts.items()]
    )
    gauge(
        "oldest_wait_seconds",
        "How long the oldest waiting job has waited.",
        [({"queue": q}, (c.oldest_wait_ms(now_ms) or 0) / 1000) for q, c in counts.items()],
    )
    for name, attribute in (("completed", "completed"), ("failed", "failed"), ("retried", "retried")):
        gauge(
            f"{name}_last_hour",
            f"Jobs {name} in the last hour.",
            [({"queue": q}, getattr(point, attribute)) for q, point in hours.items()],
        )
    gauge("sla_breaches_last_hour", "Jobs over their target.", [({"queue": q}, p.breaches) for q, p in hours.items()])
    for kind in ("wait", "run"):
        samples = []
        for queue, point in hours.items():
            for fraction in (0.5, 0.95, 0.99):
                ms = point.wait_ms(fraction) if kind == "wait" else point.run_ms(fraction)
                samples.append(({"queue": queue, "quantile": f"{fraction:g}"}, None if ms is None else ms / 1000))
        gauge(f"{kind}_seconds", f"Percentiles of the {kind} time in the last hour.", samples)
    by_state: dict[str, int] = {}
    for worker in workers:
        by_state[worker.state] = by_state.get(worker.state, 0) + 1
    gauge("workers", "Workers by state.", [({"state": state}, n) for state, n in sorted(by_state.items())])
    return "\n".join(lines) + "\n"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
