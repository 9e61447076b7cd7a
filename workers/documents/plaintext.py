"""Lays plain text out as a page of equally wide characters, so that columns made with spaces are columns."""

from __future__ import annotations

import re

from workers.documents.model import Page, Word

_CHAR_WIDTH, _CHAR_HEIGHT, _PITCH = 5.0, 9.0, 11.0
_MAX_LINES = 20_000


def page_of_text(text: str) -> Page:
    """Return `text` as one page; quote marks of replies at the start of lines are dropped."""
    words: list[Word] = []
    lines = text.splitlines()[:_MAX_LINES]
    row = 0
    for line in lines:
        bare = re.sub(r"^(?:>\s?)+", "", line).expandtabs(8)
        if re.fullmatch(r"[\s\-=_*+|.]*", bare):
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
