"""Finds items whose quantity is printed with a label of its own: a name, a price, and "Qty: 2" below or beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from workers.documents.headers import Role, meaning
from workers.documents.model import Word
from workers.documents.numberline import Figure, figures, is_currency
from workers.documents.numbers import UNITS, amount
from workers.documents.page import Line, Measure, box_of, text_of
from workers.documents.rows import Row, agrees
from workers.documents.words import carries, closes, sums

_COUNT = re.compile(
    r"(?:^|\s)(?:qty|quantity|menge|anzahl|stückzahl|quantit[ée]|qt[ée]|cantidad|cant|aantal|units|uds)\.?\s*:?\s*"
    rf"(?P<count>\d+(?:[.,]\d+)?)\s*(?P<unit>{UNITS})?\b(?!\s*(?:of|von|de|/))",
    re.IGNORECASE,
)
_EACH = re.compile(r"\b(?:each|je|pro|per|stück|ea|chacun|c/u|per stuk|unit price|einzelpreis|prix unitaire)\b", re.I)
_FIELD = re.compile(r"^(?P<label>[^:]{2,30}?)\s*:\s")
_REACH = 5


def rows_by_label(lines: Sequence[Line], *, page: int, mark: str | None, size: Measure) -> list[Row]:
    """Return a row for each labelled quantity below, or beside, a line that names something."""
    counted = [index for index, line in enumerate(lines) if _COUNT.search(line.text) and not sums(line.text)]
    rows: list[Row] = []
    floor = 0
    for place, index in enumerate(counted):
        top = _title(lines, floor, index, mark, size)
        ceiling = counted[place + 1] if place + 1 < len(counted) else len(lines)
        next_top = _title(lines, index + 1, ceiling, mark, size) if ceiling < len(lines) else None
        stop = min(index + _REACH, ceiling if next_top is None else next_top)
        if top is not None:
            ends = (line for line in range(index + 1, stop) if sums(lines[line].text) or carries(lines[line].text))
            stop = next(ends, stop)
            rows.append(_row(lines[top : max(stop, index + 1)], lines[index], page, mark, size))
        floor = index + 1
    return rows


def _title(lines: Sequence[Line], floor: int, index: int, mark: str | None, size: Measure) -> int | None:
    """Return the line that names the thing counted at `index`: the nearest above with money, else the first."""
    if index >= len(lines):
        return None
    near: int | None = None
    for place in range(index, max(floor, index - _REACH) - 1, -1):
        line = lines[place]
        if place < index and lines[place + 1].middle - line.middle > 3.5 * size.height:
            break
        name = _COUNT.sub(" ", text_of(_words(line, mark, size)))
        if sums(line.text) or carries(line.text) or closes(line.text):
            break
        if len(re.findall(r"[^\W\d]", name)) < 3 or re.match(r"[^:]{2,20}:(?:\s|$)", name):
            continue
        near = place
        if _money(line, mark, size):
            return place
    return near


def _words(line: Line, mark: str | None, size: Measure) -> list[Word]:
    money = {word for figure in _money(line, mark, size) for word in figure.words}
    return [word for word in line.words if word not in money and not is_currency(word.text)]


def _money(line: Line, mark: str | None, size: Measure) -> list[Figure]:
    return [
        figure
        for figure in figures(line.words, mark, size)
        if not figure.is_percent and re.search(r"[.,]\d{2}\b", text_of(figure.words))
    ]


def _labelled(block: Sequence[Line], mark: str | None, size: Measure) -> dict[Role, Decimal]:
    """Return the amounts that stand behind a title of their own: "Price: 3.50"."""
    found: dict[Role, Decimal] = {}
    for line in block:
        field, money = _FIELD.match(line.text), _money(line, mark, size)
        known = meaning(field["label"]) if field else None
        if known is not None and known.weight > 0.5 and known.role in (Role.PRICE, Role.TOTAL) and len(money) == 1:
            found.setdefault(known.role, money[0].values[0])
    return found


def _row(block: Sequence[Line], counted: Line, page: int, mark: str | None, size: Measure) -> Row:
    match = _COUNT.search(counted.text)
    count = (match and amount(match["count"], mark)) or Decimal(1)
    names = [name for line in block if (name := _COUNT.sub(" ", text_of(_words(line, mark, size))).strip(" ,;|-"))]
    cells: dict[Role, str | Decimal] = {Role.DESCRIPTION: " ".join(names), Role.QUANTITY: count}
    if match and match["unit"]:
        cells[Role.UNIT] = match["unit"]
    values = [figure.values[0] for line in block for figure in _money(line, mark, size)]
    labelled = _labelled(block, mark, size)
    pair = next(((p, t) for p in values for t in values if p != t and agrees(count, p, t)), None)
    if pair is not None:
        cells[Role.PRICE], cells[Role.TOTAL] = pair
    elif labelled:
        cells.update(labelled)
    elif values:
        each = count != 1 and any(_EACH.search(line.text) for line in block)
        cells[Role.PRICE if each else Role.TOTAL] = values[0] if each else values[-1]
        if count == 1:
            cells[Role.PRICE] = values[0]
    box = box_of([word for line in block for word in line.words])
    return Row(cells, page, box, min(word.score for line in block for word in line.words))
