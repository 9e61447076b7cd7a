"""Checks a table's money against the sums printed below it.

Amounts headed "Price" that add up are line totals; lone amounts that add up only when multiplied are unit prices.
"""

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


def prices_not_amounts(items: Sequence[LineItem], printed: Collection[Decimal]) -> list[LineItem]:
    """Take the only amounts of counted wares for unit prices when only quantity x amount adds up to a `printed` sum."""
    money = [(item.quantity, item.line_total) for item in items]
    if any(item.unit_price not in (None, item.line_total) for item in items):
        return list(items)
    if any(count is None or total is None for count, total in money):
        return list(items)
    plain = sum((total for _, total in money if total is not None), Decimal(0))
    product = sum((count * total for count, total in money if count is not None and total is not None), Decimal(0))
    if plain in printed or product not in printed:
        return list(items)
    return [
        item if item.quantity == 1 else replace(item, unit_price=item.line_total, line_total=None) for item in items
    ]
