"""The chart of a report: lines matched and not matched, by day or (for a long span) by week, as a PNG."""

import io
from collections.abc import Sequence
from typing import Final

from workers.reporting.figures import Day, Figures

BLUE: Final = "#0b5cad"
AMBER: Final = "#f0a202"
GREY: Final = "#52606d"
MOST_BARS: Final = 62
_WEEK: Final = 7


def draw_chart(figures: Figures) -> bytes:
    """Returns the chart; needs the reports extra."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    bars = bars_of(figures.days)
    weekly = len(bars) < len(figures.days)
    drawing = Figure(figsize=(8, 3), dpi=160, layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.add_subplot()
    names = [f"{bar[0].day.day} {bar[0].day:%b}" for bar in bars]
    places = range(len(names))
    matched = [sum(day.matched for day in bar) for bar in bars]
    others = [sum(day.open for day in bar) for bar in bars]
    width = min(0.75, len(bars) / 20)
    axes.bar(places, matched, width, color=BLUE, label="matched")
    axes.bar(places, others, width, bottom=matched, color=AMBER, label="not matched")
    step = -(-len(names) // 10)
    axes.set_xticks(list(places)[::step], names[::step])
    axes.set_xlim(-0.75, len(bars) - 0.25)
    axes.set_ylim(bottom=0, top=None if figures.lines else 1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_title("Lines by week, from its first day" if weekly else "Lines by day", loc="left", fontsize=10)
    axes.grid(axis="y", color="#e4e7eb")
    axes.set_axisbelow(True)
    axes.tick_params(colors=GREY, length=0, labelsize=8)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    out = io.BytesIO()
    drawing.savefig(out, format="png")
    return out.getvalue()


def bars_of(days: Sequence[Day]) -> list[Sequence[Day]]:
    """Returns the days of each bar: one, or a week when single days would be too thin to be told apart."""
    step = 1 if len(days) <= MOST_BARS else _WEEK
    return [days[place : place + step] for place in range(0, len(days), step)]
