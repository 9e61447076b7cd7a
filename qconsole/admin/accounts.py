"""`admin.users` and `admin.tokens`: who may use the web console and the API. Passwords are kept as argon2 hashes, API
tokens as hashes of themselves; neither is ever shown again.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from typing import Any, Final

import orjson

from qconsole.admin.noun import Noun
from qconsole.admin.views import Actor, Applied, CreatedToken, TokenView, UserView
from qconsole.config import ROLES
from qconsole.errors import Conflict, UsageError, UserNotFound
from qconsole.runtime.keys import GLOBAL

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 1_000
TOKEN_PREFIX: Final = "qc"  # noqa: S105
SEEN_EVERY_MS: Final = 60_000
_NAME = re.compile(r"[\w.@+-]{1,100}")


class Users(Noun):
    """People who sign in."""

    async def list(self) -> tuple[UserView, ...]:
        """Return all users by name."""
        self._session.require("admin", "managing users")
        stored = await self._backend.redis.hgetall(GLOBAL.users())  # type: ignore[misc]
        return tuple(sorted((_user(name, text) for name, text in stored.items()), key=lambda user: user.name))

    async def get(self, name: str) -> UserView:
        """Return one user.

        Raises:
            UserNotFound: there is none.
        """
        return _user(name.encode(), await self._stored(name))

    async def _stored(self, name: str) -> bytes:
        text: bytes | None = await self._backend.redis.hget(GLOBAL.users(), name)  # type: ignore[misc]
        if text is None:
            raise UserNotFound(f"there is no user {name!r}", "List them with: qconsole users list", user=name)
        return text

    async def add(self, name: str, *, password: str, role: str = "viewer") -> Applied:
        """Add a user.

        Raises:
            Conflict: there is one of this name.
            UsageError, Forbidden
        """
        self._session.require("admin", "managing users")
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"a user's name must be 1 to 100 letters, digits and .@+-_, got {name[:100]!r}", field="name"
            )
        text = orjson.dumps(
            {
                "role": checked_role(role),
                "hash": await asyncio.to_thread(hashed, checked_password(password)),
                "created_ms": self._backend.now_ms(),
                "changed_ms": self._backend.now_ms(),
            }
        )
        async with self._change("users.add", name, name, role=role) as entry:
            if not await self._backend.redis.hsetnx(GLOBAL.users(), name, text):  # type: ignore[misc,arg-type]
                raise Conflict(
                    f"there is a user {name!r} already", "Change the password: qconsole users passwd", user=name
                )
        return entry.applied(f"User {name} was added as {role}.")

    async def passwd(self, name: str, *, password: str) -> Applied:
        """Set a user's password; sessions that began before end."""
        self._session.require("admin", "managing users")
        changes = {
            "hash": await asyncio.to_thread(hashed, checked_password(password)),
            "changed_ms": self._backend.now_ms(),
        }
        async with self._change("users.passwd", name, name) as entry:
            await self._write(name, changes)
        return entry.applied(f"The password of {name} was changed.")

    async def role(self, name: str, *, role: str) -> Applied:
        """Set a user's role.

        Raises:
            Conflict: it would leave no admin.
        """
        self._session.require("admin", "managing users")
        if checked_role(role) != "admin":
            await self._keep_an_admin(name)
        async with self._change("users.role", name, name, role=role) as entry:
            await self._write(name, {"role": role})
        return entry.applied(f"User {name} is {role} now.")

    async def remove(self, name: str) -> Applied:
        """Remove a user.

        Raises:
            Conflict: it would leave no admin.
        """
        self._session.require("admin", "managing users")
        await self._stored(name)
        await self._keep_an_admin(name)
        async with self._change("users.remove", name, name) as entry:
            await self._backend.redis.hdel(GLOBAL.users(), name)  # type: ignore[misc]
        return entry.applied(f"User {name} was removed.")

    async def _keep_an_admin(self, name: str) -> None:
        users = await self.list()
        admins = [user.name for user in users if user.role == "admin"]
        if admins == [name] and len(users) > 1:
            raise Conflict(f"{name} is the last admin", "Make somebody else admin first.", user=name)

    async def _write(self, name: str, changes: dict[str, Any]) -> None:
        if not await self._backend.read("change_json", [GLOBAL.users()], [name, orjson.dumps(changes)]):
            await self._stored(name)

    async def verify(self, name: str, password: str) -> UserView | None:
        """Return the user when the password is right; a name that does not exist takes as long."""
        text: bytes | None = None
        if _NAME.fullmatch(name):
            text = await self._backend.redis.hget(GLOBAL.users(), name)  # type: ignore[misc]
        stored = orjson.loads(text) if text else {}
        right = await asyncio.to_thread(is_password, stored.get("hash") or _NOBODY, password[:MAX_PASSWORD])
        return _user(name.encode(), text) if right and text else None


class Tokens(Noun):
    """API tokens. A token is `qc_<id>_<secret>`; only a hash of it is kept."""

    async def list(self) -> tuple[TokenView, ...]:
        """Return all tokens, without their secrets."""
        self._session.require("admin", "managing tokens")
        stored = await self._backend.redis.hgetall(GLOBAL.tokens())  # type: ignore[misc]
        return tuple(sorted((_token(name, text) for name, text in stored.items()), key=lambda token: token.created_ms))

    async def create(self, name: str, *, role: str = "viewer") -> CreatedToken:
        """Create a token; its secret is in the answer, once."""
        self._session.require("admin", "managing tokens")
        name = name.strip()
        if not 1 <= len(name) <= 100 or not name.isprintable():
            raise UsageError(f"a token's name must be 1 to 100 printable characters, got {name[:100]!r}", field="name")
        token_id, now_ms = secrets.token_hex(4), self._backend.now_ms()
        secret = f"{TOKEN_PREFIX}_{token_id}_{secrets.token_urlsafe(32)}"
        text = orjson.dumps({"name": name, "role": checked_role(role), "hash": digest(secret), "created_ms": now_ms})
        async with self._change("tokens.create", f"{token_id} {name}", name, role=role):
            await self._backend.redis.hset(GLOBAL.tokens(), token_id, text)  # type: ignore[misc,arg-type]
        return CreatedToken(token_id, name, role, now_ms, secret)

    async def revoke(self, token_id: str) -> Applied:
        """Make a token worthless at once.

        Raises:
            UserNotFound: there is none.
        """
        self._session.require("admin", "managing tokens")
        async with self._change("tokens.revoke", token_id, token_id) as entry:
            if not await self._backend.redis.hdel(GLOBAL.tokens(), token_id):  # type: ignore[misc]
                raise UserNotFound(
                    f"there is no token {token_id!r}", "List them with: qconsole tokens list", token=token_id
                )
        return entry.applied(f"Token {token_id} was revoked.")

    async def verify(self, secret: str, *, face: str = "api") -> Actor | None:
        """Return the actor a token stands for, `None` when it is none of ours."""
        parts = secret.split("_", 2)
        if len(secret) > 200 or len(parts) != 3 or parts[0] != TOKEN_PREFIX:
            return None
        text: bytes | None = await self._backend.redis.hget(GLOBAL.tokens(), parts[1])  # type: ignore[misc]
        stored = orjson.loads(text) if text else {}
        if not hmac.compare_digest(stored.get("hash", ""), digest(secret)):
            return None
        now_ms = self._backend.now_ms()
        if now_ms - (stored.get("last_used_ms") or 0) > SEEN_EVERY_MS:
            changes = orjson.dumps({"last_used_ms": now_ms})
            await self._backend.read("change_json", [GLOBAL.tokens()], [parts[1], changes])
        return Actor(stored["name"], stored["role"], face)


def checked_role(role: str) -> str:
    """Return a role.

    Raises:
        UsageError: it is none.
    """
    if role not in ROLES:
        raise UsageError(f"a role must be one of {', '.join(ROLES)}, got {role!r}", field="role")
    return role


def checked_password(password: str) -> str:
    """Return a password that may be set.

    Raises:
        UsageError: it is too short or too long.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UsageError(
            f"a password must have {MIN_PASSWORD} to {MAX_PASSWORD:,} characters, got {len(password)}", field="password"
        )
    return password


def hashed(password: str) -> str:
    """Return the argon2 hash of a password."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def is_password(stored: str, password: str) -> bool:
    """Tell whether a password fits a stored hash."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def digest(secret: str) -> str:
    """Return what is kept of a token; it is long and random, so a plain hash does."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


# The hash of a random password: checked for names that do not exist, so that they take as long as those that do.
_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b1dWRWJTmaaJObGAAAAAAAAAAA"


def _user(name: bytes, text: bytes) -> UserView:
    stored = orjson.loads(text)
    return UserView(name.decode(), stored["role"], stored.get("created_ms", 0), stored.get("changed_ms", 0))


def _token(token_id: bytes, text: bytes) -> TokenView:
    stored = orjson.loads(text)
    return TokenView(
        token_id.decode(), stored["name"], stored["role"], stored.get("created_ms", 0), stored.get("last_used_ms")
    )
