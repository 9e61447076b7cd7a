"""The parts of a filter: fields, operators, values and terms, and how each prints itself in canonical text.

Pure. A pattern is kept in its escaped form (`\\*` is a literal star), so printing and reading back lose nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

JOBS = "jobs"
DEAD_LETTERS = "dead_letters"
AUDIT = "audit"
EVENTS = "events"


class Kind(StrEnum):
    """What a field's values are, which decides the operators it takes."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    DURATION = "duration"
    INSTANT = "instant"
    PAYLOAD = "payload"


class Operator(StrEnum):
    """How a term compares: `:` the whole value, `~` a part of it, the others by order."""

    IS = ":"
    CONTAINS = "~"
    GREATER_EQUAL = ">="
    GREATER = ">"
    LESS_EQUAL = "<="
    LESS = "<"


ORDERED = frozenset({Operator.GREATER, Operator.GREATER_EQUAL, Operator.LESS, Operator.LESS_EQUAL})
OPERATORS_OF: dict[Kind, tuple[Operator, ...]] = {
    Kind.TEXT: (Operator.IS, Operator.CONTAINS),
    Kind.CHOICE: (Operator.IS,),
    Kind.NUMBER: (Operator.IS, Operator.GREATER_EQUAL, Operator.GREATER, Operator.LESS_EQUAL, Operator.LESS),
    Kind.DURATION: (Operator.GREATER_EQUAL, Operator.GREATER, Operator.LESS_EQUAL, Operator.LESS),
    Kind.INSTANT: (Operator.IS, Operator.GREATER_EQUAL, Operator.GREATER, Operator.LESS_EQUAL, Operator.LESS),
    Kind.PAYLOAD: tuple(Operator),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the grammar: its kind, the listings that know it, and a line of help for completion."""

    name: str
    kind: Kind
    nouns: frozenset[str]
    text: str
    choices: tuple[str, ...] = ()

    def choices_of(self, noun: str) -> tuple[str, ...]:
        """Return the values it takes in a listing: jobs and dead letters have states of their own."""
        if self.name != "state":
            return self.choices
        return DEAD_LETTER_STATES if noun == DEAD_LETTERS else JOB_STATES


JOB_STATES = ("waiting", "delayed", "active", "waiting_children", "completed", "failed", "cancelled")
DEAD_LETTER_STATES = ("open", "replayed", "discarded")
CAUSES = ("attempts", "unrecoverable", "stalled", "expired", "undecodable", "cancelled", "child")
_BOTH = frozenset({JOBS, DEAD_LETTERS})
_JOBS = frozenset({JOBS})
_DLQ = frozenset({DEAD_LETTERS})
_AUDIT = frozenset({AUDIT})
_EVENTS = frozenset({EVENTS})
_ALL = _BOTH | _AUDIT | _EVENTS

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("queue", Kind.TEXT, _ALL, "name of the queue"),
        Field("state", Kind.CHOICE, _BOTH, "where it stands", (*JOB_STATES, *DEAD_LETTER_STATES)),
        Field("type", Kind.TEXT, _BOTH, "job type"),
        Field("error", Kind.TEXT, _BOTH, "type or message of the last error"),
        Field("fp", Kind.TEXT, _BOTH, "fingerprint of the error group"),
        Field("id", Kind.TEXT, _ALL, "id of the job, dead letter or audit entry; of an event, its job"),
        Field("age", Kind.DURATION, _BOTH, "time since it was created (a dead letter: since it was buried)"),
        Field("wait", Kind.DURATION, _JOBS, "time from due to start, or to now"),
        Field("run", Kind.DURATION, _JOBS, "time from start to end, or to now"),
        Field("attempts", Kind.NUMBER, _BOTH, "attempts made"),
        Field("priority", Kind.NUMBER, _JOBS, "0 (first) to 100 (last)"),
        Field("worker", Kind.TEXT, _JOBS, "worker that runs or ran it"),
        Field("payload", Kind.PAYLOAD, _BOTH, "a value in the payload, by its path: payload.to"),
        Field("flow", Kind.TEXT, _JOBS, "id of the parent job"),
        Field("schedule", Kind.TEXT, _JOBS, "schedule it came from"),
        Field("created", Kind.INSTANT, _BOTH, "when it was created"),
        Field("due", Kind.INSTANT, _JOBS, "when it may start"),
        Field("started", Kind.INSTANT, _JOBS, "when its last attempt started"),
        Field("finished", Kind.INSTANT, _BOTH, "when it ended (a dead letter: when it was buried)"),
        Field("text", Kind.TEXT, _ALL, "id, type or error; what a bare word searches"),
        Field("cause", Kind.CHOICE, _DLQ, "why it was buried", CAUSES),
        Field("severity", Kind.TEXT, _DLQ, "severity of its job type"),
        Field("actor", Kind.TEXT, _AUDIT, "who did it"),
        Field("role", Kind.CHOICE, _AUDIT, "role of who did it", ("viewer", "operator", "admin")),
        Field("face", Kind.CHOICE, _AUDIT, "where it was done", ("cli", "tui", "web", "api")),
        Field("action", Kind.TEXT, _AUDIT, "what was done"),
        Field("target", Kind.TEXT, _AUDIT, "what it was done to"),
        Field("reason", Kind.TEXT, _AUDIT, "the reason given"),
        Field("operation", Kind.TEXT, _AUDIT, "id of the operation"),
        Field("outcome", Kind.CHOICE, _AUDIT, "how it ended", ("done", "failed", "unknown")),
        Field("at", Kind.INSTANT, _AUDIT | _EVENTS, "when it was done, or happened"),
        Field("kind", Kind.TEXT, _EVENTS, "what happened: buried, stalled, progress"),
    )
}

STAR = object()
ONE = object()
ESCAPABLE = '*?\\"'


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text with wildcards: `*` any run of characters, `?` exactly one; kept escaped."""

    escaped: str

    @classmethod
    def of(cls, literal: str) -> "Pattern":
        """Return the pattern that matches exactly this text."""
        return cls("".join("\\" + c if c in ESCAPABLE else c for c in literal))

    @property
    def literal(self) -> str | None:
        """The text it matches when it has no wildcard, else `None`."""
        parts = _parts(self.escaped)
        if any(not isinstance(part, str) for part in parts):
            return None
        return "".join(part for part in parts if isinstance(part, str))

    @property
    def prefix(self) -> str:
        """The literal text every match begins with."""
        taken: list[str] = []
        for part in _parts(self.escaped):
            if not isinstance(part, str):
                break
            taken.append(part)
        return "".join(taken)

    def matches(self, text: str) -> bool:
        """Tell whether the whole text fits; case counts."""
        return _fits(_parts(self.escaped), text)

    def found_in(self, text: str) -> bool:
        """Tell whether some part of the text fits; case does not count."""
        literal = self.literal
        if literal is not None:
            return literal.casefold() in text.casefold()
        return _fits((STAR, *_parts(self.escaped.casefold()), STAR), text.casefold())

    def __str__(self) -> str:
        return quoted(self.escaped)


@lru_cache(maxsize=1024)
def _parts(escaped: str) -> tuple[object, ...]:
    """Split into single characters and wildcards."""
    parts: list[object] = []
    characters = iter(escaped)
    for character in characters:
        if character == "\\":
            parts.append(next(characters, "\\"))
        elif character == "*":
            if not parts or parts[-1] is not STAR:
                parts.append(STAR)
        elif character == "?":
            parts.append(ONE)
        else:
            parts.append(character)
    return tuple(parts)


def _fits(parts: tuple[object, ...], text: str) -> bool:
    """Match by going back to the last star only, so the work is at most len(parts) * len(text)."""
    at = 0
    part = 0
    star: int | None = None
    resume = 0
    while at < len(text):
        if part < len(parts) and parts[part] is STAR:
            star, resume = part, at
            part += 1
        elif part < len(parts) and (parts[part] is ONE or parts[part] == text[at]):
            part += 1
            at += 1
        elif star is not None:
            resume += 1
            part, at = star + 1, resume
        else:
            return False
    return all(p is STAR for p in parts[part:])


def quoted(escaped: str) -> str:
    """Return escaped text as a filter writes it: bare when that reads back the same, else in quotes."""
    bare = escaped and escaped.isprintable() and not any(c.isspace() or c == "," for c in escaped)
    return escaped if bare else f'"{escaped}"'


_DURATION_UNITS = (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
DURATION_UNITS_MS: dict[str, int] = dict(_DURATION_UNITS)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time."""

    ms: int

    def __str__(self) -> str:
        for unit, unit_ms in _DURATION_UNITS[1:]:
            if self.ms and self.ms % unit_ms == 0:
                return f"{self.ms // unit_ms}{unit}"
        return "0s"


@dataclass(frozen=True, slots=True)
class Number:
    """A number, exact at any size."""

    value: Decimal

    def __str__(self) -> str:
        text = format(self.value, "f") if -30 < self.value.adjusted() < 60 else str(self.value)
        return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text


@dataclass(frozen=True, slots=True)
class Instant:
    """A point or span of time: absolute (`span_ms` is the precision it was written with) or relative to now."""

    ms: int
    span_ms: int = 1
    relative: bool = False

    def bounds_ms(self, now_ms: int) -> tuple[int, int]:
        """Return the first millisecond of the span and the first one after it."""
        start = now_ms + self.ms if self.relative else self.ms
        return start, start + self.span_ms

    def __str__(self) -> str:
        if self.relative:
            if self.ms == 0:
                return "now"
            return f"now{'-' if self.ms < 0 else '+'}{Duration(abs(self.ms))}"
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.ms)
        if self.span_ms == 86_400_000:
            return f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        day = f"{moment.year:04}-{moment.month:02}-{moment.day:02}T{moment.hour:02}:{moment.minute:02}"
        if self.span_ms == 60_000:
            return day
        seconds = f"{day}:{moment.second:02}"
        return seconds if self.span_ms == 1_000 else f"{seconds}.{self.ms % 1000:03}"


Value = Pattern | Duration | Number | Instant


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; several values mean "any of them". `path` is set for `payload` only."""

    field: str
    operator: Operator
    values: tuple[Value, ...]
    negated: bool = False
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        sign = "-" if self.negated else ""
        values = ",".join(str(value) for value in self.values)
        if self.field == "text" and self.operator is Operator.CONTAINS and _reads_as_words(self.values):
            return sign + values
        name = ".".join((self.field, *(_segment(part) for part in self.path)))
        return f"{sign}{name}{self.operator}{values}"


def _reads_as_words(values: tuple[Value, ...]) -> bool:
    """Tell whether the values, printed without a field, cannot be taken for a field or a negation."""
    first = str(values[0])
    return first.startswith('"') or not (first.startswith("-") or any(c in ":~<>=" for c in first))


def _segment(part: str) -> str:
    plain = part and all(c.isalnum() or c in "_-*[]" for c in part)
    if plain:
        return part
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
