"""What was done in the frozen night: operations, audit, events, trash, and what the doctor finds."""

from qconsole.admin.views import (
    AuditRow,
    EventRow,
    Finding,
    OperationState,
    OperationView,
    TrashRow,
    Verb,
)
from tests.tui.stage_clock import HOUR_MS, MINUTE_MS, NOW_MS
from tests.tui.stage_jobs import PRINT


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
