"""Every screen at three sizes, in both themes, is as it was looked at and accepted: its text, and its SVG by digest.

An SVG that differs is written to `build/tui-pictures`. `QCONSOLE_ACCEPT=1 pytest -m "" tests/tui/test_pictures.py`
accepts what there is now; look at `make screenshots` first.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tui.conftest import PLAIN, Open
from tests.tui.pictures import (
    DIALOGS,
    MIDDLE,
    MODES,
    RARER,
    SMALL,
    WIDE,
    Picture,
    digest,
    drawn_by,
    screen_svg,
    screen_text,
    take,
)

GOLDEN = Path(__file__).parent / "golden"
DRAWN_BY = GOLDEN / "drawn-by"  # the digests are of SVGs that these versions write
DIFFERING = Path("build/tui-pictures")
ACCEPT = bool(os.environ.get("QCONSOLE_ACCEPT"))


async def compare(picture: Picture, size: tuple[int, int], open_stage: Open) -> None:
    async with open_stage(picture.at, size, PLAIN, picture.production) as pilot:
        app = await take(pilot, picture)
        text, svgs = screen_text(app), {"dark": screen_svg(app, picture)}
        app.action_theme()
        await pilot.pause()
        assert screen_text(app) == text, "the theme changes colours, nothing else"
        svgs["light"] = screen_svg(app, picture)
    digests = "  ".join(f"{theme} {digest(svg)}" for theme, svg in svgs.items())
    path = GOLDEN / f"{picture.name}.txt"
    accepted = parts(path.read_text(encoding="utf-8")) if path.exists() else {}
    name = f"{size[0]}x{size[1]}"
    if ACCEPT:
        accepted[name] = f"{digests}\n{text}"
        whole = "".join(f"== {known}  {accepted[known]}" for known in sorted(accepted, key=width_of))
        path.write_text(whole, encoding="utf-8")
        DRAWN_BY.write_text(drawn_by() + "\n", encoding="utf-8")
    wanted_digests, _, wanted_text = accepted[name].partition("\n")
    same_version = DRAWN_BY.read_text(encoding="utf-8").strip() == drawn_by()
    if text != wanted_text or (digests != wanted_digests and same_version):
        DIFFERING.mkdir(parents=True, exist_ok=True)
        for theme, svg in svgs.items():
            (DIFFERING / f"{picture.name}-{name}-{theme}.svg").write_text(svg, encoding="utf-8")
    assert text == wanted_text
    if not same_version:
        pytest.skip(f"the text is as accepted; the SVGs were accepted with {DRAWN_BY.read_text(encoding='utf-8')}")
    assert digests == wanted_digests, f"the text is as accepted, colours or styles are not: look at {DIFFERING}"


def parts(text: str) -> dict[str, str]:
    """Return the pictures of a file by their size."""
    return dict(part.split("  ", 1) for part in re.split("^== ", text, flags=re.MULTILINE)[1:])


def width_of(size: str) -> int:
    return int(size.partition("x")[0])


def every_size_in_turn() -> Iterator[Any]:
    """Yield every screen at every size; the everyday suite takes each mode once, the sizes in turn."""
    for place, picture in enumerate(MODES):
        for turn, size in enumerate((SMALL, WIDE, MIDDLE)):
            marks = () if turn == place % 3 else pytest.mark.slow
            yield pytest.param(picture, size, marks=marks, id=f"{picture.name}-{size[0]}x{size[1]}")
    for picture in RARER:
        for size in (SMALL, MIDDLE, WIDE):
            yield pytest.param(picture, size, marks=pytest.mark.slow, id=f"{picture.name}-{size[0]}x{size[1]}")


@pytest.mark.parametrize(("picture", "size"), [*every_size_in_turn()])
async def test_a_mode_looks_as_accepted(picture: Picture, size: tuple[int, int], open_stage: Open) -> None:
    await compare(picture, size, open_stage)


@pytest.mark.parametrize("picture", DIALOGS, ids=lambda picture: picture.name)
async def test_a_dialog_looks_as_accepted(picture: Picture, open_stage: Open) -> None:
    await compare(picture, SMALL, open_stage)
