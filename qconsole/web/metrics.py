"""Throughput, waits and runs over time, their distribution, and how the targets were kept; Prometheus text too."""

import asyncio
from collections.abc import Sequence

from starlette.responses import PlainTextResponse, Response

from qconsole.admin.commands import cli_command
from qconsole.errors import UsageError
from qconsole.web.visit import Visit, action, page

WINDOWS = ("1h", "6h", "24h", "7d")
THROUGHPUT = ("completed", "failed", "retried")
WAITS = ("wait_p50_ms", "wait_p95_ms")
RUNS = ("run_p50_ms", "run_p95_ms")


def _window(visit: Visit) -> str:
    window = visit.query("window") or "1h"
    if window not in WINDOWS:
        raise UsageError(f"window must be one of {', '.join(WINDOWS)}, got {window[:40]!r}", field="window")
    return window


async def show(visit: Visit) -> Response:
    window, queue, job_type = _window(visit), visit.query("queue") or None, visit.query("type") or None
    series = await visit.admin.metrics.series(queue=queue, job_type=job_type, window=window)
    if visit.wants_json:
        return visit.answer("", view=series, schema="metrics", title="Metrics")
    sla, queues = await asyncio.gather(visit.admin.metrics.sla(window=window), visit.admin.queues.list())
    histograms = await _histograms(visit, queue, window) if queue else ()
    return visit.answer(
        "metrics/page.html",
        view=series,
        schema="metrics",
        title=f"Metrics · {queue or 'all queues'} · {window}",
        section="metrics",
        window=window,
        windows=WINDOWS,
        queue_name=queue or "",
        job_type=job_type or "",
        queues=queues,
        sla=sla,
        only_plain=bool(queues) and not any(known.native for known in queues),
        charts=(("Jobs per minute", THROUGHPUT, "n"), ("Wait", WAITS, "ms"), ("Run", RUNS, "ms")),
        histograms=histograms,
        command=cli_command("metrics", "show", queue=queue, window=window),
        watch="queues",
        period_ms=60_000,
    )


async def _histograms(visit: Visit, queue: str, window: str) -> tuple[tuple[str, Sequence[tuple[int, int]]], ...]:
    waits, runs = await asyncio.gather(
        visit.admin.metrics.histogram(queue, kind="wait", window=window),
        visit.admin.metrics.histogram(queue, kind="run", window=window),
    )
    return (("Wait, how often", waits), ("Run, how often", runs))


async def sla(visit: Visit) -> Response:
    view = await visit.admin.metrics.sla(window=_window(visit))
    return visit.answer("metrics/sla.html", view=view, schema="sla", title="Targets", section="metrics", sla=view)


async def prometheus(visit: Visit) -> Response:
    return PlainTextResponse(await visit.admin.metrics.prometheus(), media_type="text/plain; version=0.0.4")


async def mark(visit: Visit) -> Response:
    label = await visit.text("label")
    if label is None or len(label) > 200:
        raise UsageError("a mark needs a label of at most 200 characters", field="label")
    return visit.applied(await visit.admin.metrics.mark("operator", label))


routes = [
    page("/metrics", show),
    page("/metrics/sla", sla),
    page("/metrics/prometheus", prometheus),
    action("/metrics/mark", mark),
]
