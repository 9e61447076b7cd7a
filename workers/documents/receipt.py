"""Reads till receipts: priced lines above a total that equals their sum, with counts before, behind, above or below."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from workers.documents.headers import Role
from workers.documents.model import Word
from workers.documents.numberline import Figure, figures, is_currency
from workers.documents.numbers import CURRENCIES, UNITS, amount
from workers.documents.page import Line, Measure, text_of
from workers.documents.rows import Row, agrees
from workers.documents.words import carries, closes, sums, totals

_NUMBER = rf"(?:(?:{CURRENCIES})\s?)?(\d[\d.,]*)"
_COUNTING = re.compile(rf"^(\d[\d.,]*)\s*(?P<unit>{UNITS})?\.?\s*[x×*@àa]\s*(?:{CURRENCIES})?$", re.IGNORECASE)
_MULTIPLIED = re.compile(
    rf"\s*{_NUMBER}\s*(?P<unit>{UNITS})?\.?\s*[x×*@àa]\s*{_NUMBER}\s*(?:{CURRENCIES})?(?:\s?/\s?\w+)?$", re.IGNORECASE
)
_BEGUN = re.compile(
    r"^(?P<count>\d{1,3})\s*(?P<times>[x×*]\s*)?(?<=[\sx×*])(?P<rest>[^\W\d].*?)"
    rf"(?:\s*(?:@|(?<=\s)[x×*]|\s)\s*(?:{CURRENCIES})?\s?(?P<price>\d[\d.,]*))?$",
    re.IGNORECASE,
)
_EACH = re.compile(r"^(?P<count>\d{1,4})[@x×](?P<price>\d[\d.,]*)$", re.IGNORECASE)
_CODE = re.compile(r"\s+(?P<code>\d{8,14})(?:\s+[A-Z])?$")
_WEIGHED = re.compile(
    rf"^(?P<count>\d[\d.,]*)\s*(?P<unit>kgs?|g|lbs?|l|m)\.?\s+(?:{CURRENCIES})?\s?(?P<price>\d[\d.,]*)"
    rf"\s*(?:{CURRENCIES})?\s?/\s?(?P=unit)$",
    re.IGNORECASE,
)
_TRAILING = re.compile(rf"\w{{0,2}}\*?|(?:{CURRENCIES})?(?:/\w+)?", re.IGNORECASE)  # tax code, currency


@dataclass(frozen=True, slots=True)
class Counting:
    """A count and a price printed on a line of their own."""

    count: Decimal
    price: Decimal
    unit: str | None

    def onto(self, row: Row) -> Row | None:
        """Return `row` with the count when it has none and the product is its amount, else None."""
        total = row.cells[Role.TOTAL]
        if Role.QUANTITY in row.cells or not isinstance(total, Decimal) or not agrees(self.count, self.price, total):
            return None
        units = {Role.UNIT: self.unit} if self.unit else {}
        return replace(row, cells={**row.cells, **units, Role.QUANTITY: self.count, Role.PRICE: self.price})


def rows_by_sum(lines: Sequence[Line], *, page: int, mark: str | None, size: Measure) -> list[Row]:
    """Return a row for each priced line above a total that equals their sum, as on a till receipt; else nothing.

    A line such as "3 x 5.95" is a count with its price; where nothing adds up, a count with its amount.
    """
    readings = (_rows_by_sum(lines, page, mark, size, counts_apart=apart) for apart in (True, False))
    return next((rows for rows in readings if rows), [])


def _rows_by_sum(lines: Sequence[Line], page: int, mark: str | None, size: Measure, *, counts_apart: bool) -> list[Row]:
    rows: list[Row] = []
    running = added = Decimal(0)
    above = ""
    waiting: Counting | None = None
    for line in lines:
        money = _amount_at_end(line, mark, size)
        if money is None:
            above = line.text
            continue
        value = money.values[0]
        label = text_of([word for word in line.words if word.x1 <= money.x0 + 0.5 and not is_currency(word.text)])
        if sums(label) or carries(label):
            if rows and min(abs(running - value), abs(running + added - value)) < Decimal("0.011"):
                return _counts_before(rows, mark)
            added += value
            continue
        if closes(label):
            continue
        counting = _counting(label, value, mark)
        if counting is not None and not counts_apart:
            if _letters(above) < 3:
                return []
            named: dict[Role, str | Decimal] = {
                Role.DESCRIPTION: above,
                Role.QUANTITY: counting.count,
                Role.TOTAL: value,
            }
            rows.append(Row(named, page, line.box, min(word.score for word in line.words)))
            above = ""
            running += value
            continue
        if counting is not None:
            counted = counting.onto(rows[-1]) if rows else None
            waiting = counting if counted is None else None
            rows[-1:] = [counted] if counted is not None else rows[-1:]
            continue
        row = _row(line, label, value, above, page, mark)
        if row is None and value > 0:
            continue
        above = ""
        running += value
        if row is None or value < 0:
            continue
        rows.append((waiting.onto(row) if waiting is not None else None) or row)
        waiting = None
    return []


def _amount_at_end(line: Line, mark: str | None, size: Measure) -> Figure | None:
    """Return the last amount of a line that shows cents, with no more than a tax code or a currency behind it."""
    found = [
        figure
        for figure in figures(line.words, mark, size)
        if not figure.is_percent and re.search(r"[.,]\d{2}(?!\d)", text_of(figure.words))
    ]
    if not found:
        return None
    behind = [word for word in line.words if word.x0 >= found[-1].x1 - 0.5]
    return found[-1] if all(_is_trailing(word) for word in behind) else None


def _is_trailing(word: Word) -> bool:
    return _TRAILING.fullmatch(word.text) is not None


def _counting(label: str, value: Decimal, mark: str | None) -> Counting | None:
    match = _COUNTING.match(label)
    count = amount(match[1], mark) if match else None
    return Counting(count, value, match["unit"]) if match and count else None


def _row(line: Line, label: str, value: Decimal, above: str, page: int, mark: str | None) -> Row | None:
    cells: dict[Role, str | Decimal] = {Role.TOTAL: value}
    multiplied = _MULTIPLIED.search(label)
    if multiplied is not None:
        one, other = amount(multiplied[1], mark), amount(multiplied[3], mark)
        if one is not None and other is not None and agrees(one, other, value):
            behind = multiplied["unit"] is None and re.search(r"[.,]\d\d$", multiplied[1]) and multiplied[3].isdigit()
            cells[Role.QUANTITY], cells[Role.PRICE] = (other, one) if behind else (one, other)
            cells.update({Role.UNIT: multiplied["unit"]} if multiplied["unit"] else {})
            label = label[: multiplied.start()]
    if weighed := _weighed(label, value, mark):
        cells, label = {**cells, **weighed}, ""
    each = _EACH.match(line.words[0].text)
    if each is not None and (count := amount(each["count"], mark)) and (price := amount(each["price"], mark)):
        cells[Role.QUANTITY], cells[Role.PRICE] = count, price
    if _letters(label) < 3:
        if _letters(above) < 3 or totals(above):
            return None
        label = above
    if (code := _CODE.search(label)) is not None:
        cells[Role.PART], label = code["code"], label[: code.start()]
    return Row({**cells, Role.DESCRIPTION: label}, page, line.box, min(word.score for word in line.words))


def _weighed(label: str, value: Decimal, mark: str | None) -> dict[Role, str | Decimal]:
    """Return weight, unit and price of a line that states them alone, "0,842 kg 2,19 €/kg", if they make its amount."""
    match = _WEIGHED.match(label)
    count, price = (amount(match[name], mark) for name in ("count", "price")) if match else (None, None)
    if match is None or count is None or price is None or not agrees(count, price, value):
        return {}
    return {Role.QUANTITY: count, Role.PRICE: price, Role.UNIT: match["unit"]}


def _letters(text: str) -> int:
    return len(re.findall(r"[^\W\d]", text))


def _counts_before(rows: Sequence[Row], mark: str | None) -> list[Row]:
    """Take the number most descriptions begin with ("2 Lager", "3 x Tea") for the quantity, "x 4.00" for the price."""
    begun = [_BEGUN.match(str(row.cells[Role.DESCRIPTION])) for row in rows]
    if sum(1 for match in begun if match) < max(2, 0.6 * len(rows)):
        begun = [match if match and match["times"] else None for match in begun]
    counted: list[Row] = []
    for row, match in zip(rows, begun, strict=True):
        if match is None or Role.QUANTITY in row.cells:
            counted.append(row)
            continue
        count, total = Decimal(match["count"]), row.cells[Role.TOTAL]
        price = amount(match["price"], mark) if match["price"] else None
        stated = price is not None and isinstance(total, Decimal) and agrees(count, price, total)
        name = match["rest"] if stated or price is None else match[0][match.start("rest") :]
        prices = {Role.PRICE: price} if stated and price is not None else {}
        counted.append(replace(row, cells={**row.cells, **prices, Role.QUANTITY: count, Role.DESCRIPTION: name}))
    return counted
