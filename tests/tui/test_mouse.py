"""The mouse does what keys do, and nothing needs it."""

from textual import events

from tests.support import eventually
from tests.tui.conftest import Open, shows, text_of


def place_of(screen: str, text: str) -> tuple[int, int]:
    """Return the column and line where a text stands."""
    line = next(number for number, line in enumerate(screen.split("\n")) if text in line)
    return screen.split("\n")[line].index(text), line


async def test_modes_headings_rows_links_and_the_wheel(open_stage: Open) -> None:
    async with open_stage("overview", size=(120, 40)) as pilot:
        await shows(pilot, "billing")
        app = pilot.app
        await pilot.click(offset=place_of(text_of(app), "Queues"))  # type: ignore[arg-type]
        await shows(pilot, "Queues", "document-processing")
        view = app.view  # type: ignore[attr-defined]
        await pilot.click(offset=place_of(text_of(app), "Oldest"))  # type: ignore[arg-type]
        await shows(pilot, "Oldest▾")
        assert view.table.rows[0].name == "data-import"
        await pilot.click(offset=place_of(text_of(app), "  webhooks"))  # type: ignore[arg-type]
        await eventually(lambda: view.table.row.name == "webhooks")
        await shows(pilot, "webhooks  ● ok")
        await pilot.click(offset=place_of(text_of(app), "○ waiting "))  # type: ignore[arg-type]
        await shows(pilot, "Jobs  queue:webhooks state:waiting")
        jobs = app.view  # type: ignore[attr-defined]
        before = jobs.table.place
        await pilot._post_mouse_events([events.MouseScrollDown], offset=(10, 10), button=0)
        await eventually(lambda: jobs.table.place == before + 3)
