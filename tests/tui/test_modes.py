"""Every mode shows what a real server holds."""

import pytest

from tests.tui.conftest import Open, shows

MODES = {
    "overview": ("Queues, worst first", "email", "billing"),
    "queues": ("Health", "webhooks"),
    "queue billing": ("States", "dead letters", "Newest failures", "CardDeclined"),
    "jobs": ("newest first", "mail-waiting"),
    "jobs state:failed queue:billing": ("charge-0", "CardDeclined", "failed"),
    "job charge-003 queue:billing": ("Timeline", "attempt 1", "CardDeclined", "Payload", "4003"),
    "job mail-later": ("It is delayed", "send_email"),
    "dlq": ("Dead letters by error", "CardDeclined", "open in"),
    "dlq queue:billing": ("charge-", "attempts"),
    "schedules": ("Schedules", "Next▴", "on schedule"),
    "flows": ("Flows", "Children done"),
    "workers": ("No worker",),
    "metrics": ("Throughput", "completed"),
    "metrics queue:email": ("Wait", "Run"),
    "operations": ("No operation yet",),
    "audit": ("Audit",),
    "events -kind:progress queue:billing": ("Events", "CardDeclined"),
    "trash": ("The trash is empty",),
    "settings": ("Configuration", "redis_url"),
    "doctor": ("Doctor", "Finding"),
}


@pytest.mark.parametrize("at", MODES)
async def test_a_mode_shows_what_the_server_holds(at: str, open_console: Open) -> None:
    async with open_console(at, size=(150, 48)) as pilot:
        await shows(pilot, *MODES[at])
