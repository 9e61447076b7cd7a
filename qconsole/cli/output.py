"""The only writer to stdout. Data goes to stdout; talk, progress and errors go to stderr.

A table is for people (aligned, cut to the terminal's width, every control character shown), `json` and `jsonl` are for
programs and carry the schemas of `qconsole.admin.schema`.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TextIO, TypeVar

from qconsole.errors import ExitCode
from qconsole.text import cell_width, clip, printable_json, visible

T = TypeVar("T")


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its heading, how to read it from a row, and how it gives way when space is short."""

    title: str
    read: Callable[[Any], object]
    align: Literal["left", "right"] = "left"
    grow: bool = False  # takes what is left and is cut first
    gives: int = 0  # left out on a narrow terminal: 1 is the first to go; 0 stays, as ids do
    most: int = 0  # of the first column: cells it takes on a narrow terminal; a longer value has a line of its own


def width(text: str) -> int:
    return sum(cell_width(char) for char in text)


def _pad(text: str, cells: int, align: str) -> str:
    space = " " * max(0, cells - width(text))
    return space + text if align == "right" else text + space


GROWS_FROM = 16  # cells that a growing column keeps
ID_CELLS = 22  # ids that we make have 20


def _together(widths: Sequence[int]) -> int:
    """Return how wide columns of these widths are beside each other."""
    shown = [w for w in widths if w]
    return sum(shown) + 2 * (len(shown) - 1)


def _shown(entries: Sequence[T], widths: Sequence[int]) -> list[tuple[T, int]]:
    return [(entry, w) for entry, w in zip(entries, widths, strict=True) if w]


class Output:
    """Renders answers in the format that was asked for.

    Args:
        format: table, json or jsonl.
        stdout, stderr: where data and talk go.
        color: whether escape codes may be written (`NO_COLOR`, a pipe and `TERM=dumb` say no).
        quiet: suppress talk on stderr (errors are still written).
    """

    def __init__(
        self,
        *,
        format: Format,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        color: bool | None = None,
        quiet: bool = False,
    ) -> None:
        self.format = format
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.interactive = self.stdout.isatty()
        self.color = self._color_allowed() if color is None else color
        self.quiet = quiet

    def _color_allowed(self) -> bool:
        return self.interactive and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def data(self, document: Mapping[str, Any]) -> None:
        """Write one answer as JSON, or its items as one JSON document a line."""
        import orjson

        if self.format is Format.JSONL and "items" in document:
            for entry in document["items"]:
                self._line(printable_json(orjson.dumps(entry, default=str).decode()))
            return
        option = orjson.OPT_INDENT_2 if self.format is Format.JSON and self.interactive else 0
        self._line(printable_json(orjson.dumps(document, default=str, option=option).decode()))

    def table(self, rows: Iterable[Any], columns: Sequence[Column], *, empty: str = "nothing here") -> None:
        """Write rows under headings, numbers to the right; `empty` goes to stderr when there is no row."""
        cells = [[visible(_text(column.read(row))) for column in columns] for row in rows]
        if not cells:
            self.say(empty)
            return
        widths = self._widths(columns, cells)
        heading = "  ".join(_pad(clip(c.title, w), w, c.align) for c, w in _shown(columns, widths)).rstrip()
        self._line(f"\x1b[1m{heading}\x1b[0m" if self.color else heading)
        for row in cells:
            if width(row[0]) > widths[0]:
                self._line(row[0])
                row[0] = ""
            shown = zip(_shown(row, widths), _shown(columns, widths), strict=True)
            self._line("  ".join(_pad(clip(t, w), w, c.align) for (t, w), (c, _) in shown).rstrip())

    def _widths(self, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[int]:
        """Return each column's width, 0 for one that is left out."""
        widths = [max(width(c.title), *(width(row[i]) for row in cells)) for i, c in enumerate(columns)]
        if not self.interactive:
            return widths
        room = shutil.get_terminal_size((80, 24)).columns
        if columns[0].most and _together(widths) > room:
            widths[0] = min(widths[0], max(columns[0].most, width(columns[0].title)))
        least = [min(w, GROWS_FROM) if c.grow else w for w, c in zip(widths, columns, strict=True)]
        for i in sorted((i for i, c in enumerate(columns) if c.gives), key=lambda i: columns[i].gives):
            if _together(least) > room:
                least[i] = widths[i] = 0
        growing = [i for i, c in enumerate(columns) if c.grow and widths[i]]
        while (over := _together(widths) - room) > 0 and any(widths[i] > least[i] for i in growing):
            widest = max((i for i in growing if widths[i] > least[i]), key=lambda i: widths[i])
            widths[widest] = max(least[widest], widths[widest] - over)
        return widths

    def pairs(self, pairs: Iterable[tuple[str, object]]) -> None:
        """Write `name: value` lines, aligned; text with line feeds is indented below its name."""
        known = [(name, _text(value)) for name, value in pairs if value is not None and value != ""]
        room = max((len(name) for name, _ in known), default=0)
        for name, value in known:
            lines = visible(value, keep_newlines=True).split("\n")
            label = f"{name:<{room}}"
            if self.color:
                label = f"\x1b[2m{label}\x1b[0m"
            self._line(f"{label}  {lines[0]}".rstrip())
            for line in lines[1:]:
                self._line(f"{'':<{room}}  {line}".rstrip())

    def wrapped(self, text: str, *, indent: int) -> list[str]:
        """Return text in lines that fit the terminal beside an indent; in one where there is no terminal."""
        if not self.interactive or not text:
            return [text] if text else []
        from textwrap import wrap

        room = max(20, shutil.get_terminal_size((80, 24)).columns - indent)
        return wrap(text, room, break_long_words=False, break_on_hyphens=False)

    def text(self, line: str) -> None:
        """Write one line of data that is text by nature (a script, a metric exposition)."""
        self._line(line)

    def say(self, sentence: str) -> None:
        """Write talk to stderr, unless quiet."""
        if not self.quiet:
            self.stderr.write(visible(sentence, keep_newlines=True) + "\n")
            self.stderr.flush()

    def error(self, fields: Mapping[str, Any]) -> None:
        """Write an error to stderr: a sentence and its hint, or the document `error` under json."""
        if self.format is Format.TABLE:
            self.stderr.write(f"qconsole: {visible(str(fields['message']))}\n")
            if fields.get("hint"):
                self.stderr.write(f"  {visible(str(fields['hint']))}\n")
        else:
            import orjson

            told = orjson.dumps({"schema": "qconsole.error/v1", "error": dict(fields)}, default=str).decode()
            self.stderr.write(printable_json(told) + "\n")
        self.stderr.flush()

    def _line(self, line: str) -> None:
        self.stdout.write(line + "\n")


class Progress:
    """How far an operation or a search is: one line redrawn on a terminal, a plain line every five seconds else."""

    PLAIN_EVERY_S = 5.0
    DRAW_EVERY_S = 0.1

    def __init__(self, output: Output, *, verb: str) -> None:
        self._output = output
        self._verb = verb
        self._terminal = output.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._last_s = float("-inf") if self._terminal else time.monotonic()
        self._drawn = False

    def update(self, *, done: int, total: int, skipped: int, failed: int, rate_per_s: float | None) -> None:
        """Show the counts, no more often than the terminal or the log can use; a total of 0 is one nobody knows."""
        share = f"{(done + skipped + failed) / total:4.0%}  {done:,} of {total:,}" if total else f"{done:,}"
        rate = f", {rate_per_s:,.0f}/s" if rate_per_s else ""
        self._show(f"{self._verb}: {share} done, {skipped:,} skipped, {failed:,} failed{rate}")

    def searched(self, looked_at: int, *, found: int) -> None:
        """Show how far a search is, as often."""
        self._show(f"{self._verb}: {looked_at:,} looked at, {found:,} found; Ctrl-C ends it")

    def _show(self, line: str) -> None:
        now_s = time.monotonic()
        if self._output.quiet or now_s - self._last_s < (self.DRAW_EVERY_S if self._terminal else self.PLAIN_EVERY_S):
            return
        self._last_s = now_s
        if self._terminal:
            self._output.stderr.write(f"\r\x1b[2K{line}")
            self._drawn = True
        else:
            self._output.stderr.write(line + "\n")
        self._output.stderr.flush()

    def close(self) -> None:
        """Take the redrawn line away."""
        if self._drawn:
            self._output.stderr.write("\r\x1b[2K")
            self._output.stderr.flush()


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 slot`, `1,200 slots`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(ms: float | None) -> str:
    """Return a duration for people: `850 ms`, `12.4 s`, `3:05`, `2 h 10 m`, `4 d 3 h`."""
    if ms is None:
        return "–"
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} m"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def per_minute(rate: float) -> str:
    """Return a rate a minute for people: `1,200`, `0.2`, `<0.1`."""
    if 0 < rate < 0.05:
        return "<0.1"
    return f"{rate:,.0f}" if rate >= 9.95 or rate == 0 else f"{rate:.1f}"


def ago(ms: int | None, now_ms: int) -> str:
    """Return how long ago an instant was, or how far ahead it is (`in 3:05`)."""
    if ms is None:
        return "–"
    return duration(now_ms - ms) if ms <= now_ms else f"in {duration(ms - now_ms)}"


def instant(ms: int | None) -> str:
    """Return an instant as local time with its offset, to the second."""
    if ms is None:
        return "–"
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone().isoformat(sep=" ", timespec="seconds")


def pipe_closed() -> int:
    """Close standard output for good, so that the interpreter does not complain at exit, and return 141."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    return int(ExitCode.PIPE_CLOSED)
