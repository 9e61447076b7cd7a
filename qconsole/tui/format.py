"""Numbers, durations, ages and instants as an operator reads them at a glance; all of constant, narrow width."""

from datetime import UTC, datetime, tzinfo


def count(value: int | float | None) -> str:
    """Return a whole number with separators: `1,204`; `–` when unknown."""
    return "–" if value is None else f"{value:,.0f}"


def short_count(value: int | float | None) -> str:
    """Return a number in at most five characters: `982`, `12.4k`, `1.0M`."""
    if value is None:
        return "–"
    if abs(value) < 10_000:
        return f"{value:,.0f}"
    for limit, unit in ((1e6, "k"), (1e9, "M"), (1e12, "G")):
        if abs(value) < limit * 0.9995:
            scaled = value / (limit / 1000)
            return f"{scaled:.0f}{unit}" if scaled >= 99.95 else f"{scaled:.1f}{unit}"
    return f"{value:.0e}"


def duration(ms: float | None) -> str:
    """Return a duration in at most seven characters: `4 ms`, `1.2 s`, `41 s`, `12:08`, `3h 20m`, `2d 4h`."""
    if ms is None:
        return "–"
    if ms < 0:
        return "-" + duration(-ms)
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h {minutes:02d}m"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours}h" if days < 1000 else f"{days:,}d"


def age(ms: int | None, now_ms: int) -> str:
    """Return how long ago an instant was, or `in …` when it is ahead."""
    if ms is None:
        return "–"
    return duration(now_ms - ms) if ms <= now_ms else f"in {duration(ms - now_ms)}"


def coarse_age(ms: int | None, now_ms: int) -> str:
    """Return an age in one unit, for columns: `now`, `41s`, `12m`, `3h`, `2d`; ahead as `+12m`."""
    if ms is None:
        return "–"
    seconds = abs(now_ms - ms) // 1000
    sign = "+" if ms > now_ms and seconds else ""
    if not seconds:
        return "now"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "m"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{sign}{seconds // size}{unit}"
    return f"{sign}{seconds // 86_400}d"


def percent(ratio: float | None, *, digits: int = 1) -> str:
    """Return a ratio as a percentage; never rounds a flaw away (`99.99%` is not `100%`)."""
    if ratio is None:
        return "–"
    text = f"{ratio * 100:.{digits}f}%"
    if ratio < 1 and text.startswith("100"):
        return f"{100 - 10**-digits:.{digits}f}%"
    return text


def size(value: int | None) -> str:
    """Return bytes in binary units: `812 B`, `4.1 KiB`, `10 MiB`."""
    if value is None:
        return "–"
    if value < 1024:
        return f"{value} B"
    scaled = float(value)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        scaled /= 1024
        if scaled < 1000 or unit == "TiB":
            return f"{scaled:.1f} {unit}" if scaled < 99.95 else f"{scaled:.0f} {unit}"
    raise AssertionError("unreachable: the last unit always returns")


def instant(ms: int | None, now_ms: int, zone: tzinfo = UTC) -> str:
    """Return an instant as a wall clock reads it: the time today, with the date on other days."""
    if ms is None:
        return "–"
    at, now = (datetime.fromtimestamp(value / 1000, tz=zone) for value in (ms, now_ms))
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%Y-%m-%d %H:%M")


def stamp(ms: int | None, zone: tzinfo = UTC) -> str:
    """Return an instant in full, with milliseconds and its zone."""
    if ms is None:
        return "–"
    at = datetime.fromtimestamp(ms / 1000, tz=zone)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{ms % 1000:03d} {at.tzname()}"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """Return `1 job`, `1,204 jobs`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"
