"""Where one column of a table ends and the next begins: from ruled lines, or from where the words below stand.

Words that stand above each other make a strip. Strips are given to titles in order, so that each is near its title,
figures come under titles of figures, and no such title stays without.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import pairwise

from workers.documents.guessed import guess_roles
from workers.documents.headers import NUMERIC, Role, fold
from workers.documents.heading import LEAST_WEIGHT, Heading, HeadingCell
from workers.documents.model import Rule, Word
from workers.documents.numberline import Figure, figures, is_currency
from workers.documents.numbers import UNIT_CODES, UNITS
from workers.documents.page import Line, Measure

COUNTED = re.compile(rf"-?\d[\d.,]*(?:{UNITS})\.?", re.IGNORECASE)  # a unit glued to its quantity: "12PCS"
_INSTEAD = re.compile(
    rf"{COUNTED.pattern}|foc|f\.o\.c\.|free|gratis|n/?c|n/?a|included|inklusive|inclus|incluido|inbegrepen|offert|incl\.?|inkl\.?|-+|tba|tbc",
    re.IGNORECASE,
)  # what stands where a figure is expected
_UNIT = re.compile(rf"(?:{UNITS}|{UNIT_CODES})\.?", re.IGNORECASE)
_FAR = 60.0
_DELIVERED = re.compile(r"shipped|\bshi?p\b|delivered|invoiced|geliefert|liefermenge|livr|entregad|servid|geleverd")
_TEXTUAL = frozenset({Role.DESCRIPTION, Role.NAME, Role.UNIT})


@dataclass(frozen=True, slots=True)
class Column:
    """A vertical strip of the page from `x0` to `x1`, and what it holds."""

    x0: float
    x1: float
    role: Role
    title: str


class Sort(StrEnum):
    """What words are: text, amounts and quantities, or percentages."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Sample:
    """Lines that show where columns are: `rich` in figures, and the text wrapped `beside` them."""

    rich: tuple[Line, ...]
    beside: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        return (*self.rich, *self.beside)


@dataclass(frozen=True, slots=True)
class Strip:
    """An interval of the page's width that words of several lines share, and what most of them are."""

    x0: float
    x1: float
    sort: Sort

    @property
    def numeric(self) -> bool:
        return self.sort is Sort.NUMBER


def columns_of(heading: Heading, sample: Sample, rules: Sequence[Rule], measure: Measure) -> list[Column]:
    """Return the columns under `heading`, left to right, covering the whole width of the page.

    Args:
        heading: The column titles.
        sample: Lines below it that belong to the table.
        rules: Ruled lines of the page.
        measure: How large the page is printed.
    """
    printed = sorted(heading.cells, key=lambda cell: (cell.box.x0 + cell.box.x1) / 2)
    roles = _settle_roles(printed)
    cells = [
        replace(cell, meaning=replace(cell.meaning, role=role)) if cell.meaning else cell
        for cell, role in zip(printed, roles, strict=True)
    ]
    edges = _ruled_edges(cells, rules, heading) or _strip_edges(
        cells, strips_of(sample, measure, parted=any(cell.role is Role.UNIT for cell in cells))
    )
    bounds = [float("-inf"), *edges, float("inf")]
    for index in range(len(cells)):
        roles[index] = _by_content(roles, index, _texts_between(sample.rich, bounds[index], bounds[index + 1]))
    unknown = [index for index, cell in enumerate(cells) if cell.meaning is None or cell.meaning.weight < LEAST_WEIGHT]
    guess_roles(roles, unknown, sample.rich, bounds, measure)
    return [Column(bounds[i], bounds[i + 1], roles[i], cell.text) for i, cell in enumerate(cells)]


def _settle_roles(cells: Sequence[HeadingCell]) -> list[Role]:
    """Correct titles that mean another thing in this company: an "Article" beside no description names the thing."""
    roles = [cell.role or Role.OTHER for cell in cells]
    plain = [cell.text.casefold().strip(" .:%") for cell in cells]
    if Role.DESCRIPTION not in roles and "desc" in plain:
        roles[plain.index("desc")] = Role.DESCRIPTION
    if Role.DESCRIPTION not in roles and Role.NAME not in roles and roles.count(Role.PART) == 1:
        index = roles.index(Role.PART)
        if plain[index] in {"article", "artikel", "item", "material", "model", "service code"}:
            roles[index] = Role.NAME
    if Role.DESCRIPTION in roles and not {Role.TOTAL, Role.TOTAL_GROSS} & set(roles):
        worth = next((index for index, text in enumerate(plain) if text in {"value", "wert", "valeur", "waarde"}), None)
        if worth is not None and {Role.QUANTITY, Role.PRICE} & set(roles):
            roles[worth] = Role.TOTAL
    _price_and_total(roles)
    return _one_quantity(cells, roles)


def _price_and_total(roles: list[Role]) -> None:
    """Tell "Unit price" from "Price" and "Amount" from "Total": of two alike, the left one is for a single piece.

    Of two prices beside a total, the right one has the tax in it.
    """
    if Role.TOTAL not in roles and Role.TOTAL_GROSS not in roles and roles.count(Role.PRICE) == 2:
        roles[len(roles) - 1 - roles[::-1].index(Role.PRICE)] = Role.TOTAL
    elif roles.count(Role.PRICE) == 2 and Role.PRICE_GROSS not in roles:
        roles[len(roles) - 1 - roles[::-1].index(Role.PRICE)] = Role.PRICE_GROSS
    elif Role.PRICE not in roles and Role.QUANTITY in roles and roles.count(Role.TOTAL) == 2:
        roles[roles.index(Role.TOTAL)] = Role.PRICE


def _one_quantity(cells: Sequence[HeadingCell], roles: list[Role]) -> list[Role]:
    """Of several quantities take the delivered one, else the first; the others are tried when the sums disagree."""
    counted = [index for index, role in enumerate(roles) if role is Role.QUANTITY]
    delivered = [index for index in counted if _DELIVERED.search(fold(cells[index].text))]
    chosen = (delivered or counted or [-1])[0]
    return [Role.QUANTITY_OTHER if index in counted and index != chosen else role for index, role in enumerate(roles)]


def _texts_between(body: Sequence[Line], x0: float, x1: float) -> list[str]:
    texts = (" ".join(word.text for word in line.words if x0 <= word.center < x1) for line in body)
    return [text for text in texts if text]


def _by_content(roles: Sequence[Role], index: int, texts: Sequence[str]) -> Role:
    """Correct a title by what stands below: "Item" may head running numbers, "Item No." the numbers of articles."""
    role = roles[index]
    running = sum(1 for text in texts if re.fullmatch(r"\d{1,5}(?:\.\d{1,2}){0,3}[.)]?", text))
    coded = sum(
        1 for text in texts if re.fullmatch(r"(?=\S*\d)(?:\S{4,40}|[^\W\d]\S{1,3})|[A-Z]{2,4} (?=\S*\d)\S{2,30}", text)
    )
    if role in (Role.NAME, Role.PART) and len(texts) > 1 and running >= 0.6 * len(texts) and _counts_up(texts):
        return Role.POSITION
    if (
        role is Role.QUANTITY_OTHER
        and Role.UNIT not in roles
        and texts
        and all(_UNIT.fullmatch(text) for text in texts)
    ):
        return Role.UNIT
    if role is Role.POSITION and texts and running < 0.5 * len(texts) and coded > 0.5 * len(texts):
        return Role.PART
    if role is Role.POSITION and not {Role.DESCRIPTION, Role.NAME} & set(roles) and not running and not coded and texts:
        return Role.NAME
    if role is Role.NAME and Role.DESCRIPTION in roles and Role.PART not in roles and coded > 0.6 * len(texts) > 0:
        return Role.PART
    begun = sum(1 for text in texts if re.match(r"\S*\d", text))
    if role is Role.PART and not {Role.DESCRIPTION, Role.NAME, Role.OTHER} & set(roles) and begun < 0.8 * len(texts):
        return Role.NAME
    return role


def _counts_up(texts: Sequence[str]) -> bool:
    numbers = [int(match[0]) for text in texts if (match := re.match(r"\d{1,5}(?![^.)])", text))]
    return all(after - before in (1, 10) for before, after in pairwise(numbers))


def _ruled_edges(cells: Sequence[HeadingCell], rules: Sequence[Rule], heading: Heading) -> list[float] | None:
    """Return one vertical rule between each two titles, or None when any gap lacks one."""
    top = min(cell.box.top for cell in cells)
    upright = [
        (rule.x0 + rule.x1) / 2
        for rule in rules
        if not rule.horizontal and rule.top < heading.bottom + 30 and rule.bottom > top and rule.bottom - rule.top > 4
    ]
    edges: list[float] = []
    for left, right in pairwise(cells):
        between = [x for x in upright if left.box.x1 - 2 <= x <= right.box.x0 + 2]
        if not between:
            return None
        edges.append(sum(between) / len(between))
    return edges


def strips_of(sample: Sample, measure: Measure, *, parted: bool) -> list[Strip]:
    """Return the strips that the words of `sample` form; what only one line in eight crosses still parts two strips.

    Args:
        sample: Lines of the table.
        measure: How large the page is printed.
        parted: Units have a column of their own, so they do not belong to the figure before them.
    """
    spans: list[tuple[float, float, Sort]] = []
    for line in sample.lines:
        found = figures(line.words, None, measure)
        taken = {word for figure in found for word in figure.words}
        for figure in found:
            unit = None if parted else _unit_behind(line, figure, measure.space)
            taken.update({unit} if unit else ())
            worded = line in sample.beside or _in_sentence(line, figure, measure.space)
            sort = Sort.TEXT if worded else Sort.PERCENT if figure.is_percent else Sort.NUMBER
            spans.append((figure.x0, unit.x1 if unit else figure.x1, sort))
        spans.extend(
            (word.x0, word.x1, Sort.NUMBER if _INSTEAD.fullmatch(word.text) else Sort.TEXT)
            for word in line.words
            if word not in taken and not is_currency(word.text)
        )
    allowed = len(sample.rich) // 8
    points = sorted({x for x0, x1, _ in spans for x in (x0, x1)})
    strips: list[Strip] = []
    start: float | None = None
    for left, right in pairwise(points):
        crossing = sum(1 for x0, x1, _ in spans if x0 <= left and x1 >= right)
        if crossing > allowed and start is None:
            start = left
        elif crossing <= allowed and start is not None:
            strips.append(_strip(start, left, spans))
            start = None
    if start is not None:
        strips.append(_strip(start, points[-1], spans))
    return _sentences(strips, sample.lines, measure.space)


def _sentences(strips: Sequence[Strip], lines: Sequence[Line], space: float) -> list[Strip]:
    """Join strips that sentences cross: no line has more than the usual white between its words in both."""
    joined: list[Strip] = []
    for strip in strips:
        before = joined[-1] if joined else None
        if before is not None:
            whites = [
                right.x0 - left.x1
                for line in lines
                for left, right in pairwise(line.words)
                if before.x0 <= left.center <= before.x1 and strip.x0 <= right.center <= strip.x1
            ]
            text = before.sort is Sort.TEXT and strip.sort is Sort.TEXT
            several = len(whites) == 1 and len(lines) > 1
            numbered = before.sort is Sort.TEXT and strip.numeric and len(whites) > 2 and max(whites) < 1.2 * space
            if whites and (several or text or numbered) and max(whites) < 1.4 * space:
                joined[-1] = Strip(before.x0, strip.x1, Sort.TEXT)
                continue
        joined.append(strip)
    return joined


def _in_sentence(line: Line, figure: Figure, space: float) -> bool:
    """Tell whether a figure goes on a sentence: "Period: 1 March 2024"."""
    place = line.words.index(figure.words[0])
    before = line.words[place - 1] if place else None
    return (
        before is not None
        and figure.x0 - before.x1 < 1.3 * space
        and re.search(r"[^\W\d]{3}", before.text) is not None
        and not is_currency(before.text)
    )


def _unit_behind(line: Line, figure: Figure, space: float) -> Word | None:
    """Return the short word printed close behind a figure with white behind itself: "3 Stk   12,50"."""
    place = line.words.index(figure.words[-1])
    after = line.words[place + 1 : place + 3]
    if not after or after[0].x0 - figure.x1 > 1.6 * space or not re.fullmatch(r"[^\W\d][\w.²³]{0,8}", after[0].text):
        return None
    return after[0] if len(after) == 1 or after[1].x0 - after[0].x1 > 1.8 * space else None


def _strip(x0: float, x1: float, spans: Sequence[tuple[float, float, Sort]]) -> Strip:
    inside = [sort for left, right, sort in spans if x0 <= (left + right) / 2 <= x1]
    sort = next(
        (sort for sort in (Sort.NUMBER, Sort.PERCENT) if inside.count(sort) >= 0.6 * len(inside) > 0), Sort.TEXT
    )
    return Strip(x0, x1, sort)


def _strip_edges(cells: Sequence[HeadingCell], strips: Sequence[Strip]) -> list[float]:
    owners = _owners(cells, strips)
    extents = []
    for index, cell in enumerate(cells):
        owned = [strip for strip, owner in zip(strips, owners, strict=True) if owner == index]
        extents.append((min(s.x0 for s in owned), max(s.x1 for s in owned)) if owned else (cell.box.x0, cell.box.x1))
    edges: list[float] = []
    for left, right in pairwise(extents):
        edge = (left[1] + right[0]) / 2
        edges.append(max(edge, edges[-1]) if edges else edge)
    return edges


def _owners(cells: Sequence[HeadingCell], strips: Sequence[Strip]) -> list[int]:
    """Return for each strip the title it stands under: the cheapest assignment that keeps the order of both."""

    @cache
    def best(strip: int, cell: int, owned: int) -> tuple[float, tuple[int, ...]]:
        if strip == len(strips):
            rest = _lonely(cells[cell], owned) + sum(_lonely(cells[other], 0) for other in range(cell + 1, len(cells)))
            return rest, ()
        here, tail = best(strip + 1, cell, owned + 1)
        stay = (here + _cost(cells[cell], strips[strip], owned), (cell, *tail))
        if cell + 1 == len(cells):
            return stay
        there, choice = best(strip, cell + 1, 0)
        move = (there + _lonely(cells[cell], owned), choice)
        return min(stay, move, key=lambda option: option[0])

    return list(best(0, 0, 0)[1])


def _lonely(cell: HeadingCell, owned: int) -> float:
    """Return what it costs that a title has nothing below it."""
    if owned:
        return 0.0
    if cell.role in NUMERIC:
        return 45.0
    return 20.0 if cell.role in _TEXTUAL else 4.0


def _cost(cell: HeadingCell, strip: Strip, owned: int) -> float:
    apart = max(strip.x0 - cell.box.x1, cell.box.x0 - strip.x1, 0.0)
    askew = min(
        abs(strip.x0 - cell.box.x0),
        abs(strip.x1 - cell.box.x1),
        abs(strip.x0 + strip.x1 - cell.box.x0 - cell.box.x1) / 2,
    )
    cost = apart + 0.2 * min(askew, 100.0)
    if cell.role in NUMERIC:
        cost += 0.0 if strip.numeric else _FAR if owned == 0 else 15.0
        cost += 30.0 if owned and strip.numeric else 0.0
    elif cell.role in _TEXTUAL and strip.sort is not Sort.TEXT:
        cost += 25.0
    return cost
