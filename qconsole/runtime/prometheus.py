"""Metrics as Prometheus reads them: exposition format 0.0.4. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qconsole.runtime.histogram import bucket_bounds_ms
from qconsole.runtime.metrics import COUNTERS, Tally, share_within
from qconsole.text import visible

_LE_S: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """One queue: its jobs by state now, and what was counted ever by job type."""

    queue: str
    states: Mapping[str, int]
    ever: Mapping[str, Tally]


def prometheus_text(queues: Sequence[QueueCounts]) -> str:
    """Return the text of a scrape."""
    lines = [
        *_family("qconsole_queue_jobs", "gauge", "Jobs of a queue by state.", _by_state(queues)),
        *_family("qconsole_jobs_total", "counter", "Attempts and ends of jobs.", _by_outcome(queues)),
        *_family("qconsole_sla_breaches_total", "counter", "Jobs over their queue's target.", _breaches(queues)),
        *_histograms(queues, "wait", "From due to start of a job."),
        *_histograms(queues, "run", "From start to end of an attempt."),
    ]
    return "\n".join(lines) + "\n"


Sample = tuple[Mapping[str, str], float]


def _family(name: str, kind: str, words: str, samples: Iterator[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield _line(name, labels, value)


def _by_state(queues: Sequence[QueueCounts]) -> Iterator[Sample]:
    for counts in queues:
        for state, n in counts.states.items():
            yield {"queue": counts.queue, "state": state}, n


def _by_job_type(queues: Sequence[QueueCounts]) -> Iterator[tuple[dict[str, str], Tally]]:
    for counts in queues:
        for job_type, tally in sorted(counts.ever.items()):
            yield {"queue": counts.queue, "job_type": job_type}, tally


def _by_outcome(queues: Sequence[QueueCounts]) -> Iterator[Sample]:
    for labels, tally in _by_job_type(queues):
        for outcome in COUNTERS.values():
            if outcome != "breaches":
                yield labels | {"outcome": outcome}, getattr(tally, outcome)


def _breaches(queues: Sequence[QueueCounts]) -> Iterator[Sample]:
    for labels, tally in _by_job_type(queues):
        yield labels, tally.breaches


def _histograms(queues: Sequence[QueueCounts], kind: str, words: str) -> Iterator[str]:
    name = f"qconsole_job_{kind}_seconds"
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} histogram"
    for labels, tally in _by_job_type(queues):
        counts: dict[int, int] = getattr(tally, kind)
        total = sum(counts.values())
        if not total:
            continue
        for le_s in _LE_S:
            below = round((share_within(counts, round(le_s * 1000)) or 0) * total)
            yield _line(f"{name}_bucket", labels | {"le": f"{le_s:g}"}, below)
        yield _line(f"{name}_bucket", labels | {"le": "+Inf"}, total)
        yield _line(f"{name}_sum", labels, sum(n * sum(bucket_bounds_ms(b)) / 2000 for b, n in counts.items()))
        yield _line(f"{name}_count", labels, total)


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    text = ",".join(f"{label}={quoted(said)}" for label, said in labels.items())
    return f"{name}{{{text}}} {value!r}"


def quoted(text: str) -> str:
    """Return a label's value in the text format; people read it in terminals, so nothing in it steers one."""
    escaped = visible(text, keep_newlines=True).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
