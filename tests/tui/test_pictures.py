"""Every screen at three sizes, in both themes, is as it was looked at and accepted.

`QCONSOLE_ACCEPT=1 pytest tests/tui/test_pictures.py` accepts what there is now; look at `make screenshots` first.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tui.conftest import PLAIN, Open
from tests.tui.pictures import DIALOGS, MIDDLE, MODES, SMALL, WIDE, Picture, screen_text, style_digest, take

GOLDEN = Path(__file__).parent / "golden"


async def compare(picture: Picture, size: tuple[int, int], open_stage: Open) -> None:
    async with open_stage(picture.at, size, PLAIN, picture.production) as pilot:
        app = await take(pilot, picture)
        text, dark = screen_text(app), style_digest(app)
        app.action_theme()
        await pilot.pause()
        assert screen_text(app) == text, "the theme changes colours, nothing else"
        light = style_digest(app)
    now = f"dark {dark}  light {light}\n{text}"
    path = GOLDEN / f"{picture.name}.txt"
    accepted = parts(path.read_text(encoding="utf-8")) if path.exists() else {}
    name = f"{size[0]}x{size[1]}"
    if os.environ.get("QCONSOLE_ACCEPT") and accepted.get(name) != now:
        accepted[name] = now
        whole = "".join(f"== {known}  {accepted[known]}" for known in sorted(accepted, key=width_of))
        path.write_text(whole, encoding="utf-8")
    assert now == accepted[name]


def parts(text: str) -> dict[str, str]:
    """Return the pictures of a file by their size."""
    return dict(part.split("  ", 1) for part in re.split("^== ", text, flags=re.MULTILINE)[1:])


def width_of(size: str) -> int:
    return int(size.partition("x")[0])


def every_size_in_turn() -> Iterator[Any]:
    """Yield every mode at every size; the everyday suite takes each mode once, the sizes in turn."""
    for place, picture in enumerate(MODES):
        for turn, size in enumerate((SMALL, WIDE, MIDDLE)):
            marks = () if turn == place % 3 else pytest.mark.slow
            yield pytest.param(picture, size, marks=marks, id=f"{picture.name}-{size[0]}x{size[1]}")


@pytest.mark.parametrize(("picture", "size"), [*every_size_in_turn()])
async def test_a_mode_looks_as_accepted(picture: Picture, size: tuple[int, int], open_stage: Open) -> None:
    await compare(picture, size, open_stage)


@pytest.mark.parametrize("picture", DIALOGS, ids=lambda picture: picture.name)
async def test_a_dialog_looks_as_accepted(picture: Picture, open_stage: Open) -> None:
    await compare(picture, SMALL, open_stage)
