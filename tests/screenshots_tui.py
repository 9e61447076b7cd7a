"""Takes the pictures of the terminal console in docs/screenshots: `python -m tests.screenshots_tui [folder]`.

A picture is Textual's SVG turned into PNG by a headless Chromium, or by rsvg-convert where that is missing: it does not
keep a text's length, so a line with a wide shape in it ends a little off its column.
"""

import asyncio
import math
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC
from pathlib import Path

from qconsole.config import Settings
from qconsole.tui.app import ConsoleApp
from qconsole.tui.location import parse_location
from qconsole.tui.terminal import Terminal
from tests.tui.pictures import DIALOGS, MODES, Picture, screen_svg, take
from tests.tui.stage import Stage
from tests.tui.stage_clock import FrozenClock

FOLDER = Path("docs/screenshots")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHOWN = {
    # name -> size, light
    "overview": ((120, 40), False),
    "queue": ((160, 44), True),
    "jobs": ((160, 44), False),
    "job": ((160, 44), False),
    "groups": ((160, 44), False),
    "workers": ((120, 34), True),
    "metrics": ((160, 44), False),
    "flow": ((100, 24), False),
    "operations": ((120, 34), True),
    "preview": ((100, 30), False),
    "palette": ((100, 30), True),
    "form": ((100, 34), False),
    "production": ((120, 40), False),
    "filter": ((80, 24), False),
}


async def picture_svg(picture: Picture, size: tuple[int, int], *, light: bool) -> str:
    """Return a screen as SVG."""
    stage = Stage()

    async def connect() -> Stage:
        return stage

    terminal = Terminal(few_colors=False, no_color=False, ascii_only=False, remote=False, light=light, tmux=False)
    settings = Settings(production=picture.production, env="prod" if picture.production else "default")
    app = ConsoleApp(
        connect=connect,  # type: ignore[arg-type]
        settings=settings,
        terminal=terminal,
        clock=FrozenClock(),
        stopwatch=lambda: 0.0,
        zone=UTC,
        at=parse_location(picture.at),
    )
    async with app.run_test(size=size) as pilot:
        await take(pilot, picture)
        svg = screen_svg(app, picture)
    # Leading spaces are dropped by some renderers unless they are told to keep them.
    return re.sub(r"<text (class=)", r'<text xml:space="preserve" \1', svg)


def to_png(svg: str, path: Path) -> None:
    """Write an SVG as PNG."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "picture.svg"
        source.write_text(svg, encoding="utf-8")
        if (browser := next(filter(None, map(shutil.which, BROWSERS)), None)) is not None:
            width, height = (math.ceil(float(n)) for n in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
            options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={folder}/profile"]
            options += [f"--window-size={width},{height}", f"--screenshot={path.absolute()}"]
            subprocess.run([browser, *options, source.as_uri()], check=True, capture_output=True)
        elif (converter := shutil.which("rsvg-convert")) is not None:
            subprocess.run([converter, "--zoom", "0.8", "--output", str(path), str(source)], check=True)
        else:
            raise SystemExit("pictures need Chromium, or rsvg-convert (apt-get install librsvg2-bin)")


async def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in (*MODES, *DIALOGS):
        if picture.name in SHOWN:
            size, light = SHOWN[picture.name]
            to_png(await picture_svg(picture, size, light=light), folder / f"tui-{picture.name}.png")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
