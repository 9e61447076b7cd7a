"""Reads the lines of orders and invoices in XML of any other kind, by what their elements are called.

So are read openTRANS, cXML, ebInterface, Finvoice, Svefaktura, SAP IDocs and what a shop or an ERP system exports: a
line is the smallest element that repeats and holds both a quantity and what it is a quantity of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from workers.documents.headers import Role, fold, vocabulary
from workers.documents.model import LineItem
from workers.documents.numbers import amounts, decimal_mark

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_FACTORS = (Role.QUANTITY, Role.PRICE, Role.PRICE_PER, Role.TOTAL)
_SUBJECTS = (Role.DESCRIPTION, Role.NAME, Role.PART)


@dataclass(frozen=True, slots=True)
class _Field:
    """A text or an attribute inside a line: what it means, how well its name says so, and how deep it stands."""

    role: Role
    rank: int
    depth: int
    text: str


def lines_called_so(root: Any) -> list[LineItem]:
    """Return the lines found below `root`, none when no element holds a quantity beside a name or a part number."""
    lines = _outermost(list(_lines(root)))
    mark = decimal_mark(field.text for line in lines for field in _fields(line) if field.role in _FACTORS)
    return [item for line in lines if (item := _item(line, mark)) is not None]


def _lines(root: Any) -> Iterator[Any]:
    """Yield the smallest elements that hold a quantity and its subject."""
    seen: set[Any] = set()
    for element in root.iter():
        own = [name for name, _ in _named(element)]
        if not any(_role(name)[0] is Role.QUANTITY for name in own):
            continue
        line = element
        while line is not None and not any(field.role in _SUBJECTS for field in _fields(line)):
            line = line.getparent()
        if line is not None and line is not root and line not in seen:
            seen.add(line)
            yield line


def _outermost(lines: list[Any]) -> list[Any]:
    """Drop the lines inside another, as the parts of a set are, and those of a kind that only one line is of."""
    chosen = set(lines)
    outer = [line for line in lines if not any(above in chosen for above in line.iterancestors())]
    tags = [line.tag for line in outer]
    usual = max(tags, key=tags.count, default=None)
    return [line for line in outer if line.tag == usual]


def _named(element: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of an element without children of its own, and of its attributes."""
    if not isinstance(element.tag, str):
        return
    name = etree.QName(element).localname
    text = " ".join(
        part for part in (element.text, *(child.tail for child in element)) if part is not None and part.strip()
    )
    if text:
        yield name, " ".join(text.split())
    for attribute, value in element.attrib.items():
        if value.strip():
            yield f"{name} {etree.QName(attribute).localname}", value.strip()


def _fields(line: Any) -> Iterator[_Field]:
    for element in line.iter():
        depth = sum(1 for _ in element.iterancestors())
        for name, text in _named(element):
            role, rank = _role(name)
            if role is None and isinstance(element.tag, str) and (parent := element.getparent()) is not None:
                role, rank = _role(etree.QName(parent).localname) if _role_less(name) else (None, 0)
            if role is not None:
                yield _Field(role, rank, depth, text)


def _role_less(name: str) -> bool:
    """Tell whether a name says only that money or a number follows, so that the element around it has the meaning."""
    return fold(" ".join(_WORDS.findall(name))) in ("money", "amount", "value", "id")


def _role(name: str) -> tuple[Role | None, int]:
    """Return what a name means, and how well it says so: the place in its list of the vocabulary."""
    element, _, attribute = name.partition(" ")
    words = fold(" ".join(_WORDS.findall(attribute or element)))
    if attribute and words in ("unit", "unit code", "quantity unit code", "unit of measure", "uom"):
        return Role.UNIT, 0
    for role, phrases in vocabulary()["elements"].items():
        if words in phrases:
            return Role(role), phrases.index(words)
    return None, 0


def _item(line: Any, mark: str | None) -> LineItem | None:
    found: dict[Role, _Field] = {}
    for field in _fields(line):
        before = found.get(field.role)
        if before is None or (field.depth, field.rank) < (before.depth, before.rank):
            found[field.role] = field
    quantity, price, per, total = (_number(found.get(role), mark) for role in _FACTORS)
    part = found[Role.PART].text if Role.PART in found else None
    description = found.get(Role.NAME) or found.get(Role.DESCRIPTION)
    name = description.text if description else part
    if name is None or (quantity is None and total is None):
        return None
    if price is not None and per:
        price = (price / per).normalize()
    return LineItem(name, quantity, found[Role.UNIT].text if Role.UNIT in found else None, part, price, total)


def _number(field: _Field | None, mark: str | None) -> Decimal | None:
    values = amounts(field.text, mark or ".") if field is not None else []
    return values[0] if values else None
