"""The chart of a report: lines by day, matched and waiting for review, as a PNG."""

import io

from workers.reporting.figures import Figures


def draw_chart(figures: Figures) -> bytes:
    """Returns the chart; needs the reports extra."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    drawing = Figure(figsize=(8, 3), dpi=150, layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.add_subplot()
    names = [f"{day.day:%d %b}" for day in figures.days]
    places = range(len(names))
    matched = [day.matched for day in figures.days]
    others = [max(0, day.lines - day.matched) for day in figures.days]
    axes.bar(places, matched, color="#0b5cad", label="matched")
    axes.bar(places, others, bottom=matched, color="#f0a202", label="not matched")
    step = -(-len(names) // 10)
    axes.set_xticks(list(places)[::step], names[::step])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("lines")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    drawing.savefig(out, format="png")
    return out.getvalue()
