"""Patterns, zones and instants: tables, no clock, no server."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from arq.cron import next_cron
from pydantic import BaseModel

from qconsole.errors import PayloadInvalid, UsageError
from qconsole.runtime.job_type import Context, job_type
from qconsole.runtime.schedule import Missed, Overlap, Schedule, cron, every, from_json, preview


class Sync(BaseModel):
    catalog: str = "impa"


@job_type("sync", queue="data-import")
async def sync(ctx: Context, payload: Sync) -> None: ...


def ms(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def times(schedule: Schedule, after_ms: int, count: int) -> list[str]:
    zone = ZoneInfo(schedule.tz)
    found = islice(schedule.instants(after_ms), count)
    return [datetime.fromtimestamp(i / 1000, zone).strftime("%d %H:%M:%S%z") for i in found]


@pytest.mark.parametrize(
    ("pattern", "after", "expected"),
    [
        ("0 2 * * *", "2026-03-01T01:59:59", ["01 02:00:00+0000", "02 02:00:00+0000"]),
        ("0 2 * * *", "2026-03-01T02:00:00", ["02 02:00:00+0000", "03 02:00:00+0000"]),
        ("*/20 * * * * *", "2026-03-01T00:00:19", ["01 00:00:20+0000", "01 00:00:40+0000"]),
        ("0 0 L * *", "2026-02-01T00:00:00", ["28 00:00:00+0000", "31 00:00:00+0000"]),
        ("30 9 * * MON-FRI", "2026-03-06T10:00:00", ["09 09:30:00+0000", "10 09:30:00+0000"]),
        ("0 0 29 2 *", "2026-03-01T00:00:00", ["29 00:00:00+0000", "29 00:00:00+0000"]),
    ],
)
def test_cron_patterns_give_their_instants(pattern: str, after: str, expected: list[str]) -> None:
    assert times(cron("s", pattern, job_type=sync), ms(after), 2) == expected


def test_a_night_without_two_oclock_still_has_its_run() -> None:
    schedule = cron("s", "30 2 * * *", job_type=sync, tz="Europe/Berlin")
    after = ms("2026-03-28T12:00:00", "Europe/Berlin")
    assert times(schedule, after, 2) == ["29 03:00:00+0200", "30 02:30:00+0200"]


def test_a_night_with_two_oclock_twice_has_one_run() -> None:
    schedule = cron("s", "30 2 * * *", job_type=sync, tz="Europe/Berlin")
    after = ms("2026-10-24T12:00:00", "Europe/Berlin")
    assert times(schedule, after, 2) == ["25 02:30:00+0200", "26 02:30:00+0100"]


def test_an_hourly_pattern_follows_the_clock_through_both_changes() -> None:
    schedule = cron("s", "0 * * * *", job_type=sync, tz="Europe/Berlin")
    for change in ("2026-03-29T00:30:00", "2026-10-25T00:30:00"):
        found = list(islice(schedule.instants(ms(change, "Europe/Berlin")), 5))
        assert [b - a for a, b in pairwise(found)] == [3_600_000] * 4


def test_intervals_count_from_their_start_or_from_the_epoch() -> None:
    assert every("s", 3600, job_type=sync).next_ms(ms("2026-03-01T05:17:00")) == ms("2026-03-01T06:00:00")
    start = ms("2026-03-01T00:10:00")
    schedule = every("s", 3600, job_type=sync, start_ms=start)
    assert schedule.next_ms(ms("2026-02-01T00:00:00")) == start
    assert schedule.next_ms(start) == start + 3_600_000


def test_no_instant_lies_outside_start_and_end() -> None:
    start, end = ms("2026-03-02T00:00:00"), ms("2026-03-04T00:00:00")
    schedule = cron("s", "0 12 * * *", job_type=sync, start_ms=start, end_ms=end)
    assert times(schedule, ms("2026-01-01T00:00:00"), 9) == ["02 12:00:00+0000", "03 12:00:00+0000"]
    assert schedule.next_ms(end) is None


def test_jitter_is_bounded_drawn_anew_and_the_same_everywhere() -> None:
    schedule = every("s", 60, job_type=sync, jitter_s=30)
    drawn = [schedule.jitter_ms(i) for i in islice(schedule.instants(0), 200)]
    assert drawn == [from_json(schedule.to_json()).jitter_ms(i) for i in islice(schedule.instants(0), 200)]
    assert 0 <= min(drawn) < 2000 and 28_000 < max(drawn) < 30_000
    assert every("s", 60, job_type=sync).jitter_ms(7) == 0


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (cron("s", "0 2 * * *", job_type=sync), "At 02:00 every day"),
        (cron("s", "0 9 * * 1-5", job_type=sync, tz="Asia/Tokyo"), "At 09:00 on Monday through Friday (Asia/Tokyo)"),
        (cron("s", "0 3 13 * 5", job_type=sync), "At 03:00 on the 13th day of month, or on Friday"),
        (every("s", 3600, job_type=sync), "Every hour"),
        (every("s", 90, job_type=sync), "Every 90 seconds"),
        (every("s", 7200, job_type=sync), "Every 2 hours"),
        (every("s", 1.5, job_type=sync), "Every 1.5 seconds"),
    ],
)
def test_a_schedule_says_what_it_is_in_words(schedule: Schedule, words: str) -> None:
    assert schedule.plain() == words


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("* * * *", "must have 5 fields"),
        ("61 * * * *", "minute cannot be '61'"),
        ("0 0 31 2 *", "day of month"),
        ("0 0 * * MOON", "day of week cannot be 'MOON'"),
        ("x * * * * *", "second cannot be 'x'"),
        (None, "must have 5 fields"),
    ],
)
def test_a_wrong_pattern_is_refused_by_its_field(pattern: Any, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        cron("s", pattern, job_type=sync)
    assert caught.value.field == "pattern"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"limit": 0}, "limit"),
        ({"jitter_s": -1}, "jitter_s"),
        ({"overlap": "perhaps"}, "overlap"),
        ({"missed": "never"}, "missed"),
        ({"priority": 200}, "priority"),
        ({"start_ms": 5, "end_ms": 4}, "end_ms"),
    ],
)
def test_a_wrong_option_is_refused_by_its_name(options: dict[str, Any], field: str) -> None:
    with pytest.raises(UsageError) as caught:
        cron("s", "0 2 * * *", job_type=sync, **options)
    assert caught.value.field == field


@pytest.mark.parametrize("seconds", [0, -1, 0.5, float("nan"), 10**9])
def test_an_interval_must_be_sensible(seconds: float) -> None:
    with pytest.raises(UsageError, match="interval must be"):
        every("s", seconds, job_type=sync)


def test_a_payload_is_checked_when_declared() -> None:
    with pytest.raises(PayloadInvalid):
        cron("s", "0 2 * * *", job_type=sync, payload={"catalog": 7})


def test_a_definition_survives_storing() -> None:
    schedule = cron(
        "s",
        "0 2 * * *",
        job_type=sync,
        payload={"catalog": "x"},
        tz="Asia/Tokyo",
        overlap="queue",
        missed="all",
        limit=3,
    )
    assert from_json(schedule.to_json()) == schedule
    assert (schedule.overlap, schedule.missed) == (Overlap.QUEUE, Missed.ALL)


def test_only_what_may_be_changed_is() -> None:
    schedule = cron("s", "0 2 * * *", job_type=sync)
    assert schedule.edited({"pattern": "0 3 * * *"}).pattern == "0 3 * * *"
    with pytest.raises(UsageError, match="no field 'id'"):
        schedule.edited({"id": "x"})
    with pytest.raises(UsageError, match="cron pattern"):
        schedule.edited({"pattern": "3600"})


def test_a_preview_takes_patterns_and_seconds() -> None:
    assert preview("0 2 * * *", "UTC", after_ms=0, count=2) == (7_200_000, 93_600_000)
    assert preview("60", "UTC", after_ms=1, count=2) == (60_000, 120_000)


@pytest.mark.parametrize(
    ("fields", "pattern"),
    [
        ({"hour": {1, 13}, "minute": 5}, "0 5 1,13 * * *"),
        ({"weekday": 0, "hour": 9, "minute": 0}, "0 0 9 * * 1"),
        ({"weekday": 6, "day": 13, "hour": 9, "minute": 0}, "0 0 9 13 * 7"),
        ({"month": 2, "day": 29, "hour": 0, "minute": 0}, "0 0 0 29 2 *"),
        ({}, "0 * * * * *"),
    ],
)
def test_arqs_cron_fields_have_the_same_instants_as_a_pattern(fields: dict[str, Any], pattern: str) -> None:
    schedule = Schedule(
        id="cron:f", job_type="cron:f", queue="arq:queue", kind="cron", pattern=pattern, offset_ms=123, both_days=True
    )
    moment = datetime(2026, 1, 5, 3, 4, 5, tzinfo=UTC)
    for instant in islice(schedule.instants(round(moment.timestamp() * 1000)), 3):
        moment = next_cron(moment, **fields)
        assert instant == int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
