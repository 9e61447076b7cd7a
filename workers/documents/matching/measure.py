"""Scores matches against the truth: best F1, recall at a precision, precision above a confidence."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from workers.documents.matching.catalogue import Match


@dataclass(frozen=True, slots=True)
class Score:
    """What a list of matches is worth, over all thresholds of confidence."""

    best_f1: float
    best_threshold: float
    recall_at_95: float
    precision_at_80: float
    recall_at_80: float
    calibration_error: float


def measure(matches: Iterable[Match], truth: set[tuple[str, str]]) -> Score:
    """Returns the score of the named rows; a line of the truth that is not named counts against the recall."""
    named = [match for match in matches if match.row_id is not None]
    named.sort(key=lambda match: -match.confidence)
    right = np.array([(match.line_id, match.row_id) in truth for match in named], dtype=np.float64)
    confidence = np.array([match.confidence for match in named])
    if not len(named) or not truth:
        return Score(0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
    wanted = len({line_id for line_id, _ in truth})
    found = np.cumsum(right)
    precision = found / np.arange(1, len(named) + 1)
    recall = found / wanted
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    best = int(np.argmax(f1))
    sure = confidence >= 0.8
    return Score(
        best_f1=float(f1[best]),
        best_threshold=float(confidence[best]),
        recall_at_95=float(recall[precision >= 0.95].max(initial=0.0)),
        precision_at_80=float(right[sure].mean()) if sure.any() else 1.0,
        recall_at_80=float(right[sure].sum() / wanted),
        calibration_error=_calibration_error(confidence, right),
    )


def _calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Returns the mean distance of stated and found precision over ten equal bands of confidence."""
    bands = np.minimum((confidence * 10).astype(int), 9)
    total = 0.0
    for band in range(10):
        inside = bands == band
        if inside.any():
            total += inside.sum() * abs(confidence[inside].mean() - right[inside].mean())
    return float(total / len(confidence))
