"""The start of a fingerprint stands for the whole of it, as people read, copy and type it: `fp:7c1e9a`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from qconsole.admin.backend import Backend
from qconsole.admin.filter_terms import Operator, Pattern, Term
from qconsole.admin.filters import Filter

WHOLE_CHARS: Final = 16
MIN_CHARS: Final = 4


async def with_whole_fingerprints(backend: Backend, filter: Filter, queues: Sequence[str]) -> Filter:
    """Return the filter with each start of a fingerprint replaced by the error groups that begin with it.

    One that begins none stays as it is, and so matches nothing.
    """
    if not any(_start(value) for term in filter.terms if _names_groups(term) for value in term.values):
        return filter
    pipe = backend.redis.pipeline(transaction=False)
    for queue in queues:
        pipe.hkeys(backend.keys(queue).dlq_groups())
    known = {name.decode() for names in await pipe.execute() for name in names} if queues else set()
    return Filter(tuple(_widened(term, known) if _names_groups(term) else term for term in filter.terms))


def _names_groups(term: Term) -> bool:
    return term.field == "fp" and term.operator is Operator.IS


def _start(value: object) -> str | None:
    literal = value.literal if isinstance(value, Pattern) else None
    return literal if literal is not None and MIN_CHARS <= len(literal) < WHOLE_CHARS else None


def _widened(term: Term, known: set[str]) -> Term:
    values: list[object] = []
    for value in term.values:
        start = _start(value)
        found = sorted(name for name in known if start is not None and name.startswith(start.lower()))
        values += [Pattern.of(name) for name in found] or [value]
    return replace(term, values=tuple(values))  # type: ignore[arg-type]
