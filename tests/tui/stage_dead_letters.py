"""The frozen night's dead letters: their groups, and forty thousand entries made by place."""

from dataclasses import replace

from qconsole.admin.views import (
    DeadLetterGroup,
    DeadLetterRow,
    DeadLetterView,
)
from tests.tui.stage_clock import HOUR_MS, MINUTE_MS, NOW_MS, wave
from tests.tui.stage_jobs import ERROR, PRINT, job_row, job_view


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
