"""Finds the line items on the pages of a document: headings first, then, where there are none, arithmetic alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from workers.documents.body import read_body
from workers.documents.cells import cut
from workers.documents.columns import Column, Sample, columns_of
from workers.documents.headers import NUMERIC, Role, fold
from workers.documents.heading import Heading, find_headings, heads_sums
from workers.documents.headless import rows_by_product
from workers.documents.labelled import rows_by_label
from workers.documents.model import LineItem, Page, Review
from workers.documents.numberline import figures
from workers.documents.numbers import decimal_mark
from workers.documents.page import Line, Measure, lines_of, measure
from workers.documents.receipt import rows_by_sum
from workers.documents.rows import Row, agrees, item_of
from workers.documents.sums import amounts_not_prices
from workers.documents.words import carries, closes, names_more, totals

_BEGUN = re.compile(
    r"^(?P<count>\d{1,4})\s*(?P<times>(?:[x×*]|of:)\s*)?(?<=[\sx×*:])(?P<rest>[^\W\d].*)$", re.IGNORECASE
)
_CODED = re.compile(r"^(?P<code>(?=(?:\S*\d){4})[\w./-]{4,30})\s+(?P<rest>.*[^\W\d]{3}.*)$")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page prepared for reading: its lines without running heads, its headings, how large it is printed."""

    page: Page
    lines: tuple[Line, ...]
    headings: tuple[Heading, ...]
    measure: Measure


def items_on_pages(pages: Sequence[Page]) -> list[LineItem]:
    """Return the line items printed on `pages`, in reading order."""
    mark = decimal_mark(word.text for page in pages for word in page.words)
    sheets = _sheets(pages)
    headed = _counts_in_names(amounts_not_prices(_headed(sheets, mark), _printed_sums(sheets, mark)))
    proved = agreeing(headed) > 0
    if headed and proved and _convincing(headed):
        return headed
    loose = _codes_in_names(_unheaded(sheets, mark))
    if headed and not proved and _convincing(headed) and agreeing(loose) < max(2, len(headed)):
        return headed
    return loose if agreeing(loose) > agreeing(headed) or not headed else headed


def _printed_sums(sheets: Sequence[Sheet], mark: str | None) -> set[Decimal]:
    return {
        value
        for sheet in sheets
        for line in sheet.lines
        if totals(line.text) or carries(line.text)
        for figure in figures(line.words, mark, sheet.measure)
        for value in figure.values
    }


def _counts_in_names(items: list[LineItem]) -> list[LineItem]:
    """Take the numbers that descriptions begin with ("4 Olive oil") for quantities where no column holds any.

    Nearly all descriptions must begin so, and times the price be the total wherever both are printed; without any
    such check a sign must say what the number is ("4 x Olive oil"), or the numbers of several must not be running.
    """
    if not items or any(item.quantity is not None for item in items):
        return items
    begun = [_BEGUN.match(item.description) for item in items]
    found = [(item, match) for item, match in zip(items, begun, strict=True) if match]
    sums = [
        agrees(Decimal(match["count"]), item.unit_price, item.line_total)
        for item, match in found
        if item.unit_price is not None and item.line_total is not None
    ]
    counts = [int(match["count"]) for _, match in found]
    running = all(after == before + 1 for before, after in pairwise(counts))
    sure = bool(sums) or all(match["times"] for _, match in found) or (len(items) > 1 and not running)
    if len(found) < 0.8 * len(items) or not sure or not all(sums):
        return items
    return [
        item
        if match is None
        else replace(
            item,
            quantity=Decimal(match["count"]),
            description=match["rest"],
            review=tuple(reason for reason in item.review if reason is not Review.NO_QUANTITY),
            confidence=max(item.confidence, 0.98) if item.unit_price is not None else item.confidence,
        )
        for item, match in zip(items, begun, strict=True)
    ]


def _codes_in_names(items: list[LineItem]) -> list[LineItem]:
    """Take the codes that every description of two or more begins with for part numbers, if no two are alike."""
    begun = [_CODED.match(item.description) for item in items if item.part_number is None]
    codes = [match for match in begun if match is not None]
    if len(items) < 2 or len(codes) < len(items) or len({match["code"] for match in codes}) < len(items):
        return items
    return [
        replace(item, part_number=match["code"], description=match["rest"])
        for item, match in zip(items, codes, strict=True)
    ]


def agreeing(items: Sequence[LineItem]) -> int:
    """Return how many items have a total that quantity and price confirm."""
    return sum(1 for item in items if item.confidence > 0.9 and item.line_total is not None)


def _convincing(items: Sequence[LineItem]) -> bool:
    priced = [
        item
        for item in items
        if item.quantity is not None and item.unit_price is not None and item.line_total is not None
    ]
    return not priced or agreeing(priced) >= 0.5 * len(priced)


def _sheets(pages: Sequence[Page]) -> list[Sheet]:
    per_page = [lines_of(page) for page in pages]
    running = _running_lines(per_page) if len(pages) > 2 else set()
    sheets: list[Sheet] = []
    for page, lines in zip(pages, per_page, strict=True):
        size = measure(lines, scanned=page.scanned)
        kept = [line for line in lines if _signature(line) not in running]
        headings = tuple(find_headings(kept, fuzzy=page.scanned))
        sheets.append(Sheet(page, tuple(kept), headings, size))
    return sheets


def _signature(line: Line) -> tuple[str, int]:
    return re.sub(r"\d+", "0", fold(line.text)), round(line.middle / 8)


def _running_lines(per_page: Sequence[Sequence[Line]]) -> set[tuple[str, int]]:
    """Return the lines that stand at the same height on most pages, save those that could be a table heading."""
    counts = Counter(signature for lines in per_page for signature in {_signature(line) for line in lines})
    often = {signature for signature, count in counts.items() if count >= max(3, 0.6 * len(per_page))}
    headings = {
        _signature(lines[index])
        for lines in per_page
        for heading in find_headings(lines, fuzzy=False)
        for index in range(heading.first, heading.last + 1)
    }
    return {signature for signature in often if re.search(r"[^\W\d]{3}", signature[0])} - headings


def _headed(sheets: Sequence[Sheet], mark: str | None) -> list[LineItem]:
    items: list[LineItem] = []
    open_heading: Heading | None = None
    for sheet in sheets:
        stretches: list[tuple[Heading, Sequence[Line]]] = []
        first = sheet.headings[0].first if sheet.headings else len(sheet.lines)
        if open_heading is not None and not sheet.headings:
            stretches.append((open_heading, sheet.lines[:first]))
        for index, heading in enumerate(sheet.headings):
            stop = sheet.headings[index + 1].first if index + 1 < len(sheet.headings) else len(sheet.lines)
            stretches.append((heading, sheet.lines[heading.last + 1 : stop]))
        for heading, lines in stretches:
            found, ended = _stretch(sheet, heading, lines, mark)
            items.extend(found)
            if found or heading is open_heading:
                open_heading = None if ended else heading
    return items


def _stretch(sheet: Sheet, heading: Heading, lines: Sequence[Line], mark: str | None) -> tuple[list[LineItem], bool]:
    lines, summed = _above_sums(lines, sheet.measure)
    layers = [
        columns_of(
            layer,
            _rich(lines, layer, mark, sheet.measure, alone=bool(heading.layers))
            if layer.counts
            else _beginning(lines, layer, sheet.measure),
            sheet.page.rules,
            sheet.measure,
        )
        for layer in heading.layers or (heading,)
    ]
    body = read_body(lines, layers, sheet.page.rules, page=sheet.page.number, mark=mark, measure=sheet.measure)
    if mark is None or not any(row.cells.keys() & {Role.PRICE, Role.TOTAL} for row in body.rows):
        mark = _mark_of_quantities(body.rows) or mark
    items = [item for row in body.rows if (item := item_of(row, mark)) is not None]
    return items, body.ended or summed


def _above_sums(lines: Sequence[Line], size: Measure) -> tuple[Sequence[Line], bool]:
    """Return the lines above a table of sums and taxes, and whether there is one."""
    for index, line in enumerate(lines):
        if index and heads_sums(line, size.space):
            return lines[:index], True
    return lines, False


def _mark_of_quantities(rows: Sequence[Row]) -> str | None:
    """Return the sign before three digits that every quantity shows ("45,000", "8,000"): it marks decimals."""
    texts = [str(row.cells[Role.QUANTITY]) for row in rows if Role.QUANTITY in row.cells]
    for mark in ",.":
        if texts and all(re.match(rf"^-?\d+{re.escape(mark)}\d{{3}}\b", text) for text in texts):
            return mark
    return None


def _rich(lines: Sequence[Line], heading: Heading, mark: str | None, size: Measure, *, alone: bool = False) -> Sample:
    """Return the lines with about as many figures as the heading has numeric columns; they show where columns are.

    The text beside them is left out where it stands under titles of its own (`alone`).
    """
    numeric = sum(1 for cell in heading.cells if cell.role in NUMERIC)
    whole = [Column(float("-inf"), float("inf"), Role.QUANTITY, "")]
    counts = [len(cut(line, whole, mark, size).figures[0]) for line in lines]
    rich: list[Line] = []
    for line, count in zip(lines, counts, strict=True):
        total = count > 0 and totals(line.text) and not names_more(line.text)
        if numeric == 1 and _parted(rich, line, size):
            break
        if rich and (total or closes(line.text)) and not carries(line.text):
            break
        if count >= min(2, numeric) and len(line.words) > 1 and not total and not carries(line.text):
            rich.append(line)
    if not rich:
        return Sample(tuple(lines[:6]))
    if alone:
        return Sample(tuple(rich))
    middles = [line.middle for line in rich]
    beside = [
        line
        for line in lines
        if line not in rich
        and any(abs(line.middle - middle) < 1.6 * size.height for middle in middles)
        and not (totals(line.text) or closes(line.text) or carries(line.text))
    ]
    return Sample(tuple(rich), tuple(beside))


def _parted(rich: Sequence[Line], line: Line, size: Measure) -> bool:
    """Tell whether white parts a line from two rows or more that stand closer."""
    gaps = [after.top - before.bottom for before, after in pairwise(rich)]
    return bool(gaps) and line.top - rich[-1].bottom > max(2 * max(gaps), size.height)


def _beginning(lines: Sequence[Line], layer: Heading, size: Measure) -> Sample:
    """Return the lines that begin where a heading without columns of figures does."""
    left = min(cell.box.x0 for cell in layer.cells)
    begun = [
        line
        for line in lines
        if abs(line.words[0].x0 - left) < size.height and not (totals(line.text) or closes(line.text))
    ]
    return Sample(tuple(begun) or tuple(lines[:6]))


def _without_headings(sheet: Sheet) -> list[Line]:
    taken = {index for heading in sheet.headings for index in range(heading.first, heading.last + 1)}
    return [line for index, line in enumerate(sheet.lines) if index not in taken]


def _unheaded(sheets: Sequence[Sheet], mark: str | None) -> list[LineItem]:
    """Return the items whose figures multiply, or those that add up to a printed total where these are more."""
    multiplied, added, labelled = (
        [row for sheet in sheets for row in find(lines(sheet), page=sheet.page.number, mark=mark, size=sheet.measure)]
        for find, lines in (
            (rows_by_product, _without_headings),
            (rows_by_sum, lambda sheet: sheet.lines),
            (rows_by_label, lambda sheet: sheet.lines),
        )
    )
    rows = added if len(added) > len(multiplied) and multiplied else multiplied or labelled or added
    return [item for row in rows if (item := item_of(row, mark)) is not None]
