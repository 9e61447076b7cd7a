"""Nothing ends the console: errors become reports, a lost Redis a banner, hostile data text."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from qconsole.errors import RedisUnavailable
from qconsole.redis.embedded import EmbeddedServer
from qconsole.tui.app import ConsoleApp
from qconsole.tui.text_dialog import TextDialog
from tests.support import eventually
from tests.tui.conftest import PLAIN, Open, shows, text_of
from tests.tui.stage import Stage
from tests.tui.stage_jobs import job_row, job_view
from tests.tui.test_text import HOSTILE


def app_of(pilot: Pilot[int]) -> ConsoleApp:
    assert isinstance(pilot.app, ConsoleApp)
    return pilot.app


async def test_an_error_while_loading_is_reported_and_the_console_goes_on(open_stage: Open, stage: Stage) -> None:
    async with open_stage("overview") as pilot:
        await shows(pilot, "billing")
        stage.fail = ZeroDivisionError("made for a test")
        await shows(pilot, "Something went wrong here", "made for a test", "y copies")
        await pilot.press("y")
        app = app_of(pilot)
        assert "ZeroDivisionError: made for a test" in app._clipboard and "qconsole 0." in app._clipboard
        stage.fail = None
        await pilot.press("escape")
        app.reports.clear()
        await pilot.press("3")
        await shows(pilot, "invoice-4180000")


async def test_an_error_in_a_handler_is_reported_and_the_keys_go_on(open_stage: Open) -> None:
    async with open_stage("jobs") as pilot:
        await shows(pilot, "invoice-4180000")
        app = app_of(pilot)

        def broken() -> None:
            raise KeyError("in a handler")

        app.view.action_mark_all = broken  # type: ignore[attr-defined]
        await pilot.press("asterisk")
        await shows(pilot, "in a handler")
        await pilot.press("escape", "j", "j")
        assert app.view.table.place == 2  # type: ignore[attr-defined]
        app.reports.clear()


async def test_a_line_that_cannot_be_drawn_says_so(open_stage: Open, stage: Stage) -> None:
    stage.make_job = lambda place: replace(job_row(place), job_type=None) if place == 3 else job_row(place)
    async with open_stage("jobs") as pilot:
        await shows(pilot, "Something went wrong here")
        await pilot.press("escape")
        await shows(pilot, "this line cannot be drawn", "invoice-4180000")
        app_of(pilot).reports.clear()


async def test_a_lost_redis_shows_a_banner_and_recovers(open_stage: Open, stage: Stage) -> None:
    async with open_stage("queues") as pilot:
        await shows(pilot, "billing")
        stage.fail = RedisUnavailable("Redis at 127.0.0.1:6379 cannot be reached.")
        await shows(pilot, "No connection since", "cannot be reached", "billing")
        assert len(pilot.app.screen_stack) == 1
        stage.fail = None
        await shows(pilot, "Redis answers again", "live 1 s")
        assert "No connection" not in text_of(app_of(pilot))


async def test_a_refresh_that_sits_through_a_failover_says_so_and_slows_nothing(open_stage: Open, stage: Stage) -> None:
    quick, promoted = stage.live.snapshot, asyncio.Event()

    async def slow() -> dict[str, Any]:
        await promoted.wait()
        return await quick() | {"missing": {"mail": "its shard is down"}}

    async with open_stage("queues") as pilot:
        await shows(pilot, "live 1 s")
        stage.live.snapshot = slow
        await shows(pilot, "waiting for Redis", "billing")
        promoted.set()
        await shows(pilot, "live 1 s", "running 38+")
        assert "waiting for Redis" not in text_of(app_of(pilot))


async def test_a_stopped_server_never_blocks_a_key(open_console: Open, redis_server: EmbeddedServer) -> None:
    process = redis_server._process
    assert process is not None
    async with open_console("jobs") as pilot:
        await shows(pilot, "mail-waiting")
        process.freeze()
        try:
            await shows(pilot, "No connection since")
            await pilot.press("j", "j", "2", "3")
            await shows(pilot, "mail-waiting", deadline_s=8)  # sooner than a call to the server gives up
        finally:
            process.resume()
        await shows(pilot, "Redis answers again")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), pytest.param((200, 50), marks=pytest.mark.slow)])
async def test_hostile_data_stays_text_and_aligned(size: tuple[int, int], open_stage: Open, stage: Stage) -> None:
    def hostile(place: int) -> object:
        return replace(
            job_row(place),
            id=f"{HOSTILE}{place}",
            job_type=HOSTILE,
            queue="billing",
            error_type=HOSTILE,
            error_message=HOSTILE,
            worker=HOSTILE,
        )

    def view(row: object) -> object:
        seen = job_view(row)  # type: ignore[arg-type]
        return replace(seen, payload={HOSTILE: HOSTILE, "big": "漢" * 3_000_000}, trace=HOSTILE, raw_hint=HOSTILE)

    stage.make_job, stage.view_of = hostile, view
    async with open_stage("jobs", size=size) as pilot:
        await shows(pilot, "␛[31mred")
        await pilot.press("enter")
        await shows(pilot, "Job  ", "priority")
        app = app_of(pilot)
        for strip in app.screen._compositor.render_strips():
            assert strip.cell_length == size[0]
            assert strip.text.isprintable()
        await pilot.press("c")
        await shows(pilot, "As a command")
        assert isinstance(app.screen, TextDialog)


async def test_an_ascii_locale_shows_ascii_only(open_stage: Open) -> None:
    terminal = replace(PLAIN, few_colors=True, ascii_only=True)
    async with open_stage("overview", terminal=terminal) as pilot:
        await shows(pilot, "billing")
        app = app_of(pilot)
        svg = app.export_screenshot(simplify=False)
        assert "●" not in svg and "▲" not in svg and "█" not in svg


async def test_a_pasted_text_goes_into_the_filter(open_stage: Open, stage: Stage) -> None:
    from textual import events

    async with open_stage("jobs") as pilot:
        await shows(pilot, "invoice-4180000")
        await pilot.press("slash")
        await pilot.pause()
        assert pilot.app.focused is not None
        pilot.app.focused.post_message(events.Paste("state:failed\nqueue:email"))
        await pilot.pause()
        await pilot.press("enter")
        await eventually(lambda: any("jobs state:failed queue:email None" in asked for asked in stage.asked))


async def test_filters_complete_and_are_remembered(open_stage: Open, stage: Stage) -> None:
    async with open_stage("jobs") as pilot:
        await shows(pilot, "invoice-4180000")
        await pilot.press("slash", *"sta")
        await shows(pilot, "state:", "where it stands")
        await pilot.press("tab", *"fai", "tab", "enter")
        await eventually(lambda: any("jobs state:failed None" in asked for asked in stage.asked))
        await pilot.press("slash", "ctrl+u")
        await shows(pilot, "used before", "state:failed")
        await pilot.press(*"age>zzz", "enter")
        await shows(pilot, "▲ at")
        await pilot.press("escape")
        await shows(pilot, "Jobs  state:failed")
        await pilot.press("escape")
        await eventually(lambda: app_of(pilot).view.location.filter == "")


async def test_the_footer_never_has_more_than_six_keys_and_all_bindings_are_described(open_stage: Open) -> None:
    from textual.binding import Binding

    from qconsole.tui.header import Footer
    from qconsole.tui.screens import _VIEWS

    async with open_stage("overview") as pilot:
        for key in "1234567890":
            await pilot.press(key)
            await pilot.pause()
            assert 0 < len(pilot.app.query_one(Footer).hints) <= 6
    for view in (*_VIEWS.values(), ConsoleApp):
        for binding in view.BINDINGS:
            assert isinstance(binding, Binding) and binding.description
