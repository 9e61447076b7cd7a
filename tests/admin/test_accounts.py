"""Users and API tokens: only hashes are kept, roles count at once, and the last admin stays."""

import asyncio

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin, authenticate_token
from qconsole.config import Settings
from qconsole.errors import Conflict, Unauthenticated, UsageError, UserNotFound
from qconsole.runtime.keys import GLOBAL


async def test_a_user_signs_in_with_the_password_only(admin: Admin, redis: Redis) -> None:
    await admin.users.add("bob", password="correct horse", role="operator")
    user = await admin.users.verify("bob", "correct horse")
    assert user is not None and (user.name, user.role) == ("bob", "operator")
    assert await admin.users.verify("bob", "wrong horse!") is None
    assert await admin.users.verify("nobody", "correct horse") is None
    assert await admin.users.verify("b\x00b" * 50, "x" * 10_000) is None
    stored = await redis.hget(GLOBAL.users(), "bob")  # type: ignore[misc]
    assert b"$argon2id$" in stored and b"correct" not in stored
    await admin.users.passwd("bob", password="another horse")
    assert await admin.users.verify("bob", "correct horse") is None
    assert "horse" not in str((await admin.audit.page()).rows)


async def test_wrong_names_roles_and_passwords_are_refused(admin: Admin) -> None:
    with pytest.raises(UsageError, match="10 to 1,000 characters, got 5"):
        await admin.users.add("bob", password="short")
    with pytest.raises(UsageError, match="one of viewer, operator, admin"):
        await admin.users.add("bob", password="long enough", role="root")
    with pytest.raises(UsageError, match="name must be"):
        await admin.users.add("a b", password="long enough")
    with pytest.raises(UserNotFound):
        await admin.users.get("bob")
    await admin.users.add("bob", password="long enough")
    with pytest.raises(Conflict, match="already"):
        await admin.users.add("bob", password="long enough")


async def test_the_last_admin_stays(admin: Admin) -> None:
    await admin.users.add("root", password="long enough", role="admin")
    await admin.users.add("bob", password="long enough")
    with pytest.raises(Conflict, match="last admin"):
        await admin.users.role("root", role="viewer")
    with pytest.raises(Conflict, match="last admin"):
        await admin.users.remove("root")
    await admin.users.role("bob", role="admin")
    await admin.users.remove("root")
    assert [(user.name, user.role) for user in await admin.users.list()] == [("bob", "admin")]


async def test_a_token_works_until_it_is_revoked(admin: Admin, redis: Redis, redis_url: str) -> None:
    token = await admin.tokens.create("ci", role="operator")
    assert await admin.tokens.verify(token.secret) == Actor("ci", "operator", "api")
    actor = await authenticate_token(Settings(redis_url=redis_url), token.secret, face="cli")
    assert actor == Actor("ci", "operator", "cli")
    stored = await redis.hget(GLOBAL.tokens(), token.id)  # type: ignore[misc]
    assert token.secret.encode() not in stored
    assert (await admin.tokens.list())[0].last_used_ms is not None
    assert token.secret not in str((await admin.audit.page()).rows)
    for wrong in ("", "qc", "qc__", f"qc_{token.id}_x", token.secret + "x", "qc_" + "é" * 60, "a" * 10_000):
        assert await admin.tokens.verify(wrong) is None
    await asyncio.gather(admin.tokens.revoke(token.id), admin.tokens.verify(token.secret))
    assert await admin.tokens.verify(token.secret) is None
    assert await admin.tokens.list() == ()
    with pytest.raises(UserNotFound):
        await admin.tokens.revoke(token.id)
    with pytest.raises(Unauthenticated):
        await authenticate_token(Settings(redis_url=redis_url), token.secret, face="cli")
