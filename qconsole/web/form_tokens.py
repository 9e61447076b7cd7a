"""The token that a form carries, for browsers that say neither where a request comes from nor from which site."""

import hashlib
import hmac


class FormTokens:
    """Makes and compares tokens; `secret` keeps those of visitors without a session from being made elsewhere."""

    def __init__(self, *, secret: str) -> None:
        self._secret = secret.encode()

    def of_visitor(self, name: str) -> str:
        """Return the token of a visitor without a session; it holds as long as the secret."""
        return _signed(self._secret, name)

    @staticmethod
    def of_session(session_id: str) -> str:
        """Return the token of a signed-in browser, which holds as long as its session, in every process."""
        return _signed(session_id.encode(), "session")


def _signed(secret: bytes, name: str) -> str:
    return hmac.new(secret, b"form:" + name.encode(), hashlib.sha256).hexdigest()
