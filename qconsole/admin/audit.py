"""`admin.audit`: who did what, when, with which filter, to how many, and why."""

import time
from typing import Final

from qconsole.admin.cursors import decode_cursor, encode_cursor, is_stream_id
from qconsole.admin.filter_terms import AUDIT
from qconsole.admin.filters import Filter, as_filter
from qconsole.admin.limits import checked_limit
from qconsole.admin.session import Session
from qconsole.admin.views import AuditRow, Count, Page
from qconsole.runtime.keys import GLOBAL

CHUNK: Final = 500
TIME_BUDGET_S: Final = 1.0


class AuditFacts:
    """One entry as `filter_match.Facts`."""

    __slots__ = ("_row",)

    def __init__(self, row: AuditRow) -> None:
        self._row = row

    def texts(self, field: str) -> tuple[str, ...]:
        """Return the texts that stand for a field."""
        row = self._row
        if field == "text":
            every = (row.action, row.target, row.actor, row.reason, row.filter)
            return tuple(text for text in every if text)
        if field == "queue":
            return (row.target.partition("/")[0],)
        value = getattr(row, field, None)
        return (value,) if isinstance(value, str) else ()

    def number(self, field: str) -> int | None:
        """Return an instant."""
        return self._row.ms if field == "at" else None

    def payload(self) -> None:
        """An entry has none."""


class Audit:
    """Read only: entries are written by what they tell of."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def page(
        self, filter: str | Filter = "", *, cursor: str | None = None, limit: int = 50, reverse: bool = False
    ) -> Page[AuditRow]:
        """Return entries, newest first (oldest first when reversed).

        Raises:
            FilterError, CursorError: what was asked for cannot be understood.
        """
        limit = checked_limit(limit)
        wanted = as_filter(filter, noun=AUDIT)
        listing = f"audit:{int(reverse)}:{wanted}"
        log = self._session.shared.audit
        at = decode_cursor(listing, cursor, is_stream_id)[0] if cursor else None
        now_ms = self._session.backend.now_ms()
        rows: list[AuditRow] = []
        scanned, at_end = 0, False
        deadline = time.monotonic() + TIME_BUDGET_S
        while len(rows) <= limit and not at_end and time.monotonic() < deadline:
            place = f"({at}" if at else ("-" if reverse else "+")
            size = CHUNK if wanted else limit + 1
            found = await (log.after(place, size) if reverse else log.before(place, size))
            at_end = len(found) < size
            for row in found:
                if wanted.fits(AuditFacts(row), now_ms):
                    rows.append(row)
                    if len(rows) > limit:
                        break
                at = row.id
                scanned += 1
        more = len(rows) > limit or not at_end
        return Page(
            rows=tuple(rows[:limit]),
            next=encode_cursor(listing, [at]) if more else None,
            total=Count(await self._session.backend.redis.xlen(GLOBAL.audit())) if not wanted else None,
            scanned=scanned,
            complete=at_end or len(rows) >= limit,
            as_of_ms=now_ms,
        )
