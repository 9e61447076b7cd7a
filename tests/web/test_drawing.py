import pytest

from qconsole.admin.views import AttemptView, Mark, Series
from qconsole.web import drawing


def test_a_sparkline_fits_its_box_and_keeps_zero_on_the_ground() -> None:
    points = [tuple(map(float, point.split(","))) for point in drawing.sparkline([0, 5, 10, None]).split()]
    assert [x for x, _ in points] == [0, 40, 80, 120]
    assert points[0][1] == points[3][1] == 23
    assert points[2][1] == 2
    assert drawing.sparkline([]) == ""


@pytest.mark.parametrize("top", [0.004, 0.7, 1, 3, 17, 99, 100, 4_321, 10**9])
def test_ticks_are_round_few_and_reach_the_top(top: float) -> None:
    ticks = drawing.nice_ticks(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top * 0.999
    assert len(ticks) <= 6


def test_a_chart_breaks_its_line_where_values_are_missing_and_drops_marks_outside() -> None:
    marks = (Mark(20, "deploy", "a"), Mark(999, "deploy", "later"))
    series = Series((10, 20, 30, 40), {"completed": (1, None, 2, 3)}, 10, marks)
    drawn = drawing.chart(series, ("completed", "unknown"), 90_000)
    assert len(drawn.lines["completed"]) == 2
    assert "unknown" not in drawn.lines
    assert [mark.label for _, mark in drawn.marks] == ["a"]


def test_a_minute_that_runs_is_drawn_apart_and_is_not_the_latest_value() -> None:
    series = Series((0, 60_000, 120_000), {"completed": (4, 8, 1)}, 60)
    drawn = drawing.chart(series, ("completed",), 125_000)
    assert [len(piece.split()) for piece in drawn.lines["completed"]] == [2]
    assert len(drawn.running["completed"].split()) == 2
    assert drawn.latest == {"completed": 8}
    over = drawing.chart(series, ("completed",), 180_000)
    assert (over.running, over.latest) == ({}, {"completed": 1})


def test_an_empty_series_still_draws() -> None:
    drawn = drawing.chart(Series((), {"completed": ()}, 60), ("completed",), 90_000)
    assert drawn.lines == {"completed": ()}


def test_a_job_s_life_alternates_waits_and_attempts_without_gaps() -> None:
    attempts = (AttemptView(1, 1_000, 2_000, "w", "failed"), AttemptView(2, 9_000, None, "w", "running"))
    steps = drawing.timeline(0, attempts, None, 10_000, "active")
    assert [step.kind for step in steps] == ["waited", "run", "backoff", "run"]
    assert [step.lasted_ms for step in steps] == [1_000, 1_000, 7_000, 1_000]
    assert [step.open for step in steps] == [False, False, False, True]
    assert sum(step.width for step in steps) == pytest.approx(100)
    assert steps[2].offset == pytest.approx(steps[0].width + steps[1].width)


def test_a_job_that_never_ran_has_only_its_wait() -> None:
    (step,) = drawing.timeline(0, (), None, 5_000, "waiting")
    assert (step.label, step.open, step.width) == ("waiting", True, 100)
    assert drawing.timeline(None, (), None, 5_000, "waiting") == ()


def test_a_histogram_s_tallest_bar_fills_the_height() -> None:
    bars = drawing.histogram([(10, 1), (20, 4), (40, 0)])
    assert bars[1].height == 88
    assert bars[2].height == 0
    assert drawing.histogram([]) == ()
