"""A shop whose payments, mails and stock fail in three ways, until the file `mended` exists."""

from pathlib import Path

import pydantic

from qconsole.runtime import Context, QueuePolicy, Retention, job_type

MENDED = Path("mended")


class Order(pydantic.BaseModel):
    number: int


@job_type("charge", queue="shop", attempts=1)
async def charge(ctx: Context, order: Order) -> int:
    if MENDED.exists():
        return order.number
    match order.number % 3:
        case 0:
            raise TimeoutError(f"payment gateway 10.0.0.{order.number % 250} did not answer for order {order.number}")
        case 1:
            raise KeyError(f"sku-{order.number}")
        case _:
            raise ValueError(f"order {order.number} has no address")


class WorkerSettings:
    job_types = (charge,)
    queues = {"shop": QueuePolicy(concurrency=100, retention=Retention(failed=None, failed_age_s=None))}  # noqa: RUF012
