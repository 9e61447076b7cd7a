"""From the cells of one row to a line item: values, the part number inside a description, and the arithmetic check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import product

from workers.documents.headers import Role, fold
from workers.documents.misread import misread
from workers.documents.model import Box, LineItem, Review
from workers.documents.numbers import CURRENCIES, UNITS, amounts, clean, percent, quantities

_BRACKET_PART = re.compile(r"^\[([^\]\s][^\]]{0,38})\]\s*(?=\S)")
_LABELLED_PART = re.compile(
    r"(?:\b(?:art(?:ikel)?\.?[ -]?(?:nr|no|num(?:mer)?|code)|item (?:no|code|number|#)|part (?:no|number|#)|p/n|sku"
    r"|product code|asin|mpn|bestell-?nr|best\.?-?nr|r[ée]f(?:[ée]rence)?|referencia|impa(?: code| no)?|code"
    r"|art(?:icle|(?=\.))|material(?:-?nr)?|mat\.?-?nr|c[óo]d(?:igo)?|sachnr|teile-?nr)\b\.?\s*[:#.]?\s*)"
    r"(?P<part>(?:(?=[\w./-]*\d)|(?-i:(?=[A-Z]{2,}(?:-[A-Z]+)+)))[\w][\w./-]{2,30})",
    re.IGNORECASE,
)
_CODE_BEHIND_LABEL = re.compile(r"(?:^|\s)[^\W\d][^\d:]{1,20}:\s*(?P<code>(?=\S*\d)\S{3,40})$")  # "Our No: 710"
_IMPA = re.compile(r"^(\d{6})\b[ :.-]+(?=\D)")
_PER = re.compile(
    rf"^(?P<price>.*?\d)\s*(?:{CURRENCIES})?\s*(?:/|\bper\b|\bpro\b|\bje\b|\bpar\b|\bpor\b)\s*"
    r"(?P<count>\d+)?\s*(?P<unit>[^\W\d][\w.²³]*)?$",
    re.I,
)
_TOLERANCE = Decimal("0.015")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Row:
    """The printed cells of one line, by role. `score` is the recogniser's least certainty among its words."""

    cells: Mapping[Role, str | Decimal]
    page: int | None = None
    box: Box | None = None
    score: float = 1.0
    spare: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Sums:
    """Quantity, price and total as chosen among their readings; `agree` is None when one is missing."""

    quantity: Decimal | None
    price: Decimal | None
    total: Decimal | None
    agree: bool | None


def _text(value: str | Decimal | None) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else clean(value)


def _amounts_in(row: Row, role: Role, mark: str | None) -> list[Decimal]:
    value = row.cells.get(role)
    if isinstance(value, Decimal):
        return [value]
    if value is None:
        return []
    text = clean(value)
    found = amounts(text, mark)
    if not found:
        match = _PER.match(text)
        found = amounts(match["price"], mark) if match else []
    return found


def _quantity_in(row: Row, mark: str | None) -> tuple[list[Decimal], str | None]:
    value = row.cells.get(Role.QUANTITY)
    if isinstance(value, Decimal):
        return [value], None
    if value is None:
        return [], None
    found, unit = quantities(value, mark)
    if not found:
        match = re.match(r"^(?:([^\d\s]{1,8})\s+)?(-?\d[\d.,]*)\s*(\S.*)?$", clean(value))
        if match:
            before = match[1] if match[1] and re.fullmatch(UNITS, match[1], re.IGNORECASE) else None
            found, unit = amounts(match[2].rstrip(".,"), mark), before
    return found, unit


def agrees(
    quantity: Decimal, price: Decimal, total: Decimal, *, discount: Decimal | None = None, per: Decimal = Decimal(1)
) -> bool:
    """Tell whether quantity x price, less a discount (in percent, or as an amount), is the total but for rounding."""
    bare = quantity * price / (per or Decimal(1))
    options = [bare]
    if discount:
        options = [bare * (1 - abs(discount) / 100), bare - abs(discount), (price - abs(discount)) * quantity, bare]
    slack = max(_TOLERANCE, abs(quantity) * Decimal("0.0051") / (per or Decimal(1)))
    slack = min(slack, max(_TOLERANCE, abs(total) * Decimal("0.02")))
    return any(abs(abs(option) - abs(total)) <= slack for option in options)


def choose_sums(
    quantity: list[Decimal],
    price: list[Decimal],
    total: list[Decimal],
    discount: Decimal | None = None,
    per: Decimal = Decimal(1),
) -> Sums:
    """Pick the readings that agree with each other; the likeliest reading of each when none do."""
    first = Sums(quantity[0] if quantity else None, price[0] if price else None, total[0] if total else None, None)
    if not (quantity and price and total):
        return first
    for q, p, t in product(quantity, price, total):
        if agrees(q, p, t, discount=discount, per=per):
            return Sums(q, p, t, True)
    return Sums(first.quantity, first.price, first.total, False)


def _discount(row: Row, mark: str | None) -> Decimal | None:
    value = row.cells.get(Role.DISCOUNT)
    if value is None or isinstance(value, Decimal):
        return value if value is None or value == 0 or abs(value) >= 1 else value * 100
    as_percent = percent(value)
    if as_percent is not None:
        return as_percent
    found = amounts(value, mark)
    return found[0] if found else None


def _per(row: Row) -> Decimal:
    value = row.cells.get(Role.PRICE_PER)
    digits = re.search(r"\d+", _text(value)) if value is not None else None
    if digits is None:
        match = _PER.match(_text(row.cells.get(Role.PRICE)))
        digits = re.match(r"\d+", match["count"]) if match and match["count"] else None
    return Decimal(digits[0]) if digits and int(digits[0]) > 0 else Decimal(1)


def part_in(description: str) -> tuple[str | None, str]:
    """Return the part number printed inside `description`, and the description without it where it stood apart."""
    match = _BRACKET_PART.match(description)
    if match:
        return match[1].strip(), description[match.end() :].strip()
    match = _IMPA.match(description)
    if match:
        return match[1], description[match.end() :].strip()
    labelled = list(_LABELLED_PART.finditer(description))
    match = next((match for match in labelled if ":" in match[0]), labelled[0] if labelled else None)
    if match:
        rest = (description[: match.start()] + " " + description[match.end() :]).strip(" ,;:-()")
        part = match["part"].strip(".-/")
        return part, re.sub(r"\s{2,}", " ", rest) if len(fold(rest)) >= 3 else description
    return None, description


def item_of(row: Row, mark: str | None) -> LineItem | None:
    """Return the line item that `row` states, or None when it names nothing."""
    description = re.sub(r"\s+", " ", _text(row.cells.get(Role.DESCRIPTION)) or _text(row.cells.get(Role.NAME))).strip(
        " |"
    )
    part = _text(row.cells.get(Role.PART)) or _text(row.cells.get(Role.MAKER_PART)) or None
    if part and (labelled := _CODE_BEHIND_LABEL.search(part)):
        part = labelled["code"]
    if not part:
        part, description = part_in(description)
    if not description and part:
        description = part
    if not description:
        return None
    readings, unit = _quantity_in(row, mark)
    unit = _text(row.cells.get(Role.UNIT)) or unit
    sums = _sums(row, readings, mark)
    if unit is None and (match := _PER.match(_text(row.cells.get(Role.PRICE)))):
        unit = match["unit"]
    review: list[Review] = []
    if row.score < 1:
        sums = _proved_by_others(sums, per=_per(row), counted=_discount(row, mark) is None)
    if sums.agree is False:
        review.append(Review.ARITHMETIC)
    if sums.quantity is None:
        review.append(Review.NO_QUANTITY)
    confidence = min(row.score, {True: 0.98, None: 0.85, False: 0.6}[sums.agree])
    if confidence < 0.7:
        review.append(Review.LOW_CONFIDENCE)
    return LineItem(
        description,
        sums.quantity,
        unit or None,
        part,
        sums.price,
        sums.total,
        row.page,
        row.box,
        round(confidence, 3),
        tuple(review),
    )


def _proved_by_others(sums: Sums, *, per: Decimal, counted: bool) -> Sums:
    """Replace, in a recognised row, the one figure that was misread by what the other two make it.

    It must be like what was recognised, and no other of the three. A quantity that is missing, or like nothing, is how
    often the price goes into the total. The sums stay in doubt, so the line goes to review.
    """
    quantity, price, total = sums.quantity, sums.price, sums.total
    if sums.agree or not counted or per != 1 or not price or not total:
        return sums
    times = (total / price).quantize(Decimal("0.001")).normalize()
    whole = times == times.to_integral_value() and agrees(times, price, total)
    if quantity is None:
        return replace(sums, quantity=times, agree=False) if whole and times > 0 else sums
    if not quantity:
        return sums
    likely = [
        made
        for made, like in (
            (replace(sums, quantity=times), whole and misread(times, quantity)),
            (replace(sums, price=(total / quantity).quantize(_CENT)), misread(total / quantity, price)),
            (replace(sums, total=(quantity * price).quantize(_CENT)), misread(quantity * price, total)),
        )
        if like
    ]
    if not likely and whole and times > 0:
        return replace(sums, quantity=times)
    return likely[0] if len(likely) == 1 else sums


def _with_lost_marks(found: Mapping[Role, list[Decimal]]) -> dict[Role, list[Decimal]]:
    """Add to recognised amounts without decimals the reading with the decimal sign that recognition lost."""
    return {
        role: [*values, *(value / 100 for value in values if value == value.to_integral_value() and abs(value) >= 100)]
        for role, values in found.items()
    }


def _sums(row: Row, readings: list[Decimal], mark: str | None) -> Sums:
    discount, per = _discount(row, mark), _per(row)
    prices = {role: _amounts_in(row, role, mark) for role in (Role.PRICE, Role.PRICE_LIST, Role.PRICE_GROSS)}
    totals = {role: _amounts_in(row, role, mark) for role in (Role.TOTAL, Role.TOTAL_GROSS)}
    if row.score < 1:
        prices, totals = _with_lost_marks(prices), _with_lost_marks(totals)
    quantities_ = [readings, _amounts_in(row, Role.QUANTITY_OTHER, mark)]
    best: Sums | None = None
    for quantity, price, total in product(quantities_, prices.values(), totals.values()):
        sums = choose_sums(quantity, price, total, discount, per)
        if sums.agree:
            best = sums
            break
    price = next((values for values in prices.values() if values), [])
    total = next((values for values in totals.values() if values), [])
    quantity = readings or ([] if row.cells.get(Role.QUANTITY) is not None else quantities_[1])
    fallback = choose_sums(quantity, price, total, discount, per)
    if best is None or (readings and best.quantity not in readings):
        return fallback if best is None or fallback.agree is not False else best
    return best
