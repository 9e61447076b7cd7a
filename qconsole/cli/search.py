"""Searches that take longer than one answer of the admin service: gone on with until a page is full."""

import asyncio
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from qconsole.cli.command import Session
from qconsole.cli.output import Progress
from qconsole.errors import ExitCode

if TYPE_CHECKING:
    from qconsole.admin.views import Page


class ReadPage(Protocol):
    """Reads one page from the admin service."""

    def __call__(self, *, cursor: str | None, limit: int) -> Awaitable["Page[Any]"]: ...


async def filled(session: Session, read: ReadPage, *, cursor: str | None, limit: int) -> "Page[Any]":
    """Return a page that is full or at the end of the listing, showing on stderr how far the search is.

    Ctrl-C ends the search; the page then is what was found, `complete` false.
    """
    page = await read(cursor=cursor, limit=limit)
    with closing(Progress(session.output, verb="search")) as progress:
        while not page.complete and page.next is not None:
            progress.searched(page.scanned, found=len(page.rows))
            try:
                more = await read(cursor=page.next, limit=limit - len(page.rows))
            except asyncio.CancelledError:
                return page
            page = replace(
                page,
                rows=page.rows + more.rows,
                next=more.next,
                scanned=page.scanned + more.scanned,
                complete=more.complete,
                as_of_ms=more.as_of_ms,
                missing=page.missing | more.missing,
            )
    return page


def end_of(page: "Page[Any]") -> ExitCode:
    """Return the exit code of a list that ends with this page: a search is incomplete when it was interrupted."""
    return ExitCode.OK if page.complete or page.next is None else ExitCode.INTERRUPTED


def say_more(session: Session, page: "Page[Any]") -> None:
    """Say how to go on behind a page, if there is more."""
    if not page.complete:
        session.output.say(f"Searched {page.scanned:,} so far; go on with --cursor {page.next}")
    elif page.next:
        session.output.say(f"More: --cursor {page.next}")
