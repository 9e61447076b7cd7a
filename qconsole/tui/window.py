"""A window onto a keyset-paged listing: a few pages around what is looked at, whatever the listing's length.

It goes down from either end by the listing's own cursors and back up by remembering them. Invariant: the rows are one
contiguous
run without a repeated key, and memory does not grow with the rows seen (a short string per page passed is all that is
kept).
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, Protocol, TypeVar

from qconsole.admin.views import Count, Page

R = TypeVar("R")


class FetchPage(Protocol[R]):
    """Reads the page of a listing after `cursor`, or its first; `reverse` lists from the other end."""

    def __call__(self, *, cursor: str | None, limit: int, reverse: bool) -> Awaitable[Page[R]]: ...


class Window(Generic[R]):
    """The loaded run of a listing's rows.

    Args:
        fetch: reads a page.
        key: a row's identity.
        page_rows: rows a page.
    """

    def __init__(self, *, fetch: FetchPage[R], key: Callable[[R], Hashable], page_rows: int = 100) -> None:
        self._fetch = fetch
        self._key = key
        self._page_rows = page_rows
        self._from_end = False
        # One entry a page passed since the end we came from: where it starts, as cursor and as number of rows before
        # it.
        self._starts: list[tuple[str | None, int]] = [(None, 0)]
        self._base = 0
        self._pages: list[list[R]] = []
        self._next: str | None = None
        self.total: Count | None = None
        self.scanned = 0
        self.complete = True
        self.as_of_ms = 0
        self.missing: Mapping[str, str] = {}

    @property
    def rows(self) -> list[R]:
        """Return the loaded rows in display order."""
        rows = [row for page in self._pages for row in page]
        return rows[::-1] if self._from_end else rows

    @property
    def start(self) -> int:
        """Return the place of the first loaded row in the whole listing: exact from the top, estimated from the end."""
        before = self._starts[self._base][1]
        if not self._from_end:
            return before
        loaded = sum(map(len, self._pages))
        known = self.total.value if self.total is not None else 0
        return max(0, known - before - loaded) if self._next is not None else 0

    @property
    def more_above(self) -> bool:
        return self._next is not None if self._from_end else self._base > 0

    @property
    def more_below(self) -> bool:
        return self._base > 0 if self._from_end else self._next is not None

    async def first(self) -> None:
        """Go to the listing's start."""
        await self._enter(from_end=False)

    async def last(self) -> None:
        """Go to the listing's end."""
        await self._enter(from_end=True)

    async def above(self) -> None:
        """Load the rows before the first loaded one."""
        await (self._onward() if self._from_end else self._back())

    async def below(self) -> None:
        """Load the rows after the last loaded one."""
        await (self._back() if self._from_end else self._onward())

    async def refresh(self, top: int, bottom: int) -> None:
        """Read again the pages that hold the rows from `top` to `bottom` (places in the listing); others are let go."""
        if not self._pages:
            await self.first()
            return
        loaded = sum(map(len, self._pages))
        if self._from_end:
            low, high = self.start + loaded - bottom, self.start + loaded - top
        else:
            low, high = top - self.start, bottom - self.start
        first = last = 0
        passed = 0
        for number, page in enumerate(self._pages):
            if passed + len(page) <= low:
                first = min(number + 1, len(self._pages) - 1)
            if passed < high:
                last = number
            passed += len(page)
        await self._load(self._base + first, max(1, last - first + 1))

    async def _enter(self, *, from_end: bool) -> None:
        page = await self._fetch(cursor=None, limit=self._page_rows, reverse=from_end)
        self._from_end = from_end
        self._starts, self._base = [(None, 0)], 0
        self._pages, self._next = [list(page.rows)], page.next
        self._note(page)

    async def _onward(self) -> None:
        """Go one page further from the end we came from; keep at most four pages."""
        if self._next is None:
            return
        cursor = self._next
        page = await self._fetch(cursor=cursor, limit=self._page_rows, reverse=self._from_end)
        before = self._starts[self._base][1] + sum(map(len, self._pages))
        del self._starts[self._base + len(self._pages) :]
        self._starts.append((cursor, before))
        self._pages.append(self._unseen(page.rows))
        self._next = page.next
        if len(self._pages) > 4:
            del self._pages[0]
            self._base += 1
        self._note(page)

    async def _back(self) -> None:
        """Go one page towards the end we came from, reading what follows again so that no row is missed."""
        if self._base > 0:
            await self._load(self._base - 1, min(4, len(self._pages) + 1))

    async def _load(self, base: int, pages: int) -> None:
        cursor, before = self._starts[base]
        kept: list[list[R]] = []
        starts = self._starts[:base]
        page: Page[R] | None = None
        seen: set[Hashable] = set()
        for _ in range(pages):
            starts.append((cursor, before))
            page = await self._fetch(cursor=cursor, limit=self._page_rows, reverse=self._from_end)
            fresh = [row for row in page.rows if self._key(row) not in seen]
            seen.update(map(self._key, fresh))
            kept.append(fresh)
            before += len(fresh)
            cursor = page.next
            if cursor is None:
                break
        self._starts, self._base, self._pages, self._next = starts, base, kept, cursor
        if page is not None:
            self._note(page)

    def _unseen(self, rows: tuple[R, ...]) -> list[R]:
        seen = {self._key(row) for page in self._pages for row in page}
        return [row for row in rows if self._key(row) not in seen]

    def _note(self, page: Page[R]) -> None:
        self.total = page.total if page.total is not None else self.total
        self.scanned, self.complete, self.as_of_ms = page.scanned, page.complete, page.as_of_ms
        self.missing = page.missing
