"""All that docs/performance.md shows, in one unattended run: python -m tests.benchmarks.full [--tiny] [--only WORD].

Each part is a process of its own that writes its figures to docs/measured/<part>.json; a part that fails is named at
the end, and keeps the file it had. The document's tables are made from these files. Meant for a quiet machine.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.tables import MEASURED, PAGE, make


@dataclass(frozen=True, slots=True)
class Part:
    """One benchmark.

    Args:
        name: of its file.
        command: the module and its options.
        tiny: options in place of these to try it with small numbers.
        minutes: what it takes about, on two cores; it is ended after three times as long.
    """

    name: str
    command: tuple[str, ...]
    tiny: tuple[str, ...]
    minutes: float


PARTS: Final = (
    Part("peers", ("tests.benchmarks", "--repeats", "3", "--share", "0.25"), ("--repeats", "1", "--share", "0.02"), 16),
    Part("console", ("tests.benchmarks.console",), ("--jobs", "3000"), 4),
    Part("growth", ("tests.benchmarks.growth",), ("--repeats", "1", "--share", "0.002"), 11),
    Part("cluster-1", ("tests.benchmarks.cluster", "--workers", "1"), ("--repeats", "1", "--jobs", "600"), 2),
    Part("cluster-2", ("tests.benchmarks.cluster", "--workers", "2"), ("--repeats", "1", "--jobs", "600"), 2),
    Part("tui", ("tests.tui.measure",), ("--jobs", "3000"), 3),
)


def run(part: Part, folder: Path, *, tiny: bool) -> str:
    """Run one part, its output shown as it comes; returns what went wrong, or nothing."""
    raw = folder / f"{part.name}.json"
    command = [sys.executable, "-m", *part.command, *(part.tiny if tiny else ()), "--raw", str(raw)]
    if tiny and part.name == "growth":
        command += ["--images", str(folder)]
    print(f"\n=== {part.name}, about {part.minutes:g} minutes: {' '.join(command[1:])}", flush=True)
    begun_s = time.monotonic()
    try:
        code = subprocess.run(command, check=False, timeout=part.minutes * 180).returncode
    except subprocess.TimeoutExpired:
        return f"it was ended after {part.minutes * 3:g} minutes"
    print(f"=== {part.name}: {(time.monotonic() - begun_s) / 60:.1f} minutes", flush=True)
    return f"exit code {code}" if code else ""


def main() -> int:
    """Parse the command line, run, and make the tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.full", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="try every part with small numbers; no file is kept")
    parser.add_argument("--only", default="", help="parts whose name holds this")
    asked = parser.parse_args()
    parts = [part for part in PARTS if asked.only in part.name]
    print(f"about {sum(part.minutes for part in parts):g} minutes" if not asked.tiny else "small numbers", flush=True)
    with tempfile.TemporaryDirectory(prefix="measured-") as scratch:
        folder = Path(scratch) if asked.tiny else MEASURED
        failed = {part.name: why for part in parts if (why := run(part, folder, tiny=asked.tiny))}
        text = make(PAGE.read_text(encoding="utf-8"), folder)
        if asked.tiny:
            print(text)
        else:
            PAGE.write_text(text, encoding="utf-8")
    for name, why in failed.items():
        print(f"failed: {name}: {why}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
