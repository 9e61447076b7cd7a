"""The frozen night's queues, their traffic and their histogram."""

from collections.abc import Sequence
from typing import Any

from qconsole.admin.views import (
    Health,
    LimitsView,
    Mark,
    PauseView,
    QueueView,
    Series,
    SlaView,
)
from tests.tui.stage_clock import MINUTE_MS, NOW_MS, wave


def queue_view(name: str, health: Health, reason: str, counts: Sequence[int], **more: Any) -> QueueView:
    """Return a queue; counts are waiting, delayed, active, completed, failed, dead letters."""
    waiting, delayed, active, completed, failed, dead = counts
    known: dict[str, Any] = {
        "workers": 4,
        "slots": 20,
        "busy": active,
        "oldest_wait_ms": None,
        "fail_rate_1h": 0.0,
        "throughput_per_min": 0.0,
        "p50_wait_ms": 12.0,
        "p95_wait_ms": 180.0,
        "p95_run_ms": 940.0,
        "pause": None,
        "limits": LimitsView(None, None, None, None),
        "sla": None,
        "series_completed": (),
        "series_failed": (),
        "bytes_estimate": 4_182_016,
    }
    return QueueView(
        name=name,
        health=health,
        health_reason=reason,
        native=True,
        counts={
            "waiting": waiting,
            "delayed": delayed,
            "active": active,
            "waiting_children": 0,
            "completed": completed,
            "failed": failed,
            "cancelled": 0,
            "dead_letters": dead,
        },
        **{**known, **more},
    )


def queue_views() -> tuple[QueueView, ...]:
    """Return the queues, worst first."""
    return (
        queue_view(
            "billing",
            Health.FAILING,
            "2,610 of 21,050 failed in ten minutes",
            (1_180, 24, 8, 96_412, 40_218, 40_112),
            workers=2,
            slots=8,
            oldest_wait_ms=41_000,
            fail_rate_1h=0.124,
            throughput_per_min=212.0,
            p95_wait_ms=38_200.0,
            sla=SlaView(5, 60, 120, 0.871, 0.0, 1_204),
            series_completed=wave(60, base=210, swing=60),
            series_failed=(*([0] * 40), *wave(20, base=26, swing=30, seed=3)),
        ),
        queue_view(
            "email",
            Health.NO_WORKERS,
            "jobs wait and no worker serves the queue",
            (604, 0, 0, 51_020, 3, 0),
            workers=0,
            slots=0,
            oldest_wait_ms=728_000,
            series_completed=(*wave(39, base=80, swing=40), *([0] * 21)),
        ),
        queue_view(
            "document-processing",
            Health.SATURATED,
            "all 16 slots are busy and the oldest job has waited 432 s",
            (9_310, 12, 16, 20_411, 88, 6),
            workers=4,
            slots=16,
            oldest_wait_ms=432_000,
            fail_rate_1h=0.002,
            throughput_per_min=31.0,
            p95_wait_ms=391_000.0,
            p95_run_ms=28_400.0,
            series_completed=wave(60, base=31, swing=12),
            series_failed=wave(60, base=0, swing=2),
            sla=SlaView(30, 60, 120, 0.962, 0.11, 88),
        ),
        queue_view(
            "data-import",
            Health.PAUSED,
            "paused by an operator",
            (51, 0, 0, 880, 0, 0),
            workers=1,
            slots=4,
            oldest_wait_ms=1_160_000,
            pause=PauseView("supplier feed is broken", "mara", NOW_MS - 19 * MINUTE_MS, NOW_MS + 41 * MINUTE_MS),
            series_completed=(*wave(41, base=12, swing=6), *([0] * 19)),
        ),
        queue_view(
            "webhooks",
            Health.OK,
            "jobs are worked in time",
            (88, 1_204, 9, 610_552, 412, 24),
            workers=5,
            slots=50,
            oldest_wait_ms=2_100,
            fail_rate_1h=0.004,
            throughput_per_min=1_180.0,
            series_completed=wave(60, base=1_180, swing=220),
            series_failed=wave(60, base=4, swing=6),
            sla=SlaView(5, 30, 60, 0.9991, 0.91, 12),
        ),
        queue_view(
            "reports",
            Health.OK,
            "jobs are worked in time",
            (12, 4, 3, 3_204, 10, 10),
            slots=4,
            oldest_wait_ms=900,
            fail_rate_1h=0.001,
            throughput_per_min=4.2,
            p95_run_ms=8_800.0,
            series_completed=wave(60, base=4, swing=4),
            series_failed=wave(60, base=0, swing=1),
        ),
        queue_view(
            "notifications",
            Health.IDLE,
            "nothing to do in the last hour",
            (0, 0, 0, 14_020, 0, 0),
            workers=2,
            slots=10,
            series_completed=(*wave(20, base=3, swing=4), *([0] * 40)),
        ),
    )


MARKS = (Mark(NOW_MS - 22 * MINUTE_MS, "deploy", "a41f2c"),)


def series(minutes: int = 60) -> Series:
    """Return the traffic of all queues."""
    at = tuple(NOW_MS - (minutes - 1 - n) * MINUTE_MS for n in range(minutes))
    late = minutes // 3
    return Series(
        at,
        {
            "completed": tuple(map(float, wave(minutes, base=1_700, swing=360))),
            "failed": tuple(map(float, (*([3] * (minutes - late)), *wave(late, base=240, swing=180, seed=5)))),
            "retried": tuple(map(float, wave(minutes, base=20, swing=18, seed=9))),
            "wait_p50_ms": tuple(map(float, wave(minutes, base=14, swing=8))),
            "wait_p95_ms": tuple(map(float, wave(minutes, base=900, swing=700))),
            "run_p50_ms": tuple(map(float, wave(minutes, base=240, swing=60))),
            "run_p95_ms": tuple(map(float, wave(minutes, base=1_900, swing=500))),
        },
        60,
        MARKS,
    )


HISTOGRAM = (
    (1.0, 0),
    (2.0, 4),
    (5.0, 90),
    (10.0, 610),
    (20.0, 2_210),
    (50.0, 1_880),
    (100.0, 640),
    (500.0, 120),
    (5_000.0, 44),
    (30_000.0, 12),
)
