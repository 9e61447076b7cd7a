"""Folds library frames of a traceback, and compares the errors of two attempts. Pure; the text is untrusted."""

import difflib
import re
from dataclasses import dataclass

from qconsole.admin.views import AttemptView

MAX_LINES = 400
_FRAME = re.compile(r'^\s*File "(?P<path>[^"]*)", line \d+')
_LIBRARY = re.compile(
    r"site-packages|dist-packages|[/\\]lib[/\\]python\d|[/\\]qconsole[/\\]runtime[/\\]|<frozen |<string>"
)


@dataclass(frozen=True, slots=True)
class TracebackPart:
    """Lines that belong together; a `library` part is shown folded with its number of frames."""

    library: bool
    lines: tuple[str, ...]
    frames: int = 0


def fold(text: str) -> tuple[TracebackPart, ...]:
    """Split a traceback into our lines and runs of library frames; of a very long one the ends are kept."""
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        half = MAX_LINES // 2
        lines = [*lines[:half], f"  … {len(lines) - MAX_LINES} lines left out", *lines[-half:]]
    parts: list[TracebackPart] = []
    library, frames = False, 0
    run: list[str] = []
    for line in lines:
        frame = _FRAME.match(line)
        is_library = bool(_LIBRARY.search(frame["path"])) if frame else (library and line.startswith("    "))
        if is_library != library and run:
            parts.append(TracebackPart(library, tuple(run), frames))
            run, frames = [], 0
        library = is_library
        run.append(line)
        frames += bool(frame)
    if run:
        parts.append(TracebackPart(library, tuple(run), frames))
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class DiffLine:
    kind: str  # same | gone | new
    text: str


def _error_lines(attempt: AttemptView) -> list[str]:
    if attempt.error is None:
        return [f"outcome: {attempt.outcome}"]
    body = (attempt.error.traceback or "").splitlines()[-MAX_LINES:]
    return [f"{attempt.error.type}: {attempt.error.message}", *body]


def compare(before: AttemptView, after: AttemptView) -> tuple[DiffLine, ...]:
    """Return what changed between the errors of two attempts; empty when they are alike."""
    found = []
    for line in difflib.unified_diff(_error_lines(before), _error_lines(after), lineterm="", n=1):
        if line.startswith(("---", "+++", "@@")):
            continue
        kind = {"-": "gone", "+": "new"}.get(line[0], "same")
        found.append(DiffLine(kind, line[1:]))
    return tuple(found)
