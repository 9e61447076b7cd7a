"""Finds the line items of a parsed document, whatever it was read from."""

from __future__ import annotations

from collections.abc import Sequence

from workers.documents.grid import items_in_grids
from workers.documents.headers import fold
from workers.documents.limits import MAX_LINE_ITEMS
from workers.documents.model import LineItem, ParsedDocument
from workers.documents.parse import parse
from workers.documents.table import agreeing, items_on_pages


def extract(document: ParsedDocument) -> list[LineItem]:
    """Return the line items of `document` in its order; none when it has none."""
    own = list(document.lines) or items_in_grids(document.grids) or _on_pages(document)
    attached = [item for attachment in document.attachments for item in extract(attachment)]
    if not attached:
        return own[:MAX_LINE_ITEMS]
    return [*attached, *_unlike(own, attached)][:MAX_LINE_ITEMS]


def _on_pages(document: ParsedDocument) -> list[LineItem]:
    if not document.attachments and len(document.pages) > 1 and document.grids:
        return next((found for page in document.pages if (found := items_on_pages([page]))), [])
    items = items_on_pages(document.pages)
    layered = items_on_pages(document.layer) if document.layer else []
    return layered if agreeing(layered) > agreeing(items) or not items else items


def _unlike(items: Sequence[LineItem], attached: Sequence[LineItem]) -> list[LineItem]:
    """Return the items of a mail's body unless its attachments say the same."""
    known = {fold(item.description) for item in attached} | {fold(item.part_number or "") for item in attached} - {""}
    repeated = sum(1 for item in items if fold(item.description) in known or fold(item.part_number or "-") in known)
    return [] if repeated >= 0.5 * len(items) else list(items)


def read_line_items(data: bytes, *, name: str | None = None) -> list[LineItem]:
    """Parse `data` and return its line items.

    Raises:
        UnreadableDocument: It cannot be read; the subclass and `reason` say why.
    """
    return extract(parse(data, name=name))
