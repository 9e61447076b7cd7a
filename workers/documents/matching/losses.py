"""What a word that only one side has is worth, learnt without labels from the lot's own likely pairs.

A shop that seldom names colours loses them in true pairs as well, one that always gives the model loses none: the
less often the likely pairs lose a word, the more a pair that loses it is in doubt. These are the m-probabilities of
Fellegi and Sunter ("A Theory for Record Linkage", 1969), one for each word.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from workers.documents.matching.tokens import COLOUR_NAMES, Tokens

NAMES = ("losses_in_line", "losses_in_row", "worst_loss_in_line", "worst_loss_in_row")

_LIKELY = 0.6
_PRIOR_KIND = (5, 15)
_PRIOR_WORD = 2
_RAREST_LOSS = 0.02
_MOST = 8.0


class Remainder(NamedTuple):
    """What is left of a pair's words: those of one side only, and all that each side could have lost."""

    line_only: frozenset[str]
    row_only: frozenset[str]
    line_words: frozenset[str]
    row_words: frozenset[str]


def remainder(line: Tokens, row: Tokens) -> Remainder:
    """Returns the words of either side that the other one has in no place and no spelling; codes are judged apart."""
    return Remainder(_only(line, row), _only(row, line), line.plain, row.plain)


def _only(own: Tokens, other: Tokens) -> frozenset[str]:
    left = own.plain - other.words
    return left - other.forms - other.described - other.brand if left else left


def weigh(
    lines: npt.NDArray[np.int64], remainders: Sequence[Remainder], chances: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Returns the losses of each pair, in the order of NAMES.

    Args:
        lines: the number of each pair's line; remainders: the words of each pair.
        chances: how likely each pair is at first sight, 0 to 1; the likeliest pair of a line teaches.
    """
    teachers = [(remainders[pair], float(chances[pair])) for pair in _likely(lines, chances)]
    line_worth = _Worths((pair.line_words, pair.line_only, chance) for pair, chance in teachers)
    row_worth = _Worths((pair.row_words, pair.row_only, chance) for pair, chance in teachers)
    found = np.zeros((len(remainders), len(NAMES)))
    for number, pair in enumerate(remainders):
        if pair.line_only:
            worths = [line_worth[word] for word in pair.line_only]
            found[number, 0::2] = min(_MOST, sum(worths)) / 4, max(worths) / 2
        if pair.row_only:
            worths = [row_worth[word] for word in pair.row_only]
            found[number, 1::2] = min(_MOST, sum(worths)) / 4, max(worths) / 2
    return found


def _likely(lines: npt.NDArray[np.int64], chances: npt.NDArray[np.float64]) -> Collection[int]:
    best: dict[int, int] = {}
    for pair in np.flatnonzero(chances > _LIKELY).tolist():
        line = int(lines[pair])
        if line not in best or chances[pair] > chances[best[line]]:
            best[line] = pair
    return best.values()


class _Worths(dict[str, float]):
    """How much the loss of a word surprises: minus the logarithm of how often likely pairs lose it."""

    def __init__(self, pairs: Iterable[tuple[frozenset[str], frozenset[str], float]]) -> None:
        super().__init__()
        self._told: dict[str, float] = {}
        self._lost: dict[str, float] = {}
        for words, only, chance in pairs:
            for word in words:
                for name in (word, _kind(word)):
                    self._told[name] = self._told.get(name, 0.0) + chance
                    if word in only:
                        self._lost[name] = self._lost.get(name, 0.0) + chance

    def __missing__(self, word: str) -> float:
        kind = _kind(word)
        usual = (self._lost.get(kind, 0.0) + _PRIOR_KIND[0]) / (self._told.get(kind, 0.0) + _PRIOR_KIND[1])
        rate = (self._lost.get(word, 0.0) + _PRIOR_WORD * usual) / (self._told.get(word, 0.0) + _PRIOR_WORD)
        self[word] = worth = -math.log(max(_RAREST_LOSS, rate))
        return worth


def _kind(word: str) -> str:
    """Returns the kind whose usual rate stands in for a word that is seldom seen; no word is spelt like one."""
    if word in COLOUR_NAMES:
        return "(colour)"
    return "(number)" if word[0].isdigit() else "(word)"
