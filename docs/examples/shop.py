"""A shop's jobs: retries, priorities, a rate limit, deduplication, a flow and schedules, in one file that runs.

python docs/examples/shop.py redis://localhost:6379/0                        places orders
qconsole worker shop.WorkerSettings --redis redis://localhost:6379/0         runs them (from this file's folder)
"""

import asyncio
import sys
from typing import Any

import pydantic

from qconsole.runtime import (
    Client,
    Context,
    Dedup,
    Exponential,
    Flow,
    QueuePolicy,
    Rate,
    Retention,
    Sla,
    Unrecoverable,
    cron,
    every,
    job_type,
)


class Order(pydantic.BaseModel):
    """A payload: checked when it is queued, and again before it runs."""

    order_id: str
    cents: int = pydantic.Field(gt=0)


class Item(pydantic.BaseModel):
    order_id: str
    sku: str


@job_type(
    "charge",
    queue="payments",
    attempts=5,
    backoff=Exponential(1, max_s=60, jitter=0.2),  # about 1, 2, 4, 8 s between attempts
    timeout_s=30,
    dedup=lambda order: Dedup(f"charge:{order.order_id}"),  # a second one is ignored until this one has ended
    severity="critical",
)
async def charge(ctx: Context, order: Order) -> dict[str, Any]:
    """Take the money. The order's id is the idempotency key, as a job may run twice."""
    if order.order_id.startswith("test-"):
        raise Unrecoverable("a test order is never charged")  # a dead letter at once, without further attempts
    if order.order_id == "1007" and ctx.attempt < 3:
        raise ConnectionError("the payment gateway timed out")  # any error: tried again after the backoff
    # RetryLater(20) would put this job off, RateLimited(20) its whole queue; neither counts as an attempt
    return {"charged": order.cents}


@job_type("pick", queue="warehouse")
async def pick(ctx: Context, item: Item) -> str:
    """Take one item off its shelf."""
    ctx.log(f"shelf of {item.sku}")
    return item.sku


@job_type("pack", queue="warehouse", priority=0)
async def pack(ctx: Context, payload: dict[str, Any]) -> dict[str, Any]:
    """Run when all items are picked, before picking goes on: 0 is first, 5 the default, 100 last."""
    picked = await ctx.children_results()
    ctx.progress(100)
    return {"order_id": payload["order_id"], "items": sorted(picked.values())}


@job_type("close_day", queue="warehouse")
async def close_day(ctx: Context, payload: dict[str, Any]) -> None:
    """Run by the clock."""
    ctx.log(f"report for {payload.get('branch', 'all')}")


class WorkerSettings:
    """What `qconsole worker` runs. An arq class's own `functions` and `cron_jobs` may stand beside it."""

    job_types = (charge, pick, pack, close_day)
    queues = {  # noqa: RUF012  (a settings class is read, never changed)
        "payments": QueuePolicy(concurrency=5, rate=Rate(10, per_s=1), sla=Sla(total_s=60)),
        "warehouse": QueuePolicy(concurrency=20, retention=Retention(completed=500)),
    }
    schedules = (
        cron("close-day", "30 18 * * mon-fri", job_type=close_day, tz="Europe/Berlin"),
        every("stock", 900, job_type=close_day, payload={"branch": "stock"}, missed="skip"),
    )


async def place_orders(client: Client) -> None:
    """Queue a few orders in each way there is."""
    first = await client.enqueue(charge, Order(order_id="1001", cents=4_900))
    again = await client.enqueue(charge, {"order_id": "1001", "cents": 4_900})
    print(f"charge of 1001 is job {first.id}; asked for twice, it is {again.verdict}: {again.id == first.id}")

    many = await client.enqueue_many(charge, [Order(order_id=str(n), cents=n) for n in range(1002, 1012)])
    print(f"{len(many.ids)} more charges in one call")

    later = await client.enqueue(charge, Order(order_id="test-1", cents=1), delay_s=2, priority=9)
    print(f"{later.id} runs in two seconds, and will be a dead letter")

    items = [Flow(pick, Item(order_id="1001", sku=sku)) for sku in ("anchor", "rope", "shackle")]
    flow = await client.add_flow(Flow(pack, {"order_id": "1001"}, children=items))
    print(f"{flow.id} packs when {len(items)} items are picked: qconsole flows show {flow.id}")


async def main(url: str) -> None:
    """Place orders at a Redis."""
    async with await Client.connect(url) as client:
        await place_orders(client)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "redis://localhost:6379/0"))
