"""The audit: one entry in a stream for every change, whichever face asked for it. Entries are only ever added."""

from typing import Any, Final

from qconsole.admin.backend import Backend
from qconsole.admin.views import Actor, AuditRow
from qconsole.runtime.keys import GLOBAL

KEPT: Final = 100_000
MAX_TEXT: Final = 2_000


class AuditLog:
    """Writes and reads `qc:{@}:audit`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def append(self, actor: Actor, action: str, target: str, **facts: Any) -> None:
        """Add an entry.

        Args:
            actor: who did it.
            action: noun and verb, `jobs.retry`.
            target: what it was done to.
            facts: reason, filter, matched, done, failed, operation, command.
        """
        redact = self._backend.redaction.text
        fields = {
            "ms": str(self._backend.now_ms()),
            "actor": actor.name,
            "role": actor.role,
            "face": actor.face,
            "action": action,
            "target": redact(target),
        }
        for name, value in facts.items():
            if value is not None:
                fields[name] = redact(value) if isinstance(value, str) else str(value)
        clipped = {name: _clean(value) for name, value in fields.items()}
        await self._backend.redis.xadd(GLOBAL.audit(), clipped, maxlen=KEPT, approximate=True)  # type: ignore[arg-type]

    async def before(self, end: str, limit: int) -> list[AuditRow]:
        """Return up to `limit` entries, newest first, from the stream id `end` on (`(` excludes it)."""
        found = await self._backend.redis.xrevrange(GLOBAL.audit(), end, "-", count=limit)
        return [audit_row(entry_id, fields) for entry_id, fields in found]

    async def after(self, start: str, limit: int) -> list[AuditRow]:
        """Return up to `limit` entries, oldest first, from the stream id `start` on."""
        found = await self._backend.redis.xrange(GLOBAL.audit(), start, "+", count=limit)
        return [audit_row(entry_id, fields) for entry_id, fields in found]


def audit_row(entry_id: bytes, fields: dict[bytes, bytes]) -> AuditRow:
    """Return one entry of the stream."""
    texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    stream_id = entry_id.decode()

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
    )


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:MAX_TEXT]
