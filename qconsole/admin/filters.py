"""The one filter grammar of all three faces: `queue:email state:failed error~"timed out" -type:report age>1h`.

Terms are joined by "and", commas mean "or", `-` negates, `*` and `?` are wildcards, a bare word searches id, type and
error. `parse(str(filter))` gives the same filter back. Pure.
"""

from dataclasses import dataclass

from qconsole.admin.filter_complete import Context, Suggestion, complete
from qconsole.admin.filter_match import Facts, matches
from qconsole.admin.filter_parse import Parser
from qconsole.admin.filter_terms import FIELDS, JOBS, Operator, Pattern, Term
from qconsole.errors import FilterError


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter; `str()` gives its canonical text."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(str(term) for term in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def fits(self, facts: Facts, now_ms: int) -> bool:
        """Tell whether a record fits every term."""
        return matches(self.terms, facts, now_ms)

    def literals(self, field: str) -> frozenset[str] | None:
        """Return the only values this field may have, or `None` when the filter leaves it open.

        An index can be chosen by it: positive, whole-value terms without wildcards. Contradicting terms give an
        empty set.
        """
        allowed: frozenset[str] | None = None
        for term in self.terms:
            if term.field != field or term.negated or term.operator is not Operator.IS:
                continue
            values = [value.literal for value in term.values if isinstance(value, Pattern)]
            if any(value is None for value in values):
                continue
            these = frozenset(value for value in values if value is not None)
            allowed = these if allowed is None else allowed & these
        return allowed

    def excluded(self, field: str) -> frozenset[str]:
        """Return the values that negated whole-value terms without wildcards rule out."""
        return frozenset(
            value.literal
            for term in self.terms
            if term.field == field and term.negated and term.operator is Operator.IS
            for value in term.values
            if isinstance(value, Pattern) and value.literal is not None
        )

    def without(self, *fields: str) -> "Filter":
        """Return the filter without its terms on these fields (they hold already, by the index that is read)."""
        return Filter(tuple(term for term in self.terms if term.field not in fields))

    def and_is(self, field: str, *values: str) -> "Filter":
        """Return the filter narrowed to these values of a field."""
        return Filter((*self.terms, Term(field, Operator.IS, tuple(Pattern.of(value) for value in values))))


EMPTY = Filter()


def parse(text: str, *, noun: str = JOBS) -> Filter:
    """Parse the text of a filter for a listing (`jobs`, `dead_letters`, `audit` or `events`).

    Raises:
        FilterError: with `position` and `expected`.
    """
    terms = Parser(text, noun).terms()
    for term in terms:
        if noun not in FIELDS[term.field].nouns:
            known = ", ".join(name for name, field in FIELDS.items() if noun in field.nouns)
            position = max(text.lower().find(term.field), 0)
            raise FilterError(
                f"at {position}: expected a field of {noun.replace('_', ' ')}, got {term.field!r}",
                f"Fields are {known}.",
                position=position,
                expected=known,
            )
    return Filter(terms)


def as_filter(text_or_filter: "str | Filter", *, noun: str = JOBS) -> Filter:
    """Return a filter from either form."""
    return text_or_filter if isinstance(text_or_filter, Filter) else parse(text_or_filter, noun=noun)


__all__ = ["EMPTY", "Context", "Facts", "Filter", "FilterError", "Suggestion", "as_filter", "complete", "parse"]
