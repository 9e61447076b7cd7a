"""Decides whether one record fits a filter. Pure: the caller brings the record as `Facts` and the time.

A record that lacks a fact fits no positive condition on it, and every negated one.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Protocol

from qconsole.admin.filter_terms import FIELDS, Duration, Instant, Kind, Number, Operator, Pattern, Term, Value

MAX_TEXT = 20_000
MAX_LEAVES = 10_000


class Facts(Protocol):
    """What a filter may ask of a record."""

    def texts(self, field: str) -> tuple[str, ...]:
        """Return the texts that stand for this field; none when it is unknown."""
        ...

    def number(self, field: str) -> int | float | None:
        """Return a number, a duration in ms, or an instant in epoch ms."""
        ...

    def payload(self) -> Any:
        """Return the redacted payload, `{"args": […], "kwargs": {…}}`."""
        ...


def matches(terms: tuple[Term, ...], facts: Facts, now_ms: int) -> bool:
    """Tell whether the record fits every term."""
    return all(_fits(term, facts, now_ms) != term.negated for term in terms)


def _fits(term: Term, facts: Facts, now_ms: int) -> bool:
    kind = FIELDS[term.field].kind
    if kind is Kind.PAYLOAD:
        leaves = list(found_at(facts.payload(), term.path))
        return any(_leaf_fits(leaf, term, value) for leaf in leaves for value in term.values)
    if kind in (Kind.TEXT, Kind.CHOICE):
        texts = facts.texts(term.field)
        return any(_text_fits(text, term.operator, value) for text in texts for value in term.values)
    number = facts.number(term.field)
    if number is None:
        return False
    return any(_ordered(number, term.operator, value, now_ms) for value in term.values)


def _text_fits(text: str, operator: Operator, value: Value) -> bool:
    if not isinstance(value, Pattern):
        return False
    text = text[:MAX_TEXT]
    return value.found_in(text) if operator is Operator.CONTAINS else value.matches(text)


def _ordered(number: int | float, operator: Operator, value: Value, now_ms: int) -> bool:
    if isinstance(value, Instant):
        first, after = value.bounds_ms(now_ms)
        return _within(number, operator, first, after)
    against: Decimal | int
    if isinstance(value, Duration):
        against = value.ms
    elif isinstance(value, Number):
        against = value.value
    else:
        return False
    match operator:
        case Operator.GREATER:
            return number > against
        case Operator.GREATER_EQUAL:
            return number >= against
        case Operator.LESS:
            return number < against
        case Operator.LESS_EQUAL:
            return number <= against
        case _:
            return number == against


def _within(ms: int | float, operator: Operator, first: int, after: int) -> bool:
    """Compare with a span as people mean it: `>2026-01-31` is after that day, `>=` from its start on."""
    match operator:
        case Operator.GREATER:
            return ms >= after
        case Operator.GREATER_EQUAL:
            return ms >= first
        case Operator.LESS:
            return ms < first
        case Operator.LESS_EQUAL:
            return ms < after
        case _:
            return first <= ms < after


def _leaf_fits(leaf: Any, term: Term, value: Value) -> bool:
    if isinstance(value, Number):
        if isinstance(leaf, bool) or not isinstance(leaf, int | float | Decimal) or leaf != leaf:
            return False
        return _ordered(leaf, term.operator, value, 0)  # type: ignore[arg-type]  # Decimal compares like a number
    return _text_fits(leaf_text(leaf), term.operator, value)


def leaf_text(leaf: Any) -> str:
    """Return a payload's single value as text the way JSON writes it, strings without quotes."""
    if isinstance(leaf, str):
        return leaf
    if leaf is None or isinstance(leaf, bool):
        return {None: "null", True: "true", False: "false"}[leaf]
    return str(leaf)


def found_at(payload: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield the single values at a path; keyword arguments may be named without their `kwargs.` prefix.

    `*` stands for any key. A path that ends at a list or object yields all single values below it.
    """
    roots = [payload]
    if isinstance(payload, dict) and path and path[0] not in ("args", "kwargs"):
        roots = [payload.get("kwargs"), payload.get("args")]
    at: list[Any] = roots
    for key in path:
        at = [child for node in at for child in _children(node, key)][:MAX_LEAVES]
    yield from _leaves(at)


def _children(node: Any, key: str) -> list[Any]:
    if isinstance(node, dict):
        if key == "*":
            return list(node.values())
        return [node[key]] if key in node else []
    if isinstance(node, list | tuple):
        if key == "*":
            return list(node)
        index = key.strip("[]")
        if index.isascii() and index.isdigit() and len(index) < 10 and int(index) < len(node):
            return [node[int(index)]]
    return []


def _leaves(nodes: list[Any]) -> Iterator[Any]:
    """Walk without recursion: a payload may be nested a thousand deep."""
    stack = list(reversed(nodes))
    seen = 0
    while stack and seen < MAX_LEAVES:
        node = stack.pop()
        seen += 1
        if isinstance(node, dict):
            stack.extend(reversed(list(node.values())))
        elif isinstance(node, list | tuple):
            stack.extend(reversed(node))
        else:
            yield node
