"""An hour's updates, compressed: the screen goes on changing and memory does not grow."""

import gc
import tracemalloc

import pytest

from qconsole.tui.app import ConsoleApp
from tests.tui.conftest import Open, shows
from tests.tui.stage import Stage
from tests.tui.stage_jobs import job_row

UPDATES = 1_800  # an hour at the pace of a slow line; ten rows come with each, to fill the caches sooner


async def soak(open_stage: Open, stage: Stage, updates: int, keys: tuple[str, ...]) -> tuple[int, int]:
    """Return the traced bytes after two thirds of the updates (the caches are full by then) and at their end."""
    shift = 0
    stage.make_job = lambda place: job_row(place + shift)
    async with open_stage("jobs", size=(120, 40)) as pilot:
        await shows(pilot, "newest first")
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        app.action_pause_live()
        tracemalloc.start()
        early = 0
        for update in range(updates):
            shift -= 10
            stage.clock.ms += 1_000
            await app._tick()
            if update % 50 == 0:
                await pilot.press(keys[update // 50 % len(keys)])
                stage.asked.clear()
            if update == updates * 2 // 3:
                gc.collect()
                early = tracemalloc.get_traced_memory()[0]
        await pilot.pause()
        gc.collect()
        late = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    return early, late


KEYS = ("j", "ctrl+d", "G", "ctrl+u", "g", "enter", "escape", "4", "2", "8", "3")


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_an_hour_of_updates_keeps_memory_flat(open_stage: Open, stage: Stage) -> None:
    early, late = await soak(open_stage, stage, UPDATES, KEYS)
    assert late < early + 3_000_000, f"{early:,} bytes became {late:,}"


async def test_a_minute_of_updates_keeps_memory_flat(open_stage: Open, stage: Stage) -> None:
    early, late = await soak(open_stage, stage, 60, KEYS)
    assert late < early + 6_000_000, f"{early:,} bytes became {late:,}"
