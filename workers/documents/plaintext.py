"""Lays plain text out as a page of equally wide characters, so that columns made with spaces are columns.

Lines whose cells are parted by tabs, semicolons or bars are a grid instead.
"""

from __future__ import annotations

import re

from workers.documents.model import Grid, Page, Word
from workers.documents.spreadsheet import read_separated

_CHAR_WIDTH, _CHAR_HEIGHT, _PITCH = 5.0, 9.0, 11.0
_MAX_LINES = 20_000
_DRAWN = re.compile(r"[\s\-=_*+|.:]*")


def page_of_text(text: str) -> Page:
    """Return `text` as one page; quote marks of replies at the start of lines are dropped."""
    words: list[Word] = []
    lines = text.splitlines()[:_MAX_LINES]
    row = 0
    for line in lines:
        bare = re.sub(r"^(?:>\s?)+", "", line).expandtabs(8)
        if _DRAWN.fullmatch(bare):
            row += 1 if bare.strip() == "" else 0
            continue
        for match in re.finditer(r"[^\s|]+", bare):
            top = row * _PITCH
            words.append(
                Word(match[0], match.start() * _CHAR_WIDTH, top, match.end() * _CHAR_WIDTH, top + _CHAR_HEIGHT)
            )
        row += 1
    width = max((word.x1 for word in words), default=0.0)
    return Page(1, width, row * _PITCH, tuple(words))


def grids_in_text(text: str) -> list[Grid]:
    """Return the runs of two lines or more that one sign cuts into equally many cells, two by tabs, else three."""
    grids: list[Grid] = []
    lines = text.splitlines()[:_MAX_LINES]
    for separator, least in (("\t", 2), (";", 3), ("|", 3)):
        run: list[str] = []
        for line in [*lines, ""]:
            bare = line.strip(" ").removeprefix(separator) if separator == "|" else line.strip(" ")
            bare = bare.removesuffix(separator) if separator == "|" else bare
            if separator in bare and _DRAWN.fullmatch(bare):
                continue
            if run and bare.count(separator) != run[-1].count(separator):
                if len(run) > 1:
                    grids.append(read_separated("\n".join(run), separator))
                run = []
            if bare.count(separator) + 1 >= least:
                run.append(bare)
        if grids:
            break
    return grids
