"""When a person may be disturbed: quiet hours and digest times in the person's own zone. Pure."""

from datetime import UTC, datetime, timedelta

from workers.wording import zone_of

DIGEST_HOUR = 8
_MINUTES = 24 * 60


def quiet_until_ms(now_ms: int, *, zone: str, from_min: int | None, until_min: int | None) -> int | None:
    """Returns when the quiet hours that hold now end, None when none hold.

    Args:
        from_min, until_min: minutes of the day; a span over midnight is one from a later to an earlier minute.
    """
    if from_min is None or until_min is None or from_min == until_min:
        return None
    local = datetime.fromtimestamp(now_ms / 1_000, UTC).astimezone(zone_of(zone))
    minute = local.hour * 60 + local.minute
    if (minute - from_min) % _MINUTES >= (until_min - from_min) % _MINUTES:
        return None
    end = local.replace(hour=until_min // 60 % 24, minute=until_min % 60, second=0, microsecond=0)
    if end <= local:
        end += timedelta(days=1)
    return round(end.timestamp() * 1_000)


def next_digest_ms(now_ms: int, *, zone: str) -> int:
    """Returns the next time of day at which digests go out, in the person's zone."""
    local = datetime.fromtimestamp(now_ms / 1_000, UTC).astimezone(zone_of(zone))
    due = local.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    if due <= local:
        due += timedelta(days=1)
    return round(due.timestamp() * 1_000)
