"""A night on call, frozen: the answers of the admin service at 03:12 UTC, the same in every run.

For pictures, and for tests of how the terminal draws; what verbs do is tested on a real server.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from qconsole.admin.views import (
    AttemptView,
    AuditRow,
    Count,
    DeadLetterGroup,
    DeadLetterRow,
    DeadLetterView,
    ErrorView,
    EventRow,
    Finding,
    FlowNode,
    FlowRow,
    Health,
    JobRow,
    JobView,
    LimitsView,
    LogLine,
    Mark,
    OperationState,
    OperationView,
    Overview,
    Page,
    PauseView,
    Plan,
    QueueView,
    RunningJob,
    ScheduleView,
    Series,
    SlaView,
    TrashRow,
    Verb,
    Why,
    WorkerView,
)

NOW_MS = 1_795_489_920_000  # 2026-11-24 03:12:00 UTC
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
PRINT = "7c1e9a41f20b"


@dataclass
class FrozenClock:
    """A clock that stands still unless it is moved."""

    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms


def wave(length: int, *, base: int, swing: int, seed: int = 7) -> tuple[int, ...]:
    """Return a repeatable series that looks like traffic."""
    state, values = seed, []
    for place in range(length):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        values.append(max(0, base + (place * swing // length) - swing // 2 + state % (swing or 1)))
    return tuple(values)


TRACE = """Traceback (most recent call last):
  File "/app/billing/charge.py", line 41, in charge_invoice
    receipt = await gateway.charge(invoice, idempotency_key=ctx.id)
  File "/usr/lib/python3.11/site-packages/httpx/_client.py", line 1530, in post
    return await self.request("POST", url, **kwargs)
  File "/usr/lib/python3.11/site-packages/httpx/_transports/default.py", line 84, in map_exceptions
    raise mapped_exc(message) from exc
  File "/app/billing/gateway.py", line 88, in charge
    raise PaymentDeclined(f"card_declined for invoice {invoice.number} (gateway {reply.id})")
PaymentDeclined: card_declined for invoice 20417 (gateway ch_3PX9)"""
ERROR = ErrorView(
    "PaymentDeclined", "card_declined for invoice 20417 (gateway ch_3PX9)", TRACE, PRINT, NOW_MS - 4 * MINUTE_MS
)
EARLIER = replace(
    ERROR, message="card_declined for invoice 20417 (gateway ch_3PW2)", traceback=TRACE.replace("ch_3PX9", "ch_3PW2")
)

TYPES = ("charge_invoice", "deliver_webhook", "render_report", "process_document", "send_email", "import_rows")
QUEUES = ("billing", "webhooks", "reports", "document-processing", "email", "data-import")
STATES = (
    "failed",
    "completed",
    "completed",
    "active",
    "waiting",
    "completed",
    "delayed",
    "completed",
    "failed",
    "cancelled",
)


def job_row(number: int) -> JobRow:
    """Return the job at a place of the listing, newest first."""
    state, kind = STATES[number % len(STATES)], (number // 3) % len(TYPES)
    started = NOW_MS - number * 1_700 - 900
    ended = state in {"failed", "completed", "cancelled"}
    failed = state == "failed"
    return JobRow(
        id=f"{TYPES[kind].split('_')[1]}-{4_180_000 - number}",
        queue=QUEUES[kind],
        state=state,
        job_type=TYPES[kind],
        priority=1 if number % 17 == 4 else 5,
        attempts_made=3 if failed else 1 if ended or state == "active" else 0,
        attempts_allowed=3,
        created_ms=started - 4_200,
        due_ms=NOW_MS + 312_000 + number if state == "delayed" else started - 4_200,
        started_ms=started if ended or state == "active" else None,
        finished_ms=started + 820 + number % 700 if ended else None,
        worker=f"web-{number % 4 + 1}" if ended or state == "active" else None,
        error_type="PaymentDeclined" if failed else None,
        error_message=f"card_declined for invoice {20_417 + number} (gateway ch_3PX9)" if failed else None,
        fingerprint=PRINT if failed else None,
        progress={"done": number % 90, "total": 120} if state == "active" else None,
        summary=f'{{"invoice": {20_417 + number}, "amount": "{number % 997}.50", "currency": "EUR"}}',
    )


def job_view(row: JobRow) -> JobView:
    """Return everything about a job."""
    failed = row.state == "failed"
    begin = (row.created_ms or NOW_MS) - 95_000
    attempts: tuple[AttemptView, ...] = ()
    if failed:
        attempts = (
            AttemptView(1, begin + 4_200, begin + 5_410, "web-1", "failed", EARLIER),
            AttemptView(2, begin + 35_400, begin + 36_020, "web-3", "failed", EARLIER),
            AttemptView(3, begin + 96_100, begin + 97_900, "web-2", "failed", ERROR),
        )
        row = replace(row, created_ms=begin, due_ms=begin, started_ms=begin + 96_100, finished_ms=begin + 97_900)
    elif row.started_ms is not None:
        attempts = (
            AttemptView(1, row.started_ms, row.finished_ms, row.worker, "ok" if row.finished_ms else "running"),
        )
    return JobView(
        row=row,
        payload={
            "args": [],
            "kwargs": {
                "invoice": 20_417,
                "amount": "1249.50",
                "currency": "EUR",
                "customer": {"id": "cus_9x1", "name": "Hafenlogistik Süd GmbH", "email": "••••••"},
                "lines": [
                    {"sku": "IMPA 550 112", "text": "Rope, polypropylene, 24 mm", "quantity": 4},
                    {"sku": "IMPA 190 447", "text": "Gloves, cotton, pair", "quantity": 120},
                ],
                "reference": 9_007_199_254_740_993,
                "note": None,
            },
        },
        payload_format="json",
        payload_bytes=612,
        payload_truncated=False,
        editable=True,
        result={"receipt": "rc_551", "captured": True} if row.state == "completed" else None,
        error=ERROR if failed else None,
        attempts=attempts,
        logs_total=4,
        stalls=0,
        timeout_ms=60_000,
        expires_ms=None,
        dedup_id="invoice:20417",
        parent=None,
        children=0,
        schedule=None,
        replay_of=None,
        dead_letter=f"{row.id}~{NOW_MS - 4 * MINUTE_MS}" if failed else None,
        trace="4bf92f3577b34da6",
        redacted=("kwargs.customer.email",),
    )


LOGS = (
    LogLine(NOW_MS - 96_000, 3, "charging 1249.50 EUR to cus_9x1"),
    LogLine(NOW_MS - 95_700, 3, "gateway answered 402 after 1,640 ms"),
    LogLine(NOW_MS - 95_690, 3, '{"decline_code": "insufficient_funds", "network": "visa"}'),
    LogLine(NOW_MS - 95_100, 3, "giving up: no attempt is left"),
)


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
            "12.4% of the last hour's jobs failed",
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
            "no worker serves it since 02:51",
            (604, 0, 0, 51_020, 3, 0),
            workers=0,
            slots=0,
            oldest_wait_ms=728_000,
            series_completed=(*wave(39, base=80, swing=40), *([0] * 21)),
        ),
        queue_view(
            "document-processing",
            Health.SATURATED,
            "all 16 slots are busy and the queue grows",
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
            "paused by mara: supplier feed is broken",
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
            "",
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
            "",
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
            "",
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


def group_views() -> tuple[DeadLetterGroup, ...]:
    """Return the error groups, largest first."""
    return (
        DeadLetterGroup(
            PRINT,
            "PaymentDeclined",
            "card_declined for invoice <n> (gateway <id>)",
            "billing/gateway.py:88 in charge",
            ("billing",),
            ("charge_invoice",),
            40_112,
            40_218,
            NOW_MS - 20 * MINUTE_MS,
            NOW_MS - 800,
            (*([0] * 23), 40_112),
            (f"invoice-4179958~{NOW_MS - MINUTE_MS}", f"invoice-4179930~{NOW_MS - 2 * MINUTE_MS}"),
            "a41f2c",
        ),
        DeadLetterGroup(
            "b03d55e1cc90",
            "TimeoutError",
            "connect to <ip>:443 took longer than <n> s",
            "webhooks/deliver.py:52 in post",
            ("webhooks",),
            ("deliver_webhook",),
            24,
            96,
            NOW_MS - 26 * HOUR_MS,
            NOW_MS - 12_000,
            wave(24, base=1, swing=3),
            ("webhook-88121~1",),
            None,
            "Hermann: their certificate ran out, they know",
        ),
        DeadLetterGroup(
            "e9910c2f7ab4",
            "KeyError",
            "'page'",
            "reports/render.py:88 in render_report",
            ("reports",),
            ("render_report",),
            10,
            10,
            NOW_MS - 31 * HOUR_MS,
            NOW_MS - 4 * MINUTE_MS,
            wave(24, base=0, swing=2),
            ("report-1190~1",),
        ),
        DeadLetterGroup(
            "44aa10d2e6f1",
            "Undecodable",
            "payload is no JSON: unexpected end at byte <n>",
            None,
            ("document-processing",),
            ("process_document",),
            6,
            6,
            NOW_MS - 9 * HOUR_MS,
            NOW_MS - 8 * HOUR_MS,
            (*([0] * 15), 6, *([0] * 8)),
            ("doc-771~1",),
        ),
    )


def letter_row(number: int) -> DeadLetterRow:
    """Return the dead letter at a place of the listing."""
    return DeadLetterRow(
        f"invoice-{4_179_958 - number}~{NOW_MS - MINUTE_MS}",
        f"invoice-{4_179_958 - number}",
        "billing",
        "charge_invoice",
        "attempts",
        "critical",
        "open",
        "PaymentDeclined",
        f"card_declined for invoice {20_417 + number} (gateway ch_3PX9)",
        PRINT,
        3,
        NOW_MS - 30_000 - number * 1_300,
    )


def letter_view(row: DeadLetterRow) -> DeadLetterView:
    """Return everything about a dead letter."""
    job = job_view(replace(job_row(0), id=row.job_id))
    return DeadLetterView(
        row, job.payload, "json", True, ERROR, job.attempts, 0, NOW_MS - 200_000, None, None, None, job.redacted
    )


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


def operation_views() -> tuple[OperationView, ...]:
    """Return the operations, newest first."""
    first = OperationView(
        "op-20261124-0309", Verb.REPLAY, "dlq", OperationState.RUNNING, f"fp:{PRINT} state:open", "mara", "tui", "gateway is back",  # noqa: E501
        NOW_MS - 3 * MINUTE_MS, NOW_MS - 3 * MINUTE_MS + 4_000, None, NOW_MS - 3 * MINUTE_MS, 40_112, 12_300, 4, 0, {"resolved meanwhile": 4},  # noqa: E501
        rate_per_s=100, current_rate_per_s=98.6,
    )  # fmt: skip
    second = OperationView(
        "op-20261124-0255", Verb.DISCARD, "dlq", OperationState.DONE, "fp:44aa10d2e6f1 age>6h", "jonas", "web", "test documents",  # noqa: E501
        NOW_MS - 17 * MINUTE_MS, NOW_MS - 17 * MINUTE_MS, NOW_MS - 17 * MINUTE_MS + 200, NOW_MS - 17 * MINUTE_MS, 12,
        12, 0, 0,
        undo_until_ms=NOW_MS + 23 * HOUR_MS,
    )  # fmt: skip
    third = OperationView(
        "op-20261123-2211", Verb.RETRY, "jobs", OperationState.INTERRUPTED, "queue:webhooks state:failed", "ci", "cli", None,  # noqa: E501
        NOW_MS - 5 * HOUR_MS, NOW_MS - 5 * HOUR_MS, None, NOW_MS - 5 * HOUR_MS, 1_200, 700, 0, 3,
        failures=(("webhook-88121", "it is running"), ("webhook-88122", "it is running"), ("webhook-88130", "it is gone")),  # noqa: E501
    )  # fmt: skip
    return first, second, third


AUDIT = (
    AuditRow(
        "9-0",
        NOW_MS - 3 * MINUTE_MS,
        "mara",
        "operator",
        "tui",
        "dlq replay",
        "billing",
        f"fp:{PRINT} state:open",
        40_112,
        12_300,
        0,
        "gateway is back",
        "op-20261124-0309",
        f"qconsole dlq replay --filter 'fp:{PRINT} state:open' --rate 100 --reason 'gateway is back'",
    ),
    AuditRow(
        "8-0",
        NOW_MS - 17 * MINUTE_MS,
        "jonas",
        "operator",
        "web",
        "dlq discard",
        "document-processing",
        "fp:44aa10d2e6f1 age>6h",
        12,
        12,
        0,
        "test documents",
        "op-20261124-0255",
        None,
    ),
    AuditRow(
        "7-0",
        NOW_MS - 19 * MINUTE_MS,
        "mara",
        "operator",
        "cli",
        "queue pause",
        "data-import",
        None,
        1,
        1,
        0,
        "supplier feed is broken",
        None,
        "qconsole queues pause data-import --reason 'supplier feed is broken' --for 1h",
    ),
    AuditRow(
        "6-0",
        NOW_MS - 5 * HOUR_MS,
        "ci",
        "admin",
        "api",
        "jobs retry",
        "webhooks",
        "queue:webhooks state:failed",
        1_200,
        700,
        3,
        None,
        "op-20261123-2211",
        None,
    ),
)
EVENTS = (
    EventRow(
        "3-0",
        NOW_MS - 9_000,
        "billing",
        "buried",
        "invoice-4179958",
        "PaymentDeclined after 3 attempts",
        {"attempts": 3, "fp": PRINT},
    ),
    EventRow(
        "2-0",
        NOW_MS - 19 * MINUTE_MS,
        "data-import",
        "paused",
        None,
        "paused by mara: supplier feed is broken",
        {"actor": "mara"},
    ),
    EventRow(
        "1-0",
        NOW_MS - 40 * MINUTE_MS,
        "document-processing",
        "stalled",
        "doc-771",
        "its worker died; tried again",
        {"stalls": 1},
    ),
)
TRASH = (
    TrashRow(
        "doc-990",
        "document-processing",
        "process_document",
        "failed",
        NOW_MS - 20 * MINUTE_MS,
        NOW_MS + 23 * HOUR_MS,
        "jonas",
        None,
    ),
    TrashRow(
        "doc-991",
        "document-processing",
        "process_document",
        "waiting",
        NOW_MS - 21 * MINUTE_MS,
        NOW_MS + 23 * HOUR_MS,
        "jonas",
        "op-9",
    ),
)
FINDINGS = (
    Finding(
        "persistence", "bad", "Redis keeps nothing on disk: a restart loses every job.", "Set appendonly yes.", False
    ),
    Finding(
        "stuck_lease",
        "warn",
        "3 leases ended more than a minute ago and were not taken up.",
        "Start a worker of the queue.",
        True,
        3,
        "billing",
    ),
    Finding("eviction", "ok", "maxmemory-policy is noeviction.", "Nothing to do."),
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


def slice_page(make: Any, total: int, cursor: str | None, limit: int, reverse: bool) -> Page[Any]:
    """Return a page of a listing whose rows are made by place."""
    start = int(cursor) if cursor else 0
    places = [total - 1 - n if reverse else n for n in range(start, min(total, start + limit))]
    following = str(start + limit) if start + limit < total else None
    return Page(
        tuple(make(place) for place in places), next=following, total=Count(total), scanned=len(places), as_of_ms=NOW_MS
    )


def whole(rows: Sequence[Any]) -> Page[Any]:
    return Page(tuple(rows), total=Count(len(rows)), scanned=len(rows), as_of_ms=NOW_MS)


@dataclass
class Stage:
    """Answers as `Admin` does; whatever is asked is noted in `asked`."""

    jobs_total: int = 1_000_000
    make_job: Any = job_row
    view_of: Any = job_view
    asked: list[str] = field(default_factory=list)
    fail: Exception | None = None

    def __post_init__(self) -> None:
        self.clock = FrozenClock()
        self.queues = SimpleNamespace(overview=self._overview, list=self._queues, get=self._queue)
        self.jobs = SimpleNamespace(
            page=self._jobs,
            get=self._job,
            why=self._why,
            logs=self._logs,
            similar=self._similar,
            job_types=self._job_types,
            schema=self._schema,
        )
        self.dead_letters = SimpleNamespace(groups=self._groups, page=self._letters, get=self._letter)
        self.schedules = SimpleNamespace(list=self._schedules, get=self._schedule)
        self.flows = SimpleNamespace(page=self._flows, tree=self._tree)
        self.workers = SimpleNamespace(list=self._workers, get=self._worker)
        self.metrics = SimpleNamespace(series=self._series, sla=self._sla, histogram=self._histogram)
        self.operations = SimpleNamespace(
            list=self._operations, get=self._operation, plan=self._plan, run=self._run, start=self._start
        )
        self.audit = SimpleNamespace(page=self._audit)
        self.events = SimpleNamespace(page=self._events)
        self.trash = SimpleNamespace(page=self._trash)
        self.doctor = SimpleNamespace(examine=self._findings)
        self.live = SimpleNamespace(snapshot=self._snapshot)

    async def close(self) -> None:
        self._note("close")

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.fail is not None:
            raise self.fail

    async def _snapshot(self) -> dict[str, Any]:
        self._note("snapshot")
        queues = {q.name: dict(q.counts) for q in queue_views()}
        totals = {
            "queued": 11_269,
            "running": 38,
            "failed": 40_731,
            "dead_letters": 40_152,
            "workers": 5,
            "queues": len(queues),
            "operations": 1,
        }
        return {"at_ms": NOW_MS, "totals": totals, "queues": queues}

    async def _overview(self, **_: Any) -> Overview:
        self._note("overview")
        return Overview(
            "default",
            False,
            11_269,
            38,
            40,
            5_204,
            1_160_000,
            "data-import",
            0.971,
            40_152,
            queue_views(),
            series(),
            0.4,
            (Finding("memory", "warn", "dead letters hold 38 MiB", "Replay or discard them."),),
            NOW_MS,
        )

    async def _queues(self) -> tuple[QueueView, ...]:
        self._note("queues")
        return queue_views()

    async def _queue(self, name: str) -> QueueView:
        return next(q for q in queue_views() if q.name == name)

    async def _jobs(
        self, filter: str = "", *, cursor: str | None = None, limit: int = 50, reverse: bool = False, **_: Any
    ) -> Page[JobRow]:
        self._note(f"jobs {filter} {cursor} {limit} {reverse}")
        every = 10 if "state:failed" in filter else 1
        return slice_page(lambda place: self.make_job(place * every), self.jobs_total // every, cursor, limit, reverse)

    async def _job(self, id: str, **_: Any) -> JobView:
        return self.view_of(
            replace(self.make_job(0), id=id) if not id.startswith("invoice-41799") else replace(job_row(0), id=id)
        )

    async def _why(self, id: str, **_: Any) -> Why:
        return Why(
            "It failed for good: all 3 attempts are used up.",
            "ended",
            (("state", "failed"), ("attempts", "3 of 3")),
            f"qconsole jobs retry {id}",
        )

    async def _logs(self, id: str, **_: Any) -> tuple[LogLine, ...]:
        return LOGS

    async def _similar(self, id: str, **_: Any) -> tuple[JobRow, ...]:
        return tuple(job_row(n) for n in (8, 10, 18))

    async def _job_types(self) -> tuple[dict[str, str], ...]:
        return tuple({"name": name} for name in TYPES)

    async def _schema(self, _job_type: str) -> dict[str, Any]:
        return {"properties": {"invoice": {"type": "integer"}, "amount": {"type": "string"}}, "required": ["invoice"]}

    async def _groups(self, filter: str = "") -> tuple[DeadLetterGroup, ...]:
        self._note("groups")
        return group_views()

    async def _letters(
        self, filter: str = "", *, cursor: str | None = None, limit: int = 50, reverse: bool = False
    ) -> Page[DeadLetterRow]:
        return slice_page(letter_row, 40_112, cursor, limit, reverse)

    async def _letter(self, id: str, **_: Any) -> DeadLetterView:
        return letter_view(replace(letter_row(0), id=id, job_id=id.partition("~")[0]))

    async def _schedules(self, **_: Any) -> tuple[ScheduleView, ...]:
        return schedule_views()

    async def _schedule(self, id: str, **_: Any) -> ScheduleView:
        return next(s for s in schedule_views() if s.id == id)

    async def _flows(self, **_: Any) -> Page[FlowRow]:
        return whole(FLOWS)

    async def _tree(self, id: str, **_: Any) -> FlowNode:
        return flow_node()

    async def _workers(self) -> tuple[WorkerView, ...]:
        return worker_views()

    async def _worker(self, id: str) -> WorkerView:
        return next(w for w in worker_views() if w.id == id)

    async def _series(self, **_: Any) -> Series:
        return series()

    async def _sla(self, **_: Any) -> tuple[tuple[str, SlaView], ...]:
        return tuple((q.name, q.sla) for q in queue_views() if q.sla is not None)

    async def _histogram(self, queue: str, **_: Any) -> tuple[tuple[float, int], ...]:
        return HISTOGRAM

    async def _operations(self, **_: Any) -> tuple[OperationView, ...]:
        return operation_views()

    async def _operation(self, id: str) -> OperationView:
        return next(o for o in operation_views() if o.id == id)

    async def _plan(self, verb: Verb, filter: str, **options: Any) -> Plan:
        operation = replace(
            operation_views()[0],
            state=OperationState.PLANNED,
            done=0,
            skipped=0,
            filter=filter,
            reason=options.get("reason"),
        )
        return Plan(
            operation,
            Count(40_112),
            tuple(job_row(n) for n in (0, 8, 10, 18, 20)),
            (("resolved meanwhile", 4),),
            "count",
            "40112",
            f"qconsole dlq replay --filter '{filter}'",
        )

    async def _start(self, id: str, **_: Any) -> OperationView:
        return operation_views()[0]

    async def _run(self, id: str) -> AsyncIterator[OperationView]:
        operation = operation_views()[0]
        yield operation
        yield replace(operation, state=OperationState.DONE, done=40_108)

    async def _audit(self, *_: Any, **__: Any) -> Page[AuditRow]:
        return whole(AUDIT)

    async def _events(self, **_: Any) -> Page[EventRow]:
        return whole(EVENTS)

    async def _trash(self, **_: Any) -> Page[TrashRow]:
        return whole(TRASH)

    async def _findings(self) -> tuple[Finding, ...]:
        return FINDINGS
