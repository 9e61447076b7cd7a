"""How amounts, instants and numbers are written for people; pure, and the same in mails and reports."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_WITHOUT_CENTS = frozenset({"JPY", "KRW", "CLP", "VND", "ISK", "HUF"})


def money(amount: Decimal | float | str, currency: str = "EUR") -> str:
    """Returns an amount such as `EUR 1,234.50`."""
    step = Decimal(1) if currency in _WITHOUT_CENTS else Decimal("0.01")
    return f"{currency} {Decimal(str(amount)).quantize(step, ROUND_HALF_UP):,}"


def instant(at_ms: int, zone: str = "UTC") -> str:
    """Returns an instant such as `2025-03-01 14:05 CET`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone_of(zone)).strftime("%Y-%m-%d %H:%M %Z")


def number(value: Decimal | float | str) -> str:
    """Returns a number with thousands separators and no needless zeros."""
    text = f"{Decimal(str(value)).normalize():,f}"
    return text


def zone_of(name: str) -> ZoneInfo:
    """Returns the zone, or UTC for a name nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def is_zone(name: str) -> bool:
    """Tells whether a zone has this name."""
    return zone_of(name).key == name


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {"money": money, "instant": instant, "number": number}
