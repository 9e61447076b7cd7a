"""A payload as a tree of lines: folded where it is large, exact where it is a number, safe whatever is in it.

The cost follows what is unfolded, not the payload: a list of 100,000 or a text of 10 MB shows its start and says what
is left.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qconsole.tui.cells import cut, plain, width, wrap
from qconsole.tui.document import DocLine, Folds
from qconsole.tui.format import plural, size
from qconsole.tui.skin import Span

PAGE = 100  # entries of one container before "… more"
TEXT_LINES = 6  # lines of one text before "… more"
MOST_LINES = 5_000
DEEPEST = 200


def tree(value: Any, cells: int, folds: Folds, *, root: str = "$", indent: int = 2) -> list[DocLine]:
    """Return a value's lines.

    Args:
        value: plain values (what JSON has, and anything else by its `str`).
        root: the fold key and path of the value.
    """
    lines: list[DocLine] = []
    stack: list[Iterator[DocLine | Iterator[DocLine]]] = [_node(None, value, root, 0, cells, folds, indent)]
    while stack and len(lines) < MOST_LINES:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
        elif isinstance(step, DocLine):
            lines.append(step)
        else:
            stack.append(step)
    if stack:
        lines.append(DocLine(((" " * indent + "… more than can be shown at once; fold what is not needed", "muted"),)))
    return lines


def _node(name: str | None, value: Any, path: str, depth: int, cells: int, folds: Folds, indent: int) -> Iterator[Any]:
    if isinstance(value, Mapping | list | tuple) and value and depth < DEEPEST:
        yield from _container(name, value, path, depth, cells, folds, indent)
    else:
        yield from _leaf(name, value, path, depth, cells, folds, indent)


def _container(
    name: str | None, value: Any, path: str, depth: int, cells: int, folds: Folds, indent: int
) -> Iterator[Any]:
    mapping = isinstance(value, Mapping)
    is_open = folds.is_open(path, depth < 4 and len(value) <= 40)
    if name is not None:
        note = f"{{{len(value):,}}}" if mapping else f"[{len(value):,}]"
        if not is_open:
            note += "  " + cut(plain(_hint(value)), max(8, cells - indent - 2 * depth - width(name) - 12))
        spans: tuple[Span, ...] = (
            (" " * (indent + 2 * depth - 2) + ("▾ " if is_open else "▸ "), "muted"),
            (name, "json_key"),
            ("  " + note, "muted"),
        )
        yield DocLine(spans, fold=path, copy=_copier(value))
    if is_open or name is None:
        entries = iter(value.items()) if mapping else enumerate(value)
        yield _entries(entries, len(value), path, depth + (name is not None), cells, folds, indent, shown=0)


def _entries(
    entries: Iterator[tuple[Any, Any]],
    total: int,
    path: str,
    depth: int,
    cells: int,
    folds: Folds,
    indent: int,
    *,
    shown: int,
) -> Iterator[Any]:
    for key, child in entries:
        yield _node(plain(str(key), limit=200), child, f"{path}.{key}", depth, cells, folds, indent)
        shown += 1
        if shown % PAGE == 0 and shown < total:
            fold = f"{path}…{shown}"
            more = total - shown
            yield DocLine(((" " * (indent + 2 * depth - 2) + f"▸ {more:,} more", "muted"),), fold=fold)
            # A search unfolds everything, but never pages endlessly through one container.
            if fold not in folds.turned and not (folds.all_open and shown < MOST_LINES):
                return


def _leaf(
    name: str | None, value: Any, path: str, depth: int, cells: int, folds: Folds, indent: int
) -> Iterator[DocLine]:
    lead = " " * (indent + 2 * depth)
    label: list[Span] = [(lead, "text")] if name is None else [(lead, "text"), (name, "json_key"), ("  ", "text")]
    room = max(12, cells - width(lead) - (0 if name is None else width(name) + 2))
    if not isinstance(value, str):
        text, style = _scalar(value)
        yield DocLine((*label, (plain(text), style)), copy=_copier(value))
        return
    lines = wrap(value[: 40 * room * TEXT_LINES], room)
    is_open = folds.is_open(path, False)
    if is_open and len(value) > 40 * room * TEXT_LINES:
        lines = wrap(value[: room * 1_000], room)
    if len(lines) == 1 and len(value) <= 40 * room * TEXT_LINES:
        yield DocLine((*label, (lines[0] or '""', "json_text" if value else "muted")), copy=_copier(value))
        return
    kept = lines if is_open or len(lines) <= TEXT_LINES + 1 else lines[:TEXT_LINES]
    inner = " " * sum(width(text) for text, _ in label)
    for number, line in enumerate(kept):
        yield DocLine((*(label if number == 0 else [(inner, "text")]), (line, "json_text")), copy=_copier(value))
    shown = sum(map(len, kept))
    if len(kept) < len(lines) or shown < len(value) * 0.9:
        note = f"{inner}▸ {size(max(0, len(value) - shown))} more of {size(len(value))}"
        yield DocLine(((note, "muted"),), fold=path, copy=_copier(value))


def _scalar(value: Any) -> tuple[str, str]:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value], "json_word"
    if isinstance(value, int):
        # Exact whatever its size; beyond Python's limit for decimal digits it is shown in base 16.
        return (str(value) if value.bit_length() < 14_000 else hex(value)), "json_number"
    if isinstance(value, float):
        return repr(value), "json_number"
    if isinstance(value, Mapping | list | tuple):
        return ("{}" if isinstance(value, Mapping) else "[]") if not value else "… deeper than is shown", "muted"
    return str(value), "json_word"


def _hint(value: Any) -> str:
    """Return the first few scalars of a folded container: enough to know whether to open it."""
    entries = list(value.items())[:4] if isinstance(value, Mapping) else list(enumerate(value[:4]))
    parts = []
    for key, child in entries:
        text = (
            child[:40] if isinstance(child, str) else "…" if isinstance(child, Mapping | list | tuple) else str(child)
        )
        parts.append(f"{str(key)[:40]}: {text}" if isinstance(value, Mapping) else text)
    return ", ".join(parts) + (", …" if len(value) > 4 else "")


def _copier(value: Any) -> Callable[[], str]:
    return lambda: as_text(value)


def as_text(value: Any) -> str:
    """Return a value as indented JSON, exact and with nothing escaped that need not be."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


def describe(value: Any) -> str:
    """Return what a payload is, in a few words."""
    if isinstance(value, Mapping):
        return plural(len(value), "field")
    return plural(len(value), "entry", "entries") if isinstance(value, list | tuple) else type(value).__name__
