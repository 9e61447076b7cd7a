"""Who is signed in: a random id in a signed cookie, the record here. A new sign-in always gets a new id.

A record ends when it is too old, unused for too long, or revoked; its user's role is read anew on every request.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from qconsole.clock import Clock
from qconsole.web.options import ConsoleOptions

COOKIE = "qconsole_session"
MAX_SESSIONS = 5_000


@dataclass(slots=True)
class Session:
    """One signed-in browser."""

    id: str
    user: str
    created_ms: int
    seen_ms: int
    origin: str


class Sessions:
    """The records, in memory of this process; `secret` signs the cookie."""

    def __init__(self, *, options: ConsoleOptions, clock: Clock) -> None:
        self._serializer = URLSafeSerializer(options.secret, salt="qconsole.session")
        self._secret = options.secret.encode()
        self._lifetime_ms = int(options.session_hours * 3_600_000)
        self._idle_ms = int(options.idle_minutes * 60_000)
        self._clock = clock
        self._records: OrderedDict[str, Session] = OrderedDict()

    def begin(self, user: str, origin: str) -> Session:
        """Start a session under a new id."""
        now_ms = self._clock.now_ms()
        session = Session(secrets.token_urlsafe(32), user, now_ms, now_ms, origin)
        self._records[session.id] = session
        while len(self._records) > MAX_SESSIONS:
            self._records.popitem(last=False)
        return session

    def cookie(self, session: Session) -> str:
        """Return the cookie's value."""
        return str(self._serializer.dumps(session.id))

    def find(self, cookie: str | None) -> Session | None:
        """Return the living session a cookie names, and note that it was used."""
        if not cookie:
            return None
        try:
            session_id = self._serializer.loads(cookie)
        except BadSignature:
            return None
        session = self._records.get(session_id) if isinstance(session_id, str) else None
        if session is None:
            return None
        now_ms = self._clock.now_ms()
        if now_ms - session.created_ms > self._lifetime_ms or now_ms - session.seen_ms > self._idle_ms:
            del self._records[session.id]
            return None
        session.seen_ms = now_ms
        return session

    def end(self, session: Session) -> None:
        """End one session."""
        self._records.pop(session.id, None)

    def end_all_of(self, user: str) -> int:
        """End every session of a user and return how many there were."""
        ended = [session.id for session in self._records.values() if session.user == user]
        for session_id in ended:
            del self._records[session_id]
        return len(ended)

    def of(self, user: str) -> tuple[Session, ...]:
        """Return a user's sessions, newest first."""
        found = [session for session in self._records.values() if session.user == user]
        return tuple(sorted(found, key=lambda session: -session.created_ms))

    def form_token(self, session_id: str) -> str:
        """Return the token that forms of this session carry, for browsers that send neither header."""
        return hmac.new(self._secret, b"form:" + session_id.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, session_id: str, token: str) -> bool:
        """Compare a form's token in constant time."""
        return hmac.compare_digest(self.form_token(session_id), token)
