"""Whom the demo's jobs are for: a catalogue, people with their channels, endpoints of webhooks, expired sessions."""

import csv
import time
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import CatalogueRow, NotificationPreference, Session, User, WebhookEndpoint
from workers.demo_documents import catalogue

CUSTOMER: Final = "lapwing"
FAILING_CUSTOMER: Final = "petrel"
PEOPLE: Final = 300
MAILED: Final = 30
ORDERED: Final = "order.received"
LEFT: Final = "person-left"
NEW_ROWS: Final = 5
_SECRET: Final = "whsec_ZGVtby1zZWNyZXQtb2YtMjQtYnl0ZXMh"  # noqa: S105 - the demo's endpoints are its own


async def furnish(session: AsyncSession) -> None:
    """Puts in what the jobs need; a second time changes nothing."""
    now_ms = int(time.time() * 1000)
    for row in catalogue()[:-NEW_ROWS]:
        await session.merge(
            CatalogueRow(code=row.part_number, name=row.name, unit=row.unit, price=row.price, updated_ms=0)
        )
    for number in range(PEOPLE):
        await session.merge(_person(number, now_ms))
    await session.merge(User(id=LEFT, tenant="", email="left@lapwing.example", active=False, created_ms=now_ms))
    await session.flush()
    for number in range(MAILED, PEOPLE):
        await session.merge(NotificationPreference(user_id=_person_id(number), event="*", channels=["in_app"]))
    for number in range(12):
        expired = Session(token_digest=f"{number:064x}", user_id=_person_id(number), created_ms=0, expires_ms=1)
        await session.merge(expired)


def write_catalogues(whole: Path) -> None:
    """Writes a catalogue with new prices, new rows and a broken one, and `shrunken.csv` beside it, which lacks most."""
    rows = [[row.part_number, row.name, row.unit, f"{row.price * 2 if n % 7 == 0 else row.price:.2f}"]
            for n, row in enumerate(catalogue())]  # fmt: skip
    head = ["code", "name", "unit", "price"]
    for path, content in (
        (whole, [*rows, ["QM-99999", "Sextant, brass", "pcs", "on request"]]),
        (whole.with_name("shrunken.csv"), rows[:4]),
    ):
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *content])


async def add_endpoints(session: AsyncSession, base_url: str) -> None:
    """Puts in the endpoints: one that works, one that fails at first, one that is gone, one that is down."""
    wanted = (
        ("erp", CUSTOMER, ["*"]),
        ("warehouse", CUSTOMER, [ORDERED]),
        ("gone", CUSTOMER, [ORDERED]),
        ("down", FAILING_CUSTOMER, ["*"]),
    )
    for name, customer, events in wanted:
        await session.merge(
            WebhookEndpoint(
                id=name,
                customer=customer,
                url=f"{base_url}/{name}",
                secrets=[_SECRET],
                events=events,
                created_ms=int(time.time() * 1000),
            )
        )


def _person_id(number: int) -> str:
    return f"person-{number:03}"


def _person(number: int, now_ms: int) -> User:
    name = f"Crew member {number}"
    return User(
        id=_person_id(number), tenant=CUSTOMER, email=f"crew{number}@lapwing.example", name=name, created_ms=now_ms
    )
