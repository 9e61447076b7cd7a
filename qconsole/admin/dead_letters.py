"""`admin.dead_letters`: what failed for good, by groups and one by one; replay, discard, notes."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from qconsole.admin.audit_log import Change
from qconsole.admin.filter_terms import DEAD_LETTERS
from qconsole.admin.filters import Filter, as_filter
from qconsole.admin.fingerprints import with_whole_fingerprints
from qconsole.admin.job_sources import Source
from qconsole.admin.job_views import JobViews
from qconsole.admin.jobs import checked_delay_s, order_of
from qconsole.admin.jobs_page import cursor_of, place_of
from qconsole.admin.letter_groups import read_groups
from qconsole.admin.letter_search import LetterSearch, letter_residual
from qconsole.admin.letter_views import LetterViews
from qconsole.admin.limits import checked_limit
from qconsole.admin.noun import Noun, checked_id, refuse_unread, why_not
from qconsole.admin.payload_edit import edited_call
from qconsole.admin.session import Session
from qconsole.admin.stored_letter import VIEW_FIELDS, StoredLetter, read_letters
from qconsole.admin.views import Applied, Count, DeadLetterGroup, DeadLetterRow, DeadLetterView, Page, Rows
from qconsole.errors import Conflict, DeadLetterNotFound, UsageError
from qconsole.runtime.changes import Changes

VIEW_CAP_BYTES: Final = 4_194_304
MAX_NOTE: Final = 2_000
COUNT_BUDGET: Final = 20_000


class DeadLetterDesk(Noun):
    """Dead letters of all queues."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._views = LetterViews(session.backend)
        self._search = LetterSearch(session.backend, session.listing)

    async def groups(self, filter: str | Filter = "") -> Rows[DeadLetterGroup]:
        """Return open dead letters by fingerprint, the largest group first.

        Args:
            filter: terms on queue, type, error, fp and bare words count; others cannot be told of a group.
        """
        wanted, queues, missing = await self._wanted(filter)
        now_ms = self._backend.now_ms()
        rest = Filter(tuple(term for term in wanted.terms if term.field in ("type", "error", "fp", "text")))
        found = await read_groups(self._backend, queues)
        return Rows((group for group in found if rest.fits(_GroupFacts(group), now_ms)), missing)

    async def group(self, fingerprint: str) -> DeadLetterGroup:
        """Return one group.

        Raises:
            DeadLetterNotFound: it has no open entries.
        """
        queues, missing = await self._session.shards.readable(await self._session.plain_arq.queues())
        for group in await read_groups(self._backend, queues, checked_id(fingerprint)):
            return group
        refuse_unread(missing, f"dead letters with the fingerprint {fingerprint!r}")
        raise DeadLetterNotFound(
            f"there are no open dead letters with the fingerprint {fingerprint!r}",
            "List the groups with: qconsole dlq groups",
            fingerprint=fingerprint,
        )

    async def page(
        self, filter: str | Filter = "", cursor: str | None = None, limit: int = 50, *, reverse: bool = False
    ) -> Page[DeadLetterRow]:
        """Return one page of dead letters, newest first; open ones unless the filter names a state.

        Raises:
            FilterError, CursorError, UsageError
        """
        limit = checked_limit(limit)
        asked = as_filter(filter, noun=DEAD_LETTERS)
        listing = f"dlq:{int(reverse)}:{asked}"
        after, back = place_of(listing, cursor)
        wanted, queues, missing = await self._wanted(asked)
        sources = self._search.sources(wanted, queues)
        found = await self._search.slice(wanted, sources, after, limit=limit, order=order_of(reverse, back))
        chosen = found.found[::-1] if back else found.found
        last = chosen[-1][1] if back and chosen else found.last or after
        more = back or not found.at_end
        first = chosen[0][1] if chosen and (after is not None) and not (back and found.at_end) else None
        return Page(
            rows=tuple(self._views.row(letter) for letter, _ in chosen),
            next=cursor_of(listing, last, back=False) if more and last else None,
            previous=cursor_of(listing, first, back=True) if first else None,
            total=await self._total(wanted, sources, exact=not missing),
            scanned=found.scanned,
            complete=found.at_end or len(chosen) >= limit,
            as_of_ms=self._backend.now_ms(),
            missing=missing,
        )

    async def _total(self, wanted: Filter, sources: Sequence[Source], *, exact: bool) -> Count | None:
        if letter_residual(wanted, sources):
            return None
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for source in sources:
                pipe.zcount(source.key, "-inf", "+inf")  # type: ignore[attr-defined]  # all are ZsetSources
            return Count(sum(await pipe.execute()) if sources else 0, exact=exact)

    async def _wanted(self, filter: str | Filter) -> tuple[Filter, tuple[str, ...], dict[str, str]]:
        """Return a filter with whole fingerprints, the queues it leaves that can be read, and of the others why not."""
        asked = as_filter(filter, noun=DEAD_LETTERS)
        chosen = self._session.listing.chosen_queues(asked, await self._session.plain_arq.queues())
        queues, missing = await self._session.shards.readable(chosen)
        return await with_whole_fingerprints(self._backend, asked, queues), queues, missing

    async def count(self, filter: str | Filter = "") -> Count:
        """Return how many dead letters fit; `exact` is false when counting stopped early, or a queue cannot be read."""
        wanted, queues, missing = await self._wanted(filter)
        sources = self._search.sources(wanted, queues)
        total = await self._total(wanted, sources, exact=not missing)
        if total is not None:
            return total
        found = await self._search.slice(wanted, sources, None, limit=COUNT_BUDGET, budget=COUNT_BUDGET, time_s=0.5)
        return Count(len(found.found), exact=found.at_end and not missing)

    async def get(self, entry_id: str, reveal: bool = False, *, queue: str | None = None) -> DeadLetterView:
        """Return everything about one dead letter.

        Args:
            entry_id: `<job id>~<buried ms>`.
            reveal: show what is masked; needs the role admin, and is audited.
        """
        if reveal:
            self._session.require("admin", "revealing masked values")
        letter = await self._find(entry_id, queue)
        if reveal:
            command = self._session.command("dlq", "show", entry_id, reveal=True)
            await self._session.record("dlq.reveal", f"{letter.queue}/{entry_id}", command=command)
        return self._views.view(letter, reveal=reveal)

    async def _find(self, entry_id: str, queue: str | None = None) -> StoredLetter:
        entry_id = checked_id(entry_id)
        queues, missing = await self._session.shards.readable(await self._session.parts_of(queue))
        reads = [
            read_letters(
                self._backend,
                name,
                [self._backend.keys(name).wire_id(entry_id)],
                fields=VIEW_FIELDS,
                cap_bytes=VIEW_CAP_BYTES,
            )
            for name in queues
        ]
        for letters in await asyncio.gather(*reads):
            if (letter := letters[0]) is not None:
                payload = await self._backend.whole_call(letter.payload)
                if payload is not letter.payload and payload is not None:
                    letter.payload, letter.payload_bytes = payload, len(payload)
                return letter
        refuse_unread(missing, f"dead letter {entry_id!r}")
        raise DeadLetterNotFound(
            f"there is no dead letter {entry_id!r}", "List them with: qconsole dlq list", entry=entry_id
        )

    async def replay(
        self,
        entry_id: str,
        *,
        queue: str | None = None,
        payload: Any = None,
        delay_s: float = 0,
        reason: str | None = None,
    ) -> Applied:
        """Put a dead letter back where it came from as a new job; the entry is kept, and linked to it.

        Args:
            payload: an edited payload, checked against the job type's schema.

        Raises:
            DeadLetterNotFound, Conflict, PayloadInvalid, Refused, Forbidden
        """
        self._session.require("operator", "replaying dead letters")
        reason = self._session.checked_reason(reason)
        letter = await self._find(entry_id, queue)
        call = None if payload is None else await self._edited(letter, payload)
        delay_ms = round(checked_delay_s(delay_s) * 1000)
        bare_id = self._backend.keys(letter.queue).bare_id(letter.id)
        async with self._changing("replay", letter, reason) as entry:
            replays = await self._dead_letters(letter.queue).replay(
                [bare_id], actor=self._session.actor.name, reason=reason, delay_ms=delay_ms, payload=call
            )
            job_id = replays.done.get(bare_id)
            if job_id is None:
                word = replays.skipped.get(bare_id, "missing")
                raise Conflict(f"dead letter {bare_id!r} was not replayed: {why_not(word)}", entry=bare_id, state=word)
        return entry.applied(f"Replayed as job {job_id}.", job_id=job_id)

    async def _edited(self, letter: StoredLetter, payload: Any) -> bytes:
        if letter.call is None:
            raise Conflict(f"dead letter {letter.id!r} cannot be edited: its payload is too large or gone")
        shown, _ = JobViews(self._backend).payload(letter.call)
        edited, data = edited_call(letter.call, letter.job_type, payload, shown, self._backend.now_ms())
        await self._session.job_types.check(letter.job_type, edited["kwargs"])
        return data

    async def discard(self, entry_id: str, *, reason: str | None, queue: str | None = None) -> Applied:
        """Resolve a dead letter without a replay.

        Raises:
            UsageError: no reason was given.
            DeadLetterNotFound, Conflict, Forbidden
        """
        self._session.require("operator", "discarding dead letters")
        reason = self._session.checked_reason(reason, needed=True)
        letter = await self._find(entry_id, queue)
        bare_id = self._backend.keys(letter.queue).bare_id(letter.id)
        async with self._changing("discard", letter, reason) as entry:
            _check_changed(
                await self._dead_letters(letter.queue).discard(
                    [bare_id], actor=self._session.actor.name, reason=reason or ""
                ),
                bare_id,
                "discarded",
            )
        until_ms = self._backend.now_ms() + round(self._backend.settings.undo_h * 3_600_000)
        return entry.applied("Discarded.", undo_until_ms=until_ms)

    async def reopen(self, entry_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Undo a discard, or a replay whose job has not started.

        Raises:
            DeadLetterNotFound, Conflict, Forbidden
        """
        self._session.require("operator", "reopening dead letters")
        reason = self._session.checked_reason(reason)
        letter = await self._find(entry_id, queue)
        bare_id = self._backend.keys(letter.queue).bare_id(letter.id)
        async with self._changing("reopen", letter, reason) as entry:
            _check_changed(await self._dead_letters(letter.queue).reopen([bare_id]), bare_id, "reopened")
        return entry.applied("Open again.")

    async def note(self, id_or_fingerprint: str, text: str, *, queue: str | None = None) -> Applied:
        """Write a note on a dead letter, or on the newest of a group.

        Raises:
            DeadLetterNotFound, UsageError, Forbidden
        """
        self._session.require("operator", "notes")
        text = text.strip()
        if len(text) > MAX_NOTE:
            raise UsageError(f"a note must have at most {MAX_NOTE:,} characters, got {len(text):,}", field="text")
        entry_id = id_or_fingerprint
        if "~" not in entry_id:
            entry_id = (await self.group(entry_id)).sample_ids[0]
        letter = await self._find(entry_id, queue)
        async with self._changing("note", letter, text or None) as entry:
            await self._dead_letters(letter.queue).note(self._backend.keys(letter.queue).bare_id(letter.id), text)
        return entry.applied("Noted.")

    def _changing(self, verb: str, letter: StoredLetter, reason: str | None) -> AbstractAsyncContextManager[Change]:
        bare_id = self._backend.keys(letter.queue).bare_id(letter.id)
        return self._change(f"dlq.{verb}", f"{letter.queue}/{bare_id}", bare_id, reason=reason)


def _check_changed(changes: Changes, entry_id: str, verb: str) -> None:
    """Refuse an outcome in which a dead letter stayed as it was.

    Raises:
        Conflict: it did.
    """
    if not changes.done:
        word = changes.skipped[0][1] if changes.skipped else "missing"
        raise Conflict(f"dead letter {entry_id!r} was not {verb}: {why_not(word)}", entry=entry_id, state=word)


class _GroupFacts:
    """One group as `filter_match.Facts`."""

    __slots__ = ("_group",)

    def __init__(self, group: DeadLetterGroup) -> None:
        self._group = group

    def texts(self, field: str) -> tuple[str, ...]:
        group = self._group
        error = (group.error_type, group.message, f"{group.error_type}: {group.message}")
        match field:
            case "type":
                return group.job_types
            case "fp":
                return (group.fingerprint,)
            case "error":
                return error
            case "text":
                return (group.fingerprint, *group.job_types, *error)
        return ()

    def number(self, field: str) -> None:
        return None

    def payload(self) -> None:
        return None
