"""Every screen at three sizes, in both themes, is as it was looked at and accepted.

`QCONSOLE_ACCEPT=1 pytest tests/tui/test_pictures.py` accepts what there is now; look at `make screenshots` first.
"""

import os
from pathlib import Path

import pytest

from tests.tui.conftest import PLAIN, Open
from tests.tui.pictures import DIALOGS, MODES, SIZES, Picture, screen_text, style_digest, take

GOLDEN = Path(__file__).parent / "golden"


async def drawn(picture: Picture, open_stage: Open, sizes: tuple[tuple[int, int], ...]) -> str:
    parts: list[str] = []
    for size in sizes:
        async with open_stage(picture.at, size, PLAIN, picture.production) as pilot:
            app = await take(pilot, picture)
            text, dark = screen_text(app), style_digest(app)
            app.action_theme()
            await pilot.pause()
            assert screen_text(app) == text, "the theme changes colours, nothing else"
            light = style_digest(app)
        parts.append(f"== {size[0]}x{size[1]}  dark {dark}  light {light}\n{text}")
    return "".join(parts)


def compare(name: str, now: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("QCONSOLE_ACCEPT"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("picture", MODES, ids=lambda picture: picture.name)
async def test_a_mode_looks_as_accepted(picture: Picture, open_stage: Open) -> None:
    compare(picture.name, await drawn(picture, open_stage, SIZES))


@pytest.mark.parametrize("picture", DIALOGS, ids=lambda picture: picture.name)
async def test_a_dialog_looks_as_accepted(picture: Picture, open_stage: Open) -> None:
    compare(picture.name, await drawn(picture, open_stage, SIZES[:1]))
