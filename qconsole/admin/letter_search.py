"""Finds dead letters by filter: from the index of a fingerprint, a job type or all open ones, newest first."""

import time
from collections.abc import Iterable, Sequence
from typing import Final

from qconsole.admin.backend import Backend
from qconsole.admin.filter_terms import DEAD_LETTER_STATES, Operator, Pattern
from qconsole.admin.filters import Filter
from qconsole.admin.job_listing import Found, JobListing, Order, Place, Slice
from qconsole.admin.job_sources import Group, Source, ZsetSource
from qconsole.admin.stored_letter import ROW_FIELDS, LetterFacts, StoredLetter, read_letters

PAYLOAD_CAP_BYTES: Final = 262_144
OPEN: Final = "open"
_STATES: Final = frozenset(DEAD_LETTER_STATES)


class LetterSearch:
    """Search over the dead letters of all queues."""

    def __init__(self, backend: Backend, listing: JobListing) -> None:
        self._backend = backend
        self._listing = listing

    def sources(self, filter: Filter, queues: Iterable[str], *, bound_ms: int | None = None) -> list[Source]:
        """Return the indexes that hold every dead letter the filter can match.

        Without a state only open ones are meant; resolved ones are asked for by name.
        """
        states = chosen_states(filter)
        fingerprints, job_types = filter.literals("fp"), filter.literals("type")
        high = "+inf" if bound_ms is None else f"{bound_ms}"
        sources: list[Source] = []
        for queue in self._listing.chosen_queues(filter, queues):
            keys = self._backend.keys(queue)
            indexes: list[tuple[str, str]] = []
            if OPEN in states and fingerprints is not None:
                indexes += [(f"fp:{fp}", keys.dlq_fingerprint(fp)) for fp in sorted(fingerprints)]
            elif OPEN in states and job_types is not None:
                indexes += [(f"type:{name}", keys.dlq_type(name)) for name in sorted(job_types)]
            elif OPEN in states:
                indexes.append((OPEN, keys.dlq()))
            if states - {OPEN}:
                indexes.append(("done", keys.dlq_done()))
            sources += [ZsetSource(self._backend, key, queue, Group.ENDED, name, high=high) for name, key in indexes]
        return sources

    async def slice(
        self,
        filter: Filter,
        sources: Sequence[Source],
        after: Place | None,
        *,
        limit: int,
        order: Order = Order.LISTED,
        budget: int = 100_000,
        time_s: float = 2.0,
    ) -> Slice[StoredLetter]:
        """Return up to `limit` dead letters that fit, behind a place, newest first."""
        found = Slice[StoredLetter]()
        rest = letter_residual(filter, sources)
        cap = PAYLOAD_CAP_BYTES if any(term.field == "payload" for term in rest.terms) else 0
        deadline, now_ms = time.monotonic() + time_s, self._backend.now_ms()
        async for batch in self._listing.walk(sources, after, order=order, first_fetch=min(limit + 1, 200)):
            batch = batch[: budget - found.scanned]
            letters = await self._read(batch, cap)
            for candidate, letter in zip(batch, letters, strict=True):
                if len(found.found) == limit:
                    return found
                found.scanned += 1
                found.last = candidate.place
                if letter is not None and rest.fits(self.facts(letter, now_ms), now_ms):
                    found.found.append((letter, candidate.place))
            if found.scanned >= budget or time.monotonic() > deadline:
                return found
        found.at_end = True
        return found

    def facts(self, letter: StoredLetter, now_ms: int) -> LetterFacts:
        """Return what a filter may ask of a dead letter."""
        bare_id = self._backend.keys(letter.queue).bare_id(letter.id)
        return LetterFacts(letter, bare_id, self._backend.redaction, now_ms)

    async def _read(self, batch: Sequence[Found], cap_bytes: int) -> list[StoredLetter | None]:
        by_queue: dict[str, list[int]] = {}
        for index, found in enumerate(batch):
            by_queue.setdefault(found.queue, []).append(index)
        letters: list[StoredLetter | None] = [None] * len(batch)
        for queue, indexes in by_queue.items():
            entries = [batch[index].id for index in indexes]
            read = await read_letters(self._backend, queue, entries, fields=ROW_FIELDS, cap_bytes=cap_bytes)
            for index, letter in zip(indexes, read, strict=True):
                letters[index] = letter
        return letters


def chosen_states(filter: Filter) -> frozenset[str]:
    """Return which states of dead letters are asked for: the open ones, unless the filter says something of states."""
    named, refused = filter.literals("state"), filter.excluded("state")
    if named is None:
        return _STATES - refused if refused else frozenset({OPEN})
    return (named & _STATES) - refused


def letter_residual(filter: Filter, sources: Sequence[Source]) -> Filter:
    """Return what the indexes leave to be decided by looking at each dead letter."""
    names = {source.rank[1] for source in sources}
    indexed: set[str] = set()
    if names and all(name.startswith("fp:") for name in names):
        indexed.add("fp")
    if names and all(name.startswith("type:") for name in names):
        indexed.add("type")
    if "done" not in names:
        indexed.add("state")
    kept = []
    for term in filter.terms:
        if term.field == "queue":
            continue  # chosen by it already
        literal = all(isinstance(value, Pattern) and value.literal is not None for value in term.values)
        by_index = term.field in indexed and term.operator is Operator.IS and literal
        if not by_index or (term.negated and term.field in ("fp", "type")):
            kept.append(term)
    return Filter(tuple(kept))
