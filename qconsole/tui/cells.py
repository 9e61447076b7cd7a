"""Untrusted text cut, padded and wrapped to an exact number of terminal cells.

What goes through here has the same width in every terminal: control and bidi characters are written out, joiners,
variation selectors, skin tones and flags (whose width terminals disagree on) are taken apart, and piles of accents are
kept low.
"""

import re
from functools import lru_cache
from typing import Literal

from rich.cells import cell_len

from qconsole.text import visible

Align = Literal["left", "right", "center"]

_DISPUTED = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200c\u200d\u2061-\u2064\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff\ufdd0-\ufdef\ufffe\uffff]")
_ACCENTS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2})[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


@lru_cache(maxsize=2048)
def _plain(text: str) -> str:
    text = visible(text)
    text = _DISPUTED.sub("", text)
    text = _FLAG.sub(lambda match: chr(ord(match.group()) - 0x1F1E6 + ord("A")), text)
    text = _ACCENTS.sub(r"\1", _PRIVATE.sub("�", text))
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)


def plain(text: str, *, limit: int = 2000) -> str:
    """Return `text` as one safe line; what is beyond `limit` characters is dropped before any work is done on it."""
    if len(text) > limit:
        text = text[:limit] + "…"
    if text.isascii() and text.isprintable():
        return text
    return _plain(text)


def width(text: str) -> int:
    """Return the cells that safe text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, cells: int) -> str:
    """Return the longest start of safe text that fits, marked with an ellipsis when something was cut."""
    if cells <= 0:
        return ""
    if width(text) <= cells:
        return text
    if text.isascii():
        return text[: cells - 1] + "…"
    used, end = 0, 0
    for end, char in enumerate(text):  # noqa: B007 (the index is the answer)
        used += cell_len(char)
        if used > cells - 1:
            break
    return text[:end] + "…"


def cut_middle(text: str, cells: int) -> str:
    """Return safe text with its middle left out: for identifiers, whose two ends tell them apart."""
    if width(text) <= cells or cells < 5 or not text.isascii():
        return cut(text, cells)
    tail = (cells - 1) // 2
    return text[: cells - 1 - tail] + "…" + text[-tail:]


def fit(text: str, cells: int, align: Align = "left") -> str:
    """Return safe text in exactly `cells` cells."""
    text = cut(text, cells)
    space = cells - width(text)
    if space <= 0:
        return text
    if align == "right":
        return " " * space + text
    if align == "center":
        return " " * (space // 2) + text + " " * (space - space // 2)
    return text + " " * space


def wrap(text: str, cells: int, *, most: int = 10_000) -> list[str]:
    """Break untrusted text into safe lines of at most `cells` cells; line feeds break too, words are broken last."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        rest = plain(paragraph.replace("\t", "    "), limit=most)
        while True:
            head, rest = _break(rest, max(1, cells))
            lines.append(head)
            if not rest:
                break
            if len(lines) >= most:
                return [*lines, "…"]
    return lines


def _break(text: str, cells: int) -> tuple[str, str]:
    """Split safe text into what fits on a line and the rest, at a space when one is near the end."""
    if len(text) <= 3 * cells and width(text) <= cells:
        return text, ""
    if text[: cells + 1].isascii():
        end = cells
    else:
        used, end = 0, 0
        for end, char in enumerate(text):  # noqa: B007 (the index is the answer)
            used += cell_len(char)
            if used > cells:
                break
        end = max(1, end)
    space = text.rfind(" ", max(0, end - cells // 2), end + 1)
    if space > 0:
        return text[:space], text[space + 1 :]
    return text[:end], text[end:]
