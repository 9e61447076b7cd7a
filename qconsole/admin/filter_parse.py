"""Reads the text of a filter by recursive descent; every complaint names the position and what was expected.

Pure. Linear in the length of the text, which is capped.
"""

import difflib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import NoReturn

from qconsole.admin.filter_terms import (
    DEAD_LETTERS,
    DURATION_UNITS_MS,
    ESCAPABLE,
    FIELDS,
    JOBS,
    OPERATORS_OF,
    ORDERED,
    Duration,
    Field,
    Instant,
    Kind,
    Number,
    Operator,
    Pattern,
    Term,
    Value,
)
from qconsole.errors import FilterError

MAX_LENGTH = 4_000
MAX_MS = 10**15
_NAME = re.compile(r"[A-Za-z_]{1,64}")
_OPERATOR = re.compile(r">=|<=|>|<|:|~|=")
_SEGMENT = re.compile(r"[\w*\[\]-]{1,200}")
_NUMBER = re.compile(r"-?\d{1,60}(?:\.\d{1,60})?(?:[eE][+-]?\d{1,3})?")
_DURATION_PART = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)(ms|w|d|h|m|s)")
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Reader = Callable[[str, int], Value]
DURATION_HELP = "a duration such as 90s, 15m, 1h30m or 2d"
INSTANT_HELP = "a date such as 2026-01-31, 2026-01-31T14:30, now or now-2h"


def fail(position: int, expected: str, got: str, hint: str | None = None) -> NoReturn:
    """Raise FilterError in the one form all complaints have."""
    raise FilterError(f"at {position}: expected {expected}, got {got}", hint, position=position, expected=expected)


class Parser:
    """A cursor over one text for one listing; `terms` reads it to its end."""

    def __init__(self, text: str, noun: str = JOBS) -> None:
        if len(text) > MAX_LENGTH:
            fail(MAX_LENGTH, f"at most {MAX_LENGTH} characters", f"{len(text)}")
        self._text = text
        self._at = 0
        self._noun = noun

    def terms(self) -> tuple[Term, ...]:
        """Return every term of the text, in order."""
        terms: list[Term] = []
        while self._skip_space():
            terms.append(self._term())
        return tuple(terms)

    def _skip_space(self) -> bool:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at < len(self._text)

    def _got(self) -> str:
        if self._at >= len(self._text):
            return "the end"
        return repr(self._text[self._at])

    def _term(self) -> Term:
        negated = self._text[self._at] == "-"
        if negated:
            self._at += 1
            if self._at >= len(self._text) or self._text[self._at].isspace():
                fail(self._at, "a field or a word after -", self._got())
        start = self._at
        name = _NAME.match(self._text, self._at)
        if name:
            self._at = name.end()
            path = self._path() if name.group().lower() == "payload" else ()
            operator = _OPERATOR.match(self._text, self._at)
            if operator:
                return self._field_term(start, name.group().lower(), path, operator, negated)
        self._at = start
        words = self._values(lambda raw, _position: Pattern(raw))
        self._check_word(start)
        return Term("text", Operator.CONTAINS, words, negated)

    def _check_word(self, start: int) -> None:
        """Refuse a bare word that looks like a condition on a field that does not exist."""
        word = re.split(r"[,\"]", self._text[start : self._at], maxsplit=1)[0]
        operator = _OPERATOR.search(word)
        if operator:
            fail(start, "a field", repr(word[: operator.start()]), 'Put the word in quotes to search for it: "a:b".')

    def _path(self) -> tuple[str, ...]:
        """Read `.a."b c".0` after `payload`."""
        parts: list[str] = []
        while self._at < len(self._text) and self._text[self._at] == ".":
            self._at += 1
            if self._at < len(self._text) and self._text[self._at] == '"':
                parts.append(_unescaped(self._quoted()))
                continue
            segment = _SEGMENT.match(self._text, self._at)
            if segment is None:
                fail(self._at, "a key after the dot", self._got())
            parts.append(segment.group())
            self._at = segment.end()
        if len(parts) > 64:
            fail(self._at, "at most 64 keys in a path", str(len(parts)))
        return tuple(parts)

    def _field_term(self, start: int, name: str, path: tuple[str, ...], found: re.Match[str], negated: bool) -> Term:
        field = FIELDS.get(name)
        if field is None:
            known = [field.name for field in FIELDS.values() if self._noun in field.nouns]
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"Fields are {', '.join(known)}."
            fail(start, "a field", repr(name), hint)
        operator = Operator.IS if found.group() == "=" else Operator(found.group())
        if operator not in OPERATORS_OF[field.kind]:
            fail(found.start(), f"{_one_of(OPERATORS_OF[field.kind])} after {name}", repr(found.group()))
        self._at = found.end()
        values = self._values(lambda raw, at: _value(field, operator, raw, at, self._noun))
        return Term(name, operator, values, negated, path)

    def _values(self, read: _Reader) -> tuple[Value, ...]:
        values: list[Value] = []
        while True:
            position = self._at
            values.append(read(self._raw(), position))
            if self._at >= len(self._text) or self._text[self._at].isspace():
                return tuple(values)
            if self._text[self._at] != ",":
                fail(self._at, "a space or a comma", self._got())
            self._at += 1

    def _raw(self) -> str:
        """Read one bare or quoted value in its escaped form."""
        if self._at < len(self._text) and self._text[self._at] == '"':
            return self._quoted()
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in ',"' and not self._text[self._at].isspace():
            self._at += 1 + self._escape()
        if self._at == start:
            fail(start, "a value", self._got())
        return self._text[start : self._at]

    def _quoted(self) -> str:
        opening = self._at
        self._at += 1
        while self._at < len(self._text) and self._text[self._at] != '"':
            self._at += 1 + self._escape()
        if self._at >= len(self._text):
            fail(self._at, f'a closing " for the one at {opening}', "the end")
        self._at += 1
        return self._text[opening + 1 : self._at - 1]

    def _escape(self) -> int:
        """Return 1 when an escape stands here, after checking what it escapes."""
        if self._text[self._at] != "\\":
            return 0
        following = self._text[self._at + 1 : self._at + 2]
        if following == "" or following not in ESCAPABLE:
            fail(self._at, 'one of \\* \\? \\\\ \\"', repr("\\" + following))
        return 1


def _one_of(operators: tuple[Operator, ...]) -> str:
    texts = [operator.value for operator in operators]
    return texts[0] if len(texts) == 1 else f"{' '.join(texts[:-1])} or {texts[-1]}"


def _unescaped(escaped: str) -> str:
    literal = Pattern(escaped.replace("*", "\\*").replace("?", "\\?")).literal
    return "" if literal is None else literal


def _value(field: Field, operator: Operator, raw: str, position: int, noun: str) -> Value:
    if field.kind is Kind.DURATION:
        return Duration(duration_ms(raw, position))
    if field.kind is Kind.INSTANT:
        return instant(raw, position)
    if field.kind is Kind.NUMBER or (field.kind is Kind.PAYLOAD and operator in ORDERED):
        return _number(raw, position)
    if field.kind is Kind.CHOICE:
        return _choice(field, raw, position, noun)
    return Pattern(raw)


def _choice(field: Field, raw: str, position: int, noun: str) -> Pattern:
    chosen, choices = raw.lower(), field.choices_of(noun)
    if chosen not in choices:
        fail(position, f"one of {', '.join(choices)}", repr(raw), _instead(field, chosen, choices, noun))
    return Pattern(chosen)


def _instead(field: Field, chosen: str, choices: tuple[str, ...], noun: str) -> str | None:
    """Return what may have been meant by a choice that a listing does not have."""
    if chosen in field.choices:
        here, there = ("dead letters", "jobs") if noun == DEAD_LETTERS else ("jobs", "dead letters")
        return f"{chosen} is a state of {there}, and this lists {here}."
    close = difflib.get_close_matches(chosen, choices, n=1)
    return f"Did you mean {close[0]}?" if close else None


def _number(raw: str, position: int) -> Number:
    if not _NUMBER.fullmatch(raw):
        fail(position, "a number", repr(raw))
    value = Decimal(raw)
    return Number(value if value else Decimal(0))


def duration_ms(raw: str, position: int = 0) -> int:
    """Return the milliseconds of a duration such as `1h30m`.

    Raises:
        FilterError: it is none, or is longer than 30,000 years.
    """
    total = Decimal(0)
    at = 0
    while at < len(raw):
        part = _DURATION_PART.match(raw, at)
        if part is None:
            break
        total += Decimal(part.group(1)) * DURATION_UNITS_MS[part.group(2)]
        at = part.end()
    if at == 0 or at < len(raw) or total > MAX_MS:
        fail(position, DURATION_HELP, repr(raw))
    return int(total)


def instant(raw: str, position: int = 0) -> Instant:
    """Return the instant of a date, a time (UTC unless it carries an offset), or an offset from `now`.

    Raises:
        FilterError: it is none of these.
    """
    if raw == "now":
        return Instant(0, relative=True)
    if raw.startswith(("now-", "now+")):
        offset_ms = duration_ms(raw[4:], position)
        return Instant(-offset_ms if raw[3] == "-" else offset_ms, relative=True)
    found = _DATE.fullmatch(raw)
    if found is None:
        fail(position, INSTANT_HELP, repr(raw))
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError as error:
        fail(position, INSTANT_HELP, f"{raw!r} ({error})")
    delta = moment - _EPOCH
    ms = (delta.days * 86_400 + delta.seconds) * 1_000 + int((fraction or "0").ljust(3, "0"))
    if zone and zone != "Z":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        ms -= (minutes if zone[0] == "+" else -minutes) * 60_000
    span_ms = 86_400_000 if hour is None else 60_000 if second is None else 1_000 if fraction is None else 1
    return Instant(_in_calendar(ms, raw, position), span_ms)


def _in_calendar(ms: int, raw: str, position: int) -> int:
    """Refuse an instant that its own offset pushed out of the years 1 to 9999."""
    if not -62_135_596_800_000 <= ms <= 253_402_300_799_999:
        fail(position, INSTANT_HELP, repr(raw))
    return ms
