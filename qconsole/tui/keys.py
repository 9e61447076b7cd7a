"""The help screen: every key with its description, taken from the bindings themselves, and the bindings of a noun's
verbs.
"""

from typing import TYPE_CHECKING, Any

from textual.binding import Binding, BindingType

from qconsole.tui.cells import fit, wrap
from qconsole.tui.document import DocLine, section
from qconsole.tui.location import MODES
from qconsole.tui.verbs import ALL

if TYPE_CHECKING:
    from qconsole.tui.view import View

_SIGNS = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "asterisk": "*",
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "comma": ",",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "tab": "Tab",
    "plus": "+",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "home": "Home",
    "end": "End",
}


def verb_bindings(noun: str) -> list[BindingType]:
    """Return one binding for each key of a noun's verbs."""
    by_key: dict[str, list[str]] = {}
    for action in ALL[noun]:
        if action.key is not None:
            by_key.setdefault(action.key, []).append(action.label.lower())
    return [Binding(key, f"verb('{key}')", " / ".join(labels), show=False) for key, labels in by_key.items()]


def sign(keys: str) -> str:
    """Return how a binding's keys are written: `j ↓`."""
    shown = []
    for key in keys.split(","):
        shown.append("^" + key[5:] if key.startswith("ctrl+") else _SIGNS.get(key, key))
    return " ".join(shown)


def help_lines(view: "View", cells: int) -> list[DocLine]:
    """Return all keys that work on a screen, in lines of so many cells."""
    from qconsole.tui.app import ConsoleApp
    from qconsole.tui.document import Document
    from qconsole.tui.list_view import ListView
    from qconsole.tui.table import Table

    noun = view.noun
    lines: list[DocLine] = []
    if ALL.get(noun):
        lines.append(section("Verbs"))
        for action in ALL[noun]:
            lines += _lines(action.key or ":", action.label, action.detail, cells)
        lines.append(DocLine())
    if own := [b for b in _bindings(type(view)) if not b.action.startswith("verb(")]:
        lines.append(section("This screen"))
        lines += [_line(sign(b.key), b.description, 5) for b in own]
        lines.append(DocLine())
    lines.append(section("Screens"))
    pairs = [f"{mode.key} {mode.title}" for mode in MODES]
    for start in range(0, len(pairs), 4):
        lines.append(DocLine((("  " + "".join(fit(pair, 17) for pair in pairs[start : start + 4]), "text"),)))
    lines.append(DocLine())
    for title, source in (
        ("Everywhere", ConsoleApp),
        ("In lists", ListView),
        ("Moving in lists", Table),
        ("In texts", Document),
    ):
        lines.append(section(title))
        lines += [_line(sign(b.key), b.description) for b in _bindings(source)]
        lines.append(DocLine())
    return lines


def _bindings(source: Any) -> list[Binding]:
    own = source.__dict__.get("BINDINGS", ())
    return [b for b in own if isinstance(b, Binding) and not b.action.startswith("mode(")]


def _line(keys: str, what: str, cells: int = 12) -> DocLine:
    return DocLine((("  " + fit(keys, cells), "key"), (what, "text")))


def _lines(key: str, label: str, detail: str, cells: int) -> list[DocLine]:
    """Return a verb with what it does, which goes on below itself where one line is too short."""
    first, *more = wrap(detail, max(20, cells - 33)) or [""]
    lines = [DocLine((("  " + fit(key, 5), "key"), (fit(label, 24), "text"), (first, "muted")))]
    return [*lines, *(DocLine(((" " * 31, "text"), (line, "muted"))) for line in more)]
