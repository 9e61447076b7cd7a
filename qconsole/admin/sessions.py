"""`admin.sessions`: the browsers that are signed in. Kept in Redis under hashes of their ids, so that reading Redis
lets nobody in and a restart of the web console signs nobody out; each ends with its age, unused, or when it is revoked.
"""

import hashlib
import secrets
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from qconsole.admin.noun import Noun
from qconsole.runtime.keys import GLOBAL

MAX_ID: Final = 100
TOUCHES: Final = 20  # how often within its idle time a session in use is written


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One signed-in browser; `id` is the hash that Redis knows it by."""

    id: str
    user: str
    origin: str
    created_ms: int
    seen_ms: int
    ends_ms: int
    idle_ms: int

    def ttl_ms(self, now_ms: int) -> int:
        """Return how much longer it lives when it is not used."""
        return min(self.ends_ms, self.seen_ms + self.idle_ms) - now_ms


class Sessions(Noun):
    """Starts, finds and ends sessions. Whoever holds an id is the user, so only its owner's browser ever sees it."""

    async def begin(self, user: str, *, origin: str, lifetime_ms: int, idle_ms: int) -> str:
        """Start a session and return its id, which is new and cannot be guessed.

        Args:
            origin: where the browser is, for the user's own list.
            lifetime_ms: how long it lives at most.
            idle_ms: how long it lives without use.
        """
        session_id, now_ms = secrets.token_urlsafe(32), self._backend.now_ms()
        view = SessionView(
            id=hashed_id(session_id),
            user=user,
            origin=origin[:100],
            created_ms=now_ms,
            seen_ms=now_ms,
            ends_ms=now_ms + lifetime_ms,
            idle_ms=idle_ms,
        )
        ttl_ms = view.ttl_ms(now_ms)
        if ttl_ms > 0:
            index = GLOBAL.sessions(user)
            async with self._backend.redis.pipeline(transaction=True) as pipe:
                pipe.set(GLOBAL.session(view.id), _stored(view), px=ttl_ms)
                pipe.zremrangebyscore(index, "-inf", now_ms)
                pipe.zadd(index, {view.id: view.ends_ms})
                pipe.pexpire(index, lifetime_ms)
                await pipe.execute()
        return session_id

    async def find(self, session_id: str | None) -> SessionView | None:
        """Return the living session of an id, and note that it was used."""
        if not session_id or len(session_id) > MAX_ID:
            return None
        key = GLOBAL.session(hashed_id(session_id))
        view, now_ms = _read(hashed_id(session_id), await self._backend.redis.get(key)), self._backend.now_ms()
        if view is None or view.ttl_ms(now_ms) <= 0:
            return None
        if now_ms - view.seen_ms > view.idle_ms / TOUCHES:
            used = replace(view, seen_ms=now_ms)
            await self._backend.redis.set(key, _stored(used), px=used.ttl_ms(now_ms), xx=True)  # never one just ended
        return view

    async def end(self, view: SessionView) -> None:
        """End one session."""
        async with self._backend.redis.pipeline(transaction=True) as pipe:
            pipe.delete(GLOBAL.session(view.id))
            pipe.zrem(GLOBAL.sessions(view.user), view.id)
            await pipe.execute()

    async def end_all(self, user: str) -> int:
        """End every session of a user and return how many there were."""
        views = await self.of(user)
        for view in views:
            await self.end(view)
        return len(views)

    async def of(self, user: str) -> tuple[SessionView, ...]:
        """Return a user's living sessions, newest first."""
        ids = [name.decode() for name in await self._backend.redis.zrange(GLOBAL.sessions(user), 0, -1)]
        if not ids:
            return ()
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for known in ids:
                pipe.get(GLOBAL.session(known))
            stored = await pipe.execute()
        found = (_read(known, text) for known, text in zip(ids, stored, strict=True))
        return tuple(sorted((view for view in found if view is not None), key=lambda view: -view.created_ms))


def hashed_id(session_id: str) -> str:
    """Return what Redis knows a session by. An id has 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(session_id.encode("utf-8", "replace")).hexdigest()


def _stored(view: SessionView) -> bytes:
    return orjson.dumps({name: value for name, value in asdict(view).items() if name != "id"})


def _read(known: str, text: bytes | None) -> SessionView | None:
    return SessionView(id=known, **orjson.loads(text)) if text else None
