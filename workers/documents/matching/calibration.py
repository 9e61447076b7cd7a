"""Logistic regressions that turn a pair's features into a score, and a score among its rivals into a confidence.

The coefficients are shipped as `coefficients.json`, written by `python -m workers.documents.matching.fit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import orjson

from workers.documents.matching import features, losses

Matrix = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

MARGIN_CAP = 5.0
PAIR_NAMES = (*features.NAMES, *losses.NAMES)
_OWN_NAMES = (
    "code_exact", "code_variant", "code_sibling", "code_foreign", "code_only_one", "stated_differs", "colour_differs",
    "numbers_differ", "price_far", "accessory", "plain_covered", "foreign_covered",
    "size_differs", "condition_differs", "parts_differ", "own_code_fitted", "nothing_left", "code_ending_differs",
)  # fmt: skip
_OWN = [features.NAMES.index(name) for name in _OWN_NAMES]
RIVAL_NAMES = (
    *_OWN_NAMES,
    "score", "score_low", "score_high", "ahead_in_line", "behind_in_line", "ahead_in_row", "behind_in_row",
    "outlook", "outlook_plain",
)  # fmt: skip
_OUTLOOK_PRIOR = 0.6
_OUTLOOK_LINES = 40


@dataclass(frozen=True, slots=True)
class Regression:
    """One logistic regression; `weights` has one number for each name, `bias` comes on top."""

    names: tuple[str, ...]
    weights: Matrix
    bias: float

    def logit(self, matrix: Matrix) -> Matrix:
        """Returns the log odds of each line of the matrix (columns in the order of `names`)."""
        found: Matrix = matrix @ self.weights + self.bias
        return found


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The pair's regressions and those that judge it among its rivals.

    `glance` knows the pair's features only; with what it takes for likely, `losses` are learnt, and `pair` knows both.
    `alone` judges lines that may be the same product; `competing` and then `settled`, which sees the rivals as
    `competing` judged them, where every row is for one line only.
    """

    glance: Regression
    pair: Regression
    competing: Regression
    settled: Regression
    alone: Regression

    def confidence(self, pairs: "Pairs", *, competing: bool) -> Matrix:
        """Returns the chance of each candidate pair to be true."""
        scores = self.pair.logit(with_losses(pairs, self.glance))
        for judge in (self.competing, self.settled) if competing else (self.alone,):
            scores = judge.logit(rivalry(scores, pairs, competing=competing))
        return _chance(scores)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidate pairs: numbers of line and row, one line of features and the words of one side only for each."""

    lines: Numbers
    rows: Numbers
    matrix: Matrix
    remainders: Sequence[losses.Remainder]


def with_losses(pairs: Pairs, glance: Regression) -> Matrix:
    """Returns the features of each pair in the order of PAIR_NAMES."""
    chances = _chance(glance.logit(pairs.matrix))
    return np.hstack([pairs.matrix, losses.weigh(pairs.lines, pairs.remainders, chances)])


def _chance(scores: Matrix) -> Matrix:
    chances: Matrix = 1 / (1 + np.exp(-scores))
    return chances


@cache
def shipped() -> Coefficients:
    """Returns the coefficients that come with the package."""
    stored = orjson.loads(resources.files(__package__).joinpath("coefficients.json").read_bytes())
    return Coefficients(
        glance=_regression(stored["glance"], features.NAMES),
        pair=_regression(stored["pair"], PAIR_NAMES),
        competing=_regression(stored["competing"], RIVAL_NAMES),
        settled=_regression(stored["settled"], RIVAL_NAMES),
        alone=_regression(stored["alone"], RIVAL_NAMES),
    )


def _regression(stored: dict[str, float], names: tuple[str, ...]) -> Regression:
    return Regression(names=names, weights=np.array([stored[name] for name in names]), bias=stored["bias"])


def rivalry(scores: Matrix, pairs: Pairs, *, competing: bool) -> Matrix:
    """Returns the features of each pair among its rivals, in the order of RIVAL_NAMES.

    Args:
        scores: log odds of each pair.
        pairs: the candidate pairs.
        competing: whether the other lines that could be the same row count.
    """
    lines, rows, matrix = pairs.lines, pairs.rows, pairs.matrix
    in_line = np.clip(scores - _best_other(scores, lines), -MARGIN_CAP, MARGIN_CAP)
    in_row = (
        np.clip(scores - _best_other(scores, rows), -MARGIN_CAP, MARGIN_CAP) if competing else np.zeros(len(scores))
    )
    outlook = _outlook(scores, lines)
    exact = matrix[:, features.NAMES.index("code_exact")]
    return np.column_stack(
        [
            matrix[:, _OWN],
            np.clip(scores, -6, 6),
            np.minimum(scores + 2, 0).clip(-6, 0),
            np.maximum(scores - 2, 0).clip(0, 6),
            np.maximum(in_line, 0),
            np.minimum(in_line, 0),
            np.maximum(in_row, 0),
            np.minimum(in_row, 0),
            np.full(len(scores), outlook),
            outlook * (1 - exact),
        ]
    )


def _outlook(scores: Matrix, lines: Numbers) -> float:
    """Returns the log odds that a line of this lot has a match at all, drawn towards the usual when lines are few."""
    if not len(scores):
        return 0.0
    best = np.full(int(lines.max()) + 1, -30.0)
    np.maximum.at(best, lines, scores)
    chances = 1 / (1 + np.exp(-best))
    mean = (chances.sum() + _OUTLOOK_PRIOR * _OUTLOOK_LINES) / (len(chances) + _OUTLOOK_LINES)
    return float(np.log(mean / (1 - mean)))


def _best_other(scores: Matrix, groups: Numbers) -> Matrix:
    """Returns, for each pair, the best score of the other pairs in its group (-inf when it is alone)."""
    if not len(scores):
        return scores
    size = int(groups.max()) + 1
    best = np.full(size, -np.inf)
    np.maximum.at(best, groups, scores)
    leader = np.full(size, -1, dtype=np.int64)
    leads = scores == best[groups]
    leader[groups[leads]] = np.flatnonzero(leads)
    second = np.full(size, -np.inf)
    others = np.ones(len(scores), dtype=bool)
    others[leader[leader >= 0]] = False
    np.maximum.at(second, groups[others], scores[others])
    return np.where(others, best[groups], second[groups])


def fit(matrix: Matrix, labels: Matrix, weights: Matrix, *, ridge: float = 1.0, names: tuple[str, ...]) -> Regression:
    """Returns the ridge logistic regression of the labels, by Newton's method.

    Args:
        matrix: one line for each pair; labels: 1.0 for a true match; weights: how much each pair counts.
        ridge: strength of the penalty on every weight but the bias.
    """
    design = np.column_stack([matrix, np.ones(len(matrix))])
    penalty = np.full(design.shape[1], ridge)
    penalty[-1] = 1e-6
    solution = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ solution, -30, 30)))
        slope = design.T @ (weights * (labels - chance)) - penalty * solution
        curve = (design * (weights * chance * (1 - chance))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        solution = solution + step
        if np.abs(step).max() < 1e-6:
            break
    return Regression(names=names, weights=solution[:-1], bias=float(solution[-1]))
