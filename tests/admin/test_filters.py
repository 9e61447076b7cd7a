"""The filter grammar: what it reads, how it prints itself, what it says when it cannot read."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qconsole.admin.filter_parse import Parser
from qconsole.admin.filter_terms import (
    DEAD_LETTERS,
    FIELDS,
    JOBS,
    OPERATORS_OF,
    ORDERED,
    Duration,
    Instant,
    Kind,
    Number,
    Operator,
    Pattern,
    Term,
)
from qconsole.admin.filters import Context, Filter, complete, parse
from qconsole.errors import FilterError

NOW_MS = 1_800_000_000_000


@dataclass
class Record:
    text: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    body: Any = None

    def texts(self, name: str) -> tuple[str, ...]:
        return self.text.get(name, ())

    def number(self, name: str) -> float | None:
        return self.numbers.get(name)

    def payload(self) -> Any:
        return self.body


def fits(text: str, record: Record) -> bool:
    return parse(text).fits(record, NOW_MS)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("queue:email  state:FAILED", "queue:email state:failed"),
        ('error~"timed? out"', 'error~"timed? out"'),
        ("age>60m wait<=90s run>=1h30m", "age>1h wait<=90s run>=90m"),
        ("attempts>=3 priority=2", "attempts>=3 priority:2"),
        ('payload.to:"*@x.com"', "payload.to:*@x.com"),
        ('payload."a b".0:1', 'payload."a b".0:1'),
        ("state:failed,cancelled -type:send_*", "state:failed,cancelled -type:send_*"),
        ("created>=2026-01-31T16:30+02:00", "created>=2026-01-31T14:30"),
        ("due<now+90m finished>now-2h", "due<now+90m finished>now-2h"),
        ('"connection refused" -boom', '"connection refused" -boom'),
        ("text~a,b", "a,b"),
        ('id:"a\\"b"', 'id:a\\"b'),
        (
            "payload.size>1e3 payload.big:123456789012345678901234567890",
            "payload.size>1000 payload.big:123456789012345678901234567890",
        ),
        ("age>0s", "age>0s"),
        ("", ""),
    ],
)
def test_a_filter_prints_itself_in_canonical_form(text: str, canonical: str) -> None:
    parsed = parse(text)
    assert str(parsed) == canonical
    assert parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("stat:failed", 0, "a field"),
        ("queue:email state:faild", 18, "one of"),
        ("queue:", 6, "a value"),
        ("queue:a,", 8, "a value"),
        ('error~"abc', 10, "a closing"),
        ("age:1h", 3, ">="),
        ("age>1x", 4, "a duration"),
        ("age>", 4, "a value"),
        ("age>99999999999999w", 4, "a duration"),
        ("attempts>=three", 10, "a number"),
        ("created>yesterday", 8, "a date"),
        ("created>2026-02-31", 8, "a date"),
        ('id:ab"c"', 5, "a space or a comma"),
        ("id:a\\n", 4, "one of"),
        ("queue:email -", 13, "a field or a word"),
        ("payload.:x", 8, "a key"),
        ("http://x", 0, "a field"),
        ("state~fail", 5, ": after"),
        ("x" * 5000, 4000, "at most"),
    ],
)
def test_an_error_names_the_position_and_what_was_expected(text: str, position: int, expected: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.position == position
    assert expected in caught.value.fields["expected"]
    assert f"at {position}: expected" in str(caught.value)


def test_a_misspelt_field_or_value_is_suggested() -> None:
    with pytest.raises(FilterError) as caught:
        parse("sate:failed")
    assert caught.value.hint == "Did you mean state?"
    with pytest.raises(FilterError) as caught:
        parse("state:complete")
    assert caught.value.hint == "Did you mean completed?"
    with pytest.raises(FilterError, match=r"at 6: expected one of waiting, .* cancelled, got 'nope'") as caught:
        parse("state:nope")
    assert caught.value.hint is None
    with pytest.raises(FilterError, match="expected one of open, replayed, discarded, got 'failed'") as caught:
        parse("state:failed", noun=DEAD_LETTERS)
    assert caught.value.hint == "failed is a state of jobs, and this lists dead letters."


def test_a_field_of_another_listing_is_refused_with_the_fields_that_exist() -> None:
    with pytest.raises(FilterError, match="expected a field of dead letters, got 'worker'") as caught:
        parse("fp:ab worker:w1", noun=DEAD_LETTERS)
    assert caught.value.position == 6
    assert "cause" in (caught.value.hint or "")


def test_conditions_hold_together_and_commas_mean_or() -> None:
    record = Record({"queue": ("email",), "state": ("failed",)}, {"attempts": 3, "age": 3_600_001})
    assert fits("queue:email state:failed,cancelled attempts>=3 age>1h", record)
    assert not fits("queue:email state:waiting", record)
    assert not fits("queue:email -state:failed", record)
    assert not fits("age<=1h", record)


def test_whole_value_counts_case_and_contains_does_not() -> None:
    record = Record({"error": ("TimeoutError", "Timed out after 3 s")})
    assert fits("error:TimeoutError", record)
    assert not fits("error:timeouterror", record)
    assert fits('error~"timed out"', record)
    assert fits('error~"timed? out"', Record({"error": ("Timed! Out",)}))
    assert not fits('error~"timed? out"', record)
    assert fits("error:Time*", record)
    assert not fits("error:Time\\*", record)


def test_a_missing_fact_fits_only_the_negation() -> None:
    assert not fits("worker:*", Record())
    assert fits("-worker:*", Record())
    assert not fits("wait>0s", Record())


def test_payload_paths_look_into_keyword_and_positional_arguments() -> None:
    body = {
        "args": ["first", {"n": 2}],
        "kwargs": {"to": ["a@x.com", "b@y.org"], "deep": {"a.b": True}, "amount": 10**40 + 1},
    }
    record = Record(body=body)
    assert fits('payload.to:"*@x.com"', record)
    assert fits("payload.to.1:b@y.org", record)
    assert fits("payload.0:first", record)
    assert fits("payload.args.1.n:2", record)
    assert fits("payload.kwargs.deep.*:true", record)
    assert fits('payload.deep."a.b":true', record)
    assert fits(f"payload.amount:{10**40 + 1}", record)
    assert not fits(f"payload.amount:{10**40}", record)
    assert fits(f"payload.amount>{10**40}", record)
    assert fits("payload~FIRST", record)
    assert not fits("payload.nothing:*", record)


def test_a_date_covers_its_whole_day() -> None:
    day = 1_769_817_600_000  # 2026-01-31
    noon = Record(numbers={"created": day + 43_200_000})
    assert fits("created:2026-01-31", noon)
    assert fits("created>=2026-01-31 created<=2026-01-31", noon)
    assert not fits("created>2026-01-31", noon)
    assert not fits("created<2026-01-31", noon)
    assert fits("created>now-1h", Record(numbers={"created": NOW_MS - 1000}))


def test_wildcards_take_bounded_time() -> None:
    assert not Pattern("*a" * 200 + "b").matches("a" * 20_000)


def test_deeply_nested_payloads_are_searched_without_recursion() -> None:
    body: Any = "needle"
    for _ in range(5_000):
        body = [body]
    assert fits("payload~needle", Record(body={"args": [body], "kwargs": {}}))


def test_literals_choose_an_index_only_when_nothing_else_can_match() -> None:
    assert parse("queue:a,b queue:b,c").literals("queue") == {"b"}
    assert parse("queue:a*").literals("queue") is None
    assert parse("-queue:a").literals("queue") is None
    assert parse("queue~a").literals("queue") is None
    assert parse("-state:completed").excluded("state") == {"completed"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sta", "state:"),
        ("queue:email sta", "state:"),
        ("-sta", "state:"),
        ("state:fa", "failed"),
        ("state:failed,ca", "cancelled"),
        ("queue:em", "email"),
        ("type:mail", "send_mail"),
        ("age>", "30s"),
        ("payl", "payload."),
        ("created>", "now-1h"),
        ('error~"a b" que', "queue:"),
    ],
)
def test_completion_offers_fields_and_values(text: str, wanted: str) -> None:
    context = Context({"queue": ("email", "reports"), "type": ("send_mail",)})
    suggestions = complete(text, len(text), context)
    assert wanted in [suggestion.text for suggestion in suggestions]
    chosen = next(suggestion for suggestion in suggestions if suggestion.text == wanted)
    assert text[: chosen.start] + chosen.text + text[chosen.end :] == text[: chosen.start] + wanted


patterns = st.text(max_size=12).map(Pattern.of) | st.lists(
    st.sampled_from(["*", "?", "a", "B", " ", "\\\\", '\\"', "ß", ":", "-", ","]), max_size=6
).map(lambda parts: Pattern("".join(parts)))
seconds = st.integers(-62_000_000_000, 250_000_000_000)
instants = seconds.map(lambda s: Instant(s * 1000, 1_000)) | st.integers(-(10**15), 10**15).map(
    lambda ms: Instant(ms, relative=True)
)
numbers = st.integers(-(10**50), 10**50).map(lambda i: Number(Decimal(i))) | st.decimals(
    allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20
).map(lambda d: Number(d or Decimal(0)))
words = st.text(max_size=40) | st.text(
    alphabet=st.sampled_from(list('abqueue:stafgt~<>=,-"\\*?. 0123456789né\x00\n')), max_size=40
)


def values_for(kind: Kind, choices: tuple[str, ...], operator: Operator) -> st.SearchStrategy[Any]:
    if kind is Kind.CHOICE:
        return st.sampled_from(choices).map(Pattern)
    if kind is Kind.DURATION:
        return st.integers(0, 10**15).map(Duration)
    if kind is Kind.INSTANT:
        return instants
    return numbers if kind is Kind.NUMBER or operator in ORDERED else patterns


@st.composite
def terms(draw: st.DrawFn) -> Term:
    known = draw(st.sampled_from(list(FIELDS.values())))
    operator = draw(st.sampled_from(OPERATORS_OF[known.kind]))
    values = draw(st.lists(values_for(known.kind, known.choices_of(JOBS), operator), min_size=1, max_size=3))
    path = draw(st.lists(st.text(max_size=5), max_size=3)) if known.kind is Kind.PAYLOAD else []
    return Term(known.name, operator, tuple(values), draw(st.booleans()), tuple(path))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(terms(), max_size=4).map(tuple))
def test_every_filter_reads_back_what_it_prints(drawn: tuple[Term, ...]) -> None:
    printed = str(Filter(drawn))
    parsed = Filter(Parser(printed).terms())
    assert parsed == Filter(drawn)
    assert str(parsed) == printed


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words)
def test_any_text_parses_or_says_where_it_does_not(text: str) -> None:
    try:
        parsed = parse(text)
    except FilterError as error:
        assert error.position is not None and 0 <= error.position <= len(text)
        return
    assert parse(str(parsed)) == parsed
    complete(text, len(text) // 2)
