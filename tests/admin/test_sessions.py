"""Signed-in browsers: found by their ids only, which Redis never holds; they end by age, unused, or when revoked."""

from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.runtime.keys import GLOBAL
from tests.support import ManualClock

HOUR_MS = 3_600_000
TIMES = {"lifetime_ms": 12 * HOUR_MS, "idle_ms": HOUR_MS}


async def test_an_id_finds_its_session_and_is_nowhere_in_redis(admin: Admin, redis: Redis) -> None:
    session_id = await admin.sessions.begin("ann", origin="10.0.0.7", **TIMES)
    found = await admin.sessions.find(session_id)
    assert found is not None and (found.user, found.origin) == ("ann", "10.0.0.7")
    assert session_id not in repr(found)
    for key in await redis.keys("qc:{@}:session*"):
        assert session_id.encode() not in key + await redis.dump(key)
        assert 0 < await redis.pttl(key) <= TIMES["lifetime_ms"], key
    for wrong in (None, "", found.id, session_id[:-1], session_id + "x", "\ud800", "x" * 10_000):
        assert await admin.sessions.find(wrong) is None


async def test_two_sign_ins_never_share_an_id(admin: Admin) -> None:
    ids = {await admin.sessions.begin("ann", origin="here", **TIMES) for _ in range(50)}
    assert len(ids) == 50
    assert all(len(session_id) >= 43 for session_id in ids), "256 bits"


async def test_a_session_in_use_ends_by_age_and_an_unused_one_sooner(admin: Admin, clock: ManualClock) -> None:
    used = await admin.sessions.begin("ann", origin="desk", **TIMES)
    unused = await admin.sessions.begin("ann", origin="phone", **TIMES)
    for _ in range(23):
        clock.advance(ms=HOUR_MS // 2)
        assert await admin.sessions.find(used) is not None
    assert await admin.sessions.find(unused) is None
    clock.advance(ms=HOUR_MS // 2)
    assert await admin.sessions.find(used) is None


async def test_a_session_in_use_is_written_a_few_times_an_hour_only(
    admin: Admin, clock: ManualClock, redis: Redis
) -> None:
    session_id = await admin.sessions.begin("ann", origin="desk", **TIMES)
    (key,) = await redis.keys("qc:{@}:session:*")
    written = set()
    for _ in range(360):
        clock.advance(ms=10_000)
        await admin.sessions.find(session_id)
        written.add(await redis.get(key))
    assert len(written) <= 21


async def test_ending_one_leaves_the_others_and_ending_all_leaves_none(admin: Admin, redis: Redis) -> None:
    first, second = [await admin.sessions.begin("ann", origin=where, **TIMES) for where in ("desk", "phone")]
    other = await admin.sessions.begin("bob", origin="desk", **TIMES)
    view = await admin.sessions.find(first)
    assert view is not None
    await admin.sessions.end(view)
    assert await admin.sessions.find(first) is None
    assert [known.origin for known in await admin.sessions.of("ann")] == ["phone"]
    assert await admin.sessions.end_all("ann") == 1
    assert await admin.sessions.find(second) is None
    assert await admin.sessions.of("ann") == ()
    assert await admin.sessions.find(other) is not None
    assert not await redis.exists(GLOBAL.sessions("ann"))
