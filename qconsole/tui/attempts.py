"""A job's attempts as lines: the timeline with its gaps, folded tracebacks, and what differs from the attempt before.
Pure.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from qconsole.admin.views import AttemptView, ErrorView, JobView
from qconsole.tui.cells import fit, plain, wrap
from qconsole.tui.document import DocLine, Folds, section
from qconsole.tui.drawn import Moment
from qconsole.tui.format import duration, instant
from qconsole.tui.skin import Span, badge

_FRAME = re.compile(r'\s*File "([^"]*)", line \d+, in ')
_LIBRARY = re.compile(r"site-packages|dist-packages|lib/python3|<frozen|/qconsole/runtime/|/arq/")
MOST_TRACE_LINES = 400


def timeline(view: JobView, cells: int, moment: Moment) -> list[DocLine]:
    """Return created → attempts → end, with what passed in between and a bar to scale where there is room."""
    row = view.row
    times = [t for t in (row.created_ms, row.due_ms, row.finished_ms) if t is not None]
    times += [t for a in view.attempts for t in (a.start_ms, a.end_ms) if t is not None]
    if not times:
        return []
    begin = row.created_ms if row.created_ms is not None else min(times)
    ended = row.finished_ms if row.finished_ms is not None else max(*times, moment.now_ms)
    track = min(48, cells - 58) if cells >= 78 else 0
    lines = [_step("○", "muted", "created", row.created_ms, "", moment, begin, ended, track)]
    last = row.due_ms if row.due_ms is not None and row.due_ms > begin else begin
    if last > begin:
        lines.append(_step("◌", "muted", "due", last, f"delayed {duration(last - begin)}", moment, begin, ended, track))
    for number, attempt in enumerate(view.attempts):
        gap = attempt.start_ms - last
        word = "waited" if number == 0 else "again after"
        if gap >= 1:
            lines.append(DocLine((("  │ ", "line"), (f"{word} {duration(gap)}", "muted"))))
        lines.append(_attempt_step(attempt, moment, begin, ended, track))
        last = attempt.end_ms if attempt.end_ms is not None else moment.now_ms
    if (running := _running(view)) is not None:
        if running.start_ms > last:
            word = "again after" if view.attempts else "waited"
            lines.append(DocLine((("  │ ", "line"), (f"{word} {duration(running.start_ms - last)}", "muted"))))
        lines.append(_attempt_step(running, moment, begin, ended, track))
    lines += _ending(view, last, begin, ended, track, moment)
    return lines


def _running(view: JobView) -> AttemptView | None:
    """Return the attempt that runs now; only those that ended are among a job's attempts."""
    row = view.row
    if row.state != "active" or row.started_ms is None or any(a.end_ms is None for a in view.attempts):
        return None
    number = max((a.attempt for a in view.attempts), default=0) + 1
    return AttemptView(max(number, row.attempts_made), row.started_ms, None, row.worker, "running")


def _ending(view: JobView, last: int, begin: int, ended: int, track: int, moment: Moment) -> list[DocLine]:
    row = view.row
    if row.finished_ms is not None:
        shape, style = badge(row.state)[0].split(" ")[0], badge(row.state)[1]
        note = f"total {duration(row.finished_ms - begin)}"
        return [_step(shape, style, row.state, row.finished_ms, note, moment, begin, ended, track)]
    if row.state == "active":
        return []
    if row.due_ms is not None and row.due_ms > moment.now_ms:
        note = f"runs in {duration(row.due_ms - moment.now_ms)}"
    else:
        note = f"{row.state.replace('_', ' ')} for {duration(moment.now_ms - last)}"
    return [DocLine((("  │ ", "line"), (note, "muted")))]


def _step(
    shape: str, style: str, word: str, ms: int | None, note: str, moment: Moment, begin: int, ended: int, track: int
) -> DocLine:
    spans: list[Span] = [
        (f"  {shape} ", style),
        (fit(word, 11), style),
        (fit(instant(ms, moment.now_ms, moment.zone), 10), "text"),
        (fit(note, 30), "muted"),
    ]
    if track and ms is not None:
        spans.append((" " + _track(ms, ms, begin, ended, track, "│"), style))
    return DocLine(tuple(spans))


def _attempt_step(attempt: AttemptView, moment: Moment, begin: int, ended: int, track: int) -> DocLine:
    running = attempt.end_ms is None
    shape, style = badge("running" if running else "ok" if attempt.outcome == "ok" else attempt.outcome)
    end = attempt.end_ms if attempt.end_ms is not None else moment.now_ms
    worker = plain(attempt.worker or "–", limit=40)
    spans: list[Span] = [
        (f"  {shape.split(' ')[0]} ", style),
        (fit(f"attempt {attempt.attempt}", 11), "text"),
        (fit(instant(attempt.start_ms, moment.now_ms, moment.zone), 10), "text"),
        (fit(duration(end - attempt.start_ms), 8, "right") + "  ", "strong"),
        (fit(attempt.outcome if not running else "running", 10), style),
        (fit(worker, 10), "muted"),
    ]
    if track:
        spans.append((" " + _track(attempt.start_ms, end, begin, ended, track, "━"), style))
    return DocLine(tuple(spans))


def _track(start: int, end: int, begin: int, ended: int, cells: int, mark: str) -> str:
    """Return a stretch of time to scale; however short, it is visible."""
    span = max(1, ended - begin)
    left = min(cells - 1, max(0, int((start - begin) / span * cells)))
    length = max(1, min(cells - left, round((end - start) / span * cells)))
    return " " * left + mark * length + " " * (cells - left - length)


def attempt_sections(
    attempts: Sequence[AttemptView], error: ErrorView | None, cells: int, folds: Folds, zone: tzinfo
) -> list[DocLine]:
    """Return one foldable entry an attempt, newest first: error, traceback, difference from the attempt before."""
    lines: list[DocLine] = []
    for place in range(len(attempts) - 1, -1, -1):
        attempt = attempts[place]
        newest = place == len(attempts) - 1
        last = error if newest and attempt.outcome not in {"ok", "running"} else None
        # Of the attempts, only the last error is kept with its traceback.
        shown = last if last is not None and (attempt.error is None or not attempt.error.traceback) else attempt.error
        before = next((a.error for a in reversed(attempts[:place]) if a.error is not None), None)
        lines += _attempt_section(attempt, shown, before, cells, folds, is_open=newest)
    if not attempts and error is not None:
        lines += error_lines(error, cells, folds, key="error")
    return lines


def _attempt_section(
    attempt: AttemptView, error: ErrorView | None, before: ErrorView | None, cells: int, folds: Folds, *, is_open: bool
) -> list[DocLine]:
    key = f"attempt:{attempt.attempt}:{attempt.start_ms}"
    word, style = badge("running" if attempt.end_ms is None else attempt.outcome)
    took = "" if attempt.end_ms is None else f"  {duration(attempt.end_ms - attempt.start_ms)}"
    if error is None:
        head: tuple[Span, ...] = (("    ", "text"), (f"attempt {attempt.attempt}  ", "strong"), (word + took, style))
        return [DocLine(head)]
    is_open = folds.is_open(key, is_open)
    note = f"{plain(error.type, limit=80)}: {plain(error.message, limit=300)}"
    spans: tuple[Span, ...] = (
        ("  ▾ " if is_open else "  ▸ ", "muted"),
        (f"attempt {attempt.attempt}  ", "strong"),
        (word + took, style),
        ("" if is_open else f"  {note}", "muted"),
    )
    lines = [DocLine(spans, fold=key, copy=lambda: as_report(error))]
    if is_open:
        lines += error_lines(error, cells, folds, key=key)
        lines += _difference(before, error, attempt.attempt, cells, folds, key)
    return lines


def error_lines(error: ErrorView, cells: int, folds: Folds, *, key: str) -> list[DocLine]:
    """Return an error's message and its traceback, with the frames of libraries folded."""
    lines = [DocLine((("    ", "text"), (plain(error.type, limit=120), "bad_strong")), copy=lambda: as_report(error))]
    wrapped = wrap(error.message, max(20, cells - 6))
    for text in wrapped if folds.is_open(f"{key}:message", False) else wrapped[:8]:
        lines.append(DocLine((("    ", "text"), (text, "text"))))
    if len(wrapped) > 8:
        lines.append(
            DocLine((("    ▸ ", "muted"), (f"{len(wrapped) - 8:,} lines of message", "muted")), fold=f"{key}:message")
        )
    if error.traceback:
        lines += _trace(error.traceback, cells, folds, key)
    return lines


def _trace(traceback: str, cells: int, folds: Folds, key: str) -> list[DocLine]:
    lines: list[DocLine] = []
    for number, (library, frames) in enumerate(_frames(traceback)):
        fold = f"{key}:frames:{number}"
        if library and not folds.is_open(fold, False):
            lines.append(DocLine((("    ▸ ", "muted"), (f"… {len(frames)} lines of libraries", "muted")), fold=fold))
            continue
        if library:
            lines.append(DocLine((("    ▾ ", "muted"), (f"{len(frames)} lines of libraries", "muted")), fold=fold))
        for frame in frames:
            where = _FRAME.match(frame)
            style = "faint" if library else "accent" if where else "text"
            for part in wrap(frame.strip() if where else frame, max(20, cells - 8))[:4]:
                lines.append(DocLine((("      " if where else "    ", "text"), (part, style))))
    return lines


def _frames(traceback: str) -> list[tuple[bool, list[str]]]:
    """Return the traceback's lines in runs of library frames and of the app's own."""
    runs: list[tuple[bool, list[str]]] = []
    library = False
    for line in traceback.rstrip().split("\n")[-MOST_TRACE_LINES:]:
        where = _FRAME.match(line)
        if where:
            library = bool(_LIBRARY.search(where.group(1)))
        elif line and not line[0].isspace():
            library = False
        if not runs or runs[-1][0] != library:
            runs.append((library, []))
        runs[-1][1].append(line)
    return runs


def _difference(
    before: ErrorView | None, error: ErrorView, attempt: int, cells: int, folds: Folds, key: str
) -> list[DocLine]:
    if before is None:
        return []
    if not before.traceback:  # like is compared with like
        error = replace(error, traceback=None)
    old, new = as_report(before).split("\n"), as_report(error).split("\n")
    if old == new:
        return [DocLine((("    same error as the attempt before", "muted"),))]
    fold = f"{key}:diff"
    is_open = folds.is_open(fold, False)
    arrow = "    ▾ " if is_open else "    ▸ "
    lines = [DocLine(((arrow, "muted"), ("what differs from the attempt before", "muted")), fold=fold)]
    if is_open:
        changes = difflib.unified_diff(old[-MOST_TRACE_LINES:], new[-MOST_TRACE_LINES:], lineterm="", n=1)
        for change in list(changes)[2:]:
            style = {"+": "added", "-": "removed", "@": "faint"}.get(change[:1], "muted")
            lines.append(DocLine((("      ", "text"), (plain(change, limit=cells), style))))
    return lines


def as_report(error: ErrorView) -> str:
    """Return an error as text to copy or compare."""
    return error.traceback.rstrip() if error.traceback else f"{error.type}: {error.message}"


def attempts_head(attempts: Sequence[AttemptView], allowed: int | None, made: int) -> DocLine:
    """Return the section's heading: how many of how many."""
    of = "" if allowed is None else f" of {allowed}"
    return section(
        "Attempts", f"{made}{of}" + (f", the newest {len(attempts)} kept" if made > len(attempts) > 0 else "")
    )
