"""A furnished Redis for the console's tests: jobs in every state, error groups, hostile text."""

import asyncio
import subprocess
import sys
from typing import Any

from pydantic import BaseModel, Field
from redis import Redis

from qconsole.errors import Unrecoverable
from qconsole.runtime import Client, Context, Exponential, QueuePolicy, Rate, Sla, job_type
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.flow import Flow
from qconsole.runtime.schedule import cron, every

HOSTILE = '<script>alert(1)</script>\x1b[31m[bold]\u202eexe.gpj\x00 & "quoted" {{ 7*7 }}'
BIG = 12345678901234567890123


class Email(BaseModel):
    """Who gets which template."""

    to: str = Field(description="Recipient")
    template: str = "order_confirmation"
    count: int = 1
    password: str = ""
    note: str = ""


class Charge(BaseModel):
    invoice: int
    card: str = "visa"


class Report(BaseModel):
    page: str = "summary"


class CardDeclined(Exception):
    """A payment provider said no."""


@job_type("send_email", queue="email", attempts=3, backoff=Exponential(30, max_s=600), timeout_s=60)
async def send_email(ctx: Context, payload: Email) -> dict[str, Any]:
    ctx.log(f"sending {payload.template} to {payload.to}")
    ctx.log(HOSTILE)
    ctx.progress(40)
    return {"message_id": f"<{ctx.id}@example.com>", "big": BIG}


@job_type("charge_card", queue="billing", attempts=1, severity="critical")
async def charge_card(ctx: Context, payload: Charge) -> None:
    raise CardDeclined(f"card_declined for invoice {payload.invoice} ({payload.card})")


@job_type("render_report", queue="reports", attempts=4, backoff=Exponential(0.05, max_s=600))
async def render_report(ctx: Context, payload: Report) -> None:
    if payload.page == "hostile":
        raise Unrecoverable(HOSTILE)
    raise KeyError(payload.page)


JOB_TYPES = [send_email, charge_card, render_report]
POLICIES = {
    "email": QueuePolicy(concurrency=10, rate=Rate(1_000, per_s=1), sla=Sla(queue_s=5, run_s=60, total_s=120)),
    "billing": QueuePolicy(concurrency=5),
    "reports": QueuePolicy(concurrency=5),
}


SCHEDULES = [
    cron("morning-digest", "30 7 * * 1-5", job_type=send_email, payload=Email(to="all@example.com"), tz="Europe/Oslo"),
    every("hourly-report", 3_600, job_type=render_report, payload=Report(page="hourly")),
]


async def work(url: str) -> None:
    """Run what is due, once."""
    worker = Worker(
        job_types=JOB_TYPES,
        queues=POLICIES,
        schedules=SCHEDULES,
        redis_url=url,
        burst=True,
        deploy="a41f2c",
        name="stage",
        handle_signals=False,
        max_burst_jobs=-1,
    )
    try:
        await worker.main()
    finally:
        await worker.close()


async def furnish(url: str, *, emails: int = 30, charges: int = 24) -> None:
    """Fill an empty Redis."""
    async with await Client.connect(url, job_types=JOB_TYPES) as client:
        for i in range(emails):
            await client.enqueue(
                send_email, Email(to=f"user{i}@example.com", password="hunter2"), job_id=f"mail-{i:03d}"
            )
        for i in range(charges):
            await client.enqueue(charge_card, Charge(invoice=4_000 + i), job_id=f"charge-{i:03d}")
        await client.enqueue(render_report, Report(page="index"), job_id="report-001")
        await client.enqueue(render_report, Report(page="hostile"), job_id="report-hostile")
        await work(url)
        pages = [Flow(send_email, Email(to=f"page{i}@example.com"), job_id=f"page-{i}") for i in range(4)]
        branch = Flow(render_report, Report(page="part"), job_id="flow-part", children=pages)
        await client.add_flow(Flow(render_report, Report(page="all"), job_id="flow-root", children=[branch]))
        await client.enqueue(send_email, Email(to="later@example.com"), job_id="mail-later", delay_s=3_600)
        await client.enqueue(send_email, Email(to="bulk@example.com"), job_id="mail-bulk", delay_s=7_200, priority=50)
        waiting = Email(to="queue@example.com", note=HOSTILE, password="hunter2", count=BIG)
        await client.enqueue(send_email, waiting, job_id="mail-waiting")
        for i in range(3):
            await client.enqueue(
                "deliver_webhook", {"url": f"https://example.com/{i}"}, queue="webhooks", job_id=f"hook-{i}"
            )


class Furniture:
    """The furnished state as it was left by `furnish`, to be put back as often as a test wants."""

    def __init__(self, url: str, *words: str) -> None:
        self.url = url
        self._redis = Redis.from_url(url)
        self._redis.flushall()
        subprocess.run([sys.executable, "-m", "tests.web.stage", url, *words], check=True, capture_output=True)
        keys = self._redis.keys("*")
        with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.dump(key)
                pipe.pttl(key)
            answers = pipe.execute()
        found = zip(keys, answers[::2], answers[1::2], strict=True)
        self._kept = [kept for kept in found if kept[1] is not None]  # a key may end between its name and its content

    def put_back(self) -> None:
        """Empty the server and fill it as it was."""
        self._redis.flushall()
        with self._redis.pipeline(transaction=False) as pipe:
            for key, content, ttl_ms in self._kept:
                pipe.restore(key, max(ttl_ms, 0), content)
            pipe.execute()

    def close(self) -> None:
        self._redis.close()


if __name__ == "__main__":
    asyncio.run(furnish(sys.argv[1], **{name: int(n) for name, n in (word.split("=") for word in sys.argv[2:])}))
