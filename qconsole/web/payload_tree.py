"""Turns an untrusted value into a bounded tree that a template can print: depth, width, text and total are capped.

Integers keep every digit; what is cut says how much. Pure.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from qconsole.web.formats import number, plural, show

MAX_DEPTH = 24
MAX_CHILDREN = 200
MAX_NODES = 2_000
MAX_TEXT = 4_000
FOLD_TEXT = 160
MASK = "•••"


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One value: `kind` is text, number, word, tagged, masked, object, list or cut; `brief` is its one-line form."""

    kind: str
    brief: str
    key: str | None = None
    full: str | None = None
    opened: bool = False
    children: tuple["TreeNode", ...] = ()


@dataclass(slots=True)
class _Budget:
    nodes: int = field(default=MAX_NODES)


def tree(value: Any, *, redacted: Sequence[str] = ()) -> TreeNode:
    """Return the tree of `value`; paths in `redacted` are shown as masked.

    A job's payload without positional arguments is shown as its fields.
    """
    if isinstance(value, Mapping) and set(value) == {"args", "kwargs"} and not value["args"]:
        return _node(None, value["kwargs"], 0, "kwargs", frozenset(redacted), _Budget())
    return _node(None, value, 0, "", frozenset(redacted), _Budget())


def _node(key: str | None, value: Any, depth: int, path: str, redacted: frozenset[str], budget: _Budget) -> TreeNode:
    budget.nodes -= 1
    name = None if key is None else show(key, 200)
    if path and path in redacted:
        return TreeNode("masked", MASK, name)
    if isinstance(value, Mapping) and set(value) == {"$qc", "v"}:
        return TreeNode("tagged", f"{show(value['v'], MAX_TEXT)} ({show(value['$qc'], 40)})", name)
    if isinstance(value, Mapping):
        entries = [(str(k), v) for k, v in _first(value.items())]
        return _branch("object", name, entries, len(value), depth, path, redacted, budget)
    if isinstance(value, list | tuple | Set):
        entries = [(str(i), v) for i, v in enumerate(_first(value))]
        return _branch("list", name, entries, len(value), depth, path, redacted, budget)
    return _leaf(name, value)


def _first(values: Any) -> list[Any]:
    return [value for value, _ in zip(values, range(MAX_CHILDREN), strict=False)]


def _branch(
    kind: str,
    name: str | None,
    entries: list[tuple[str, Any]],
    length: int,
    depth: int,
    path: str,
    redacted: frozenset[str],
    budget: _Budget,
) -> TreeNode:
    if not length:
        return TreeNode("word", "{}" if kind == "object" else "[]", name)
    brief = plural(length, "field") if kind == "object" else plural(length, "entry", "entries")
    if depth >= MAX_DEPTH or budget.nodes <= 0:
        return TreeNode("cut", f"{brief}, not shown: the console stops here", name)
    children = []
    for key, value in entries:
        if budget.nodes <= 0:
            break
        children.append(_node(key, value, depth + 1, f"{path}.{key}" if path else key, redacted, budget))
    if length > len(children):
        children.append(TreeNode("cut", f"{number(length - len(children))} more, not shown"))
    return TreeNode(kind, brief, name, opened=depth < 2 and length <= 40, children=tuple(children))


def _leaf(name: str | None, value: Any) -> TreeNode:
    if value is None or isinstance(value, bool):
        return TreeNode("word", {None: "null", True: "true", False: "false"}[value], name)
    if isinstance(value, int):
        return TreeNode("number", _integer(value), name)
    if isinstance(value, float):
        return TreeNode("number", repr(value), name)
    if isinstance(value, bytes):
        return TreeNode("text", f"{show(value[:64].hex(' '), MAX_TEXT)} ({number(len(value))} bytes)", name)
    text = value if isinstance(value, str) else f"{value} ({type(value).__name__})"
    if len(text) <= FOLD_TEXT and "\n" not in text:
        return TreeNode("text", show(text), name)
    return TreeNode("text", show(text.replace("\n", " ")[:FOLD_TEXT]) + "…", name, full=show(text, MAX_TEXT))


def _integer(value: int) -> str:
    """Write every digit; Python itself refuses above 4,300."""
    if value.bit_length() < 13_000:
        return str(value)
    return f"{hex(value)[:80]}… ({number(value.bit_length())} bits)"
