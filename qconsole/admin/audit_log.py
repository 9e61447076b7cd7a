"""The audit: one entry in a stream for every change, whichever face asked for it. Entries are only ever added.

A change is entered before it is made, so one that was cut off stands there too, with the outcome `unknown`. The entry
says what is meant to be done; only what ended otherwise, or has not ended, is kept beside it.
"""

from typing import Any, Final

import orjson

from qconsole.admin.backend import Backend
from qconsole.admin.views import Actor, Applied, AuditRow
from qconsole.runtime.keys import GLOBAL

KEPT: Final = 100_000
MAX_TEXT: Final = 2_000
DONE: Final = "done"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"


class Change:
    """A change that is being made, as its audit entry has it.

    Attributes:
        target: what it is done to.
        command: the command line that does the same.
    """

    __slots__ = ("command", "facts", "matched", "target")

    def __init__(self, target: str, command: str, matched: int) -> None:
        self.target = target
        self.command = command
        self.matched = matched
        self.facts: dict[str, Any] = {}

    def note(self, **facts: Any) -> None:
        """Replace what the entry says by what became known: target, done, failed."""
        self.facts |= facts
        self.target = self.facts.get("target", self.target)

    def applied(self, sentence: str, **more: Any) -> Applied:
        """Return the answer to whoever asked for it."""
        return Applied(sentence, self.target, self.command, **more)


class AuditLog:
    """Writes and reads `qc:{@}:audit`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def entry(self, actor: Actor, action: str, target: str, **facts: Any) -> list[str]:
        """Return an entry as the names and values of its fields.

        Args:
            actor: who does it.
            action: noun and verb, `jobs.retry`.
            target: what it is done to.
            facts: reason, filter, matched, done, failed, operation, command.
        """
        fields: dict[str, Any] = {
            "ms": self._backend.now_ms(),
            "actor": actor.name,
            "role": actor.role,
            "face": actor.face,
            "action": action,
            **self._redacted({"target": target, **facts}),
        }
        return [text for name, value in fields.items() for text in (name, _clean(str(value)))]

    def _redacted(self, facts: dict[str, Any]) -> dict[str, Any]:
        redact = self._backend.redaction.text
        return {
            name: redact(value) if isinstance(value, str) else value
            for name, value in facts.items()
            if value is not None
        }

    async def append(self, actor: Actor, action: str, target: str, **facts: Any) -> None:
        """Add an entry of something that is over, or that changes nothing. Arguments as `entry` has them."""
        texts = self.entry(actor, action, target, **facts)
        fields = dict(zip(texts[::2], texts[1::2], strict=True))
        await self._backend.redis.xadd(GLOBAL.audit(), fields, maxlen=KEPT, approximate=True)  # type: ignore[arg-type]

    async def begin(self, actor: Actor, action: str, target: str, **facts: Any) -> str:
        """Add an entry of a change that is about to be made, and return its id."""
        keys = [GLOBAL.audit(), GLOBAL.audit_outcomes()]
        entry_id: bytes = await self._backend.read(
            "audit_begin", keys, [KEPT, *self.entry(actor, action, target, **facts)]
        )
        return entry_id.decode()

    async def end(self, entry_id: str, facts: dict[str, Any]) -> None:
        """Take down how a change ended.

        Args:
            facts: what replaces the entry's: outcome, target, done, failed; empty when it ended as it was entered.
        """
        clean = {name: _clean(v) if isinstance(v, str) else v for name, v in self._redacted(facts).items()}
        text = orjson.dumps(clean) if clean else ""
        await self._backend.read("audit_end", [GLOBAL.audit_outcomes()], [entry_id, text])

    async def before(self, end: str, limit: int) -> list[AuditRow]:
        """Return up to `limit` entries, newest first, from the stream id `end` on (`(` excludes it)."""
        return await self._rows(await self._backend.redis.xrevrange(GLOBAL.audit(), end, "-", count=limit))

    async def after(self, start: str, limit: int) -> list[AuditRow]:
        """Return up to `limit` entries, oldest first, from the stream id `start` on."""
        return await self._rows(await self._backend.redis.xrange(GLOBAL.audit(), start, "+", count=limit))

    async def _rows(self, found: list[tuple[bytes, dict[bytes, bytes]]]) -> list[AuditRow]:
        if not found:
            return []
        low, high = sorted(int(entry_id.partition(b"-")[0]) for entry_id, _ in (found[0], found[-1]))
        stored = await self._backend.redis.zrangebyscore(GLOBAL.audit_outcomes(), low, high)
        outcomes = {member.partition(b" ")[0]: member.partition(b" ")[2] for member in stored}
        return [audit_row(entry_id, fields, outcomes.get(entry_id)) for entry_id, fields in found]


def audit_row(entry_id: bytes, fields: dict[bytes, bytes], ended: bytes | None = None) -> AuditRow:
    """Return one entry of the stream.

    Args:
        ended: the facts that replace the entry's as JSON, empty for a change that has not ended; `None` when it ended
            as it was entered.
    """
    texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    stream_id = entry_id.decode()
    if ended is not None:
        facts = orjson.loads(ended) if ended else {"outcome": UNKNOWN, "done": 0}
        texts |= {name: str(value) for name, value in facts.items()}

    def number(name: str) -> int:
        text = texts.get(name, "0")
        return int(text) if text.isdigit() else 0

    return AuditRow(
        id=stream_id,
        ms=number("ms") or int(stream_id.partition("-")[0]),
        actor=texts.get("actor", "?"),
        role=texts.get("role", "?"),
        face=texts.get("face", "?"),
        action=texts.get("action", "?"),
        target=texts.get("target", ""),
        filter=texts.get("filter"),
        matched=number("matched"),
        done=number("done"),
        failed=number("failed"),
        reason=texts.get("reason"),
        operation=texts.get("operation"),
        command=texts.get("command"),
        outcome=texts.get("outcome", DONE),
    )


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:MAX_TEXT]
