"""Levels recognised text: whether its lines run across the picture, and how far they lean."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from workers.documents.model import Word


def sideways(boxes: Any) -> bool:
    """Tell whether most boxes of text are higher than wide, so that its lines run up or down the picture."""
    tall = sum(1 for box in boxes if _length(box[0], box[3]) > 1.5 * _length(box[0], box[1]))
    return tall > 0.5 * len(boxes)


def _length(one: Sequence[float], other: Sequence[float]) -> float:
    return math.hypot(float(one[0]) - float(other[0]), float(one[1]) - float(other[1]))


def level(found: Sequence[tuple[str, float, Any]]) -> list[Word]:
    """Return recognised words, rotated about the origin by the angle their long ones lean.

    Args:
        found: Text, score and the four corners (top left first, clockwise) of each word.
    """
    leans = [
        math.atan2(float(box[1][1]) - float(box[0][1]), float(box[1][0]) - float(box[0][0]))
        for text, _, box in found
        if len(text) >= 5 and abs(float(box[1][0]) - float(box[0][0])) > 20
    ]
    angle = statistics.median(leans) if len(leans) >= 3 else 0.0
    cosine, sine = math.cos(-angle), math.sin(-angle)
    words: list[Word] = []
    for text, score, box in found:
        corners = [(float(x) * cosine - float(y) * sine, float(x) * sine + float(y) * cosine) for x, y in box]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        middle, height = sum(ys) / 4, (ys[3] + ys[2] - ys[0] - ys[1]) / 2
        words.append(Word(text, min(xs), middle - height / 2, max(xs), middle + height / 2, float(score)))
    return words
