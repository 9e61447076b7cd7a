"""The figures of a report on documents: by day and by customer, in the reader's zone. Reads; writes nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import Document, DocumentLine
from workers.wording import zone_of

SHOWN_CUSTOMERS: Final = 200
_PIECE_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the reader's zone."""

    day: date
    documents: int
    lines: int
    matched: int
    in_review: int

    @property
    def open(self) -> int:
        """Lines without a match."""
        return max(0, self.lines - self.matched)


@dataclass(frozen=True, slots=True)
class CustomerShare:
    """One customer's part; `amount` is the sum of the line totals that were printed."""

    customer: str
    documents: int
    lines: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """What a report says about a span of days, the last one included."""

    first: date
    last: date
    zone: str
    currency: str
    days: Sequence[Day]
    customers: Sequence[CustomerShare]

    @property
    def shown_customers(self) -> Sequence[CustomerShare]:
        """Those a page has room for, the others as one."""
        if len(self.customers) <= SHOWN_CUSTOMERS:
            return self.customers
        rest = self.customers[SHOWN_CUSTOMERS:]
        others = CustomerShare(
            customer=f"{len(rest):,} others",
            documents=sum(share.documents for share in rest),
            lines=sum(share.lines for share in rest),
            amount=sum((share.amount for share in rest), Decimal(0)),
        )
        return [*self.customers[:SHOWN_CUSTOMERS], others]

    @property
    def documents(self) -> int:
        return sum(day.documents for day in self.days)

    @property
    def lines(self) -> int:
        return sum(day.lines for day in self.days)

    @property
    def matched(self) -> int:
        return sum(day.matched for day in self.days)

    @property
    def amount(self) -> Decimal:
        return sum((share.amount for share in self.customers), Decimal(0))


async def read_figures(
    session: AsyncSession, *, first: date, last: date, zone: str, currency: str, customer: str
) -> Figures:
    """Returns the figures of documents processed from the first day to the last, of one customer or (empty) of all."""
    here = zone_of(zone)
    start_ms = round(datetime(first.year, first.month, first.day, tzinfo=here).timestamp() * 1_000)
    after = last + timedelta(days=1)
    end_ms = round(datetime(after.year, after.month, after.day, tzinfo=here).timestamp() * 1_000)
    within = [Document.processed_ms >= start_ms, Document.processed_ms < end_ms]
    if customer:
        within.append(Document.customer == customer)
    days: dict[date, list[int]] = {first + timedelta(days=n): [0, 0, 0, 0] for n in range((after - first).days)}
    shares: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    documents = select(
        Document.processed_ms,
        Document.customer,
        Document.lines_found,
        Document.lines_matched,
        Document.lines_in_review,
    ).where(*within)
    pieces = {"yield_per": _PIECE_ROWS}
    async for at_ms, who, lines, matched, in_review in await session.stream(documents, execution_options=pieces):
        day = days[datetime.fromtimestamp((at_ms or 0) / 1_000, UTC).astimezone(here).date()]
        for place, count in enumerate((1, lines, matched, in_review)):
            day[place] += count
        shares[who][0] += 1
        shares[who][1] += lines
    totals = select(Document.customer, DocumentLine.line_total).join(Document.lines).where(*within)
    printed = totals.where(DocumentLine.line_total.is_not(None))
    async for who, total in await session.stream(printed, execution_options=pieces):
        amounts[who] += total or Decimal(0)
    return Figures(
        first=first,
        last=last,
        zone=zone,
        currency=currency,
        days=[Day(day, *counts) for day, counts in days.items()],
        customers=sorted(
            (
                CustomerShare(who or "(none)", documents, lines, amounts[who])
                for who, (documents, lines) in shares.items()
            ),
            key=lambda share: (-share.amount, share.customer),
        ),
    )
