"""Charts from block characters: sparklines, bars, histograms and an area chart with marks. Pure: numbers in, spans
out.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from qconsole.admin.views import Mark
from qconsole.tui.cells import cut, fit, plain
from qconsole.tui.format import short_count
from qconsole.tui.skin import Span

_EIGHTHS = "▁▂▃▄▅▆▇█"
_LEFT_EIGHTHS = "▏▎▍▌▋▊▉█"


def resample(values: Sequence[float | None], cells: int) -> list[float | None]:
    """Return one value a cell: the sum of what falls into it, or None where nothing is known."""
    if not values or cells <= 0:
        return []
    if len(values) <= cells:
        return list(values)
    answer: list[float | None] = []
    for cell in range(cells):
        part = [v for v in values[cell * len(values) // cells : (cell + 1) * len(values) // cells] if v is not None]
        answer.append(sum(part) if part else None)
    return answer


def sparkline(values: Sequence[float | None], cells: int, *, top: float | None = None) -> str:
    """Return a series in `cells` cells, the newest value at the right; nothing at all is drawn as a space, zero as
    the base line. The highest leaves an eighth free, so that the series of lines below each other stay apart.
    """
    shown = resample(values, cells)
    highest = top or max((v for v in shown if v is not None), default=0)
    marks = []
    for value in shown:
        if value is None:
            marks.append(" ")
        elif value <= 0 or highest <= 0:
            marks.append("▁")
        else:
            marks.append(_EIGHTHS[min(6, max(1, math.ceil(value / highest * 7) - 1))])
    return "".join(marks).rjust(cells)


def bar(ratio: float, cells: int) -> str:
    """Return a horizontal bar of `ratio` (0…1) in exactly `cells` cells; anything above zero is visible."""
    eighths = min(cells * 8, max(0, round(ratio * cells * 8)))
    if ratio > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_LEFT_EIGHTHS[rest - 1] if rest else "")).ljust(cells)


def gauge(ratio: float, cells: int, *, style: str = "accent") -> list[Span]:
    """Return a bar with the rest of its way drawn too."""
    filled = min(cells, max(1 if ratio > 0 else 0, round(ratio * cells)))
    return [("━" * filled, style), ("─" * (cells - filled), "line")]


def histogram(
    buckets: Sequence[tuple[float, int]], cells: int, *, label: str = "ms", limit: float | None = None, most: int = 12
) -> list[list[Span]]:
    """Return log buckets as lines: upper bound, bar, count, share; buckets over `limit` are drawn as breaches."""
    kept = _trim(buckets, most)
    total = sum(number for _, number in kept)
    if not total:
        return [[("no jobs in this window", "muted")]]
    highest = max(number for _, number in kept)
    room = min(48, max(4, cells - 8 - 2 - 7 - 6))
    lines: list[list[Span]] = []
    for bound, number in kept:
        over = limit is not None and bound > limit
        lines.append(
            [
                (fit(f"≤ {_bound(bound)}" if math.isfinite(bound) else "more", 8, "right") + "  ", "muted"),
                (bar(number / highest, room), "bad" if over else "chart"),
                (fit(short_count(number), 7, "right"), "text"),
                (fit(_share(number / total), 6, "right"), "muted"),
            ]
        )
    return lines


def _share(ratio: float) -> str:
    return "<1%" if 0 < ratio < 0.01 else f"{ratio:.0%}"


def _bound(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:g} s" if ms < 60_000 else f"{ms / 60_000:g} m"


def _trim(buckets: Sequence[tuple[float, int]], most: int) -> list[tuple[float, int]]:
    """Leave out empty buckets at both ends and join neighbours until at most `most` are left."""
    kept = list(buckets)
    while kept and not kept[-1][1]:
        kept.pop()
    while kept and not kept[0][1]:
        kept.pop(0)
    while len(kept) > most:
        pairs = [kept[i : i + 2] for i in range(len(kept) % 2, len(kept), 2)]
        odd = kept[: len(kept) % 2]
        kept = odd + [(pair[-1][0], sum(number for _, number in pair)) for pair in pairs]
    return kept


def area(
    at_ms: Sequence[int],
    good: Sequence[float | None],
    bad: Sequence[float | None],
    *,
    cells: int,
    rows: int,
    marks: Sequence[Mark] = (),
    zone: tzinfo = UTC,
) -> list[list[Span]]:
    """Return completed jobs as an area and failed ones as a line of their own scale below, over a time axis with marks.

    Failures have their own scale so that a few among many thousands are seen. The lines are `rows` of chart, one for
    failures,
    one axis, one with times, and one with the marks' labels when there are any.
    """
    axis = 7
    room = max(8, cells - axis)
    if not at_ms:
        return [[("no traffic in this window", "muted")]]
    done, failed = _stretch(good, room), _stretch(bad, room)
    highest = _nice(max(done, default=0))
    end_ms = at_ms[-1] + (at_ms[1] - at_ms[0] if len(at_ms) > 1 else 60_000)
    at_marks = {_column(mark.ms, at_ms, room): mark for mark in marks if at_ms[0] <= mark.ms < end_ms}
    lines: list[list[Span]] = []
    for row in range(rows - 1, -1, -1):
        label = short_count(highest) if row == rows - 1 else "0" if row == 0 else ""
        cells_of_row = [_area_cell(value, highest, row, rows, x in at_marks) for x, value in enumerate(done)]
        lines.append(_join([(fit(label, axis - 1, "right") + " ", "muted"), *cells_of_row]))
    most = max(failed, default=0)
    line = [(" ", "text") if value <= 0 else (_level(value / most), "bad") for value in failed]
    lines.append(
        _join([(fit(short_count(most) if most else "0", axis - 1, "right") + " ", "bad" if most else "muted"), *line])
    )
    lines.append([(" " * axis, "muted"), *_axis(room, at_marks)])
    lines.append([(" " * axis, "muted"), (_times(at_ms, room, zone), "muted")])
    if at_marks:
        lines.append([(" " * axis, "muted"), (_labels(at_marks, room), "warn")])
    return lines


def _stretch(values: Sequence[float | None], cells: int) -> list[float]:
    """Return one number a cell: the mean of what falls into it, or values repeated where they are fewer."""
    if len(values) >= cells:
        shown = resample(values, cells)
        scale = cells / len(values)
        return [(v or 0) * scale for v in shown]
    return [float(values[x * len(values) // cells] or 0) for x in range(cells)] if values else [0.0] * cells


def _nice(value: float) -> float:
    """Return the next round number above a value, for an axis."""
    if value <= 0:
        return 1
    power = float(10 ** math.floor(math.log10(value)))
    return next(step * power for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value - 1e-9)


def _level(ratio: float) -> str:
    return _EIGHTHS[min(7, max(0, math.ceil(ratio * 8) - 1))]


def _area_cell(value: float, highest: float, row: int, rows: int, marked: bool) -> Span:
    level = value / highest * rows - row
    if level <= 0:
        return ("│", "warn") if marked else (" ", "text")
    return _level(level), "chart"


def _join(line: list[Span]) -> list[Span]:
    """Merge neighbours of one style: fewer bytes to the terminal."""
    joined: list[Span] = []
    for text, style in line:
        if joined and joined[-1][1] == style:
            joined[-1] = (joined[-1][0] + text, style)
        else:
            joined.append((text, style))
    return joined


def _column(ms: int, at_ms: Sequence[int], room: int) -> int:
    span = max(1, at_ms[-1] - at_ms[0])
    return min(room - 1, int((ms - at_ms[0]) / span * (room - 1)))


def _axis(room: int, at_marks: dict[int, Mark]) -> list[Span]:
    return _join([("┴", "warn") if x in at_marks else ("─", "line") for x in range(room)])


def _times(at_ms: Sequence[int], room: int, zone: tzinfo) -> str:
    steps = max(1, room // 16)
    days = at_ms[-1] - at_ms[0] > 172_800_000
    line = [" "] * room
    for step in range(steps + 1):
        x = min(room - 5, step * (room - 1) // steps)
        ms = at_ms[0] + (at_ms[-1] - at_ms[0]) * x / max(1, room - 1)
        text = datetime.fromtimestamp(ms / 1000, tz=zone).strftime("%m-%d" if days else "%H:%M")
        if x >= 0 and all(c == " " for c in line[max(0, x - 1) : x + 5]):
            line[x : x + 5] = text
    return "".join(line)


def _labels(at_marks: dict[int, Mark], room: int) -> str:
    """Return the marks' labels on one line, the newest where it belongs, older ones as far as there is room."""
    line = [" "] * room
    free = room
    for x in sorted(at_marks, reverse=True):
        text = cut(plain(f"↑ {at_marks[x].kind} {at_marks[x].label}"), 28)
        start = min(x, free - len(text))
        if start >= 0 and text.isprintable():
            line[start : start + len(text)] = text
            free = start - 1
    return cut("".join(line).rstrip(), room)
