"""Geometry of the pictures the server draws: sparklines, charts, bars and a job's timeline. Pure; no markup here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qconsole.admin.views import AttemptView, Mark, Series


def sparkline(values: Sequence[float | None], width: int = 120, height: int = 24) -> str:
    """Return the points of a polyline that fits the box, zero on its ground."""
    known = [value or 0.0 for value in values]
    if not known:
        return ""
    top = max(known) or 1.0
    step = width / max(len(known) - 1, 1)
    return " ".join(f"{i * step:.1f},{height - 1 - value / top * (height - 3):.1f}" for i, value in enumerate(known))


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class ChartDrawing:
    """One chart in its own coordinates: polylines by column, ticks of the value axis and marks by x.

    The way to a point whose time is not over yet is in `running`; `latest` has the last value before it.
    """

    width: int
    height: int
    lines: dict[str, tuple[str, ...]]
    running: dict[str, str]
    latest: dict[str, float | None]
    value_ticks: tuple[Tick, ...]
    time_ticks: tuple[Tick, ...]
    marks: tuple[tuple[float, Mark], ...]


def nice_ticks(top: float, wanted: int = 3) -> tuple[float, ...]:
    """Return round values from zero that reach at least `top`."""
    if top <= 0:
        return (0.0, 1.0)
    power = 1.0
    while power * 10 <= top / wanted:
        power *= 10
    while power > top / wanted and power > 1e-6:
        power /= 10
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * wanted >= top * 0.999)
    ticks = [0.0]
    while ticks[-1] < top:
        ticks.append(ticks[-1] + step)
    return tuple(round(tick, 6) for tick in ticks)


def _pieces(points: Sequence[tuple[float, float | None]]) -> tuple[str, ...]:
    """Break a line where values are missing."""
    pieces: list[list[str]] = [[]]
    for x, y in points:
        if y is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{x:.1f},{y:.1f}")
    return tuple(" ".join(piece) for piece in pieces if piece)


def _closed(series: Series, now_ms: int) -> int:
    """Return how many points of a series are over: the last one counts what its time has brought so far."""
    count = len(series.at_ms)
    return count - 1 if count and series.at_ms[-1] + series.step_s * 1000 > now_ms else count


def chart(series: Series, columns: Sequence[str], now_ms: int, *, width: int = 1080, height: int = 140) -> ChartDrawing:
    """Place the columns of a series into a box; unknown columns are left out."""
    closed = _closed(series, now_ms)
    present = {name: series.columns[name] for name in columns if name in series.columns}
    top = max((value for column in present.values() for value in column if value is not None), default=0.0)
    ticks = nice_ticks(top)
    roof = ticks[-1]
    first, last = (series.at_ms[0], series.at_ms[-1]) if series.at_ms else (0, 1)
    reach = max(last - first, 1)

    def x_of(ms: int) -> float:
        return (ms - first) / reach * width

    def y_of(value: float) -> float:
        return height - value / roof * (height - 4) - 1

    points = {
        name: [(x_of(ms), None if v is None else y_of(v)) for ms, v in zip(series.at_ms, column, strict=True)]
        for name, column in present.items()
    }
    times = tuple(Tick(width * k / 6, first + reach * k / 6) for k in range(7)) if series.at_ms else ()
    marks = tuple((x_of(mark.ms), mark) for mark in series.marks if first <= mark.ms <= last)
    return ChartDrawing(
        width=width,
        height=height,
        lines={name: _pieces(line[:closed]) for name, line in points.items()},
        running={name: " ".join(_pieces(line[-2:])) for name, line in points.items() if closed < len(line)},
        latest={name: column[closed - 1] if closed else None for name, column in present.items()},
        value_ticks=tuple(Tick(y_of(tick), tick) for tick in ticks),
        time_ticks=times,
        marks=marks,
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram, in its own coordinates."""

    x: float
    width: float
    y: float
    height: float
    le_ms: float
    count: int


def histogram(buckets: Sequence[tuple[float, int]], width: int = 480, height: int = 90) -> tuple[Bar, ...]:
    """Place the buckets of a histogram side by side."""
    top = max((count for _, count in buckets), default=0) or 1
    step = width / max(len(buckets), 1)
    return tuple(
        Bar(i * step, max(step - 2, 1), height - count / top * (height - 2), count / top * (height - 2), le, count)
        for i, (le, count) in enumerate(buckets)
    )


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One step of a job's life: when it began, how long it took (so far, when `open`), and its place in percent."""

    kind: str  # waited | run | backoff
    label: str
    at_ms: int
    lasted_ms: int
    open: bool
    offset: float
    width: float
    outcome: str | None = None
    attempt: int | None = None


def timeline(
    created_ms: int | None, attempts: Sequence[AttemptView], end_ms: int | None, now_ms: int, state: str
) -> tuple[TimelineStep, ...]:
    """Return waits and attempts in order, side by side on a line of 0…100.

    Widths follow the logarithm of the time, so that a second beside a day can still be seen; the text has the times.
    """
    pieces: list[tuple[str, str, int, int | None, AttemptView | None]] = []
    at_ms = created_ms
    for index, attempt in enumerate(attempts):
        if at_ms is not None and attempt.start_ms > at_ms:
            kind, label = ("waited", "waited") if index == 0 else ("backoff", "waited to try again")
            pieces.append((kind, label, at_ms, attempt.start_ms, None))
        pieces.append(("run", f"attempt {attempt.attempt}", attempt.start_ms, attempt.end_ms, attempt))
        at_ms = attempt.end_ms
    if at_ms is not None and end_ms is None and state not in {"completed", "failed", "cancelled"}:
        pieces.append(("waited", state.replace("_", " "), at_ms, None, None))
    if not pieces:
        return ()
    weights = [
        math.log1p(max((end if end is not None else now_ms) - begin, 0) / 50) + 1 for _, _, begin, end, _ in pieces
    ]
    whole = sum(weights)
    steps, offset = [], 0.0
    for (kind, label, begin, end, run), weight in zip(pieces, weights, strict=True):
        width = weight / whole * 100
        lasted = (end if end is not None else now_ms) - begin
        steps.append(
            TimelineStep(
                kind=kind,
                label=label,
                at_ms=begin,
                lasted_ms=lasted,
                open=end is None,
                offset=offset,
                width=width,
                outcome=run.outcome if run else None,
                attempt=run.attempt if run else None,
            )
        )
        offset += width
    return tuple(steps)


def chart_data(series: Series, columns: Sequence[str], now_ms: int) -> dict[str, object]:
    """Return a chart as the browser draws it: its points, how many of them are over, and its marks."""
    return {
        "at": series.at_ms,
        "closed": _closed(series, now_ms),
        "columns": {name: series.columns[name] for name in columns if name in series.columns},
        "marks": [{"ms": mark.ms, "kind": mark.kind, "label": mark.label[:80]} for mark in series.marks],
    }
