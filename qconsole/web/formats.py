"""Numbers, durations, instants and untrusted text as the templates print them. Pure; "now" is an argument."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from qconsole.admin import filters
from qconsole.admin.views import Count
from qconsole.text import visible
from qconsole.web.paths import segment

TEXT_CAP = 2_000
DASH = "–"


def number(value: float | None) -> str:
    """Return a count with thousands separators, or a dash for what is not known."""
    if value is None:
        return DASH
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.1f}"


def count(value: Count | None) -> str:
    """Return a count; one that stopped at its cap carries a plus."""
    return DASH if value is None else number(value.value) + ("" if value.exact else "+")


def plural(value: int, one: str, many: str | None = None) -> str:
    """Return `1 job`, `2 jobs`."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def thing(noun: str, value: int) -> str:
    """Return what an operation is aimed at, as many as there are."""
    one = {"jobs": "job", "dlq": "dead letter", "trash": "removed job"}.get(noun, noun)
    return one if value == 1 else one + "s"


def percent(ratio: float | None) -> str:
    """Return a ratio of 0…1 as a percentage with one decimal."""
    if ratio is None:
        return DASH
    return f"{ratio * 100:.1f}%" if ratio not in (0.0, 1.0) else f"{ratio * 100:.0f}%"


def duration(ms: float | None) -> str:
    """Return a length of time in at most two units: `830 ms`, `4.1 s`, `19 m 20 s`, `3 h 04 m`, `2 d 3 h`."""
    if ms is None:
        return DASH
    sign, ms = ("-", -ms) if ms < 0 else ("", ms)
    if ms < 1_000:
        return f"{sign}{ms:.0f} ms"
    if ms < 10_000:
        return f"{sign}{ms / 1_000:.1f} s"
    seconds = round(ms / 1_000)
    if seconds < 60:
        return f"{sign}{seconds} s"
    if seconds < 3_600:
        return f"{sign}{seconds // 60} m {seconds % 60:02d} s"
    if seconds < 86_400:
        return f"{sign}{seconds // 3_600} h {seconds % 3_600 // 60:02d} m"
    return f"{sign}{seconds // 86_400} d {seconds % 86_400 // 3_600} h"


def span(seconds: float | None) -> str:
    """Return a setting given in seconds as a length of time."""
    return duration(None if seconds is None else seconds * 1_000)


def size(count_bytes: int | None) -> str:
    """Return a size in the largest unit that keeps it above one."""
    if count_bytes is None:
        return DASH
    value = float(count_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1_024 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1_024
    raise AssertionError("unreachable")


def instant(ms: int) -> datetime | None:
    """Return an epoch millisecond as a UTC datetime, or `None` when no calendar has it."""
    try:
        return datetime.fromtimestamp(ms / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def utc(ms: int | None) -> str:
    """Return the exact instant, for hovering and for people without JavaScript."""
    if ms is None:
        return DASH
    at = instant(ms)
    return f"{at:%Y-%m-%d %H:%M:%S}.{ms % 1_000:03d} UTC" if at else f"{ms} ms"


def _time_element(ms: int, text: str, kind: str) -> Markup:
    at = instant(ms)
    if at is None:
        return escape(text)
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}" data-as="{}">{}</time>').format(stamp, utc(ms), kind, text)


def at(ms: int | None) -> Markup | str:
    """Return an instant that the browser rewrites into the viewer's zone; the exact UTC stays on hover."""
    if ms is None:
        return DASH
    moment = instant(ms)
    return _time_element(ms, f"{moment:%b %d %H:%M:%S} UTC" if moment else f"{ms} ms", "at")


def brief(ms: int) -> str:
    """Return a length of time as people say it: now, 41 s, 19 m, 3 h 04 m, 2 d 3 h; console.js says the same."""
    if ms < 1_000:
        return "now"
    if ms < 60_000:
        return f"{ms // 1_000} s"
    return f"{ms // 60_000} m" if ms < 3_600_000 else duration(ms)


def ago(ms: int | None, now_ms: int) -> Markup | str:
    """Return how long ago (or how soon) an instant is, with the exact one on hover."""
    if ms is None:
        return DASH
    gap = now_ms - ms
    text = brief(abs(gap))
    if text != "now":
        text = f"{text} ago" if gap > 0 else f"in {text}"
    return _time_element(ms, text, "ago")


def show(value: Any, cap: int = TEXT_CAP) -> str:
    """Return untrusted text with steering characters written out, cut at `cap` characters with what is missing said."""
    text = "" if value is None else str(value)
    cut = visible(text[:cap], keep_newlines=True)
    return cut if len(text) <= cap else f"{cut}… ({number(len(text) - cap)} characters more)"


def short_id(text: str, cap: int = 34) -> str:
    """Return an id that fits a list: ids of one kind begin alike, so what is cut is in the middle."""
    if len(text) <= cap:
        return show(text)
    tail = cap // 2 - 1
    return f"{show(text[: cap - tail - 1])}…{show(text[-tail:])}"


def sentence(text: str) -> str:
    """Return a message with its first letter large, as it stands alone on a page."""
    return text[:1].upper() + text[1:]


def zero(value: float | None) -> str:
    """Return the class of a count that is nothing to look at."""
    return "" if value else " zero"


def known(name: str) -> str:
    """Return a name as the service knows it; what has gone from Redis has none."""
    return DASH if name == "?" else name


def clock(ms: float) -> str:
    """Return the time of day of a chart's tick."""
    moment = instant(int(ms))
    return f"{moment:%H:%M}" if moment else DASH


def wait_tone(ms: int | None) -> str:
    """Return how alarming a wait is, as a class."""
    if ms is None or ms < 60_000:
        return ""
    return "warn" if ms < 300_000 else "bad"


def target_tone(ratio: float | None) -> str:
    """Return how alarming a kept target is, as a class."""
    if ratio is None or ratio >= 0.99:
        return ""
    return "warn" if ratio >= 0.95 else "bad"


def lag_tone(ms: float | None) -> str:
    """Return how alarming an event loop's lag is, as a class."""
    if ms is None or ms < 100:
        return ""
    return "warn" if ms < 1_000 else "bad"


def progress_text(value: Any) -> str:
    """Return a job's progress in a few words: a number is a percentage, an object's fields are named."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return show(", ".join(f"{key} {inner}" for key, inner in value.items()), 120)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{number(value)}%"
    return show(value, 120)


def anchor(name: str) -> str:
    """Return a name as part of an element's id."""
    return segment(name)


def queue_filter(queue: str) -> str:
    """Return the filter of one queue."""
    return str(filters.Filter().and_is("queue", queue))


def fp_filter(fingerprint: str) -> str:
    """Return the filter of one error group's open dead letters."""
    return str(filters.Filter().and_is("fp", fingerprint))


def any_above_zero(values: Iterable[float | None]) -> bool:
    """Tell whether a sparkline has anything to show."""
    return any(values)


def outcome_class(outcome: str | None) -> str:
    """Return an attempt's outcome as a class."""
    return (outcome or "").replace(" ", "-") if (outcome or "").replace(" ", "").isalpha() else ""


def pointed_at(text: str, position: int) -> tuple[str, str, str]:
    """Split a text around the word at a position, so that a mistake can be underlined where it is."""
    rest = text[position:]
    word = rest.split(maxsplit=1)[0] if rest.strip() else "␣"
    start = rest.find(word) if rest.strip() else len(rest)
    return (
        show(text[: position + start], 400),
        show(word, 200),
        show(rest[start + len(word) :] if rest.strip() else "", 400),
    )


FILTERS = {
    "pointed_at": pointed_at,
    "clock": clock,
    "known": known,
    "sentence": sentence,
    "zero": zero,
    "wait_tone": wait_tone,
    "target_tone": target_tone,
    "lag_tone": lag_tone,
    "progress_text": progress_text,
    "anchor": anchor,
    "queue_filter": queue_filter,
    "fp_filter": fp_filter,
    "any_above_zero": any_above_zero,
    "outcome_class": outcome_class,
    "number": number,
    "count": count,
    "plural": plural,
    "thing": thing,
    "percent": percent,
    "duration": duration,
    "span": span,
    "size": size,
    "utc": utc,
    "at": at,
    "ago": ago,
    "show": show,
    "short_id": short_id,
}
