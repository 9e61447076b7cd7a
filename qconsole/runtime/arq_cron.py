"""Cron jobs of an unchanged arq settings class as schedules: fired once per instant by whichever worker comes first.

Their job ids are arq's (`<name>:<ms>`), so a plain arq worker beside ours queues no instant a second time.
"""

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final

from arq.cron import CronJob

from qconsole.runtime.schedule import Missed, Overlap, Schedule, ScheduleKind

_WEEKDAYS: Final = ("mon", "tues", "wed", "thurs", "fri", "sat", "sun")
_LOCALTIME: Final = Path("/etc/localtime")


def split_cron_jobs(cron_jobs: list[CronJob]) -> tuple[list[CronJob], list[CronJob]]:
    """Return those that become schedules, and those that stay arq's: not unique, with their own id, or at startup."""
    taken = [job for job in cron_jobs if job.unique and not job.job_id and not job.run_at_startup]
    return taken, [job for job in cron_jobs if job not in taken]


def schedule_of(job: CronJob, queue: str, zone: tzinfo | None) -> Schedule:
    """Return a cron job as a schedule.

    Args:
        job: arq's.
        queue: where its jobs go.
        zone: in which arq reads the pattern.
    """
    weekday = _field(_weekday_numbers(job.weekday))
    parts = (_field(job.second), _field(job.minute), _field(job.hour), _field(job.day), _field(job.month), weekday)
    return Schedule(
        id=job.name,
        job_type=job.name,
        queue=queue,
        kind=ScheduleKind.CRON,
        pattern=" ".join(parts),
        tz=zone_name(zone),
        overlap=Overlap.ALLOW,
        missed=Missed.SKIP,
        offset_ms=job.microsecond // 1000,
        both_days=True,
        arq=True,
    )


def _field(option: Any) -> str:
    if option is None:
        return "*"
    return ",".join(map(str, sorted(option))) if isinstance(option, set | list | tuple | frozenset) else str(option)


def _weekday_numbers(option: Any) -> Any:
    """Return arq's weekdays (0 is Monday, or a name) as cron's (0 is Sunday)."""
    if option is None:
        return None
    options = option if isinstance(option, set | list | tuple | frozenset) else [option]
    return {((_WEEKDAYS.index(day.lower()) if isinstance(day, str) else day) + 1) % 7 for day in options}


def zone_name(zone: tzinfo | None) -> str:
    """Return the IANA name of a zone; the system's when it has none, UTC when that has none either."""
    if zone is UTC or zone is None:
        return "UTC"
    if isinstance(key := getattr(zone, "key", None), str):
        return key
    if not zone.utcoffset(datetime.now(UTC)):
        return "UTC"
    _, found, name = str(_LOCALTIME.resolve()).partition("zoneinfo/")
    return name if found else "UTC"
