"""What the tables of a report are called, and the rows of those that are read by programs."""

from typing import Any, Final

from workers.reporting.figures import Figures
from workers.safe_cells import safe_cell

DAY_HEADER: Final = ("day", "documents", "lines", "matched", "not matched", "in review")
CUSTOMER_HEADER: Final = ("customer", "documents", "lines", "amount")


def day_rows(figures: Figures) -> list[tuple[Any, ...]]:
    """Returns a row for each day."""
    return [(day.day, day.documents, day.lines, day.matched, day.open, day.in_review) for day in figures.days]


def customer_rows(figures: Figures) -> list[tuple[Any, ...]]:
    """Returns a row for each customer; what a sheet would run is text."""
    return [
        (safe_cell(share.customer), share.documents, share.lines, float(share.amount)) for share in figures.customers
    ]
