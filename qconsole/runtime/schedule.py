"""When a schedule fires. Pure: patterns, zones and instants; no clock, no Redis.

Instants are UTC epoch milliseconds. Every worker computes the same ones, so that whoever comes first may fire.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final, TypedDict, Unpack
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from cronsim import CronSim, CronSimError

from qconsole.errors import UsageError
from qconsole.runtime.job_type import JobType
from qconsole.runtime.json_codec import encode_value
from qconsole.runtime.keys import check_queue_name
from qconsole.runtime.score import check_priority

MAX_ID: Final = 150
SHORTEST_S: Final = 1.0
_FIELDS_5: Final = ("minute", "hour", "day of month", "month", "day of week")
_FIELDS_6: Final = ("second", *_FIELDS_5)
_CRONSIM_NAMES: Final = {"day-of-month": "day of month", "day-of-week": "day of week"}


class ScheduleKind(StrEnum):
    """How the instants are given."""

    CRON = "cron"
    INTERVAL = "interval"


class Overlap(StrEnum):
    """What happens when the run before has not ended."""

    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"


class Missed(StrEnum):
    """What happens to instants at which no worker was there."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A job that is queued again and again.

    Args:
        id: unique in its queue.
        job_type, queue, payload: what is queued, where.
        kind, pattern: cron fields (five, or six with seconds first), or seconds between two runs.
        tz: the zone in which a cron pattern is read.
        start_ms, end_ms: no instant before or after.
        limit: how many times it fires.
        jitter_s: each run is late by up to this, the same on every worker.
        overlap, missed: see there.
        priority: of the jobs.
        offset_ms: added to each instant (arq's cron has microseconds).
        both_days: day of month and day of week must both match, as in arq, also where cron takes either.
        arq: the jobs are calls of an unchanged arq app, in its own serializer.
    """

    id: str
    job_type: str
    queue: str
    kind: ScheduleKind
    pattern: str
    tz: str = "UTC"
    payload: Any = None
    start_ms: int | None = None
    end_ms: int | None = None
    limit: int | None = None
    jitter_s: float = 0.0
    overlap: Overlap = Overlap.SKIP
    missed: Missed = Missed.ONCE
    priority: int | None = None
    offset_ms: int = 0
    both_days: bool = False
    arq: bool = False

    def __post_init__(self) -> None:
        _check_id(self.id)
        check_queue_name(self.queue)
        for name, kind in (("kind", ScheduleKind), ("overlap", Overlap), ("missed", Missed)):
            _take_enum(self, name, kind)
        zone_of(self.tz)
        if self.kind is ScheduleKind.CRON:
            check_pattern(self.pattern)
        else:
            interval_ms(self.pattern)
        if self.limit is not None and not (isinstance(self.limit, int) and self.limit >= 1):
            raise UsageError(f"limit must be a whole number ≥ 1, got {self.limit!r}", field="limit")
        if not (isinstance(self.jitter_s, int | float) and 0 <= self.jitter_s <= 86_400):
            raise UsageError(f"jitter_s must be between 0 and 86,400 seconds, got {self.jitter_s!r}", field="jitter_s")
        if self.start_ms is not None and self.end_ms is not None and self.end_ms < self.start_ms:
            raise UsageError("a schedule must end after it starts", field="end_ms")
        if self.priority is not None:
            try:
                check_priority(self.priority)
            except ValueError as error:
                raise UsageError(str(error), field="priority") from error

    def instants(self, after_ms: int) -> Iterator[int]:
        """Yield the instants later than `after_ms`, in order."""
        if self.start_ms is not None:
            after_ms = max(after_ms, self.start_ms - 1)
        found = self._cron(after_ms) if self.kind is ScheduleKind.CRON else self._interval(after_ms)
        for instant in found:
            if self.end_ms is not None and instant > self.end_ms:
                return
            yield instant

    def next_ms(self, after_ms: int) -> int | None:
        """Return the first instant later than `after_ms`, None when there is none."""
        return next(self.instants(after_ms), None)

    def _interval(self, after_ms: int) -> Iterator[int]:
        every, anchor = interval_ms(self.pattern), self.start_ms or 0
        instant = anchor + ((after_ms - anchor) // every + 1) * every
        while True:
            yield instant
            instant += every

    def _cron(self, after_ms: int) -> Iterator[int]:
        # cronsim steps past its start; one second earlier, so that an offset cannot hide an instant
        start = datetime.fromtimestamp((after_ms - self.offset_ms) // 1000 - 1, UTC).astimezone(zone_of(self.tz))
        simulation = CronSim(self.pattern, start)
        if self.both_days:
            simulation.day_and = True
        for moment in simulation:
            instant = round(moment.timestamp() * 1000) + self.offset_ms
            if instant > after_ms:
                yield instant

    def jitter_ms(self, instant: int) -> int:
        """Return how late the run of an instant is: drawn from its name, so that all workers agree."""
        if not self.jitter_s:
            return 0
        drawn = hashlib.sha256(f"{self.id}\n{instant}".encode()).digest()
        return int(int.from_bytes(drawn[:6]) / 2**48 * self.jitter_s * 1000)

    def job_id(self, instant: int) -> str:
        """Return the id of the job of an instant."""
        return f"{self.id}:{instant}"

    def plain(self) -> str:
        """Return the pattern in words."""
        if self.kind is ScheduleKind.INTERVAL:
            return f"Every {_duration(interval_ms(self.pattern))}"
        words = str(CronSim(self.pattern, datetime(2026, 1, 1, tzinfo=UTC)).explain())
        if not self.both_days:
            words = words.replace(" of month and on ", " of month, or on ")
        return words if self.tz == "UTC" else f"{words} ({self.tz})"

    def to_json(self) -> bytes:
        """Return the definition as it is stored."""
        fields = {name: value for name, value in asdict(self).items() if value != _DEFAULTS.get(name, ...)}
        if self.payload is not None:
            fields["payload"] = orjson.Fragment(encode_value(self.payload))
        return orjson.dumps(fields)

    def edited(self, changes: dict[str, Any]) -> "Schedule":
        """Return the schedule with an operator's changes.

        Raises:
            UsageError: a field that does not exist or cannot be changed, or a wrong value.
        """
        for name in changes:
            if name not in EDITABLE:
                raise UsageError(
                    f"a schedule has no field {name!r} to change; there are {', '.join(EDITABLE)}", field=name
                )
        return replace(self, **changes)


EDITABLE: Final = (
    "pattern",
    "tz",
    "payload",
    "start_ms",
    "end_ms",
    "limit",
    "jitter_s",
    "overlap",
    "missed",
    "priority",
    "kind",
)

_DEFAULTS: Final[dict[str, Any]] = {
    "tz": "UTC",
    "payload": None,
    "start_ms": None,
    "end_ms": None,
    "limit": None,
    "jitter_s": 0.0,
    "overlap": Overlap.SKIP,
    "missed": Missed.ONCE,
    "priority": None,
    "offset_ms": 0,
    "both_days": False,
    "arq": False,
}


def _take_enum(schedule: Schedule, name: str, kind: type[StrEnum]) -> None:
    value = getattr(schedule, name)
    try:
        object.__setattr__(schedule, name, kind(value))
    except ValueError:
        raise UsageError(f"{name} must be {' or '.join(kind)}, got {value!r}", field=name) from None


def _check_id(schedule_id: str) -> None:
    if (
        not isinstance(schedule_id, str)
        or not 1 <= len(schedule_id) <= MAX_ID
        or not schedule_id.isprintable()
        or any(c in schedule_id for c in "{}~")
    ):
        raise UsageError(
            f"a schedule's id must be 1 to {MAX_ID} printable characters without '{{', '}}' and '~', "
            f"got {schedule_id!r}",
            field="id",
        )


def zone_of(name: str) -> Any:
    """Return a time zone by its name.

    Raises:
        UsageError: there is no such zone.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"tz must be a time zone such as Europe/Berlin, got {name!r}", field="tz") from None


def check_pattern(pattern: str) -> None:
    """Refuse what is no cron pattern.

    Raises:
        UsageError: wrong number of fields, or the field that is wrong is named; or it never matches.
    """
    fields = pattern.split() if isinstance(pattern, str) else []
    if len(fields) not in (5, 6):
        raise UsageError(
            f"a cron pattern must have 5 fields ({', '.join(_FIELDS_5)}) or 6 with seconds first, got {pattern!r}",
            field="pattern",
        )
    try:
        first = next(CronSim(pattern, datetime(2026, 1, 1, tzinfo=UTC)), None)
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ")
        name = _CRONSIM_NAMES.get(wrong, wrong)
        names = _FIELDS_5 if len(fields) == 5 else _FIELDS_6
        text = fields[names.index(name)] if name in names else pattern
        raise UsageError(f"the cron field {name} cannot be {text!r} (in {pattern!r})", field="pattern") from error
    if first is None:
        raise UsageError(f"the cron pattern {pattern!r} never matches a date", field="pattern")


def interval_ms(pattern: str) -> int:
    """Return an interval's pattern, seconds as text, in milliseconds.

    Raises:
        UsageError: not a number of seconds of at least one.
    """
    try:
        seconds = float(pattern)
    except (TypeError, ValueError):
        seconds = float("nan")
    if not SHORTEST_S <= seconds <= 366 * 86_400:
        raise UsageError(
            f"an interval must be a number of seconds from {SHORTEST_S:g} to a year, got {pattern!r}", field="pattern"
        )
    return round(seconds * 1000)


def _duration(ms: int) -> str:
    for unit_ms, name in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")):
        if ms % unit_ms == 0 or unit_ms == 1000:
            count = ms / unit_ms
            return name if count == 1 else f"{count:g} {name}s"
    raise AssertionError(ms)


def preview(pattern: str, tz: str, *, after_ms: int, count: int = 5) -> tuple[int, ...]:
    """Return the next instants of a cron pattern, or of an interval given in seconds."""
    kind = ScheduleKind.CRON if " " in pattern.strip() else ScheduleKind.INTERVAL
    schedule = Schedule(id="preview", job_type="preview", queue="preview", kind=kind, pattern=pattern, tz=tz)
    return tuple(islice(schedule.instants(after_ms), count))


def from_json(text: bytes | str) -> Schedule:
    """Return the schedule of a stored definition."""
    return Schedule(**orjson.loads(text))


class ScheduleOptions(TypedDict, total=False):
    """What `cron` and `every` take of `Schedule`, for type checkers and editors."""

    tz: str
    start_ms: int | None
    end_ms: int | None
    limit: int | None
    jitter_s: float
    overlap: Overlap | str
    missed: Missed | str
    priority: int | None
    offset_ms: int
    both_days: bool


def cron(
    schedule_id: str,
    pattern: str,
    *,
    job_type: JobType[Any] | str,
    payload: Any = None,
    queue: str | None = None,
    **options: Unpack[ScheduleOptions],
) -> Schedule:
    """Return a schedule by a cron pattern.

    Args:
        schedule_id: unique in its queue.
        pattern: five fields (minute, hour, day of month, month, day of week), or six with seconds first.
        job_type: what is queued.
        payload: checked against the job type now.
        queue: another queue than the job type's.
        options: see `Schedule`.
    """
    return _declared(schedule_id, ScheduleKind.CRON, pattern, job_type, payload, queue, options)


def every(
    schedule_id: str,
    seconds: float,
    *,
    job_type: JobType[Any] | str,
    payload: Any = None,
    queue: str | None = None,
    **options: Unpack[ScheduleOptions],
) -> Schedule:
    """Return a schedule by an interval in seconds; instants count from `start_ms`, or from midnight UTC of 1970."""
    return _declared(schedule_id, ScheduleKind.INTERVAL, f"{seconds:g}", job_type, payload, queue, options)


def _declared(
    schedule_id: str,
    kind: ScheduleKind,
    pattern: str,
    job_type: JobType[Any] | str,
    payload: Any,
    queue: str | None,
    options: ScheduleOptions,
) -> Schedule:
    if isinstance(job_type, JobType):
        payload = orjson.loads(job_type.encode(payload))
        queue = queue or job_type.queue
        job_type = job_type.name
    if queue is None:
        raise UsageError(f"schedule {schedule_id!r} needs a queue, as its job type is given by name", field="queue")
    more: Any = options  # enums may come as their words
    return Schedule(id=schedule_id, job_type=job_type, queue=queue, kind=kind, pattern=pattern, payload=payload, **more)
