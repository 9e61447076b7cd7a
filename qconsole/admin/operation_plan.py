"""The dry run of an operation: how many, five of them, what is left out and why, and how it must be confirmed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from qconsole.admin.filter_terms import DEAD_LETTERS, JOBS
from qconsole.admin.filters import Filter, parse
from qconsole.admin.job_listing import Order
from qconsole.admin.job_sources import ListedSource, Source, ZsetSource
from qconsole.admin.job_views import JobViews
from qconsole.admin.jobs_page import residual
from qconsole.admin.letter_search import LetterSearch, chosen_states, letter_residual
from qconsole.admin.letter_views import LetterViews
from qconsole.admin.operation_record import Operation
from qconsole.admin.operation_targets import INDEXED, INDEXED_START, RESULTS, Target, Targets
from qconsole.admin.operation_verbs import JOB_STATES, LETTER_STATES
from qconsole.admin.session import Session
from qconsole.admin.shards import sentence
from qconsole.admin.stored_letter import read_letters
from qconsole.admin.views import NOT_FOUND, Count, JobRow, Verb
from qconsole.errors import RedisUnavailable, UsageError

SAMPLES: Final = 5
COUNT_CHUNK: Final = 1_000
COUNT_BUDGET: Final = 1_000_000
TYPED_FROM: Final = 100
MAX_IDS: Final = 100_000
BATCH: Final = 200
LEFT_OUT: Final = 100  # ids that a plan names with why it leaves them out


@dataclass(slots=True)
class Selection:
    """What a plan found."""

    count: Count = field(default_factory=lambda: Count(0))
    samples: tuple[JobRow, ...] = ()
    exclusions: tuple[tuple[str, int], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    ids: list[str] = field(default_factory=list)
    queues: frozenset[str] = frozenset()


class Planner:
    """Selects and counts."""

    def __init__(self, session: Session, letters: LetterSearch, targets: Targets) -> None:
        self._session = session
        self._backend = session.backend
        self._letters = letters
        self._targets = targets

    def effective(self, verb: Verb, noun: str, wanted: Filter) -> Filter:
        """Return the filter narrowed to the states the verb can act on.

        Raises:
            UsageError: it names none of them.
        """
        allowed = LETTER_STATES[verb] if noun == "dlq" else JOB_STATES[verb]
        named = wanted.literals("state")
        states = [state for state in allowed if (named is None or state in named)]
        states = [state for state in states if state not in wanted.excluded("state")]
        if not states:
            raise UsageError(
                f"{verb.value} acts on {', '.join(allowed)} only, and the filter names none of these states",
                field="filter",
            )
        return wanted.without("state").and_is("state", *states)

    def friction(self, selection: Selection) -> tuple[str, str | None]:
        """Return how it must be confirmed, and what must be typed: more for more jobs, and in production."""
        count, settings = selection.count.value, self._backend.settings
        if count == 0:
            return "none", None
        if settings.production and count > 1:
            return "queue", next(iter(selection.queues)) if len(selection.queues) == 1 else settings.env
        return ("count", str(count)) if count > TYPED_FROM else ("click", None)

    async def select(self, operation: Operation, ids: list[str] | None, given: Filter) -> Selection:
        """Return what an operation would touch.

        Args:
            given: the filter it was asked for with; the operation's own names only states the verb can act on.
        """
        queues = await self._session.plain_arq.queues()
        if ids is not None:
            return await self._given(operation, ids, queues)
        if operation.noun == "trash":
            raise UsageError("restore needs ids", "List them with: qconsole trash list", field="ids")
        await self._refuse_unread(given, queues)
        sources = self._sources(operation, queues)
        count = await self._counted(operation, sources, queues)
        if operation.limit is not None and count.value > operation.limit:
            count = Count(operation.limit)
        return Selection(
            count=count,
            samples=await self._samples(operation, sources),
            exclusions=await self._exclusions(operation, queues, given),
            queues=self._wholes(source.queue for source in await self._holding(sources)),
        )

    async def _refuse_unread(self, given: Filter, queues: tuple[str, ...]) -> None:
        """Refuse to take what a filter fits in some of its queues only.

        Raises:
            RedisUnavailable: one of them cannot be read.
        """
        missing = await self._session.shards.missing(self._session.listing.chosen_queues(given, queues))
        if missing:
            raise RedisUnavailable(sentence(missing), "Leave it out (-queue:NAME), or wait.", queues=list(missing))

    def _sources(self, operation: Operation, queues: tuple[str, ...]) -> list[Source]:
        wanted = parse(operation.filter, noun=DEAD_LETTERS if operation.noun == "dlq" else JOBS)
        if operation.noun == "dlq":
            return self._letters.sources(wanted, queues, bound_ms=operation.bound_ms)
        return self._session.listing.sources(wanted, queues, bound_ms=operation.bound_ms)

    async def _counted(self, operation: Operation, sources: list[Source], queues: tuple[str, ...]) -> Count:
        """Count from the indexes when they know, else by looking at each candidate."""
        wanted = parse(operation.filter, noun=DEAD_LETTERS if operation.noun == "dlq" else JOBS)
        rest = letter_residual(wanted, sources) if operation.noun == "dlq" else residual(wanted)
        total, scanned, place = 0, 0, None
        if not rest:
            total = sum([await self._size(source) for source in sources if source.group in INDEXED])
            if all(source.group in INDEXED for source in sources):
                return Count(total)
        while scanned < COUNT_BUDGET:
            chunk = await self._targets.next(operation, queues, place, COUNT_CHUNK)
            total += len(chunk.targets)
            scanned += max(chunk.scanned, len(chunk.targets), 1)
            place = chunk.place
            if (
                chunk.at_end
                or (not rest and chunk.place == INDEXED_START)
                or (operation.limit is not None and total >= operation.limit)
            ):
                return Count(total)
        return Count(total, exact=False)

    async def _size(self, source: Source) -> int:
        if isinstance(source, ZsetSource):
            return int(await self._backend.redis.zcount(source.key, source.low, source.high))
        return len(await source.entries()) if isinstance(source, ListedSource) else 0

    def _wholes(self, queues: Iterable[str]) -> frozenset[str]:
        return frozenset(self._session.plain_arq.partitions.wholes(queues))

    async def _holding(self, sources: list[Source]) -> list[Source]:
        """Return the sources that hold anything."""
        return [source for source in sources if await self._size(source)]

    async def _samples(self, operation: Operation, sources: list[Source]) -> tuple[JobRow, ...]:
        if operation.noun == "dlq":
            wanted = parse(operation.filter, noun=DEAD_LETTERS)
            found = await self._letters.slice(wanted, sources, None, limit=SAMPLES, order=Order.OLDEST, budget=20_000)
            views = LetterViews(self._backend)
            return tuple(views.sample(letter) for letter, _ in found.found)
        wanted = parse(operation.filter, noun=JOBS)
        jobs = await self._session.search.slice(wanted, sources, None, limit=SAMPLES, order=Order.OLDEST, budget=20_000)
        rows = JobViews(self._backend)
        return tuple(rows.row(job) for job, _ in jobs.found)

    async def _exclusions(
        self, operation: Operation, queues: tuple[str, ...], wanted: Filter
    ) -> tuple[tuple[str, int], ...]:
        """Count what the filter matches but the verb cannot act on, as far as the indexes know at once."""
        if operation.noun == "dlq":
            return await self._late_letters(operation, queues)
        named, refused = wanted.literals("state"), wanted.excluded("state")
        matched = [state for state in _JOB_STATES if (named is None or state in named) and state not in refused]
        others = [state for state in matched if state not in JOB_STATES[operation.verb]]
        if residual(wanted) or wanted.literals("fp") is not None:
            return ()
        found = []
        for state in others:
            narrowed = wanted.without("state").and_is("state", state)
            count = sum([await self._size(s) for s in self._session.listing.sources(narrowed, queues)])
            if count:
                found.append((f"{state.replace('_', ' ')}: {operation.verb.value} does not apply", count))
        return tuple(found)

    async def _late_letters(self, operation: Operation, queues: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
        wanted = parse(operation.filter, noun=DEAD_LETTERS)
        sources = self._letters.sources(wanted, queues)
        if letter_residual(wanted, sources) or chosen_states(wanted) != {"open"}:
            return ()
        late = 0
        for source in sources:
            if isinstance(source, ZsetSource):
                late += int(await self._backend.redis.zcount(source.key, f"({operation.bound_ms}", "+inf"))
        return (("buried after the selection was frozen", late),) if late else ()

    async def _given(self, operation: Operation, ids: list[str], queues: tuple[str, ...]) -> Selection:
        """Find the ids that were named: each in whatever queue has it."""
        if len(ids) > MAX_IDS:
            raise UsageError(f"at most {MAX_IDS:,} ids can be named, got {len(ids):,}", "Use a filter.", field="ids")
        wanted = list(dict.fromkeys(ids))[: operation.limit]
        found = await self._where(operation, wanted, queues)
        chosen: list[Target] = []
        left_out: list[tuple[str, str]] = []
        for named in wanted:
            places = found.get(named, [])
            if not places:
                left_out.append((named, NOT_FOUND))
            elif len(places) > 1:
                left_out.append((named, "in several queues; name it as queue/id"))
            elif places[0][1] is not None:
                left_out.append((named, places[0][1]))
            else:
                chosen.append(places[0][0])
        return Selection(
            count=Count(len(chosen)),
            samples=await self._sampled(operation, chosen[:SAMPLES]),
            exclusions=tuple(sorted(Counter(why for _, why in left_out).items())),
            left_out=tuple(left_out[:LEFT_OUT]),
            ids=[f"{t.queue}\n{t.id}" + (f"\n{RESULTS}" if t.is_result else "") for t in chosen],
            queues=self._wholes(target.queue for target in chosen),
        )

    async def _where(
        self, operation: Operation, wanted: list[str], queues: tuple[str, ...]
    ) -> dict[str, list[tuple[Target, str | None]]]:
        """Return for each id the queues that have it, and why the verb does not apply there."""
        found: dict[str, list[tuple[Target, str | None]]] = {}
        for queue in queues:
            prefixes = (f"{queue}/", f"{self._session.plain_arq.partitions.whole(queue)}/")
            named = [n for n in wanted if n.startswith(prefixes) or "/" not in n or n.split("/", 1)[0] not in queues]
            for start in range(0, len(named), BATCH):
                batch = named[start : start + BATCH]
                bare = [next((name[len(p) :] for p in prefixes if name.startswith(p)), name) for name in batch]
                for name, place in zip(batch, await self._states(operation, queue, bare), strict=True):
                    if place is not None:
                        found.setdefault(name, []).append(place)
        return found

    async def _states(
        self, operation: Operation, queue: str, bare: list[str]
    ) -> "list[tuple[Target, str | None] | None]":
        wire = [self._backend.keys(queue).wire_id(job_id) for job_id in bare]
        if operation.noun == "dlq":
            letters = await read_letters(self._backend, queue, wire, fields=("state",))
            return [
                None if letter is None else (Target(queue, b), self._unfit(operation, letter.text("state") or "open"))
                for b, letter in zip(bare, letters, strict=True)
            ]
        if operation.noun == "trash":
            ends = await self._backend.redis.zmscore(self._backend.keys(queue).trash(), wire)
            now_ms = self._backend.now_ms()
            return [
                (Target(queue, b), None) if end is not None and end > now_ms else None
                for b, end in zip(bare, ends, strict=True)
            ]
        jobs = await self._session.reader.read(queue, wire, parts="r", cap_bytes=65_536, fields=())
        return [
            None
            if job.state is None
            else (
                Target(queue, b, is_result=job.ended is None and job.end is not None),
                self._unfit(operation, job.state),
            )
            for b, job in zip(bare, jobs, strict=True)
        ]

    @staticmethod
    def _unfit(operation: Operation, state: str) -> str | None:
        allowed = LETTER_STATES[operation.verb] if operation.noun == "dlq" else JOB_STATES[operation.verb]
        return None if state in allowed else f"{state.replace('_', ' ')}: {operation.verb.value} does not apply"

    async def _sampled(self, operation: Operation, chosen: list[Target]) -> tuple[JobRow, ...]:
        rows: list[JobRow] = []
        for target in chosen:
            wire = self._backend.keys(target.queue).wire_id(target.id)
            if operation.noun == "dlq":
                (letter,) = await read_letters(self._backend, target.queue, [wire])
                rows += [LetterViews(self._backend).sample(letter)] if letter else []
            elif operation.noun == "jobs":
                (job,) = await self._session.reader.read(target.queue, [wire])
                rows += [JobViews(self._backend).row(job)] if job.state else []
        return tuple(rows)


_JOB_STATES: Final = ("active", "waiting", "delayed", "waiting_children", "failed", "cancelled", "completed")
