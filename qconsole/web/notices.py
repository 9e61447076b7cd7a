"""What a change did, carried over a redirect in a signed, short-lived cookie; no URL can put words on a page."""

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from qconsole.admin.views import Applied

COOKIE = "qconsole_notice"
LIFETIME_S = 60
MAX_TEXT = 600


class Notices:
    """Writes and reads the one pending notice of a browser."""

    def __init__(self, *, secret: str) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt="qconsole.notice")

    def leave(self, response: Response, applied: Applied, *, path: str, secure: bool) -> None:
        """Show this on the next page."""
        value = self._serializer.dumps([applied.sentence[:MAX_TEXT], applied.command[:MAX_TEXT]])
        response.set_cookie(
            COOKIE, str(value), max_age=LIFETIME_S, path=path, httponly=True, samesite="strict", secure=secure
        )

    def read(self, request: Request) -> Applied | None:
        """Return the pending notice."""
        try:
            loaded = self._serializer.loads(request.cookies.get(COOKIE, ""), max_age=LIFETIME_S)
        except BadSignature:
            return None
        sentence, command = loaded
        return Applied(sentence, "", command)

    def clear(self, response: Response, *, path: str) -> None:
        """Forget it, now that it was shown."""
        response.delete_cookie(COOKIE, path=path)
