"""Suggests how a half-written filter may go on: fields, operators and the values that exist.

Pure: what exists comes in as `Context`. Never raises, whatever stands left of the caret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from qconsole.admin.filter_terms import FIELDS, JOBS, OPERATORS_OF, Kind, Pattern

_DURATIONS = ("30s", "5m", "1h", "24h", "7d")
_INSTANTS = ("now-1h", "now-24h", "now-7d")


@dataclass(frozen=True, slots=True)
class Context:
    """Which values are known, by field (`queue`, `type`, `worker`, `fp`, `schedule`, …), and for which listing."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    noun: str = JOBS


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Replace `start:end` of the text by `text`; `detail` is one line of help."""

    text: str
    start: int
    end: int
    detail: str


def complete(text: str, position: int, context: Context | None = None, *, limit: int = 20) -> list[Suggestion]:
    """Return suggestions for the caret at `position`, the likeliest first."""
    context = context or Context()
    position = max(0, min(position, len(text)))
    start = _term_start(text, position)
    word = text[start:position]
    sign = "-" if word.startswith("-") else ""
    start += len(sign)
    word = word[len(sign) :]
    for name, known in FIELDS.items():
        if context.noun not in known.nouns:
            continue
        for operator in sorted(OPERATORS_OF[known.kind], key=len, reverse=True):
            if word.startswith(name + operator):
                return _values(name, word[len(name) + len(operator) :], position, context)[:limit]
    return _fields(word, start, position, context)[:limit]


def _term_start(text: str, position: int) -> int:
    """Find where the term under the caret begins; a space inside quotes belongs to it."""
    start = 0
    inside = False
    at = 0
    while at < position:
        character = text[at]
        if character == "\\":
            at += 2
            continue
        if character == '"':
            inside = not inside
        elif character.isspace() and not inside:
            start = at + 1
        at += 1
    return start


def _fields(word: str, start: int, position: int, context: Context) -> list[Suggestion]:
    found = []
    for name, known in FIELDS.items():
        if context.noun in known.nouns and name.startswith(word.lower()):
            ending = "." if known.kind is Kind.PAYLOAD else OPERATORS_OF[known.kind][0].value
            found.append(Suggestion(name + ending, start, position, known.text))
    return found


def _values(name: str, typed: str, position: int, context: Context) -> list[Suggestion]:
    """Suggest for the value after the last comma."""
    typed = typed.rsplit(",", 1)[-1]
    start = position - len(typed)
    wanted = typed.lstrip('"').lower()
    known = FIELDS[name]
    if known.kind is Kind.CHOICE:
        values = known.choices_of(context.noun)
    elif known.kind is Kind.DURATION:
        values = _DURATIONS
    elif known.kind is Kind.INSTANT:
        values = _INSTANTS
    else:
        values = context.values.get(name, ())
    first = [value for value in values if value.lower().startswith(wanted)]
    later = [value for value in values if wanted and wanted in value.lower() and value not in first]
    return [Suggestion(str(Pattern.of(value)), start, position, known.text) for value in first + later]
