"""Finds the line items of a parsed document, whatever it was read from."""

from __future__ import annotations

from collections.abc import Sequence

from workers.documents.grid import items_counted, items_in_grids
from workers.documents.headers import fold
from workers.documents.limits import MAX_LINE_ITEMS
from workers.documents.listed import items_in_blocks, items_listed
from workers.documents.model import Kind, LineItem, ParsedDocument
from workers.documents.parse import parse
from workers.documents.table import agreeing, items_on_pages


def extract(document: ParsedDocument) -> list[LineItem]:
    """Return the line items of `document` in its order; none when it has none."""
    own = list(document.lines) or _own(document)
    attached = _once([extract(attachment) for attachment in document.attachments])
    if not attached:
        return own[:MAX_LINE_ITEMS]
    return [*attached, *_unlike(own, attached)][:MAX_LINE_ITEMS]


def _own(document: ParsedDocument) -> list[LineItem]:
    if document.kind in (Kind.MAIL, Kind.HTML, Kind.WORD, Kind.TEXT):
        return _in_message(document)
    return items_in_grids(document.grids) or _on_pages(document)


def _on_pages(document: ParsedDocument) -> list[LineItem]:
    items = items_on_pages(document.pages)
    layered = items_on_pages(document.layer) if document.layer else []
    found = layered if agreeing(layered) > agreeing(items) or not items else items
    blocks = items_in_blocks(document.pages)
    return blocks if _told(blocks) > _told(found) else found or items_listed(document.pages, plainly=True)


def _in_message(document: ParsedDocument) -> list[LineItem]:
    """Return the items of the reading that says most: its tables, or one of its texts as a table or as a list.

    Tables weigh a little more, for their cells are surely apart.
    """
    tables = [items_in_grids(document.grids), items_counted(document.grids)]
    texts = [find([page]) for page in document.pages for find in (items_on_pages, items_listed)]
    table, text = max(tables, key=_told), max(texts, key=_told, default=[])
    return table if 1.3 * _told(table) >= _told(text) else text


def _told(items: Sequence[LineItem]) -> float:
    """Return how much items say: one that multiplies, or one with a count and an amount, more than a name alone."""
    told = 0.0
    for item in items:
        if item.quantity is None:
            told += 0.2
        elif item.unit_price is not None and item.line_total is not None:
            told += 1.0 if item.confidence > 0.9 else 0.5
        else:
            told += 0.7 + (0.2 if item.unit_price is not None or item.line_total is not None else 0.0)
    return told


def _once(documents: Sequence[list[LineItem]]) -> list[LineItem]:
    """Return the items of several documents; of two that state the same lines, as a PDF and its XML do, the surer."""
    kept: list[list[LineItem]] = []
    for items in documents:
        same = next((index for index, earlier in enumerate(kept) if items and _restates(items, earlier)), None)
        if same is None:
            kept.append(items)
        elif _told(items) > _told(kept[same]):
            kept[same] = items
    return [item for items in kept for item in items]


def _restates(items: Sequence[LineItem], earlier: Sequence[LineItem]) -> bool:
    """Tell whether as many items count the same things, or things that cost the same, one after the other."""
    return len(items) == len(earlier) and all(
        one.quantity == other.quantity
        and (
            (one.line_total is not None and one.line_total == other.line_total)
            or (one.part_number or "") == (other.part_number or "-")
            or fold(one.description) == fold(other.description)
        )
        for one, other in zip(items, earlier, strict=True)
    )


def _unlike(items: Sequence[LineItem], attached: Sequence[LineItem]) -> list[LineItem]:
    """Return the items a mail's body counts unless its attachments say the same; an uncounted sum only announces."""
    items = [item for item in items if item.quantity is not None]
    known = {fold(item.description) for item in attached} | {fold(item.part_number or "") for item in attached} - {""}
    repeated = sum(1 for item in items if fold(item.description) in known or fold(item.part_number or "-") in known)
    return [] if repeated >= 0.5 * len(items) else list(items)


def read_line_items(data: bytes, *, name: str | None = None) -> list[LineItem]:
    """Parse `data` and return its line items.

    Raises:
        UnreadableDocument: It cannot be read; the subclass and `reason` say why.
    """
    return extract(parse(data, name=name))
