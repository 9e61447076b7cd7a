"""The screens that pictures are taken of, and how a screen becomes comparable text."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import cast

from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from qconsole.tui.app import ConsoleApp
from tests.support import eventually

SMALL, MIDDLE, WIDE = (80, 24), (120, 40), (200, 50)


@dataclass(frozen=True)
class Picture:
    """A screen: where, and the keys pressed there."""

    name: str
    at: str
    keys: tuple[str, ...] = ()
    production: bool = False


MODES = (
    Picture("overview", "overview"),
    Picture("queues", "queues"),
    Picture("queue", "queue billing"),
    Picture("jobs", "jobs"),
    Picture("job", "job invoice-4179958 queue:billing"),
    Picture("groups", "dlq"),
    Picture("entries", "dlq fp:7c1e9a41f20b"),
    Picture("dead-letter", "dead-letter invoice-4179958~1795489860000"),
    Picture("schedules", "schedules"),
    Picture("flows", "flows"),
    Picture("flow", "flow import-12 queue:data-import"),
    Picture("workers", "workers"),
    Picture("metrics", "metrics queue:billing"),
    Picture("operations", "operations"),
    Picture("audit", "audit"),
    Picture("settings", "settings"),
)
RARER = (
    Picture("schedule", "schedule sync-impa-catalog"),
    Picture("worker", "worker web-1:4021"),
    Picture("operation", "operation op-20261124-0309"),
    Picture("events", "events"),
    Picture("trash", "trash"),
    Picture("doctor", "doctor"),
)
DIALOGS = (
    Picture("preview", "dlq", ("r",)),
    Picture("palette", "jobs", ("colon", *"retry")),
    Picture("filter", "jobs", ("slash", *"state:f")),
    Picture("keys", "jobs", ("question_mark",)),
    Picture("command", "dlq", ("c",)),
    Picture("form", "job invoice-4179958 queue:billing", ("R",)),
    Picture("production", "overview", (), production=True),
    Picture("marked", "jobs", ("space", "space", "space")),
)


async def take(pilot: Pilot[int], picture: Picture) -> ConsoleApp:
    """Go to where the picture is taken and let everything come to rest."""
    app = cast(ConsoleApp, pilot.app)
    await settle(pilot)
    for key in picture.keys:
        await pilot.press(key)
    await settle(pilot)
    for field in [*app.screen.query(Input), *app.screen.query(TextArea)]:
        field.cursor_blink = False
    return app


async def settle(pilot: Pilot[int]) -> None:
    """Wait until all fetching is done and drawn, previews included, and nothing moves any more."""
    app, seen = cast(ConsoleApp, pilot.app), ""

    async def at_rest() -> bool:
        nonlocal seen
        await pilot.pause()
        before, seen = seen, screen_text(app)
        busy = [w for w in app.workers if w.group == "reach" and w.is_running]
        return before == seen and app.steady and (not busy or len(app.screen_stack) > 1)

    await eventually(at_rest, 30, interval_s=0.02)
    await pilot.pause()


def screen_text(app: ConsoleApp) -> str:
    """Return the screen's text, without the spaces at lines' ends."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def screen_svg(app: ConsoleApp, picture: Picture) -> str:
    """Return the screen as SVG, the same for the same screen in one version of Textual and Rich."""
    return app.export_screenshot(title=f"qconsole tui · {picture.at}")


def digest(svg: str) -> str:
    """Return what stands for an SVG of 20 to 180 KB in the accepted pictures."""
    return hashlib.blake2s(svg.encode(), digest_size=16).hexdigest()


def drawn_by() -> str:
    """Return the versions that say how an SVG is written."""
    return f"textual {version('textual')}, rich {version('rich')}"
