"""The table and its window: any length costs the same, and cursor and marks belong to rows, not to places."""

import random
from dataclasses import dataclass, field

import pytest

from qconsole.admin.views import Count, Page
from qconsole.tui.app import ConsoleApp
from qconsole.tui.jobs import JobsView
from qconsole.tui.list_view import ListView
from qconsole.tui.window import Window
from tests.support import eventually
from tests.tui.conftest import Open, shows, text_of
from tests.tui.stage import Stage
from tests.tui.stage_clock import NOW_MS
from tests.tui.stage_jobs import job_row


@dataclass
class Listing:
    """Keys in descending order, paged by the key itself as Admin does."""

    keys: list[int]
    reads: list[tuple[str | None, bool]] = field(default_factory=list)

    async def page(self, *, cursor: str | None, limit: int, reverse: bool) -> Page[int]:
        self.reads.append((cursor, reverse))
        ordered = sorted(self.keys, reverse=not reverse)
        if cursor is not None:
            at = int(cursor)
            ordered = [key for key in ordered if (key > at if reverse else key < at)]
        rows = ordered[:limit]
        following = str(rows[-1]) if len(ordered) > limit else None
        return Page(tuple(rows), next=following, total=Count(len(self.keys)), as_of_ms=NOW_MS)


def window(listing: Listing) -> Window[int]:
    return Window(fetch=listing.page, key=lambda key: key, page_rows=10)


async def test_a_window_goes_down_and_back_up_without_a_gap() -> None:
    listing = Listing(list(range(1000)))
    seen = window(listing)
    await seen.first()
    for _ in range(50):
        await seen.below()
    assert len(seen.rows) <= 50
    assert seen.rows == list(range(999 - seen.start, 999 - seen.start - len(seen.rows), -1))
    while seen.more_above:
        await seen.above()
    assert (seen.start, seen.rows[0]) == (0, 999)


async def test_a_window_from_the_end_goes_up_to_the_start() -> None:
    listing = Listing(list(range(100)))
    seen = window(listing)
    await seen.last()
    assert seen.rows == list(range(9, -1, -1)) and seen.start == 90 and not seen.more_below
    while seen.more_above:
        await seen.above()
    assert (seen.start, seen.rows[0]) == (0, 99)
    while seen.more_below:
        await seen.below()
    assert seen.rows[-1] == 0


@pytest.mark.parametrize("seed", range(8))
async def test_a_window_under_change_is_always_one_run_of_what_there_is(seed: int) -> None:
    chance = random.Random(seed)
    listing = Listing(list(range(0, 2000, 3)))
    seen = window(listing)
    await seen.first()
    for _ in range(60):
        for _ in range(chance.randrange(4)):
            listing.keys.pop(chance.randrange(len(listing.keys)))
        listing.keys += [chance.randrange(6000) * 3 + 1 for _ in range(chance.randrange(4))]
        listing.keys = list(set(listing.keys))
        step = chance.choice(["above", "below", "below", "refresh", "last", "first"])
        if step == "refresh":
            await seen.refresh(seen.start, seen.start + 12)
            rows = seen.rows
            if rows:
                expected = [key for key in sorted(listing.keys, reverse=True) if rows[-1] <= key <= rows[0]]
                assert rows == expected
        else:
            await getattr(seen, step)()
        assert len(set(seen.rows)) == len(seen.rows)
        assert seen.rows == sorted(seen.rows, reverse=True)


async def test_the_cursor_and_marks_stay_with_their_rows_while_rows_come(open_stage: Open, stage: Stage) -> None:
    shift = 0
    stage.make_job = lambda place: job_row(place - shift if place >= shift else 3_000_000 - place)
    async with open_stage("jobs") as pilot:
        await shows(pilot, "invoice-4180000")
        await pilot.press("j", "j", "space")
        view = pilot.app.view  # type: ignore[attr-defined]
        assert isinstance(view, JobsView)
        under, marked = view.table.row, set(view.table.marks)
        line = text_of(pilot.app).split("\n").index(next(x for x in text_of(pilot.app).split("\n") if under.id in x))  # type: ignore[arg-type]
        shift = 7
        await view.load_once()
        await pilot.pause()
        assert view.table.row == under and view.table.marks == marked and view.table.place == 10
        now = text_of(pilot.app).split("\n")  # type: ignore[arg-type]
        assert abs(next(n for n, text in enumerate(now) if under.id in text) - line) <= 7


async def test_a_million_jobs_are_walked_from_both_ends(open_stage: Open, stage: Stage) -> None:
    async with open_stage("jobs", size=(80, 24)) as pilot:
        await shows(pilot, "invoice-4180000", "1,000,000")
        await pilot.press("G")
        await shows(pilot, job_row(999_999).id)
        await pilot.press(*["ctrl+u"] * 12)
        await shows(pilot, "1,000,000")
        view = pilot.app.view  # type: ignore[attr-defined]
        assert 999_000 < view.table.place < 999_999
        await pilot.press("g")
        await shows(pilot, job_row(0).id)
        await pilot.press(*["ctrl+d"] * 36)
        await shows(pilot, "1,000,000")
        assert view.table.place > 300
        assert len(view.table.rows) <= 500
        assert not any(" 1000000 " in asked for asked in stage.asked)


async def test_the_order_turns_round_and_columns_are_chosen(open_stage: Open, stage: Stage) -> None:
    async with open_stage("jobs") as pilot:
        await shows(pilot, "newest first")
        await pilot.press("S")
        await shows(pilot, "oldest first", job_row(999_999).id)
        await pilot.press("C")
        await shows(pilot, "Columns", "[x] Job", "[ ] Worker")
        await pilot.press("j", "space", "enter")
        await pilot.pause()
        assert "State" not in text_of(pilot.app).split("\n")[3]  # type: ignore[arg-type]


async def test_a_whole_list_is_sorted_by_any_column(open_stage: Open) -> None:
    async with open_stage("queues") as pilot:
        await shows(pilot, "billing")
        view = pilot.app.view  # type: ignore[attr-defined]
        await pilot.press("s")
        assert [row.name for row in view.table.rows] == sorted(row.name for row in view.table.rows)
        await pilot.press("S")
        assert view.table.rows[0].name == "webhooks"
        await shows(pilot, "Queue▾")


async def test_horizontal_scrolling_shows_the_columns_that_did_not_fit(open_stage: Open) -> None:
    async with open_stage("jobs", size=(80, 24)) as pilot:
        await shows(pilot, "Error or payload")
        screen = text_of(pilot.app)  # type: ignore[arg-type]
        assert "Took" not in screen
        await pilot.press(*["l"] * 14)
        await shows(pilot, "Took")
        await pilot.press(*["h"] * 20)
        await shows(pilot, "Error or payload")


async def test_resizing_keeps_the_place(open_stage: Open) -> None:
    async with open_stage("jobs", size=(200, 50)) as pilot:
        await shows(pilot, "invoice-4180000", "Payload")
        await pilot.press(*["j"] * 12)
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        under = app.view.table.row  # type: ignore[attr-defined]
        for size in ((80, 24), (120, 40), (60, 12), (200, 50)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app.view.table.row == under  # type: ignore[attr-defined]
            assert under.id[:10] in text_of(app)


async def test_a_preview_takes_what_a_short_list_leaves_and_is_entered_by_tab(open_stage: Open, stage: Stage) -> None:
    async with open_stage("workers", size=(80, 24)) as pilot:
        await shows(pilot, "web-1:4021", "last seen")
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        view = app.view
        assert isinstance(view, ListView) and not view.preview.has_class("-paired")
        await pilot.resize_terminal(200, 50)
        await shows(pilot, "last seen", "7 of 16 slots")
        await eventually(lambda: view.has_class("-below") and view.preview.has_class("-paired"))
        for column in (view.preview.first, view.preview.second, view.table):
            await pilot.press("tab")
            assert column.has_focus
        await pilot.press("v", "tab")
        assert not view.preview_shown and view.table.has_focus
        await pilot.press("v", "3")
        await shows(pilot, "invoice-4180000", "Payload")
        assert app.view.has_class("-beside")
        stage.jobs_total, stage.missing = 0, {"billing": "its shard does not answer"}
        await pilot.resize_terminal(80, 24)
        await pilot.press("ctrl+r")
        await shows(pilot, "No job matches", "without billing, unreadable")
