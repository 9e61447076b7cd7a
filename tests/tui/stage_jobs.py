"""The frozen night's jobs: a million rows made by place, and what is told of one of them."""

from dataclasses import replace

from qconsole.admin.views import (
    AttemptView,
    ErrorView,
    JobRow,
    JobView,
    LogLine,
)
from tests.tui.stage_clock import MINUTE_MS, NOW_MS

PRINT = "7c1e9a41f20b"


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
    elif row.started_ms is not None and row.finished_ms is not None:
        attempts = (AttemptView(1, row.started_ms, row.finished_ms, row.worker, "ok"),)
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
