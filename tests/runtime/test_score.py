"""Scores: written, read back, and the same in Python and in Lua."""

import pytest
from redis.asyncio import Redis

from qconsole.runtime.score import DEFAULT_PRIORITY, LOWEST_PRIORITY, Place, band, decode_score, waiting_score
from qconsole.runtime.scripts import Script, script

NOW = 1_764_000_000_000
# the functions of lib_score.lua and lib_place.lua, as a script has them that includes both before lib_job.lua
LIBRARY = "local QC_EPOCH" + script("fire").text.partition("local QC_EPOCH")[2].partition("-- A job's keys as one")[0]


@pytest.mark.parametrize("priority", [0, 1, 4, 6, 50, 100])
def test_a_band_score_says_its_priority_and_due_time(priority: int) -> None:
    decoded = decode_score(waiting_score(NOW, priority, 31), NOW)
    assert (decoded.place, decoded.priority, decoded.due_ms) == (Place.BAND, priority, NOW)


def test_every_waiting_score_is_legal_for_a_plain_worker_and_bands_are_ordered() -> None:
    scores = [waiting_score(NOW, p) for p in range(LOWEST_PRIORITY + 1) if p != DEFAULT_PRIORITY]
    assert scores == sorted(scores)
    assert max(scores) < 0 < waiting_score(NOW) <= NOW


@pytest.mark.parametrize(
    ("score", "place"), [(NOW + 1.0, Place.FUTURE), (NOW + 0.0, Place.DUE), (1.0, Place.ABORTED), (-1e15, Place.BAND)]
)
def test_a_score_says_its_region(score: float, place: Place) -> None:
    assert decode_score(score, NOW).place is place


@pytest.mark.parametrize("priority", [-1, 101, 2.5, True, "1"])
def test_what_is_no_priority_is_refused(priority: int) -> None:
    with pytest.raises(ValueError, match=r"between 0 .first. and 100 .last."):
        waiting_score(NOW, priority)


def test_the_default_priority_has_no_band() -> None:
    with pytest.raises(ValueError, match="has no band"):
        band(DEFAULT_PRIORITY)


async def test_lua_writes_the_same_scores(redis: Redis) -> None:
    ask = Script("ask", LIBRARY + "return {qc_number(qc_band_score(tonumber(ARGV[1]), tonumber(ARGV[2]), 3))}")
    for priority in (0, 4, 6, 100):
        (answer,) = await ask.run(redis, (), (priority, NOW))
        assert float(answer) == waiting_score(NOW, priority, 3)


async def test_scores_of_one_millisecond_grow_strictly(redis: Redis) -> None:
    text = "local t = {} for i, s in ipairs(qc_next_scores(KEYS[1], tonumber(ARGV[1]), 50)) do t[i] = qc_number(s) end"
    ask = Script("ask", f"{LIBRARY}{text} return t")
    scores = [float(s) for _ in range(3) for s in await ask.run(redis, ("qc:{q}:last",), (NOW,))]
    assert scores == sorted(set(scores)) and len(scores) == 150
    assert all(NOW <= s < NOW + 1 for s in scores)
