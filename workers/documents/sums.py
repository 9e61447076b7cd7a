"""Checks a table's money against the sums printed below it: amounts headed "Price" that add up are line totals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal

from workers.documents.model import LineItem


def amounts_not_prices(items: Sequence[LineItem], printed: Collection[Decimal]) -> list[LineItem]:
    """Take the only prices of a table for totals when they, and not quantity x price, add up to a `printed` sum."""
    if not items or any(item.line_total is not None or item.unit_price is None for item in items):
        return list(items)
    priced = [(item.quantity, item.unit_price) for item in items if item.unit_price is not None]
    plain = sum((price for _, price in priced), Decimal(0))
    product = sum((price * (Decimal(1) if count is None else count) for count, price in priced), Decimal(0))
    if plain not in printed or product in printed:
        return list(items)
    return [replace(item, unit_price=None, line_total=item.unit_price) for item in items]
