"""The frozen night's schedules, flows and workers."""

from typing import Any

from qconsole.admin.views import (
    FlowNode,
    FlowRow,
    PauseView,
    RunningJob,
    ScheduleView,
    WorkerView,
)
from tests.tui.stage_clock import HOUR_MS, MINUTE_MS, NOW_MS


def schedule_views() -> tuple[ScheduleView, ...]:
    """Return the schedules."""

    def one(
        name: str, queue: str, kind: str, pattern: str, plain: str, step_ms: int, first_ms: int, **more: Any
    ) -> ScheduleView:
        known: dict[str, Any] = {
            "id": name, "queue": queue, "job_type": name.replace("-", "_"), "kind": kind, "pattern": pattern, "plain": plain, "tz": "UTC",  # noqa: E501
            "payload": {}, "paused": False, "pause": None, "next_ms": tuple(first_ms + n * step_ms for n in range(5)),
            "last_ms": first_ms - step_ms, "last_job_id": f"{name}:{first_ms - step_ms}", "last_state": "completed", "missed": 0,  # noqa: E501
            "overlap": "skip", "missed_policy": "once", "start_ms": None, "end_ms": None, "limit": None, "fired": 412, "jitter_s": 0.0,  # noqa: E501
            "source": "code", "differs": (),
        }  # fmt: skip
        return ScheduleView(**{**known, **more})

    return (
        one(
            "sync-impa-catalog",
            "data-import",
            "cron",
            "0 2 * * *",
            "at 02:00 every day",
            24 * HOUR_MS,
            NOW_MS + 22 * HOUR_MS + 48 * MINUTE_MS,
            tz="Europe/Athens",
            payload={"catalog": "impa", "full": False},
        ),
        one(
            "cleanup-expired-sessions",
            "scheduled-tasks",
            "interval",
            "3600",
            "every hour",
            HOUR_MS,
            NOW_MS + 12 * MINUTE_MS,
        ),
        one(
            "retry-bounced-email",
            "email",
            "interval",
            "300",
            "every 5 minutes",
            5 * MINUTE_MS,
            NOW_MS + 3 * MINUTE_MS,
            missed=4,
            last_state="failed",
        ),
        one(
            "monthly-statements",
            "reports",
            "cron",
            "30 6 1 * *",
            "at 06:30 on day 1 of the month",
            30 * 24 * HOUR_MS,
            NOW_MS + 7 * 24 * HOUR_MS,
            paused=True,
            pause=PauseView("until the new template is approved", "mara", NOW_MS - 50 * HOUR_MS, None),
            source="operator",
            differs=("pattern", "tz"),
        ),
    )


def flow_node() -> FlowNode:
    """Return a flow: an import with its documents."""
    children = tuple(
        FlowNode(
            f"doc-{n}",
            "document-processing",
            "process_document",
            state,
            "continue" if n == 3 else "fail_parent",
            (),
            0,
            "OCR found no text on page 2" if state == "failed" else None,
        )
        for n, state in enumerate(("completed", "completed", "failed", "active", "waiting"))
    )
    rows = FlowNode("rows-12", "data-import", "import_rows", "waiting_children", "fail_parent", children, 37)
    return FlowNode(
        "import-12",
        "data-import",
        "finish_import",
        "waiting_children",
        "fail_parent",
        (rows, FlowNode("mail-12", "email", "send_email", "waiting", "ignore")),
    )


FLOWS = (
    FlowRow("import-12", "data-import", "finish_import", "waiting_children", NOW_MS - 12 * MINUTE_MS, 44, 31, 1),
    FlowRow("import-11", "data-import", "finish_import", "completed", NOW_MS - 2 * HOUR_MS, 40, 40, 0),
    FlowRow("statement-2026-10", "reports", "bundle_statements", "failed", NOW_MS - 30 * HOUR_MS, 1_204, 1_190, 14),
)


def worker_views() -> tuple[WorkerView, ...]:
    """Return the workers."""

    def one(name: str, state: str, queues: dict[str, int], running: int, **more: Any) -> WorkerView:
        jobs = tuple(
            RunningJob(f"invoice-{4_179_900 + n}", next(iter(queues)), "charge_invoice", NOW_MS - 400 - n * 1_370, 1,
                {"done": n * 9, "total": 60} if n % 2 else None)
            for n in range(running)
        )  # fmt: skip
        known: dict[str, Any] = {
            "id": name, "host": name.split(":")[0], "pid": 4_021, "version": "0.1.0", "deploy": "a41f2c", "state": state, "queues": queues,  # noqa: E501
            "slots": sum(queues.values()), "running": jobs, "started_ms": NOW_MS - 22 * MINUTE_MS, "heartbeat_ms": NOW_MS - 700,  # noqa: E501
            "done": 182_004, "failed": 412, "rate_per_min": 611.0, "loop_lag_ms": 1.4, "rss_bytes": 148_897_792,
        }  # fmt: skip
        return WorkerView(**{**known, **more})

    return (
        one("web-1:4021", "running", {"billing": 4, "webhooks": 12}, 7),
        one("web-2:3988", "running", {"billing": 4, "webhooks": 12}, 9, loop_lag_ms=412.0),
        one(
            "ocr-1:771",
            "running",
            {"document-processing": 8},
            8,
            done=10_204,
            failed=44,
            rate_per_min=15.5,
            rss_bytes=1_903_230_976,
        ),
        one(
            "ocr-2:804",
            "quiet",
            {"document-processing": 8},
            2,
            done=10_190,
            failed=44,
            rate_per_min=14.0,
            deploy="9f0e1d",
        ),
        one(
            "imports-1:90",
            "lost",
            {"data-import": 4},
            0,
            heartbeat_ms=NOW_MS - 9 * MINUTE_MS,
            done=880,
            failed=0,
            rate_per_min=0.0,
            deploy="9f0e1d",
        ),
    )
